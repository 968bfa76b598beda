"""Concrete cast against boards: grain, joints, holes, stains; and cracks of known width among them."""

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from rasterio.features import rasterize
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from tenken_demo.noise import field_noise, stream
from tenken_training.evaluation.scenes.camera import (
    SIZE_PX,
    Field,
    Scene,
    blended,
    line_cover,
    photograph,
    streaks,
    texture,
)
from tenken_training.evaluation.truth import from_mask

FINER = 4
"""Cells a pixel along each axis when cracks are drawn."""

WIDTH_PX = (0.4, 5.0)
"""Cracks are so wide in pixels, small ones as often as large (log-uniform): 0.4 to 5 mm at 1 mm per pixel."""

DARKNESS = (0.3, 0.9)
"""Part of the light that a crack takes: dust fills many, and only fresh ones are black."""

LEAST_MASK_PX = 1.5
"""A hairline is labelled this wide, or its mask would fall apart."""

FloatArray = npt.NDArray[np.float64]


def concrete_scene(seed: int, gsd_mm: float, *, cracked: bool = True, size_px: tuple[int, int] = SIZE_PX) -> Scene:
    """Render a concrete face at a ground resolution (mm per pixel), with one to three cracks or none.

    The truth's ``crack_width_px`` holds the true width at each pixel of a crack.
    """
    rng = stream(seed, "elsewhere concrete", round(gsd_mm * 1000))
    surface = _cast_surface(rng, gsd_mm, size_px)
    surface = _marks(rng, surface, gsd_mm)
    mask = np.zeros(size_px, dtype=bool)
    width_px = np.zeros(size_px, dtype=np.float32)
    if cracked:
        for _ in range(int(rng.integers(1, 4))):
            surface, crack, width = _with_crack(rng, surface, gsd_mm)
            width_px = np.where(crack & ~mask, width, width_px)
            mask |= crack
    image = photograph(rng, surface)
    return Scene(image, from_mask("crack", mask, smallest_px=1, crack_width_px=width_px))


def _cast_surface(rng: np.random.Generator, gsd_mm: float, size_px: tuple[int, int]) -> Field:
    """Reflectance of the bare face: paste, board grain and the boards' own tones, joints between boards."""
    upright = rng.random() < 0.5
    shape = size_px if upright else (size_px[1], size_px[0])
    weathered = rng.uniform(0.7, 2.2)
    tone = weathered * texture(rng, shape, gsd_mm, {0.8: 0.06, 3: 0.05, 12: 0.03, 60: 0.035, 400: 0.06})
    if rng.random() < 0.8:
        grain = streaks(rng, shape, 160 / gsd_mm, 1.6 / gsd_mm) * rng.uniform(0.01, 0.04)
        edge_mm, columns = -rng.uniform(0, 100), np.arange(shape[1])
        rows = np.arange(shape[0])[:, None]
        while edge_mm < shape[1] * gsd_mm:
            board_mm = rng.uniform(80, 150)
            inside = (columns * gsd_mm >= edge_mm) & (columns * gsd_mm < edge_mm + board_mm)
            tone[:, inside] += rng.normal(0, 0.05)
            edge_mm += board_mm
            sway = gaussian_filter1d(rng.standard_normal(shape[0]), 60 / gsd_mm) * 3 + rng.normal(0, 0.002) * rows[:, 0]
            off = columns[None, :] - (edge_mm / gsd_mm + sway[:, None])
            joint_px = rng.uniform(0.8, 3.0) / gsd_mm
            # A fin of paste pressed between the boards: a light ridge and its shadow.
            strength = np.clip(0.6 + 0.5 * field_noise(rng, (shape[0], 1), 80 / gsd_mm), 0, 1)
            tone += strength * rng.uniform(0.05, 0.3) * line_cover(off, joint_px)
            tone -= strength * rng.uniform(0.1, 0.5) * line_cover(off - joint_px, joint_px)
        tone += grain
    if not upright:
        tone = tone.T
    grey = rng.uniform(0.2, 0.42)
    tint = np.array([1.0, rng.uniform(0.95, 1.0), rng.uniform(0.86, 0.97)], dtype=np.float32)[:, None, None]
    return np.asarray(grey * np.clip(1 + tone, 0.2, 2)[None] * tint, dtype=np.float32)


def _marks(rng: np.random.Generator, surface: Field, gsd_mm: float) -> Field:
    """Add what is no crack: air holes, tie holes, panel joints, water stains, chalk, a cable."""
    size_px = surface.shape[1], surface.shape[2]
    y, x = np.mgrid[0 : size_px[0], 0 : size_px[1]].astype(np.float32)
    area_m2 = size_px[0] * size_px[1] * (gsd_mm / 1000) ** 2
    count = min(400, rng.poisson(rng.uniform(20, 200) * area_m2))
    for radius_mm in rng.lognormal(np.log(1.2), 0.6, count):
        surface = _disc(rng, surface, radius_mm / gsd_mm, 0.05)
    for _ in range(min(6, rng.poisson(1.5 * area_m2))):
        surface = _disc(rng, surface, 12.5 / gsd_mm, float(rng.uniform(0.03, 0.3)))
    if rng.random() < 0.4:
        off = x - rng.uniform(0, size_px[1]) if rng.random() < 0.5 else y - rng.uniform(0, size_px[0])
        surface = blended(surface, line_cover(off, rng.uniform(3, 8) / gsd_mm) * 0.85, 0.05)
    if rng.random() < 0.6:
        wet = np.clip(streaks(rng, size_px, 700 / gsd_mm, 18 / gsd_mm) - rng.uniform(0.5, 1.5), 0, 1)
        surface = surface * (1 - rng.uniform(0.2, 0.5) * wet)
    if rng.random() < 0.3:
        path = fractal_path(rng, *rim_points(rng, size_px), 0.004)
        chalk = line_coverage(size_px, path, np.full(len(path), rng.uniform(4, 9) / gsd_mm))
        surface = blended(surface, chalk * np.clip(0.6 + 0.4 * field_noise(rng, size_px, 1.0), 0, 1), 0.7)
    if rng.random() < 0.25:
        path = fractal_path(rng, *rim_points(rng, size_px), 0.01)
        cable = np.full(len(path), max(1.0, rng.uniform(6, 20) / gsd_mm))
        shadow = gaussian_filter(line_coverage(size_px, path + 0.7 * cable[0], cable), 1.5)
        surface = blended(
            surface * (1 - 0.4 * shadow), line_coverage(size_px, path, cable), float(rng.choice([0.03, 0.5]))
        )
    return surface


def _with_crack(rng: np.random.Generator, surface: Field, gsd_mm: float) -> tuple[Field, npt.NDArray[np.bool_], Field]:
    """Draw a crack: the new surface, the crack's mask and its width in pixels."""
    size_px = surface.shape[1], surface.shape[2]
    path = fractal_path(rng, *rim_points(rng, size_px), rng.uniform(0.02, 0.06))
    median_px = float(np.exp(rng.uniform(*np.log(WIDTH_PX))))
    slow = gaussian_filter1d(rng.standard_normal(len(path)), len(path) / 12)
    quick = gaussian_filter1d(rng.standard_normal(len(path)), 2)
    from_end = np.minimum(np.arange(len(path)), np.arange(len(path))[::-1]) / (0.08 * len(path))
    width = median_px * np.exp(0.25 * slow / slow.std() + 0.2 * quick) * np.clip(0.4 + 0.6 * from_end, 0.4, 1)
    if rng.random() < 0.3:
        leached = gaussian_filter(line_coverage(size_px, path, width + 25 / gsd_mm), 8 / gsd_mm)
        surface = blended(surface, leached * np.clip(field_noise(rng, size_px, 30 / gsd_mm), 0, 0.7), 0.6)
    if rng.random() < 0.5:
        dirty = gaussian_filter(line_coverage(size_px, path, 1.3 * width + 4 / gsd_mm), max(0.5, 1.5 / gsd_mm))
        surface = surface * (1 - rng.uniform(0.05, 0.2) * dirty)
    darkness = rng.uniform(*DARKNESS) * np.clip(0.85 + 0.35 * field_noise(rng, size_px, 40), 0.15, 1)
    surface = blended(surface, line_coverage(size_px, path, width) * darkness, 0.02)
    segments = [shapely.LineString(path[i : i + 2]) for i in range(len(path) - 1)]
    middle = (width[:-1] + width[1:]) / 2
    bands = shapely.buffer(segments, np.maximum(middle, LEAST_MASK_PX) / 2, quad_segs=2)
    width_px = rasterize(zip(bands, middle.tolist(), strict=True), size_px, dtype="float32")
    return surface, width_px > 0, width_px


def _disc(rng: np.random.Generator, surface: Field, radius_px: float, reflectance: float) -> Field:
    """Draw a hole; smaller than a pixel it only darkens one."""
    size_px = surface.shape[1], surface.shape[2]
    row, column = rng.uniform(0, size_px[0]), rng.uniform(0, size_px[1])
    reach = int(radius_px) + 2
    rows = slice(max(0, int(row) - reach), int(row) + reach + 1)
    columns = slice(max(0, int(column) - reach), int(column) + reach + 1)
    y, x = np.mgrid[rows, columns]
    y, x = (
        y[: size_px[0] - rows.start, : size_px[1] - columns.start],
        x[: size_px[0] - rows.start, : size_px[1] - columns.start],
    )
    cover = np.clip(radius_px - np.hypot(y - row, x - column) + 0.5, 0, 1) * min(1.0, 4 * radius_px**2)
    surface[:, rows, columns] = blended(surface[:, rows, columns], cover.astype(np.float32), reflectance)
    return surface


def rim_points(rng: np.random.Generator, size_px: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Two points far enough apart, mostly from rim to rim."""
    while True:
        start, end = rng.uniform(-0.1, 1.1, (2, 2)) * size_px[::-1]
        if np.hypot(*(end - start)) > 0.5 * size_px[0]:
            return start, end


def fractal_path(rng: np.random.Generator, start: FloatArray, end: FloatArray, roughness: float) -> FloatArray:
    """(n, 2) x, y of a fractal line with a vertex about every 3 px (midpoint displacement, Hurst exponent 0.8)."""
    length = float(np.hypot(*(end - start)))
    levels = int(np.ceil(np.log2(length / 3)))
    sideways = np.zeros(2)
    step = roughness * length
    for _ in range(levels):
        middle = (sideways[:-1] + sideways[1:]) / 2 + rng.normal(0, step, len(sideways) - 1)
        woven = np.empty(len(sideways) + len(middle))
        woven[::2], woven[1::2] = sideways, middle
        sideways, step = woven, step * 0.5**0.8
    normal = np.array([start[1] - end[1], end[0] - start[0]]) / length
    return start + np.linspace(0, 1, len(sideways))[:, None] * (end - start) + sideways[:, None] * normal


def line_coverage(size_px: tuple[int, int], path: FloatArray, width_px: FloatArray) -> Field:
    """Part of each pixel that a line of changing width covers, from cells a quarter of a pixel wide."""
    segments = [shapely.LineString(path[i : i + 2]) for i in range(len(path) - 1)]
    bands = shapely.buffer(segments, (width_px[:-1] + width_px[1:]) / 4, quad_segs=2)
    shape = size_px[0] * FINER, size_px[1] * FINER
    fine = rasterize(list(bands), shape, transform=Affine.scale(1 / FINER), dtype="uint8")
    cells = fine.reshape(size_px[0], FINER, size_px[1], FINER)
    return np.asarray(cells.mean(axis=(1, 3), dtype=np.float32))
