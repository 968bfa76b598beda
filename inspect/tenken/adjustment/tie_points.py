"""Tie points: the same point of the surface in two photos.

Where a point of one photo should lie in the other is known from the stated poses, but for their errors: only features
within that reach are compared, so that texture that repeats farther off confuses nobody. What is left must agree
with one plane seen twice (a homography, by MAGSAC++, Barath et al. 2020, doi 10.1109/CVPR42600.2020.00138).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenken.adjustment.features import Features

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

RATIO = 0.8
"""The best candidate must be nearer than the next best place by this factor (Lowe 2004, 7.1)."""

SAME_PLACE_STEPS = 5.0
"""Features so near to each other are one place: SIFT gives a place two features where it has two directions."""

SAME_PLACE_FEATURES = 2

PLANE_STEPS = 6.0
"""How far a tie may lie off the common plane, in pixels of the overview: relief moves points."""

LEAST_TIES = 12
"""Fewer that agree prove nothing: by chance hardly four do, within the reach."""

MOST_TIES = 120
"""More ties of one pair, evenly chosen, would add time and nothing else."""


@dataclass(frozen=True, slots=True, eq=False)
class TiePoints:
    """Places of the surface that two photos show.

    Parameters
    ----------
    first, second
        Names of the photos, in order.
    first_px, second_px
        (n, 2) each, where the photos show them, in whole-photo pixels.
    """

    first: str
    second: str
    first_px: FloatArray
    second_px: FloatArray

    def __len__(self) -> int:
        return len(self.first_px)


@dataclass(frozen=True, slots=True, eq=False)
class PlacedFeatures:
    """Features of a photo and where its stated pose puts them."""

    photo: str
    features: Features
    xy_m: FloatArray
    """(n, 2) on the surface, in the flight's CRS; NaN where a ray meets nothing."""


def match(first: PlacedFeatures, second: PlacedFeatures, reach_m: float) -> TiePoints | None:
    """Find the tie points of two photos.

    Parameters
    ----------
    first, second
        In the order of their names.
    reach_m
        How far apart the stated poses may put one place; infinite where they say nothing.

    Returns
    -------
    None where too few agree.
    """
    import cv2

    pairs = _mutual_best(first, second, reach_m)
    if len(pairs) < LEAST_TIES:
        return None
    a, b = first.features, second.features
    first_px, second_px = a.xy_px[pairs[:, 0]], b.xy_px[pairs[:, 1]]
    _, agrees = cv2.findHomography(
        first_px / a.step_px, second_px / b.step_px, cv2.USAC_MAGSAC, PLANE_STEPS, maxIters=5000, confidence=0.999
    )
    if agrees is None:
        return None
    kept = np.flatnonzero(agrees.ravel())
    if len(kept) < LEAST_TIES:
        return None
    # The features are in order of their strength: evenly spaced picks hold strong and weak ones alike.
    kept = kept[np.unique(np.linspace(0, len(kept) - 1, MOST_TIES).astype(np.int64))]
    return TiePoints(first.photo, second.photo, first_px[kept], second_px[kept])


def _mutual_best(first: PlacedFeatures, second: PlacedFeatures, reach_m: float) -> IntArray:
    """(n, 2) numbers of features that are each other's best within reach, by far better than the next place."""
    if not len(first.features) or not len(second.features):
        return np.empty((0, 2), dtype=np.int64)
    likeness = _rooted(first.features) @ _rooted(second.features).T
    if np.isfinite(reach_m):
        likeness[_out_of_reach(first.xy_m, second.xy_m, reach_m)] = -1.0
    best, clear = _clear_best(likeness, second.features)
    back, back_clear = _clear_best(likeness.T, first.features)
    numbers = np.arange(len(best))
    # One side must be clear of doubt; the other at least agree.
    chosen = (back[best] == numbers) & (clear | back_clear[best]) & (likeness[numbers, best] > 0.0)
    return np.column_stack([numbers[chosen], best[chosen]])


def _out_of_reach(first_m: FloatArray, second_m: FloatArray, reach_m: float) -> npt.NDArray[np.bool_]:
    """(n, m) whether places are farther apart than a reach, or one is not known."""
    # Counted from the first photo: map coordinates need more digits than these have.
    middle = np.nanmean(first_m, axis=0)
    a, b = ((place - middle).astype(np.float32) for place in (first_m, second_m))
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * (a @ b.T)
    # NaN is within no reach.
    far: npt.NDArray[np.bool_] = ~(squares <= np.float32(reach_m**2))
    return far


def _rooted(features: Features) -> npt.NDArray[np.float32]:
    """(n, 128) unit vectors whose products compare histograms (RootSIFT, Arandjelovic and Zisserman 2012)."""
    values = features.descriptors.astype(np.float32)
    values /= np.maximum(values.sum(axis=1, keepdims=True), 1.0)
    rooted: npt.NDArray[np.float32] = np.sqrt(values)
    return rooted


def _clear_best(likeness: npt.NDArray[np.float32], others: Features) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """(n,) best of each row, and (n,) whether it leads the next best at another place by `RATIO`."""
    rows = np.arange(len(likeness))
    left = likeness.copy()
    best = left.argmax(axis=1)
    first = left[rows, best]
    left[rows, best] = -1.0
    # The next best may be the same place once more, with another direction.
    for _ in range(SAME_PLACE_FEATURES):
        following = left.argmax(axis=1)
        offset = others.xy_px[following] - others.xy_px[best]
        same = np.hypot(offset[:, 0], offset[:, 1]) <= SAME_PLACE_STEPS * others.step_px
        if not same.any():
            break
        left[rows[same], following[same]] = -1.0
    next_best = left.max(axis=1)
    # Distance of unit vectors squared is 2 - 2 x product.
    return best.astype(np.int64), (1 - first) < RATIO**2 * (1 - next_best)
