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
from tenken_training.evaluation.centreline_score import (
    WIDTH_CLASSES,
    WIDTH_EDGES_PX,
    label_width_px,
    points_along,
    region_lines,
    sampled,
    within,
)
from tenken_training.evaluation.pixel_score import state_tally
from tenken_training.evaluation.truth import BoolArray, FloatArray, Truth, painted

FOUND_SHARE = 0.5
"""A labelled defect counts as found, and a found one as right, when half of it agrees."""

Crop = tuple[BoolArray, int, int]


@dataclass(frozen=True, slots=True)
class Blunder:
    """A missed defect or a false alarm, to be shown as a picture.

    ``size`` is the length in pixels for kinds with a centre line and the area in square pixels for others; ``score``
    is None for a miss.
    """

    kind: str
    xyxy_px: tuple[float, float, float, float]
    size: float
    score: float | None


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
        The photo's labels.
    defects
        What was found in it.
    tolerance_px
        How far apart two centre lines may run.
    states
        (h, w) condition state of corrosion by the detector, where it gives one.
    """
    defects = [defect for defect in defects if defect.kind == kind]
    crops = [painted_crop(defect.outline_px, truth.height_px, truth.width_px) for defect in defects]
    true, found = truth.region(kind), _united(crops, truth)
    tally = {
        "shared_px": float(np.count_nonzero(true & found)),
        "true_px": float(np.count_nonzero(true)),
        "found_px": float(np.count_nonzero(found)),
    }
    if kind in LINEAR_KINDS:
        lines, blunders = _line_tally(truth, true, found, defects, tolerance_px)
        return tally | lines, blunders
    if truth.states is not None:
        tally |= state_tally(truth.states, found, states)
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
    truth: Truth,
    true: BoolArray,
    found: BoolArray,
    defects: Sequence[PhotoDefect],
    tolerance_px: float,
) -> tuple[dict[str, float], tuple[Blunder, ...]]:
    """Lengths of line found and right, also by width class, and whole cracks found and right."""
    true_lines = region_lines(true)
    lined = [defect for defect in defects if defect.centreline_px is not None]
    found_lines = [defect.centreline_px for defect in lined if defect.centreline_px is not None]
    true_points, found_points = points_along(true_lines), points_along(found_lines)
    recalled = within(true_points, found_lines, tolerance_px)
    right = within(found_points, true_lines, tolerance_px)
    tally = {
        "true_line": float(true_points.length_px.sum()),
        "recalled_line": float(true_points.length_px[recalled].sum()),
        "found_line": float(found_points.length_px.sum()),
        "right_line": float(found_points.length_px[right].sum()),
    }
    width = sampled(label_width_px(true) if truth.crack_width_px is None else truth.crack_width_px, true_points)
    width_class = np.digitize(width.astype(np.float64), WIDTH_EDGES_PX[1:-1])
    for number, name in enumerate(WIDTH_CLASSES):
        chosen = width_class == number
        tally[f"true_line_{name}"] = float(true_points.length_px[chosen].sum())
        tally[f"recalled_line_{name}"] = float(true_points.length_px[chosen & recalled].sum())

    # A crack as a whole is found where something was found on it, be the two centre lines a little apart.
    on_found = sampled(grown(found, tolerance_px), true_points).astype(bool)
    on_true = sampled(grown(true, tolerance_px), found_points).astype(bool)
    true_share = _share_by_part(true_points.part, true_points.length_px, on_found, len(true_lines))
    right_share = _share_by_part(found_points.part, found_points.length_px, on_true, len(found_lines))
    tally |= _counts(true_share, right_share)
    # A mark of a single pixel has no line; it is an alarm of no length.
    tally["defects"] += len(defects) - len(lined)
    missed = [
        Blunder("crack", line.bounds, float(line.length), None)
        for line, share in zip(true_lines, true_share, strict=True)
        if share < FOUND_SHARE
    ]
    wrong = [_alarm(defect) for defect, share in zip(lined, right_share, strict=True) if share < FOUND_SHARE]
    return tally, (*missed, *wrong)


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
        Blunder(kind, _box(one.xyxy_px), float(np.count_nonzero(one.mask)), None)
        for one, share in zip(objects, true_share, strict=True)
        if share < FOUND_SHARE
    ]
    wrong = [_alarm(defect) for defect, share in zip(defects, right_share, strict=True) if share < FOUND_SHARE]
    return _counts(true_share, right_share), (*missed, *wrong)


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
    return Blunder(defect.kind, _box(defect.outline_px.bounds), size, defect.score)


def _box(edges: Sequence[float] | FloatArray) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(edge) for edge in edges)
    return left, top, right, bottom
