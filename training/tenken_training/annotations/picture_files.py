"""The pictures of a data set: photos as they are, or tiles of them, each with a name of its own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tenken.errors import FlightError, SettingsError
from tenken.hashing import file_sha256
from tenken.imagery.picture import load_photo
from tenken.running.progress import Progress
from tenken_training.annotations.dataset import AnnotatedPhoto, Dataset, Split, site_folder
from tenken_training.annotations.findings import Finding
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.labelling import moved
from tenken_training.annotations.source_photos import Gathered, SourcePhoto
from tenken_training.annotations.tiling import (
    LARGE_PX,
    cut_absences,
    cut_labels,
    keeps_empty_tile,
    tile_boxes,
    tile_bytes,
)


def write_photos(
    fresh: Sequence[SourcePhoto],
    splits: Sequence[Split],
    gathered: Gathered,
    before: Dataset,
    options: ImportOptions,
    partial: Path,
    progress: Progress,
) -> tuple[list[AnnotatedPhoto], list[Finding]]:
    """Say which pictures a data set gets: photos as they are, and the tiles of large ones, which are written.

    Returns
    -------
    The pictures with their labels, and what was found in the photos, told of the pictures.
    """
    taken = {_stem_of(photo).casefold() for photo in before.photos}
    made: list[AnnotatedPhoto] = []
    findings: list[Finding] = []
    for photo, split in zip(fresh, splits, strict=True):
        stem = _free_stem(photo, taken)
        whole = AnnotatedPhoto(
            name=stem + photo.path.suffix.lower(),
            path=photo.path,
            site=photo.site,
            split=split,
            width_px=photo.width_px,
            height_px=photo.height_px,
            sha256=photo.sha256,
            kinds=photo.kinds or gathered.kinds,
            labels=photo.labels,
            absent=photo.absent,
            look=f"{photo.look:016x}",
        )
        if options.tile_px and max(photo.width_px, photo.height_px) > LARGE_PX:
            tiles = _tiles(whole, photo, stem, options, partial / "images")
        else:
            tiles = [whole]
        made += tiles
        findings += [_told_of_tile(finding, tiles) for finding in photo.findings]
        progress.advance()
    return made, findings


def _tiles(
    whole: AnnotatedPhoto, photo: SourcePhoto, stem: str, options: ImportOptions, images: Path
) -> list[AnnotatedPhoto]:
    try:
        image = load_photo(photo.path)
    except FlightError as error:
        raise SettingsError(f"{photo.path}: {error}") from None
    tiles = []
    for box in tile_boxes(whole.width_px, whole.height_px, options.tile_px):
        labels, absent = cut_labels(whole.labels, box), cut_absences(whole.absent, box)
        shows = bool(absent) or any(not label.ignore for label in labels)
        if not shows and not keeps_empty_tile(photo.sha256, box, options.empty_share):
            continue
        content, ending = tile_bytes(image, box, photo.path)
        path = images / f"{stem}_{box[0]}_{box[1]}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        tiles.append(
            replace(
                whole,
                name=f"{stem}_{box[0]}_{box[1]}{ending}",
                path=path,
                width_px=box[2] - box[0],
                height_px=box[3] - box[1],
                sha256=file_sha256(path),
                labels=labels,
                absent=absent,
                parent=photo.name,
                parent_sha256=photo.sha256,
                offset_px=(box[0], box[1]),
            )
        )
    return tiles


def _stem_of(photo: AnnotatedPhoto) -> str:
    """Give the name without ending, of a tile that of its photo."""
    stem = photo.name.rsplit(".", 1)[0]
    return stem if photo.parent is None else stem.removesuffix(f"_{photo.offset_px[0]}_{photo.offset_px[1]}")


def _free_stem(photo: SourcePhoto, taken: set[str]) -> str:
    """Give a name below the site's folder that no other photo has, on Windows either."""
    parts = photo.name.rsplit(".", 1)[0].split("/")
    folder = site_folder(photo.site)
    for count in range(1, len(parts) + 1):
        stem = f"{folder}/{site_folder('_'.join(parts[-count:]))}"
        if stem.casefold() not in taken:
            break
    else:
        stem = f"{stem}_{photo.sha256[:8]}"
    taken.add(stem.casefold())
    return stem


def _told_of_tile(finding: Finding, tiles: Sequence[AnnotatedPhoto]) -> Finding:
    """Tell a finding of the tile that holds its middle."""
    box = finding.xyxy_px
    if box is not None:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        for tile in tiles:
            left, top = tile.offset_px
            if left <= x < left + tile.width_px and top <= y < top + tile.height_px:
                return moved(finding, tile.name, -left, -top)
    return finding if not tiles or len(tiles) > 1 else moved(finding, tiles[0].name)
