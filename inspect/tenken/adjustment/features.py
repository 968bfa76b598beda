"""Features of a photo: distinct points that can be found again in other photos of the same place.

SIFT (Lowe 2004, doi 10.1023/B:VISI.0000029664.99615.94) by OpenCV, on a reduced picture: what two photos share of a
surface are stains and texture of many pixels, and the noise of single pixels is no help.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenken.errors import MissingExtraError
from tenken.imagery.picture import load_overview

FloatArray = npt.NDArray[np.float64]

OVERVIEW_PX = 800
"""Longer side of the picture in which features are sought."""

MOST_FEATURES = 1400
CELLS = 8
"""Features are chosen evenly over so many cells along the longer side, or one bush would have them all."""

CONTRASTS = (0.04, 0.015)
"""OpenCV's contrast thresholds: its default, and a lower one where that gives too few: clean concrete has little."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of one photo, a struct of arrays.

    Parameters
    ----------
    xy_px
        (n, 2) places in the whole photo as displayed.
    descriptors
        (n, 128) uint8, as OpenCV gives them.
    step_px
        Photo pixels per pixel of the picture they were found in.
    """

    xy_px: FloatArray
    descriptors: npt.NDArray[np.uint8]
    step_px: float

    def __len__(self) -> int:
        return len(self.xy_px)


def read_features(path: Path) -> Features:
    """Find the features of a photo.

    Raises
    ------
    FlightError
        When the photo cannot be decoded.
    MissingExtraError
        When OpenCV cannot be loaded on this machine.
    """
    grey, step_px = load_overview(path, OVERVIEW_PX)
    return find_features(grey, step_px)


def find_features(grey: npt.NDArray[np.uint8], step_px: float = 1.0) -> Features:
    """Find the features of a grey picture.

    Parameters
    ----------
    grey
        (h, w) uint8.
    step_px
        Photo pixels per pixel of this picture.
    """
    try:
        import cv2
    except ImportError as error:  # a server without the system's graphics libraries
        raise MissingExtraError(f"OpenCV cannot be loaded ({error}): on Debian and Ubuntu install libgl1") from error
    opencv: Any = cv2  # its stubs lack what it has
    for contrast in CONTRASTS:
        sift = opencv.SIFT_create(contrastThreshold=contrast)
        found = list(sift.detect(grey, None))
        if len(found) >= MOST_FEATURES:
            break
    if not found:
        return Features(np.empty((0, 2)), np.empty((0, 128), dtype=np.uint8), step_px)
    xy = np.array([point.pt for point in found])
    strength = np.array([point.response for point in found])
    angle = np.array([point.angle for point in found])
    # A fixed order, whatever threads found them.
    order = np.lexsort((angle, xy[:, 1], xy[:, 0], -strength))
    chosen = order[_even_choice(xy[order], grey.shape[:2])]
    points, descriptors = sift.compute(grey, [found[number] for number in chosen.tolist()])
    # OpenCV's pixel centres are whole numbers, ours end in .5.
    xy_px = (np.array([point.pt for point in points]) + 0.5) * step_px
    return Features(xy_px, descriptors.astype(np.uint8), step_px)


def _even_choice(xy: FloatArray, shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Choose of points, the strongest first, the strongest of each cell of a grid; indices in the given order."""
    side = max(shape) / CELLS
    columns, rows = int(np.ceil(shape[1] / side)), int(np.ceil(shape[0] / side))
    cell = np.minimum(xy[:, 1] // side, rows - 1) * columns + np.minimum(xy[:, 0] // side, columns - 1)
    by_cell = np.argsort(cell, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(cell[by_cell])) + 1]
    rank = np.empty(len(xy), dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(xy)])
    rank[by_cell] = np.arange(len(xy)) - np.repeat(starts, lengths)
    # Round by round over the cells, so that what one cell lacks others may give.
    return np.sort(np.lexsort((np.arange(len(xy)), rank))[:MOST_FEATURES])
