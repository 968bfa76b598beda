"""A photo's camera: lens and pose, from pixel to ray and back. (Contract; to be completed.)"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PoseAccuracy:
    """Standard deviations (1 sigma) of a pose."""

    horizontal_m: float
    vertical_m: float
    yaw_deg: float
    tilt_deg: float
