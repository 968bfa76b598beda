"""A posed photo before a face of a structure: from pixel to the face's chart and back, with errors."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate

from tenken.georeferencing.camera import Camera
from tenken.georeferencing.face import Face, Hits
from tenken.georeferencing.picture_grid import border_px, cells_of
from tenken.georeferencing.tangent import on_tangent, pixel_axes_mm, refocused_rays, turned_rays

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FacePlacement:
    """A posed photo before a face; places are of the face's chart, with 0 as their height there.

    Parameters
    ----------
    crs
        The flight's metric CRS.
    camera
        In that CRS, its height in the datum of the faces' heights.
    face
        What it looks at.
    height_error_m
        1 sigma of the camera's height in that datum.
    around_px, visible
        (n, 2) pixels of a grid around what is seen of the face (`grid_px`), and which of them show it.
    hidden
        Whether something else hides a part of the face, or the photo sees a part too flat.
    maybe_turned
        The picture may have been turned by half after the flight.
    """

    crs: CRS
    camera: Camera
    face: Face
    height_error_m: float
    around_px: FloatArray
    visible: npt.NDArray[np.bool_]
    hidden: bool = False
    maybe_turned: bool = False

    @property
    def on_face(self) -> str | None:
        """Name of the face."""
        return self.face.name

    @property
    def grid_scale(self) -> float:
        """Chart metres per metre on the ground."""
        return self.face.chart_scale

    @property
    def pose_source(self) -> str:
        """Where position and angles are from, as in `Camera`."""
        return self.camera.pose_source

    def to_world(self, xy_px: FloatArray) -> FloatArray:
        """Return (n, 3) places in the chart of (n, 2) pixels, also beyond the face's ends; NaN where a ray misses."""
        chart = self._hits(xy_px).chart_m
        return np.column_stack([chart, np.where(np.isnan(chart[:, 0]), np.nan, 0.0)])

    def to_photo(self, xyz_m: FloatArray) -> FloatArray:
        """Return (n, 2) pixels of (n, 3) places of the chart; NaN behind the camera."""
        return self.camera.project(self.face.place(np.asarray(xyz_m, dtype=np.float64).reshape(-1, 3)[:, :2]))

    def on_facet(self, xy_px: FloatArray) -> "FacePlacement":  # noqa: ARG002 - a face is a facet
        """Return itself."""
        return self

    def incidence_deg(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) angles between ray and normal, degrees; NaN where a ray misses."""
        return incidence_deg(self.camera, xy_px, self._hits(xy_px))

    def ground_resolution_mm(self, xy_px: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (n,) the shorter and (n,) the longer axis of a pixel on the face, mm; see `Placement`."""
        xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
        hits = self._hits(xy_px)
        return pixel_axes_mm(self.camera, xy_px, hits.xyz_m, hits.normal)

    def position_error_m(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) 1 sigma of the place along the face: both directions of the chart together.

        How far points move on the face when each pose parameter moves by its own, as a root sum. A camera that is
        nearer or farther than it says moves a point that it sees askew, and not the one straight before it. That the
        face itself may stand elsewhere than the assets file says is not in it.
        """
        camera, accuracy = self.camera, self.camera.accuracy
        xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
        rays, hits = camera.rays(xy_px), self._hits(xy_px)
        level_m = accuracy.horizontal_m / np.sqrt(2.0)
        shifts = np.diag([level_m, level_m, self.height_error_m])
        moved = [on_tangent(camera.position_m + shift, rays, hits.xyz_m, hits.normal) for shift in shifts]
        moved += [
            on_tangent(camera.position_m, other, hits.xyz_m, hits.normal)
            for other in (*turned_rays(camera, rays), refocused_rays(camera, xy_px))
        ]
        variance = np.sum([((one - hits.xyz_m) ** 2).sum(axis=1) for one in moved], axis=0)
        if self.maybe_turned:
            # Half a turn brings a point as far beyond the middle as it was before it.
            middle = self._hits(np.array([[camera.width_px, camera.height_px]]) / 2.0).xyz_m
            variance = variance + 4.0 * ((hits.xyz_m - middle) ** 2).sum(axis=1)
        error_m: FloatArray = np.sqrt(variance)
        return error_m

    def scale_error(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) shares, from the errors of the stand-off (square to the face) and of the focal length."""
        hits = self._hits(xy_px)
        level_m = self.camera.accuracy.horizontal_m / np.sqrt(2.0)
        sigma_m = np.sqrt(((hits.normal * [level_m, level_m, self.height_error_m]) ** 2).sum(axis=1))
        away_m = np.abs(((hits.xyz_m - self.camera.position_m) * hits.normal).sum(axis=1))
        error: FloatArray = np.hypot(sigma_m / away_m, self.camera.lens.focal_error)
        return error

    def footprint(self) -> MultiPolygon | None:
        """Return what the photo shows of the face, in its chart; None for nothing.

        Where something else hides a part of the face, or it ends within the picture as a pipe does, cells of a grid
        over what is seen of it stand in for the true border.
        """
        ring = self._hits(border_px(self.camera)).chart_m
        if self.hidden or np.isnan(ring).any():
            chart = np.where(self.visible[:, None], self._hits(self.around_px).chart_m, np.nan)
            seen = shapely.union_all(cells_of(chart))
        else:
            seen = shapely.make_valid(Polygon(ring))
        period = self.face.period_m
        if period is not None:
            seen = shapely.union_all([seen, *(translate(seen, turn * period[0], turn * period[1]) for turn in (-1, 1))])
        parts = shapely.get_parts(shapely.intersection(seen, self.face.outline))
        areas = [part for part in parts if part.geom_type == "Polygon" and part.area > 0]
        return MultiPolygon(areas) if areas else None

    def with_height_error(self, share: float) -> "FacePlacement":
        """Return the same with a share of its height error."""
        return replace(self, height_error_m=share * self.height_error_m)

    def _hits(self, xy_px: FloatArray) -> Hits:
        return self.face.meet(self.camera.position_m, self.camera.rays(xy_px), beyond=True)


def incidence_deg(camera: Camera, xy_px: FloatArray, hits: Hits) -> FloatArray:
    """(n,) angles between rays and the normals of a face where they meet it, degrees."""
    ground = np.array([camera.grid_scale, camera.grid_scale, 1.0])
    rays = camera.rays(xy_px) / ground
    cosines = np.abs((rays * hits.normal).sum(axis=1))
    angles: FloatArray = np.degrees(np.arccos(np.clip(cosines, 0.0, 1.0)))
    return angles
