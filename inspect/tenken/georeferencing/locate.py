"""Where pixels of a photo lie on the surface, for people: longitude, latitude, height and error."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from tenken.georeferencing.crs import WGS84
from tenken.georeferencing.placement import OrthomosaicPlacement, Placement

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Location:
    """A pixel's place; all None where its ray meets no surface, the height also where it is not known.

    ``height_m`` is in the photos' altitude datum, ``error_m`` the horizontal 1 sigma.
    """

    xy_px: tuple[float, float]
    lon_deg: float | None
    lat_deg: float | None
    height_m: float | None
    error_m: float | None


def locate(placement: Placement, xy_px: FloatArray) -> list[Location]:
    """Locate pixels of a placed photo or orthomosaic.

    Parameters
    ----------
    placement
        From `tenken.georeferencing.placement.place_photo` or `place_orthomosaic`.
    xy_px
        (n, 2) pixels of the picture as displayed; the centre of the top left pixel is (0.5, 0.5).
    """
    xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
    points = placement.to_world(xy_px)
    errors = placement.position_error_m(xy_px)
    change = Transformer.from_crs(placement.crs, WGS84, always_xy=True)
    flat = isinstance(placement, OrthomosaicPlacement)
    found = []
    for (x, y), point, error in zip(xy_px.tolist(), points, errors, strict=True):
        if np.isnan(point).any():
            found.append(Location((x, y), None, None, None, None))
            continue
        lon_deg, lat_deg = change.transform(point[0], point[1])
        found.append(
            Location(
                xy_px=(x, y),
                lon_deg=round(float(lon_deg), 9),
                lat_deg=round(float(lat_deg), 9),
                height_m=None if flat else round(float(point[2]), 3),
                error_m=None if np.isnan(error) else round(float(error), 3),
            )
        )
    return found
