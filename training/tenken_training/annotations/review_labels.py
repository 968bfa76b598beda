"""What a review says of each photo: labels, known false alarms, and places that count neither way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Polygon, affinity

from tenken.errors import SettingsError
from tenken.exports.result import FinishedResult
from tenken.georeferencing.placement import Placement
from tenken.imagery.picture import load_photo
from tenken.measurement.find import LINEAR_KINDS
from tenken.outputs.layers import Value
from tenken.running.results import GEOPACKAGE
from tenken_training.annotations.findings import Finding
from tenken_training.annotations.json_place import FARTHEST_PX
from tenken_training.annotations.lines import measure_line
from tenken_training.annotations.photo import Absence, Label, clean_area, clean_line
from tenken_training.annotations.review_places import BEND_PX, into_photo
from tenken_training.annotations.reviewed import AddedDefect, ReviewedDefect

RESTORE = "`inspect report` writes it anew"
UNKNOWN_PX = 12.0
"""Around what is surely there, but not surely at this place of the photo, nothing counts."""
SHOWN_SHARE = 0.2
"""A photo shows a defect when so much of it lies inside."""


@dataclass(slots=True)
class ReviewedPhoto:
    """What is known of one photo, as it is gathered."""

    labels: list[Label] = field(default_factory=list)
    absent: list[Absence] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    used: bool = False


def add_sightings(
    result: FinishedResult, reviewed: Mapping[str, ReviewedDefect], photos: Mapping[str, ReviewedPhoto]
) -> None:
    """Take what the run saw in each photo: labels, known false alarms, and what nobody looked at."""
    for row in result.records("sightings"):
        photo, defect = photos.get(str(row["photo"])), reviewed.get(str(row["defect_id"]))
        if photo is None:
            raise SettingsError(f"{_place(result, row)}: photo {row['photo']} is not in the layer photos; {RESTORE}")
        photo.seen.add(str(row["defect_id"]))
        area = clean_area(_seen(result, row))
        if area is None:
            continue
        if defect is None:
            photo.labels.append(Label(str(row["kind"]), area, ignore=True))
            continue
        photo.used = True
        if defect.rejected:
            photo.absent.append(Absence(str(row["kind"]), area))
        if defect.entered is not None and defect.redrawn is None:
            photo.labels.append(Label(defect.entered, area, _line(result, row, defect.entered)))


def add_redrawn(
    result: FinishedResult,
    reviewed: Mapping[str, ReviewedDefect],
    placements: Mapping[str, Placement],
    photos: Mapping[str, ReviewedPhoto],
) -> None:
    """Take outlines that were changed on the map into each photo that the defect was seen in.

    A photo may lie a little off on the map: the outline is moved by as much as the old one lies off there.
    """
    for row in result.records("sightings"):
        defect = reviewed.get(str(row["defect_id"]))
        if defect is None or defect.redrawn is None or defect.before is None or defect.entered is None:
            continue
        name = str(row["photo"])
        seen = _seen(result, row)
        old = _placed(placements.get(name), defect.before)
        new = _placed(placements.get(name), defect.redrawn)
        if old is None or new is None:
            continue
        (x, y), (was_x, was_y) = (shapely.get_coordinates(shapely.centroid(one))[0].tolist() for one in (seen, old))
        _add(photos[name], defect.entered, affinity.translate(new, x - was_x, y - was_y), _size(placements[name], row))


def add_drawn(
    added: Sequence[AddedDefect],
    placements: Mapping[str, Placement],
    rows: Mapping[str, Mapping[str, Value]],
    photos: Mapping[str, ReviewedPhoto],
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
                label = _measured(line, path_of(flight, name), frame)
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


def blank_unsure(
    result: FinishedResult,
    reviewed: Mapping[str, ReviewedDefect],
    placements: Mapping[str, Placement],
    photos: Mapping[str, ReviewedPhoto],
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


def path_of(flight: Path, name: str) -> Path:
    """Give the file of a photo; an orthomosaic is the flight itself."""
    return flight if flight.is_file() else flight / name


def _seen(result: FinishedResult, row: Mapping[str, Value]) -> shapely.Geometry:
    """Read a sighting's outline in photo pixels."""
    shape = _shape(result, row, "outline_px")
    if not isinstance(shape, Polygon | MultiPolygon):
        raise SettingsError(f"{_place(result, row)}: outline_px is no outline; {RESTORE}")
    return shape


def _line(result: FinishedResult, row: Mapping[str, Value], kind: str) -> LineString | None:
    """Give a crack's centre line, where it is a single one."""
    if kind not in LINEAR_KINDS or not row.get("centreline_px"):
        return None
    parts = shapely.get_parts(_shape(result, row, "centreline_px"))
    return clean_line(parts[0]) if len(parts) == 1 and isinstance(parts[0], LineString) else None


def _shape(result: FinishedResult, row: Mapping[str, Value], column: str) -> shapely.Geometry:
    with np.errstate(all="ignore"):
        shape = shapely.from_wkt(str(row[column]), on_invalid="ignore")
    if shape is None or not (np.abs(shapely.get_coordinates(shape)) < FARTHEST_PX).all():
        raise SettingsError(f"{_place(result, row)}: {column} is no shape in a photo; {RESTORE}")
    return shape


def _place(result: FinishedResult, row: Mapping[str, Value]) -> str:
    return f"{result.folder / GEOPACKAGE}, sightings, {row['sighting_id']}"


def _add(photo: ReviewedPhoto, kind: str, area: Polygon | MultiPolygon, size: tuple[int, int]) -> Label | None:
    inside = clean_area(shapely.intersection(area, shapely.box(0, 0, *size)))
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


def _placed(placement: Placement | None, shape: MultiPolygon) -> Polygon | MultiPolygon | None:
    found = None if placement is None else into_photo(placement, shape, _step_m(placement))
    return None if found is None else clean_area(found)


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
