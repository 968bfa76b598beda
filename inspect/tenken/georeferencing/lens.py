"""A camera's lens: focal length, principal point and distortion, chosen from what the photo states."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenken.georeferencing.sensors import Sensor, find_sensor
from tenken.imagery.metadata import PhotoMetadata

FloatArray = npt.NDArray[np.float64]

_FILM_DIAGONAL_MM = float(np.hypot(36.0, 24.0))
_FARTHEST_IDEAL = 1e3
_UNDISTORT_STEPS = 100


@dataclass(frozen=True, slots=True)
class Lens:
    """Pinhole with Brown-Conrady distortion, in pixels of the stored picture (before EXIF orientation).

    ``centre_px`` counts from the picture's top left corner. ``k1, k2, k3`` are radial and ``p1, p2``
    tangential coefficients that take ideal to distorted coordinates in units of the focal length (D. C.
    Brown, Close-range camera calibration, 1971; the order of terms is OpenCV's). ``focal_error`` is the focal
    length's standard deviation as a fraction of it.
    """

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    source: str = ""
    focal_error: float = 0.0

    @property
    def is_pinhole(self) -> bool:
        """Whether there is no distortion at all."""
        return not any((self.k1, self.k2, self.k3, self.p1, self.p2))

    def to_ideal(self, xy_px: FloatArray) -> FloatArray:
        """(n, 2) stored pixels to (n, 2) ideal coordinates (tangents of the angles off the axis)."""
        distorted = (xy_px - self.centre_px) / self.focal_px
        if self.is_pinhole:
            return distorted
        ideal = distorted.copy()
        for _ in range(_UNDISTORT_STEPS):
            step = distorted - self._distort(ideal)
            # Where the model folds over the steps grow without end; such a point is lost below.
            ideal = np.minimum(np.maximum(ideal + step, -_FARTHEST_IDEAL), _FARTHEST_IDEAL)
            if not (np.abs(step) > 1e-11).any():
                break
        # A hundredth of a pixel: where the model folds over, no ideal point exists.
        lost = np.abs(step).max(axis=1) > 0.01 / max(self.focal_px)
        ideal[lost] = np.nan
        return ideal

    def to_pixel(self, ideal: FloatArray) -> FloatArray:
        """(n, 2) ideal coordinates to (n, 2) stored pixels; NaN where the distortion folds back."""
        distorted = ideal if self.is_pinhole else self._distort(ideal)
        xy_px = distorted * self.focal_px + self.centre_px
        xy_px[(ideal**2).sum(axis=1) > self._fold_r2()] = np.nan
        return xy_px

    def _distort(self, ideal: FloatArray) -> FloatArray:
        x, y = ideal.T
        r2 = np.minimum(x * x + y * y, 1e6)
        radial = 1.0 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
        distorted = np.empty_like(ideal)
        distorted[:, 0] = x * radial + 2.0 * self.p1 * x * y + self.p2 * (r2 + 2.0 * x * x)
        distorted[:, 1] = y * radial + self.p1 * (r2 + 2.0 * y * y) + 2.0 * self.p2 * x * y
        return distorted

    def _fold_r2(self) -> float:
        """Squared ideal radius beyond which larger angles come back towards the centre."""
        slope = np.array([7.0 * self.k3, 5.0 * self.k2, 3.0 * self.k1, 1.0])
        # Denormal coefficients would overflow in the root finder, and bend no ray.
        roots = np.roots(np.where(np.abs(slope) < 1e-12, 0.0, slope))
        folds = roots.real[(np.abs(roots.imag) < 1e-12) & (roots.real > 0.0)]
        return float(folds.min()) if len(folds) else np.inf


@dataclass(frozen=True, slots=True)
class _Scale:
    """How a stored picture stands to the full sensor's: its pixels per full pixel, and the full size."""

    factor: float
    full_long_px: float
    full_short_px: float


def choose_lens(metadata: PhotoMetadata, width_px: int, height_px: int) -> Lens | None:
    """Choose the best stated lens for a stored picture.

    Best first: DJI's DewarpData (while the picture is not yet dewarped), CalibratedFocalLength, Pix4D's
    perspective focal length, a known sensor with FocalLength, FocalPlaneResolution, FocalLengthIn35mmFilm.

    Parameters
    ----------
    metadata
        The photo's statements.
    width_px, height_px
        Size of the picture as stored.

    Returns
    -------
    The lens with its ``source``; None when nothing stated gives a focal length.
    """
    return (
        _dji_calibrated(metadata, width_px, height_px)
        or _pix4d(metadata, width_px, height_px)
        or _from_sensor(metadata, width_px, height_px)
        or _from_focal_plane(metadata, width_px, height_px)
        or _from_35mm(metadata, width_px, height_px)
    )


def _scale(width_px: int, height_px: int, full_size_px: tuple[float, float] | None) -> _Scale:
    """Scale of a picture that was cut from the middle of the full one and then, or not, made smaller.

    A cut keeps one side whole (16:9 of a 4:3 sensor keeps the width, 4:3 of a 3:2 sensor the height), so the
    larger of the two ratios is the scale. Long sides are compared with long sides: a picture that was turned
    keeps its scale.
    """
    long_px, short_px = max(width_px, height_px), min(width_px, height_px)
    if full_size_px is None:
        return _Scale(1.0, long_px, short_px)
    full_long, full_short = max(full_size_px), min(full_size_px)
    return _Scale(max(long_px / full_long, short_px / full_short), full_long, full_short)


def _stated_size(metadata: PhotoMetadata) -> tuple[float, float] | None:
    """Size that the camera wrote, which a program that made the picture smaller often leaves."""
    if metadata.exif_width_px is None or metadata.exif_height_px is None:
        return None
    return metadata.exif_width_px, metadata.exif_height_px


def _dji_calibrated(metadata: PhotoMetadata, width_px: int, height_px: int) -> Lens | None:
    scale, offset = _calibrated_scale(metadata, width_px, height_px)
    middle = (width_px / 2.0, height_px / 2.0)
    if metadata.dewarp is not None and metadata.dewarped is False:
        fx, fy, cx, cy, k1, k2, p1, p2, k3 = metadata.dewarp
        if fx > 0.0 and fy > 0.0:
            principal = (middle[0] + scale * cx, middle[1] + scale * cy)
            return Lens((fx * scale, fy * scale), principal, k1, k2, k3, p1, p2, "DewarpData", 0.002)
    if metadata.calibrated_focal_px is None:
        return None
    focal = metadata.calibrated_focal_px * scale
    principal = (middle[0] + scale * offset[0], middle[1] + scale * offset[1])
    return Lens((focal, focal), principal, source="CalibratedFocalLength", focal_error=0.005)


def _calibrated_scale(metadata: PhotoMetadata, width_px: int, height_px: int) -> tuple[float, tuple[float, float]]:
    """Scale against the calibrated picture, and the principal point's offset from that picture's middle."""
    stated, centre = _stated_size(metadata), metadata.calibrated_centre_px
    if centre is None:
        return _scale(width_px, height_px, stated).factor, (0.0, 0.0)
    # Principal points lie within a few per cent of the middle, so twice it is the calibrated picture's size.
    twice = (2.0 * centre[0], 2.0 * centre[1])
    if stated is not None and all(abs(a / b - 1.0) < 0.05 for a, b in zip(stated, twice, strict=True)):
        offset = (centre[0] - stated[0] / 2.0, centre[1] - stated[1] / 2.0)
        return _scale(width_px, height_px, stated).factor, offset
    scale = _scale(width_px, height_px, twice).factor
    return (1.0 if abs(scale - 1.0) < 0.02 else scale), (0.0, 0.0)


def _pix4d(metadata: PhotoMetadata, width_px: int, height_px: int) -> Lens | None:
    focal_mm = metadata.perspective_focal_mm
    if focal_mm is None or metadata.lens_model not in (None, "perspective"):
        return None
    sensor = find_sensor(metadata.make, metadata.model)
    px_per_mm = metadata.focal_plane_px_per_mm or (sensor.width_px / sensor.width_mm if sensor else None)
    if px_per_mm is None:
        return None
    full = _stated_size(metadata) or (_full_size(sensor) if sensor else None)
    scale = _scale(width_px, height_px, full)
    px_per_mm *= scale.factor
    principal = (width_px / 2.0, height_px / 2.0)
    if metadata.principal_point_mm is not None and full is not None:
        x_mm, y_mm = metadata.principal_point_mm
        # Stated from the full picture's corner; a cut is taken from the middle.
        principal = (
            x_mm * px_per_mm - (full[0] * scale.factor - width_px) / 2.0,
            y_mm * px_per_mm - (full[1] * scale.factor - height_px) / 2.0,
        )
    k1, k2, k3, p1, p2 = metadata.perspective_distortion or (0.0,) * 5
    focal = focal_mm * px_per_mm
    return Lens((focal, focal), principal, k1, k2, k3, p1, p2, "PerspectiveFocalLength", 0.005)


def _from_sensor(metadata: PhotoMetadata, width_px: int, height_px: int) -> Lens | None:
    sensor = find_sensor(metadata.make, metadata.model)
    if sensor is None or metadata.focal_length_mm is None:
        return None
    scale = _scale(width_px, height_px, _full_size(sensor))
    focal = metadata.focal_length_mm * sensor.width_px / sensor.width_mm * scale.factor
    return _centred(focal, width_px, height_px, "known sensor and FocalLength", 0.015)


def _from_focal_plane(metadata: PhotoMetadata, width_px: int, height_px: int) -> Lens | None:
    if metadata.focal_plane_px_per_mm is None or metadata.focal_length_mm is None:
        return None
    scale = _scale(width_px, height_px, _stated_size(metadata))
    focal = metadata.focal_length_mm * metadata.focal_plane_px_per_mm * scale.factor
    film = _from_35mm(metadata, width_px, height_px)
    if film is not None:
        plausible = 0.8 < focal / film.focal_px[0] < 1.25
    else:
        # Sensors of photo cameras lie between a phone's and medium format.
        plausible = 3.0 < scale.full_long_px / metadata.focal_plane_px_per_mm < 60.0
    return _centred(focal, width_px, height_px, "FocalPlaneResolution and FocalLength", 0.02) if plausible else None


def _from_35mm(metadata: PhotoMetadata, width_px: int, height_px: int) -> Lens | None:
    """Compare diagonals (CIPA DCG-001): that of film with that of the full sensor, not of a 16:9 cut."""
    if metadata.focal_length_35mm is None:
        return None
    full = _scale(width_px, height_px, _stated_size(metadata))
    aspect = full.full_long_px / full.full_short_px
    # No drone's sensor is wider than 3:2, so a wider picture is a cut, most often of 4:3.
    short_px = full.full_short_px if aspect < 1.55 else full.full_long_px * 3.0 / 4.0
    diagonal_px = float(np.hypot(full.full_long_px, short_px)) * full.factor
    focal = metadata.focal_length_35mm * diagonal_px / _FILM_DIAGONAL_MM
    return _centred(focal, width_px, height_px, "FocalLengthIn35mmFilm", 0.04)


def _full_size(sensor: Sensor) -> tuple[float, float]:
    return sensor.width_px, sensor.height_px


def _centred(focal_px: float, width_px: int, height_px: int, source: str, focal_error: float) -> Lens:
    middle = (width_px / 2.0, height_px / 2.0)
    return Lens((focal_px, focal_px), middle, source=source, focal_error=focal_error)
