"""Lay the sightings of one photo onto those of another.

Where a photo stands is uncertain, but all its defects are wrong together: by a shift, and by a small turn. The shift
is sought within the photos' stated errors, among those that lay one sighting onto another of its kind; the one that
explains most of what both photos show wins, and is refined with the turn (iterated closest points, Besl and McKay
1992; the turn by Kabsch 1976). What is left of the distances tells how far apart two marks of one defect may lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

KINDS_APART_M = 1e6
"""Third coordinate by kind, so that a nearest point is always of the same kind."""

SCORING_SHARE = 0.05
"""Share of the shift's range within which a point counts as explained while shifts are compared."""

RESIDUAL_SHARE = 0.15
"""Share of the shift's range that may remain between two marks of one defect: height errors and relief."""

RESIDUAL_PX = 8.0
"""Ground resolutions that always may remain: how well masks and centre lines repeat from photo to photo."""

RESIDUAL_FACTOR = 4.0
"""Marks of one defect lie within this many median residuals of each other."""

MOST_CANDIDATES = 80
MOST_TURN_RAD = np.radians(5.0)
ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Marks:
    """Points along the sightings of one photo, a struct of arrays."""

    xy_m: FloatArray
    """(n, 2)"""
    kind: IntArray
    """(n,) code of the kind."""
    owner: IntArray
    """(n,) which sighting a point is of."""
    weight_m: FloatArray
    """(n,) length of line that a point stands for."""

    def of(self, owner: int) -> FloatArray:
        """(m, 2) points of one sighting."""
        return self.xy_m[self.owner == owner]


@dataclass(frozen=True, slots=True)
class Alignment:
    """How to lay the second photo onto the first: turn about ``pivot_m``, then shift."""

    turn: FloatArray
    """(2, 2) rotation."""
    pivot_m: FloatArray
    shift_m: FloatArray
    near_m: float
    """How far apart two marks of the same defect may lie after it."""

    def lay(self, xy_m: FloatArray) -> FloatArray:
        """Move (n, 2) points of the second photo onto the first."""
        return np.asarray((xy_m - self.pivot_m) @ self.turn.T + self.pivot_m + self.shift_m, dtype=np.float64)


def align(first: Marks, second: Marks, range_m: float, resolution_m: float) -> Alignment:
    """Find how the second photo's marks come to lie on the first's.

    Parameters
    ----------
    first, second
        Marks in the part of the surface that both photos may show.
    range_m
        How far the photos may be shifted against each other.
    resolution_m
        The coarser of their ground resolutions.
    """
    least, most = RESIDUAL_PX * resolution_m, max(RESIDUAL_PX * resolution_m, RESIDUAL_SHARE * range_m)
    scoring = max(least, SCORING_SHARE * range_m)
    target, source = cKDTree(_apart(first)), cKDTree(_apart(second))
    unmoved = Alignment(np.eye(2), second.xy_m.mean(axis=0), np.zeros(2), least)
    best, explained = unmoved, -1.0
    for shift in _candidate_shifts(first, second, range_m):
        tried = Alignment(unmoved.turn, unmoved.pivot_m, shift, least)
        score = _explained_m(tried, first, second, target, source, scoring)
        # The smaller shift wins where two explain the same.
        if score > explained * (1 + 1e-6) + 1e-9:
            best, explained = tried, score
    return _refined(best, first, second, target, least, most)


def _apart(marks: Marks, xy_m: FloatArray | None = None) -> FloatArray:
    points = marks.xy_m if xy_m is None else xy_m
    return np.column_stack([points, marks.kind * KINDS_APART_M])


def _candidate_shifts(first: Marks, second: Marks, range_m: float) -> list[FloatArray]:
    """Shifts that lay a sighting onto another of its kind, the most telling pairs first; sorted by size."""
    pairs = []
    for b in np.unique(second.owner).tolist():
        points_b = second.of(b)
        length_b = float(second.weight_m[second.owner == b].sum())
        kind_b = second.kind[second.owner == b][0]
        for a in np.unique(first.owner[first.kind == kind_b]).tolist():
            points_a = first.of(a)
            if _gap(points_a, points_b) > range_m:
                continue
            length_a = float(first.weight_m[first.owner == a].sum())
            pairs.append((-min(length_a, length_b), abs(np.log(length_a / length_b)), a, b, points_a, points_b))
    pairs.sort(key=lambda pair: pair[:4])
    shifts = [np.zeros(2)] + [_closest_shift(pair[4], pair[5], range_m) for pair in pairs[:MOST_CANDIDATES]]
    return sorted((s for s in shifts if np.hypot(*s) <= range_m), key=lambda s: (round(float(np.hypot(*s)), 6), *s))


def _gap(first: FloatArray, second: FloatArray) -> float:
    """Distance of two point sets' bounding boxes."""
    low = np.maximum(first.min(axis=0), second.min(axis=0))
    high = np.minimum(first.max(axis=0), second.max(axis=0))
    return float(np.hypot(*np.maximum(0.0, low - high)))


def _closest_shift(first: FloatArray, second: FloatArray, range_m: float) -> FloatArray:
    """Iterate closest points, shift only."""
    tree, shift = cKDTree(first), np.zeros(2)
    for _ in range(ROUNDS):
        _, nearest = tree.query(second + shift)
        step = np.median(first[nearest] - second - shift, axis=0)
        shift = shift + step
        if np.hypot(*step) < 1e-4 or np.hypot(*shift) > range_m:
            break
    return shift


def _explained_m(
    alignment: Alignment, first: Marks, second: Marks, target: cKDTree, source: cKDTree, near_m: float
) -> float:
    """Length of line in both photos that lies on its like in the other."""
    laid = alignment.lay(second.xy_m)
    onto_first = target.query(_apart(second, laid), distance_upper_bound=near_m)[0]
    back = first.xy_m - alignment.shift_m  # comparison happens before turns come in
    onto_second = source.query(_apart(first, back), distance_upper_bound=near_m)[0]
    return float(
        (second.weight_m * _closeness(onto_first, near_m)).sum() + (first.weight_m * _closeness(onto_second, near_m)).sum()
    )


def _closeness(distance: FloatArray, near_m: float) -> FloatArray:
    """1 on the spot, falling to 0 at the limit and beyond."""
    return np.asarray(np.clip(1 - (distance / near_m) ** 2, 0.0, 1.0), dtype=np.float64)


def _refined(
    start: Alignment, first: Marks, second: Marks, target: cKDTree, least_m: float, most_m: float
) -> Alignment:
    turn, shift = start.turn, start.shift_m
    residual = least_m / RESIDUAL_FACTOR
    for _ in range(ROUNDS):
        laid = Alignment(turn, start.pivot_m, shift, least_m).lay(second.xy_m)
        distance, nearest = target.query(_apart(second, laid), distance_upper_bound=most_m)
        found = np.isfinite(distance)
        if found.sum() < 3:
            return start
        residual = float(np.median(distance[found]))
        close = found & (distance <= max(RESIDUAL_FACTOR * residual, least_m))
        turn, shift = _rigid(second.xy_m[close], first.xy_m[nearest[close]], start.pivot_m)
    near = float(np.clip(RESIDUAL_FACTOR * residual, least_m, most_m))
    return Alignment(turn, start.pivot_m, shift, near)


def _rigid(source: FloatArray, goal: FloatArray, pivot: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn about the pivot and shift that lay points onto their goals with least squares."""
    middle_s, middle_g = source.mean(axis=0), goal.mean(axis=0)
    (xx, xy), (yx, yy) = (source - middle_s).T @ (goal - middle_g)
    angle = float(np.clip(np.arctan2(xy - yx, xx + yy), -MOST_TURN_RAD, MOST_TURN_RAD))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn, middle_g - pivot - turn @ (middle_s - pivot)


def concatenate_marks(parts: Sequence[tuple[int, int, FloatArray, float]]) -> Marks:
    """Put together (sighting number, kind code, (n, 2) points, length) into marks."""
    return Marks(
        np.concatenate([points for _, _, points, _ in parts]),
        np.concatenate([np.full(len(points), kind, dtype=np.int64) for _, kind, points, _ in parts]),
        np.concatenate([np.full(len(points), number, dtype=np.int64) for number, _, points, _ in parts]),
        np.concatenate([np.full(len(points), length / len(points)) for _, _, points, length in parts]),
    )
