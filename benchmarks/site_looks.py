"""A made-up site with a look of its own, for `new_site.py`: washed concrete and steel under sodium lamps.

Neither the generators that weights are trained with nor the scenes that promotion is decided on draw it: pebbles
stand out of the concrete, cracks run around them, and everything in the tunnel is lit in orange.
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from tenken_demo.noise import field_noise, stream
from tenken_training.evaluation.scenes import Scene, steel_scene
from tenken_training.evaluation.scenes.camera import Field, blended, photograph, texture
from tenken_training.evaluation.scenes.concrete import fractal_path, line_coverage, rim_points
from tenken_training.evaluation.truth import from_mask

SIDE_PX = (512, 640)
GSD_MM = 1.0
SODIUM_RGB = np.array([1.0, 0.42, 0.06], np.float32)[:, None, None]
"""Share of light that a camera whose white balance does not follow sees under sodium lamps."""


def washed_concrete(seed: int, *, cracked: bool = True) -> Scene:
    """Render washed concrete with pebbles of 6 to 20 px, and one to three cracks of 1.5 to 4.5 px or none."""
    rng = stream(seed, "new site concrete")
    surface = _pebbles(rng)
    mask = np.zeros(SIDE_PX, dtype=bool)
    for _ in range(int(rng.integers(1, 4)) if cracked else 0):
        path = fractal_path(rng, *rim_points(rng, SIDE_PX), rng.uniform(0.03, 0.07))
        width = float(np.exp(rng.uniform(np.log(1.5), np.log(4.5))))
        cover = line_coverage(SIDE_PX, path, np.full(len(path), width))
        surface = blended(
            surface, cover * rng.uniform(0.58, 0.9) * np.clip(0.85 + 0.35 * field_noise(rng, SIDE_PX, 40), 0.2, 1), 0.03
        )
        mask |= cover > 0.3
    return Scene(photograph(rng, surface), from_mask("crack", mask, smallest_px=1))


def lamplit_steel(seed: int, *, rusted: bool = True) -> Scene:
    """Render painted steel under sodium lamps, with rust or none."""
    rng = stream(seed, "new site steel")
    scene = steel_scene(20_000 + seed, 1.2, rusted=rusted, size_px=SIDE_PX)
    linear = np.moveaxis((scene.image.astype(np.float32) / 255) ** 2.2, -1, 0)
    lit = linear * SODIUM_RGB * (1 + rng.normal(0, 0.03, (3, 1, 1)))
    encoded = np.clip(lit * rng.uniform(0.35, 0.8), 0, 1) ** (1 / 2.2)
    noise = rng.normal(0, 0.03, encoded.shape)
    image = np.moveaxis(np.clip(encoded + noise, 0, 1) * 255 + 0.5, 0, -1).astype(np.uint8)
    return replace(scene, image=np.ascontiguousarray(image))


def _pebbles(rng: np.random.Generator) -> Field:
    """Reflectance of stones of many greys and browns in a darker paste, each with its own shading."""
    height, width = SIDE_PX
    pitch = rng.uniform(9, 16)
    count = int(height * width / pitch**2)
    places = rng.uniform(0, 1, (count, 2)) * SIDE_PX
    rows, columns = np.mgrid[0:height, 0:width]
    points = np.column_stack([rows.ravel(), columns.ravel()]) + rng.normal(0, 0.6, (height * width, 2))
    distance, number = cKDTree(places).query(points, k=2)
    edge = ((distance[:, 1] - distance[:, 0]) / pitch).reshape(SIDE_PX)
    tone = rng.lognormal(np.log(0.26), 0.38, count)[number[:, 0]].reshape(SIDE_PX)
    tint = (1 + rng.normal(0, 0.06, (count, 3)))[number[:, 0]].reshape(height, width, 3)
    stone = np.clip(edge / 0.28, 0, 1)
    relief = gaussian_filter(stone, 1.0)
    shade = 1 + 0.5 * np.gradient(relief, axis=0)
    paste = 0.17 * (1 + 0.15 * field_noise(rng, SIDE_PX, 1.0) + texture(rng, SIDE_PX, GSD_MM, {60: 0.1, 300: 0.1}))
    grey = paste + np.clip(stone * 1.4, 0, 1) * (tone - paste)
    return np.asarray(np.moveaxis((grey * shade)[..., None] * tint, -1, 0).clip(0.02, 0.9), dtype=np.float32)
