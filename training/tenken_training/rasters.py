"""Pictures and label rasters as files."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tenken.errors import SettingsError


def crack_numbers(polygons_path: Path, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Rasterise YOLO polygons: 0 background, 1, 2, ... the cracks in the file's order.

    Raises
    ------
    SettingsError
        When the file is missing, or a line is no polygon.
    """
    numbers = np.zeros(shape, np.uint8)
    try:
        lines = polygons_path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingsError(f"{polygons_path} cannot be read ({error}); every photo needs its labels") from error
    for count, line in enumerate(lines, start=1):
        try:
            values = np.array([float(word) for word in line.split()])
            xy = values[1:].reshape(-1, 2)
        except ValueError as error:
            raise SettingsError(f"{polygons_path}, line {count}: no polygon ({error}); mend or remove it") from error
        if len(xy) >= 3:
            # OpenCV's pixel centres are whole numbers; a label's are halves.
            corners_px = xy * np.array(shape[::-1]) - 0.5
            cv2.fillPoly(numbers, [np.round(corners_px * 16).astype(np.int32)], min(count, 255), cv2.LINE_8, 4)
    return numbers


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """Read a picture as (h, w, 3) uint8 RGB, upright.

    Raises
    ------
    SettingsError
        When it cannot be read.
    """
    # np.fromfile, because cv2.imread cannot open every path on Windows.
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.is_file() else None
    if picture is None:
        raise SettingsError(f"{path} cannot be read as a picture; restore or remove it")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def read_raster(path: Path) -> npt.NDArray[np.uint8]:
    """Read a one-band PNG of labels.

    Raises
    ------
    SettingsError
        When it cannot be read.
    """
    raster = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
    if raster is None:
        raise SettingsError(f"{path} cannot be read; delete the prepared folder and prepare again")
    return np.asarray(raster, dtype=np.uint8)


def write_png(path: Path, raster: npt.NDArray[np.uint8]) -> None:
    """Write a one-band raster of labels."""
    write_bytes(path, cv2.imencode(".png", raster)[1].tobytes())


def write_jpeg(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write (h, w, 3) uint8 RGB in good quality."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    write_bytes(path, cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file wholly or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(path.suffix + ".part")
    half.write_bytes(content)
    shutil.move(half, path)
