"""Centre lines of thin masks: thinned to one pixel, traced into lines, freed of spurs, smoothed.

Thinning is Zhang and Suen's (1984) as scikit-image has it. What this module adds is what measuring needs: lines that
run to the mask's ends, no spurs from ragged outlines, and no staircase, whose length would be up to 8 % too long.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage
from scipy.spatial import KDTree
from shapely import LineString, MultiLineString

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SPUR_WIDTHS, SPUR_PX = 1.5, 3.0
"""A side branch shorter than this many local half widths and pixels comes from the outline's roughness."""

SMOOTHING_PX = 3.0
"""Standard deviation of the smoothing along the line; straight staircases then measure within 0.3 %."""

VERTEX_TOLERANCE_PX = 0.2
"""Vertices that move the line by less are dropped."""

_NEIGHBOURS = ((-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))


def trace_centreline(mask: BoolArray) -> MultiLineString:
    """Trace the centre line of a mask.

    Parameters
    ----------
    mask
        (h, w) bool; one cell is one unit, the centre of the first cell lies at (0.5, 0.5).

    Returns
    -------
    One line for each stretch between ends and junctions, in mask coordinates (x, y); lines of a network meet in their
    end points. Empty for an empty mask.
    """
    from skimage.morphology import skeletonize

    solid = _without_pinholes(np.pad(mask, 1))
    skeleton = skeletonize(solid)
    half_width = _half_width(solid, skeleton)
    while spurs := _SkeletonGraph.of(skeleton).spurs(half_width):
        skeleton[tuple(np.concatenate(spurs).T)] = False
    graph = _SkeletonGraph.of(skeleton)
    lines = [_finished_line(graph, path, half_width) for path in graph.paths]
    lines.sort(key=lambda line: line.coords[0])
    return MultiLineString([line for line in lines if line.length > 0])


@dataclass(frozen=True, slots=True)
class _SkeletonGraph:
    """Skeleton pixels and the paths between nodes (ends and junctions)."""

    yx: IntArray
    degree: IntArray
    paths: list[IntArray]
    """Pixel numbers along each path; at a spur the free end comes first."""

    def spurs(self, half_width: FloatArray) -> list[IntArray]:
        """Return (n, 2) rows and columns of the shortest spur of each junction.

        Only the shortest, for without it the next may be no spur but the line's end.
        """
        shortest: dict[int, tuple[float, int, IntArray]] = {}
        for number, path in enumerate(self.paths):
            junction = int(path[-1])
            if self.degree[path[0]] != 1 or self.degree[junction] < 3:
                continue
            length = _chain_length(self.yx[path])
            if length < SPUR_WIDTHS * half_width[tuple(self.yx[junction])] + SPUR_PX:
                shortest[junction] = min(
                    shortest.get(junction, (np.inf, 0, path)), (length, number, path), key=lambda spur: spur[:2]
                )
        return [self.yx[path[:-1]] for _, _, path in shortest.values()]

    @classmethod
    def of(cls, skeleton: BoolArray) -> "_SkeletonGraph":
        yx = np.argwhere(skeleton)
        neighbours = _neighbour_lists(skeleton, yx)
        degree = np.array([len(near) for near in neighbours], dtype=np.int64)
        return cls(yx, degree, _trace(neighbours, degree))


def _neighbour_lists(skeleton: BoolArray, yx: IntArray) -> list[list[int]]:
    """Neighbours of each pixel; a diagonal step is left out where two straight steps make the same way."""
    flat = yx @ [skeleton.shape[1], 1]
    beside = flat[:, None] + np.array(_NEIGHBOURS) @ [skeleton.shape[1], 1]
    near = np.where(skeleton.ravel()[beside], np.searchsorted(flat, beside), -1)
    up, left, right, down = (near[:, column] >= 0 for column in range(4))
    for column, corner in zip(range(4, 8), (up | left, up | right, down | left, down | right), strict=True):
        near[corner, column] = -1
    return [[n for n in row if n >= 0] for row in near.tolist()]


def _trace(neighbours: list[list[int]], degree: IntArray) -> list[IntArray]:
    paths: list[IntArray] = []
    walked: set[tuple[int, int]] = set()
    nodes = np.flatnonzero(degree != 2)
    # Free ends come first, so that a spur's path starts at its free end.
    for node in sorted(nodes.tolist(), key=lambda n: (degree[n] != 1, n)):
        for step in neighbours[node]:
            if (node, step) not in walked:
                paths.append(_walk(neighbours, degree, node, step, walked))  # noqa: PERF401 - walked grows meanwhile
    on_path = {number for path in paths for number in path.tolist()}
    for number in np.flatnonzero(degree == 2).tolist():
        if number not in on_path:  # a closed ring has no node to start from
            ring = _walk(neighbours, degree, number, neighbours[number][0], walked)
            on_path.update(ring.tolist())
            paths.append(ring)
    return paths


def _walk(
    neighbours: list[list[int]], degree: IntArray, start: int, step: int, walked: set[tuple[int, int]]
) -> IntArray:
    path = [start, step]
    while degree[path[-1]] == 2 and path[-1] != start:
        before, here = path[-2], path[-1]
        first, second = neighbours[here]
        path.append(second if first == before else first)
    walked.add((path[0], path[1]))
    walked.add((path[-1], path[-2]))
    return np.array(path, dtype=np.int64)


def _finished_line(graph: _SkeletonGraph, path: IntArray, half_width: FloatArray) -> LineString:
    yx = graph.yx[path]
    # -1 for the padding, +0.5 for the pixel's centre.
    xy = yx[:, ::-1].astype(np.float64) - 0.5
    closed = path[0] == path[-1]
    smooth = _smoothed(xy, closed=closed)
    if not closed:
        if graph.degree[path[0]] == 1:
            smooth = np.vstack([_overshoot(smooth, half_width[tuple(yx[0])]), smooth])
        if graph.degree[path[-1]] == 1:
            smooth = np.vstack([smooth, _overshoot(smooth[::-1], half_width[tuple(yx[-1])])])
    return LineString(shapely.get_coordinates(shapely.simplify(LineString(smooth), VERTEX_TOLERANCE_PX)))


def _smoothed(xy: FloatArray, *, closed: bool) -> FloatArray:
    if len(xy) < 4:
        return xy
    sigma = min(SMOOTHING_PX, len(xy) / 6)
    if closed:
        ring = ndimage.gaussian_filter1d(xy[:-1], sigma, axis=0, mode="wrap")
        return np.vstack([ring, ring[:1]])
    # Mirroring about the end point keeps both ends where they are.
    reach = min(len(xy) - 1, int(4 * sigma) + 1)
    head = 2 * xy[0] - xy[reach:0:-1]
    tail = 2 * xy[-1] - xy[-2 : -2 - reach : -1]
    smooth = ndimage.gaussian_filter1d(np.vstack([head, xy, tail]), sigma, axis=0)
    return np.asarray(smooth[reach : reach + len(xy)], dtype=np.float64)


def _overshoot(xy: FloatArray, half_width: float) -> FloatArray:
    """Give the point where the line leaves the mask: thinning stops about half a width before it."""
    back = xy[min(len(xy) - 1, max(2, int(2 * half_width)))]
    direction = xy[0] - back
    length = float(np.hypot(*direction))
    if length == 0:
        return xy[:1]
    end: FloatArray = xy[:1] + direction / length * max(0.0, half_width - 0.5)
    return end


def _half_width(solid: BoolArray, skeleton: BoolArray) -> FloatArray:
    """(h, w) distance of each skeleton pixel to the nearest pixel outside the mask, 0 elsewhere.

    A distance transform would do the same for every pixel of the box, which takes seconds where a crack crosses a
    photo.
    """
    half_width = np.zeros(solid.shape, dtype=np.float64)
    yx = np.argwhere(skeleton)
    if len(yx):
        inside = np.argwhere(solid)
        rim = [beside[~solid[tuple(beside.T)]] for beside in (inside + np.array(step) for step in _NEIGHBOURS)]
        half_width[tuple(yx.T)] = KDTree(np.concatenate(rim)).query(yx)[0]
    return half_width


def _without_pinholes(mask: BoolArray) -> BoolArray:
    """Fill holes smaller than the mask is wide: they would turn the line into a ring around them."""
    labels, count = ndimage.label(~mask)
    if count <= 1:  # nothing but the surroundings
        return mask
    sizes = np.bincount(labels.ravel())[1:]
    sizes[labels[0, 0] - 1] = mask.size  # the mask has an empty rim, so this part is the surroundings
    thickness = mask.sum() / max(1, np.count_nonzero(mask.any(axis=0)), np.count_nonzero(mask.any(axis=1)))
    small = np.concatenate([[False], sizes <= max(4.0, thickness**2)])
    filled: BoolArray = mask | small[labels]
    return filled


def _chain_length(yx: IntArray) -> float:
    return float(np.hypot(*np.diff(yx, axis=0).T).sum())
