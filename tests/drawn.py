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
