"""A posed photo above a surface: from pixel to place and back, with errors."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS
from shapely import Polygon

from tenken.georeferencing.camera import Camera
from tenken.georeferencing.facet import fit_facet
from tenken.georeferencing.picture_grid import border_px, cells_of, grid_px
from tenken.georeferencing.polygons import largest_polygon
from tenken.georeferencing.raster_surface import RasterSurface
from tenken.georeferencing.surface import Surface
from tenken.georeferencing.tangent import on_tangent, pixel_axes_mm, refocused_rays, turned_rays

FloatArray = npt.NDArray[np.float64]

_STEEPEST_FOOTPRINT_DEG = 85.0
"""Rays that graze the surface beyond this angle show nothing and would stretch a footprint to the horizon."""


@dataclass(frozen=True, slots=True, eq=False)
class PhotoPlacement:
    """A posed photo above a surface.

    Parameters
    ----------
    crs
        The flight's metric CRS.
    camera, surface
        Both in that CRS.
    height_error_m
        1 sigma of the camera's height above the surface.
    doubts
        What speaks against this placement, a sentence each.
    """

    crs: CRS
    camera: Camera
    surface: Surface
    height_error_m: float
    doubts: tuple[str, ...] = ()
    maybe_turned: bool = False
    """The picture may have been turned by half after the flight; the position error then holds that case too."""

    @property
    def on_face(self) -> str | None:
        """None: on the ground, and not on a face of the structure."""
        return None

    @property
    def grid_scale(self) -> float:
        """Grid metres per metre on the ground."""
        return self.camera.grid_scale

    @property
    def pose_source(self) -> str:
        """Where position and angles are from, as in `Camera`."""
        return self.camera.pose_source

    def to_world(self, xy_px: FloatArray) -> FloatArray:
        """Return (n, 3) surface points of (n, 2) pixels; NaN where a ray misses."""
        return self.surface.intersect(self.camera.position_m, self.camera.rays(xy_px))

    def to_photo(self, xyz_m: FloatArray) -> FloatArray:
        """Return (n, 2) pixels of (n, 3) world points; NaN behind the camera."""
        return self.camera.project(xyz_m)

    def on_facet(self, xy_px: FloatArray) -> "PhotoPlacement":
        """Return this placement on the plane that most of these pixels meet, or itself where there is none."""
        if not isinstance(self.surface, RasterSurface):
            return self
        facet = fit_facet(self.to_world(xy_px))
        return self if facet is None else replace(self, surface=facet)

    def incidence_deg(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) angles between ray and surface normal, degrees; NaN where a ray misses."""
        ground = np.array([self.grid_scale, self.grid_scale, 1.0])
        rays = self.camera.rays(xy_px) / ground
        cosines = -(rays * self.surface.normal(self.to_world(xy_px))).sum(axis=1)
        angles: FloatArray = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
        return angles

    def ground_resolution_mm(self, xy_px: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (n,) the shorter and (n,) the longer axis of a pixel on the surface, mm; see `Placement`."""
        xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
        points = self.to_world(xy_px)
        return pixel_axes_mm(self.camera, xy_px, points, self.surface.normal(points))

    def position_error_m(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) 1 sigma: how far points move when each pose parameter moves by its own, as a root sum.

        Parameters are the height, the yaw, the tilt about both horizontal axes and the focal length; the
        horizontal position moves the point by as much as itself.
        """
        camera, accuracy = self.camera, self.camera.accuracy
        xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
        rays, points = camera.rays(xy_px), self.to_world(xy_px)
        normals = self.surface.normal(points)
        variance = np.full(len(points), accuracy.horizontal_m**2)
        raised = on_tangent(camera.position_m + np.array([0.0, 0.0, self.height_error_m]), rays, points, normals)
        variance += ((raised - points)[:, :2] ** 2).sum(axis=1)
        for moved_rays in (*turned_rays(camera, rays), refocused_rays(camera, xy_px)):
            moved = on_tangent(camera.position_m, moved_rays, points, normals)
            variance += ((moved - points)[:, :2] ** 2).sum(axis=1)
        if self.maybe_turned:
            # Half a turn brings a point as far beyond the middle as it was before it.
            middle = self.to_world(np.array([[camera.width_px, camera.height_px]]) / 2.0)
            variance += 4.0 * ((points - middle)[:, :2] ** 2).sum(axis=1)
        error_m: FloatArray = np.sqrt(variance)
        return error_m

    def scale_error(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) shares, from the errors of the height above the surface and of the focal length."""
        above_m = self.camera.position_m[2] - self.to_world(xy_px)[:, 2]
        error: FloatArray = np.hypot(self.height_error_m / above_m, self.camera.lens.focal_error)
        return error

    def footprint(self, hidden: npt.NDArray[np.bool_] | None = None) -> Polygon | None:
        """Return the picture's border on the surface; where the border misses, the part that meets it.

        ``hidden`` are pixels of `grid_px` before which something else stands: then the largest part that does not.
        """
        ring = self._seen(border_px(self.camera))
        if hidden is None and not np.isnan(ring).any():
            return largest_polygon(shapely.make_valid(Polygon(ring)))
        places = self._seen(grid_px(self.camera))
        if hidden is not None:
            places[hidden] = np.nan
        return largest_polygon(shapely.union_all(cells_of(places)))

    def _seen(self, xy_px: FloatArray) -> FloatArray:
        """(n, 2) places on the surface; NaN also where the ray grazes it."""
        xy_m = self.to_world(xy_px)[:, :2]
        down = -self.camera.rays(xy_px)[:, 2]
        xy_m[~(down > np.cos(np.radians(_STEEPEST_FOOTPRINT_DEG)))] = np.nan
        return xy_m
