"""Crack widths from the photo's grey values: profiles across the centre line.

A crack is a dark valley between two brighter banks: a box of its width, blurred by the lens, the sensor's pixels and
the sampling. What is read is the valley's full width at half depth, F. For a Gaussian blur of standard deviation s it
is F = s G(w / s) with G from `_half_depth_table`: F is the true width w from about 3 s on, and 2.355 s for a hairline,
however thin. So w is F put back through G. The blur is not known exactly; what is known is its range, and that it
cannot be more than F / 2.355. Both ends of that range are put through, and the interval spans
them. A crack is also never narrower than the light it takes away: if it reflected nothing at all, the light missing
between its banks would be its width.

Interval: 5 % and 95 % of the truth, of the scatter of the readings along the crack, the blur's range and
`SYSTEMATIC_PX`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from shapely import LineString

FloatArray = npt.NDArray[np.float64]

STEP_ALONG_PX = 2.0
"""Distance of neighbouring profiles along the centre line."""

STEP_ACROSS_PX = 0.25
"""Sampling distance within a profile."""

AVERAGED_PROFILES = 10
"""Neighbouring profiles that are averaged, after they were centred, before a width is read: noise falls to a third."""

SYSTEMATIC_PX = 0.15
"""Standard error of a reading that does not average out: sampling, the blur's shape, soft banks."""

BLUR_PX = (0.7, 1.2)
"""Range of the blur's standard deviation: a lens in focus has 0.5 to 1.0 px, to which the pixel's area, the
interpolation and the centring of profiles add a variance of about 0.3 px²."""

MEASURABLE_PX, SURELY_WIDER_PX = 2.0, 1.6
"""From this width on a single number is stated (DESIGN 8), if the crack is at least the second even with the largest
blur: below, a blurred hairline looks the same."""

LEAST_CONTRAST = 0.06
"""A valley must be darker than its banks by this share, or it is not a valley."""

FLOOR_DEPTH = 0.25
"""A valley whose floor is reached is darker than its banks by this share at least; a fainter one is a hairline that
blur has filled, whose width at half depth is blur and noise."""

READABLE_SHARE = 0.3
"""Share of the profiles that must look like a crack for a width to be stated at all."""

NORMAL_90 = 1.645
"""Half width of a normal distribution's central 90 %, in standard deviations."""


@dataclass(frozen=True, slots=True)
class WidthReading:
    """A crack's width in photo pixels, with a 90 % interval.

    ``width_px`` is None where the crack is too narrow for a number (`MEASURABLE_PX`); the interval holds all the same.
    """

    width_px: float | None
    low_px: float
    high_px: float
    profiles: int
    readable_share: float


def read_width(profiles: Sequence[FloatArray]) -> WidthReading | None:
    """Read a crack's width from profiles across its centre line.

    Parameters
    ----------
    profiles
        Blocks of (n, m) profiles that follow each other along a line; see `sample_profiles`.

    Returns
    -------
    None where too few profiles look like a crack (sealed joints, shadow edges, a mask that is no crack).
    """
    readings = [reading for block in profiles if len(block) for reading in _windows(block)]
    readable = np.array([reading for reading in readings if reading is not None])
    share = len(readable) / len(readings) if readings else 0.0
    if share < READABLE_SHARE:
        return None
    half_depth = readable[:, 0]
    missing_light, depth = (float(np.median(column)) for column in readable[:, 1:].T)
    middle = float(np.median(half_depth))
    blur_least, blur_most = BLUR_PX[0], float(np.clip(middle / HAIRLINE_WIDTH, *BLUR_PX))
    widest, thinnest = _true_width(middle, blur_least), _true_width(middle, blur_most)
    if depth < FLOOR_DEPTH:
        thinnest = 0.0
    scatter = 1.4826 * float(np.median(np.abs(half_depth - middle)))
    # The median's standard error is 1.25 times the mean's.
    error = NORMAL_90 * float(np.hypot(1.2533 * scatter / np.sqrt(len(readable)), SYSTEMATIC_PX))
    low = max(0.0, missing_light - error, thinnest - error)
    high = max(low, widest + error)
    width = (widest + thinnest) / 2
    measured = width >= MEASURABLE_PX and thinnest >= SURELY_WIDER_PX and depth >= FLOOR_DEPTH
    return WidthReading(width if measured else None, min(low, width), high, len(readable), share)


HAIRLINE_WIDTH = float(2 * np.sqrt(2 * np.log(2)))
"""Full width at half depth of a blurred hairline, in standard deviations of the blur."""


def _true_width(half_depth_px: float, blur_px: float) -> float:
    """Put a width at half depth back through the blur."""
    width, at_half_depth = _half_depth_table()
    if half_depth_px / blur_px >= at_half_depth[-1]:
        return half_depth_px
    return float(np.interp(half_depth_px / blur_px, at_half_depth, width)) * blur_px


@cache
def _half_depth_table() -> tuple[FloatArray, FloatArray]:
    """Widths of a box, and its full widths at half depth after a Gaussian blur of standard deviation 1."""
    from scipy.special import ndtr

    width = np.linspace(0, 8, 161)
    x = np.linspace(0, 8, 1601)
    valley = ndtr(x + np.maximum(width, 1e-3)[:, None] / 2) - ndtr(x - np.maximum(width, 1e-3)[:, None] / 2)
    at_half = [2 * float(np.interp(-row[0] / 2, -row, x)) for row in valley]
    return width, np.maximum.accumulate(np.array(at_half))


def sample_profiles(luminance: npt.NDArray[np.float32], line_px: LineString, reach_px: float) -> FloatArray:
    """Sample the picture across a line.

    Parameters
    ----------
    luminance
        (h, w) linear light, 0..1.
    line_px
        Centre line in the array's pixel coordinates; the centre of the first pixel is (0.5, 0.5).
    reach_px
        How far a profile reaches to each side.

    Returns
    -------
    (n, m) profiles `STEP_ALONG_PX` apart, sampled every `STEP_ACROSS_PX`; those that leave the picture are left out.
    """
    count = int(line_px.length // STEP_ALONG_PX)
    offset = np.arange(-reach_px, reach_px + STEP_ACROSS_PX / 2, STEP_ACROSS_PX)
    if count < 2:
        return np.empty((0, len(offset)))
    distance = (np.arange(count) + 0.5) * (line_px.length / count)
    coords = np.asarray(line_px.coords)
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(coords, axis=0).T))])
    centre = np.stack([np.interp(distance, run, coords[:, axis]) for axis in (0, 1)], axis=1)
    ahead = np.stack([np.interp(distance + 3, run, coords[:, axis]) for axis in (0, 1)], axis=1)
    behind = np.stack([np.interp(distance - 3, run, coords[:, axis]) for axis in (0, 1)], axis=1)
    along = ahead - behind
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    xy = centre[:, None, :] + across[:, None, :] * offset[None, :, None]
    sampled = ndimage.map_coordinates(luminance, [xy[..., 1] - 0.5, xy[..., 0] - 0.5], order=1, mode="nearest")
    inside = (xy[..., 0] >= 0) & (xy[..., 1] >= 0)
    inside &= (xy[..., 0] <= luminance.shape[1]) & (xy[..., 1] <= luminance.shape[0])
    return np.asarray(sampled[inside.all(axis=1)], dtype=np.float64)


def _windows(profiles: FloatArray) -> list[tuple[float, float, float] | None]:
    centred = _centred(profiles)
    groups = np.array_split(centred, max(1, len(centred) // AVERAGED_PROFILES))
    return _read_profiles(np.stack([group.mean(axis=0) for group in groups]))


def _centred(profiles: FloatArray) -> FloatArray:
    """Shift each profile so that its valley stands in the middle: the centre line is only good to about a pixel."""
    middle = profiles.shape[1] // 2
    search = max(1, min(middle, round(middle * 0.6)))
    smooth = ndimage.gaussian_filter1d(profiles, 1.0 / STEP_ACROSS_PX, axis=1)
    valley = smooth[:, middle - search : middle + search + 1].argmin(axis=1) + middle - search
    # Wide floors have no clear lowest point: balance the flanks instead.
    level = (smooth.max(axis=1) + smooth.min(axis=1)) / 2
    below = smooth < level[:, None]
    column, last = np.arange(profiles.shape[1]), profiles.shape[1] - 1
    left = np.where(~below & (column <= valley[:, None]), column, 0).max(axis=1)
    right = np.where(~below & (column >= valley[:, None]), column, last).min(axis=1)
    shift = np.round((left + right) / 2).astype(int) - middle
    return np.take_along_axis(profiles, np.clip(column + shift[:, None], 0, last), axis=1)


def _read_profiles(profiles: FloatArray) -> list[tuple[float, float, float] | None]:
    """Read width at half depth and missing light, both in pixels, and depth; None where there is no valley."""
    count = profiles.shape[1]
    middle, bank = count // 2, max(2, count // 5)
    left_bank, right_bank = np.median(profiles[:, :bank], axis=1), np.median(profiles[:, -bank:], axis=1)
    darkness = 1 - profiles / np.maximum(_between(left_bank, right_bank, bank / 2, count), 1e-3)
    depth = darkness[:, middle - 1 : middle + 2].mean(axis=1)
    left = _crossings(darkness[:, middle::-1], depth / 2)
    right = _crossings(darkness[:, middle:], depth / 2)
    valid = depth >= LEAST_CONTRAST
    # A shadow edge has one bank much darker than the other.
    valid &= np.minimum(left_bank, right_bank) >= 0.5 * np.maximum(left_bank, right_bank)
    valid &= np.isfinite(left) & np.isfinite(right)
    readings: list[tuple[float, float, float] | None] = [None] * len(profiles)
    for number in np.flatnonzero(valid).tolist():
        first, last = middle - int(np.ceil(2 * left[number])), middle + int(np.ceil(2 * right[number]))
        missing = float(darkness[number, max(0, first) : last + 1].sum()) * STEP_ACROSS_PX
        width = float(left[number] + right[number]) * STEP_ACROSS_PX
        readings[number] = width, max(0.0, missing), float(depth[number])
    return readings


def _between(left: FloatArray, right: FloatArray, margin: float, count: int) -> FloatArray:
    """Give rows of ``count`` samples from ``left`` to ``right``, linear between ``margin`` samples off either end."""
    start, end = margin, count - 1 - margin
    sample = np.arange(count)
    line = ((right - left) / (end - start))[:, None] * (sample - start) + left[:, None]
    return np.where(sample <= start, left[:, None], np.where(sample >= end, right[:, None], line))


def _crossings(darkness: FloatArray, level: FloatArray) -> FloatArray:
    """Count the samples from each valley's middle to where darkness falls through its level, linearly interpolated.

    Returns
    -------
    (n,) NaN where it starts below, or never falls below.
    """
    below = darkness < level[:, None]
    first, row = below.argmax(axis=1), np.arange(len(below))
    before, after = darkness[row, first - 1], darkness[row, first]
    crossing = first - 1 + (before - level) / np.maximum(before - after, 1e-12)
    return np.where(below.any(axis=1) & (first > 0), crossing, np.nan)
