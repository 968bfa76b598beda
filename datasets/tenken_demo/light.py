"""The sun over the demo bridge: shading of small relief, and the shadow of a pole."""

import numpy as np
import numpy.typing as npt
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
    elevation = np.radians(SUN_ELEVATION_DEG)
    slope_v, slope_u = np.gradient(height_m, cell_m)
    facing = np.sin(elevation) - np.cos(elevation) * (
        slope_u * SUN_TOWARDS_UV[0] + slope_v * SUN_TOWARDS_UV[1]
    )
    facing /= np.sqrt(1 + slope_u**2 + slope_v**2)
    sun = np.clip(facing / np.sin(elevation), 0, 1.5)
    lit = np.ones_like(sun)
    highest = float(height_m.max())
    step = max(cell_m, 0.001)
    for reach in np.arange(step, highest / np.tan(elevation) + step, step):
        shift = (round(reach * SUN_TOWARDS_UV[1] / cell_m), round(reach * SUN_TOWARDS_UV[0] / cell_m))
        between = np.roll(height_m, (-shift[0], -shift[1]), axis=(0, 1))
        lit[between > height_m + reach * np.tan(elevation)] = 0
    sun *= gaussian_filter(lit, 0.0006 / cell_m)
    brightness: Float32Array = (SHADE + (1 - SHADE) * sun).astype(np.float32)
    return brightness


def pole_shadow(
    u_m: npt.NDArray[np.floating],
    v_m: npt.NDArray[np.floating],
    z_m: float,
    start_uv_m: tuple[float, float],
    end_uv_m: tuple[float, float],
    width_m: float,
) -> Float32Array:
    """Light that a straight pole above lets through, 0..1 of full light.

    The shadow is given on z = 0; on a lower surface it lies further from the sun. Its borders are as soft as
    the sun is broad (0.53 degrees) for a pole two metres up.
    """
    drop = -z_m / np.tan(np.radians(SUN_ELEVATION_DEG))
    u0, v0 = start_uv_m
    along = np.hypot(end_uv_m[0] - u0, end_uv_m[1] - v0)
    normal = ((end_uv_m[1] - v0) / along, -(end_uv_m[0] - u0) / along)
    offset = (u_m + drop * SUN_TOWARDS_UV[0] - u0) * normal[0] + (
        v_m + drop * SUN_TOWARDS_UV[1] - v0
    ) * normal[1]
    penumbra_m = 2.0 / np.sin(np.radians(SUN_ELEVATION_DEG)) * np.radians(0.53)
    cover = np.clip((width_m / 2 - np.abs(offset)) / penumbra_m + 0.5, 0, 1)
    light: Float32Array = (1 - (1 - SHADE) * cover * cover * (3 - 2 * cover)).astype(np.float32)
    return light
