"""The facet that a defect lies on: the plane through what its pixels meet of a surface model.

A surface model is noisy, and rounds edges; and where a pose is a few centimetres off, pixels of a defect at a beam's
edge meet the ground far below. A defect lies on one face of a structure, so its sizes are read on the plane that most
of its pixels meet: noise makes it no longer, and an edge does not tear it apart.
"""

import numpy as np
import numpy.typing as npt

from tenken.georeferencing.surface import TiltedPlane

FloatArray = npt.NDArray[np.float64]

SHARE_ON_FACET = 0.6
"""At least this share of the pixels must lie on the plane; else the defect lies on no single face."""

LEAST_TOLERANCE_M = 0.05
TOLERANCE_PER_EXTENT = 0.02
"""How far from the plane a pixel's place may lie: noise of a surface model, and the bend of a large face."""

SLOPE_LEVER_M = 0.05
"""Slopes are held back as if they had this lever: a straight crack says nothing about the slope across it."""

ROUNDS = 10


def fit_facet(xyz_m: FloatArray) -> TiltedPlane | None:
    """Fit a plane to the places that a defect's pixels meet.

    Least squares on heights, in rounds that leave out what lies off the plane, from a start at the median height.

    Parameters
    ----------
    xyz_m
        (n, 3) places; NaN where a ray meets nothing.

    Returns
    -------
    None where no plane holds most of the places.
    """
    met = xyz_m[np.isfinite(xyz_m).all(axis=1)]
    if len(met) < 3 or len(met) < SHARE_ON_FACET * len(xyz_m):
        return None
    middle = np.median(met, axis=0)
    around = met - middle
    extent = float(np.hypot(*np.ptp(met[:, :2], axis=0)))
    tolerance = max(LEAST_TOLERANCE_M, TOLERANCE_PER_EXTENT * extent)
    slope, rise = np.zeros(2), 0.0
    for _ in range(ROUNDS):
        off = np.abs(around[:, 2] - around[:, :2] @ slope - rise)
        near = off <= max(tolerance, float(np.median(off)))
        slope, rise = _level_fit(around[near])
    off = np.abs(around[:, 2] - around[:, :2] @ slope - rise)
    if np.count_nonzero(off <= tolerance) < SHARE_ON_FACET * len(xyz_m):
        return None
    upward = np.array([-slope[0], -slope[1], 1.0])
    return TiltedPlane(middle + np.array([0.0, 0.0, rise]), upward / np.linalg.norm(upward))


def _level_fit(around: FloatArray) -> tuple[FloatArray, float]:
    centre = around.mean(axis=0)
    offset = around - centre
    lever = np.eye(2) * len(offset) * SLOPE_LEVER_M**2
    slope = np.linalg.solve(offset[:, :2].T @ offset[:, :2] + lever, offset[:, :2].T @ offset[:, 2])
    return slope, float(centre[2] - centre[:2] @ slope)
