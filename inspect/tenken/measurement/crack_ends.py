"""Free ends of traced cracks, and which way they point.

A crack's last pixels say little of its direction: masks are ragged, and thinning runs into their corners. So each end
has two straight lines fitted to it, one to its last stretch and one to a longer one, both as (x, y) over the length
from the end, and once more without the points that lie farthest off.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString

from tenken.measurement.topology import line_graph

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NEAR_PX, NEAR_WIDTHS = 20.0, 4.0
"""The last stretch: so many pixels, or mask widths where that is more."""

FAR_PX, FAR_WIDTHS = 100.0, 16.0
"""The longer stretch, that a bend of the last few pixels does not turn."""

KEPT_SHARE = 0.75
"""Share of the points that the second fit keeps."""


@dataclass(frozen=True, slots=True)
class TracedCrack:
    """A crack as it was traced.

    Parameters
    ----------
    lines
        Centre lines in picture pixels, which meet in their end points.
    width_px
        Width of its mask: area over length.
    """

    lines: MultiLineString
    width_px: float


@dataclass(frozen=True, slots=True)
class CrackEnds:
    """All free ends of a picture's cracks; a struct of arrays.

    Parameters
    ----------
    crack
        (n,) number of the crack that each belongs to.
    part
        (n,) number of the connected part of line, counted over all cracks.
    xy_px
        (n, 2) where the line stops.
    middle_px
        (n, 2) where the straight line through its last stretch stops: a flat end's line runs into a corner.
    near, far
        (n, 2) unit vectors out of the end, by the last stretch and by the longer one.
    width_px
        (n,) the crack's width.
    length_px
        (n,) length of the connected part.
    """

    crack: IntArray
    part: IntArray
    xy_px: FloatArray
    middle_px: FloatArray
    near: FloatArray
    far: FloatArray
    width_px: FloatArray
    length_px: FloatArray

    def __len__(self) -> int:
        return len(self.crack)


def free_ends(cracks: Sequence[TracedCrack]) -> CrackEnds:
    """Find where the cracks stop, and which way they point there."""
    rows: list[tuple[int, int, float, float]] = []
    geometry: list[FloatArray] = []
    parts = 0
    for number, crack in enumerate(cracks):
        graph = line_graph(crack.lines)
        lengths = np.bincount(graph.part_of_line, [line.length for line in crack.lines.geoms], minlength=graph.parts)
        free = graph.degree[graph.nodes] == 1
        for line, part, open_ends in zip(crack.lines.geoms, graph.part_of_line.tolist(), free.tolist(), strict=True):
            for outwards in _outwards(line, open_ends):
                rows.append((number, parts + part, crack.width_px, lengths[part]))
                geometry.append(_pointing(outwards, crack.width_px))
        parts += graph.parts
    crack_no, part_no, width, length = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    xy, middle, near, far = np.array(geometry, dtype=np.float64).reshape(-1, 4, 2).transpose(1, 0, 2)
    return CrackEnds(crack_no.astype(np.int64), part_no.astype(np.int64), xy, middle, near, far, width, length)


def parts_of_lines(cracks: Sequence[TracedCrack]) -> IntArray:
    """(m,) the connected part that each line of each crack belongs to, counted as in `CrackEnds`."""
    graphs = [line_graph(crack.lines) for crack in cracks]
    before = np.cumsum([0, *(graph.parts for graph in graphs)])
    return np.concatenate([graph.part_of_line + first for graph, first in zip(graphs, before.tolist(), strict=False)])


def _outwards(line: LineString, free: Sequence[bool]) -> Iterator[LineString]:
    """Give the line once for each of its free ends, so that it starts there."""
    if free[0]:
        yield line
    if free[1]:
        yield shapely.reverse(line)


def _pointing(line: LineString, width_px: float) -> FloatArray:
    """(4, 2) the line's start, the start of the straight line through it, the near and the far direction."""
    start = np.asarray(line.coords[0][:2])
    middle, near = _straight(line, max(NEAR_PX, NEAR_WIDTHS * width_px), width_px)
    _, far = _straight(line, max(FAR_PX, FAR_WIDTHS * width_px), width_px)
    return np.stack([start, middle, near, far])


def _straight(line: LineString, stretch_px: float, width_px: float) -> tuple[FloatArray, FloatArray]:
    """(2,) where the straight line through a line's first stretch starts, and (2,) its direction backwards."""
    stretch = min(stretch_px, line.length)
    # The very end runs into a corner of the mask.
    at = np.linspace(min(width_px / 2, stretch / 4), stretch, max(4, int(stretch) + 1))
    xy = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
    _, slope, off = _fit(at, xy)
    kept = off <= np.quantile(off, KEPT_SHARE)
    start, slope, _ = _fit(at[kept], xy[kept])
    length = float(np.hypot(*slope))
    return start, -slope / length if length else np.zeros(2)


def _fit(at: FloatArray, xy: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(2,) (x, y) at length 0 and (2,) its change with the length, by least squares; (n,) each point's distance."""
    along, across = at - at.mean(), xy - xy.mean(axis=0)
    slope = (along[:, None] * across).sum(axis=0) / (along**2).sum()
    return xy.mean(axis=0) - at.mean() * slope, slope, np.hypot(*(across - along[:, None] * slope).T)
