"""Where a photo's pixels lie in the world."""

from typing import Protocol

import numpy as np
import numpy.typing as npt
from pyproj import CRS
from shapely import MultiPolygon, Polygon

from tenken.georeferencing.camera import Camera, Unplaced, build_camera
from tenken.georeferencing.orthomosaic import OrthomosaicPlacement, place_orthomosaic
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.georeferencing.surface import Plane, RasterFile, TakeOffPlane
from tenken.imagery.metadata import PhotoMetadata
from tenken.notes import Note

__all__ = [
    "OrthomosaicPlacement",
    "PhotoPlacement",
    "Placement",
    "Unplaced",
    "place_orthomosaic",
    "place_photo",
]

FloatArray = npt.NDArray[np.float64]

TAKE_OFF_HEIGHT_ERROR_M = 2.0
"""1 sigma of a barometric height above take-off: the benchmark's flight states 40 m and flew at 38."""
_AROUND_M = 300.0
"""How far around the camera a surface model's heights are sampled, at the least."""
_COARSE_CELLS = 512
_FARTHEST_M = 2000.0


class Placement(Protocol):
    """From pixels to the flight's metric CRS and back, for one photo or orthomosaic.

    Pixel coordinates are (x = column, y = row) of the picture as displayed (EXIF orientation applied); the
    centre of the top left pixel is (0.5, 0.5).
    """

    @property
    def crs(self) -> CRS:
        """The flight's metric CRS."""
        ...

    @property
    def on_face(self) -> str | None:
        """Name of the face that places are of, in its chart; None for the ground, in the flight's CRS."""
        ...

    @property
    def grid_scale(self) -> float:
        """Metres of places per metre on the ground (UTM: 0.9996 .. 1.001; charts of faces: 1)."""
        ...

    def to_world(self, xy_px: FloatArray) -> FloatArray:
        """(n, 2) pixels to (n, 3) easting, northing, height in metres; NaN where the ray meets no surface."""
        ...

    def on_facet(self, xy_px: FloatArray) -> "Placement":
        """Return the placement on the one plane that most of (n, 2) pixels meet, or itself where there is none."""
        ...

    def to_photo(self, xyz_m: FloatArray) -> FloatArray:
        """(n, 3) world points to (n, 2) pixels; NaN behind the camera."""
        ...

    def ground_resolution_mm(self, xy_px: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) ground resolution square to the ray, and (n,) effective (/ cos of incidence), mm per pixel.

        Exactly: the shorter and the longer axis of the ellipse that a pixel covers on the surface. On the
        optical axis that is distance x pixel pitch / focal length, and the same / cos of the angle between
        ray and normal.
        """
        ...

    def position_error_m(self, xy_px: FloatArray) -> FloatArray:
        """(n,) position error along the surface, 1 sigma (root of the summed variances of both directions), metres."""
        ...

    def scale_error(self, xy_px: FloatArray) -> FloatArray:
        """(n,) 1 sigma of the ground resolution, as a share of it."""
        ...

    def footprint(self) -> Polygon | MultiPolygon | None:
        """Return what the photo shows of the surface, in the flight's CRS or the face's chart."""
        ...


def place_photo(
    metadata: PhotoMetadata,
    width_px: int,
    height_px: int,
    crs: CRS,
    surface: TakeOffPlane | Plane | RasterFile = TakeOffPlane(),  # noqa: B008 - a frozen marker without state
) -> PhotoPlacement | Unplaced:
    """Place a photo above a surface; never by a guess: what is not stated gives the reason instead.

    Parameters
    ----------
    metadata
        The photo's statements.
    width_px, height_px
        Size of the picture as displayed (EXIF orientation applied).
    crs
        The flight's metric CRS.
    surface
        From `tenken.georeferencing.surface.parse_surface`.
    """
    camera = build_camera(metadata, width_px, height_px, crs)
    if isinstance(camera, Unplaced):
        return camera
    above_m = metadata.relative_altitude_m
    if isinstance(surface, TakeOffPlane):
        if above_m is None:
            return Unplaced(Note.of("note.no_height"))
        if above_m <= 0.0:
            return Unplaced(Note.of("note.below_take_off", above=f"{above_m:g}"))
        plane = Plane(float(camera.position_m[2]) - above_m)
        return PhotoPlacement(crs, camera, plane, TAKE_OFF_HEIGHT_ERROR_M, metadata.doubts, metadata.turned_by_viewer)
    if metadata.altitude_m is None:
        return Unplaced(Note.of("note.no_absolute_altitude"))
    if isinstance(surface, Plane):
        if surface.height_m >= camera.position_m[2]:
            return Unplaced(
                Note.of("note.plane_above", plane=f"{surface.height_m:g}", camera=f"{camera.position_m[2]:.1f}")
            )
        return PhotoPlacement(
            crs, camera, surface, camera.accuracy.vertical_m, metadata.doubts, metadata.turned_by_viewer
        )
    return _place_on_raster(metadata, camera, crs, surface)


def _place_on_raster(
    metadata: PhotoMetadata, camera: Camera, crs: CRS, surface: RasterFile
) -> PhotoPlacement | Unplaced:
    """Read the part of a surface model that the photo can see, and place the photo above it."""
    above_m = metadata.relative_altitude_m
    easting_m, northing_m, _ = camera.position_m.tolist()
    around_m = max(_AROUND_M, 3.0 * (above_m or 0.0))
    around = surface.window(
        crs,
        (easting_m - around_m, northing_m - around_m, easting_m + around_m, northing_m + around_m),
        most_cells=_COARSE_CELLS,
    )
    window = None
    if around is not None and not np.isnan(around.heights_m).all():
        lowest_m, highest_m = float(np.nanmin(around.heights_m)), float(np.nanmax(around.heights_m))
        window = surface.window(crs, _bounds_m(camera, lowest_m, highest_m))
    if window is None:
        return Unplaced(Note.of("note.surface_elsewhere", surface=str(surface.path)))
    points = window.intersect(camera.position_m, camera.rays(_spread_px(camera)))
    if np.isnan(points).all():
        return Unplaced(Note.of("note.no_ray_meets", surface=str(surface.path)))
    doubts = (*metadata.doubts, *_datum_doubt(camera, points, above_m))
    return PhotoPlacement(crs, camera, window, camera.accuracy.vertical_m, doubts, metadata.turned_by_viewer)


def _bounds_m(camera: Camera, lowest_m: float, highest_m: float) -> tuple[float, float, float, float]:
    """Bounds of what the camera can see of a surface between two heights: west, south, east, north."""
    rays = camera.rays(_spread_px(camera))
    ends = [camera.position_m[None, :]]
    for height_m in (lowest_m, highest_m):
        points = Plane(height_m).intersect(camera.position_m, rays)
        lost = ~(np.linalg.norm(points - camera.position_m, axis=1) < _FARTHEST_M)
        ends.append(np.where(lost[:, None], camera.position_m + rays * _FARTHEST_M, points))
    reached = np.concatenate(ends)[:, :2]
    # The heights are from a coarse reading, so the true extremes lie somewhat farther.
    margin = 0.05 * np.ptp(reached, axis=0).max() + 2.0
    west, south = np.nanmin(reached, axis=0) - margin
    east, north = np.nanmax(reached, axis=0) + margin
    return float(west), float(south), float(east), float(north)


def _spread_px(camera: Camera) -> FloatArray:
    """Points spread over the picture, its border with them."""
    x, y = np.meshgrid(np.linspace(0.0, camera.width_px, 9), np.linspace(0.0, camera.height_px, 9))
    return np.column_stack([x.ravel(), y.ravel()])


def _datum_doubt(camera: Camera, points: FloatArray, above_m: float | None) -> tuple[str, ...]:
    """Doubt a surface model whose distance to the camera does not fit the stated height above take-off."""
    if above_m is None:
        return ()
    clearance_m = float(camera.position_m[2] - np.nanmedian(points[:, 2]))
    if abs(clearance_m - above_m) <= max(10.0, 0.25 * above_m):
        return ()
    return (Note.of("note.datum", clearance=f"{clearance_m:.0f}", above=f"{above_m:.0f}"),)
