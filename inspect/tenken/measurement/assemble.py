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
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tenken.detection.detect import CONDITION_STATES, Detections, kinds_of
from tenken.measurement.condition import STATED_KINDS, StateShare, mean_state_share

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Mark = tuple[BoolArray, int, int]
"""A mask crop with its left and top in the picture."""

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
        One bool crop a piece, of exactly its box.
    tile_xyxy_px
        (n, 4) the tile that each piece was found in.
    state_share
        (n, 3) parts of each piece in fair, poor and severe condition, adding up to 1; NaN where not known.
    """

    kind: tuple[str, ...]
    score: npt.NDArray[np.float64]
    xyxy_px: IntArray
    masks: tuple[BoolArray, ...]
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
        tuple(masks),
        np.tile(np.array([left, top, right, bottom], dtype=np.int64), (count, 1)),
        share[kept],
    )


def concatenate(parts: Iterable[Pieces]) -> Pieces:
    """Put the pieces of many tiles into one struct, in the order given."""
    parts = [part for part in parts if len(part)]
    if not parts:
        none = np.empty((0, 4), dtype=np.int64)
        return Pieces((), np.empty(0), none, (), none, np.empty((0, len(CONDITION_STATES))))
    return Pieces(
        tuple(kind for part in parts for kind in part.kind),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.xyxy_px for part in parts]),
        tuple(mask for part in parts for mask in part.masks),
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
    joined = np.fromiter(
        (_same_defect(pieces, i, j) for i, j in zip(first.tolist(), second.tolist(), strict=True)),
        dtype=bool,
        count=len(first),
    )
    links = coo_array((np.ones(joined.sum()), (first[joined], second[joined])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def whole_masks(pieces: Pieces) -> Iterator[WholeMask]:
    """Put the pieces of each defect together, ordered by place (top, left) so that no grid shows in the order."""
    groups = group_pieces(pieces)
    members: dict[int, list[int]] = {}
    for number, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(number)
    wholes = [_draw(pieces, numbers) for numbers in members.values()]
    yield from sorted(wholes, key=lambda whole: (whole.top_px, whole.left_px, whole.kind, -whole.score))


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


def _same_defect(pieces: Pieces, first: int, second: int) -> bool:
    """Decide by the pixels that both tiles saw whether two pieces are marks of one defect."""
    tile_a, tile_b = pieces.tile_xyxy_px[first], pieces.tile_xyxy_px[second]
    left, top = np.maximum(tile_a[:2], tile_b[:2]).tolist()
    right, bottom = np.minimum(tile_a[2:], tile_b[2:]).tolist()
    if right <= left or bottom <= top:
        return _touch_across_a_seam(pieces, first, second)
    mark_a = _cut(pieces, first, left, top, right, bottom)
    mark_b = _cut(pieces, second, left, top, right, bottom)
    smaller = min(np.count_nonzero(mark_a[0]), np.count_nonzero(mark_b[0]))
    if smaller == 0:
        return False
    needed = SAME_TILE_FRACTION if np.array_equal(tile_a, tile_b) else SHARED_FRACTION
    shared = _shared_px(mark_a, mark_b)
    if shared >= needed * smaller:
        return True
    # Thin marks a pixel beside each other are the same mark, rounded differently.
    return bool(needed == SHARED_FRACTION and _shared_px(_grown(mark_a), mark_b) >= needed * smaller)


def _touch_across_a_seam(pieces: Pieces, first: int, second: int) -> bool:
    """Join marks of tiles that do not overlap (``overlap=0``) where they meet at the seam."""
    mark_a, mark_b = (
        (pieces.masks[number], int(pieces.xyxy_px[number, 0]), int(pieces.xyxy_px[number, 1]))
        for number in (first, second)
    )
    return _shared_px(_grown(mark_a), mark_b) > 0


def _cut(pieces: Pieces, number: int, left: int, top: int, right: int, bottom: int) -> Mark:
    x0, y0 = int(pieces.xyxy_px[number, 0]), int(pieces.xyxy_px[number, 1])
    mask = pieces.masks[number][max(0, top - y0) : max(0, bottom - y0), max(0, left - x0) : max(0, right - x0)]
    return mask, max(x0, left), max(y0, top)


def _grown(mark: Mark) -> Mark:
    mask, left, top = mark
    wide = np.pad(mask, TOUCH_PX)
    return ndimage.binary_dilation(wide, np.ones((3, 3)), iterations=TOUCH_PX), left - TOUCH_PX, top - TOUCH_PX


def _shared_px(mark_a: Mark, mark_b: Mark) -> int:
    (mask_a, left_a, top_a), (mask_b, left_b, top_b) = mark_a, mark_b
    left, top = max(left_a, left_b), max(top_a, top_b)
    right = min(left_a + mask_a.shape[1], left_b + mask_b.shape[1])
    bottom = min(top_a + mask_a.shape[0], top_b + mask_b.shape[0])
    if right <= left or bottom <= top:
        return 0
    part_a = mask_a[top - top_a : bottom - top_a, left - left_a : right - left_a]
    part_b = mask_b[top - top_b : bottom - top_b, left - left_b : right - left_b]
    return int(np.count_nonzero(part_a & part_b))


def _draw(pieces: Pieces, numbers: list[int]) -> WholeMask:
    boxes = pieces.xyxy_px[numbers]
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    scale = int(np.ceil(np.sqrt((right - left) * (bottom - top) / MAX_CROP_PX)))
    mask = np.zeros((-(-(bottom - top) // scale), -(-(right - left) // scale)), dtype=bool)
    areas = []
    for number, (x0, y0, _, _) in zip(numbers, boxes.tolist(), strict=True):
        piece = pieces.masks[number]
        areas.append(int(np.count_nonzero(piece)))
        if scale == 1:
            mask[y0 - top : y0 - top + piece.shape[0], x0 - left : x0 - left + piece.shape[1]] |= piece
        else:
            rows, columns = np.nonzero(piece)
            mask[(rows + y0 - top) // scale, (columns + x0 - left) // scale] = True
    score = float(np.average(pieces.score[numbers], weights=areas))
    told = [None if math.isnan(row[0]) else StateShare(*row) for row in pieces.state_share[numbers].tolist()]
    share = mean_state_share(zip(told, areas, strict=True))
    return WholeMask(pieces.kind[numbers[0]], score, left, top, scale, mask, len(numbers), share)


def _trim(mask: BoolArray) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
