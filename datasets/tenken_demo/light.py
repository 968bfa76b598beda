"""The sun over the demo bridge: shading of small relief, and the shadow of a pole."""

import math

import numpy as np
from scipy.ndimage import gaussian_filter

from tenken_demo.noise import Float32Array

SUN_ELEVATION_DEG = 52.0
SUN_TOWARDS_UV = (-0.96, 0.28)
"""Horizontal direction to the sun, a unit vector in u, v: from the bridge's near end and a little from the
girder's side, so that the deck does not shade the girder."""
SHADE = 0.42
"""Light left in a shadow: the sky's part."""


def shaded(height_m: Float32Array, cell_m: float) -> Float32Array:
    """Brightness of a relief relative to level ground, sun and sky, with the shadows the relief casts.

    Parameters
    ----------
    height_m
        (rows along v, columns along u) heights in metres.
    cell_m
        Size of a cell.
    """
    elevation = math.radians(SUN_ELEVATION_DEG)
    slope_v, slope_u = np.gradient(height_m, cell_m)
    facing = math.sin(elevation) - math.cos(elevation) * (slope_u * SUN_TOWARDS_UV[0] + slope_v * SUN_TOWARDS_UV[1])
    facing /= np.sqrt(1 + slope_u**2 + slope_v**2)
    sun = np.clip(facing / math.sin(elevation), 0, 1.5)
    lit = np.ones_like(sun)
    highest = float(height_m.max())
    step = max(cell_m, 0.001)
    for reach in np.arange(step, highest / math.tan(elevation) + step, step).tolist():
        shift = (round(reach * SUN_TOWARDS_UV[1] / cell_m), round(reach * SUN_TOWARDS_UV[0] / cell_m))
        between = np.roll(height_m, (-shift[0], -shift[1]), axis=(0, 1))
        lit[between > height_m + reach * math.tan(elevation)] = 0
    sun *= gaussian_filter(lit, 0.0006 / cell_m)
    brightness: Float32Array = (SHADE + (1 - SHADE) * sun).astype(np.float32)
    return brightness


def cast_pole_shadow(
    brightness: Float32Array,
    u_m: Float32Array,
    v_m: Float32Array,
    z_m: float,
    ends_uv_m: tuple[tuple[float, float], tuple[float, float]],
    width_m: float,
) -> None:
    """Darken a level surface where a straight pole above takes the sun away, in place.

    The shadow is given on z = 0; on a lower surface it lies further from the sun. Its borders are as soft as
    the sun is broad (0.53 degrees) for a pole two metres up.

    Parameters
    ----------
    brightness
        (rows, columns).
    u_m, v_m
        (1, columns) and (rows, 1) places of the cells.
    z_m
        Height of the surface.
    ends_uv_m, width_m
        The shadow's middle line and breadth on z = 0.
    """
    elevation = math.radians(SUN_ELEVATION_DEG)
    drop = -z_m / math.tan(elevation)
    (u0, v0), (u1, v1) = ends_uv_m
    along = math.hypot(u1 - u0, v1 - v0)
    penumbra_m = 2.0 / math.sin(elevation) * math.radians(0.53)
    for first in range(0, len(brightness), 256):
        rows = slice(first, first + 256)
        offset = (u_m + (drop * SUN_TOWARDS_UV[0] - u0)) * ((v1 - v0) / along)
        offset = offset - (v_m[rows] + (drop * SUN_TOWARDS_UV[1] - v0)) * ((u1 - u0) / along)
        cover = np.clip((width_m / 2 - np.abs(offset)) / penumbra_m + 0.5, 0, 1)
        brightness[rows] *= 1 - (1 - SHADE) * cover * cover * (3 - 2 * cover)
