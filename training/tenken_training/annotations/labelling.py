"""From what was drawn in a photo to its labels: mapped, turned, mended, cut to the picture, given a width."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiPolygon, Polygon

from tenken.measurement.find import LINEAR_KINDS
from tenken_training.annotations.classes import Target
from tenken_training.annotations.drawings import Drawing, DrawnPhoto
from tenken_training.annotations.findings import Finding
from tenken_training.annotations.lines import ASSUMED_WIDTH_PX, measure_line
from tenken_training.annotations.orientation import Turn
from tenken_training.annotations.photo import Label, State, clean_area, clean_line

OUTSIDE_PX = 1.5
"""Editors round outwards by so much."""
TINY_PX = 4.0
SAME_IOU = 0.9

Picture = Callable[[], npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Labelling:
    """How drawings become labels.

    Parameters
    ----------
    targets
        What each class becomes.
    boxes_as_masks
        A box is taken as the defect's area.
    """

    targets: Mapping[str, Target]
    boxes_as_masks: bool = False


def labels_of(
    photo: DrawnPhoto, turn: Turn, size_px: tuple[int, int], picture: Picture, how: Labelling
) -> tuple[tuple[Label, ...], list[Finding]]:
    """Make the labels of a photo.

    Parameters
    ----------
    photo
        With its drawings.
    turn
        From the drawings' coordinates to pixels of the picture as displayed.
    size_px
        Its width and height as displayed.
    picture
        Gives its pixels, (h, w, 3) uint8 RGB; asked only where a line must be measured.
    how
        Class map and the rest.

    Returns
    -------
    The labels, and what a person should look at; ``photo`` of a finding is the photo's stated name.
    """
    labels: list[Label] = []
    findings: list[Finding] = []
    for drawing in photo.drawings:
        target = how.targets[drawing.class_name]
        if target.kind is None:
            continue
        found, said = _label(drawing, target, turn, size_px, picture, how)
        findings += [Finding(check, photo.name, drawing.where, target.kind, detail, at) for check, detail, at in said]
        if found is None:
            continue
        if any(_is_same(found, other) for other in labels):
            findings.append(Finding("duplicate", photo.name, drawing.where, found.kind, "", _box(found.area)))
            continue
        labels.append(found)
    return tuple(labels), findings


Said = tuple[str, str, tuple[float, float, float, float] | None]


def _label(
    drawing: Drawing,
    target: Target,
    turn: Turn,
    size_px: tuple[int, int],
    picture: Picture,
    how: Labelling,
) -> tuple[Label | None, list[Said]]:
    kind = target.kind or ""
    said: list[Said] = []
    if drawing.shape is None or shapely.is_empty(drawing.shape):
        return None, [("empty", "", None)]
    shape = shapely.transform(drawing.shape, turn)
    frame = shapely.box(0, 0, *size_px)
    if isinstance(shape, LineString):
        return _of_line(shape, drawing, target, frame, picture)
    if not shapely.is_valid(shape):
        said.append(("self-crossing", shapely.is_valid_reason(shape).split("[")[0], _box(shape)))
    whole = clean_area(shape)
    if whole is None:
        return None, [("empty", "", _box(shape))]
    if not frame.buffer(OUTSIDE_PX).contains(whole):
        share = 1 - shapely.intersection(whole, frame).area / whole.area
        said.append(("outside", f"{share:.0%} of it", _box(whole)))
    area = clean_area(shapely.intersection(whole, frame))
    if area is None:
        return None, said
    if area.area < TINY_PX:
        said.append(("tiny", f"{area.area:.1f} px", _box(area)))
    unknown = drawing.drawn == "box" and not how.boxes_as_masks and not drawing.box_counts
    if unknown:
        said.append(("box", "", _box(area)))
    line = None if drawing.line is None else _inside(shapely.transform(drawing.line, turn), frame)
    return (
        Label(
            kind,
            area,
            line,
            _state(kind, target, drawing),
            ignore=drawing.ignore or target.ignore or unknown,
            drawn=drawing.drawn,
            assumed_width=drawing.assumed_width,
        ),
        said,
    )


def _of_line(
    line: LineString, drawing: Drawing, target: Target, frame: Polygon, picture: Picture
) -> tuple[Label | None, list[Said]]:
    """Give a line its width: measured for cracks, assumed for what has no width of its own."""
    kind = target.kind or ""
    said: list[Said] = []
    if not frame.buffer(OUTSIDE_PX).contains(line):
        share = 1 - shapely.intersection(line, frame).length / max(line.length, 1e-9)
        said.append(("outside", f"{share:.0%} of it", _box(line)))
    inside = _inside(line, frame)
    if inside is None:
        return None, [*said, ("empty", "", _box(line))]
    ignore = drawing.ignore or target.ignore
    measured = measure_line(picture(), inside) if kind in LINEAR_KINDS else None
    if measured is None:
        area = clean_area(shapely.intersection(inside.buffer(ASSUMED_WIDTH_PX / 2), frame))
        middle, assumed = inside, True
    else:
        area, middle, assumed = measured.area, _inside(measured.line, frame) or inside, measured.assumed
    if area is None:
        return None, [*said, ("empty", "", _box(line))]
    if assumed:
        said.append(("width-assumed", f"{ASSUMED_WIDTH_PX:g} px", _box(area)))
    state = _state(kind, target, drawing)
    return Label(kind, area, clean_line(middle), state, ignore, "line", assumed_width=assumed), said


def _state(kind: str, target: Target, drawing: Drawing) -> State | None:
    return (target.state or drawing.state) if kind == "corrosion" else None


def _inside(line: LineString, frame: Polygon) -> LineString | None:
    """Cut a line at the picture's rim; of several pieces the longest."""
    parts = [part for part in shapely.get_parts(shapely.intersection(line, frame)) if isinstance(part, LineString)]
    if not parts:
        return None
    return clean_line(max(parts, key=lambda part: part.length))


def _is_same(one: Label, other: Label) -> bool:
    if one.kind != other.kind or one.state != other.state or not one.area.intersects(other.area):
        return False
    shared = shapely.intersection(one.area, other.area).area
    return bool(shared >= SAME_IOU * (one.area.area + other.area.area - shared))


def _box(shape: Polygon | MultiPolygon | LineString | shapely.Geometry) -> tuple[float, float, float, float]:
    left, top, right, bottom = shapely.bounds(shape).tolist()
    return left, top, right, bottom


def moved(finding: Finding, name: str, dx: float = 0, dy: float = 0) -> Finding:
    """Tell a finding of the photo that the data set holds."""
    box = finding.xyxy_px
    if box is None:
        return replace(finding, photo=name)
    return replace(finding, photo=name, xyxy_px=(box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy))
