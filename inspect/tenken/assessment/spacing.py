"""Least spacing between neighbouring cracks."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString, STRtree

SEARCH_M = 3.0
"""How far a neighbour is looked for: no class of a standard starts above 1 m."""
PARALLEL_DEG = 30.0
"""Cracks whose directions differ by more cross rather than accompany each other [P]."""
ALONGSIDE = 0.5
"""Share of the shorter crack that must lie beside the other; less is one after the other [P]."""
TOUCH_M = 0.01
"""Nearer than a centimetre is a branch of the same crack [P]."""
_REACHES_M = (0.1, 0.3, 1.0, SEARCH_M)
"""Near pairs first: in a net of cracks there are thousands, and the far ones then need no look."""
_STEP_M = 0.05
_MOST_STEPS = 100


def crack_spacing_m(lines: Sequence[LineString | MultiLineString]) -> float:
    """Give the smallest typical distance between roughly parallel cracks, in metres.

    Two cracks are neighbours when their main directions agree within `PARALLEL_DEG` and at least `ALONGSIDE`
    of the shorter one lies beside the other. Their distance is the median over those points of a crack that
    lie beside the other. Branches (that touch) are no neighbours. The definition is our own proposal [P].

    Parameters
    ----------
    lines
        Centre lines, one a crack, in metres.

    Returns
    -------
    The spacing, or infinity where no crack has a neighbour within `SEARCH_M`.

    Examples
    --------
    >>> crack_spacing_m([LineString([(0, 0), (2, 0)]), LineString([(0, 0.4), (2, 0.4)])])
    0.4
    """
    cracks = np.array(lines, dtype=object)
    if len(cracks) < 2:
        return math.inf
    tree = STRtree(cracks)
    directions = np.array([_direction(line) for line in cracks])
    least_m = math.inf
    for reach_m in _REACHES_M:
        least_m = _least_within_m(reach_m, tree, directions, least_m)
        # A pair's typical distance is never below its nearest one, so none beyond the reach is smaller.
        if least_m <= reach_m:
            break
    return round(least_m, 4)


def _least_within_m(reach_m: float, tree: STRtree, directions: npt.NDArray[np.float64], least_m: float) -> float:
    """Smallest typical distance of pairs that come as near as the reach; the known one if none is less."""
    cracks = tree.geometries
    first, second = tree.query(cracks, predicate="dwithin", distance=reach_m)
    turn = np.abs(np.sum(directions[first] * directions[second], axis=1))
    pairs = (first < second) & (turn >= math.cos(math.radians(PARALLEL_DEG)))
    first, second = first[pairs], second[pairs]
    nearest_m = shapely.distance(cracks[first], cracks[second])
    for i in np.argsort(nearest_m, kind="stable"):
        if nearest_m[i] >= least_m:
            break
        if nearest_m[i] > TOUCH_M:
            a, b = int(first[i]), int(second[i])
            least_m = min(least_m, _typical_distance_m(cracks[a], cracks[b], directions[a], directions[b]))
    return least_m


def _typical_distance_m(
    a: LineString | MultiLineString,
    b: LineString | MultiLineString,
    direction_a: npt.NDArray[np.float64],
    direction_b: npt.NDArray[np.float64],
) -> float:
    """Median distance of each to the other, the smaller; infinity where they do not lie side by side."""
    along = direction_a + direction_b * np.sign(direction_a @ direction_b)
    along /= np.hypot(*along)
    medians_m, shares = [], []
    for crack, other in ((a, b), (b, a)):
        points = _points(crack)
        place, reach = points @ along, shapely.get_coordinates(other) @ along
        beside = (place >= reach.min()) & (place <= reach.max())
        shares.append(beside.mean())
        if beside.any():
            medians_m.append(float(np.median(shapely.distance(shapely.points(points[beside]), other))))
    # The share is largest for the shorter one.
    return min(medians_m) if medians_m and max(shares) >= ALONGSIDE else math.inf


def _points(line: LineString | MultiLineString) -> npt.NDArray[np.float64]:
    """(n, 2) points, evenly along the line."""
    step_m = max(_STEP_M, line.length / _MOST_STEPS)
    dense = [
        shapely.line_interpolate_point(part, np.linspace(0.0, part.length, max(2, round(part.length / step_m) + 1)))
        for part in shapely.get_parts(line)
    ]
    return shapely.get_coordinates(np.concatenate(dense))


def _direction(line: LineString | MultiLineString) -> npt.NDArray[np.float64]:
    """(2,) unit vector of the main axis: of the second moments of evenly spread points."""
    points = _points(line)
    _, vectors = np.linalg.eigh(np.cov(points.T, bias=True))
    return np.asarray(vectors[:, -1], dtype=np.float64)
