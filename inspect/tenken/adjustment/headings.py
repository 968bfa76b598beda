"""Headings of photos that state none: from how neighbours are turned against each other, and from the line of flight.

Tie points of two photos that look down tell by how much one is turned against the other. Along a tree of the pairs with
the most ties that gives all headings but for one common turn. That is told by photos whose heading is stated; where
there are none, by the positions: seen through the tie points, each camera must stand where its satellite fix puts it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.imagery.attitude import turn_about

FloatArray = npt.NDArray[np.float64]

UNKNOWN_YAW_DEG = 90.0
"""A yaw stated no better than this is not known."""

FOUND_YAW_DEG = 5.0
"""1 sigma of a heading that was found, at the least [P]: the photos are not exactly level."""

LEAST_BASELINE_SIGMAS = 5.0
"""All lines of flight together must be so many times as long as the positions are uncertain."""


def is_unknown(placement: PhotoPlacement) -> bool:
    """Whether a photo's heading is not known."""
    return placement.camera.accuracy.yaw_deg >= UNKNOWN_YAW_DEG


def find_headings(placements: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints]) -> dict[str, PhotoPlacement]:
    """Turn the photos whose heading is not known as their tie points say.

    Parameters
    ----------
    placements
        By photo.
    ties
        Between them.

    Returns
    -------
    All placements; those whose heading cannot be told are as they were.
    """
    found = dict(placements)
    if not any(is_unknown(placement) for placement in placements.values()):
        return found
    views = [view for tie in ties if (view := _Turned.of(tie, placements)) is not None]
    names = sorted({name for view in views for name in (view.first, view.second)})
    left = set(names)
    while left:
        headings = _headings_from(min(left), views, names)
        left -= set(headings)
        found.update(_common_turn(headings, views, placements))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """What a pair of photos says of their headings."""

    first: str
    second: str
    ties: int
    turn_rad: float
    """How far the second must be turned less than the first, counter-clockwise."""
    first_m: FloatArray
    """(2,) from the first camera's foot to the middle of the ties, as it is placed now."""
    second_m: FloatArray

    @classmethod
    def of(cls, tie: TiePoints, placements: Mapping[str, PhotoPlacement]) -> "_Turned | None":
        first, second = (placements[name] for name in (tie.first, tie.second))
        a = (first.to_world(tie.first_px) - first.camera.position_m)[:, :2]
        b = (second.to_world(tie.second_px) - second.camera.position_m)[:, :2]
        met = np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1)
        if np.count_nonzero(met) < 3:
            return None
        a, b = a[met], b[met]
        # The turn that lays one onto the other with least squares (Kabsch 1976, in two dimensions).
        turn = _turn_between(a - a.mean(axis=0), b - b.mean(axis=0))
        return cls(tie.first, tie.second, len(tie), turn, a.mean(axis=0), b.mean(axis=0))


def _turn_between(source: FloatArray, goal: FloatArray) -> float:
    """Angle, counter-clockwise, that turns (n, 2) vectors onto others with least squares."""
    (xx, xy), (yx, yy) = source.T @ goal
    return float(np.arctan2(xy - yx, xx + yy))


def _headings_from(root: str, views: Sequence[_Turned], names: Sequence[str]) -> dict[str, float]:
    """Tell the turns of all photos that ties connect with a root, radians against it."""
    number = {name: index for index, name in enumerate(names)}
    turns: dict[tuple[int, int], float] = {}
    rows, columns, costs = [], [], []
    for view in views:
        a, b = number[view.first], number[view.second]
        turns[a, b], turns[b, a] = -view.turn_rad, view.turn_rad
        rows.append(a)
        columns.append(b)
        costs.append(1.0 / view.ties)
    graph = coo_array((costs, (rows, columns)), shape=(len(names), len(names)))
    tree = minimum_spanning_tree(graph)
    order, before = breadth_first_order(tree, number[root], directed=False)
    headings = {root: 0.0}
    for index in order[1:].tolist():
        parent = int(before[index])
        headings[names[index]] = headings[names[parent]] + turns[parent, index]
    return headings


def _common_turn(
    headings: Mapping[str, float], views: Sequence[_Turned], placements: Mapping[str, PhotoPlacement]
) -> dict[str, PhotoPlacement]:
    """Turn the photos of one group so that stated headings, or else positions, are met."""
    known = [name for name in headings if not is_unknown(placements[name]) and not placements[name].maybe_turned]
    if known:
        against = np.array([headings[name] for name in known])
        turn, error_deg = float(np.arctan2(-np.sin(against).sum(), np.cos(against).sum())), FOUND_YAW_DEG
    else:
        seen, flown = _baselines(headings, views, placements)
        length_m = float(np.sqrt((flown**2).sum()))
        uncertain_m = float(np.median([placements[name].camera.accuracy.horizontal_m for name in headings]))
        if length_m < LEAST_BASELINE_SIGMAS * uncertain_m:
            return {}
        turn = _turn_between(seen, flown)
        error_deg = max(FOUND_YAW_DEG, float(np.degrees(uncertain_m / length_m)))
    return {
        name: _turned(placements[name], turn + heading, error_deg)
        for name, heading in headings.items()
        if is_unknown(placements[name])
    }


def _baselines(
    headings: Mapping[str, float], views: Sequence[_Turned], placements: Mapping[str, PhotoPlacement]
) -> tuple[FloatArray, FloatArray]:
    """(n, 2) from camera to camera through the ties, but for the common turn, and (n, 2) by their positions."""
    seen, flown = [], []
    for view in views:
        if view.first in headings:
            first, second = (placements[name].camera.position_m[:2] for name in (view.first, view.second))
            seen.append(_rotated(view.first_m, headings[view.first]) - _rotated(view.second_m, headings[view.second]))
            flown.append(second - first)
    return np.array(seen), np.array(flown)


def _rotated(vector: FloatArray, angle_rad: float) -> FloatArray:
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([cosine * vector[0] - sine * vector[1], sine * vector[0] + cosine * vector[1]])


def _turned(placement: PhotoPlacement, angle_rad: float, error_deg: float) -> PhotoPlacement:
    camera = placement.camera
    return replace(
        placement,
        camera=replace(
            camera,
            rotation=turn_about("z", float(np.degrees(angle_rad))) @ camera.rotation,
            accuracy=replace(camera.accuracy, yaw_deg=error_deg),
        ),
    )
