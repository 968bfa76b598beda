"""A finished inspection that people reviewed in QGIS, as labels in its photos.

A photo is used when something in it was reviewed, or added. Confirmed candidates are labels, rejected ones known false
alarms; candidates that nobody looked at count neither way. Elsewhere such a photo is taken as sound: who reviews it
adds what was missed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tenken.errors import FlightError, SettingsError
from tenken.exports.result import FinishedResult, read_result
from tenken.georeferencing.placement import Placement
from tenken.hashing import file_sha256
from tenken.notes import Note
from tenken.outputs.layers import Value
from tenken.running.progress import Progress
from tenken.running.results import GEOPACKAGE, finished_run
from tenken_training.annotations.classes import map_classes
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.near_duplicates import perceptual_hash
from tenken_training.annotations.review_labels import (
    ReviewedPhoto,
    add_drawn,
    add_redrawn,
    add_sightings,
    blank_unsure,
    path_of,
)
from tenken_training.annotations.review_places import places_of
from tenken_training.annotations.reviewed import AddedDefect, ReviewedDefect, added_defects, reviewed_defects
from tenken_training.annotations.source_files import sha256_of_files
from tenken_training.annotations.source_photos import Gathered, SourcePhoto


def is_review(root: Path) -> bool:
    """Tell whether a folder or file is the result of an inspection."""
    return (root / GEOPACKAGE).is_file() or root.suffix.lower() == ".gpkg"


def gather_review(root: Path, options: ImportOptions, progress: Progress) -> Gathered:
    """Make labels of a reviewed inspection.

    Raises
    ------
    SettingsError
        When nothing in it was reviewed, a photo changed since, or an entry cannot be understood.
    FlightError
        When the photos cannot be read.
    """
    folder = root.parent if root.is_file() else root
    if root.is_file() and root.name != GEOPACKAGE:
        raise SettingsError(f"{root}: give the folder of the results, whose package is called {GEOPACKAGE}")
    result, record = read_result(folder), finished_run(folder)
    reviewed, added = reviewed_defects(result), added_defects(result)
    if not reviewed and not added:
        raise SettingsError(
            f"{folder}: nobody reviewed anything in it; enter `review` in QGIS for some candidates, and save"
        )
    flight = options.photos or result.flight_path
    if not flight.exists():
        raise SettingsError(f"{flight}: the photos are no longer there; say with --photos where they are now")
    reviewed, added = _with_known_kinds(reviewed, added, options, folder)
    rows = {str(row["photo"]): row for row in result.records("photos")}
    photos = {name: ReviewedPhoto() for name in rows}
    add_sightings(result, reviewed, photos)
    placements = _placements(result, record, flight, rows, reviewed, added)
    add_redrawn(result, reviewed, placements, photos)
    add_drawn(added, placements, rows, photos, flight)
    blank_unsure(result, reviewed, placements, photos)
    kinds = options.kinds or tuple(sorted({str(row["kind"]) for row in result.records("sightings")}))
    used = {name: one for name, one in photos.items() if one.used}
    progress.start("read", len(used))
    made = []
    for name, one in sorted(used.items()):
        made.append(_source_photo(name, one, rows[name], flight, options.site or result.flight, kinds))
        progress.advance()
    skipped = len(photos) - len(used)
    notes: list[str] = [Note.of("import.not_reviewed", photos=Note.counted("photo", skipped))] if skipped else []
    notes.append(Note.of("import.taken_as_sound"))
    return Gathered("review", tuple(made), sha256_of_files([folder / GEOPACKAGE]), {}, kinds, notes)


def _placements(
    result: FinishedResult,
    record: Mapping[str, object],
    flight: Path,
    rows: Mapping[str, Mapping[str, Value]],
    reviewed: Mapping[str, ReviewedDefect],
    added: Sequence[AddedDefect],
) -> dict[str, Placement]:
    """Place the photos, where the map is needed at all."""
    if result.crs is None:
        if added:
            raise SettingsError(f"{added[0].where}: the photos have no place on the map; label them in a photo program")
        return {}
    if not any(defect.entered for defect in reviewed.values()) and not added:
        return {}
    settings = record["settings"]
    return places_of(result, settings if isinstance(settings, dict) else {}, flight, rows)


def _with_known_kinds(
    reviewed: Mapping[str, ReviewedDefect], added: Sequence[AddedDefect], options: ImportOptions, source: Path
) -> tuple[dict[str, ReviewedDefect], list[AddedDefect]]:
    """Map the kinds that people wrote, as the class names of any other source."""
    names = {defect.entered for defect in reviewed.values() if defect.entered} | {one.kind for one in added}
    targets = map_classes(names, options.classes, source)
    known = {
        identity: replace(defect, entered=targets[defect.entered].kind if defect.entered else None)
        for identity, defect in reviewed.items()
    }
    kinds = [(one, targets[one.kind].kind) for one in added]
    return known, [replace(one, kind=kind) for one, kind in kinds if kind is not None]


def _source_photo(
    name: str, one: ReviewedPhoto, row: Mapping[str, Value], flight: Path, site: str, kinds: tuple[str, ...]
) -> SourcePhoto:
    path = path_of(flight, name)
    if not path.is_file():
        raise SettingsError(f"{path}: is no longer there; say with --photos where the flight is now")
    sha256 = file_sha256(path)
    if row.get("sha256") not in (None, sha256):
        raise SettingsError(f"{path}: is not the photo that was inspected; restore it, or inspect the flight again")
    try:
        look = perceptual_hash(path)
    except FlightError as error:
        raise SettingsError(f"{path}: {error}") from None
    width, height = row.get("width_px"), row.get("height_px")
    if not isinstance(width, int) or not isinstance(height, int):
        raise SettingsError(f"{path}: the run kept no size of it; run `inspect report` on the results once")
    return SourcePhoto(
        path, name, site, None, width, height, sha256, look, tuple(one.labels), tuple(one.findings), tuple(one.absent),
        kinds,
    )  # fmt: skip
