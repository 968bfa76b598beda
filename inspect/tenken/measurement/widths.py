"""Crack widths from profiles: readings along the crack, and what they say of it as a whole.

Where the flanks may meet (up to `blurred_box.WIDTHS_PX`), width and blur are fitted together; wider cracks are read at
half the depth, where blur moves nothing. What all readings share, above all the blur, does not average out; it is kept
apart from their own scatter. Intervals are 90 %: from 5 % to 95 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from shapely import MultiLineString

from tenken.measurement import blurred_box
from tenken.measurement.profiles import (
    AVERAGED_PROFILES,
    THIN_AVERAGED_PROFILES,
    THIN_PX,
    Profiles,
    Valleys,
    averaged,
    centred,
    concatenated,
    valleys,
)
from tenken.measurement.width_statistics import Estimate, mixed_median, roughness

FloatArray = npt.NDArray[np.float64]

MEASURABLE_PX = 2.1
"""A single number is stated from 2 px on (DESIGN 8): if the whole interval lies above, by a tenth for what the model
itself errs."""

GRID_UP_TO_PX = 8.0
"""Valleys that are wider at half depth are read there: blur reaches from one flank to the other up to about here."""

SYSTEMATIC_PX, THIN_SYSTEMATIC_PX = 0.05, 0.15
"""Standard error that all readings of a crack share beside the blur: sampling, the blur's shape, soft banks. Of these
thin cracks (`THIN_PX`) are made."""

UNEVEN = 0.2
"""Error of a reading as a share of how much neighbours differ: the width of a mean profile is not the mean width."""

FAINT_DEPTH, FLOOR_DEPTH = 0.25, 0.65
"""A thin valley that is darker than its banks by less than the second does not show its floor: dirt, soft edges and
texture beside the crack have a part in it. The lower end falls in proportion, to nothing at the first."""

LEAST_CONTRAST = 0.06
"""A valley must be darker than its banks by this share, or it is not a valley."""

LEAST_BANK_RATIO = 0.5
"""A shadow's edge has one bank much darker than the other."""

LEVEL_FLOOR = 0.6
"""A crack is darkest in its middle; sealant that stands proud, or two edges of a band, are not."""

WIDE_PX, OPEN_DEPTH = 6.0, 0.35
"""An opening that is wider than blur can fill is dark to its ground; a paler band is filled, painted or a stain."""

CUT_DEPTH, CUT_STRAIGHT_PX, CUT_UNEVEN, LEAST_CUT_READINGS = 0.75, 0.4, 0.05, 6
"""A wide band is a filled joint if it is paler than this, its middle leaves a gentle curve by less than this, and its
width varies by a smaller share than this, over at least so many readings (120 px). Cracks wander and swell."""

SURE_SPREADS = 1.57
"""One in two hundred lies below so many lower halves of the 90 % interval (2.58 / 1.64 standard deviations): of cracks
just too thin one in twenty would else get a number."""

READABLE_SHARE = 0.3
"""Share of the profiles that must look like a crack for a width to be stated at all."""


@dataclass(frozen=True, slots=True)
class WidthReadings:
    """Where a crack's width was read, and what was read there, in photo pixels.

    Parameters
    ----------
    chords_px
        (n) lines across the crack, as long as it is wide there.
    error_px
        (n,) standard error of each reading, beside what all share.
    shared_error_px
        Standard error that all readings share.
    median
        Of the width along the crack.
    blur_px
        Standard deviation of the blur that fits best; None where the flanks lie too far apart to tell.
    readable_share
        Share of the profiles that look like a crack.
    """

    chords_px: MultiLineString
    error_px: tuple[float, ...]
    shared_error_px: float
    median: Estimate
    blur_px: float | None
    readable_share: float

    @property
    def is_measured(self) -> bool:
        """Whether a single number may be stated."""
        return surely_above(self.median, MEASURABLE_PX)


def surely_above(estimate: Estimate, limit: float) -> bool:
    """Whether a value lies above a limit with near certainty, and not only as the 90 % interval says."""
    return estimate.middle - SURE_SPREADS * (estimate.middle - estimate.low) >= limit


def read_widths(blocks: Sequence[Profiles], search_px: float) -> WidthReadings | None:
    """Read a crack's width along its centre line.

    Parameters
    ----------
    blocks
        Profiles along stretches of the line, of the same reach each.
    search_px
        How far off the middle the valley may lie.

    Returns
    -------
    None where too few profiles look like a crack (sealed joints, shadow edges, a mask that is no crack).
    """
    groups = [averaged(centred(block, search_px)) for block in blocks if len(block)]
    if not groups:
        return None
    read = valleys(profiles := concatenated(groups))
    if float(np.median(np.nan_to_num(read.half_width_px))) < THIN_PX:
        again = THIN_AVERAGED_PROFILES // AVERAGED_PROFILES
        read = valleys(profiles := concatenated([averaged(group, again) for group in groups]))
    readable = looks_like_a_crack(read)
    share = float(readable.mean())
    if share < READABLE_SHARE:
        return None
    kept = np.flatnonzero(readable)
    width, error, median, shared, blur = _fit(profiles, read, kept)
    if _is_cut(profiles.only(kept), width, read.depth[kept]):
        return None
    if median.low < MEASURABLE_PX:
        depth = float(np.median(read.depth[kept]))
        reached = float(np.clip((depth - FAINT_DEPTH) / (FLOOR_DEPTH - FAINT_DEPTH), 0.0, 1.0))
        median = replace(median, low=median.low * reached)
    ends = profiles.across[kept] * (width / 2)[:, None]
    chords = np.stack([profiles.xy_px[kept] - ends, profiles.xy_px[kept] + ends], axis=1)
    return WidthReadings(MultiLineString(list(chords)), tuple(error.tolist()), shared, median, blur, share)


def looks_like_a_crack(read: Valleys) -> npt.NDArray[np.bool_]:
    """Tell which profiles are those of an open crack: a dark valley that comes up on both sides, dark to its ground."""
    looks = (read.depth >= LEAST_CONTRAST) & np.isfinite(read.half_width_px)
    looks &= (read.bank_ratio >= LEAST_BANK_RATIO) & (read.floor_ratio <= 1 - LEAST_CONTRAST)
    looks &= read.depth >= LEVEL_FLOOR * read.deepest
    return looks & ((read.half_width_px < WIDE_PX) | (read.depth >= OPEN_DEPTH))


def _is_cut(profiles: Profiles, width_px: FloatArray, depth: FloatArray) -> bool:
    """Tell a filled joint from a crack: cut straight and even, and not as dark as an opening."""
    if len(width_px) < LEAST_CUT_READINGS or np.median(width_px) < WIDE_PX or np.median(depth) >= CUT_DEPTH:
        return False
    off = profiles.xy_px - profiles.xy_px.mean(axis=0)
    along, aside = (off @ np.linalg.svd(off, full_matrices=False)[2].T).T
    # A lens bends a straight joint a little.
    bend = aside - np.polyval(np.polyfit(along, aside, 2), along)
    uneven = 1.4826 * float(np.median(np.abs(width_px - np.median(width_px)))) / float(np.median(width_px))
    return bool(np.median(np.abs(bend)) < CUT_STRAIGHT_PX and uneven < CUT_UNEVEN)


def _fit(
    profiles: Profiles, read: Valleys, kept: npt.NDArray[np.int64]
) -> tuple[FloatArray, FloatArray, Estimate, float, float | None]:
    """Give width and own error of each reading, the median, the shared error and the blur."""
    half = read.half_width_px[kept]
    narrow = half < GRID_UP_TO_PX
    if not narrow.any():
        mean, variance, weight, blur = half[:, None], _edge_error(read, kept)[:, None] ** 2, np.ones(1), None
    else:
        fitted = blurred_box.fit_widths(_near_middle(profiles, kept[narrow]))
        weight, blur = fitted.weight, float(fitted.weight @ fitted.blur_px)
        mean = np.repeat(half[:, None], len(weight), axis=1)
        variance = np.repeat((_edge_error(read, kept) ** 2)[:, None], len(weight), axis=1)
        mean[narrow], variance[narrow] = fitted.mean_px, fitted.variance_px2
    variance = variance + (UNEVEN * roughness(mean)) ** 2
    systematic = THIN_SYSTEMATIC_PX if np.median(half) < THIN_PX else SYSTEMATIC_PX
    median = mixed_median(mean, variance, weight, systematic)
    width = mean @ weight
    shared = float(np.hypot(np.sqrt(weight @ (np.median(mean, axis=0) - np.median(width)) ** 2), systematic))
    return width, np.sqrt(variance @ weight), median, shared, blur


def _edge_error(read: Valleys, kept: npt.NDArray[np.int64]) -> FloatArray:
    """Give the error of widths at half depth: unevenness of the banks over the steepness of both flanks."""
    bank = max(2, read.darkness.shape[1] // 5)
    darkness = read.darkness[kept]
    noise = np.hypot(darkness[:, :bank].std(axis=1), darkness[:, -bank:].std(axis=1))
    flank_px = blurred_box.USUAL_BLUR_PX * np.sqrt(2 * np.pi)
    return np.asarray(noise * flank_px / read.depth[kept], dtype=np.float64)


def _near_middle(profiles: Profiles, numbers: npt.NDArray[np.int64]) -> FloatArray:
    """Cut profiles to the reach of the grid and set them against their nearer banks."""
    half = round(blurred_box.REACH_PX / blurred_box.STEP_PX)
    middle = profiles.light.shape[1] // 2
    near = profiles.only(numbers)
    return valleys(replace(near, light=near.light[:, middle - half : middle + half + 1])).darkness
