"""The report's map: inline vector drawing in metres, north up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from tenken.assessment.grade import Finding
from tenken.identity.identify import Defect
from tenken.inspection import Inspection
from tenken.outputs.crops import scale_bar
from tenken.outputs.grades import severity, worst_grade
from tenken.outputs.layers import ranked
from tenken.outputs.plan_shapes import area_in_plan, line_in_plan, photo_in_plan
from tenken.outputs.report_pictures import Background
from tenken.structure.segments import CoveragePatch

ASPECT = 1.6
"""Width by height of the drawing."""

FINE_M, COARSE_M = 0.005, 0.03
"""How far a drawn outline may stray; coarse above `MANY` defects, to keep the report light."""
MANY = 1500


MOST_NUMBERS = 40
"""Ranks written into the map: more would cover what they number."""


@dataclass(frozen=True, slots=True)
class MapShape:
    """A shape of the map: SVG path data, what it is, and where its label or dot goes (metres, y down)."""

    identity: str
    css_class: str
    path: str
    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class MapPicture:
    """A picture below the map: where it lies (metres, y down), and its bytes."""

    x: float
    y: float
    width: float
    height: float
    picture: Background
    clip: str
    """SVG path data of the part that shows something; empty for all of it."""


@dataclass(frozen=True, slots=True)
class ReportMap:
    """Everything that a report draws. Lengths in metres, origin at the top left of the drawing."""

    width: float
    height: float
    within: tuple[float, float, float, float]
    """Left, top, width and height of what is drawn: less than the whole where that has another shape."""
    background: MapPicture | None
    footprints: tuple[MapShape, ...]
    coverage: tuple[MapShape, ...]
    """What was not seen, or not well enough."""
    segments: tuple[MapShape, ...]
    defects: tuple[MapShape, ...]
    scale_m: float
    scale_label: str


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the drawing's top left corner lies in the flight's CRS."""

    left_m: float
    top_m: float

    def path(self, shape: BaseGeometry, tolerance_m: float) -> str:
        """Write a shape as SVG path data, relative moves in millimetre steps."""
        simple = shapely.simplify(shape, tolerance_m)
        if simple.is_empty:
            simple = shape
        return "".join(self._ring(line, closed) for line, closed in _lines(simple))

    def xy(self, shape: BaseGeometry) -> tuple[float, float]:
        point = shape.representative_point()
        return round(point.x - self.left_m, 3), round(self.top_m - point.y, 3)

    def box(self, bounds: Sequence[float]) -> tuple[float, float, float, float]:
        left, bottom, right, top = bounds
        return (
            round(left - self.left_m, 3),
            round(self.top_m - top, 3),
            round(right - left, 3),
            round(top - bottom, 3),
        )

    def picture(self, background: Background) -> MapPicture:
        return MapPicture(
            round(background.left_m - self.left_m, 3),
            round(self.top_m - background.top_m, 3),
            round(background.right_m - background.left_m, 3),
            round(background.top_m - background.bottom_m, 3),
            background,
            "" if background.covered_m is None else self.path(background.covered_m, FINE_M),
        )

    def _ring(self, line: LineString, closed: bool) -> str:
        points = [f"{round(x - self.left_m, 3):g},{round(self.top_m - y, 3):g}" for x, y, *_ in line.coords]
        return f"M{' '.join(points[: -1 if closed else None])}{'z' if closed else ''}"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a drawing shows, each with its geometry there."""

    footprints: Sequence[tuple[str, BaseGeometry]]
    """By the photo's name."""
    segments: Sequence[tuple[Finding, BaseGeometry]]
    coverage: Sequence[tuple[CoveragePatch, BaseGeometry]]
    defects: Sequence[tuple[Defect, BaseGeometry, BaseGeometry]]
    """Outline, and what is drawn of it."""


def draw_map(inspection: Inspection, order: Sequence[str], background: Background | None = None) -> ReportMap | None:
    """Draw photos, coverage, segments and defects in plan; None when nothing has a place.

    ``order`` gives the ids of the defects in the order of the report, for the keyboard.
    """
    faces = inspection.faces
    findings = ranked(inspection.findings)
    placed = {one.id: one for one in inspection.defects if one.outline_m is not None}
    footprints = [(one.photo, photo_in_plan(one, faces)) for one in inspection.photos]
    return draw(
        Contents(
            footprints=[(name, shape) for name, shape in sorted(footprints, key=_first) if shape is not None],
            segments=[
                (one, shape)
                for one in findings
                if (shape := area_in_plan(one.segment.geometry, one.segment.face, faces)) is not None
            ],
            coverage=[
                # What was not seen of a face that a plan shows as a line would cover what was.
                (patch, patch.geometry)
                for one in findings
                for patch in one.coverage
                if one.segment.face is None
            ],
            defects=[
                (
                    one,
                    outline,
                    drawn_shape(outline, one.centreline_m and line_in_plan(one.centreline_m, one.face, faces)),
                )
                for one in (placed[identity] for identity in order if identity in placed)
                if (outline := area_in_plan(one.outline_m, one.face, faces)) is not None
            ],
        ),
        background,
    )


def draw(contents: Contents, background: Background | None = None) -> ReportMap | None:
    """Draw what is given, in its own coordinates, y up; None when there is nothing."""
    shapes = [shape for _, shape in contents.footprints]
    shapes += [shape for _, shape in contents.segments]
    shapes += [outline for _, outline, _ in contents.defects]
    shapes = [shape for shape in shapes if not shape.is_empty]
    if not shapes:
        return None
    frame, width, height = _frame(shapes)
    tolerance_m = COARSE_M if len(contents.defects) > MANY else FINE_M
    rough_m = max(tolerance_m, width / 4000)

    def shape(identity: str, css_class: str, geometry: BaseGeometry, label: str, strays_m: float) -> MapShape:
        return MapShape(identity, css_class, frame.path(geometry, strays_m), *frame.xy(geometry), label)

    length_m, label = scale_bar(1000.0, width / 5)
    return ReportMap(
        width=round(width, 3),
        height=round(height, 3),
        within=frame.box(shapely.total_bounds(shapes).tolist()),
        background=None if background is None else frame.picture(background),
        footprints=tuple(shape(name, "", area, name, rough_m) for name, area in contents.footprints),
        coverage=tuple(
            shape(patch.segment_id, f"c-{patch.status}", area, patch.status, rough_m)
            for patch, area in contents.coverage
            if patch.status != "seen" and not area.is_empty
        ),
        segments=tuple(
            shape(
                one.segment.segment_id,
                f"s-{_level(one.grade, one.grade_candidates)}" if one.assessed else "s-unseen",
                area,
                f"{one.rank}" if one.rank is not None and one.defect_ids and one.rank <= MOST_NUMBERS else "",
                rough_m,
            )
            for one, area in contents.segments
            if not area.is_empty
        ),
        defects=tuple(
            shape(one.id, f"k-{one.kind}", drawn, one.kind, tolerance_m)
            for one, outline, drawn in contents.defects
            if not outline.is_empty
        ),
        scale_m=length_m,
        scale_label=label,
    )


def drawn_shape(outline: MultiPolygon, centreline: MultiLineString | None) -> BaseGeometry:
    """Give what a map of many metres can show: a crack's line, else an area's outline."""
    return outline if centreline is None or centreline.is_empty else centreline


def _frame(shapes: list[BaseGeometry]) -> tuple[_Frame, float, float]:
    """Give a frame of `ASPECT` around all shapes, with a margin."""
    left, bottom, right, top = shapely.total_bounds(shapes)
    height = max(top - bottom, (right - left) / ASPECT, 1.0) * 1.08
    width = height * ASPECT
    return _Frame((left + right - width) / 2, (top + bottom + height) / 2), width, height


def _level(grade: str | None, candidates: tuple[str, ...]) -> str:
    level = severity(worst_grade(grade, candidates))
    return "none" if level is None else str(level)


def _lines(shape: BaseGeometry) -> Iterable[tuple[LineString, bool]]:
    """Give the lines of a shape, and whether each is a closed ring."""
    for part in shapely.get_parts(shape):
        if isinstance(part, Polygon):
            yield from ((ring, True) for ring in (part.exterior, *part.interiors))
        else:
            yield part, False


def _first(item: tuple[str, MultiPolygon | None]) -> str:
    return item[0]
