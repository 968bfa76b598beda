"""Which way a camera looks: the makers' angle conventions and the one rotation they all become.

A rotation here takes camera axes (x to the right of the stored picture, y down, z along the optical axis) to
east, north, up with true north. The makers state yaw, pitch and roll as aeronautic angles, ``Rz(yaw)
Ry(pitch) Rx(roll)`` in north-east-down axes, of one of two frames:

gimbal
    x is the optical axis: pitch -90 looks straight down, 0 at the horizon; roll turns about the optical axis.
    At pitch -90 a roll of 180 is therefore a yaw of 180, which is how a gimbal past the vertical is written.
body
    z is the optical axis and x points to the top of the picture: pitch 0 and roll 0 look straight down, pitch
    90 forward; roll turns about the top-of-picture axis.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_FRAME_FROM_CAMERA: dict[str, FloatArray] = {
    "gimbal": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "body": np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
}
_ENU_FROM_NED: FloatArray = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


def turn_about(axis: Literal["x", "y", "z"], angle_deg: float) -> FloatArray:
    """(3, 3) right-handed rotation about one axis."""
    angle = np.radians(angle_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    if axis == "x":
        return np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
    if axis == "y":
        return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True)
class Attitude:
    """Angles as a maker states them, degrees, with the frame they are stated in."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    frame: Literal["gimbal", "body"] = "gimbal"

    def rotation(self) -> FloatArray:
        """(3, 3) rotation from camera axes to east, north, up (true north)."""
        ned_from_frame = (
            turn_about("z", self.yaw_deg) @ turn_about("y", self.pitch_deg) @ turn_about("x", self.roll_deg)
        )
        return _ENU_FROM_NED @ ned_from_frame @ _FRAME_FROM_CAMERA[self.frame]


NADIR = Attitude(yaw_deg=0.0, pitch_deg=-90.0, roll_deg=0.0)
"""Straight down with the top of the picture to the north: what is assumed when no angle is stated."""
