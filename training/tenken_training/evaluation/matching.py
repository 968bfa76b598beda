"""Which detection is which labelled object: IoU of boxes and masks, and the pairing that average precision rests on.

Masks are compared on a grid of 4 px, as ultralytics' validator does: only so can figures stand beside published
ones. A grid of 1 compares every pixel.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""From mAP50 to mAP50-95 (COCO)."""

GRID_PX = 4
"""ultralytics compares masks at the resolution of its networks' prototypes."""

Crop = tuple[BoolArray, int, int]
"""A mask crop with its left and top in the photo."""


def box_iou(true_xyxy: FloatArray, found_xyxy: FloatArray) -> FloatArray:
    """(t, f) IoU of t labelled and f detected boxes (left, top, right, bottom)."""
    low = np.maximum(true_xyxy[:, None, :2], found_xyxy[None, :, :2])
    high = np.minimum(true_xyxy[:, None, 2:], found_xyxy[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    true_area = (true_xyxy[:, 2:] - true_xyxy[:, :2]).prod(axis=1)
    found_area = (found_xyxy[:, 2:] - found_xyxy[:, :2]).prod(axis=1)
    union = true_area[:, None] + found_area[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), dtype=np.float64)


def mask_iou(true: Sequence[Crop], found: Sequence[Crop], shape_px: tuple[int, int], grid_px: int) -> FloatArray:
    """(t, f) IoU of masks, compared on a grid."""
    one = _flat_cells(true, shape_px, grid_px)
    other = _flat_cells(found, shape_px, grid_px)
    shared = one @ other.T
    union = one.sum(axis=1)[:, None] + other.sum(axis=1)[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), dtype=np.float64)


def matches(iou: FloatArray, thresholds: FloatArray = IOU_THRESHOLDS) -> BoolArray:
    """Pair detections, best score first, with the unpaired object of the largest IoU (COCO's rule).

    Parameters
    ----------
    iou
        (t, f), columns in falling order of score.
    thresholds
        (k,) least IoU of a pair.

    Returns
    -------
    (f, k) whether the detection has a partner.
    """
    true_count, found_count = iou.shape
    right = np.zeros((found_count, len(thresholds)), dtype=bool)
    if true_count == 0:
        return right
    taken = np.zeros((true_count, len(thresholds)), dtype=bool)
    columns = np.arange(len(thresholds))
    for number in range(found_count):
        free = np.where(taken, 0.0, iou[:, number, None])
        best = free.argmax(axis=0)
        right[number] = free[best, columns] >= thresholds
        taken[best, columns] |= right[number]
    return right


def _flat_cells(crops: Sequence[Crop], shape_px: tuple[int, int], grid_px: int) -> npt.NDArray[np.float32]:
    """(n, cells) which cells each mask fills: more than half of the four pixels around the cell's centre."""
    rows, columns = (-(-side // grid_px) for side in shape_px)
    cells = np.zeros((len(crops), rows, columns), dtype=np.float32)
    for number, (mask, left, top) in enumerate(crops):
        # Only the cells that the crop touches: detections are many, and most are small.
        first_row, first_column = top // grid_px, left // grid_px
        last_row, last_column = -(-(top + mask.shape[0]) // grid_px), -(-(left + mask.shape[1]) // grid_px)
        patch = np.zeros(((last_row - first_row) * grid_px, (last_column - first_column) * grid_px), dtype=np.uint8)
        y0, x0 = top - first_row * grid_px, left - first_column * grid_px
        patch[y0 : y0 + mask.shape[0], x0 : x0 + mask.shape[1]] = mask
        filled = _cell_centres(patch, grid_px)[: rows - first_row, : columns - first_column]
        cells[number, first_row:last_row, first_column:last_column] = filled
    return cells.reshape(len(crops), rows * columns)


def _cell_centres(patch: npt.NDArray[np.uint8], grid_px: int) -> BoolArray:
    low, high = (grid_px - 1) // 2, grid_px // 2
    total = sum(patch[y::grid_px, x::grid_px].astype(np.int64) for y in (low, high) for x in (low, high))
    return np.asarray(total >= 2)
