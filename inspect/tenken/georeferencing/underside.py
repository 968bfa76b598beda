"""An underside: a polygon at a height, seen from below. Decks, slabs, girder flanges."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon

from tenken.georeferencing.face import FaceKind, FloatArray, Frame, Hits


@dataclass(frozen=True, slots=True, eq=False)
class Underside:
    """The lower side of a slab. Chart: easting and northing in the flight's CRS.

    Parameters
    ----------
    name
        Id of the asset.
    frame
        Metres on the ground around it.
    outline
        In the flight's CRS.
    height_m
        At the frame's anchor.
    rise
        (2,) metres up per metre on the ground to the east and to the north: decks slope a little.
    """

    name: str
    frame: Frame
    outline: MultiPolygon
    height_m: float
    rise: FloatArray
    kind: FaceKind = "underside"
    bends_m: tuple[float, ...] = ()
    period_m: tuple[float, float] | None = None
    mirrored: bool = False
    """Drawn as seen from above, through the slab."""

    @property
    def chart_scale(self) -> float:
        """Grid metres per metre on the ground."""
        return self.frame.grid_scale

    def meet(self, origin_m: FloatArray, directions: FloatArray, *, beyond: bool = False) -> Hits:
        """Find where rays from below meet the slab."""
        origin, rays = self.frame.local(origin_m), self.frame.directions(directions)
        downward = np.array([*self.rise, -1.0])
        downward /= np.linalg.norm(downward)
        towards = rays @ downward
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = ((np.array([0.0, 0.0, self.height_m]) - origin) @ downward) / towards
        met = np.isfinite(reach) & (reach > 0.0) & (towards < 0.0)
        xyz_m = self.frame.grid(origin + rays * np.where(met, reach, np.nan)[:, None])
        if not beyond:
            met &= shapely.contains_xy(self.outline, xyz_m[:, :2])
        return Hits(reach, xyz_m, np.tile(downward, (len(rays), 1)), xyz_m[:, :2]).where(met)

    def place(self, chart_m: FloatArray) -> FloatArray:
        """(n, 2) easting and northing to (n, 3), the height with them."""
        local = self.frame.local(np.column_stack([chart_m, np.zeros(len(chart_m))]))
        return np.column_stack([chart_m, self.height_m + local[:, :2] @ self.rise])
