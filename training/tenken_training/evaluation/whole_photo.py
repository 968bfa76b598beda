"""A photo as one tile, as published figures have it: detections ranked by score, for average precision and calibration.

Figures of the product itself (tiles, assembly, working threshold) come from `tenken.measurement.find.find_defects`;
these are only for standing beside published ones, and for looking at scores below the threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenken.detection.detect import Detections, Detector, kinds_of
from tenken.measurement.find import LINEAR_KINDS
from tenken_training.evaluation.average_precision import RankedDetections
from tenken_training.evaluation.matching import GRID_PX, Crop, box_iou, mask_iou, matches
from tenken_training.evaluation.photo_score import grown
from tenken_training.evaluation.truth import BoolArray, FloatArray, LabelledObject, Truth, joined_objects

SENSITIVE_SCORE = 0.001
"""Lowest score for average precision (ultralytics' validator)."""

CALIBRATED_SCORE = 0.05
"""Detections below are noise that nobody will look at; they would fill the calibration table."""


@dataclass(frozen=True, slots=True)
class WholePhotoScore:
    """How the detections of one kind in one photo stand to its labels.

    Parameters
    ----------
    ranked
        Against the objects as they are labelled.
    joined
        Against labelled objects that touch, joined (`joined_objects`).
    calibration
        (n, 2) score and rightness of those over `CALIBRATED_SCORE` that do not repeat a better one. A detection is
        right there when half of its pixels are labelled.
    """

    ranked: RankedDetections
    joined: RankedDetections
    calibration: FloatArray


def score_whole_photo(
    image: npt.NDArray[np.uint8],
    truth: Truth,
    detector: Detector,
    kinds: Sequence[str],
    classes: Sequence[str],
    *,
    whole_px: int,
    tolerance_px: float,
) -> dict[str, WholePhotoScore]:
    """Run a sensitive detector over the photo as one tile, and pair what it finds with the labels.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB; a photo with a longer side than ``whole_px`` is reduced to it, none is enlarged.
    truth
        Its labels.
    detector
        With a threshold of about `SENSITIVE_SCORE`.
    kinds
        Kinds to judge.
    classes
        Kinds that integer labels count into.
    whole_px, tolerance_px
        Longest side of the tile; how far from a label the pixels of a crack may lie (calibration only).

    Returns
    -------
    One score for each kind.
    """
    scale = min(1.0, whole_px / max(image.shape[:2]))
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        image = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
        truth = reduced(truth, height, width)
    found = detector(np.ascontiguousarray(image))
    of_kind = np.array(kinds_of(found, classes), dtype=object)
    scores = {}
    for kind in kinds:
        chosen = np.flatnonzero(of_kind == kind)
        chosen = chosen[np.argsort(-np.asarray(found.score, dtype=np.float64)[chosen], kind="stable")]
        crops = [_crop(found, int(number), image.shape[:2]) for number in chosen]
        score = np.asarray(found.score[chosen], dtype=np.float64)
        boxes = np.asarray(found.xyxy_px[chosen], dtype=np.float64).reshape(-1, 4)
        region = truth.region(kind)
        allowed = grown(region, tolerance_px) if kind in LINEAR_KINDS else region
        scores[kind] = WholePhotoScore(
            _ranked([one for one in truth.objects if one.kind == kind], score, boxes, crops, image.shape[:2]),
            _ranked(joined_objects(truth, kind), score, boxes, crops, image.shape[:2]),
            _rightness(score, crops, allowed),
        )
    return scores


def _ranked(
    objects: Sequence[LabelledObject],
    score: FloatArray,
    boxes: FloatArray,
    crops: Sequence[Crop],
    shape_px: tuple[int, int],
) -> RankedDetections:
    masks = [(one.mask, one.left_px, one.top_px) for one in objects]
    return RankedDetections(
        score,
        matches(box_iou(_boxes(objects), boxes)),
        matches(mask_iou(masks, crops, shape_px, GRID_PX)),
        len(objects),
    )


def reduced(truth: Truth, height_px: int, width_px: int) -> Truth:
    """Give the truth of a photo made smaller; an object too thin for the pixels keeps those it fills most."""
    across, down = width_px / truth.width_px, height_px / truth.height_px
    objects: list[LabelledObject] = []
    regions: dict[str, BoolArray] = {}
    for one in truth.objects:
        whole = np.zeros((truth.height_px, truth.width_px), dtype=bool)
        whole[one.top_px : one.top_px + one.mask.shape[0], one.left_px : one.left_px + one.mask.shape[1]] = one.mask
        mask = _reduced_mask(whole, height_px, width_px)
        if not mask.any():
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, left = int(rows[0]), int(columns[0])
        crop = mask[top : rows[-1] + 1, left : columns[-1] + 1]
        objects.append(LabelledObject(one.kind, one.xyxy_px * [across, down, across, down], left, top, crop))
    for kind, region in truth.regions.items():
        regions[kind] = _reduced_mask(region, height_px, width_px)
    return Truth(height_px, width_px, tuple(objects), regions)


def _reduced_mask(mask: BoolArray, height_px: int, width_px: int) -> BoolArray:
    cover = Image.fromarray(mask.astype(np.uint8) * 255).resize((width_px, height_px), Image.Resampling.BOX)
    share = np.asarray(cover)
    # At least the fullest pixel stays, so that no object is lost.
    return np.asarray(share >= min(128, max(1, int(share.max()))))


def _crop(found: Detections, number: int, shape_px: tuple[int, ...]) -> Crop:
    """Mask of a detection, a filled box where it has none, cut at the photo's borders."""
    left, top = (int(edge) for edge in np.floor(found.xyxy_px[number, :2]))
    right, bottom = (int(edge) for edge in np.ceil(found.xyxy_px[number, 2:]))
    if found.masks is None:
        mask = np.ones((max(1, bottom - top), max(1, right - left)), dtype=bool)
    else:
        mask = np.asarray(found.masks[number], dtype=bool)
    cut_x, cut_y = max(0, -left), max(0, -top)
    left, top = left + cut_x, top + cut_y
    return mask[cut_y : cut_y + shape_px[0] - top, cut_x : cut_x + shape_px[1] - left], left, top


def _boxes(objects: Sequence[LabelledObject]) -> FloatArray:
    return np.array([one.xyxy_px for one in objects], dtype=np.float64).reshape(-1, 4)


def _rightness(score: FloatArray, crops: Sequence[Crop], allowed: BoolArray) -> FloatArray:
    rows = []
    seen = np.zeros_like(allowed)
    for value, (mask, left, top) in zip(score.tolist(), crops, strict=True):
        if value < CALIBRATED_SCORE:
            break
        place = slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1])
        half = np.count_nonzero(mask) / 2
        # What lies under better detections is the same defect again, which assembly joins with them.
        if np.count_nonzero(mask & seen[place]) < half:
            rows.append((value, float(np.count_nonzero(mask & allowed[place]) >= half)))
        seen[place] |= mask
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
