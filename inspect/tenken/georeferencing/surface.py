"""What the rays of a camera meet: a level plane or a surface model (DSM) read from a raster file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from pyproj import CRS, Transformer
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from tenken.errors import SettingsError
from tenken.georeferencing.crs import apply_affine
from tenken.georeferencing.raster_surface import RasterSurface

FloatArray = npt.NDArray[np.float64]
Bounds = tuple[float, float, float, float]

_MOST_CELLS = 4096
"""Cells along the longer side of a window; beyond, the surface model is read coarser."""
_METRES_PER_UNIT = {"": 1.0, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "meters": 1.0}
_METRES_PER_UNIT |= dict.fromkeys(("ft", "foot", "feet", "international foot"), 0.3048)
_METRES_PER_UNIT |= dict.fromkeys(("us-ft", "ftus", "us survey foot", "us_survey_foot"), 1200.0 / 3937.0)


class Surface(Protocol):
    """Something that rays meet, in the flight's CRS, metres."""

    def intersect(self, origin_m: FloatArray, directions: FloatArray) -> FloatArray:
        """Return (n, 3) first points that rays from ``origin_m`` (3,) along (n, 3) meet; NaN for a miss."""
        ...

    def normal(self, xyz_m: FloatArray) -> FloatArray:
        """Return (n, 3) upward unit normals at points of the surface; NaN where unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Plane:
    """A level plane at a height in the photos' altitude datum."""

    height_m: float

    def intersect(self, origin_m: FloatArray, directions: FloatArray) -> FloatArray:
        """Return (n, 3) points of the plane; NaN for rays that do not come down to it."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            reach = (self.height_m - origin_m[2]) / directions[:, 2]
        reach = np.where(np.isfinite(reach) & (reach > 0.0), reach, np.nan)
        return origin_m + directions * reach[:, None]

    def normal(self, xyz_m: FloatArray) -> FloatArray:
        """Return (n, 3): straight up."""
        return np.tile([0.0, 0.0, 1.0], (len(xyz_m), 1))


@dataclass(frozen=True, slots=True, eq=False)
class TiltedPlane:
    """A plane of any slope that is not vertical, through a point, with its upward unit normal."""

    point_m: FloatArray
    upward: FloatArray

    def intersect(self, origin_m: FloatArray, directions: FloatArray) -> FloatArray:
        """Return (n, 3) points of the plane; NaN for rays that do not come to it."""
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = ((self.point_m - origin_m) @ self.upward) / (directions @ self.upward)
        reach = np.where(np.isfinite(reach) & (reach > 0.0), reach, np.nan)
        met: FloatArray = origin_m + directions * reach[:, None]
        return met

    def normal(self, xyz_m: FloatArray) -> FloatArray:
        """Return (n, 3): the same everywhere."""
        return np.tile(self.upward, (len(xyz_m), 1))


@dataclass(frozen=True, slots=True)
class TakeOffPlane:
    """The level plane at take-off: each photo's own, at its altitude less its height above take-off."""


@dataclass(frozen=True, slots=True)
class RasterFile:
    """A surface model in a file, of which each photo reads its own window."""

    path: Path

    def check(self) -> None:
        """Raise SettingsError unless the file is a georeferenced raster whose height unit is known."""
        with self._open() as dataset:
            if dataset.count != 1 or dataset.dtypes[0] == "uint8":
                raise SettingsError(
                    f"{self.path}: is a picture ({dataset.count} bands of {dataset.dtypes[0]}), no surface model; "
                    "give a raster of heights (DSM)"
                )
            self._unit_m(dataset)

    def window(self, crs: CRS, bounds_m: Bounds, most_cells: int = _MOST_CELLS) -> RasterSurface | None:
        """Read what lies within bounds, in the flight's CRS; None when the file shows nothing of it.

        Parameters
        ----------
        crs
            The flight's metric CRS.
        bounds_m
            West, south, east, north.
        most_cells
            Cells along the longer side; a finer model is read coarser.
        """
        with self._open() as dataset:
            target = rasterio.CRS.from_wkt(crs.to_wkt())
            corners = apply_affine(
                dataset.transform,
                np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) * [dataset.width, dataset.height],
            )
            whole = transform_bounds(dataset.crs, target, *corners.min(axis=0), *corners.max(axis=0))
            west, south = max(bounds_m[0], whole[0]), max(bounds_m[1], whole[1])
            east, north = min(bounds_m[2], whole[2]), min(bounds_m[3], whole[3])
            if not (west < east and south < north):
                return None
            # On the file's own grid where the CRS is the same: then no height is interpolated twice.
            own = dataset.transform
            if dataset.crs == target and own.b == own.d == 0.0 and own.a == -own.e > 0.0:
                cell, left0, top0 = own.a, own.c, own.f
            else:
                middle = (west + east) / 2.0, (south + north) / 2.0
                cell, left0, top0 = _cell_m(dataset, crs, middle), whole[0], whole[3]
            cell *= max(1.0, np.ceil(max(east - west, north - south) / cell / most_cells))
            left = left0 + np.floor((west - left0) / cell) * cell
            top = top0 - np.floor((top0 - north) / cell) * cell
            columns, rows = int(np.ceil((east - left) / cell)), int(np.ceil((top - south) / cell))
            with WarpedVRT(
                dataset,
                crs=target,
                transform=Affine(cell, 0.0, left, 0.0, -cell, top),
                width=columns,
                height=rows,
                resampling=Resampling.bilinear,
                src_nodata=dataset.nodata,
                nodata=np.nan,
                dtype="float64",
            ) as grid:
                heights = grid.read(1, masked=True).astype(np.float64).filled(np.nan)
            return RasterSurface(heights * self._unit_m(dataset), float(left), float(top), float(cell))

    def _open(self) -> Any:
        try:
            dataset = rasterio.open(self.path)
        except RasterioError as error:
            raise SettingsError(f"{self.path}: cannot be read as a raster; give a DSM GeoTIFF") from error
        if dataset.crs is None or dataset.transform.is_identity:
            dataset.close()
            raise SettingsError(f"{self.path}: has no georeference; give a DSM with a CRS, or plane:HEIGHT")
        return dataset

    def _unit_m(self, dataset: Any) -> float:
        """Metres per unit of height, as the band, or else the map's unit, says."""
        unit = (dataset.units[0] or "").strip().lower()
        feet_map = dataset.crs.is_projected and dataset.crs.linear_units_factor[1] != 1.0
        if unit not in _METRES_PER_UNIT or (not unit and feet_map):
            stated = f"its heights are in {unit!r}" if unit else "its map is in feet and its heights state no unit"
            raise SettingsError(f"{self.path}: {stated}; convert them to metres or set the band's unit type")
        return _METRES_PER_UNIT[unit]


def _cell_m(dataset: Any, crs: CRS, middle_m: tuple[float, float]) -> float:
    """Side of a square in a CRS as large as the file's cells at a place."""
    change = Transformer.from_crs(CRS.from_wkt(dataset.crs.to_wkt()), crs, always_xy=True)
    x, y = change.transform(*middle_m, direction="INVERSE")
    own = dataset.transform
    eastings, northings = change.transform([x, x + own.a, x + own.b], [y, y + own.d, y + own.e])
    across = eastings[1] - eastings[0], northings[1] - northings[0]
    down = eastings[2] - eastings[0], northings[2] - northings[0]
    return float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))


def parse_surface(text: str) -> TakeOffPlane | Plane | RasterFile:
    """Read a ``--surface`` setting.

    Parameters
    ----------
    text
        ``plane`` (the ground at take-off), ``plane:HEIGHT`` (metres, in the photos' altitude datum), or the
        path of a surface model.

    Raises
    ------
    SettingsError
        When it is neither.
    """
    if text == "plane":
        return TakeOffPlane()
    if text.startswith("plane:"):
        try:
            height_m = float(text.removeprefix("plane:"))
        except ValueError:
            height_m = np.nan
        if not np.isfinite(height_m):
            raise SettingsError(f"--surface {text}: the height is no number; write for example plane:158.5")
        return Plane(height_m)
    path = Path(text)
    if not path.is_file():
        raise SettingsError(f"--surface {text}: no such file; give plane, plane:HEIGHT or a DSM GeoTIFF")
    surface = RasterFile(path)
    surface.check()
    return surface
