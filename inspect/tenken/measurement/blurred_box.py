"""What a lens makes of a crack: a box of darkness, blurred; and which widths and blurs fit a profile that was read.

A profile across a crack is a box (the opening) blurred by lens, pixels and sampling. Blur is taken to be Gaussian, of
a standard deviation that is not known but is the same all along a crack. Width, blur, place and depth are fitted
together on a grid: from about two pixels on the steepness of the flanks tells the blur, and with it the width; for
thinner cracks a narrow dark box and a wide pale one look alike, and the grid shows how far that goes. One thing holds
them in: the inside cannot be darker than black.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

STEP_PX = 0.25
"""Sampling distance within a profile."""

REACH_PX = 16.0
"""How far a profile reaches to each side."""

WIDTHS_PX = np.concatenate([np.arange(0.1, 3.95, 0.1), np.arange(4.0, 10.1, 0.2)])
BLURS_PX = np.array([0.4, 0.5, 0.62, 0.75, 0.9, 1.05, 1.25, 1.5, 1.8])
SHARPENINGS = np.array([0.0, 0.3, 0.6])
SHIFTS_PX = np.array([-0.6, -0.3, 0.0, 0.3, 0.6])
"""The grid. Wider cracks are read without it, for their flanks do not meet."""

USUAL_BLUR_PX, BLUR_FACTOR = 0.85, 1.6
"""Prior of the blur: median, and the factor that a standard deviation is up or down. A lens in focus has 0.4 to 1.0 px,
the pixel's own area, interpolation and the averaging of profiles add a variance of about 0.3 px²."""

SHARPENED_PX = 1.0
USUAL_SHARPENING = np.array([0.5, 0.3, 0.2])
"""Cameras sharpen: they add a share of the difference between the picture and itself, blurred by about a pixel."""

DEPTHS = np.array([0.25, 0.4, 0.55, 0.7, 0.85, 0.95, 1.0])
USUAL_DEPTH, DEPTH_SPREAD = 0.8, 0.25
"""Prior of the darkness inside: mean and standard deviation. Open cracks are nearly black; dust and light pale them."""

DEPTH_SCATTER = 0.12
"""Standard deviation of the darkness along one crack."""

MODEL_ERROR = 0.02
"""Misfit of the box itself, as a share of its depth: ragged flanks, uneven floors."""

NOISE_LENGTH_PX = 1.0
"""Distance over which noise and texture are alike: what makes neighbouring samples less than independent."""

SHARED_EVIDENCE = 0.3
"""0 were profiles without a common error, 1 profiles that all say the same; chosen by the coverage of the intervals of
drawn cracks (benchmarks/widths.py, seeds below 1000)."""

TOGETHER = 16
"""Profiles that are laid against the boxes at a time."""

MOST_FITTED = 64
"""Blur and darkness are taken from at most so many profiles, spread along the crack."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedWidths:
    """Widths of profiles for each state that they may share: a blur and a darkness.

    Parameters
    ----------
    weight
        (s,) posterior of the states, adding up to 1.
    mean_px, variance_px2
        (g, s) posterior mean and variance of each profile's width in each state.
    blur_px
        (s,) the states' blur.
    """

    weight: FloatArray
    mean_px: FloatArray
    variance_px2: FloatArray
    blur_px: FloatArray


def fit_widths(darkness: FloatArray) -> FittedWidths:
    """Fit all widths, blurs and depths of the grid to profiles.

    Parameters
    ----------
    darkness
        (g, m) 1 - light / light of the surroundings, m = 2 `REACH_PX` / `STEP_PX` + 1 samples, the crack within a pixel
        of the middle.
    """
    spread = np.unique(np.linspace(0, len(darkness) - 1, min(len(darkness), MOST_FITTED)).round().astype(int))
    likelihood = _likelihood(darkness[spread], np.arange(len(BLURS_PX) * len(SHARPENINGS) * len(DEPTHS)))
    # The logarithm of a width is as likely as any other: thin and wide cracks are met at every scale.
    prior = (np.log(np.gradient(WIDTHS_PX)) - np.log(WIDTHS_PX)).astype(np.float32)[:, None]
    likelihood += prior
    top = likelihood.max(axis=1)
    evidence = top + np.log(np.exp(likelihood - top[:, None]).sum(axis=1))
    # Profiles share their errors of model too, so they count as the root of their number.
    posterior = _state_prior() + evidence.sum(axis=0, dtype=np.float64) / len(spread) ** SHARED_EVIDENCE
    weight = np.exp(posterior - posterior.max())
    weight /= weight.sum()
    told = np.flatnonzero(weight > LEAST_WEIGHT)
    like = likelihood[:, :, told]
    if len(spread) < len(darkness):
        like = _likelihood(darkness, told) + prior
    like = np.exp(like - like.max(axis=1, keepdims=True)).astype(np.float64)
    like /= like.sum(axis=1, keepdims=True)
    mean = np.einsum("gws,w->gs", like, WIDTHS_PX)
    variance = np.maximum(np.einsum("gws,w->gs", like, WIDTHS_PX**2) - mean**2, 0.0)
    blur = np.repeat(BLURS_PX, len(SHARPENINGS) * len(DEPTHS))[told]
    return FittedWidths(weight[told] / weight[told].sum(), mean, variance, blur)


LEAST_WEIGHT = 1e-3
"""States less likely than this are left out."""


def _state_prior() -> FloatArray:
    """(s,) log prior of blur, sharpening and depth."""
    blur = -0.5 * (np.log(BLURS_PX / USUAL_BLUR_PX) / np.log(BLUR_FACTOR)) ** 2 + np.log(np.gradient(np.log(BLURS_PX)))
    depth = -0.5 * ((DEPTHS - USUAL_DEPTH) / DEPTH_SPREAD) ** 2
    states: FloatArray = blur[:, None, None] + np.log(USUAL_SHARPENING)[:, None] + depth
    return states.ravel()


def _likelihood(darkness: FloatArray, states: npt.NDArray[np.int64]) -> Float32Array:
    """(g, widths, states) log likelihood of each profile, at its best place, over its own depth taken together.

    A constant of each profile is left out. `states` are numbers in the order of `_state_prior`.
    """
    ground, boxes, power = _boxes()
    shape = (len(WIDTHS_PX), len(BLURS_PX) * len(SHARPENINGS), len(SHIFTS_PX))
    power = power.reshape(shape)
    level = darkness - (darkness @ ground) @ ground.T
    whole = (level**2).sum(axis=1)
    lens, depth_number = np.divmod(states, len(DEPTHS))
    usual = DEPTHS.astype(np.float32)[depth_number]
    loose = 1 / DEPTH_SCATTER**2
    first_place = np.arange(0, power.size, len(SHIFTS_PX)).reshape(power.shape[:2])[:, lens]
    likelihood = np.empty((len(darkness), len(WIDTHS_PX), len(states)), np.float32)
    for number, product in enumerate(_products(level.astype(np.float32), boxes)):
        product = product.reshape(shape)
        free = np.clip(product / power, 0.0, 1.0)
        gain = free * (2 * product - free * power)  # what the box takes off the misfit
        best = int(gain.argmax())
        misfit = max(float(whole[number] - gain.flat[best]), 1e-9)
        variance = misfit / darkness.shape[1] + (MODEL_ERROR * float(free.flat[best])) ** 2
        certainty = STEP_PX / NOISE_LENGTH_PX / variance
        # The best place does not hang on the depth: it is the one whose box is most like the profile.
        place = first_place + gain.argmax(axis=2)[:, lens]
        slope = certainty * product.take(place) + loose * usual
        curvature = certainty * power.take(place) + loose
        depth = np.clip(slope / curvature, 0.0, 1.0)
        fit = depth * (slope - 0.5 * depth * curvature) - 0.5 * np.log(curvature)
        likelihood[number] = fit - 0.5 * loose * usual**2
    return likelihood


def _products(profiles: Float32Array, boxes: Float32Array) -> Iterator[Float32Array]:
    """(b,) product of each profile with all boxes; some at a time, since the boxes are more than a cache holds."""
    for first in range(0, len(profiles), TOGETHER):
        yield from np.ascontiguousarray((boxes @ profiles[first : first + TOGETHER].T).T)


@cache
def _boxes() -> tuple[FloatArray, Float32Array, Float32Array]:
    """Blurred boxes of depth 1, freed of what even ground with a slope explains.

    Returns
    -------
    (m, 2) orthonormal level and slope, (widths x blurs x sharpenings x shifts, m) boxes, and each one's sum of squares.
    """
    from scipy.special import ndtr

    count = round(2 * REACH_PX / STEP_PX) + 1
    x = (np.arange(count) - count // 2) * STEP_PX
    ground, _ = np.linalg.qr(np.stack([np.ones(count), x / x[-1]], axis=1))
    off = x - SHIFTS_PX[:, None]
    half, blur = WIDTHS_PX[:, None, None, None] / 2, BLURS_PX[:, None, None]
    again = np.hypot(blur, SHARPENED_PX)
    soft, softer = (ndtr((off + half) / by) - ndtr((off - half) / by) for by in (blur, again))
    boxes = np.stack([soft + share * (soft - softer) for share in SHARPENINGS], axis=2).reshape(-1, count)
    boxes -= (boxes @ ground) @ ground.T
    power = (boxes**2).sum(axis=1)
    return ground, boxes.astype(np.float32), power.astype(np.float32)
