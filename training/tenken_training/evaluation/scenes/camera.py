"""How a rendered surface becomes a photo: light, blur, noise, the sRGB curve, JPEG."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter

from tenken_demo.noise import field_noise
from tenken_training.evaluation.truth import Truth

Field = npt.NDArray[np.float32]
"""(h, w) brightness or cover, or (3, h, w) linear reflectance."""

SIZE_PX = (960, 1280)


@dataclass(frozen=True, slots=True)
class Scene:
    """A rendered photo, (h, w, 3) uint8 RGB, and what it shows."""

    image: npt.NDArray[np.uint8]
    truth: Truth


def photograph(rng: np.random.Generator, reflectance: Field) -> npt.NDArray[np.uint8]:
    """Take a photo of a reflectance (3, h, w): (h, w, 3) uint8.

    Blur of 0.6 to 1.3 px, exposure and white balance a little off, shot noise, JPEG of quality 82 to 95.
    """
    light = reflectance * _lighting(rng, reflectance.shape[1:])
    tint = 1 + rng.normal(0, 0.03, (3, 1, 1))
    target = rng.uniform(0.16, 0.34)  # linear; a grey of 110 to 160
    light = light * (tint * target / float(np.median(light)))
    blur_px = rng.uniform(0.6, 1.3)
    seen = np.stack([gaussian_filter(band, blur_px) for band in light])
    noise = rng.standard_normal(seen.shape, dtype=np.float32) * np.sqrt(np.maximum(seen, 0) / rng.uniform(1500, 6000))
    linear = np.clip(seen + noise, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    picture = Image.fromarray(np.moveaxis(np.round(encoded * 255).astype(np.uint8), 0, -1))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=int(rng.integers(82, 96)))
    return np.asarray(Image.open(file).convert("RGB"))


def texture(rng: np.random.Generator, shape: tuple[int, int], gsd_mm: float, waves: dict[float, float]) -> Field:
    """Sum noise of physical wavelengths (mm) and strengths; what is finer than a pixel averages out."""
    total = np.zeros(shape, dtype=np.float32)
    for wave_mm, strength in waves.items():
        sigma_px = wave_mm / gsd_mm / 2
        if sigma_px < 0.5:
            # The mean of n independent grains varies by 1 / sqrt(n).
            strength, sigma_px = strength * sigma_px / 0.5, 0.5
        total = total + np.float32(strength) * field_noise(rng, shape, sigma_px)
    return np.asarray(total, dtype=np.float32)


def streaks(rng: np.random.Generator, shape: tuple[int, int], along_px: float, across_px: float) -> Field:
    """Noise drawn out along the rows' direction (downwards), mean 0 and deviation 1."""
    rows = max(2, int(np.ceil(shape[0] / max(along_px, 1.0))) + 2)
    coarse = gaussian_filter(rng.standard_normal((rows, shape[1]), dtype=np.float32), (0.6, max(across_px, 0.4)))
    place = np.linspace(0, rows - 1, shape[0])
    low = np.minimum(place.astype(int), rows - 2)
    part = (place - low).astype(np.float32)[:, None]
    drawn = coarse[low] * (1 - part) + coarse[low + 1] * part
    return np.asarray((drawn - drawn.mean()) / drawn.std(), dtype=np.float32)


def line_cover(distance_px: npt.NDArray[np.floating], width_px: float) -> Field:
    """Part of each pixel that a straight line covers whose middle runs at a (signed) distance from the pixel's."""
    low = np.maximum(distance_px - 0.5, -width_px / 2)
    high = np.minimum(distance_px + 0.5, width_px / 2)
    return np.asarray(np.clip(high - low, 0, 1), dtype=np.float32)


def blended(surface: Field, cover: Field, colour: Field | tuple[float, float, float] | float) -> Field:
    """Lay a colour over a reflectance (3, h, w) where it covers."""
    over = np.asarray(colour, dtype=np.float32)
    over = over.reshape(-1, 1, 1) if over.ndim < 3 else over
    return np.asarray(surface + cover * (over - surface), dtype=np.float32)


def _lighting(rng: np.random.Generator, shape: tuple[int, ...]) -> Field:
    """Uneven light, and on every third photo the soft edge of a shadow."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(shape)
    turn = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.35) * (np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.4))
    if rng.random() < 1 / 3:
        turn = rng.uniform(0, 2 * np.pi)
        off = np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.4) + rng.uniform(-0.2, 0.2)
        softness = rng.uniform(0.003, 0.02)
        light = light * (1 - rng.uniform(0.3, 0.6) / (1 + np.exp(-np.clip(off / softness, -40, 40))))
    return np.asarray(light, dtype=np.float32)
