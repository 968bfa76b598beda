"""Which sightings of two photos are of the same defect, once one photo is laid onto the other.

Cracks vote point by point: a point of one photo votes for the crack of the other that lies nearest, if that one's point
there in turn finds its way back to the same crack. So of two cracks side by side each gets its own partner, also when
they lie closer together than the photos agree, and a crack whose partner was missed does not take its neighbour's.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from tenken.identity.marks import Lines, PhotoMarks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Link = tuple[int, int]

SAME_FRACTION = 0.5
"""Share of the smaller sighting, where both photos see, that must lie on the other."""


class Laying(Protocol):
    """How to lay the second photo of a pair onto the first."""

    @property
    def near_m(self) -> float:
        """How far apart two marks of the same defect may lie after it."""
        ...

    def lay(self, xy_m: FloatArray) -> FloatArray:
        """Move (n, 2) places of the second photo."""
        ...

    def reversed(self) -> "Laying":
        """Return how to lay the first photo onto the second."""
        ...


def link_sightings(first: PhotoMarks, second: PhotoMarks, laying: Laying) -> list[Link]:
    """Give the pairs of sightings of two photos that are of one defect; sorted."""
    # Grown, for a crack along the border of a picture lies as often within it as beside it.
    seen_by_first = shapely.buffer(shapely.transform(first.footprint, laying.reversed().lay), laying.near_m)
    seen_by_second = shapely.buffer(shapely.transform(second.footprint, laying.lay), laying.near_m)
    return sorted(
        {
            *_link_lines(first, second, laying, seen_by_first, seen_by_second),
            *_link_areas(first, second, laying, seen_by_second),
        }
    )


def _link_lines(
    first: PhotoMarks, second: PhotoMarks, laying: Laying, seen_by_first: BaseGeometry, seen_by_second: BaseGeometry
) -> list[Link]:
    if not len(first.lines) or not len(second.lines):
        return []
    own = first.lines.chosen(shapely.contains_xy(seen_by_second, first.lines.xy_m))
    other = second.lines.chosen(shapely.contains_xy(seen_by_first, second.lines.xy_m))
    if not len(own) or not len(other):
        return []
    other = other.moved(laying.lay(other.xy_m))
    to_other, to_own = _nearest(other, own, laying.near_m), _nearest(own, other, laying.near_m)
    share = _votes(own, other, to_other, to_own)
    for (b, a), value in _votes(other, own, to_own, to_other).items():
        share[a, b] = max(share.get((a, b), 0.0), value)
    return [link for link, value in share.items() if value >= SAME_FRACTION]


def _nearest(goals: Lines, points: Lines, near_m: float) -> IntArray:
    """(n,) number of the goal that each point is nearest to; -1 where none is near."""
    distance, nearest = cKDTree(goals.apart).query(points.apart, distance_upper_bound=near_m)
    return np.where(np.isfinite(distance), nearest, -1).astype(np.int64)


def _votes(own: Lines, other: Lines, forth: IntArray, back: IntArray) -> dict[Link, float]:
    """Share of each sighting's points that are on a sighting of the other photo; what only one photo sees is left out.

    Parameters
    ----------
    own, other
        Points that vote, and those that they vote for.
    forth, back
        (n,) and (m,) numbers of the nearest points of the other side; -1 where none is near.
    """
    owners, counts = np.unique(own.owner, return_counts=True)
    total = dict(zip(owners.tolist(), counts.tolist(), strict=True))
    returned = np.where(forth >= 0, back[forth], -1)
    home = (returned >= 0) & (own.owner[returned] == own.owner)
    pairs = np.column_stack([own.owner[home], other.owner[forth[home]]])
    chosen, votes = np.unique(pairs, axis=0, return_counts=True)
    return {(a, b): count / total[a] for (a, b), count in zip(chosen.tolist(), votes.tolist(), strict=True)}


def _link_areas(first: PhotoMarks, second: PhotoMarks, laying: Laying, seen_by_second: BaseGeometry) -> list[Link]:
    if not first.areas or not second.areas:
        return []
    common = shapely.intersection(first.footprint, seen_by_second)
    laid = {
        number: shapely.make_valid(shapely.transform(outline, laying.lay)) for number, outline in second.areas.items()
    }
    grown = {number: shapely.buffer(outline, laying.near_m) for number, outline in laid.items()}
    numbers_a, numbers_b = list(first.areas), list(laid)
    tree = shapely.STRtree([grown[number] for number in numbers_b])
    found = tree.query([first.areas[number] for number in numbers_a], predicate="intersects")
    good: dict[Link, float] = {}
    for i, j in sorted(zip(*(part.tolist() for part in found), strict=True)):
        a, b = numbers_a[i], numbers_b[j]
        if first.kinds[a] == second.kinds[b]:
            share = _shared_area(first.areas[a], laid[b], grown[b], common, laying.near_m)
            if share >= SAME_FRACTION:
                good[a, b] = share
    best_of: dict[int, Link] = {}
    for link in sorted(good, key=lambda link: (-good[link], link)):
        for number in link:
            best_of.setdefault(number, link)
    return [link for link in good if link in (best_of[link[0]], best_of[link[1]])]


def _shared_area(
    first: BaseGeometry, second: BaseGeometry, second_grown: BaseGeometry, common: BaseGeometry, near_m: float
) -> float:
    """Share of the smaller one, where both photos see, that lies on the other."""
    parts = ((first, second_grown), (second, shapely.buffer(first, near_m)))
    shares = []
    for own, other in parts:
        seen = shapely.intersection(own, common)
        if seen.area > 0:
            shares.append(float(shapely.intersection(seen, other).area / seen.area))
    return max(shares, default=0.0)
