"""A finished inspection that people reviewed in QGIS, as labels in its photos.

A photo is used when something in it was reviewed, or added. Confirmed candidates are labels, rejected ones known false
alarms; candidates that nobody looked at count neither way. Elsewhere such a photo is taken as sound: who reviews it
adds what was missed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Polygon, affinity

from tenken.errors import FlightError, SettingsError
from tenken.exports.result import FinishedResult, read_result
from tenken.georeferencing.placement import Placement
from tenken.hashing import file_sha256
from tenken.imagery.picture import load_photo
from tenken.measurement.find import LINEAR_KINDS
from tenken.outputs.layers import Value
from tenken.running.progress import Progress
from tenken.running.results import GEOPACKAGE, finished_run
from tenken_training.annotations.findings import Finding
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.lines import measure_line
from tenken_training.annotations.near_duplicates import perceptual_hash
from tenken_training.annotations.photo import Absence, Label, clean_area, clean_line
from tenken_training.annotations.review_places import BEND_PX, into_photo, places_of
from tenken_training.annotations.reviewed import AddedDefect, ReviewedDefect, added_defects, reviewed_defects
from tenken_training.annotations.source_files import sha256_of_files
from tenken_training.annotations.source_photos import Gathered, SourcePhoto

UNKNOWN_PX = 12.0
"""Around what is surely there, but not surely at this place of the photo, nothing counts."""
SHOWN_SHARE = 0.2
"""A photo shows a defect when so much of it lies inside."""


def is_review(root: Path) -> bool:
    """Tell whether a folder or file is the result of an inspection."""
    return (root / GEOPACKAGE).is_file() or root.suffix.lower() == ".gpkg"


@dataclass(slots=True)
class _OnePhoto:
    """What is known of one photo, as it is gathered."""

    labels: list[Label] = field(default_factory=list)
    absent: list[Absence] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    used: bool = False


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
    rows = {str(row["photo"]): row for row in result.records("photos")}
    photos = {name: _OnePhoto() for name in rows}
    _add_sightings(result, reviewed, photos)
    placements = _placements(result, record, flight, rows, reviewed, added)
    _add_redrawn(result, reviewed, placements, photos)
    _add_drawn(added, placements, rows, photos, flight)
    _blank_unsure(result, reviewed, placements, photos)
    kinds = options.kinds or tuple(sorted({str(row["kind"]) for row in result.records("sightings")}))
    used = {name: one for name, one in photos.items() if one.used}
    progress.start("read", len(used))
    made = []
    for name, one in sorted(used.items()):
        made.append(_source_photo(name, one, rows[name], flight, options.site or result.flight, kinds))
        progress.advance()
    skipped = len(photos) - len(used)
    notes = [f"{skipped} photos in which nothing was reviewed are not used"] if skipped else []
    notes.append("in the photos used, places without a candidate are taken as sound: add what was missed in QGIS")
    return Gathered("review", tuple(made), sha256_of_files([folder / GEOPACKAGE]), {}, kinds, notes)


def _add_sightings(
    result: FinishedResult, reviewed: Mapping[str, ReviewedDefect], photos: Mapping[str, _OnePhoto]
) -> None:
    """Take what the run saw in each photo: labels, known false alarms, and what nobody looked at."""
    for row in result.records("sightings"):
        photo, defect = photos[str(row["photo"])], reviewed.get(str(row["defect_id"]))
        photo.seen.add(str(row["defect_id"]))
        area = clean_area(shapely.from_wkt(str(row["outline_px"])))
        if area is None:
            continue
        if defect is None:
            photo.labels.append(Label(str(row["kind"]), area, ignore=True))
            continue
        photo.used = True
        if defect.rejected:
            photo.absent.append(Absence(str(row["kind"]), area))
        if defect.entered is not None and defect.redrawn is None:
            photo.labels.append(Label(defect.entered, area, _line(row, defect.entered)))


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


def _add_redrawn(
    result: FinishedResult,
    reviewed: Mapping[str, ReviewedDefect],
    placements: Mapping[str, Placement],
    photos: Mapping[str, _OnePhoto],
) -> None:
    """Take outlines that were changed on the map into each photo that the defect was seen in.

    A photo may lie a little off on the map: the outline is moved by as much as the old one lies off there.
    """
    for row in result.records("sightings"):
        defect = reviewed.get(str(row["defect_id"]))
        if defect is None or defect.redrawn is None or defect.before is None or defect.entered is None:
            continue
        name = str(row["photo"])
        seen = shapely.from_wkt(str(row["outline_px"]))
        old = _placed(placements.get(name), defect.before)
        new = _placed(placements.get(name), defect.redrawn)
        if old is None or new is None:
            continue
        (x, y), (was_x, was_y) = seen.centroid.coords[0], old.centroid.coords[0]
        _add(photos[name], defect.entered, affinity.translate(new, x - was_x, y - was_y), _size(placements[name], row))


def _add_drawn(
    added: Sequence[AddedDefect],
    placements: Mapping[str, Placement],
    rows: Mapping[str, Mapping[str, Value]],
    photos: Mapping[str, _OnePhoto],
    flight: Path,
) -> None:
    """Take what was drawn on the map into every photo that shows the place."""
    for one in added:
        shown = 0
        for name, placement in placements.items():
            size = _size(placement, rows[name])
            frame = shapely.box(0, 0, *size)
            if isinstance(one.shape, LineString):
                line = _placed_line(placement, one.shape)
                if line is None or shapely.intersection(line, frame).length < SHOWN_SHARE * line.length:
                    continue
                label = _measured(line, _path(flight, name), frame)
                if label is not None:
                    photos[name].labels.append(label)
            else:
                area = _placed(placement, one.shape)
                if area is None or shapely.intersection(area, frame).area < SHOWN_SHARE * area.area:
                    continue
                label = _add(photos[name], one.kind, area, size)
            if label is not None:
                photos[name].findings.append(Finding("added", name, one.where, one.kind, "", label.area.bounds))
                photos[name].used = True
                shown += 1
        if not shown:
            raise SettingsError(f"{one.where}: no photo shows this place; move or remove it in QGIS")


def _blank_unsure(
    result: FinishedResult,
    reviewed: Mapping[str, ReviewedDefect],
    placements: Mapping[str, Placement],
    photos: Mapping[str, _OnePhoto],
) -> None:
    """Let nothing count where a confirmed defect must be in a photo in which the run did not see it."""
    layer = result.layers["defects"]
    shapes = dict(zip(layer.column("id"), (shape for shape, _ in layer.rows), strict=True))
    sizes = {str(row["photo"]): row for row in result.records("photos")}
    for identity, defect in reviewed.items():
        shape = shapes.get(identity)
        if defect.entered is None or not isinstance(shape, MultiPolygon):
            continue
        for name, placement in placements.items():
            if not photos[name].used or identity in photos[name].seen:
                continue
            area = _placed(placement, shape)
            frame = shapely.box(0, 0, *_size(placement, sizes[name]))
            if area is not None and area.intersects(frame):
                unsure = clean_area(shapely.intersection(area.buffer(UNKNOWN_PX), frame))
                if unsure is not None:
                    photos[name].labels.append(Label(defect.entered, unsure, ignore=True))


def _source_photo(
    name: str, one: _OnePhoto, row: Mapping[str, Value], flight: Path, site: str, kinds: tuple[str, ...]
) -> SourcePhoto:
    path = _path(flight, name)
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


def _path(flight: Path, name: str) -> Path:
    return flight if flight.is_file() else flight / name


def _line(row: Mapping[str, Value], kind: str) -> LineString | None:
    """Give a crack's centre line, where it is a single one."""
    if kind not in LINEAR_KINDS or not row.get("centreline_px"):
        return None
    parts = shapely.get_parts(shapely.from_wkt(str(row["centreline_px"])))
    return clean_line(parts[0]) if len(parts) == 1 and isinstance(parts[0], LineString) else None


def _add(photo: _OnePhoto, kind: str, area: Polygon | MultiPolygon, size: tuple[int, int]) -> Label | None:
    inside = clean_area(shapely.intersection(shapely.make_valid(area), shapely.box(0, 0, *size)))
    if inside is None:
        return None
    label = Label(kind, inside)
    photo.labels.append(label)
    return label


def _measured(line: LineString, path: Path, frame: Polygon) -> Label | None:
    parts = [part for part in shapely.get_parts(shapely.intersection(line, frame)) if isinstance(part, LineString)]
    measured = measure_line(load_photo(path), max(parts, key=lambda part: part.length)) if parts else None
    if measured is None:
        return None
    return Label("crack", measured.area, clean_line(measured.line), drawn="line", assumed_width=measured.assumed)


def _placed(placement: Placement | None, shape: MultiPolygon) -> MultiPolygon | None:
    return None if placement is None else into_photo(placement, shape, _step_m(placement))


def _placed_line(placement: Placement, line: LineString) -> LineString | None:
    return into_photo(placement, line, _step_m(placement))


def _step_m(placement: Placement) -> float:
    foot = placement.footprint()
    if foot is None:
        return 0.5
    camera = getattr(placement, "camera", None)
    across_px = 4000.0 if camera is None else float(camera.width_px)
    return max(1e-3, BEND_PX * float(np.sqrt(foot.area)) / across_px)


def _size(placement: Placement, row: Mapping[str, Value]) -> tuple[int, int]:
    camera = getattr(placement, "camera", None)
    if camera is not None:
        return int(camera.width_px), int(camera.height_px)
    width, height = row.get("width_px"), row.get("height_px")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else (1, 1)
