"""Painted steel: plates, stiffeners, bolts, dirt, run-off stains; and rust of known outline among them."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, shift

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

PAINTS = (
    (0.34, 0.36, 0.36),
    (0.16, 0.27, 0.22),
    (0.12, 0.22, 0.38),
    (0.62, 0.61, 0.56),
    (0.30, 0.26, 0.17),
    (0.24, 0.06, 0.045),
)
"""Linear reflectance of top coats: greys, green, blue, cream, ochre, and a red oxide, which is no rust."""

RUST = np.array([[0.035, 0.018, 0.013], [0.09, 0.035, 0.018], [0.19, 0.075, 0.027], [0.33, 0.15, 0.055]])
"""Linear reflectance from dark scale to fresh bloom."""

STAIN = (0.24, 0.13, 0.055)


def steel_scene(seed: int, gsd_mm: float, *, rusted: bool = True, size_px: tuple[int, int] = SIZE_PX) -> Scene:
    """Render a painted steel face at a ground resolution (mm per pixel), with rust on it or none."""
    rng = stream(seed, "elsewhere steel", round(gsd_mm * 1000))
    surface, weak = _structure(rng, gsd_mm, size_px)
    mask = np.zeros(size_px, dtype=bool)
    if rusted:
        surface, mask = _with_rust(rng, surface, weak, gsd_mm)
    image = photograph(rng, surface)
    return Scene(image, from_mask("corrosion", mask))


def _structure(rng: np.random.Generator, gsd_mm: float, size_px: tuple[int, int]) -> tuple[Field, Field]:
    """Reflectance of sound steel, and how prone each place is to rust: beside edges and bolts."""
    paint = np.array(PAINTS[rng.integers(len(PAINTS))], dtype=np.float32)[:, None, None]
    peel = texture(rng, size_px, gsd_mm, {1.0: 0.02, 6: 0.015, 80: 0.03, 500: 0.06})
    surface = np.broadcast_to(paint, (3, *size_px)) * np.clip(1 + peel, 0.3, 2)
    weak = np.zeros(size_px, dtype=np.float32)
    y, x = np.mgrid[0 : size_px[0], 0 : size_px[1]].astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        # An edge of a plate or stiffener: one side in other light, a dark line between.
        turn = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.05)
        off = np.cos(turn) * (x - rng.uniform(0, size_px[1])) + np.sin(turn) * (y - rng.uniform(0, size_px[0]))
        surface = surface * (1 - rng.uniform(0, 0.45) * np.clip(off + 0.5, 0, 1))
        surface = surface * (1 - rng.uniform(0.2, 0.8) * line_cover(off, max(1.0, rng.uniform(1, 5) / gsd_mm)))
        weak = np.maximum(weak, np.exp(-np.abs(off) / (40 / gsd_mm)))
    surface, weak = _bolts(rng, surface, weak, gsd_mm)
    dirt = np.clip(streaks(rng, size_px, 600 / gsd_mm, 15 / gsd_mm) - rng.uniform(0.3, 1.5), 0, 1)
    surface = blended(surface.astype(np.float32), 0.4 * dirt, (0.10, 0.095, 0.08))
    if rng.random() < 0.3:
        # Run-off from elsewhere: staining is not rusting (DOMAIN 3).
        runs = np.clip(streaks(rng, size_px, 900 / gsd_mm, 6 / gsd_mm) - 1.4, 0, 0.5)
        surface = blended(surface, runs, STAIN)
    return surface, weak


def _bolts(rng: np.random.Generator, surface: Field, weak: Field, gsd_mm: float) -> tuple[Field, Field]:
    """Rows of bolt or rivet heads, 30 to 40 mm across, lit from above."""
    shape = surface.shape[1], surface.shape[2]
    if rng.random() < 0.3:
        return surface, weak
    pitch, radius = rng.uniform(70, 110) / gsd_mm, rng.uniform(15, 20) / gsd_mm
    first = rng.uniform(0, pitch, 2)
    rows = np.arange(first[0], shape[0], pitch)[: int(rng.integers(1, 4))] + rng.uniform(0, shape[0] / 2)
    heads = np.zeros(shape, dtype=np.float32)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    for row in rows.tolist():
        near = np.abs(y[:, 0] - row) <= radius + 1
        along = (x[near] - first[1]) % pitch
        distance = np.hypot(np.minimum(along, pitch - along), y[near] - row)
        heads[near] = np.maximum(heads[near], np.clip(radius - distance + 0.5, 0, 1))
    dome = gaussian_filter(heads, radius / 3)
    shading = np.gradient(dome, axis=0) * radius
    cast = np.clip(shift(heads, (radius * 0.3, radius * 0.15), order=1) - heads, 0, 1)
    surface = surface * np.clip(1 + 0.9 * shading, 0.3, 1.8) * (1 - 0.5 * cast)
    return np.asarray(surface, dtype=np.float32), np.maximum(
        weak, np.clip(3 * gaussian_filter(heads, radius / 2), 0, 1)
    )


def _with_rust(
    rng: np.random.Generator, surface: Field, weak: Field, gsd_mm: float
) -> tuple[Field, npt.NDArray[np.bool_]]:
    """Rust where the coat is weak: patches of all sizes, scale and bloom inside, run-off below."""
    shape = surface.shape[1], surface.shape[2]
    patch_px = float(np.exp(rng.uniform(np.log(8), np.log(140))))
    field = (
        0.75 * field_noise(rng, shape, patch_px)
        + 0.4 * field_noise(rng, shape, patch_px / 4)
        + 0.2 * field_noise(rng, shape, max(1.0, patch_px / 14))
        + rng.uniform(0.3, 1.2) * weak
    )
    share = float(np.exp(rng.uniform(np.log(0.005), np.log(0.3))))
    cover = np.clip((field - np.quantile(field, 1 - share)) / 0.08 + 0.5, 0, 1).astype(np.float32)
    # Between scenes rust differs more than within one: from black scale to bloom, fresh or greyed by dirt.
    age, greyed = rng.uniform(-1.2, 0.8), rng.uniform(0, 0.5)
    grain = (
        age + texture(rng, shape, gsd_mm, {1.2: 0.8, 5: 0.7, 20: 0.5}) + 1.3 + 0.4 * field_noise(rng, shape, patch_px)
    )
    mix = np.clip(grain, 0, len(RUST) - 1.001)
    rust = np.stack([np.interp(mix, np.arange(len(RUST)), band) for band in RUST.T]).astype(np.float32)
    rust += greyed * (rust.mean(axis=0) - rust)
    runs = np.zeros_like(cover)
    for step in np.linspace(0.1, 1.0, 8).tolist():
        runs = np.maximum(runs, (1 - step) * shift(cover, (step * 120 / gsd_mm, 0), order=1))
    runs = runs * np.clip(0.3 + 0.3 * streaks(rng, shape, 400 / gsd_mm, 4 / gsd_mm), 0, 0.7) * (1 - cover)
    surface = blended(surface, runs, STAIN)
    relief = 1 + 0.12 * texture(rng, shape, gsd_mm, {1.5: 1.0, 4: 0.7}) * cover
    return blended(surface, cover, rust) * relief, cover > 0.5
