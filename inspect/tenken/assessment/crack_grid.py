"""Cracked share of a square grid's cells (ひび割れ率), as roads are judged by it.

In the field a sheet of 0.5 m cells is laid over the sketch of the cracks. A line counts 0.3 m wide: one crack through a
cell is 0.15 m² of its 0.25 m², so 60 %, and a cell with several cracks counts whole. Where the sheet lies is chance, so
it is laid in four ways here, half a cell apart, and the least and the largest share are given.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString, MultiPolygon, STRtree
from shapely.geometry.base import BaseGeometry

from tenken.assessment.standards import Grid

LEAST_CRACK_M = 0.05
"""Less of a crack in a cell only cuts its corner [P]."""
_SHIFTS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5))
_BLOCK = 20_000
"""Pairs of crack and cell that are cut at a time, which bounds the memory."""

FloatArray = npt.NDArray[np.float64]


def crack_ratio_pct(
    cracks: Sequence[LineString | MultiLineString], seen: MultiPolygon, along: BaseGeometry, grid: Grid
) -> tuple[float, float] | None:
    """Give the least and the largest cracked share of what was seen, over four ways to lay the grid.

    Parameters
    ----------
    cracks
        Centre lines, one a crack, in metres.
    seen
        What was seen of the segment; cells count by the part of them that lies in it.
    along
        The segment's outline: the grid lies along the long side of the smallest rectangle around it.
    grid
        Side of a cell, and what a cell with one crack or with several counts.

    Returns
    -------
    Two percentages, or None where nothing was seen.

    Examples
    --------
    >>> grid = Grid(cell_m=0.5, one_crack_pct=60, several_cracks_pct=100)
    >>> area = MultiPolygon([shapely.box(0, 0, 5, 2)])
    >>> crack_ratio_pct([LineString([(0, 0.9), (5, 0.9)])], area, area, grid)
    (15.0, 15.0)
    """
    if seen.is_empty:
        return None
    turn_rad = -_direction_rad(along)
    lines = np.array([_turned(crack, turn_rad) for crack in cracks], dtype=object)
    area, frame = _turned(seen, turn_rad), _turned(along, turn_rad)
    shapely.prepare(area)
    west, south, _, _ = frame.bounds
    ratios = [_ratio_pct(lines, area, (west + x * grid.cell_m, south + y * grid.cell_m), grid) for x, y in _SHIFTS]
    return min(ratios), max(ratios)


def _ratio_pct(lines: npt.NDArray[np.object_], area: BaseGeometry, origin_m: tuple[float, float], grid: Grid) -> float:
    cells = _cells(area, origin_m, grid.cell_m)
    seen_m2 = shapely.area(shapely.intersection(cells, area))
    cells, seen_m2 = cells[seen_m2 > 0], seen_m2[seen_m2 > 0]
    count, length_m = _cracks_in(cells, lines)
    # More of cracks than the diagonal is more than one straight crack can be: branches, or a net.
    several = (count > 1) | (length_m > math.sqrt(2) * grid.cell_m * (1 + 1e-9))
    counted_pct = np.where(several, grid.several_cracks_pct, np.where(count == 1, grid.one_crack_pct, 0.0))
    return round(float(np.sum(counted_pct * seen_m2) / np.sum(seen_m2)), 4)


def _cells(area: BaseGeometry, origin_m: tuple[float, float], cell_m: float) -> npt.NDArray[np.object_]:
    west, south, east, north = area.bounds
    columns = np.arange(math.floor((west - origin_m[0]) / cell_m), math.ceil((east - origin_m[0]) / cell_m))
    rows = np.arange(math.floor((south - origin_m[1]) / cell_m), math.ceil((north - origin_m[1]) / cell_m))
    x, y = (axis.ravel() for axis in np.meshgrid(origin_m[0] + columns * cell_m, origin_m[1] + rows * cell_m))
    return np.atleast_1d(np.asarray(shapely.box(x, y, x + cell_m, y + cell_m), dtype=object))


def _cracks_in(
    cells: npt.NDArray[np.object_], lines: npt.NDArray[np.object_]
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Count the cracks in each cell, and add up their length there in metres."""
    count, total_m = np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells))
    if not len(lines):
        return count, total_m
    which_line, which_cell = STRtree(cells).query(lines, predicate="intersects")
    for begin in range(0, len(which_line), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        length_m = shapely.length(shapely.intersection(lines[which_line[part]], cells[which_cell[part]]))
        enough = length_m >= LEAST_CRACK_M
        np.add.at(count, which_cell[part][enough], 1)
        np.add.at(total_m, which_cell[part][enough], length_m[enough])
    return count, total_m


def _direction_rad(area: BaseGeometry) -> float:
    """Direction of the long side of the smallest rectangle around it."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(area))
    sides = np.diff(corners[:3], axis=0)
    along = sides[np.argmax(np.round(np.hypot(*sides.T), 6))]
    return math.atan2(along[1], along[0])


def _turned(shape: BaseGeometry, angle_rad: float) -> BaseGeometry:
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)

    def turn(xy_m: FloatArray) -> FloatArray:
        return np.asarray(xy_m @ np.array([[cosine, sine], [-sine, cosine]]))

    return shapely.transform(shapely.force_2d(shape), turn)
