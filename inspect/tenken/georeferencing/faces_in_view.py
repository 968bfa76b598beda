"""What each pixel of a photo shows: the nearest face of the structure before the camera, or the ground.

Heights of faces are above the take-off point where the ground is the plane at take-off, and in the photos' altitude
datum where it is a plane at a stated height or a surface model: the same as those of the ground. A stated plane or a
surface model hides what lies behind it; the plane at take-off does not, for piers often stand below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pyproj import CRS
from shapely import Polygon

from tenken.georeferencing.camera import Camera, Unplaced, build_camera
from tenken.georeferencing.face import Face
from tenken.georeferencing.face_placement import FacePlacement, incidence_deg
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.georeferencing.picture_grid import grid_px
from tenken.georeferencing.placement import TAKE_OFF_HEIGHT_ERROR_M, Placement
from tenken.georeferencing.surface import Plane, RasterFile, TakeOffPlane
from tenken.imagery.metadata import PhotoMetadata

FloatArray = npt.NDArray[np.float64]

GROUND = -1
"""Number of the ground where faces are numbered."""

STEEPEST_DEG = 75.0
"""Rays that meet a face flatter show the ground: photos of the ground would else fall on the walls below a deck."""

LEVEL = 0.5
"""The ground hides a face only where it is met on a place that faces up, by the normal's upward part: a surface model
is a solid down to the ground, and its steep sides under a deck's edge are not there."""

MOSTLY_FACES = 1 / 3
"""A photo of which faces take more than this share looks at the structure and not at the ground."""


@dataclass(frozen=True, slots=True, eq=False)
class FacesInView:
    """The faces that a photo shows, and the ground behind them.

    Parameters
    ----------
    camera
        Its height in the datum of the faces' heights.
    faces
        All that rays of it meet, also those that others hide.
    hiding
        The ground, where it may hide faces.
    placements
        Before those of which something is visible.
    ground
        None where the photo has no place above the ground.
    shown
        (n,) number into ``faces`` of what each pixel of `grid_px` shows, or `GROUND`.
    """

    camera: Camera
    faces: tuple[Face, ...]
    hiding: PhotoPlacement | None
    placements: tuple[FacePlacement, ...]
    ground: PhotoPlacement | None
    shown: npt.NDArray[np.int64]

    def on_facet(self, xy_px: FloatArray) -> PhotoPlacement | FacePlacement | None:
        """Return the placement on what most of (n, 2) pixels show; None where that has no place."""
        numbers, counts = np.unique(self.numbers(xy_px), return_counts=True)
        most = int(numbers[np.argmax(counts)])
        if most != GROUND:
            return next((one for one in self.placements if one.face is self.faces[most]), None)
        return None if self.ground is None else self.ground.on_facet(xy_px)

    def numbers(self, xy_px: FloatArray) -> npt.NDArray[np.int64]:
        """(n,) number into ``faces`` of what each of (n, 2) pixels shows, or `GROUND`."""
        return _numbers(self.camera, self.faces, self.hiding, xy_px)

    def showing(self, placement: Placement, xy_px: FloatArray) -> FloatArray:
        """(m, 2) those of the pixels that show what a placement is on."""
        wanted = self.faces.index(placement.face) if isinstance(placement, FacePlacement) else GROUND
        chosen: FloatArray = xy_px[self.numbers(xy_px) == wanted]
        return chosen

    def ground_footprint(self) -> Polygon | None:
        """Return what the photo shows of the ground, without what faces hide."""
        if self.ground is None:
            return None
        hidden = self.shown != GROUND
        return self.ground.footprint(hidden if hidden.any() else None)

    @property
    def share(self) -> float:
        """Share of faces in what the picture shows of them and of the ground, 0..1; sky and horizon do not count."""
        faces = int((self.shown != GROUND).sum())
        return faces / (faces + self._ground_pixels)

    @property
    def main(self) -> PhotoPlacement | FacePlacement | None:
        """Placement on what the picture shows most of; sky and horizon do not count."""
        numbers, counts = np.unique(self.shown[self.shown != GROUND], return_counts=True)
        if self._ground_pixels > counts.max():
            return self.ground
        most = self.faces[int(numbers[np.argmax(counts)])]
        return next(one for one in self.placements if one.face is most)

    @property
    def _ground_pixels(self) -> int:
        if self.ground is None:
            return 0
        flat = self.ground.incidence_deg(grid_px(self.camera)) <= STEEPEST_DEG
        return int((flat & (self.shown == GROUND)).sum())


def faces_in_view(
    metadata: PhotoMetadata,
    size_px: tuple[int, int],
    crs: CRS,
    faces: Sequence[Face],
    surface: TakeOffPlane | Plane | RasterFile,
    ground: PhotoPlacement | Unplaced,
) -> FacesInView | None:
    """Find the faces that a photo shows.

    Parameters
    ----------
    metadata, size_px
        The photo's statements, and its width and height as displayed.
    crs
        The flight's metric CRS.
    faces
        Of the structure.
    surface
        From `tenken.georeferencing.surface.parse_surface`; it says from where heights count.
    ground
        The photo above that surface, as stated or as adjusted; a photo from under a deck may have no place there.

    Returns
    -------
    None where the photo shows none of them.
    """
    posed = camera_before_faces(metadata, size_px, crs, surface, ground)
    if posed is None or not faces:
        return None
    camera, height_error_m = posed
    behind = ground if isinstance(ground, PhotoPlacement) else None
    hiding = None if isinstance(surface, TakeOffPlane) else behind
    spread = grid_px(camera)
    rays = camera.rays(spread)
    met = [face for face in faces if np.isfinite(face.meet(camera.position_m, rays).reach).any()]
    shown = _numbers(camera, met, hiding, spread)
    seen = sorted(set(shown.tolist()) - {GROUND})
    if not seen:
        return None
    placements = []
    for number in seen:
        around = grid_px(camera, spread[shown == number])
        visible = _numbers(camera, met, hiding, around) == number
        meets = np.isfinite(met[number].meet(camera.position_m, rays).reach)
        hidden = bool((meets & (shown != number)).any())
        placements.append(
            FacePlacement(crs, camera, met[number], height_error_m, around, visible, hidden, metadata.turned_by_viewer)
        )
    return FacesInView(camera, tuple(met), hiding, tuple(placements), behind, shown)


def camera_before_faces(
    metadata: PhotoMetadata,
    size_px: tuple[int, int],
    crs: CRS,
    surface: TakeOffPlane | Plane | RasterFile,
    ground: PhotoPlacement | Unplaced,
) -> tuple[Camera, float] | None:
    """Give a photo's camera with its height in the faces' datum, and that height's 1 sigma; None where not known."""
    camera = build_camera(metadata, *size_px, crs) if isinstance(ground, Unplaced) else ground.camera
    if isinstance(camera, Unplaced):
        return None
    easting_m, northing_m, height_m = camera.position_m.tolist()
    from_take_off = isinstance(surface, TakeOffPlane)
    if from_take_off:
        above_m = metadata.relative_altitude_m
        if isinstance(ground, PhotoPlacement) and isinstance(ground.surface, Plane):
            above_m = height_m - ground.surface.height_m
        if above_m is None:
            return None
        height_m = above_m
    elif metadata.altitude_m is None:
        return None
    stated_m = TAKE_OFF_HEIGHT_ERROR_M if from_take_off else camera.accuracy.vertical_m
    error_m = ground.height_error_m if isinstance(ground, PhotoPlacement) else stated_m
    return replace(camera, position_m=np.array([easting_m, northing_m, height_m])), error_m


def _numbers(
    camera: Camera, faces: Sequence[Face], ground: PhotoPlacement | None, xy_px: FloatArray
) -> npt.NDArray[np.int64]:
    xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
    rays = camera.rays(xy_px)
    nearest = np.full(len(xy_px), np.inf)
    number = np.full(len(xy_px), GROUND, dtype=np.int64)
    for index, face in enumerate(faces):
        hits = face.meet(camera.position_m, rays)
        if np.isnan(hits.reach).all():
            continue
        nearer = (hits.reach < nearest) & (incidence_deg(camera, xy_px, hits) <= STEEPEST_DEG)
        nearest[nearer], number[nearer] = hits.reach[nearer], index
    if ground is not None and (number != GROUND).any():
        points = ground.to_world(xy_px)
        reach = np.linalg.norm(points - ground.camera.position_m, axis=1) / np.linalg.norm(rays, axis=1)
        number[(reach < nearest) & (ground.surface.normal(points)[:, 2] > LEVEL)] = GROUND
    return number
