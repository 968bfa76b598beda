"""A photo's pixels are those that are displayed, and its sharpness is that of the reference implementation."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps
from scipy import ndimage
from skimage.measure import blur_effect

from tenken.imagery.photo_quality import BLUR_LIMIT, assess_picture, perceptual_blur
from tenken.imagery.picture import load_photo


def textured(height_px: int, width_px: int, blur_px: float = 0.0) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    grain = ndimage.gaussian_filter(rng.normal(0, 1, (height_px, width_px)), 0.6)
    edges = 80 * (np.add.outer(np.arange(height_px), 2 * np.arange(width_px)) % 37 < 12)
    grey = ndimage.gaussian_filter(90 + 25 * grain + edges, blur_px)
    return np.asarray(np.clip(grey, 0, 255), dtype=np.uint8)


@pytest.mark.parametrize("blur_px", [0.0, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("size", [(384, 384), (200, 90), (11, 30), (5, 7)])
def test_blur_is_that_of_scikit_image(size: tuple[int, int], blur_px: float) -> None:
    grey = textured(*size, blur_px)
    assert perceptual_blur(grey) == pytest.approx(float(blur_effect(grey.astype(np.float64))), abs=1e-9)


@pytest.mark.parametrize("size", [(64, 64), (3, 40), (1, 1)])
def test_where_there_is_no_edge_everything_is_blurred(size: tuple[int, int]) -> None:
    assert perceptual_blur(np.full(size, 77, dtype=np.uint8)) == 1.0


def test_a_blurred_photo_is_told_from_a_sharp_one() -> None:
    sharp, blurred = (assess_picture(np.dstack([textured(900, 1200, blur_px)] * 3)) for blur_px in (0.0, 6.0))
    assert sharp.blur < BLUR_LIMIT < blurred.blur


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_photo_is_loaded_as_it_is_displayed(tmp_path: Path, mode: str, orientation: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    Image.fromarray(pixels).convert(mode).save(path, exif=exif)
    with Image.open(path) as image:
        displayed = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(load_photo(path), displayed)
