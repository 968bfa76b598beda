"""Concrete faces as they were cast: rough grain, boards with their seams, steps, air holes; at any distance.

Unlike `tenken_training.surfaces`, whose pictures are kept, a face is rendered anew for each crop and seen by none
twice. Nothing on it is a defect. Colours are sRGB, 0..1; lengths are pixels of a crop.
"""

import cv2
import numpy as np
import numpy.typing as npt

from tenken_demo.noise import field_noise

FloatPicture = npt.NDArray[np.float32]

GRAIN_PX = (0.5, 1.2, 3.0, 9.0, 30.0, 100.0)
"""Wavelengths that a face's roughness consists of; strengths differ from face to face."""


def cast_wall(rng: np.random.Generator, size_px: int) -> FloatPicture:
    """Render a face, (size_px, size_px, 3), cast against boards four times in five."""
    tone = 1 + _roughness(rng, size_px)
    if rng.random() < 0.8:
        tone = tone * _boards(rng, size_px)
    grey = rng.uniform(0.35, 0.82) * tone
    warm = rng.normal(0, 0.04)
    colour = np.array([1 + warm, 1 + rng.normal(0, 0.012), 1 - warm])
    picture = np.asarray(grey[..., None] * colour, dtype=np.float32)
    _air_holes(rng, picture)
    if rng.random() < 0.25:
        _lift(rng, picture)
    return np.asarray(np.clip(picture, 0.02, 1.0), dtype=np.float32)


def _noise(rng: np.random.Generator, size: int, sigma_px: float) -> FloatPicture:
    """(size, size) smooth noise of deviation 1."""
    if sigma_px > 4:
        return field_noise(rng, (size, size), sigma_px)
    noise = cv2.GaussianBlur(rng.standard_normal((size, size), dtype=np.float32), (0, 0), sigma_px)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def _roughness(rng: np.random.Generator, size: int) -> FloatPicture:
    """Relative brightness of paste, sand and stains, mean 0."""
    total = np.zeros((size, size), np.float32)
    rough = float(np.exp(rng.uniform(np.log(0.012), np.log(0.07))))
    for sigma_px in GRAIN_PX:
        total += np.float32(rough * np.exp(rng.normal(-0.3, 0.5))) * _noise(rng, size, sigma_px)
    return total


def _boards(rng: np.random.Generator, size: int) -> FloatPicture:
    """Factor of light of boards that run up and down, or across: tone, wood grain, and a seam between two."""
    breadth = float(np.exp(rng.uniform(np.log(24), np.log(300))))
    factor = np.ones((size, size), np.float32)
    rows, columns = np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32)[None, :]
    strong, kind = rng.uniform(0.08, 0.6), rng.integers(4)
    seam_px = float(np.exp(rng.uniform(np.log(0.5), np.log(3.5))))
    grain_px, grain = rng.uniform(2, 9), rng.choice([0.0, rng.uniform(0.01, 0.05)])
    left = -rng.uniform(0, breadth)
    while left < size:
        right = left + breadth * rng.uniform(0.85, 1.15)
        inside = slice(max(int(left), 0), max(int(right), 0))
        sway = np.interp(rows, np.linspace(0, size, 6), rng.normal(0, 0.012 * breadth + 0.3, 6))
        bend = field_noise(rng, (size, 1), size / 5) * grain_px * 2
        wood = np.sin(2 * np.pi * (columns + bend) / grain_px + rng.uniform(0, 6))
        factor[:, inside] *= (1 + rng.normal(0, 0.04)) * (1 + grain * wood[:, inside])
        off = columns - (right + sway[:, None])
        # A seam is pressed out here and closed there.
        here = np.clip(rng.uniform(0.1, 1.0) + 0.5 * field_noise(rng, (size, 1), rng.uniform(15, 90)), 0, 1)
        factor *= _seam(off, seam_px, strong * rng.uniform(0.5, 1.2), int(kind)) ** here
        left = right
    return np.ascontiguousarray(factor.T) if rng.random() < 0.5 else factor


def _seam(off_px: npt.NDArray[np.float64], breadth_px: float, strong: float, kind: int) -> FloatPicture:
    """Factor of light across a seam: 0 a groove, 1 a fin with its shadow, 2 a step, 3 a pale fin."""
    line: npt.NDArray[np.floating] = np.exp(-((off_px / breadth_px) ** 2))
    factor: npt.NDArray[np.floating]
    if kind == 0:
        factor = 1 - strong * line
    elif kind == 1:
        shadow = np.exp(-(((off_px - 2 * breadth_px) / breadth_px) ** 2))
        factor = (1 + 0.6 * strong * line) * (1 - strong * shadow)
    elif kind == 2:
        lower = (off_px > 0) * np.exp(-np.clip(off_px, 0, None) / (6 * breadth_px))
        factor = (1 - 0.3 * strong * lower) * (1 - 0.6 * strong * line)
    else:
        factor = 1 + 0.7 * strong * line
    return np.asarray(np.clip(factor, 0.05, 2), dtype=np.float32)


def _air_holes(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Holes of all sizes, dark above and lit below."""
    size, count = len(picture), int(np.exp(rng.uniform(0, np.log(350))))
    radii = np.clip(rng.lognormal(np.log(rng.uniform(0.6, 2.2)), 0.5, count), 0.3, 12)
    cover, lit = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
    for x, y, radius in zip(*rng.uniform(0, size, (2, count)), radii, strict=True):
        fixed, r = (int(x * 8), int(y * 8)), max(int(radius * 8), 1)
        strength = int(255 * min(1.0, radius**2) * rng.uniform(0.4, 1))
        cv2.circle(lit, (fixed[0], fixed[1] + r // 2), r, strength, -1, cv2.LINE_AA, 3)
        cv2.circle(cover, fixed, r, strength, -1, cv2.LINE_AA, 3)
    picture *= 1 + rng.uniform(0, 0.15) * (lit[..., None] / np.float32(255))
    picture *= 1 - rng.uniform(0.3, 0.85) * (cover[..., None] / np.float32(255))


def _lift(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Two pours that meet: another tone on each side of a border that wavers."""
    size = len(picture)
    waver = np.cumsum(rng.normal(0, 0.5, size)) + size / 30 * field_noise(rng, (size, 1), size / 8)[:, 0]
    border = rng.uniform(0.2, 0.8) * size + waver
    below = np.clip(np.arange(size)[:, None] - border[None, :] + 0.5, 0, 1)[..., None]
    picture *= (1 + rng.uniform(-0.25, 0.25) * below).astype(np.float32)
