"""What readings along a crack say of it as a whole: typical, wide and widest, each with a 90 % interval.

Readings scatter for two reasons: the crack's width changes, and each reading errs. Taken as they are, their largest is
the largest error as often as the largest width. So each reading is drawn towards the median as far as its error says
(empirical Bayes: James and Stein 1961; Efron and Morris 1975), and figures are read from what then is known of each
place. The error that all readings share, above all the blur, comes on top.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MEDIAN_FACTOR = 1.2533
"""Standard error of a median over that of a mean, for a normal distribution: square root of pi / 2."""

MEDIAN_OF_MEANS = 0.08
"""Standard error of a median of readings against that of the width itself, as a share of the readings' scatter."""

OFF_STEP = 0.5
"""How much the mean over a length changes when it begins between two readings, as a share of how much they differ."""

SAMPLED = 0.5
"""All of a crack is read, so its 95th percentile is not that of a sample: share of the sampling error that is left."""

WITHIN = 0.7
"""How much the width changes within a reading, as a share of how much neighbours differ."""

NORMAL_90 = 1.645
"""Half width of a normal distribution's central 90 %, in standard deviations."""

NORMAL_SCATTER = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

QUANTILES = (0.5, 0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 90 % interval."""

    middle: float
    low: float
    high: float

    def times(self, factor: float) -> "Estimate":
        """Return the same in another unit."""
        return Estimate(self.middle * factor, self.low * factor, self.high * factor)


def mixed_median(width: FloatArray, variance: FloatArray, weight: FloatArray, systematic: float) -> Estimate:
    """Estimate the median along a crack when the readings hang on a state that is not known.

    Parameters
    ----------
    width, variance
        (n, s) readings in each state.
    weight
        (s,) probability of the states.
    systematic
        Standard error that all readings share in any state.
    """
    from scipy.special import ndtr

    middle = np.median(width, axis=0)
    own = MEDIAN_FACTOR**2 * np.median(variance, axis=0) / len(width)
    error = np.sqrt(own + (MEDIAN_OF_MEANS * _scatter(width)) ** 2 + systematic**2)
    grid = np.linspace(max(0.0, float((middle - 5 * error).min())), float((middle + 5 * error).max()), 2001)
    share = ndtr((grid[:, None] - middle) / error) @ weight
    return Estimate(*(float(value) for value in np.interp(QUANTILES, share, grid)))


def percentile(width: FloatArray, error: FloatArray, shared: float, part: float = 0.95) -> Estimate:
    """Estimate the width that a part of the crack stays below.

    Parameters
    ----------
    width, error
        (n,) readings evenly along the crack and the standard error of each, beside what they share.
    shared
        Standard error that all readings share.
    """
    from scipy.special import ndtr

    mean, own = _shrunk(width, error)
    # Between readings a crack swells as much again as from one to the next.
    spread = np.maximum(np.hypot(own, WITHIN * _swelling(width, error)), 1e-9)
    grid = np.linspace(max(0.0, float((mean - 5 * spread).min())), float((mean + 5 * spread).max()), 2001)
    middle = float(np.interp(part, ndtr((grid[:, None] - mean) / spread).mean(axis=1), grid))
    sampling = SAMPLED * float(spread.mean()) / np.sqrt(max(1.0, len(width) * (1 - part)))
    return _around(middle, float(np.hypot(sampling, shared)))


def largest(width: FloatArray, error: FloatArray, shared: float, window: int = 1) -> Estimate:
    """Estimate the largest mean over some readings in a row.

    Parameters
    ----------
    width, error
        (n,) readings in their order along the crack, and the standard error of each, beside what they share.
    shared
        Standard error that all readings share.
    window
        Readings in a row; all of them where there are fewer.
    """
    from scipy.special import log_ndtr

    mean, spread = _shrunk(width, error)
    window = min(max(1, window), len(mean))
    even = np.full(window, 1 / window)
    means = np.convolve(mean, even, "valid")
    # The widest length begins anywhere, and not where a reading does.
    off_step = OFF_STEP * _swelling(width, error) / np.sqrt(window)
    errors = np.maximum(np.hypot(np.sqrt(np.convolve(spread**2, even / window, "valid")), off_step), 1e-9)
    grid = np.linspace(max(0.0, float((means - 5 * errors).min())), float((means + 6 * errors).max()), 2001)
    # The largest stays below x when all do.
    below = np.exp(log_ndtr((grid[:, None] - means) / errors).sum(axis=1))
    middle, low, high = (float(value) for value in np.interp(QUANTILES, below, grid))
    off = NORMAL_90 * shared
    return Estimate(
        middle, max(0.0, middle - float(np.hypot(middle - low, off))), float(np.hypot(high - middle, off)) + middle
    )


def roughness(width: FloatArray) -> FloatArray:
    """(s,) standard deviation of neighbours from each other, of (n, s) readings along a crack."""
    if len(width) < 3:
        return np.zeros(width.shape[1])
    return np.asarray(np.diff(width, axis=0).std(axis=0) / np.sqrt(2), dtype=np.float64)


def _swelling(width: FloatArray, error: FloatArray) -> float:
    """Give the standard deviation by which the crack itself changes from one reading to the next."""
    return float(np.sqrt(max(0.0, float(roughness(width[:, None])[0]) ** 2 - float((error**2).mean()))))


def _shrunk(width: FloatArray, error: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give (n,) posterior mean and standard deviation of the width at each reading."""
    middle = float(np.median(width))
    true_variance = max(0.0, float(width.var()) - float((error**2).mean()))
    trust = true_variance / np.maximum(true_variance + error**2, 1e-12)
    return middle + trust * (width - middle), np.sqrt(trust) * error


def _scatter(width: FloatArray) -> FloatArray:
    """(s,) robust standard deviation of the columns of (n, s) readings."""
    return np.asarray(NORMAL_SCATTER * np.median(np.abs(width - np.median(width, axis=0)), axis=0), dtype=np.float64)


def _around(middle: float, error: float) -> Estimate:
    return Estimate(middle, max(0.0, middle - NORMAL_90 * error), middle + NORMAL_90 * error)
