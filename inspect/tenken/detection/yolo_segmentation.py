"""From the raw output of a YOLO segmentation network to `Detections`; numpy only, the same for every engine.

No matrix product is used here: how BLAS splits one over threads changes the last bits, and with them the
outline of a mask. Everything is sums in a fixed order, so that equal network outputs give equal detections.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tenken.detection.detect import Detections
from tenken.detection.engine import Outputs, Tile, padded

FloatArray = npt.NDArray[np.float32]

PROTOTYPE_PX = 4
"""Pixels of the input that one pixel of the mask prototypes spans."""
PADDING_GREY = 114
"""Grey of the padding that YOLO networks are trained with."""
OVERLAP_IOU = 0.7
"""Boxes of one class that overlap more than this are one object (the default of ultralytics' predictors)."""
MAX_DETECTIONS = 300
"""Most detections in one tile; more are reported as saturation."""


class YoloDecoder:
    """Decodes YOLO segmentation networks: predictions and mask prototypes.

    Parameters
    ----------
    classes
        Names by class number.
    thresholds
        Lowest score for each class.
    """

    def __init__(self, classes: Sequence[str], thresholds: Sequence[float]) -> None:
        self.classes = tuple(classes)
        self._thresholds = tuple(thresholds)

    def pad(self, tile: Tile, /) -> Tile:
        """Extend a tile with the grey that YOLO networks are trained with."""
        return padded(tile, constant_values=PADDING_GREY)

    def decode(self, outputs: Outputs, shape_px: tuple[int, int], /) -> Detections:
        """Give the detections of one tile."""
        return decode(outputs[0], outputs[1], shape_px, self.classes, self._thresholds)

    def states(self, _outputs: Outputs, _shape_px: tuple[int, int], /) -> None:
        """Tell nothing: boxes and masks are all that these networks give."""
        return


def decode(
    predictions: FloatArray,
    prototypes: FloatArray,
    shape_px: tuple[int, int],
    classes: Sequence[str],
    thresholds: Sequence[float],
    *,
    overlap_iou: float = OVERLAP_IOU,
    max_detections: int = MAX_DETECTIONS,
) -> Detections:
    """Turn a network's output for one tile into detections in the tile's pixels.

    Parameters
    ----------
    predictions
        (4 + classes + k, anchors): centre x, centre y, width, height in pixels; a score 0..1 for each class;
        k mask coefficients.
    prototypes
        (k, ceil(h / 4), ceil(w / 4)) mask prototypes of the padded tile.
    shape_px
        Height and width of the tile without its padding; boxes are clipped to it.
    classes
        Names by class number.
    thresholds
        Lowest score for each class; a detection scores more than this.
    overlap_iou
        Of boxes of one class that overlap more than this only the best is kept. Never across classes: a crack
        through a rust patch stays.
    max_detections
        Keep at most so many, the best; `Detections.saturated` tells when there were more.
    """
    count = len(classes)
    scores = predictions[4 : 4 + count]
    passing = scores > np.asarray(thresholds, dtype=np.float32)[:, None]
    anchors = np.flatnonzero(passing.any(axis=0))
    if not len(anchors):
        return Detections.empty()
    # One label an anchor: the best of those classes that pass their own threshold.
    candidate_scores = np.where(passing[:, anchors], scores[:, anchors], -1)
    number = candidate_scores.argmax(axis=0)
    score = candidate_scores.max(axis=0)
    best_first = np.argsort(-score, kind="stable")
    anchors, number, score = anchors[best_first], number[best_first], score[best_first]
    xyxy_px = _corners(predictions[:4, anchors].T)
    kept, saturated = _suppress(xyxy_px, number, overlap_iou, max_detections)

    height, width = shape_px
    xyxy_px = np.clip(xyxy_px[kept], 0, np.array([width, height, width, height], dtype=np.float32))
    coefficients = predictions[4 + count :, anchors[kept]].T
    found: list[int] = []
    masks: list[npt.NDArray[np.bool_]] = []
    for index, (box, weights) in enumerate(zip(xyxy_px, coefficients, strict=True)):
        mask = _mask_crop(box, weights, prototypes)
        if mask.any():
            found.append(index)
            masks.append(mask)
    names = np.asarray(classes)
    return Detections(xyxy_px[found], score[kept][found], names[number[kept][found]], masks, saturated)


def _corners(centre_size_px: FloatArray) -> FloatArray:
    """(n, 4) centre x, centre y, width, height to left, top, right, bottom."""
    half = centre_size_px[:, 2:] / 2
    return np.concatenate([centre_size_px[:, :2] - half, centre_size_px[:, :2] + half], axis=1)


def _suppress(
    xyxy_px: FloatArray, number: npt.NDArray[np.intp], overlap_iou: float, max_detections: int
) -> tuple[npt.NDArray[np.intp], bool]:
    """Greedy non-maximum suppression within each class; boxes come best first.

    Returns
    -------
    The kept boxes' indices, best first, and whether boxes were left when the limit was reached.
    """
    area = (xyxy_px[:, 2] - xyxy_px[:, 0]) * (xyxy_px[:, 3] - xyxy_px[:, 1])
    left = np.arange(len(xyxy_px))
    kept: list[int] = []
    while len(left) and len(kept) < max_detections:
        best, rest = left[0], left[1:]
        kept.append(int(best))
        top_left = np.maximum(xyxy_px[best, :2], xyxy_px[rest, :2])
        bottom_right = np.minimum(xyxy_px[best, 2:], xyxy_px[rest, 2:])
        shared = np.clip(bottom_right - top_left, 0, None).prod(axis=1)
        same_object = (number[rest] == number[best]) & (shared > overlap_iou * (area[best] + area[rest] - shared))
        left = rest[~same_object]
    return np.array(kept, dtype=np.intp), bool(len(left))


def _mask_crop(box_px: FloatArray, weights: FloatArray, prototypes: FloatArray) -> npt.NDArray[np.bool_]:
    """Mask of one box, rounded outwards: logit > 0 after bilinear upsampling of the crop alone.

    Parameters
    ----------
    box_px
        (4,) left, top, right, bottom, clipped to the tile.
    weights
        (k,) the detection's mask coefficients.
    prototypes
        (k, rows, columns), on a grid of `PROTOTYPE_PX`.
    """
    left, top = np.floor(box_px[:2]).astype(int)
    right, bottom = np.ceil(box_px[2:]).astype(int)
    if right <= left or bottom <= top:
        return np.zeros((0, 0), dtype=np.bool_)
    row, row_next, row_weight = _neighbours(top, bottom, prototypes.shape[1])
    column, column_next, column_weight = _neighbours(left, right, prototypes.shape[2])
    rows, columns = slice(row[0], row_next[-1] + 1), slice(column[0], column_next[-1] + 1)
    logits = (weights[:, None, None] * prototypes[:, rows, columns]).sum(axis=0)
    # Sums in place: on large boxes the copies would cost more than the arithmetic.
    across = logits.take(column_next - columns.start, axis=1)
    first = logits.take(column - columns.start, axis=1)
    across -= first
    across *= column_weight
    across += first
    down = across.take(row_next - rows.start, axis=0)
    first = across.take(row - rows.start, axis=0)
    down -= first
    down *= row_weight[:, None]
    down += first
    mask: npt.NDArray[np.bool_] = down > 0
    return mask


def _neighbours(
    start_px: int, stop_px: int, cells: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
    """Prototype cells on both sides of each pixel centre, and the weight of the second.

    Pixel centres are matched with cell centres (``align_corners=False`` in torch's terms): pixel i lies at
    (i + 0.5) / 4 - 0.5 cells, held inside the grid.
    """
    position = (np.arange(start_px, stop_px, dtype=np.float32) + 0.5) / PROTOTYPE_PX - 0.5
    position = position.clip(0, cells - 1)
    first = position.astype(np.intp)
    return first, np.minimum(first + 1, cells - 1), (position - first).astype(np.float32)
