"""Label files one by one: YOLO polygons, mask PNGs, class names, sites. Every fault is told with file and place."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from tenken.errors import MissingExtraError, SettingsError
from tenken_training.evaluation.pixel_score import STATES


def read_polygons(
    path: Path, classes: Sequence[str], height_px: int, width_px: int
) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """Read a YOLO segmentation file: class number, then x and y in turn as shares of the photo's sides.

    Returns
    -------
    Kind and (n, 2) corners in pixels, of each line.

    Raises
    ------
    SettingsError
        When a line is not that; the message names the file and the line.
    """
    shapes = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = np.array([float(word) for word in line.split()])
        except ValueError:
            raise SettingsError(f"{path}, line {number}: not all numbers; export as YOLO segmentation again") from None
        if len(values) < 7 or len(values) % 2 == 0:
            raise SettingsError(
                f"{path}, line {number}: {len(values)} numbers are no polygon (class, then three or more corners); "
                "export as YOLO segmentation"
            )
        if not 0 <= values[0] < len(classes) or values[0] % 1:
            raise SettingsError(f"{path}, line {number}: class {values[0]:g} is none of {', '.join(classes)}")
        corners = values[1:].reshape(-1, 2)
        # Editors round outwards by a pixel or so; more than that are pixels taken for shares.
        if not ((corners > -0.02) & (corners < 1.02)).all():
            raise SettingsError(f"{path}, line {number}: corners outside 0 to 1; export as shares of the photo's sides")
        shapes.append((classes[int(values[0])], corners.clip(0, 1) * [width_px, height_px]))
    return shapes


def read_mask(path: Path, height_px: int, width_px: int) -> tuple[npt.NDArray[np.uint8], bool]:
    """Read a grey mask: 0 and 255, or the condition states 0 to 3.

    Returns
    -------
    (h, w) values, and whether they are condition states.

    Raises
    ------
    SettingsError
        When it is no such picture or has not the photo's size.
    """
    try:
        with Image.open(path) as picture:
            values = np.asarray(picture)
    except (UnidentifiedImageError, OSError) as error:
        raise SettingsError(f"{path} is no readable picture; export the mask again") from error
    if values.ndim == 3:
        values = values[..., :3].max(axis=2)
    if values.shape != (height_px, width_px):
        raise SettingsError(
            f"{path} is {values.shape[1]} x {values.shape[0]} px, its photo {width_px} x {height_px} px as it is shown "
            "(EXIF orientation applied); export the mask again"
        )
    if values.max(initial=0) <= max(STATES):
        return values.astype(np.uint8), True
    if np.isin(values, (0, 255)).all():
        return values.astype(np.uint8), False
    raise SettingsError(f"{path} holds {values.max()}; a mask holds 0 and 255, or the condition states 0 to 3")


def read_sites(path: Path) -> dict[str, str]:
    """Read which site each photo shows (columns ``photo``, ``site``); nothing when there is no such file."""
    if not path.is_file():
        return {}
    rows = list(csv.DictReader(_text(path).splitlines()))
    if not rows or not {"photo", "site"} <= set(rows[0]):
        raise SettingsError(f"{path} must have the columns photo and site")
    return {row["photo"]: row["site"] or "" for row in rows}


def read_class_names(path: Path) -> tuple[str, ...] | None:
    """Read the kinds by class number from a ``data.yaml``; None when there is no such file."""
    if not path.is_file():
        return None
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError(
            f'{path} needs pip install "tenken[train]", or name the kinds with --classes'
        ) from error
    try:
        names = yaml.safe_load(_text(path))["names"]
        ordered = [names[number] for number in sorted(names)] if isinstance(names, dict) else names
        return tuple(str(name) for name in ordered)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} names no classes ('names'); mend it, or name the kinds with --classes") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text; save it as UTF-8") from error
