"""Faces of an assets file: which rows are vertical faces, undersides or pipes, and their heights and sizes."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from tenken.errors import AssetsError
from tenken.georeferencing.crs import WGS84, grid_at
from tenken.georeferencing.face import Face, FaceKind, Frame
from tenken.georeferencing.pipe import Pipe
from tenken.georeferencing.underside import Underside
from tenken.georeferencing.vertical_face import Side, VerticalFace

FloatArray = npt.NDArray[np.float64]
Word = TypeVar("Word", FaceKind, Side)

FACES: dict[FaceKind, tuple[str, ...]] = {
    "vertical": ("vertical", "wall", "side", "側面", "鉛直面", "垂直面"),
    "underside": ("underside", "soffit", "下面", "底面"),
    "pipe": ("pipe", "cylinder", "column", "管", "円筒", "円柱"),
}
"""Words of the column ``face``; the first is the one that messages name."""

SIDES: dict[Side, tuple[str, ...]] = {
    "both": ("both", "両側", ""),
    "left": ("left", "左", "左側"),
    "right": ("right", "右", "右側"),
}

STEEPEST_RISE = 0.2
"""An underside that rises more per metre is measured wrong in plan by over 2 % (1 / cos)."""
UNEVEN_M = 0.3
"""Corners of an underside may lie so far off one plane."""
SHEET_M = 0.05
"""A polygon thinner than this in plan stands upright: area over half its outline."""
SHORTEST_M = 0.001
LARGEST_M = 100.0
"""No pipe or column has a larger radius."""


@dataclass(frozen=True, slots=True)
class FaceRow:
    """What a row says of its face."""

    number: int
    """From 1, for messages."""
    name: str
    kind: FaceKind
    side: Side
    radius_m: float | None
    bottom_m: float | None
    top_m: float | None
    height_m: float | None


def build_face(row: FaceRow, shape: BaseGeometry, crs: CRS, path: str) -> Face:
    """Make a face of a row.

    Parameters
    ----------
    row
        Its figures.
    shape
        In the flight's CRS, with heights where the file has them.
    crs
        The flight's metric CRS.
    path
        The file, for messages.

    Raises
    ------
    AssetsError
        When the geometry does not suit the kind of face, or a height or size is missing or impossible.
    """
    where = f"{path}: feature {row.number} ({row.name})"
    frame = _frame(shape, crs)
    if row.kind == "vertical":
        return _vertical(row, shape, frame, where)
    return _underside(row, shape, frame, where) if row.kind == "underside" else _pipe(row, shape, frame, where)


def _vertical(row: FaceRow, shape: BaseGeometry, frame: Frame, where: str) -> VerticalFace:
    xyz, side = _wall_line(row, shape, where)
    corners = _corners(frame.local(xyz)[:, :2])
    if len(corners) < 2:
        raise AssetsError(f"{where} is a vertical face without length in plan; draw its line as seen from above")
    bottom_m, top_m = _range(row, xyz[:, 2], where)
    return VerticalFace(row.name, frame, corners, bottom_m, top_m, side)


def _wall_line(row: FaceRow, shape: BaseGeometry, where: str) -> tuple[FloatArray, Side]:
    """Give (n, 3) points of the line, and from where it is seen; a polygon is a wall all round, seen from outside."""
    part = _one_part(shape, where)
    if part.geom_type == "LineString":
        return _xyz(part), row.side
    if not isinstance(part, Polygon):
        raise AssetsError(f"{where} is a vertical face and a {part.geom_type}; draw a line, or a polygon for a pier")
    if part.area < SHEET_M * part.length / 2.0:
        # A wall drawn in space: a line in plan.
        xyz = _xyz(part.exterior)
        apart = np.linalg.norm(xyz[:, None, :2] - xyz[None, :, :2], axis=2)
        first, last = np.unravel_index(int(np.argmax(apart)), apart.shape)
        line = np.vstack([xyz[min(first, last)], xyz[max(first, last)]])
        line[:, 2] = np.nan if np.isnan(xyz[:, 2]).any() else [xyz[:, 2].min(), xyz[:, 2].max()]
        return line, row.side
    # Counter-clockwise, so that the outside is on the right.
    return _xyz(orient(part).exterior), "right"


def _range(row: FaceRow, heights_m: FloatArray, where: str) -> tuple[float, float]:
    known = heights_m[np.isfinite(heights_m)]
    spread = len(known) > 0 and np.ptp(known) > 0
    bottom_m = row.bottom_m if row.bottom_m is not None else (float(known.min()) if len(known) else None)
    top_m = row.top_m if row.top_m is not None else (float(known.max()) if spread else None)
    if bottom_m is None or top_m is None:
        missing = "bottom_m" if bottom_m is None else "top_m"
        raise AssetsError(
            f"{where} is a vertical face without {missing}; fill bottom_m and top_m (下端高, 上端高), metres"
        )
    if not bottom_m < top_m:
        raise AssetsError(f"{where}: its bottom ({bottom_m:g} m) is not below its top ({top_m:g} m); exchange them")
    return bottom_m, top_m


def _underside(row: FaceRow, shape: BaseGeometry, frame: Frame, where: str) -> Underside:
    polygons = [part for part in shapely.get_parts(shapely.force_2d(shapely.make_valid(shape))) if part.area > 0]
    if not polygons or shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise AssetsError(f"{where} is an underside and no polygon; draw its outline as seen from above")
    outline = MultiPolygon([part for part in polygons if part.geom_type == "Polygon"])
    if row.height_m is not None:
        return Underside(row.name, frame, outline, row.height_m, np.zeros(2))
    local = frame.local(_xyz(shape))
    if np.isnan(local[:, 2]).any():
        raise AssetsError(f"{where} is an underside without height_m; fill it (面高), metres, or draw it with heights")
    terms = np.column_stack([np.ones(len(local)), local[:, :2]])
    solution = np.linalg.lstsq(terms, local[:, 2], rcond=None)[0]
    if np.abs(terms @ solution - local[:, 2]).max() > UNEVEN_M or np.hypot(*solution[1:]) > STEEPEST_RISE:
        raise AssetsError(
            f"{where}: the heights of its corners lie on no level or slightly sloped plane; "
            "cut it into flat parts, or give a vertical face"
        )
    return Underside(row.name, frame, outline, float(solution[0]), np.asarray(solution[1:], dtype=np.float64))


def _pipe(row: FaceRow, shape: BaseGeometry, frame: Frame, where: str) -> Pipe:
    if row.radius_m is None:
        raise AssetsError(f"{where} is a pipe without radius_m or diameter_m; fill one (半径, 直径), metres")
    part = _one_part(shape, where)
    if part.geom_type == "Point":
        xyz = np.repeat(_xyz(part), 2, axis=0)
        xyz[:, 2] = _range(row, xyz[:, 2], where)
    elif part.geom_type == "LineString":
        xyz = _xyz(part)
        if row.height_m is not None:
            xyz[:, 2] = row.height_m
    else:
        raise AssetsError(f"{where} is a pipe and a {part.geom_type}; draw its axis, or a point for a round pier")
    if np.isnan(xyz[:, 2]).any():
        raise AssetsError(
            f"{where} is a pipe without height_m; fill that of its axis (面高), metres, or draw it in 3-D"
        )
    corners = _corners(frame.local(xyz))
    if len(corners) < 2:
        raise AssetsError(
            f"{where} is a pipe without length; draw its axis, or fill bottom_m and top_m of a round pier"
        )
    return Pipe(row.name, frame, corners, row.radius_m)


def _one_part(shape: BaseGeometry, where: str) -> BaseGeometry:
    joined = shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape
    parts = shapely.get_parts(joined)
    if len(parts) != 1:
        raise AssetsError(f"{where} has {len(parts)} pieces that do not join; make a feature of each")
    part: BaseGeometry = parts[0]
    return part


def _frame(shape: BaseGeometry, crs: CRS) -> Frame:
    easting_m, northing_m = shapely.get_coordinates(shape)[0].tolist()
    to_degrees = Transformer.from_crs(crs, WGS84, always_xy=True)
    scale, _ = grid_at(crs, *to_degrees.transform(easting_m, northing_m))
    return Frame(np.array([easting_m, northing_m]), scale)


def _xyz(shape: BaseGeometry) -> FloatArray:
    """(n, 3) coordinates, the height NaN where there is none."""
    return np.asarray(shapely.get_coordinates(shape, include_z=True), dtype=np.float64)


def _corners(points_m: FloatArray) -> FloatArray:
    """Leave out points that repeat the one before."""
    steps = np.linalg.norm(np.diff(points_m, axis=0), axis=1)
    kept: FloatArray = points_m[np.concatenate([[True], steps > SHORTEST_M])]
    return kept


def number_in(text: str, what: str, where: str, *, positive: bool = False) -> float | None:
    """Read metres from a cell; None where it is empty.

    Raises
    ------
    AssetsError
        When it is no number, or not in the range of heights or radii.
    """
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    low, high = (0.0, LARGEST_M) if positive else (-1000.0, 10_000.0)
    if not low < value < high:
        raise AssetsError(f"{where} has {what} {text!r}; give metres, as in {'0.6' if positive else '12.5'}")
    return value


def word_in(text: str, table: Mapping[Word, tuple[str, ...]], what: str, where: str) -> Word:
    """Read a word of a table.

    Raises
    ------
    AssetsError
        When it is none of them.
    """
    for key, words in table.items():
        if unicodedata.normalize("NFKC", text).casefold() in words:
            return key
    known = ", ".join(f"{words[0]} ({next(w for w in words if not w.isascii())})" for words in table.values())
    raise AssetsError(f"{where} has {what} {text!r}; give {known}, or leave it empty")
