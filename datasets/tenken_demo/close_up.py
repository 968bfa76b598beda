"""One crack, drawn as a camera sees it on a tilted face: what widths are checked against.

The demo flight shows a bridge; this shows one crack at a time, so that thousands of widths, blurs, tilts and cameras
can be tried in minutes. Light is drawn linear: concrete, the crack's dark inside with ragged flanks, the lens, the
sensor's pixels and noise, then the camera's sharpening, the sRGB curve and JPEG.
"""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from pyproj import CRS
from scipy import ndimage
from scipy.spatial import cKDTree

from tenken.georeferencing.camera import PoseAccuracy
from tenken.georeferencing.placement import PhotoPlacement, place_photo
from tenken.georeferencing.surface import TiltedPlane
from tenken.imagery.attitude import NADIR
from tenken.imagery.metadata import PhotoMetadata

FloatArray = npt.NDArray[np.float64]

SIDE_PX = 224
"""Pictures are square, and a crack runs through the middle."""

DISTANCE_M, FOCAL_PX = 5.0, 10_000.0
"""Half a millimetre a pixel, square on."""

SPACING_PX = 0.1
"""Distance of the points that stand for the centre line, in pixels of a square view."""

FINE = 8
"""A pixel at a flank is drawn from so many samples squared."""

UTM_54N = CRS.from_epsg(32654)
EXACT = PoseAccuracy(1e-6, 1e-6, 1e-6, 1e-6)


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a crack is seen.

    Parameters
    ----------
    width_px
        Median width in photo pixels, across the crack.
    tilt_deg
        Between the line of sight and the face's normal.
    blur_px
        Standard deviation of the lens's blur, the pixels' own area not counted.
    noise
        Standard deviation in grey values of 255, at medium grey.
    jpeg_quality
        1 to 95.
    sharpening
        Share by which the camera exaggerates detail (unsharp mask of 1 px); 0 for none.
    brightness
        Reflected light of the surroundings, linear, 0..1.
    darkness
        Share of the light that the crack's inside lacks.
    texture
        Standard deviation of the surroundings' brightness, as a share of it.
    raggedness
        Standard deviation of the width along the crack, as a share of it.
    """

    width_px: float
    tilt_deg: float = 0.0
    blur_px: float = 0.7
    noise: float = 2.0
    jpeg_quality: int = 92
    sharpening: float = 0.0
    brightness: float = 0.4
    darkness: float = 0.8
    texture: float = 0.03
    raggedness: float = 0.1

    @classmethod
    def draw(cls, rng: np.random.Generator, width_px: tuple[float, float]) -> "Conditions":
        """Draw conditions as flights meet them, with a width between two limits (evenly in its logarithm)."""
        return cls(
            width_px=float(np.exp(rng.uniform(*np.log(width_px)))),
            tilt_deg=float(rng.uniform(0.0, 60.0)),
            blur_px=float(rng.uniform(0.4, 1.4)),
            noise=float(rng.uniform(0.5, 4.0)),
            jpeg_quality=int(rng.integers(70, 97)),
            sharpening=float(rng.choice([0.0, rng.uniform(0.1, 0.6)])),
            brightness=float(rng.uniform(0.05, 0.6)),
            darkness=float(rng.uniform(0.5, 0.97)),
            texture=float(rng.uniform(0.0, 0.06)),
            raggedness=float(rng.uniform(0.0, 0.3)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class CloseUp:
    """A drawn crack with its truth.

    Parameters
    ----------
    image
        (h, w, 3) uint8.
    detected
        (h, w) bool, the crack's mask as detectors give it: wider than the crack, ragged, on a coarser grid.
    placement
        From the picture's pixels to the face, exact.
    station_m
        (n,) distance along the crack on the face.
    width_m
        (n,) the crack's true width there, on the face.
    width_px
        (n,) the same in photo pixels, across the crack as the photo shows it.
    """

    image: npt.NDArray[np.uint8]
    detected: npt.NDArray[np.bool_]
    placement: PhotoPlacement
    station_m: FloatArray
    width_m: FloatArray
    width_px: FloatArray

    @property
    def true_width_px(self) -> float:
        """Median along the crack."""
        return float(np.median(self.width_px))

    @property
    def true_width_mm(self) -> float:
        """Median along the crack."""
        return float(np.median(self.width_m)) * 1000

    @property
    def p95_width_mm(self) -> float:
        """95 % of the crack are narrower."""
        return float(np.quantile(self.width_m, 0.95)) * 1000

    def largest_width_mm(self, over_mm: float) -> float:
        """Largest mean width over a length of the crack; over all of it where it is shorter."""
        step_mm = float(np.median(np.diff(self.station_m))) * 1000
        window = int(np.clip(round(over_mm / step_mm), 1, len(self.width_m)))
        return float(np.convolve(self.width_m, np.full(window, 1 / window), "valid").max()) * 1000


def draw_close_up(rng: np.random.Generator, seen: Conditions) -> CloseUp:
    """Draw one crack under the conditions given; the rest (course, texture, where it is wide) is random."""
    placement = _tilted_view(rng, seen.tilt_deg)
    station_m, xyz_m, across_m_per_px = _course(rng, placement, wandering=1.0)
    swelling = _smooth_noise(rng, len(xyz_m), 8.0 / SPACING_PX) + 0.5 * _smooth_noise(rng, len(xyz_m), 1.5 / SPACING_PX)
    uneven = np.exp(seen.raggedness * swelling)
    width_m = seen.width_px * float(np.median(across_m_per_px)) * uneven / np.median(uneven)
    inside, detected = _coverage(rng, placement, xyz_m, width_m)
    depth = np.clip(seen.darkness * (1 + 0.14 * _smooth_field(rng, 6.0)), 0, 0.98)
    light = _ground(rng, seen) * (1 - depth * inside)
    return CloseUp(_developed(rng, light, seen), detected, placement, station_m, width_m, width_m / across_m_per_px)


NO_CRACKS = ("sealed joint", "shadow edge", "painted line", "stain", "plain concrete")
"""What detectors take for cracks, and what has no crack's width."""


def draw_no_crack(rng: np.random.Generator, seen: Conditions, what: str) -> CloseUp:
    """Draw one of `NO_CRACKS`, with the mask that a detector would give if it took it for a crack.

    ``seen.width_px`` is the joint's, the line's or the stain's.
    """
    placement = _tilted_view(rng, seen.tilt_deg)
    straight = what in ("sealed joint", "shadow edge", "painted line")
    station_m, xyz_m, across_m_per_px = _course(rng, placement, wandering=0.0 if straight else 1.0)
    width_m = np.full(len(xyz_m), seen.width_px * float(np.median(across_m_per_px)))
    inside, detected = _coverage(rng, placement, xyz_m, width_m)
    ground = _ground(rng, seen)
    if what == "sealed joint":
        light = ground * (1 - inside) + inside * seen.brightness * rng.uniform(0.3, 0.7) * (
            1 + 0.05 * _smooth_field(rng, 2.0)
        )
    elif what == "shadow edge":
        side = ndimage.gaussian_filter(_side(placement, xyz_m), rng.uniform(0.3, 3.0))
        light = ground * (1 - rng.uniform(0.3, 0.85) * side)
    elif what == "painted line":
        light = ground * (1 + inside * rng.uniform(0.3, 1.0))
    elif what == "stain":
        light = ground * (1 - rng.uniform(0.1, 0.3) * ndimage.gaussian_filter(inside, rng.uniform(2.0, 5.0)))
    else:
        light = ground
    return CloseUp(_developed(rng, light, seen), detected, placement, station_m, width_m, width_m / across_m_per_px)


def _ground(rng: np.random.Generator, seen: Conditions) -> FloatArray:
    """Concrete: fine and coarse texture, and light that falls off to one side."""
    texture = (_smooth_field(rng, 1.0) + _smooth_field(rng, 5.0)) / np.sqrt(2)
    slope = np.linspace(-0.1, 0.1, SIDE_PX)[:, None] * rng.normal()
    return np.asarray(seen.brightness * np.clip(1 + seen.texture * texture + slope, 0.3, 1.6), dtype=np.float64)


def _side(placement: PhotoPlacement, xyz_m: FloatArray) -> FloatArray:
    """Tell which pixels lie on one side of a straight line: 1 there, 0 on the other."""
    ends_px = placement.to_photo(xyz_m[[0, -1]])
    ahead = ends_px[1] - ends_px[0]
    x, y = np.meshgrid(np.arange(SIDE_PX) + 0.5 - ends_px[0, 0], np.arange(SIDE_PX) + 0.5 - ends_px[0, 1])
    return np.asarray(ahead[0] * y - ahead[1] * x > 0, dtype=np.float64)


def _tilted_view(rng: np.random.Generator, tilt_deg: float) -> PhotoPlacement:
    photo = PhotoMetadata(
        make="", model="", lon_deg=140.1063, lat_deg=35.6073, altitude_m=50.0, relative_altitude_m=DISTANCE_M,
        calibrated_focal_px=FOCAL_PX, calibrated_centre_px=(SIDE_PX / 2, SIDE_PX / 2), attitude=NADIR,
    )  # fmt: skip
    square_on = place_photo(photo, SIDE_PX, SIDE_PX, UTM_54N)
    if not isinstance(square_on, PhotoPlacement):
        raise TypeError(square_on.reason)
    middle = square_on.to_world(np.array([[SIDE_PX / 2, SIDE_PX / 2]]))[0]
    towards, tilt = rng.uniform(0, 2 * np.pi), np.radians(tilt_deg)
    normal = np.array([np.sin(tilt) * np.cos(towards), np.sin(tilt) * np.sin(towards), np.cos(tilt)])
    camera = square_on.camera
    exact = type(camera)(
        camera.width_px, camera.height_px, camera.orientation, camera.lens, camera.position_m, camera.rotation, 1.0,
        EXACT, camera.pose_source,
    )  # fmt: skip
    return PhotoPlacement(UTM_54N, exact, TiltedPlane(middle, normal), 1e-6)


def _course(
    rng: np.random.Generator, placement: PhotoPlacement, *, wandering: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Let a line run through the picture; ``wandering`` is 0 for a straight one, 1 for a crack.

    Returns
    -------
    (n,) stations along it on the face, (n, 3) points on the face, and (n,) metres on the face, across the crack, for
    a photo pixel across it.
    """
    heading = rng.uniform(0, np.pi)
    ahead, aside = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
    run = np.arange(-0.75 * SIDE_PX, 0.75 * SIDE_PX, SPACING_PX)
    bend = _smooth_noise(rng, len(run), 12.0 / SPACING_PX) * 2.0 + _smooth_noise(rng, len(run), 40.0 / SPACING_PX) * 6.0
    xy_px = SIDE_PX / 2 + run[:, None] * ahead + wandering * bend[:, None] * aside
    seen = ((xy_px > 8) & (xy_px < SIDE_PX - 8)).all(axis=1)
    xy_px = xy_px[seen]
    xyz_m = placement.to_world(xy_px)
    along_px = np.gradient(xy_px, axis=0)
    along_px /= np.linalg.norm(along_px, axis=1, keepdims=True)
    normal_px = np.stack([-along_px[:, 1], along_px[:, 0]], axis=1)
    along_m = np.gradient(xyz_m, axis=0)
    along_m /= np.linalg.norm(along_m, axis=1, keepdims=True)
    side_m = placement.to_world(xy_px + normal_px / 2) - placement.to_world(xy_px - normal_px / 2)
    across_m_per_px = np.linalg.norm(np.cross(side_m, along_m), axis=1)
    station_m = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xyz_m, axis=0), axis=1))])
    return station_m, xyz_m, across_m_per_px


def _coverage(
    rng: np.random.Generator, placement: PhotoPlacement, xyz_m: FloatArray, width_m: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Give the share of each pixel that the crack fills, and the mask that a detector would give."""
    tree = cKDTree(xyz_m)
    cell_m = float(np.linalg.norm(np.diff(placement.to_world(np.array([[0.0, 0.0], [1.0, 1.0]])), axis=0)))

    def depth_m(xy_px: FloatArray) -> FloatArray:
        """How far points lie inside the crack, metres; negative outside."""
        distance, nearest = tree.query(
            placement.to_world(xy_px), distance_upper_bound=float(width_m.max()) + 8 * cell_m
        )
        return np.where(np.isfinite(distance), width_m[np.minimum(nearest, len(width_m) - 1)] / 2 - distance, -np.inf)

    middle = np.arange(SIDE_PX) + 0.5
    x, y = np.meshgrid(middle, middle)
    depth = depth_m(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    inside = (depth > 0).astype(np.float64)
    flank = np.argwhere(np.abs(depth) < 1.5 * cell_m)
    part = (np.arange(FINE) + 0.5) / FINE
    px, py = np.meshgrid(part, part)
    samples = flank[:, None, ::-1] + np.column_stack([px.ravel(), py.ravel()])[None]
    inside[tuple(flank.T)] = (depth_m(samples.reshape(-1, 2)) > 0).reshape(len(flank), -1).mean(axis=1)
    return inside, _detected(rng, depth / cell_m * np.sqrt(2))


def _detected(rng: np.random.Generator, depth_px: FloatArray) -> npt.NDArray[np.bool_]:
    """Widen a mask by a pixel or two, unevenly, on a grid of half the resolution."""
    margin = 1.3 + 0.15 * _smooth_field(rng, 3.0)
    coarse = (depth_px + margin)[::2, ::2] > 0
    return np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)


def _developed(rng: np.random.Generator, light: FloatArray, seen: Conditions) -> npt.NDArray[np.uint8]:
    light = ndimage.gaussian_filter(light, seen.blur_px)
    noisy = light + rng.normal(size=light.shape) * seen.noise / 255 * 2.0 * np.sqrt(np.maximum(light, 0.02) * 0.21)
    sharp = noisy + seen.sharpening * (noisy - ndimage.gaussian_filter(noisy, 1.0))
    clipped = np.clip(sharp, 0.0, 1.0)
    encoded = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * np.maximum(clipped, 1e-6) ** (1 / 2.4) - 0.055)
    grey = np.round(encoded * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(file, "JPEG", quality=seen.jpeg_quality)
    return np.asarray(Image.open(file).convert("RGB"))


def _smooth_field(rng: np.random.Generator, sigma_px: float) -> FloatArray:
    """(h, w) noise of standard deviation 1 over a large picture."""
    rough = ndimage.gaussian_filter(rng.normal(size=(SIDE_PX, SIDE_PX)), sigma_px)
    return np.asarray(rough * (2 * np.sqrt(np.pi) * sigma_px), dtype=np.float64)


def _smooth_noise(rng: np.random.Generator, count: int, sigma: float) -> FloatArray:
    """(n,) noise of standard deviation 1 over a long run, smooth over ``sigma`` samples."""
    margin = int(4 * sigma)
    rough = ndimage.gaussian_filter1d(rng.normal(size=count + 2 * margin), sigma, mode="nearest")
    return np.asarray(rough[margin : margin + count] * np.sqrt(2 * np.sqrt(np.pi) * sigma), dtype=np.float64)
