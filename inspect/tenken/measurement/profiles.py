"""Profiles of the photo's grey values across a crack: sampled, laid over each other, set against their banks.

A crack is a dark valley between two brighter banks. The centre line that a detector gives is only good to a pixel or
two, so each profile is first moved until its valley stands in the middle; then neighbours can be averaged, which takes
noise and texture down without blurring the flanks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from shapely import LineString

FloatArray = npt.NDArray[np.float64]

STEP_ALONG_PX = 2.0
"""Distance of neighbouring profiles along the centre line."""

STEP_ACROSS_PX = 0.25
"""Sampling distance within a profile."""

AVERAGED_PROFILES, THIN_AVERAGED_PROFILES = 5, 10
"""Neighbouring profiles that make one reading; more for thin cracks, which noise hides and which swell less."""

THIN_PX = 3.5
"""Cracks narrower than this at half depth are thin."""

SMOOTHED_PROFILES = 2.0
"""Standard deviation, in profiles, over which neighbours agree where the valley lies."""

DIRECTION_PX = 3.0
"""The line's direction is taken from so far behind a profile to so far ahead."""


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Profiles that follow each other along a centre line.

    Parameters
    ----------
    light
        (n, m) linear light, 0..1, sampled every `STEP_ACROSS_PX`.
    xy_px
        (n, 2) where each profile's middle lies.
    across
        (n, 2) unit vectors, the direction in which it runs.
    """

    light: FloatArray
    xy_px: FloatArray
    across: FloatArray

    def __len__(self) -> int:
        return len(self.light)

    def only(self, numbers: npt.NDArray[np.int64]) -> "Profiles":
        """Return some of the profiles, by number."""
        return Profiles(self.light[numbers], self.xy_px[numbers], self.across[numbers])

    def moved(self, xy_px: Sequence[float]) -> "Profiles":
        """Return the same profiles in other coordinates: (x, y) is added."""
        return Profiles(self.light, self.xy_px + np.asarray(xy_px, dtype=np.float64), self.across)


def sample_profiles(luminance: npt.NDArray[np.float32], line_px: LineString, reach_px: float) -> Profiles:
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
    Profiles `STEP_ALONG_PX` apart; those that leave the picture are left out.
    """
    count = int(line_px.length // STEP_ALONG_PX)
    half = round(reach_px / STEP_ACROSS_PX)
    offset = np.arange(-half, half + 1) * STEP_ACROSS_PX
    if count < 2:
        return Profiles(np.empty((0, len(offset))), np.empty((0, 2)), np.empty((0, 2)))
    distance = (np.arange(count) + 0.5) * (line_px.length / count)
    coords = np.asarray(line_px.coords)
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(coords, axis=0).T))])
    centre, ahead, behind = (
        np.stack([np.interp(distance + step, run, coords[:, axis]) for axis in (0, 1)], axis=1)
        for step in (0.0, DIRECTION_PX, -DIRECTION_PX)
    )
    along = ahead - behind
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    xy = centre[:, None, :] + across[:, None, :] * offset[None, :, None]
    sampled = ndimage.map_coordinates(luminance, [xy[..., 1] - 0.5, xy[..., 0] - 0.5], order=1, mode="nearest")
    inside = (xy[..., 0] >= 0) & (xy[..., 1] >= 0)
    inside &= (xy[..., 0] <= luminance.shape[1]) & (xy[..., 1] <= luminance.shape[0])
    kept = inside.all(axis=1)
    return Profiles(np.asarray(sampled[kept], dtype=np.float64), centre[kept], across[kept])


def centred(profiles: Profiles, search_px: float) -> Profiles:
    """Move each profile along itself so that its valley stands in the middle.

    Parameters
    ----------
    search_px
        How far off the middle the valley may lie.
    """
    middle, last = profiles.light.shape[1] // 2, profiles.light.shape[1] - 1
    search = max(1, min(middle - 1, round(search_px / STEP_ACROSS_PX)))
    # Neighbours have a say: alone, a profile of a hairline would centre on its own noise, which then adds up.
    smooth = ndimage.gaussian_filter(profiles.light, (SMOOTHED_PROFILES, 1.0 / STEP_ACROSS_PX), mode="nearest")
    valley = smooth[:, middle - search : middle + search + 1].argmin(axis=1) + middle - search
    # Wide floors have no clear lowest point: balance the flanks instead.
    level = (smooth.max(axis=1) + np.take_along_axis(smooth, valley[:, None], axis=1)[:, 0]) / 2
    bright = smooth >= level[:, None]
    column = np.arange(last + 1)
    left = np.where(bright & (column <= valley[:, None]), column, 0).max(axis=1)
    right = np.where(bright & (column >= valley[:, None]), column, last).min(axis=1)
    shift = np.round((left + right) / 2).astype(int) - middle
    moved = np.take_along_axis(profiles.light, np.clip(column + shift[:, None], 0, last), axis=1)
    return Profiles(moved, profiles.xy_px + profiles.across * (shift * STEP_ACROSS_PX)[:, None], profiles.across)


def averaged(profiles: Profiles, together: int = AVERAGED_PROFILES) -> Profiles:
    """Average so many neighbours at a time; each mean stands at its middle profile."""
    numbers = np.array_split(np.arange(len(profiles)), max(1, len(profiles) // together))
    middles = [group[len(group) // 2] for group in numbers]
    light = np.stack([profiles.light[group].mean(axis=0) for group in numbers])
    return Profiles(light, profiles.xy_px[middles], profiles.across[middles])


def concatenated(parts: Sequence[Profiles]) -> Profiles:
    """Put profiles of stretches that follow each other into one struct."""
    light, xy_px, across = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("light", "xy_px", "across")
    )
    return Profiles(light, xy_px, across)


@dataclass(frozen=True, slots=True, eq=False)
class Valleys:
    """Profiles as darkness against their banks, and what is read of them at half depth.

    Parameters
    ----------
    darkness
        (n, m) 1 - light / light of the banks; 0 is as bright as the banks, 1 is black.
    depth
        (n,) darkness of the floor's middle.
    deepest
        (n,) darkness of the floor's darkest place.
    half_width_px
        (n,) full width at half the depth; NaN where a flank does not come up.
    bank_ratio
        (n,) light of the darker bank over that of the brighter.
    floor_ratio
        (n,) light of the floor's middle over that of the darker bank.
    """

    darkness: FloatArray
    depth: FloatArray
    deepest: FloatArray
    half_width_px: FloatArray
    bank_ratio: FloatArray
    floor_ratio: FloatArray


def valleys(profiles: Profiles) -> Valleys:
    """Set profiles against the light of their banks, the outer fifth on each side, between which it may change."""
    count = profiles.light.shape[1]
    middle, bank = count // 2, max(2, count // 5)
    left_bank = np.median(profiles.light[:, :bank], axis=1)
    right_bank = np.median(profiles.light[:, -bank:], axis=1)
    darkness = 1 - profiles.light / np.maximum(_between(left_bank, right_bank, bank / 2, count), 1e-3)
    depth = darkness[:, middle - 1 : middle + 2].mean(axis=1)
    left = _crossings(darkness[:, middle::-1], depth / 2)
    right = _crossings(darkness[:, middle:], depth / 2)
    off = np.abs(np.arange(count) - middle)
    inside = off <= np.nan_to_num(np.minimum(left, right), nan=0.0)[:, None]
    darker, brighter = np.minimum(left_bank, right_bank), np.maximum(left_bank, right_bank)
    floor = profiles.light[:, middle - 1 : middle + 2].mean(axis=1)
    return Valleys(
        darkness,
        depth,
        np.where(inside, darkness, -np.inf).max(axis=1),
        (left + right) * STEP_ACROSS_PX,
        darker / np.maximum(brighter, 1e-6),
        floor / np.maximum(darker, 1e-6),
    )


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
