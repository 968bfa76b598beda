"""Average precision as ultralytics and COCO compute it, from 101 points of the precision-recall curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.integrate import trapezoid

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, slots=True)
class RankedDetections:
    """Detections of one kind in one photo, with whether they have a labelled partner.

    Parameters
    ----------
    score
        (n,) falling.
    box_right, mask_right
        (n, k) by IoU threshold (`tenken_training.evaluation.matching.IOU_THRESHOLDS`).
    true_count
        Labelled objects in the photo.
    """

    score: FloatArray
    box_right: BoolArray
    mask_right: BoolArray
    true_count: int


def average_precision(
    score: FloatArray, right: BoolArray, true_count: float, weight: IntArray | None = None
) -> FloatArray:
    """(k,) average precision at each IoU threshold.

    Parameters
    ----------
    score
        (n,) in any order.
    right
        (n, k).
    true_count
        Labelled objects; NaN comes back when there are none.
    weight
        (n,) how often each detection counts, for resampling; once when None.
    """
    if true_count <= 0:
        return np.full(right.shape[1], np.nan)
    order = np.argsort(-score, kind="stable")
    weights = np.ones(len(order), dtype=np.int64) if weight is None else weight[order]
    return ordered_average_precision(right[order], weights, true_count)


def ordered_average_precision(right: BoolArray, weight: IntArray, true_count: float) -> FloatArray:
    """`average_precision` of detections that are in falling order of score."""
    used = weight > 0
    given = np.cumsum(weight[used])
    result = np.zeros(right.shape[1])
    if not len(given):
        return result
    for column in range(right.shape[1]):
        true = np.cumsum(weight[used] * right[used, column])
        recall, precision = true / true_count, true / given
        recall = np.concatenate([[0.0], recall, [recall[-1], 1.0]])
        envelope = np.maximum.accumulate(np.concatenate([[1.0], precision, [0.0, 0.0]])[::-1])[::-1]
        result[column] = trapezoid(np.interp(_RECALLS, recall, envelope), _RECALLS)
    return result


def pooled_average_precision(photos: Sequence[RankedDetections], draws: IntArray) -> dict[str, FloatArray]:
    """mAP50 and mAP50-95 of boxes and masks, for the set itself (first) and for each resampled set.

    Parameters
    ----------
    photos
        One entry a photo.
    draws
        (b, photos) how often each photo stands in each resampled set.

    Returns
    -------
    (1 + b,) by name: ``box_map50``, ``box_map50_95``, ``mask_map50``, ``mask_map50_95``.
    """
    draws = np.vstack([np.ones((1, len(photos)), dtype=np.int64), draws])
    owner = np.repeat(np.arange(len(photos)), [len(photo.score) for photo in photos])
    order = np.argsort(-np.concatenate([photo.score for photo in photos]), kind="stable")
    owner = owner[order]
    true_counts = draws @ np.array([photo.true_count for photo in photos])
    values: dict[str, FloatArray] = {}
    for name, parts in (
        ("box", [photo.box_right for photo in photos]),
        ("mask", [photo.mask_right for photo in photos]),
    ):
        right = np.concatenate(parts)[order]
        rows = np.stack(
            [
                ordered_average_precision(right, draw[owner], true) if true > 0 else np.full(right.shape[1], np.nan)
                for draw, true in zip(draws, true_counts, strict=True)
            ]
        )
        values[f"{name}_map50"] = rows[:, 0]
        values[f"{name}_map50_95"] = rows.mean(axis=1)
    return values
