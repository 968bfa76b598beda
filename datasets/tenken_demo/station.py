"""Where the drone hovered: true poses, what it wrote about them, and the projection that draws the photos."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenken_demo.frame import AXIS_AZIMUTH_DEG, BridgeFrame
from tenken_demo.noise import stream

FloatArray = npt.NDArray[np.float64]

PIXEL_PITCH_MM = 0.0016
FOCAL_LENGTH_MM = 29.9
FULL_WIDTH_PX = 4000
"""Tele camera of the Mavic 3 Enterprise class: 6.4 x 4.8 mm, 4000 x 3000 px, 162 mm in 35 mm terms."""

STATIONS_PER_PASS = 6
STATION_STEP_M = 0.75
FIRST_STATION_U_M = 1.1
STATION_V_M = -0.22
HEIGHT_ABOVE_DECK_M = 10.0

RTK_SIGMA_M = (0.010, 0.010, 0.020)
GIMBAL_SIGMA_DEG = 0.05


@dataclass(frozen=True, slots=True)
class WrittenPose:
    """What stands in a photo's metadata: place, height, and gimbal angles in steps of 0.1 degrees."""

    longitude_deg: float
    latitude_deg: float
    altitude_m: float
    relative_altitude_m: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class TrueCamera:
    """A pinhole camera over the bridge.

    Parameters
    ----------
    uvz_m
        (3,) projection centre in metres on the bridge.
    axes
        (3, 3) columns: the camera's right, down and forward axes in u, v, z.
    focal_px, width_px, height_px
        The principal point is the middle of the picture; there is no distortion.
    """

    uvz_m: FloatArray
    axes: FloatArray
    focal_px: float
    width_px: int
    height_px: int

    def project(self, uv_m: FloatArray, z_m: float) -> FloatArray:
        """(n, 2) points of a level surface to (n, 2) pixels; the top left corner of the picture is (0, 0)."""
        points = np.column_stack([uv_m, np.full(len(uv_m), z_m)]) - self.uvz_m
        right, down, forward = (points @ self.axes).T
        centre = np.array([self.width_px / 2, self.height_px / 2])
        xy_px: FloatArray = np.column_stack([right, down]) * (self.focal_px / forward)[:, None] + centre
        return xy_px

    def hit(self, x_px: npt.NDArray[np.floating], y_px: npt.NDArray[np.floating], z_m: float) -> list[FloatArray]:
        """Where pixels' rays meet a level surface: u and v in metres, in the broadcast shape of x and y."""
        x = (x_px.astype(np.float64) - self.width_px / 2) / self.focal_px
        y = (y_px.astype(np.float64) - self.height_px / 2) / self.focal_px
        u, v, z = (row[0] * x + row[1] * y + row[2] for row in self.axes)
        reach = (z_m - self.uvz_m[2]) / z
        return [self.uvz_m[0] + reach * u, self.uvz_m[1] + reach * v]

    def ground_resolution_m(self, z_m: float) -> float:
        """Size of a pixel in the middle of the picture on a level surface, square to the ray, metres."""
        return float((self.uvz_m[2] - z_m) / -self.axes[2, 2] / self.focal_px)


def camera_axes(yaw_deg: float, pitch_deg: float, roll_deg: float) -> FloatArray:
    """(3, 3) columns right, down, forward in true east, north, up.

    Yaw is clockwise from north, pitch up from the horizon, roll about the line of sight, right side down: the
    order yaw, pitch, roll of a gimbal. At pitch -90 the picture's top edge points to the yaw.
    """
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    level_right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    level_down = np.cross(forward, level_right)
    right = np.cos(roll) * level_right + np.sin(roll) * level_down
    return np.column_stack([right, np.cross(forward, right), forward])


def gimbal_angles(axes_enu: FloatArray) -> tuple[float, float, float]:
    """Yaw, pitch and roll of camera axes; near the nadir yaw and roll only mean something together."""
    right, _, forward = axes_enu.T
    yaw = np.arctan2(forward[0], forward[1])
    level_right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    roll = np.arctan2(right @ np.cross(forward, level_right), right @ level_right)
    pitch = np.arcsin(np.clip(forward[2], -1.0, 1.0))
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def _small_turn(angles_deg: FloatArray) -> FloatArray:
    """(3, 3) rotation about a vector of three small angles (Rodrigues)."""
    vector = np.radians(angles_deg)
    angle = float(np.linalg.norm(vector))
    cross = np.cross(np.eye(3), vector / angle)
    turn: FloatArray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return turn


def fly(frame: BridgeFrame, seed: int, index: int, width_px: int, height_px: int) -> tuple[TrueCamera, WrittenPose]:
    """Give the camera of one photo and what its metadata say about it.

    Six stations make a pass along the bridge, 65 % overlap; the last third of a pass faces the other way.
    Further passes lie 0.15 m to the side. The metadata differ from the truth by the noise of RTK and gimbal.
    """
    rng = stream(seed, "station", index)
    lap, station = divmod(index, STATIONS_PER_PASS)
    intended = np.array(
        [
            FIRST_STATION_U_M + station * STATION_STEP_M + rng.normal(0, 0.02),
            STATION_V_M - 0.15 * lap + rng.uniform(-0.06, 0.06),
            HEIGHT_ABOVE_DECK_M + rng.normal(0, 0.08),
        ]
    )
    returning = station >= STATIONS_PER_PASS * 2 // 3
    yaw_deg = round(AXIS_AZIMUTH_DEG + (90 if returning else -90) + rng.uniform(-2.0, 2.0), 1)
    pitch_deg = round(-89.6 + rng.uniform(-0.3, 0.3), 1)
    roll_deg = round(float(rng.choice([-0.1, 0.0, 0.0, 0.1])), 1)
    written_enu = camera_axes(yaw_deg, pitch_deg, roll_deg)
    true_enu = written_enu @ _small_turn(rng.normal(0, GIMBAL_SIGMA_DEG, 3))
    written_uvz = intended + rng.normal(0, RTK_SIGMA_M)
    lon_deg, lat_deg, altitude_m = frame.to_lonlat(written_uvz[None])[0]
    written = WrittenPose(
        longitude_deg=float(lon_deg),
        latitude_deg=float(lat_deg),
        altitude_m=float(altitude_m),
        relative_altitude_m=float(written_uvz[2]),
        yaw_deg=yaw_deg,
        pitch_deg=pitch_deg,
        roll_deg=roll_deg,
    )
    focal_px = FOCAL_LENGTH_MM / PIXEL_PITCH_MM * width_px / FULL_WIDTH_PX
    return TrueCamera(intended, frame.axes.T @ true_enu, focal_px, width_px, height_px), written
