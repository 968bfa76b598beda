"""One photo's part of every figure: sums that add up over photos, so that any selection of photos can be judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage
from shapely import affinity

from tenken.measurement.find import LINEAR_KINDS, PhotoDefect
from tenken_training.evaluation.average_precision import RankedDetections
from tenken_training.evaluation.blunders import Blunder, as_box, wrong_patch, wrong_stretch
from tenken_training.evaluation.centreline_score import (
    WIDTH_CLASSES,
    WIDTH_EDGES_PX,
    LinePoints,
    label_width_px,
    points_along,
    region_lines,
    sampled,
    within,
)
from tenken_training.evaluation.pixel_score import STATES, state_tally
from tenken_training.evaluation.truth import SMALLEST_OBJECT_PX, BoolArray, FloatArray, Truth, painted

AREA_EDGES_PX = (100.0, 1000.0, 10000.0)
AREA_CLASSES = ("under_100_px", "100_to_1000_px", "1000_to_10000_px", "10000_px_and_more")
"""Size classes of defects without a centre line, by labelled pixels."""

FOUND_SHARE = 0.5
"""A labelled defect counts as found, and a found one as right, when half of it agrees."""

Crop = tuple[BoolArray, int, int]


@dataclass(frozen=True, slots=True)
class KindScore:
    """What one photo adds to the figures of one kind.

    Parameters
    ----------
    tally
        Sums by name; `tenken_training.evaluation.figures` knows what is made of them.
    ranked
        Detections in the whole photo as one tile, for average precision; None where the detector was not asked.
    joined
        The same against labelled objects that touch, joined.
    calibration
        (n, 2) score and whether the detection was right, of the same detections.
    blunders
        Misses and false alarms.
    """

    tally: Mapping[str, float]
    ranked: RankedDetections | None = None
    joined: RankedDetections | None = None
    calibration: FloatArray | None = None
    blunders: tuple[Blunder, ...] = ()


@dataclass(frozen=True, slots=True)
class PhotoScore:
    """What one photo adds to the figures."""

    photo: str
    site: str
    megapixels: float
    kinds: Mapping[str, KindScore]
    defects: tuple[PhotoDefect, ...]
    seconds: float = 0.0


def score_defects(
    kind: str,
    truth: Truth,
    defects: Sequence[PhotoDefect],
    *,
    tolerance_px: float,
    states: npt.NDArray[np.uint8] | None = None,
) -> tuple[dict[str, float], tuple[Blunder, ...]]:
    """Judge the defects of one kind in a photo: the tally and the blunders.

    Parameters
    ----------
    kind
        Which kind; others in ``truth`` and ``defects`` are passed over.
    truth
        The photo's labels. What was found mostly where they say nothing is passed over.
    defects
        What was found in it.
    tolerance_px
        How far apart two centre lines may run.
    states
        (h, w) condition state of corrosion by the detector, where it gives one.
    """
    defects = [defect for defect in defects if defect.kind == kind]
    crops = [painted_crop(defect.outline_px, truth.height_px, truth.width_px) for defect in defects]
    true, ignored = truth.region(kind), truth.ignored_region(kind)
    counted = [number for number, crop in enumerate(crops) if _shared(ignored, crop) < FOUND_SHARE]
    defects, crops = [defects[number] for number in counted], [crops[number] for number in counted]
    found = _united(crops, truth) & ~ignored
    tally = {
        "shared_px": float(np.count_nonzero(true & found)),
        "true_px": float(np.count_nonzero(true)),
        "found_px": float(np.count_nonzero(found)),
    }
    if kind in LINEAR_KINDS:
        lines, blunders = _line_tally(kind, truth, true, found, ignored, defects, tolerance_px)
        return tally | lines, blunders
    if truth.states is not None:
        given = None if states is None else np.where(truth.states > len(STATES), truth.states, states)
        tally |= state_tally(truth.states, found, given)
    objects, blunders = _area_tally(kind, truth, true, found, defects, crops)
    return tally | objects, blunders


def score_alarms(kind: str, defects: Sequence[PhotoDefect]) -> tuple[dict[str, float], tuple[Blunder, ...]]:
    """Count everything found in a photo that holds no defect."""
    blunders = tuple(_alarm(defect) for defect in defects if defect.kind == kind)
    return {"alarms": float(len(blunders))}, blunders


def painted_crop(geometry: shapely.Geometry, height_px: int, width_px: int) -> Crop:
    """Pixels of an outline, as a crop of its box."""
    left, top, right, bottom = shapely.bounds(geometry).tolist()
    x0, y0 = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    x1, y1 = min(width_px, int(np.ceil(right))), min(height_px, int(np.ceil(bottom)))
    return painted([affinity.translate(geometry, -x0, -y0)], max(1, y1 - y0), max(1, x1 - x0)), x0, y0


def grown(mask: BoolArray, reach_px: float) -> BoolArray:
    """Extend a mask by a distance."""
    if not mask.any():
        return mask
    return np.asarray(ndimage.distance_transform_edt(~mask) <= reach_px)


def _united(crops: Sequence[Crop], truth: Truth) -> BoolArray:
    whole = np.zeros((truth.height_px, truth.width_px), dtype=bool)
    for mask, left, top in crops:
        part = whole[top : top + mask.shape[0], left : left + mask.shape[1]]
        part |= mask[: part.shape[0], : part.shape[1]]
    return whole


def _line_tally(
    kind: str,
    truth: Truth,
    true: BoolArray,
    found: BoolArray,
    ignored: BoolArray,
    defects: Sequence[PhotoDefect],
    tolerance_px: float,
) -> tuple[dict[str, float], tuple[Blunder, ...]]:
    """Lengths of line found and right, also by width class, and whole cracks found and right."""
    true_lines = region_lines(true)
    lined = [defect for defect in defects if defect.centreline_px is not None]
    found_lines = [defect.centreline_px for defect in lined if defect.centreline_px is not None]
    true_points, found_points = points_along(true_lines), points_along(found_lines)
    on_ignored = sampled(ignored, found_points).astype(bool)
    counted_px = np.where(on_ignored, 0.0, found_points.length_px)
    recalled = within(true_points, found_lines, tolerance_px)
    right = within(found_points, true_lines, tolerance_px)
    tally = {
        "true_line": float(true_points.length_px.sum()),
        "recalled_line": float(true_points.length_px[recalled].sum()),
        "found_line": float(counted_px.sum()),
        "right_line": float(counted_px[right].sum()),
    }
    width = sampled(label_width_px(true) if truth.crack_width_px is None else truth.crack_width_px, true_points)
    width_class = np.digitize(width.astype(np.float64), WIDTH_EDGES_PX[1:-1])
    for number, name in enumerate(WIDTH_CLASSES):
        chosen = width_class == number
        tally[f"true_line_{name}"] = float(true_points.length_px[chosen].sum())
        tally[f"recalled_line_{name}"] = float(true_points.length_px[chosen & recalled].sum())

    # A crack as a whole is found where something was found on it, be the two centre lines a little apart.
    on_found = sampled(grown(found, tolerance_px), true_points).astype(bool)
    on_true = sampled(grown(true, tolerance_px), found_points).astype(bool) | on_ignored
    true_share = _share_by_part(true_points.part, true_points.length_px, on_found, len(true_lines))
    right_share = _share_by_part(found_points.part, found_points.length_px, on_true, len(found_lines))
    tally |= _counts(true_share, right_share)
    # A mark of a single pixel has no line; it is an alarm of no length.
    tally["defects"] += len(defects) - len(lined)
    missed = [
        Blunder(kind, line.bounds, float(line.length), None)
        if share < FOUND_SHARE
        else wrong_stretch(kind, *_of_part(true_points, number, ~on_found), None)
        for number, (line, share) in enumerate(zip(true_lines, true_share, strict=True))
    ]
    wrong = [
        _alarm(defect)
        if share < FOUND_SHARE
        else wrong_stretch(kind, *_of_part(found_points, number, ~on_true), defect.score)
        for number, (defect, share) in enumerate(zip(lined, right_share, strict=True))
    ]
    specks = [_alarm(defect) for defect in defects if defect.centreline_px is None]
    return tally, tuple(one for one in (*missed, *wrong, *specks) if one is not None)


def _of_part(points: LinePoints, number: int, chosen: BoolArray) -> tuple[LinePoints, BoolArray]:
    """One line's points, and which of them are chosen."""
    here = points.part == number
    return LinePoints(points.xy_px[here], points.length_px[here], points.part[here]), chosen[here]


def _area_tally(
    kind: str,
    truth: Truth,
    true: BoolArray,
    found: BoolArray,
    defects: Sequence[PhotoDefect],
    crops: Sequence[Crop],
) -> tuple[dict[str, float], tuple[Blunder, ...]]:
    objects = [one for one in truth.objects if one.kind == kind]
    true_share = np.array([_shared(found, (one.mask, one.left_px, one.top_px)) for one in objects])
    right_share = np.array([_shared(true, crop) for crop in crops])
    missed = [
        Blunder(kind, as_box(one.xyxy_px), float(np.count_nonzero(one.mask)), None)
        if share < FOUND_SHARE
        else _patch(kind, (one.mask, one.left_px, one.top_px), found | truth.ignored_region(kind), None)
        for one, share in zip(objects, true_share, strict=True)
    ]
    wrong = [
        _alarm(defect) if share < FOUND_SHARE else _patch(kind, crop, true | truth.ignored_region(kind), defect.score)
        for defect, crop, share in zip(defects, crops, right_share, strict=True)
    ]
    size = np.array([np.count_nonzero(one.mask) for one in objects])
    size_class = np.digitize(size, AREA_EDGES_PX)
    counts = _counts(true_share, right_share)
    for number, name in enumerate(AREA_CLASSES):
        counts[f"true_defects_{name}"] = float(np.count_nonzero(size_class == number))
        counts[f"found_defects_{name}"] = float(np.count_nonzero(true_share[size_class == number] >= FOUND_SHARE))
    return counts, tuple(one for one in (*missed, *wrong) if one is not None)


def _patch(kind: str, crop: Crop, agreed: BoolArray, score: float | None) -> Blunder | None:
    """Largest part of a crop of the photo that does not agree."""
    mask, left, top = crop
    part = agreed[top : top + mask.shape[0], left : left + mask.shape[1]]
    wrong = mask[: part.shape[0], : part.shape[1]] & ~part
    return wrong_patch(kind, wrong, left, top, score, SMALLEST_OBJECT_PX)


def _counts(true_share: FloatArray, right_share: FloatArray) -> dict[str, float]:
    return {
        "true_defects": float(len(true_share)),
        "found_defects": float(np.count_nonzero(true_share >= FOUND_SHARE)),
        "defects": float(len(right_share)),
        "right_defects": float(np.count_nonzero(right_share >= FOUND_SHARE)),
    }


def _share_by_part(part: npt.NDArray[np.int64], length_px: FloatArray, good: BoolArray, parts: int) -> FloatArray:
    total = np.bincount(part, length_px, parts)
    return np.asarray(np.bincount(part, length_px * good, parts) / np.maximum(total, 1e-9), dtype=np.float64)


def _shared(region: BoolArray, crop: Crop) -> float:
    """Share of a crop's pixels that lie in a region of the photo."""
    mask, left, top = crop
    part = region[top : top + mask.shape[0], left : left + mask.shape[1]]
    mask = mask[: part.shape[0], : part.shape[1]]
    return float(np.count_nonzero(mask & part)) / max(1, int(np.count_nonzero(mask)))


def _alarm(defect: PhotoDefect) -> Blunder:
    size = defect.area_px if defect.length_px is None else defect.length_px
    return Blunder(defect.kind, as_box(defect.outline_px.bounds), size, defect.score)
