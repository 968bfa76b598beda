"""From a source to a data set: the steps in the order the data flows, joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tenken.errors import FlightError, SettingsError
from tenken.hashing import file_sha256
from tenken.imagery.picture import load_photo
from tenken.running.progress import Progress, Silence
from tenken_training.annotations.classes import map_classes
from tenken_training.annotations.dataset import (
    AnnotatedPhoto,
    Dataset,
    Source,
    Split,
    being_made,
    read_dataset,
    site_folder,
    write_dataset,
)
from tenken_training.annotations.findings import Finding
from tenken_training.annotations.formats import read_source
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.labelling import moved
from tenken_training.annotations.near_duplicates import near_pairs
from tenken_training.annotations.read_review import gather_review, is_review
from tenken_training.annotations.source_files import opened_source, sha256_of_files
from tenken_training.annotations.source_photos import Gathered, SourcePhoto, find_photos, label_photos, site_finder
from tenken_training.annotations.splits import Placed, assign_splits, split_of
from tenken_training.annotations.tiling import (
    LARGE_PX,
    cut_absences,
    cut_labels,
    keeps_empty_tile,
    tile_boxes,
    tile_bytes,
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    Parameters
    ----------
    dataset
        As it lies on the disk now.
    added
        Names of the photos that are new in it.
    format
        Of the source.
    findings
        What a person should look at.
    notes
        What a person must be told.
    """

    dataset: Dataset
    added: frozenset[str]
    format: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


Checker = Callable[[Dataset, frozenset[str], Sequence[Finding], Path], tuple[Finding, ...]]
"""Looks at a data set before it is put in place: its new photos, what was found so far, and the folder for pages."""


def import_annotations(
    source: Path, out: Path, options: ImportOptions, *, checker: Checker | None = None, progress: Progress | None = None
) -> Imported:
    """Import annotations and photos as a data set, or add them to one.

    Parameters
    ----------
    source
        File, folder or zip of annotations, or the output of a finished inspection.
    out
        The data set. It is written wholly or not at all.
    options
        The user's choices.
    checker
        Looks for suspicious labels and writes the pages that show them.
    progress
        Told what happens.

    Raises
    ------
    SettingsError
        When anything in the source cannot be used; the message names file, place and remedy.
    """
    progress, out = progress or Silence(), out.absolute()
    before = _before(out, options)
    if source.absolute() == out or out in source.absolute().parents:
        raise SettingsError(f"--out {out}: lies over the source {source}; give another folder")
    with opened_source(source) as root:
        gathered = _gather(source, root, options, progress)
        known = {photo.parent_sha256 or photo.sha256 for photo in before.photos}
        fresh, again = _new_ones(gathered.photos, known)
        if not fresh:
            raise SettingsError(f"{source}: all its {len(gathered.photos)} photos are in {out} already; nothing to add")
        splits, notes = _splits(before, fresh, options)
        with being_made(out) as partial:
            progress.start("import", len(fresh))
            made, findings = _write_photos(fresh, splits, gathered, before, options, partial, progress)
            dataset = replace(
                before,
                photos=tuple(sorted((*before.photos, *made), key=lambda photo: photo.name)),
                classes={**before.classes, **gathered.classes},
                sources=(*before.sources, Source(source.name, gathered.format, gathered.sha256)),
            )
            added = frozenset(photo.name for photo in made)
            found = (*findings, *again)
            if checker is not None:
                found = checker(dataset, added, found, partial)
            dataset = write_dataset(dataset)
    return Imported(dataset, added, gathered.format, tuple(found), (*gathered.notes, *notes))


def _before(out: Path, options: ImportOptions) -> Dataset:
    if options.append:
        return read_dataset(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"--out {out}: is there already; give another folder, or --append to add to a data set")
    return Dataset(out, out.name, ())


def _gather(source: Path, root: Path, options: ImportOptions, progress: Progress) -> Gathered:
    if options.format == "review" or (options.format == "auto" and is_review(root)):
        return gather_review(root, options, progress)
    drawn = read_source(root, options.format)
    targets = map_classes((one.class_name for photo in drawn.photos for one in photo.drawings), options.classes)
    roots = [options.photos] if options.photos is not None else [root if root.is_dir() else root.parent]
    if options.photos is None and source.suffix.lower() == ".zip":
        roots.append(source.parent)
    pairs, notes = find_photos(drawn.photos, roots, options)
    if not pairs:
        raise SettingsError(f"{source}: holds no photo with a label")
    progress.start("read", len(pairs))
    sites = site_finder(roots, options, source.stem if source.stem.lower() not in ("annotations", "") else source.name)
    photos = label_photos(pairs, targets, options, sites, progress.advance)
    kinds = options.kinds or tuple(sorted({label.kind for photo in photos for label in photo.labels}))
    if not kinds:
        raise SettingsError(f"{source}: no label is left; say with --kinds crack,corrosion what was looked for")
    classes = {name: target.kind or "" for name, target in targets.items()}
    return Gathered(drawn.format, tuple(photos), sha256_of_files(drawn.files), classes, kinds, [*drawn.notes, *notes])


def _new_ones(photos: Sequence[SourcePhoto], known: set[str]) -> tuple[list[SourcePhoto], list[Finding]]:
    """Leave photos out that are in the data set already, or twice in the source."""
    fresh, again = [], []
    for photo in photos:
        if photo.sha256 in known:
            again.append(Finding("same-photo", photo.name, str(photo.path), detail="left out"))
            continue
        known.add(photo.sha256)
        fresh.append(photo)
    return fresh, again


def _splits(before: Dataset, fresh: Sequence[SourcePhoto], options: ImportOptions) -> tuple[list[Split], list[str]]:
    old: dict[str, AnnotatedPhoto] = {}
    for photo in before.photos:
        old.setdefault(photo.parent_sha256 or photo.sha256, photo)
    there = list(old.values())
    placed = [Placed(photo.parent or photo.name, photo.site, photo.split) for photo in there]
    placed += [
        Placed(photo.name, photo.site, split_of(photo.split) if options.keep_splits else None) for photo in fresh
    ]
    looks = [int(photo.look or "0", 16) for photo in there] + [photo.look for photo in fresh]
    pairs = [(one, other) for one, other in near_pairs(looks) if other >= len(there) and looks[one] and looks[other]]
    splits, notes = assign_splits(placed, pairs, val=options.val, test=options.test, seed=options.seed)
    return splits[len(there) :], notes


def _write_photos(
    fresh: Sequence[SourcePhoto],
    splits: Sequence[Split],
    gathered: Gathered,
    before: Dataset,
    options: ImportOptions,
    partial: Path,
    progress: Progress,
) -> tuple[list[AnnotatedPhoto], list[Finding]]:
    """Copy or cut the photos into the folder."""
    taken = {photo.name.casefold() for photo in before.photos}
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
