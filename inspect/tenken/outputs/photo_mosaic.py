"""The photos of a flight as one small picture below the report's map, each laid on its footprint.

It shows where things are, and no more: photos are reduced, laid by their four corners and not blended.
"""

import io
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from tenken.detection.cores import usable_cores
from tenken.errors import FlightError
from tenken.imagery.picture import load_small
from tenken.inspection import PhotoRecord

MOSAIC_PX = 1600
"""Longer side."""
MOSAIC_BYTES = 500_000
QUALITIES = (72, 60, 45, 30)
"""JPEG qualities, the first that keeps within `MOSAIC_BYTES` is taken."""
EVERY_PHOTO_UP_TO = 60
"""Of longer flights, photos are left out whose footprint others cover."""
COVERED = (0.6, 0.9)
"""Share of a footprint that others cover: first those with more are left out, then gaps are filled."""
MOST_PHOTOS = 400
PAPER = 255

Xy = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mosaic:
    """A JPEG, north up, its bounds in the flight's CRS (left, bottom, right, top), and the area that photos cover."""

    jpeg: bytes
    bounds_m: tuple[float, float, float, float]
    covered_m: BaseGeometry


def photo_mosaic(photos: Sequence[PhotoRecord]) -> Mosaic | None:
    """Lay photos beside each other; None where none has corners on the surface, or none can be read any more."""
    laid = _chosen([one for one in photos if one.corners_m is not None])
    if not laid:
        return None
    bounds = shapely.total_bounds([Polygon(one.corners_m) for one in laid])
    left, bottom, right, top = (float(value) for value in bounds)
    px_per_m = MOSAIC_PX / max(right - left, top - bottom)
    width, height = (max(1, round(side * px_per_m)) for side in (right - left, top - bottom))
    canvas = np.full((height, width, 3), PAPER, np.uint8)
    claimed = np.zeros((height, width), np.float32)
    corners_px = [_on_canvas(one, left, top, px_per_m) for one in laid]
    read = []
    with ThreadPoolExecutor(usable_cores()) as pool:
        for one, corners, picture in zip(laid, corners_px, pool.map(_reduced, laid, corners_px), strict=True):
            if picture is not None:
                _lay(canvas, claimed, picture, corners, _weight(one))
                read.append(Polygon(one.corners_m))
    if not read:
        return None
    return Mosaic(_as_jpeg(canvas), (left, bottom, right, top), shapely.union_all(read))


def _chosen(photos: Sequence[PhotoRecord]) -> list[PhotoRecord]:
    """Give the usable ones first; of many only those that show what the ones before do not."""
    ordered = sorted(photos, key=lambda one: (not one.usable, one.photo))
    if len(ordered) <= EVERY_PHOTO_UP_TO:
        return ordered
    shown: BaseGeometry = Polygon()
    chosen: dict[str, PhotoRecord] = {}
    for covered in COVERED:
        for one in ordered:
            outline = Polygon(one.corners_m).convex_hull
            if one.photo not in chosen and shown.intersection(outline).area < covered * outline.area:
                chosen[one.photo] = one
                shown = shapely.simplify(shapely.union(shown, outline), 0.01 * outline.area**0.5)
            if len(chosen) == MOST_PHOTOS:
                return list(chosen.values())
    return list(chosen.values())


def _on_canvas(photo: PhotoRecord, left_m: float, top_m: float, px_per_m: float) -> Xy:
    xy_m = np.array(photo.corners_m)
    return np.column_stack([xy_m[:, 0] - left_m, top_m - xy_m[:, 1]]).astype(np.float32) * np.float32(px_per_m)


def _reduced(photo: PhotoRecord, corners_px: Xy) -> npt.NDArray[np.uint8] | None:
    """Decode a photo about as large as it is drawn; None where it is gone or damaged."""
    sides = np.linalg.norm(corners_px - np.roll(corners_px, 1, axis=0), axis=1)
    try:
        return load_small(photo.path, max(16, round(1.2 * float(sides.max()))))
    except (OSError, FlightError):
        return None


def _weight(photo: PhotoRecord) -> float:
    """Finer photos lie above coarser ones, and those that were not usable below all."""
    return (1.0 if photo.usable else 1e-3) / math.sqrt(Polygon(photo.corners_m).area)


def _lay(
    canvas: npt.NDArray[np.uint8],
    claimed: npt.NDArray[np.float32],
    picture: npt.NDArray[np.uint8],
    corners_px: Xy,
    weight: float,
) -> None:
    """Draw a photo where it is nearer to its middle than those before it; both arrays are changed."""
    low = np.maximum(np.floor(corners_px.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners_px.max(axis=0)).astype(int) + 1, [canvas.shape[1], canvas.shape[0]])
    if (high <= low).any():
        return
    height, width = picture.shape[:2]
    from_px = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getPerspectiveTransform(from_px, corners_px - low.astype(np.float32))
    size = int(high[0] - low[0]), int(high[1] - low[1])
    seen = cv2.warpPerspective(picture, turn, size, flags=cv2.INTER_LINEAR)
    here = cv2.warpPerspective(_nearness(height, width), turn, size, flags=cv2.INTER_LINEAR) * np.float32(weight)
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    # OpenCV copies under a mask in a fraction of NumPy's time.
    cv2.copyTo(seen, (here > claimed[window]).view(np.uint8), canvas[window])
    np.maximum(claimed[window], here, out=claimed[window])


def _nearness(height: int, width: int) -> npt.NDArray[np.float32]:
    """(h, w) how near to the middle: 1 there, little above 0 at the border."""
    rows, columns = (1.0 - np.abs(np.linspace(-1, 1, count) * 0.99) for count in (height, width))
    return np.minimum(rows[:, None], columns[None, :]).astype(np.float32)


def _as_jpeg(canvas: npt.NDArray[np.uint8]) -> bytes:
    content = b""
    for quality in QUALITIES:
        stream = io.BytesIO()
        Image.fromarray(canvas).save(stream, "jpeg", quality=quality)
        content = stream.getvalue()
        if len(content) <= MOSAIC_BYTES:
            break
    return content
