"""How two photos lie on each other after the adjustment: what their tie points still disagree by, place by place.

What does not lie on the chosen surface (a girder below a deck) is seen displaced by the parallax, differently in each
photo. Tie points around a place show that displacement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.photo_placement import PhotoPlacement

FloatArray = npt.NDArray[np.float64]
Pair = tuple[str, str]

NEAREST_TIES = 7
"""A place is moved by the median of so many ties around it."""

NEAR_QUANTILE, NEAR_FACTOR = 0.68, 3.0
"""Marks of one defect lie within three times of how well ties are foretold by their neighbours."""

LEAST_NEAR_PX = 8.0
"""Ground resolutions that always may remain: how well masks and centre lines repeat from photo to photo."""

MOST_NEAR_SHARE = 0.05
"""Of a photo's extent: what may remain when all ties disagree."""


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """How to lay places of the second photo of a pair onto the first's."""

    at_m: FloatArray
    """(n, 2) where the second photo has its ties."""
    shift_m: FloatArray
    """(n, 2) how far each moves."""
    near_m: float
    """How far apart two marks of one defect may lie then."""

    def lay(self, xy_m: FloatArray) -> FloatArray:
        """Move (n, 2) places of the second photo."""
        if not len(self.at_m) or not len(xy_m):
            return xy_m
        return xy_m + _median_shift(cKDTree(self.at_m), self.shift_m, xy_m)

    def reversed(self) -> "Registration":
        """Return how to lay the first photo onto the second."""
        return replace(self, at_m=self.at_m + self.shift_m, shift_m=-self.shift_m)


def register(
    placements: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints], resolution_m: Mapping[str, float]
) -> dict[Pair, Registration]:
    """Register each tied pair of photos.

    Parameters
    ----------
    placements
        After the adjustment.
    ties
        What it rests on.
    resolution_m
        Effective ground resolution of each photo; ties of others are left out.
    """
    found = {}
    for tie in ties:
        if tie.first not in resolution_m or tie.second not in resolution_m:
            continue
        first_m = placements[tie.first].to_world(tie.first_px)[:, :2]
        second_m = placements[tie.second].to_world(tie.second_px)[:, :2]
        met = np.isfinite(first_m).all(axis=1) & np.isfinite(second_m).all(axis=1)
        if np.count_nonzero(met) <= NEAREST_TIES:
            continue
        coarser_m = max(resolution_m[tie.first], resolution_m[tie.second])
        extent_m = float(np.ptp(first_m[met], axis=0).max())
        shift_m = (first_m - second_m)[met]
        least_m = LEAST_NEAR_PX * coarser_m
        near_m = np.clip(_unforetold_m(second_m[met], shift_m), least_m, max(least_m, MOST_NEAR_SHARE * extent_m))
        found[tie.first, tie.second] = Registration(second_m[met], shift_m, float(near_m))
    return found


def _unforetold_m(at_m: FloatArray, shift_m: FloatArray) -> float:
    """How far a place may still be off: each tie against what the ties around it say."""
    tree = cKDTree(at_m)
    around = tree.query(at_m, NEAREST_TIES + 1)[1][:, 1:]
    foretold = np.median(shift_m[around], axis=1)
    return NEAR_FACTOR * float(np.quantile(np.linalg.norm(shift_m - foretold, axis=1), NEAR_QUANTILE))


def _median_shift(tree: cKDTree, shift_m: FloatArray, xy_m: FloatArray) -> FloatArray:
    around = tree.query(xy_m, min(NEAREST_TIES, len(shift_m)))[1].reshape(len(xy_m), -1)
    medians: FloatArray = np.median(shift_m[around], axis=1)
    return medians
