"""The flight's metric coordinate system, and how its grid stands to the ground."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import CRS, Proj, Transformer

from tenken.errors import FlightError

FloatArray = npt.NDArray[np.float64]

WGS84 = CRS.from_epsg(4326)


def flight_crs(lon_lat_deg: Iterable[tuple[float, float]]) -> CRS:
    """One UTM zone (WGS 84) for a flight, by the median of its positions.

    Parameters
    ----------
    lon_lat_deg
        Longitude and latitude of each photo, WGS 84 degrees, in any order.

    Raises
    ------
    FlightError
        When there is no position at all.
    """
    positions = np.array(sorted(lon_lat_deg), dtype=np.float64).reshape(-1, 2)
    if not len(positions):
        raise FlightError("no photo has a GPS position: nothing can be put on a map; inspect it in pixels")
    lon, lat = positions.T
    if np.ptp(lon) > 180.0:
        lon = np.where(lon < 0.0, lon + 360.0, lon)
    zone = int((np.median(lon) + 180.0) // 6) % 60 + 1
    return CRS.from_epsg((32600 if np.median(lat) >= 0.0 else 32700) + zone)


def to_grid(crs: CRS, lon_deg: float, lat_deg: float) -> tuple[float, float]:
    """Easting and northing, metres, of a WGS 84 position."""
    easting, northing = Transformer.from_crs(WGS84, crs, always_xy=True).transform(lon_deg, lat_deg)
    return float(easting), float(northing)


def grid_at(crs: CRS, lon_deg: float, lat_deg: float) -> tuple[float, float]:
    """Grid scale and meridian convergence of a projected CRS at a place.

    Returns
    -------
    scale, convergence_deg
        Grid metres per metre on the ground (root of the areal scale, the same in all directions for a
        conformal projection), and the angle by which grid north lies clockwise of true north: grid azimuth =
        true azimuth - convergence.
    """
    factors = Proj(crs).get_factors(lon_deg, lat_deg, errcheck=True)
    return float(np.sqrt(factors.areal_scale)), float(factors.meridian_convergence)


def is_metric_grid(crs: CRS) -> bool:
    """Whether a CRS is projected and counts in metres on both axes."""
    return crs.is_projected and all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info[:2])


def apply_affine(transform: Affine, xy: FloatArray) -> FloatArray:
    """Apply an affine transform, a raster's from (column, row) to its CRS, to (n, 2) points."""
    a, b, c, d, e, f = transform[:6]
    applied: FloatArray = xy @ np.array([[a, d], [b, e]]) + np.array([c, f])
    return applied
