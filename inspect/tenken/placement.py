"""Where a photo's pixels lie in the world. (Contract; to be completed.)"""

from typing import Protocol

import numpy as np
import numpy.typing as npt
from pyproj import CRS
from shapely import Polygon

FloatArray = npt.NDArray[np.float64]


class Placement(Protocol):
    """From pixels to the flight's metric CRS and back, for one photo or orthomosaic.

    Pixel coordinates are (x = column, y = row) of the picture as displayed (EXIF orientation applied); the centre of
    the top left pixel is (0.5, 0.5).
    """

    @property
    def crs(self) -> CRS:
        """The flight's metric CRS."""
        ...

    @property
    def grid_scale(self) -> float:
        """Grid metres per metre on the ground (UTM: 0.9996 .. 1.001)."""
        ...

    def to_world(self, xy_px: FloatArray) -> FloatArray:
        """(n, 2) pixels to (n, 3) easting, northing, height in metres; NaN where the ray meets no surface."""
        ...

    def to_photo(self, xyz_m: FloatArray) -> FloatArray:
        """(n, 3) world points to (n, 2) pixels; NaN behind the camera."""
        ...

    def ground_resolution_mm(self, xy_px: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Ground resolution square to the ray, and effective (/ cos of the incidence angle), (n,) each, mm per pixel."""
        ...

    def position_error_m(self, xy_px: FloatArray) -> FloatArray:
        """(n,) horizontal position error, 1 sigma (root of the summed variances east and north), metres."""
        ...

    def footprint(self) -> Polygon | None:
        """What the photo shows of the surface, in the flight's CRS."""
        ...
