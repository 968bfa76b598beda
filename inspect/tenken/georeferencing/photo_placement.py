"""A posed photo above a surface: from pixel to place and back, with errors."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS
from shapely import Polygon

from tenken.georeferencing.camera import Camera
from tenken.georeferencing.facet import fit_facet
from tenken.georeferencing.polygons import largest_polygon
from tenken.georeferencing.raster_surface import RasterSurface
from tenken.georeferencing.surface import Surface
from tenken.imagery.attitude import turn_about

FloatArray = npt.NDArray[np.float64]

_STEEPEST_FOOTPRINT_DEG = 85.0
"""Rays that graze the surface beyond this angle show nothing and would stretch a footprint to the horizon."""
_BORDER_POINTS = 24
_GRID_POINTS = 33


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
        """Return (n,) the shorter and (n,) the longer axis of a pixel on the surface, mm; see `Placement`.

        From the difference of rays half a pixel to each side on the surface's tangent plane, so lens
        distortion and the slope of the surface are in it. Off the optical axis it is the exact form of
        distance x pitch / focal.
        """
        xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
        points = self.to_world(xy_px)
        normals = self.surface.normal(points)
        ground = np.array([self.grid_scale, self.grid_scale, 1.0])
        sides = []
        for step in (np.array([0.5, 0.0]), np.array([0.0, 0.5])):
            ahead = self._on_tangent(self.camera.rays(xy_px + step), points, normals)
            behind = self._on_tangent(self.camera.rays(xy_px - step), points, normals)
            sides.append((ahead - behind) / ground)
        gram = np.stack([[(a * b).sum(axis=1) for b in sides] for a in sides])
        mean, half = (gram[0, 0] + gram[1, 1]) / 2.0, (gram[0, 0] - gram[1, 1]) / 2.0
        spread = np.hypot(half, gram[0, 1])
        return np.sqrt(np.maximum(mean - spread, 0.0)) * 1000.0, np.sqrt(mean + spread) * 1000.0

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
        raised = self._on_tangent(rays, points, normals, rise_m=self.height_error_m)
        variance += ((raised - points)[:, :2] ** 2).sum(axis=1)
        turns = (
            turn_about("z", accuracy.yaw_deg),
            turn_about("x", accuracy.tilt_deg),
            turn_about("y", accuracy.tilt_deg),
        )
        for turn in turns:
            moved = self._on_tangent(rays @ turn.T, points, normals)
            variance += ((moved - points)[:, :2] ** 2).sum(axis=1)
        # A longer focal length turns each ray towards the axis by as much as pixels nearer to the centre
        # would.
        centre = np.array([camera.width_px, camera.height_px]) / 2.0
        narrowed = camera.rays(centre + (xy_px - centre) / (1.0 + camera.lens.focal_error))
        moved = self._on_tangent(narrowed, points, normals)
        variance += ((moved - points)[:, :2] ** 2).sum(axis=1)
        if self.maybe_turned:
            # Half a turn brings a point as far beyond the middle as it was before it.
            middle = self.to_world(centre[None])
            variance += 4.0 * ((points - middle)[:, :2] ** 2).sum(axis=1)
        error_m: FloatArray = np.sqrt(variance)
        return error_m

    def scale_error(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) shares, from the errors of the height above the surface and of the focal length."""
        above_m = self.camera.position_m[2] - self.to_world(xy_px)[:, 2]
        error: FloatArray = np.hypot(self.height_error_m / above_m, self.camera.lens.focal_error)
        return error

    def footprint(self) -> Polygon | None:
        """Return the picture's border on the surface; where the border misses, the part that meets it."""
        width, height = self.camera.width_px, self.camera.height_px
        across, down = np.linspace(0.0, width, _BORDER_POINTS), np.linspace(0.0, height, _BORDER_POINTS)
        border = np.concatenate(
            [
                np.column_stack([across, np.zeros_like(across)]),
                np.column_stack([np.full_like(down, width), down])[1:],
                np.column_stack([across[::-1], np.full_like(across, height)])[1:],
                np.column_stack([np.zeros_like(down), down[::-1]])[1:-1],
            ]
        )
        ring = self._seen(border)
        if not np.isnan(ring).any():
            return largest_polygon(shapely.make_valid(Polygon(ring)))
        return largest_polygon(shapely.union_all(self._seen_cells()))

    def _seen_cells(self) -> list[Polygon]:
        """Cells of a grid over the picture all of whose corners meet the surface."""
        x, y = np.meshgrid(
            np.linspace(0.0, self.camera.width_px, _GRID_POINTS),
            np.linspace(0.0, self.camera.height_px, _GRID_POINTS),
        )
        xy_m = self._seen(np.column_stack([x.ravel(), y.ravel()])).reshape(_GRID_POINTS, _GRID_POINTS, 2)
        corners = np.stack([xy_m[:-1, :-1], xy_m[:-1, 1:], xy_m[1:, 1:], xy_m[1:, :-1]], axis=2).reshape(-1, 4, 2)
        cells = [Polygon(cell) for cell in corners[~np.isnan(corners).any(axis=(1, 2))]]
        return [cell for cell in cells if cell.is_valid]

    def _seen(self, xy_px: FloatArray) -> FloatArray:
        """(n, 2) places on the surface; NaN also where the ray grazes it."""
        xy_m = self.to_world(xy_px)[:, :2]
        down = -self.camera.rays(xy_px)[:, 2]
        xy_m[~(down > np.cos(np.radians(_STEEPEST_FOOTPRINT_DEG)))] = np.nan
        return xy_m

    def _on_tangent(self, rays: FloatArray, points: FloatArray, normals: FloatArray, rise_m: float = 0.0) -> FloatArray:
        """Where rays, from a camera raised by ``rise_m``, meet the surface's tangent planes at ``points``."""
        origin = self.camera.position_m + np.array([0.0, 0.0, rise_m])
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = ((points - origin) * normals).sum(axis=1) / (rays * normals).sum(axis=1)
        reach = np.where(np.isfinite(reach) & (reach > 0.0), reach, np.nan)
        met: FloatArray = origin + rays * reach[:, None]
        return met
