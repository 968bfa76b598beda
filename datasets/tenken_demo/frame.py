"""The bridge's own coordinates (u along, v across, z up) and where they lie on the Earth."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Transformer

FloatArray = npt.NDArray[np.float64]

ANCHOR_LONGITUDE_DEG = 140.1063
ANCHOR_LATITUDE_DEG = 35.6073
AXIS_AZIMUTH_DEG = 37.4
"""Direction of u, clockwise from true north: no multiple of 90, so that a swapped or mirrored axis shows."""
DECK_HEIGHT_M = 48.6
"""Height of z = 0 in the datum of the photos' absolute altitude (the ellipsoid)."""
EPSG = 32654
"""WGS 84 / UTM 54N."""


@dataclass(frozen=True, slots=True)
class BridgeFrame:
    """Metres on the bridge, true to scale, to longitude/latitude and to the UTM grid.

    u runs along the bridge, v to the right of u as seen from above, z up. The map is azimuthal equidistant
    around the anchor: over ten metres it differs from the ellipsoid by far less than a micrometre.
    """

    _to_lonlat: Transformer = field(init=False, repr=False, compare=False)
    _lonlat_to_grid: Transformer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        local = CRS.from_proj4(
            f"+proj=aeqd +lat_0={ANCHOR_LATITUDE_DEG} +lon_0={ANCHOR_LONGITUDE_DEG} +datum=WGS84 +units=m"
        )
        wgs84 = CRS.from_epsg(4326)
        grid = CRS.from_epsg(EPSG)
        object.__setattr__(self, "_to_lonlat", Transformer.from_crs(local, wgs84, always_xy=True))
        object.__setattr__(self, "_lonlat_to_grid", Transformer.from_crs(wgs84, grid, always_xy=True))

    @property
    def axes(self) -> FloatArray:
        """(3, 3): u, v and z as columns in true east, north, up."""
        azimuth = np.radians(AXIS_AZIMUTH_DEG)
        sine, cosine = np.sin(azimuth), np.cos(azimuth)
        return np.array([[sine, cosine, 0.0], [cosine, -sine, 0.0], [0.0, 0.0, 1.0]])

    def to_lonlat(self, uvz_m: FloatArray) -> FloatArray:
        """(n, 3) metres on the bridge to (n, 3) longitude, latitude in degrees and height in metres."""
        enu_m = np.asarray(uvz_m, dtype=np.float64) @ self.axes.T
        lon_deg, lat_deg = self._to_lonlat.transform(enu_m[:, 0], enu_m[:, 1])
        return np.column_stack([lon_deg, lat_deg, enu_m[:, 2] + DECK_HEIGHT_M])

    def to_grid(self, uvz_m: FloatArray) -> FloatArray:
        """(n, 3) metres on the bridge to (n, 3) UTM easting, northing and height in metres."""
        lonlat = self.to_lonlat(uvz_m)
        east_m, north_m = self._lonlat_to_grid.transform(lonlat[:, 0], lonlat[:, 1])
        return np.column_stack([east_m, north_m, lonlat[:, 2]])

    def grid_turn(self) -> tuple[FloatArray, float]:
        """How the UTM grid lies against true east and north.

        Returns
        -------
        turn
            (3, 3) rotation from true east, north, up to grid east, north, up (meridian convergence).
        grid_scale
            Grid metres per metre on the ground.
        """
        # The anchor, one metre true east of it and one metre true north, expressed in u, v, z.
        corners = np.array([[0.0, 0.0, 0.0], self.axes[0], self.axes[1]])
        grid_m = self.to_grid(corners)
        jacobian = (grid_m[1:, :2] - grid_m[0, :2]).T
        scale = float(np.sqrt(np.linalg.det(jacobian)))
        # The grid is conformal, so north's direction gives the whole turn.
        sine, cosine = jacobian[:, 1] / np.linalg.norm(jacobian[:, 1])
        return np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]]), scale
