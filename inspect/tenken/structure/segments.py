"""Parts of the structure: what gets one line in the repair list.

Polygons are cut across their long axis, lines along their chainage, and where there are no assets the ground
is cut into square cells that lie the same way on every flight. Lengths are those of the flight's CRS.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Polygon, STRtree
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from tenken.errors import SettingsError
from tenken.georeferencing.face import Face, FaceKind
from tenken.settings import Lang
from tenken.structure.assets import Asset

DEFAULT_WIDTH_M = 5.0
"""Full width of an asset drawn as a line without a width: a one-lane bridge."""
STATION_M = 20.0
"""Distance of numbered stations: No.0, No.1, … as in Japanese road surveys."""
SHORTEST_REST = 0.25
"""A last piece shorter than this share of a segment joins the one before."""
MOST_CELLS = 200_000
"""More cells than anybody can read: such an area needs assets or longer segments."""
FACE_WORDS: dict[Lang, dict[FaceKind, str]] = {
    "ja": {"vertical": "側面", "underside": "下面", "pipe": "周面"},
    "en": {"vertical": "side", "underside": "underside", "pipe": "surface"},
}
Status = Literal["seen", "too_coarse", "unusable_photo", "not_seen"]
_GRID_M = 0.001
"""Overlays snap to a millimetre: without it GEOS 3.14 loses whole polygons whose edges nearly coincide."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an asset that gets one line in the repair list. Geometry in the flight's CRS, or its face's chart."""

    segment_id: str
    asset_id: str | None
    name: str
    material: str | None
    geometry: MultiPolygon
    importance: dict[str, str]
    """Importance inputs on the national form's terms, as given with the asset."""
    element: str | None = None
    """deck, girder, …; None when not given."""
    exposure: str | None = None
    """Exposure class as given with the asset."""
    face: str | None = None
    """The face of the structure in whose chart the geometry is; None for the flight's CRS, in plan."""


@dataclass(frozen=True, slots=True)
class CoveragePatch:
    """An area of a segment and whether it was inspected."""

    segment_id: str
    status: Status
    photos: int
    """How many photos of this status show a part of the segment."""
    geometry: MultiPolygon
    resolution_mm: float | None = None
    """Effective resolution that all of the patch was seen with at least, mm per pixel; None when unknown."""


def make_segments(
    assets: Sequence[Asset], placed_area: BaseGeometry, *, segment_length_m: float = 10.0, lang: Lang = "en"
) -> tuple[Segment, ...]:
    """Cut assets into segments, or the ground into cells where there are no assets.

    Parameters
    ----------
    assets
        In the flight's CRS; segments follow their order, then the chainage.
    placed_area
        Union of the photos' footprints; cells cover it, assets are kept whether they were seen or not.
    segment_length_m
        Length of a station, and side of a cell.
    lang
        Of the word for the face in a segment's name.

    Raises
    ------
    SettingsError
        When the length is not positive, or cells would be too many.
    """
    if not segment_length_m > 0:
        raise SettingsError(f"segment length {segment_length_m:g} m: give a length above 0, as in 10")
    if not assets:
        return _cells(placed_area, segment_length_m)
    return tuple(segment for asset in assets for segment in _stations(asset, segment_length_m, lang))


def assign(geometries: Sequence[BaseGeometry | None], segments: Sequence[Segment]) -> list[str | None]:
    """Find the segment with the largest share of each geometry: of length for lines, of area for polygons.

    Ties go to the smaller id; a geometry outside of all segments, or None, gets None.
    """
    shapes = np.array([shapely.Point() if g is None else g for g in geometries], dtype=object)
    if not len(shapes) or not segments:
        return [None] * len(shapes)
    areas = np.array([segment.geometry for segment in segments], dtype=object)
    which, where = STRtree(areas).query(shapes, predicate="intersects")
    common = shapely.intersection(shapes[which], areas[where])
    is_line = shapely.get_dimensions(shapes[which]) == 1
    # Micrometres: what differs by less is a tie.
    share = np.round(np.where(is_line, shapely.length(common), shapely.area(common)), 6)
    best: dict[int, tuple[float, str]] = {}
    for shape, size, place in zip(which.tolist(), share.tolist(), where.tolist(), strict=True):
        found = (-size, segments[place].segment_id)
        best[shape] = min(found, best.get(shape, found))
    return [best[i][1] if i in best else None for i in range(len(shapes))]


def cuts_m(length_m: float, segment_length_m: float) -> list[float]:
    """Chainages at which something of this length is cut, both ends included.

    >>> cuts_m(32.0, 10.0)
    [0.0, 10.0, 20.0, 32.0]
    """
    whole = math.floor(length_m / segment_length_m + 1e-9)
    rest_m = length_m - whole * segment_length_m
    inner = [i * segment_length_m for i in range(1, whole + 1)]
    if inner and rest_m < SHORTEST_REST * segment_length_m:
        inner.pop()
    return [0.0, *inner, length_m]


def station_name(chainage_m: float) -> str:
    """Name a chainage as surveyors do.

    >>> station_name(30.0)
    'No.1+10'
    """
    number, rest_m = divmod(round(chainage_m, 2), STATION_M)
    return f"No.{number:.0f}+{rest_m:g}"


def _chainage(start_m: float, end_m: float) -> str:
    return f"{station_name(start_m)} ({round(start_m, 1):g}-{round(end_m, 1):g} m)"


def _stations(asset: Asset, segment_length_m: float, lang: Lang) -> list[Segment]:
    name = asset.name
    if asset.face is not None:
        pieces = _across_face(asset.face, segment_length_m)
        word = FACE_WORDS[lang][asset.face.kind]
        name = name if word in name else f"{name} {word}"
    elif isinstance(asset.geometry, MultiLineString):
        pieces = _along_line(asset.geometry, (asset.width_m or DEFAULT_WIDTH_M) / 2, segment_length_m)
    else:
        pieces = _across_polygon(asset.geometry, segment_length_m)
    return [
        Segment(
            segment_id=asset.asset_id if len(pieces) == 1 else f"{asset.asset_id}@{start_m:07.1f}",
            asset_id=asset.asset_id,
            name=name if len(pieces) == 1 else f"{name} {_chainage(start_m, end_m)}",
            material=asset.material,
            geometry=geometry,
            importance=asset.importance,
            element=asset.element,
            exposure=asset.exposure,
            face=None if asset.face is None else asset.face.name,
        )
        for start_m, end_m, geometry in pieces
    ]


def _across_face(face: Face, segment_length_m: float) -> list[tuple[float, float, MultiPolygon]]:
    """Cut a face's chart by the chainage; an underside across its long axis."""
    if face.kind == "underside":
        return _across_polygon(face.outline, segment_length_m)
    west, south, east, north = face.outline.bounds
    return [
        (a_m, b_m, MultiPolygon([shapely.box(west + a_m, south, west + b_m, north)]))
        for a_m, b_m in pairwise(cuts_m(east - west, segment_length_m))
    ]


def _across_polygon(area: MultiPolygon, segment_length_m: float) -> list[tuple[float, float, MultiPolygon]]:
    """Cut across the long axis of the smallest rectangle around; chainage starts at the western end."""
    box = shapely.minimum_rotated_rectangle(area)
    corners = shapely.get_coordinates(box)
    sides_m = [math.dist(a, b) for a, b in pairwise(corners[:3].tolist())]
    # To the micrometre, so that a square does not turn by rounding.
    side = 0 if round(sides_m[0], 6) >= round(sides_m[1], 6) else 1
    length_m = sides_m[side]
    cuts = cuts_m(length_m, segment_length_m)
    if len(cuts) == 2:
        return [(0.0, length_m, area)]
    ends = sorted(corners[side : side + 2].tolist(), key=lambda xy: (round(xy[0], 3), round(xy[1], 3)))
    (start_x, start_y), (end_x, end_y) = ends
    start = (start_x, start_y)
    angle_rad = math.atan2(end_y - start_y, end_x - start_x)
    lying = rotate(area, -angle_rad, origin=start, use_radians=True)
    west, south, _, north = lying.bounds
    pieces = []
    for number, (a_m, b_m) in enumerate(pairwise(cuts), 1):
        # The outermost cuts lie outside, so that no rounding leaves a rim.
        left = west + a_m - (1.0 if number == 1 else 0.0)
        right = west + b_m + (1.0 if number == len(cuts) - 1 else 0.0)
        piece = shapely.intersection(lying, shapely.box(left, south - 1, right, north + 1))
        if (piece := _polygons(rotate(piece, angle_rad, origin=start, use_radians=True))).area > 0:
            pieces.append((a_m, b_m, piece))
    return pieces


def _along_line(
    line: MultiLineString, half_width_m: float, segment_length_m: float
) -> list[tuple[float, float, MultiPolygon]]:
    """Cut along the chainage; parts that do not join go on counting where the one before ended."""
    merged = shapely.line_merge(line)
    pieces = []
    begin_m = 0.0
    for part in shapely.get_parts(merged):
        cuts = cuts_m(part.length, segment_length_m)
        lines = [substring(part, a, b) for a, b in pairwise(cuts)]
        bands = _bands(part, lines, half_width_m)
        pieces += [(begin_m + cuts[i], begin_m + cuts[i + 1], band) for i, band in enumerate(bands)]
        begin_m += part.length
    return pieces


def _bands(whole: LineString, lines: Sequence[BaseGeometry], half_width_m: float) -> list[MultiPolygon]:
    """Buffer pieces of a line so that they fill the whole line's band once, wedges at bends included."""
    flat = [piece.buffer(half_width_m, cap_style="flat", join_style="mitre") for piece in lines]
    own = [
        shapely.difference(area, shapely.union_all(flat[:i], grid_size=_GRID_M), grid_size=_GRID_M)
        for i, area in enumerate(flat)
    ]
    band = whole.buffer(half_width_m, cap_style="flat", join_style="mitre")
    wedges = shapely.difference(band, shapely.union_all(flat, grid_size=_GRID_M), grid_size=_GRID_M)
    for wedge in shapely.get_parts(wedges):
        nearest = int(np.argmin(np.round(shapely.distance(wedge, np.array(lines, dtype=object)), 6)))
        own[nearest] = shapely.union(own[nearest], wedge, grid_size=_GRID_M)
    return [_polygons(area) for area in own]


def _cells(placed_area: BaseGeometry, side_m: float) -> tuple[Segment, ...]:
    """Square cells at whole multiples of their side, wherever the photos show more than a sliver of one."""
    if placed_area.is_empty:
        return ()
    west, south, east, north = (math.floor(edge / side_m) for edge in placed_area.bounds)
    if (east - west + 1) * (north - south + 1) > MOST_CELLS:
        raise SettingsError(
            f"the photos span {(east - west + 1) * (north - south + 1):,} cells of {side_m:g} m; "
            "give an assets file or a longer segment length"
        )
    column, row = (axis.ravel() for axis in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1)))
    boxes = shapely.box(column * side_m, row * side_m, (column + 1) * side_m, (row + 1) * side_m)
    shapely.prepare(placed_area)
    near = np.flatnonzero(shapely.intersects(placed_area, boxes))
    shown = shapely.area(shapely.intersection(boxes[near], placed_area)) > _GRID_M * side_m
    return tuple(_cell(int(column[i]), int(row[i]), side_m, boxes[i]) for i in near[np.asarray(shown, dtype=bool)])


def _cell(column: int, row: int, side_m: float, box: Polygon) -> Segment:
    east, north = column * side_m, row * side_m
    return Segment(
        segment_id=f"cell{side_m:g}_{column}_{row}",
        asset_id=None,
        name=f"E {east:.10g} N {north:.10g}",
        material=None,
        geometry=MultiPolygon([box]),
        importance={},
    )


def _polygons(geometry: BaseGeometry) -> MultiPolygon:
    return MultiPolygon([part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"])
