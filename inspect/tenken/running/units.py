"""Units of work: one photo, or one block of an orthomosaic. Idempotent, independent, plain data out.

A unit's outcome is JSON, so that the journal can keep it; what a run uses is always what was read back from JSON,
which makes a run that went on after an interruption equal to one that was not interrupted.
"""

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenken.detection.detect import CONDITION_STATES, Detector
from tenken.detection.tiles import IntArray
from tenken.errors import PhotoError
from tenken.imagery.flight import Photo
from tenken.imagery.photo_quality import PhotoQuality, assess_picture
from tenken.imagery.picture import ArrayPicture, Picture, load_photo
from tenken.measurement.assemble import Pieces, concatenate
from tenken.measurement.find import PhotoDefect, describe_defects
from tenken.measurement.mask_runs import MaskRuns
from tenken.measurement.tiled_detection import detect_tiles
from tenken.notes import Note
from tenken.running.defect_json import defect_from_json, defect_to_json, share_to_json

BLOCK_TILES = 8
"""An orthomosaic's unit is a block of this many tiles squared."""

UNKNOWN_SHARE = [float("nan")] * len(CONDITION_STATES)
"""What `Pieces` hold where JSON has null: it knows no NaN."""

OnTile = Callable[[], None]


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """What a photo's unit gave: defects and quality, or the reason why it could not be read."""

    defects: tuple[PhotoDefect, ...]
    quality: PhotoQuality | None
    skipped: Note | str | None
    """Plain English where an older Tenken wrote the journal."""


def inspect_photo(photo: Photo, windows: IntArray, detector: Detector, on_tile: OnTile | None = None) -> dict[str, Any]:
    """Find and measure the defects of one photo, in pixels, over its tiles."""
    try:
        image = load_photo(photo.path)
    except PhotoError as error:
        return {"skipped": list(error.note.__getnewargs__()) if isinstance(error.note, Note) else error.note}
    picture = ArrayPicture(image)
    pieces = detect_tiles(picture, windows, detector, on_tile=on_tile)
    defects = describe_defects(picture, pieces)
    return {"quality": assess_picture(image).as_json(), "defects": [defect_to_json(defect) for defect in defects]}


def read_photo_outcome(content: dict[str, Any]) -> PhotoOutcome:
    """Read back what `inspect_photo` gave."""
    if "skipped" in content:
        why = content["skipped"]
        return PhotoOutcome((), None, why if isinstance(why, str) else Note(*why))
    defects = tuple(defect_from_json(defect) for defect in content["defects"])
    return PhotoOutcome(defects, PhotoQuality(**content["quality"]), None)


def blocks_of(windows: IntArray) -> list[IntArray]:
    """Cut an orthomosaic's tiles into blocks of neighbours, in a fixed order."""
    columns = np.searchsorted(np.unique(windows[:, 0]), windows[:, 0]) // BLOCK_TILES
    rows = np.searchsorted(np.unique(windows[:, 1]), windows[:, 1]) // BLOCK_TILES
    order = np.lexsort((windows[:, 0], windows[:, 1], columns, rows))
    keys = np.stack([rows[order], columns[order]], axis=1)
    starts = np.flatnonzero(np.any(np.diff(keys, axis=0) != 0, axis=1)) + 1
    return list(np.split(windows[order], starts))


def inspect_block(
    picture: Picture, windows: IntArray, detector: Detector, on_tile: OnTile | None = None
) -> dict[str, Any]:
    """Run the detector over a block of tiles; its pieces are put together when all blocks are done."""
    pieces = detect_tiles(picture, windows, detector, on_tile=on_tile)
    return {
        "kind": list(pieces.kind),
        "score": [round(score, 4) for score in pieces.score.tolist()],
        "xyxy_px": pieces.xyxy_px.tolist(),
        "tile_xyxy_px": pieces.tile_xyxy_px.tolist(),
        "masks": [
            base64.b64encode(zlib.compress(np.packbits(mask).tobytes())).decode("ascii") for mask in pieces.masks
        ],
        "state_share": [share_to_json(None if np.isnan(row).any() else row) for row in pieces.state_share],
    }


def read_blocks(contents: Sequence[dict[str, Any]]) -> Pieces:
    """Read back the pieces of all blocks."""
    return concatenate(_block_pieces(content) for content in contents)


def _block_pieces(content: dict[str, Any]) -> Pieces:
    count = len(content["kind"])
    boxes = np.array(content["xyxy_px"], dtype=np.int64).reshape(count, 4)
    masks = []
    for packed, (left, top, right, bottom) in zip(content["masks"], boxes.tolist(), strict=True):
        bits = np.frombuffer(zlib.decompress(base64.b64decode(packed)), dtype=np.uint8)
        size = (bottom - top) * (right - left)
        masks.append(np.unpackbits(bits, count=size).astype(bool).reshape(bottom - top, right - left))
    return Pieces(
        tuple(content["kind"]),
        np.array(content["score"], dtype=np.float64),
        boxes,
        MaskRuns.of(masks),
        np.array(content["tile_xyxy_px"], dtype=np.int64).reshape(count, 4),
        np.array([share or UNKNOWN_SHARE for share in content["state_share"]], dtype=np.float64).reshape(count, 3),
    )
