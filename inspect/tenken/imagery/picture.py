"""Pictures as the stages read them: a photo in memory, or a large raster read window by window."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from tenken.errors import PhotoError, SettingsError
from tenken.notes import Note

RgbArray = npt.NDArray[np.uint8]

# A 100-megapixel photo is real; Pillow's warning at 89 Mpx is about untrusted web pictures.
Image.MAX_IMAGE_PIXELS = 1_000_000_000


UNIDENTIFIED = (UnidentifiedImageError, ModuleNotFoundError)
"""What `Image.open` raises for what is no picture. Where ultralytics is loaded it has replaced `Image.open` by one that
then asks for pi_heif."""


class Picture(Protocol):
    """A picture of which windows can be read. Safe to call from several threads."""

    @property
    def width_px(self) -> int:
        """Columns."""
        ...

    @property
    def height_px(self) -> int:
        """Rows."""
        ...

    def read(self, xyxy_px: tuple[int, int, int, int]) -> RgbArray:
        """Return the window (left, top, right, bottom) as (h, w, 3) uint8 RGB; it must lie inside the picture."""
        ...

    def has_data(self, xyxy_px: tuple[int, int, int, int]) -> bool:
        """Tell whether any pixel of the window was taken (an orthomosaic is empty around its edges)."""
        ...


class ArrayPicture:
    """A picture that lies in memory.

    Raises
    ------
    SettingsError
        When the array is not (h, w, 3) uint8.
    """

    def __init__(self, image: npt.NDArray[Any]) -> None:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise SettingsError(f"a picture must be (h, w, 3) uint8 RGB, got {image.shape} {image.dtype}")
        self._image: RgbArray = image

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self._image.shape[1])

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self._image.shape[0])

    def read(self, xyxy_px: tuple[int, int, int, int]) -> RgbArray:
        """Return a window without copying."""
        left, top, right, bottom = xyxy_px
        return self._image[top:bottom, left:right]

    def has_data(self, xyxy_px: tuple[int, int, int, int]) -> bool:  # noqa: ARG002 - a photo is full of data
        """Photos have no empty parts."""
        return True


class RasterPicture:
    """An open rasterio dataset, read window by window; memory does not grow with the raster.

    One band becomes grey, of more the first three are red, green and blue. Values of more than eight bits are
    stretched by the 2nd and 98th percentile of an overview, the same for the whole raster.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._lock = Lock()
        self._bands = (1, 2, 3) if dataset.count >= 3 else (1, 1, 1)
        self._stretch = None if dataset.dtypes[0] == "uint8" else self._percentiles()

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self._dataset.width)

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self._dataset.height)

    def read(self, xyxy_px: tuple[int, int, int, int]) -> RgbArray:
        """Return a window as RGB."""
        with self._lock:
            bands = self._dataset.read(self._bands, window=self._window(xyxy_px))
        if self._stretch is not None:
            low, high = self._stretch
            bands = np.clip((bands.astype(np.float32) - low) / (high - low) * 255, 0, 255)
            bands = np.nan_to_num(bands)
        return np.ascontiguousarray(np.moveaxis(bands, 0, -1).astype(np.uint8))

    def has_data(self, xyxy_px: tuple[int, int, int, int]) -> bool:
        """Tell whether the window holds any valid pixel by the raster's mask, alpha band or nodata value."""
        with self._lock:
            return bool(self._dataset.dataset_mask(window=self._window(xyxy_px)).any())

    @staticmethod
    def _window(xyxy_px: tuple[int, int, int, int]) -> Any:
        from rasterio.windows import Window

        left, top, right, bottom = xyxy_px
        return Window(left, top, right - left, bottom - top)

    def _percentiles(self) -> tuple[float, float]:
        scale = max(1, max(self._dataset.width, self._dataset.height) // 1024)
        shape = (max(1, self._dataset.height // scale), max(1, self._dataset.width // scale))
        overview = self._dataset.read(1, out_shape=shape, masked=True).compressed()
        overview = overview[np.isfinite(overview)]
        if overview.size == 0:
            return 0.0, 1.0
        low, high = np.percentile(overview, [2, 98])
        return float(low), float(max(high, low + 1e-6))


def load_photo(path: Path) -> RgbArray:
    """Decode a photo as it is displayed: EXIF orientation applied, RGB, uint8.

    The one loader for every step, so that a pixel means the same everywhere.

    Raises
    ------
    PhotoError
        When the file is damaged or no picture.
    """
    with _opened(path) as image:
        # In place, and converted only where it must be: the copies cost more than the decoding.
        ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def load_overview(path: Path, longest_px: int) -> tuple[npt.NDArray[np.uint8], float]:
    """Decode a photo as it is displayed, grey and reduced; a JPEG is not even unpacked in full.

    Returns
    -------
    grey
        (h, w) uint8, at most ``longest_px`` along its longer side.
    step_px
        Pixels of the photo per pixel of it.

    Raises
    ------
    PhotoError
        When the file is damaged or no picture.
    """
    return _reduced(path, longest_px, "L")


def load_small(path: Path, longest_px: int) -> RgbArray:
    """Decode a photo as it is displayed, (h, w, 3), reduced to at most ``longest_px`` along its longer side.

    Raises
    ------
    PhotoError
        When the file is damaged or no picture.
    """
    return _reduced(path, longest_px, "RGB")[0]


def _reduced(path: Path, longest_px: int, mode: str) -> tuple[npt.NDArray[np.uint8], float]:
    with _opened(path) as image:
        longest = max(image.size)
        image.draft(mode, (longest_px, longest_px))
        ImageOps.exif_transpose(image, in_place=True)
        converted = image.convert(mode)
        step_px = max(longest / longest_px, 1.0)
        width, height = (max(1, round(side * longest / max(converted.size) / step_px)) for side in converted.size)
        return np.asarray(converted.resize((width, height), Image.Resampling.BOX)), step_px


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a photo; what goes wrong while it is open is told of the photo."""
    try:
        with Image.open(path) as image:
            yield image
    except UNIDENTIFIED as error:
        raise PhotoError(path.name, Note.of("note.unidentified")) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PhotoError(path.name, Note.of("note.damaged", why=str(error).split("\n")[0])) from error


def luminance(image: RgbArray) -> npt.NDArray[np.float32]:
    """Linear-light luminance, 0..1, of an sRGB picture (IEC 61966-2-1 transfer curve, Rec. 709 weights).

    Blur and mixing of light happen in linear light, so widths are read there.
    """
    linear = _SRGB_TO_LINEAR[image]
    red, green, blue = np.float32(0.2126), np.float32(0.7152), np.float32(0.0722)
    grey: npt.NDArray[np.float32] = linear[..., 0] * red + linear[..., 1] * green + linear[..., 2] * blue
    return grey


def _srgb_table() -> npt.NDArray[np.float32]:
    encoded = np.arange(256) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


_SRGB_TO_LINEAR = _srgb_table()
