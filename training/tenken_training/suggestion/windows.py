"""Windows of photos: what the detector is unsure of in them, what people said of it, and how they look."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from PIL import Image
from scipy.ndimage import gaussian_filter
from shapely.geometry.base import BaseGeometry

from tenken.detection.detect import Detector
from tenken.imagery.picture import load_photo
from tenken.measurement.find import PhotoDefect, find_defects

RgbArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

LOWEST_SCORE = 0.05
"""Objects below are noise."""
MOST_OBJECTS = 5
"""So many unsure objects make a window as valuable as more of them do: nobody wants to label a hundred specks."""
LOOK_PX = 256
"""Longer side that a window is reduced to before its look is described."""
BANDS_PX = (1.0, 2.0, 4.0, 8.0, 16.0)
EMPTY_SHARE = 0.5
"""A window with more empty pixels than this (the rim of an orthomosaic) is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A part of a photo that could be labelled.

    Parameters
    ----------
    photo
        Its name in the run.
    left_px, top_px, width_px, height_px
        Where it lies in the photo.
    found
        What the detector sees in it, from a score of `LOWEST_SCORE` on, in the window's pixels.
    disputed
        Ids of its defects that a person rejected or changed, or that other photos of the same place did not show.
    defects
        Ids of all of the run's defects that lie in it.
    look
        (k,) description of its look.
    """

    photo: str
    left_px: int
    top_px: int
    width_px: int
    height_px: int
    found: tuple[PhotoDefect, ...]
    disputed: frozenset[str]
    defects: frozenset[str]
    look: FloatArray

    @property
    def unsure(self) -> float:
        """How unsure the detector is, 0 to `MOST_OBJECTS`: 4 s (1 - s) for each object of score s, the largest count.

        A score is the share of such objects that were right on validation pictures, so this is largest where a label
        says most, at one half.
        """
        worth = sorted((4 * defect.score * (1 - defect.score) for defect in self.found), reverse=True)
        return float(sum(worth[:MOST_OBJECTS]))


@dataclass(frozen=True, slots=True)
class KnownDefect:
    """A defect of the run where it was sighted in a photo."""

    defect_id: str
    outline_px: BaseGeometry
    disputed: bool


def windows_of(
    root: Path, photo: str, detector: Detector, known: Sequence[KnownDefect], side_px: int
) -> Iterator[Window]:
    """Look at a photo, or an orthomosaic, window by window.

    Parameters
    ----------
    root
        The flight's folder, or the orthomosaic itself.
    photo
        The photo's name below the folder.
    detector
        With a lowest score of `LOWEST_SCORE`.
    known
        The run's sightings in this photo.
    side_px
        Side of the windows. What is left at the right and lower border makes the windows there larger or smaller.
    """
    for left, top, image in _pieces(root, photo, side_px):
        height, width = image.shape[:2]
        box = shapely.box(left, top, left + width, top + height)
        here = [one for one in known if one.outline_px.intersects(box)]
        yield Window(
            photo, left, top, width, height,
            found=tuple(find_defects(image, detector)),
            disputed=frozenset(one.defect_id for one in here if one.disputed),
            defects=frozenset(one.defect_id for one in here),
            look=look_of(image),
        )  # fmt: skip


def look_of(image: RgbArray) -> FloatArray:
    """Describe what a window looks like: colours, their spread, and how strong details of each size are.

    Returns
    -------
    (11,) mean and deviation of red, green and blue, and the deviation of grey in five bands of detail, as logarithms.
    """
    scale = LOOK_PX / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX), dtype=np.float64) / 255
    grey = small.mean(axis=2)
    blurred = [grey, *(gaussian_filter(grey, sigma) for sigma in BANDS_PX)]
    bands = [float(np.std(fine - coarse)) for fine, coarse in pairwise(blurred)]
    return np.concatenate(
        [small.mean(axis=(0, 1)), small.std(axis=(0, 1)), np.log(np.array(bands) + 1e-3)], dtype=np.float64
    )


def cut(root: Path, window: Window) -> RgbArray:
    """Read a window's pixels again, (h, w, 3) uint8 RGB."""
    rows = slice(window.top_px, window.top_px + window.height_px)
    columns = slice(window.left_px, window.left_px + window.width_px)
    if root.is_file():
        with rasterio.open(root) as mosaic:
            return _read(mosaic, window.left_px, window.top_px, window.width_px, window.height_px)
    return np.ascontiguousarray(load_photo(root / window.photo)[rows, columns])


def edges(length_px: int, side_px: int) -> list[int]:
    """Where a side of this length is cut into pieces of about ``side_px``, both ends included.

    >>> edges(4000, 1280)
    [0, 1333, 2667, 4000]
    """
    pieces = max(1, round(length_px / side_px))
    return [round(length_px * number / pieces) for number in range(pieces + 1)]


def _pieces(root: Path, photo: str, side_px: int) -> Iterator[tuple[int, int, RgbArray]]:
    if root.is_file():
        with rasterio.open(root) as mosaic:
            for left, top, width, height in _grid(mosaic.width, mosaic.height, side_px):
                box = rasterio.windows.Window(left, top, width, height)
                if np.mean(mosaic.dataset_mask(window=box) == 0) <= EMPTY_SHARE:
                    yield left, top, _read(mosaic, left, top, width, height)
        return
    image = load_photo(root / photo)
    for left, top, width, height in _grid(image.shape[1], image.shape[0], side_px):
        yield left, top, np.ascontiguousarray(image[top : top + height, left : left + width])


def _grid(width_px: int, height_px: int, side_px: int) -> Iterator[tuple[int, int, int, int]]:
    columns, rows = edges(width_px, side_px), edges(height_px, side_px)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield left, top, right - left, bottom - top


def _read(mosaic: rasterio.DatasetReader, left: int, top: int, width: int, height: int) -> RgbArray:
    bands = mosaic.read(window=rasterio.windows.Window(left, top, width, height))
    shown = bands[:3] if len(bands) >= 3 else np.repeat(bands[:1], 3, axis=0)
    return np.ascontiguousarray(np.moveaxis(shown, 0, 2))
