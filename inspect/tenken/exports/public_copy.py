"""A copy fit to be published: photos without their data, after a person has looked at every one of them."""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from tenken.detection.cores import usable_cores
from tenken.detection.detect import Detector
from tenken.errors import FlightError, SettingsError
from tenken.exports.places import places_deg
from tenken.exports.private_regions import proposed_boxes
from tenken.exports.public_picture import inside, public_jpeg
from tenken.exports.public_review import (
    REVIEW_FILE,
    Box,
    PhotoDecision,
    missing_photos,
    read_review,
    start_review,
)
from tenken.exports.result import FinishedResult, read_result
from tenken.exports.target import target_folder, writing_to
from tenken.hashing import file_sha256
from tenken.imagery.picture import load_photo
from tenken.journal import write_atomically
from tenken.outputs.reviews import entered_kind
from tenken.running.progress import Progress
from tenken.wording import words

MANIFEST = "manifest.json"
DEFECTS = "defects.geojson"
PICTURES = "photo-*.jpg"
PLACE_DECIMALS = 3
"""Of degrees: 0.001 is about 100 m, so that a place names a structure and no spot on it."""


Confirmed = tuple[float, float, str]
"""Rounded longitude and latitude, and kind."""


@dataclass(frozen=True, slots=True)
class PublicCopy:
    """What a public copy holds."""

    folder: Path
    published: int
    """Photos."""
    withheld: int
    defects: int | None
    """Confirmed defects whose rounded places are published; None where they were not asked for."""
    unreviewed: int
    """Defects of the run that nobody has looked at."""


def export_public(
    folder: Path,
    dest: Path | None,
    flight: Path | None,
    progress: Progress,
    *,
    detector: Detector | None = None,
    with_defects: bool = False,
) -> PublicCopy:
    """Make the public copy, or the table that a person must fill in first.

    Parameters
    ----------
    folder
        The run's output; the table of decisions lies in it.
    dest
        Folder for the copy; ``public`` in the run's folder when None.
    flight
        Where the photos are now; where they were when None.
    detector
        Proposes boxes for photos that the table lacks.
    with_defects
        Add the places of confirmed defects, rounded to about 100 m.

    Raises
    ------
    SettingsError
        When photos have not been decided on, the table cannot be read, or the target cannot be written.
    FlightError
        When photos are missing or were changed since the run.
    """
    result = read_result(folder)
    root = flight or result.flight_path
    result = replace(result, flight_path=root)
    photos = {str(row["photo"]): str(row["sha256"]) for row in result.records("photos")}
    if root.is_file():
        raise SettingsError(
            f"{root}: is an orthomosaic, and a public copy is made of photos only: its place is what it shows"
        )
    review = folder / REVIEW_FILE
    if missing := missing_photos(review, photos):
        _check_originals(root, {photo: photos[photo] for photo in missing})
        proposed = {} if detector is None else _proposals(root, missing, detector, progress)
        start_review(review, photos, proposed)
        photos_left = words("en").counted("photo", len(missing))
        raise SettingsError(
            f"{review}: {photos_left} to look at: fill in decision (publish or withhold), looked_at_by, "
            "and blur_px for faces and plates, then give the same command again"
        )
    decisions = read_review(review, photos)
    _check_boxes(review, decisions, result)
    target = target_folder(result, dest or folder / "public")
    published = [one for one in decisions if one.publish]
    confirmed: Counter[Confirmed] | None = None
    with writing_to(target):
        _check_originals(root, photos)
        _clear(target)
        progress.start("write", len(published))
        with ThreadPoolExecutor(max_workers=usable_cores()) as pool:
            entries = list(pool.map(lambda it: _publish(root, target, it[0], it[1], progress), enumerate(published, 1)))
        if with_defects:
            confirmed = _confirmed(result, {one.photo for one in published})
            write_atomically(target / DEFECTS, _as_geojson(confirmed))
        manifest = {
            "statement": {lang: words(lang)("statement") for lang in ("ja", "en")},
            "reviewed": "a named person looked at every photo",
            "withheld_photos": len(decisions) - len(published),
            "photos": entries,
        }
        write_atomically(target / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return PublicCopy(
        folder=target,
        published=len(published),
        withheld=len(decisions) - len(published),
        defects=None if confirmed is None else confirmed.total(),
        unreviewed=sum(not row["review"] for row in result.records("defects")),
    )


def _check_originals(root: Path, photos: dict[str, str]) -> None:
    for photo, sha256 in photos.items():
        if not (root / photo).is_file():
            raise FlightError(f"{root / photo}: is not there: say where the photos are now with --flight")
        if file_sha256(root / photo) != sha256:
            raise FlightError(f"{root / photo}: was changed since the run: give the original with --flight")


def _check_boxes(review: Path, decisions: Sequence[PhotoDecision], result: FinishedResult) -> None:
    """Refuse a box that lies outside its photo: what it was meant to hide would be published."""
    sizes = {row["photo"]: (row.get("width_px"), row.get("height_px")) for row in result.records("photos")}
    for decision in decisions:
        width_px, height_px = sizes[decision.photo]
        if not isinstance(width_px, int) or not isinstance(height_px, int):
            raise SettingsError(f"{result.folder}: keeps no size of photos: run `inspect report {result.folder}` once")
        for box in decision.boxes:
            if inside(width_px, height_px, box) is None:
                shown = ",".join(map(str, box))
                size = f"{width_px} x {height_px} px"
                raise SettingsError(f"{review}: blur_px {shown} lies outside {decision.photo} ({size}); correct it")


def _proposals(root: Path, photos: Sequence[str], detector: Detector, progress: Progress) -> dict[str, tuple[Box, ...]]:
    progress.start("read", len(photos))
    proposed = {}
    for photo in photos:
        proposed[photo] = proposed_boxes(load_photo(root / photo), detector)
        progress.advance()
    return proposed


def _clear(target: Path) -> None:
    """Take an earlier copy away first: a photo that is withheld now must not stay."""
    there = sorted(target.iterdir())
    for path in there:
        name = path.name.removesuffix(".new")  # what a copy that was broken off may have left
        if name not in (MANIFEST, DEFECTS) and not PurePath(name).match(PICTURES):
            raise SettingsError(f"{target}: holds other files ({path.name}); give an empty folder with --dest")
    for path in there:
        path.unlink()


def _publish(root: Path, target: Path, number: int, decision: PhotoDecision, progress: Progress) -> dict[str, object]:
    image = load_photo(root / decision.photo)
    # Not the photo's own name, which can tell a place, a day or a person.
    path = target / f"photo-{number:04d}.jpg"
    write_atomically(path, public_jpeg(image, decision.boxes))
    progress.advance()
    return {
        "file": path.name,
        "sha256": file_sha256(path),
        "parent_sha256": decision.sha256,
        "width_px": image.shape[1],
        "height_px": image.shape[0],
        "blurred_boxes": len(decision.boxes),
    }


def _confirmed(result: FinishedResult, published: set[str]) -> Counter[Confirmed]:
    """Count what a person confirmed, by kind and rounded place, of photos that are published."""
    counts: Counter[Confirmed] = Counter()
    layer = result.layers["defects"]
    places = places_deg([shape for shape, _ in layer.rows], result.crs, PLACE_DECIMALS)
    for place, row in zip(places, result.records("defects"), strict=True):
        if row["review"] == "confirmed" and place is not None and row["photo"] in published:
            counts[place[1], place[0], entered_kind(str(row.get("review_kind") or row["kind"]))] += 1
    return counts


def _as_geojson(counts: Counter[Confirmed]) -> str:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon_deg, lat_deg]},
            "properties": {"kind": kind, "kind_ja": words("ja").kind(kind), "count": count},
        }
        for (lon_deg, lat_deg, kind), count in sorted(counts.items())
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1, ensure_ascii=False) + "\n"
