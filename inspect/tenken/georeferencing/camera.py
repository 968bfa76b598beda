"""A photo's camera: lens and pose, from pixel to ray and back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyproj import CRS

from tenken.georeferencing.crs import grid_at, to_grid
from tenken.georeferencing.lens import Lens, choose_lens
from tenken.imagery.attitude import NADIR, turn_about
from tenken.imagery.metadata import PhotoMetadata
from tenken.notes import Note

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PoseAccuracy:
    """Standard deviations (1 sigma) of a pose.

    ``horizontal_m`` is of the distance, east and north together; ``tilt_deg`` about each horizontal axis.
    """

    horizontal_m: float
    vertical_m: float
    yaw_deg: float
    tilt_deg: float


# Assumed where the photo states nothing. GNSS without corrections: about 2 m horizontally and half again as
# much in height. Gimbals: makers state 0.02 deg jitter but no absolute figure; the compass decides yaw. Hulls
# are not levelled.
_GNSS_HORIZONTAL_M, _GNSS_VERTICAL_M = 2.0, 3.0
_RTK_HORIZONTAL_M, _RTK_VERTICAL_M = 0.03, 0.05
_YAW_AND_TILT_DEG = {"gimbal": (2.5, 1.0), "body": (5.0, 3.0), "assumed_nadir": (180.0, 5.0)}


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Why a picture cannot be put on the map: one sentence with the remedy."""

    reason: Note


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A posed camera in the flight's CRS.

    Pixels are of the picture as displayed: EXIF orientation applied, the centre of the top left pixel is
    (0.5, 0.5).

    Parameters
    ----------
    width_px, height_px
        Size of the picture as displayed.
    orientation
        EXIF orientation 1..8, which leads from the stored to the displayed picture.
    lens
        In pixels of the stored picture.
    position_m
        (3,) easting, northing, height of the projection centre.
    rotation
        (3, 3) from camera axes (stored picture: x right, y down, z forward) to grid east, north, up.
    grid_scale
        Grid metres per metre on the ground.
    pose_source
        ``rtk`` or ``exif`` (position), then ``+gimbal``, ``+body`` or ``+assumed_nadir`` (angles).
    """

    width_px: int
    height_px: int
    orientation: int
    lens: Lens
    position_m: FloatArray
    rotation: FloatArray
    grid_scale: float
    accuracy: PoseAccuracy
    pose_source: str

    @property
    def focal_source(self) -> str:
        """Which of the photo's statements the focal length is from."""
        return self.lens.source

    def rays(self, xy_px: FloatArray) -> FloatArray:
        """(n, 2) pixels to (n, 3) directions in the grid; a unit of length is a metre on the ground.

        NaN where the lens model has no ray for a pixel.
        """
        ideal = self.lens.to_ideal(self._to_stored(np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)))
        camera = np.column_stack([ideal, np.ones(len(ideal))])
        camera /= np.linalg.norm(camera, axis=1, keepdims=True)
        return camera @ self.rotation.T * self._grid_per_ground()

    def project(self, xyz_m: FloatArray) -> FloatArray:
        """(n, 3) world points to (n, 2) pixels, inside the picture or not; NaN behind the camera."""
        offset = (np.asarray(xyz_m, dtype=np.float64).reshape(-1, 3) - self.position_m) / self._grid_per_ground()
        camera = offset @ self.rotation
        depth = np.where(camera[:, 2] > 0.0, camera[:, 2], np.nan)
        return self._to_displayed(self.lens.to_pixel(camera[:, :2] / depth[:, None]))

    def _grid_per_ground(self) -> FloatArray:
        return np.array([self.grid_scale, self.grid_scale, 1.0])

    def _to_stored(self, xy_px: FloatArray) -> FloatArray:
        """Turn displayed into stored pixels, by EXIF's Orientation (CIPA DC-008, tag 0x0112)."""
        x, y = xy_px.T
        right, bottom = self.width_px - x, self.height_px - y
        stored = {
            1: (x, y),
            2: (right, y),
            3: (right, bottom),
            4: (x, bottom),
            5: (y, x),
            6: (y, right),
            7: (bottom, right),
            8: (bottom, x),
        }
        return np.column_stack(stored[self.orientation])

    def _to_displayed(self, xy_px: FloatArray) -> FloatArray:
        x, y = xy_px.T
        displayed = {
            1: (x, y),
            2: (self.width_px - x, y),
            3: (self.width_px - x, self.height_px - y),
            4: (x, self.height_px - y),
            5: (y, x),
            6: (self.width_px - y, x),
            7: (self.width_px - y, self.height_px - x),
            8: (y, self.height_px - x),
        }
        return np.column_stack(displayed[self.orientation])


def build_camera(metadata: PhotoMetadata, width_px: int, height_px: int, crs: CRS) -> Camera | Unplaced:
    """Pose a photo's camera from what the photo states.

    Parameters
    ----------
    metadata
        The photo's statements.
    width_px, height_px
        Size of the picture as displayed (EXIF orientation applied).
    crs
        The flight's metric CRS.

    Returns
    -------
    The camera, its height in the photo's own altitude datum (above take-off where it states only that); or
    why there is none.
    """
    if metadata.lon_deg is None or metadata.lat_deg is None:
        return Unplaced(Note.of("note.no_gps"))
    height_m = metadata.altitude_m if metadata.altitude_m is not None else metadata.relative_altitude_m
    if height_m is None:
        return Unplaced(Note.of("note.no_altitude"))
    stored_px = (height_px, width_px) if metadata.orientation >= 5 else (width_px, height_px)
    if metadata.lens_model not in (None, "perspective"):
        return Unplaced(Note.of("note.lens_model", model=metadata.lens_model))
    lens = choose_lens(metadata, *stored_px)
    if lens is None:
        camera = metadata.camera or Note.of("note.no_camera_named")
        return Unplaced(Note.of("note.no_focal_length", camera=camera))
    scale, convergence_deg = grid_at(crs, metadata.lon_deg, metadata.lat_deg)
    easting_m, northing_m = to_grid(crs, metadata.lon_deg, metadata.lat_deg)
    attitude = metadata.attitude or NADIR
    angles = attitude.frame if metadata.attitude is not None else "assumed_nadir"
    return Camera(
        width_px=width_px,
        height_px=height_px,
        orientation=metadata.orientation,
        lens=lens,
        position_m=np.array([easting_m, northing_m, height_m]),
        # Grid azimuth = true azimuth - convergence, and azimuths run clockwise.
        rotation=turn_about("z", convergence_deg) @ attitude.rotation(),
        grid_scale=scale,
        accuracy=_accuracy(metadata, angles),
        pose_source=f"{'rtk' if metadata.rtk_fixed else 'exif'}+{angles}",
    )


def _accuracy(metadata: PhotoMetadata, angles: str) -> PoseAccuracy:
    horizontal_m = _RTK_HORIZONTAL_M if metadata.rtk_fixed else _GNSS_HORIZONTAL_M
    vertical_m = _RTK_VERTICAL_M if metadata.rtk_fixed else _GNSS_VERTICAL_M
    yaw_deg, tilt_deg = _YAW_AND_TILT_DEG[angles]
    return PoseAccuracy(
        horizontal_m=metadata.horizontal_error_m or horizontal_m,
        vertical_m=metadata.vertical_error_m or vertical_m,
        yaw_deg=yaw_deg,
        tilt_deg=tilt_deg,
    )
