"""From tile pieces to whole defects in a picture.

Two pieces of neighbouring tiles belong together when, where their tiles overlap, they mark the same pixels. Boxes
are only used to find candidates: the boxes of parallel cracks overlap, their masks do not. Pieces are joined
transitively, so a crack that runs through forty tiles becomes one object whatever the grid's origin.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tenken.detection.detect import CONDITION_STATES, Detections, kinds_of
from tenken.measurement.condition import STATED_KINDS, StateShare, mean_state_share
from tenken.measurement.mask_runs import BoolArray, IntArray, MaskRuns, paint, spread
from tenken.measurement.shared_pixels import MaskPairs, near_pixels, shared_pixels

TOUCH_PX = 1
"""How far apart, in pixels, two marks of the same defect may lie: masks are rounded to whole pixels."""

SHARED_FRACTION = 0.2
"""Share of the smaller mark, inside the tiles' overlap, that the other must repeat.

Detectors are unsure near a tile's edge, so less than half must do; two defects that merely touch share less."""

SAME_TILE_FRACTION = 0.5
"""Share of the smaller mark that makes two detections of one tile the same defect (as in non-maximum suppression)."""

MAX_CROP_PX = 32_000_000
"""Largest crop a defect's mask is drawn on; a defect with a larger box is drawn on a coarser grid."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What the detector found in all tiles of a picture, in picture pixels; a struct of arrays.

    Parameters
    ----------
    kind
        Kind of each piece.
    score
        (n,) confidence, 0..1.
    xyxy_px
        (n, 4) integer box of each mask crop.
    masks
        One bool crop a piece, of exactly its box; kept as runs.
    tile_xyxy_px
        (n, 4) the tile that each piece was found in.
    state_share
        (n, 3) parts of each piece in fair, poor and severe condition, adding up to 1; NaN where not known.
    """

    kind: tuple[str, ...]
    score: npt.NDArray[np.float64]
    xyxy_px: IntArray
    masks: MaskRuns
    tile_xyxy_px: IntArray
    state_share: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class WholeMask:
    """A defect's mask, put together from its pieces.

    The mask covers the picture from ``left_px, top_px``; one cell is ``scale`` pixels wide (1 but for huge defects).
    """

    kind: str
    score: float
    left_px: int
    top_px: int
    scale: int
    mask: BoolArray
    pieces: int
    state_share: StateShare | None
    weight_px: int
    """Marked pixels of all pieces: what the score is weighted with."""


def pieces_of_tile(
    detections: Detections, tile_xyxy_px: Sequence[int], classes: Sequence[str], min_score: float = 0.0
) -> Pieces:
    """Bring a tile's detections into picture pixels; boxes without masks count as filled."""
    left, top, right, bottom = (int(edge) for edge in tile_xyxy_px)
    kinds = kinds_of(detections, classes)
    share = _state_share(detections, kinds)
    kind, score, boxes, masks, kept = [], [], [], [], []
    for number, (name, box) in enumerate(zip(kinds, detections.xyxy_px, strict=True)):
        if detections.score[number] < min_score:
            continue
        x0, y0 = int(np.floor(box[0])), int(np.floor(box[1]))
        if detections.masks is None:
            mask = np.ones((int(np.ceil(box[3])) - y0, int(np.ceil(box[2])) - x0), dtype=bool)
        else:
            mask = np.asarray(detections.masks[number], dtype=bool)
        # A box may stick out of its tile by rounding; the mask is cut there.
        cut_x, cut_y = max(0, -x0), max(0, -y0)
        mask = mask[cut_y : bottom - top - y0, cut_x : right - left - x0]
        x0, y0 = x0 + cut_x, y0 + cut_y
        trimmed = _trim(mask)
        if trimmed is None:
            continue
        rows, columns = trimmed
        kind.append(name)
        score.append(float(detections.score[number]))
        masks.append(mask[rows, columns])
        kept.append(number)
        boxes.append([left + x0 + columns.start, top + y0 + rows.start, left + x0 + columns.stop, top + y0 + rows.stop])
    count = len(kind)
    return Pieces(
        tuple(kind),
        np.array(score, dtype=np.float64),
        np.array(boxes, dtype=np.int64).reshape(count, 4),
        MaskRuns.of(masks),
        np.tile(np.array([left, top, right, bottom], dtype=np.int64), (count, 1)),
        share[kept],
    )


def concatenate(parts: Iterable[Pieces]) -> Pieces:
    """Put the pieces of many tiles into one struct, in the order given."""
    parts = [part for part in parts if len(part)]
    if not parts:
        none = np.empty((0, 4), dtype=np.int64)
        return Pieces((), np.empty(0), none, MaskRuns.of(()), none, np.empty((0, len(CONDITION_STATES))))
    return Pieces(
        tuple(kind for part in parts for kind in part.kind),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.xyxy_px for part in parts]),
        MaskRuns.concatenate([part.masks for part in parts]),
        np.concatenate([part.tile_xyxy_px for part in parts]),
        np.concatenate([part.state_share for part in parts]),
    )


def group_pieces(pieces: Pieces) -> IntArray:
    """Give the pieces of each defect the same number.

    Returns
    -------
    (n,) group of each piece, 0, 1, … in the order of first appearance.
    """
    count = len(pieces)
    if count == 0:
        return np.empty(0, dtype=np.int64)
    first, second = _candidate_pairs(pieces)
    joined = _same_defect(pieces, first, second)
    links = coo_array((np.ones(joined.sum()), (first[joined], second[joined])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def whole_masks(pieces: Pieces) -> Iterator[WholeMask]:
    """Put the pieces of each defect together, ordered by place (top, left) so that no grid shows in the order.

    Each is drawn when it is asked for, so that never more than one need be held.
    """
    groups = group_pieces(pieces)
    areas = pieces.masks.area_px()
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(order) else []
    plans = [_plan(pieces, numbers, areas[numbers]) for numbers in members]
    for plan in sorted(plans, key=lambda plan: (plan.top_px, plan.left_px, plan.kind, -plan.score)):
        yield _draw(pieces, plan)


def _state_share(detections: Detections, kinds: Sequence[str]) -> npt.NDArray[np.float64]:
    """Give the shares of what has a condition state, made to add up to 1; NaN for the rest."""
    unknown = np.full((len(kinds), len(CONDITION_STATES)), np.nan)
    if detections.state_share is None:
        return unknown
    share = np.asarray(detections.state_share, dtype=np.float64)
    whole = share.sum(axis=1)
    told = np.array([kind in STATED_KINDS for kind in kinds], dtype=bool) & np.isfinite(whole) & (whole > 0)
    unknown[told] = share[told] / whole[told, None]
    return unknown


def _candidate_pairs(pieces: Pieces) -> tuple[IntArray, IntArray]:
    boxes = pieces.xyxy_px
    reach = shapely.box(boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3])
    wide = shapely.box(boxes[:, 0] - TOUCH_PX, boxes[:, 1] - TOUCH_PX, boxes[:, 2] + TOUCH_PX, boxes[:, 3] + TOUCH_PX)
    first, second = shapely.STRtree(reach).query(wide, predicate="intersects")
    codes = np.unique(np.array(pieces.kind), return_inverse=True)[1]
    keep = (first < second) & (codes[first] == codes[second])
    return first[keep], second[keep]


def _same_defect(pieces: Pieces, first: IntArray, second: IntArray) -> BoolArray:
    """Decide for each pair, by the pixels that both tiles saw, whether its pieces are marks of one defect."""
    tile_a, tile_b = pieces.tile_xyxy_px[first], pieces.tile_xyxy_px[second]
    seen_by_both = np.hstack([np.maximum(tile_a[:, :2], tile_b[:, :2]), np.minimum(tile_a[:, 2:], tile_b[:, 2:])])
    overlap = np.all(seen_by_both[:, :2] < seen_by_both[:, 2:], axis=1)
    # Marks of tiles that do not overlap (``overlap=0``) are joined where they meet at the seam.
    box_a, box_b = pieces.xyxy_px[first], pieces.xyxy_px[second]
    around = np.hstack([np.minimum(box_a[:, :2], box_b[:, :2]), np.maximum(box_a[:, 2:], box_b[:, 2:])])
    window = np.where(overlap[:, None], seen_by_both, around)
    pairs = MaskPairs(pieces.masks, pieces.xyxy_px[:, :2], first, second, window)
    in_first, in_second, shared = shared_pixels(pairs)
    smaller = np.minimum(in_first, in_second)
    same_tile = np.all(tile_a == tile_b, axis=1)
    needed = np.where(same_tile, SAME_TILE_FRACTION, SHARED_FRACTION) * smaller
    joined: BoolArray = overlap & (smaller > 0) & (shared >= needed)
    # Thin marks a pixel beside each other are the same mark, rounded differently.
    open_still = ~joined & ~same_tile & (smaller > 0)
    joined[open_still] = near_pixels(pairs.some(open_still)) >= np.where(overlap, needed, 1)[open_still]
    return joined


@dataclass(frozen=True, slots=True)
class _Plan:
    """A whole that is known but not drawn."""

    kind: str
    score: float
    left_px: int
    top_px: int
    right_px: int
    bottom_px: int
    numbers: IntArray
    state_share: StateShare | None
    weight_px: int


def _plan(pieces: Pieces, numbers: IntArray, areas: IntArray) -> _Plan:
    boxes = pieces.xyxy_px[numbers]
    score = float(np.average(pieces.score[numbers], weights=areas))
    told = [None if math.isnan(row[0]) else StateShare(*row) for row in pieces.state_share[numbers].tolist()]
    share = mean_state_share(zip(told, areas.tolist(), strict=True))
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
    kind = pieces.kind[int(numbers[0])]
    return _Plan(kind, score, left, top, right, bottom, numbers, share, int(areas.sum()))


def _draw(pieces: Pieces, plan: _Plan) -> WholeMask:
    height, width = plan.bottom_px - plan.top_px, plan.right_px - plan.left_px
    scale = math.ceil(math.sqrt(height * width / MAX_CROP_PX))
    mask = np.zeros((-(-height // scale), -(-width // scale)), dtype=bool)
    runs, numbers = pieces.masks, plan.numbers
    count = np.diff(runs.offset)[numbers]
    place = spread(runs.offset[numbers], count)
    x, y = np.repeat(pieces.xyxy_px[numbers, :2] - [plan.left_px, plan.top_px], count, axis=0).T
    paint(mask, runs.row[place] + y, runs.start[place] + x, runs.stop[place] + x, scale)
    return WholeMask(
        plan.kind, plan.score, plan.left_px, plan.top_px, scale, mask, len(numbers), plan.state_share, plan.weight_px
    )


def _trim(mask: BoolArray) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
