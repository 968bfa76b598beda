"""What lies far below the bridge: river gravel with weeds, out of focus."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from tenken_demo.noise import field_noise, periodic_noise, stream
from tenken_demo.texture import Canvas, Texture

CORNER_UV_M = (-0.9, 0.1)
SIZE_M = (7.8, 1.3)
CELL_M = 0.005
STONE_M = 0.045


def paint_ground(seed: int) -> Texture:
    """Stones of a few centimetres as cells around random points, with green between them."""
    rng = stream(seed, "ground")
    canvas = Canvas(CORNER_UV_M, SIZE_M, CELL_M)
    count = round(SIZE_M[0] * SIZE_M[1] / STONE_M**2)
    centres = np.array(CORNER_UV_M) + rng.uniform(0, 1, (count, 2)) * np.array(SIZE_M)
    grey = np.clip(rng.normal(0.20, 0.06, count), 0.07, 0.42)
    warm = rng.normal(0, 0.06, count)
    places = np.column_stack([axis.ravel() for axis in np.broadcast_arrays(canvas.u_m, canvas.v_m)])
    distance, stone = cKDTree(centres).query(places, k=2)
    gap = ((distance[:, 1] - distance[:, 0]) / STONE_M).reshape(canvas.shape)
    round_off = 1 - (distance[:, 0] / (0.60 * STONE_M)).reshape(canvas.shape) ** 3
    dome = np.sqrt(np.clip(np.minimum(gap * 2.2, round_off), 0, 1))
    nearest = stone[:, 0].reshape(canvas.shape)
    tone = grey[nearest] * (0.25 + 0.75 * dome)
    tint = np.stack([tone * (1.04 + warm[nearest]), tone, tone * (0.90 - warm[nearest])])
    blades = periodic_noise(rng, 2304, (1.0, 2.2))[: canvas.shape[0], : canvas.shape[1]]
    weeds = np.clip(1.3 * field_noise(rng, canvas.shape, 55) + 0.5 * field_noise(rng, canvas.shape, 6), 0, 1)
    leaf = np.clip(0.085 * (1 + 0.45 * blades), 0.012, 0.3)
    green = np.stack([0.72 * leaf, 1.05 * leaf, 0.34 * leaf])
    tint += weeds * (green - tint)
    # Six metres beyond the plane of focus.
    soft = np.stack([gaussian_filter(band, 1.1) for band in tint]).astype(np.float32)
    return Texture(np.ones((2, 2), dtype=np.float32), max(SIZE_M), soft, CELL_M, CORNER_UV_M)
