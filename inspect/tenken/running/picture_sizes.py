"""How fine, and how surely placed, a picture is on a surface: medians over points spread over it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenken.georeferencing.placement import Placement
from tenken.measurement.measure import SMALLEST_CRACK_R, finite_median

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PictureSizes:
    """Medians over a photo, of what meets the surface; None where nothing does."""

    gsd_mm: float | None = None
    effective_mm: float | None = None
    position_error_m: float | None = None

    @property
    def smallest_crack_mm(self) -> float | None:
        """Width of the narrowest crack that shows."""
        return None if self.effective_mm is None else SMALLEST_CRACK_R * self.effective_mm

    @property
    def angle_deg(self) -> float:
        """Angle between the view and the surface's normal, from the two ground resolutions."""
        if not self.gsd_mm or not self.effective_mm:
            return 0.0
        return float(np.degrees(np.arccos(min(1.0, self.gsd_mm / self.effective_mm))))


def spread_px(width_px: int, height_px: int) -> FloatArray:
    """(n, 2) pixels spread over a picture."""
    at = np.linspace(0.1, 0.9, 5)
    return np.stack(np.meshgrid(at * width_px, at * height_px), axis=-1).reshape(-1, 2)


def sizes_on(placement: Placement | None, xy_px: FloatArray) -> PictureSizes:
    """Measure at (n, 2) pixels; nothing is known without a placement, or pixels."""
    if placement is None or not len(xy_px):
        return PictureSizes()
    square, effective = placement.ground_resolution_mm(xy_px)
    errors = placement.position_error_m(xy_px)
    return PictureSizes(*(finite_median(values) for values in (square, effective, errors)))
