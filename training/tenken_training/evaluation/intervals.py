"""Intervals of 95 %: of shares, of counts, and of anything by resampling photos."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LEVEL = 0.95

LEAST_PHOTOS = 5
"""Fewer photos cannot be resampled into anything that deserves the name of an interval."""

IntervalKind = Literal["bootstrap", "wilson", "poisson"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with what its interval needs.

    Parameters
    ----------
    value
        The figure; NaN where there is nothing to measure it on.
    replicates
        (b,) the same figure of b resampled sets; NaN where a resample holds nothing to measure.
    n, of
        How many of what it rests on.
    interval
        How the interval is made.
    successes
        For ``wilson`` the successes among ``n`` trials, for ``poisson`` the number of events.
    exposure
        For ``poisson``: ``value`` is ``successes / exposure``.
    """

    value: float
    replicates: FloatArray
    n: int
    of: str
    interval: IntervalKind = "bootstrap"
    successes: int = 0
    exposure: float = 1.0

    def bounds(self) -> tuple[float, float]:
        """Give the interval; NaN where there is none."""
        if np.isnan(self.value):
            return np.nan, np.nan
        if self.interval == "wilson":
            return wilson(self.successes, self.n)
        if self.interval == "poisson":
            low, high = poisson(self.successes)
            return low / self.exposure, high / self.exposure
        return percentile_bounds(self.replicates)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Interval of a share (Wilson 1927); trials are taken as independent."""
    if trials == 0:
        return np.nan, np.nan
    interval = stats.binomtest(successes, trials).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def poisson(events: int) -> tuple[float, float]:
    """Exact interval of an expected count (Garwood 1936)."""
    tail = (1 - LEVEL) / 2
    low = stats.chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    return float(low), float(stats.chi2.ppf(1 - tail, 2 * events + 2) / 2)


def resamples(photos: int, *, count: int, seed: int) -> IntArray:
    """(count, photos) how often each photo stands in each resampled set; empty for too few photos.

    Photos are drawn with replacement (Efron 1979). Two detectors are compared over the same resamples, so that
    what makes a photo difficult for both cancels out.
    """
    if photos < LEAST_PHOTOS:
        return np.empty((0, photos), dtype=np.int64)
    rng = np.random.default_rng(seed)
    return rng.multinomial(photos, np.full(photos, 1 / photos), size=count).astype(np.int64)


def percentile_bounds(replicates: FloatArray) -> tuple[float, float]:
    """Percentile interval of resampled figures; NaN when there are none."""
    usable = replicates[~np.isnan(replicates)]
    if not len(usable):
        return np.nan, np.nan
    low, high = np.quantile(usable, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
