"""Drawn pictures with known cracks, and a detector that is right in every tile."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rasterio.features import rasterize
from scipy import ndimage
from shapely import LineString

from tenken import Detections

CONCRETE, DARK = 180, 40
MADE_OF_LIGHT = 110
"""Grey value that tells the drawn crack from its surroundings."""


def draw_cracks(lines: Sequence[LineString], width_px: float, size_px: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Draw dark lines on bright ground: (h, w, 3) uint8. A pixel is dark when its centre lies in the crack."""
    width, height = size_px
    mask = rasterize([line.buffer(width_px / 2, cap_style="flat") for line in lines], (height, width), dtype="uint8")
    return np.repeat(np.where(mask[..., None] > 0, DARK, CONCRETE).astype(np.uint8), 3, axis=2)


STATE_GREYS = (70, 50, 30)
"""Grey values of rust in fair, poor and severe condition."""


def draw_rust(parts: Sequence[tuple[int, int, int, int, int]], size_px: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Draw rust on bright ground, (h, w, 3) uint8, as boxes: left, top, right, bottom and the state's number."""
    width, height = size_px
    image = np.full((height, width, 3), CONCRETE, np.uint8)
    for left, top, right, bottom, state in parts:
        image[top:bottom, left:right] = STATE_GREYS[state]
    return image


def stating_detector(tile: npt.NDArray[np.uint8]) -> Detections:
    """Give everything dark in a tile as corrosion, with the exact parts of it in each condition state."""
    found = perfect_detector(tile)
    shares = []
    for (left, top, right, bottom), mask in zip(found.xyxy_px.astype(int), found.masks or [], strict=True):
        marked = tile[top:bottom, left:right, 0][mask]
        shares.append([np.mean(marked == grey) for grey in STATE_GREYS])
    told = np.array(shares).reshape(-1, len(STATE_GREYS))
    kinds = np.full(len(found), "corrosion")
    return Detections(found.xyxy_px, found.score, kinds, found.masks, state_share=told)


def perfect_detector(tile: npt.NDArray[np.uint8]) -> Detections:
    """Give the exact mask of every dark thing in a tile, one detection for each connected part."""
    labels, count = ndimage.label(tile[..., 0] < MADE_OF_LIGHT, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    return Detections(
        np.array([[x.start, y.start, x.stop, y.stop] for y, x in boxes], dtype=float).reshape(-1, 4),
        np.full(count, 0.9),
        np.full(count, "crack"),
        [labels[box] == number + 1 for number, box in enumerate(boxes)],
    )
