"""A detector that is always right on the demo flight, to test everything but detection."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tenken.detection.detect import Detections
from tenken.detection.tiles import tile_windows
from tenken.imagery.picture import load_photo
from tenken_demo.masks import PhotoMask, photo_masks
from tenken_demo.truth import DemoTruth

_CONNECTED = np.ones((3, 3))


class OracleDetector:
    """Gives the true masks of a tile, each connected part a detection, as a perfect instance head would.

    A detector only sees pixels; this one knows each tile of the grid by its bytes.

    Parameters
    ----------
    truth, images
        The demo flight's truth and its folder of photos.
    tile_px, overlap
        The grid that the pipeline will use.
    """

    name = "oracle"

    def __init__(self, truth: DemoTruth, images: Path, *, tile_px: int = 640, overlap: float = 0.2) -> None:
        self.fingerprint = f"oracle seed {truth.seed} tile {tile_px} overlap {overlap}"
        self._tiles: dict[bytes, tuple[list[PhotoMask], tuple[int, int, int, int]]] = {}
        for photo in truth.photos:
            image = load_photo(images / photo.photo)
            masks = photo_masks(truth, photo.photo)
            windows = tile_windows(photo.width_px, photo.height_px, tile_px=tile_px, overlap=overlap)
            for left, top, right, bottom in windows.tolist():
                inside = [mask for mask in masks if _meets(mask.xyxy_px, (left, top, right, bottom))]
                self._tiles[_digest(image[top:bottom, left:right])] = inside, (left, top, right, bottom)

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Detections:
        """Give the true masks in a tile of the flight; nothing in any other picture."""
        masks, window = self._tiles.get(_digest(image), ([], (0, 0, 0, 0)))
        boxes, kinds, crops = [], [], []
        for mask in masks:
            x0, y0, part = _part(mask, window)
            labels, _ = ndimage.label(part, _CONNECTED)
            for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
                boxes.append([x0 + columns.start, y0 + rows.start, x0 + columns.stop, y0 + rows.stop])
                kinds.append(mask.kind)
                crops.append(labels[rows, columns] == number)
        return Detections(
            np.array(boxes, dtype=np.float64).reshape(-1, 4),
            np.ones(len(boxes)),
            np.array(kinds, dtype=str),
            crops,
        )


def _digest(image: npt.NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest()


def _meets(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _part(mask: PhotoMask, window: tuple[int, int, int, int]) -> tuple[int, int, npt.NDArray[np.bool_]]:
    """Cut a mask to a window; return its left and top in the window, and the crop."""
    left, top = max(mask.xyxy_px[0], window[0]), max(mask.xyxy_px[1], window[1])
    right, bottom = min(mask.xyxy_px[2], window[2]), min(mask.xyxy_px[3], window[3])
    x0, y0 = mask.xyxy_px[:2]
    return left - window[0], top - window[1], mask.mask[top - y0 : bottom - y0, left - x0 : right - x0]
