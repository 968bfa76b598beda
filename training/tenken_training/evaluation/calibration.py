"""Whether scores mean what they say: of detections with a score of 0.7, seven in ten should be right."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tenken_training.evaluation.intervals import wilson
from tenken_training.evaluation.results import CalibrationBin

BIN_EDGES = np.linspace(0, 1, 11)


def reliability(pairs: Sequence[npt.NDArray[np.float64]]) -> tuple[tuple[CalibrationBin, ...], float | None]:
    """Tabulate scores against rightness.

    Parameters
    ----------
    pairs
        (n, 2) score and rightness (0 or 1) of the detections of each photo.

    Returns
    -------
    The table, bins without detections left out, and the expected calibration error (Naeini et al. 2015): the mean
    distance of score and rightness, weighted by detections. None without detections.
    """
    score, right = np.concatenate([np.empty((0, 2)), *pairs]).T
    number = np.clip(np.digitize(score, BIN_EDGES[1:-1]), 0, len(BIN_EDGES) - 2)
    bins, error = [], 0.0
    for index in np.unique(number).tolist():
        chosen = number == index
        count, true = int(np.count_nonzero(chosen)), int(right[chosen].sum())
        mean_score, share = float(score[chosen].mean()), true / count
        low, high = wilson(true, count)
        error += abs(mean_score - share) * count / len(score)
        bins.append(
            CalibrationBin(
                low=round(float(BIN_EDGES[index]), 2),
                high=round(float(BIN_EDGES[index + 1]), 2),
                detections=count,
                mean_score=mean_score,
                right=share,
                right_low=low,
                right_high=high,
            )
        )
    return tuple(bins), error if bins else None
