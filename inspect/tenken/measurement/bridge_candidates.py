"""Gaps that might be bridged: ends that point at each other, and ends that run into the side of another crack.

The limits were chosen on drawn cracks with ragged masks (``benchmarks/gaps.py``): with them, of thousands of bridges
among parallel cracks 30 px apart, straight or wandering, none leads from one crack to its neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import KDTree
from shapely import LineString

from tenken.measurement.crack_ends import CrackEnds, FloatArray, IntArray, TracedCrack, parts_of_lines

BoolArray = npt.NDArray[np.bool_]

MOST_GAP_PX = 100.0
"""Longest gap of all."""

GAP_PX, GAP_WIDTHS = 20.0, 10.0
"""Longest gap: so many pixels and mask widths."""

GAP_LENGTHS = 1.0
"""Longest gap, in lengths of the shorter crack: what is shorter says nothing of a direction."""

SIDE_SHARE, FAR_SIDE_SHARE = 0.5, 0.6
"""Largest sideways step, as a share of the gap, from the straight line through an end's last stretch (27°) and through
its longer one."""

SIDE_PX, SIDE_WIDTHS = 12.0, 1.5
"""Largest sideways step: so many pixels, or mask widths where that is more. Cracks 30 px apart are farther."""

SURE_GAP_PX = 40.0
"""Across longer gaps the largest sideways step falls, in proportion: only straight cracks go on so far unseen."""

SLACK_PX, SLACK_WIDTHS = 1.0, 0.4
"""What is added to the sideways step, and taken off the way ahead, for the raggedness of masks: so many pixels and mask
widths. Where a mask was cut, its line runs into one of the two corners."""

MOST_TURN_COSINE = 0.64
"""Both ends' directions differ by 50° at most."""

MOST_WIDTH_RATIO = 3.0
"""Cracks of which one is wider than so many of the other are two."""

SIDE_GAP_PX = 2.0
"""Longest gap between an end and the edge of the crack that it runs into: what rounding takes from two masks. Cracks of
the demo flight that are two come as near as 2.6 px."""

SIDE_GAP_LENGTHS = 0.2
"""The same, in lengths of the crack that ends."""

LEAST_SIDE_SINE = 0.5
"""A crack that runs into another's side meets it at 30° at least."""

NEAR_SIDE_PX = 5.0
"""Length of the other crack, to each side, that gives its direction."""


@dataclass(frozen=True, slots=True)
class AllLines:
    """The lines of all cracks; struct of arrays. Parts are counted as in `CrackEnds`."""

    tree: shapely.STRtree
    crack: IntArray
    part: IntArray
    width_px: FloatArray

    @classmethod
    def of(cls, cracks: Sequence[TracedCrack]) -> "AllLines":
        """Lay the lines of all cracks side by side."""
        count = [len(crack.lines.geoms) for crack in cracks]
        lines = [line for crack in cracks for line in crack.lines.geoms]
        width = np.array([crack.width_px for crack in cracks], dtype=np.float64)
        return cls(
            shapely.STRtree(lines),
            np.repeat(np.arange(len(cracks)), count),
            parts_of_lines(cracks),
            np.repeat(width, count),
        )


@dataclass(frozen=True, slots=True)
class Candidates:
    """Bridges that might be; a struct of arrays.

    Parameters
    ----------
    end
        (n,) the end that each starts from.
    other_end, side
        (n,) the end that it leads to, or the line whose side it leads to; -1 where there is none.
    lines
        (n,) the bridges, from the end.
    cost
        (n,) pixels: the gap, and the sideways steps out of both ends.
    """

    end: IntArray
    other_end: IntArray
    side: IntArray
    lines: npt.NDArray[np.object_]
    cost: FloatArray

    @classmethod
    def concatenate(cls, *parts: "Candidates") -> "Candidates":
        """Put several into one, in the order given."""
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("end", "other_end", "side", "lines", "cost")
            )
        )

    def kept(self, kept: BoolArray | IntArray) -> "Candidates":
        """Give those of a mask, or of numbers in their order."""
        return Candidates(self.end[kept], self.other_end[kept], self.side[kept], self.lines[kept], self.cost[kept])


def facing_ends(ends: CrackEnds) -> Candidates:
    """Find pairs of ends that point at each other."""
    first, second = KDTree(ends.xy_px).query_pairs(MOST_GAP_PX, output_type="ndarray").reshape(-1, 2).T
    gap = np.hypot(*(ends.xy_px[second] - ends.xy_px[first]).T)
    width = (ends.width_px[first] + ends.width_px[second]) / 2
    shorter = np.minimum(ends.length_px[first], ends.length_px[second])
    ratio = np.maximum(ends.width_px[first], ends.width_px[second]) / np.minimum(
        ends.width_px[first], ends.width_px[second]
    )
    fits = (gap <= GAP_PX + GAP_WIDTHS * width) & (gap <= GAP_LENGTHS * shorter) & (ratio <= MOST_WIDTH_RATIO)
    first, second, gap, width = first[fits], second[fits], gap[fits], width[fits]

    across = ends.middle_px[second] - ends.middle_px[first]
    span = np.hypot(*across.T)
    slack = SLACK_PX + SLACK_WIDTHS * width
    most = np.maximum(SIDE_PX, SIDE_WIDTHS * width) * np.minimum(1, SURE_GAP_PX / np.maximum(gap, 1))
    points = (ends.near[first] * -ends.near[second]).sum(axis=1) >= MOST_TURN_COSINE
    sideways = np.zeros(len(first))
    for at, gone in ((first, across), (second, -across)):
        near_ahead, near_side = _ahead_and_aside(ends.near[at], gone)
        far_ahead, far_side = _ahead_and_aside(ends.far[at], gone)
        _, parted = _ahead_and_aside(ends.far[at], ends.near[at] * span[:, None])
        points &= (near_ahead > -slack) & (far_ahead > -slack)
        points &= near_side <= np.minimum(SIDE_SHARE * span, most) + slack
        points &= far_side <= np.minimum(FAR_SIDE_SHARE * span, most) + slack
        points &= parted <= most
        sideways += near_side
    first, second = first[points], second[points]
    none = np.full(len(first), -1)
    return Candidates(first, second, none, _straight(ends.xy_px[first], ends.xy_px[second]), (gap + sideways)[points])


def sides_ahead(ends: CrackEnds, lines: AllLines) -> Candidates:
    """Find the ends that run into the side of another part of a crack just ahead of them."""
    reach = np.minimum(SIDE_GAP_PX, SIDE_GAP_LENGTHS * ends.length_px)
    longest = reach + lines.width_px.max() / 2
    start, direction = ends.middle_px, ends.near
    rays = _straight(start, start + direction * longest[:, None])
    end_no, line_no = lines.tree.query(rays, predicate="intersects")
    other = lines.part[line_no] != ends.part[end_no]
    end_no, line_no = end_no[other], line_no[other]
    met = [_met_at(lines.tree.geometries[line], rays[end]) for end, line in zip(end_no, line_no, strict=True)]
    xy, way = np.array(met, dtype=np.float64).reshape(-1, 2, 2).transpose(1, 0, 2)
    gap = np.hypot(*(xy - start[end_no]).T)
    half = lines.width_px[line_no] / 2
    sine = np.abs(direction[end_no, 0] * way[:, 1] - direction[end_no, 1] * way[:, 0])
    good = (
        (gap <= reach[end_no] + half) & (sine >= LEAST_SIDE_SINE) & ~_at_an_end(ends, xy, 2 * half, lines.part[line_no])
    )
    none = np.full(len(end_no), -1)
    return Candidates(end_no, none, line_no, _straight(ends.xy_px[end_no], xy), gap).kept(good)


def _met_at(line: LineString, ray: LineString) -> tuple[FloatArray, FloatArray]:
    """(2,) where a ray first meets a line, and (2,) the line's direction there."""
    start = np.asarray(ray.coords[0])
    met = shapely.get_coordinates(shapely.intersection(line, ray))
    xy = met[np.hypot(*(met - start).T).argmin()]
    along = line.project(shapely.Point(xy))
    around = np.clip([along - NEAR_SIDE_PX, along + NEAR_SIDE_PX], 0, line.length)
    before, after = shapely.get_coordinates(shapely.line_interpolate_point(line, around))
    length = float(np.hypot(*(after - before)))
    return xy, (after - before) / length if length else np.zeros(2)


def _at_an_end(ends: CrackEnds, xy_px: FloatArray, within_px: FloatArray, part: IntArray) -> BoolArray:
    """(n,) whether a place on a crack is all but its end."""
    near = KDTree(ends.xy_px).query_ball_point(xy_px, within_px) if len(xy_px) else []
    return np.array([bool(np.any(ends.part[found] == own)) for found, own in zip(near, part, strict=True)], dtype=bool)


def _ahead_and_aside(direction: FloatArray, step: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n,) parts of a step along a direction and, whichever side, across it."""
    ahead = (direction * step).sum(axis=1)
    return ahead, np.abs(direction[:, 0] * step[:, 1] - direction[:, 1] * step[:, 0])


def _straight(start: FloatArray, stop: FloatArray) -> npt.NDArray[np.object_]:
    """(n,) straight lines."""
    return np.asarray(shapely.linestrings(np.stack([start, stop], axis=1)), dtype=object)
