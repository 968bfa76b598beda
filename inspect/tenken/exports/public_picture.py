"""A photo's picture and nothing else: no EXIF, XMP, thumbnail, profile or comment, and what was marked blurred."""

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from tenken.exports.public_review import Box
from tenken.imagery.picture import RgbArray

QUALITY = 90
MARGIN = 0.1
"""How far beyond a marked box is blurred, as a share of its sides."""
CELLS = 4
"""A box is brought down to so many times so many grey values: what is gone cannot be sharpened back."""


def public_jpeg(image: RgbArray, boxes: Iterable[Box]) -> bytes:
    """Encode a picture anew, without anything but its pixels.

    Parameters
    ----------
    image
        (h, w, 3) uint8, as displayed.
    boxes
        What must not be recognised.
    """
    blurred = image.copy()
    for box in boxes:
        _blur(blurred, box)
    content = io.BytesIO()
    # Made from the array: nothing of the photo's own file, not even its thumbnail, can come along.
    Image.fromarray(blurred).save(content, "JPEG", quality=QUALITY)
    return content.getvalue()


def inside(width_px: int, height_px: int, box: Box) -> tuple[int, int, int, int] | None:
    """Give left, top, right, bottom of a box with its margin inside a picture; None where it lies outside."""
    left, top, width, height = box
    across, down = round(width * MARGIN), round(height * MARGIN)
    window = (
        max(left - across, 0),
        max(top - down, 0),
        min(left + width + across, width_px),
        min(top + height + down, height_px),
    )
    return window if window[0] < window[2] and window[1] < window[3] else None


def _blur(image: RgbArray, box: Box) -> None:
    """Replace a box by a few averages, smoothly joined."""
    window = inside(image.shape[1], image.shape[0], box)
    if window is None:
        return
    left, top, right, bottom = window
    part = image[top:bottom, left:right]
    cells = Image.fromarray(np.ascontiguousarray(part)).resize((CELLS, CELLS), Image.Resampling.BOX)
    image[top:bottom, left:right] = np.asarray(cells.resize((right - left, bottom - top), Image.Resampling.BILINEAR))
