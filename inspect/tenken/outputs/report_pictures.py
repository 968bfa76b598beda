"""Pictures of the report: which stand in the file, where the originals lie, and what lies below the map."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import rasterio
from PIL import Image
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from tenken.inspection import PhotoRecord
from tenken.outputs.photo_mosaic import photo_mosaic

EMBEDDED_BYTES = 18_000_000
"""Pictures in the file, as it stores them; above this a card links its picture's file instead."""
DATA_URI_OVERHEAD = 4 / 3
"""Base64 writes three bytes as four."""
LEVELS_UP = 2
"""An original is linked if it lies below the results folder's parent, or that one's: then both are moved together."""
BACKGROUND_PX = 1800
"""Longer side of an orthomosaic below the map."""
BACKGROUND_QUALITY = 70


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """A picture in the report, and its size, so that nothing moves when it is decoded."""

    uri: str
    """As ``data:`` URI."""
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Background:
    """A picture below the map, north up, in the flight's CRS."""

    jpeg: bytes
    left_m: float
    bottom_m: float
    right_m: float
    top_m: float
    covered_m: BaseGeometry | None = None
    """The part that shows something; None for all of it."""
    of_photos: bool = False
    """Made of the flight's photos, not an orthomosaic."""

    @property
    def uri(self) -> str:
        """As a ``data:`` URI."""
        return data_uri(self.jpeg)


def embedded_pictures(
    groups: Iterable[Sequence[str]], crops: Mapping[str, str], folder: Path
) -> dict[str, EmbeddedPicture]:
    """Give the pictures that stand in the report, by defect id.

    Parameters
    ----------
    groups
        Ids of defects, a group a segment, the first ranked first and the severest first in each. The severest
        of every segment come before the second ones, until there is no room.
    crops
        Picture of each defect, relative to ``folder``.
    """
    room = EMBEDDED_BYTES
    pictures: dict[str, EmbeddedPicture] = {}
    for identity in _severest_first(groups):
        file = folder / crops[identity] if identity in crops else None
        if file is None or not file.is_file():
            continue
        room -= int(file.stat().st_size * DATA_URI_OVERHEAD)
        if room < 0:
            break
        jpeg = file.read_bytes()
        with Image.open(io.BytesIO(jpeg)) as opened:
            pictures[identity] = EmbeddedPicture(data_uri(jpeg), *opened.size)
    return pictures


def data_uri(jpeg: bytes) -> str:
    """Write a picture as a ``data:`` URI."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def linked_originals(photos: Iterable[PhotoRecord], folder: Path) -> dict[str, str]:
    """Give links to the photos that lie near the report's folder, relative to it, by photo name."""
    links = {}
    for photo in photos:
        path = photo.path.absolute()
        for level, parent in enumerate(folder.absolute().parents[:LEVELS_UP], start=1):
            if parent != parent.parent and path.is_relative_to(parent):
                links[photo.photo] = "../" * level + quote(path.relative_to(parent).as_posix())
                break
    return links


def map_background(photos: Sequence[PhotoRecord], crs: CRS | None) -> Background | None:
    """Give the orthomosaic, or the photos laid on their footprints, in the flight's CRS; None where they are gone."""
    if crs is None:
        return None
    orthomosaic = next((one for one in photos if one.pose_source == "orthomosaic transform"), None)
    if orthomosaic is None:
        mosaic = photo_mosaic(photos)
        if mosaic is None:
            return None
        return Background(mosaic.jpeg, *mosaic.bounds_m, covered_m=mosaic.covered_m, of_photos=True)
    if orthomosaic.footprint is None:
        return None
    try:
        return _warped(orthomosaic.path, crs.to_wkt(), orthomosaic.footprint)
    except (OSError, RasterioError):
        return None  # the report can do without: the footprint stands there all the same


def _warped(path: Path, crs: str, footprint: Polygon) -> Background:
    left, bottom, right, top = footprint.bounds
    scale = BACKGROUND_PX / max(right - left, top - bottom)
    width, height = max(1, round((right - left) * scale)), max(1, round((top - bottom) * scale))
    transform = from_bounds(left, bottom, right, top, width, height)
    with (
        rasterio.open(path) as dataset,
        WarpedVRT(
            dataset, crs=crs, transform=transform, width=width, height=height, resampling=Resampling.average
        ) as warped,
    ):
        count = min(dataset.count, 3)
        bands = warped.read(indexes=list(range(1, count + 1)) if count == 3 else [1, 1, 1])
        seen = warped.dataset_mask() > 0
    if bands.dtype != np.uint8:
        low, high = np.percentile(bands[:, seen], (1, 99)) if seen.any() else (0.0, 1.0)
        bands = np.clip((bands - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8)
    pixels = np.where(seen[..., np.newaxis], np.moveaxis(bands, 0, -1), 255)
    jpeg = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8)).save(jpeg, "jpeg", quality=BACKGROUND_QUALITY)
    return Background(jpeg.getvalue(), left, bottom, right, top, covered_m=footprint)


def _severest_first(groups: Iterable[Sequence[str]]) -> list[str]:
    numbered = [(place, index, one) for index, group in enumerate(groups) for place, one in enumerate(group)]
    return [one for _, _, one in sorted(numbered)]
