"""The steel girder's top flange: paint, dirt, welds, splice plates with bolts, and rust."""

import numpy as np
from scipy.ndimage import gaussian_filter

from tenken_demo.layout import GIRDER_V_M, GIRDER_Z_M, Mark
from tenken_demo.light import cast_pole_shadow, shaded
from tenken_demo.noise import Float32Array, field_noise, periodic_noise, pooled, stream, tiled
from tenken_demo.patches import PatchShape
from tenken_demo.texture import FINE_CELL_M, Canvas, Texture

CORNER_UV_M = (-0.4, 0.04)
SIZE_M = (6.8, 0.44)
TINT_CELL_M = 0.001
PAINT_RGB = (0.205, 0.300, 0.285)
"""Linear reflectance of a chalked grey-green top coat."""
WELDS_U_M = (1.22, 3.72)
SPLICES_U_M = ((2.26, 2.84), (4.70, 5.28))
BOLT_PITCH_M = (0.075, 0.085)
RUST_RGB = np.array([[0.030, 0.016, 0.011], [0.085, 0.034, 0.016], [0.185, 0.068, 0.022], [0.330, 0.135, 0.042]])
"""From dark, dense scale to fresh orange bloom."""


def paint_girder(seed: int, marks: tuple[Mark, ...], coarseness: int) -> Texture:
    """Paint the flange's reflectance, with its rust."""
    fine = Canvas(CORNER_UV_M, SIZE_M, FINE_CELL_M * coarseness)
    coarse = Canvas(CORNER_UV_M, SIZE_M, TINT_CELL_M)
    relief_m = _relief(fine)
    brightness = _coat(seed, fine, coarseness)
    tint = _tone(seed, coarse)
    for mark in marks:
        if mark.patch is not None and mark.surface == "girder":
            rng = stream(seed, f"look {mark.id}")
            if mark.kind == "corrosion":
                _rust_colour(rng, coarse, tint, mark.patch)
                _rust_relief(rng, fine, relief_m, brightness, mark.patch)
            else:
                _dropping(rng, coarse, tint, mark.patch)
    brightness *= shaded(relief_m, fine.cell_m)
    for mark in marks:
        if mark.what == "shadow":
            line = mark.lines[0]
            (u0, v0), (u1, v1) = line.uv_m[[0, -1]].tolist()
            ends = (u0, v0), (u1, v1)
            cast_pole_shadow(brightness, fine.u_m, fine.v_m, GIRDER_Z_M, ends, float(line.width_m[0]))
    return Texture(brightness, fine.cell_m, tint, TINT_CELL_M, CORNER_UV_M)


def _relief(canvas: Canvas) -> Float32Array:
    """Heights of welds, splice plates, washers and bolt heads (M22), metres."""
    height = np.zeros(canvas.shape, dtype=np.float32)
    u, v = canvas.u_m, canvas.v_m
    for weld_u in WELDS_U_M:
        columns = canvas.window((weld_u - 0.02, 0), (weld_u + 0.02, 1))[1]
        du = u[:, columns] - weld_u
        ripple = 0.0005 * np.cos(2 * np.pi * (v / 0.0045 + 8 * np.abs(du) ** 2 / 0.0045))
        height[:, columns] += (0.0028 + ripple) * np.clip(1 - (du / 0.008) ** 2, 0, 1)
    for low_u, high_u in SPLICES_U_M:
        inset_v = (GIRDER_V_M[0] + 0.025, GIRDER_V_M[1] - 0.025)
        window = canvas.window((low_u, inset_v[0]), (high_u, inset_v[1]))
        height[window] += 0.010
        for bolt_u in np.arange(low_u + 0.065, high_u - 0.03, BOLT_PITCH_M[0]):
            for bolt_v in np.arange(inset_v[0] + 0.047, inset_v[1] - 0.03, BOLT_PITCH_M[1]):
                _bolt(canvas, height, float(bolt_u), float(bolt_v))
    smooth: Float32Array = gaussian_filter(height, 0.0006 / canvas.cell_m)
    return smooth


def _bolt(canvas: Canvas, height: Float32Array, u: float, v: float) -> None:
    """Raise a washer, a hexagonal nut (36 mm across flats) turned at random, and the end of the bolt."""
    reach = 0.024
    window = canvas.window((u - reach, v - reach), (u + reach, v + reach))
    du, dv = canvas.u_m[:, window[1]] - u, canvas.v_m[window[0]] - v
    radius = np.hypot(du, dv)
    turns = np.radians(37.0 * np.floor(u * 1000) + np.array([0, 60, 120]))
    off_flats = np.max([np.abs(du * np.cos(turn) + dv * np.sin(turn)) for turn in turns], axis=0)
    nut = np.clip(np.minimum((0.018 - off_flats) / 0.0015, (0.0202 - radius) / 0.002), 0, 1)
    end = np.clip((0.0105 - radius) / 0.002, 0, 1)
    height[window] += 0.004 * (radius < 0.022) + 0.014 * nut + 0.007 * end


def _coat(seed: int, canvas: Canvas, coarseness: int) -> Float32Array:
    """Brightness of paint: orange peel, brush strokes along u, and fine dust."""
    rng = stream(seed, "coat")
    peel = periodic_noise(rng, 1024, 3.0)
    dust = periodic_noise(rng, 1024, 0.9)
    stroke = periodic_noise(rng, 1024, (1.4, 60.0))
    specks = np.clip(periodic_noise(rng, 1024, 1.8) - 2.5, 0, 1.5)
    tile = 1 + 0.014 * peel + 0.022 * dust + 0.016 * stroke - 0.25 * specks
    return tiled(pooled(tile.astype(np.float32), coarseness), canvas.shape)


def _tone(seed: int, canvas: Canvas) -> Float32Array:
    """Paint colour with fading, and dirt that gathers along the borders, plates and bolts."""
    rng = stream(seed, "girder tone")
    fading = 0.05 * field_noise(rng, canvas.shape, 110) + 0.025 * field_noise(rng, canvas.shape, 25)
    tint = np.stack([(1 + fading) * base for base in PAINT_RGB]).astype(np.float32)
    v = canvas.v_m
    border = np.minimum(v - GIRDER_V_M[0], GIRDER_V_M[1] - v)
    off_plate = [np.maximum(low - canvas.u_m, canvas.u_m - high) for low, high in SPLICES_U_M]
    nearest = np.min(off_plate, axis=0)
    foot = np.where(nearest > 0, np.exp(-np.maximum(nearest, 0) / 0.014), 0)
    cloud = field_noise(rng, canvas.shape, 30)
    streak = field_noise(rng, canvas.shape, 7)
    dirt = np.clip(0.55 * np.exp(-border / 0.025) + 0.7 * foot + 0.10 * cloud + 0.06 * streak, 0, 0.75)
    dirt_rgb = np.array([0.105, 0.098, 0.080], dtype=np.float32)[:, None, None]
    tint += dirt.astype(np.float32) * (dirt_rgb - tint)
    return tint


def _rust_colour(rng: np.random.Generator, canvas: Canvas, tint: Float32Array, patch: PatchShape) -> None:
    """Scale and bloom inside the outline; around it a pale run-off and the light border of broken paint."""
    window, cover = canvas.patch_cover(patch)
    shape = (cover.shape[0], cover.shape[1])
    depth = gaussian_filter(cover, 6)
    mix = 1.35 + 0.62 * field_noise(rng, shape, 7) + 0.45 * field_noise(rng, shape, 2.2)
    mix += 0.35 * field_noise(rng, shape, 0.8) + 1.2 * (1 - depth) - 0.4 * depth
    mix = np.clip(mix, 0, len(RUST_RGB) - 1.001)
    rust = np.stack([np.interp(mix, np.arange(len(RUST_RGB)), band) for band in RUST_RGB.T]).astype(np.float32)
    bleed = np.clip(gaussian_filter(cover, 5) * (1 - cover) * (0.5 + 0.3 * field_noise(rng, shape, 5)), 0, 0.5)
    rim = np.clip(gaussian_filter(cover, 1.6) * (1 - cover) * 2, 0, 1) * (field_noise(rng, shape, 3) > 0.2)
    colour = tint[:, *window]
    stain_rgb = np.array([0.240, 0.150, 0.070], dtype=np.float32)[:, None, None]
    colour += bleed * (stain_rgb - colour)
    colour *= 1 + 0.35 * rim
    colour += np.clip(cover * 2 - 0.5, 0, 1) * (rust - colour)


def _rust_relief(
    rng: np.random.Generator,
    canvas: Canvas,
    relief_m: Float32Array,
    brightness: Float32Array,
    patch: PatchShape,
) -> None:
    """Swollen, flaking scale: rough at millimetres, with the paint's edge standing up around it."""
    window, cover = canvas.patch_cover(patch)
    shape = (cover.shape[0], cover.shape[1])
    per_cell = 0.0005 / canvas.cell_m
    bumps = 0.00035 * field_noise(rng, shape, 5 * per_cell) + 0.00012 * field_noise(rng, shape, 1.6 * per_cell)
    relief_m[window] += cover * (bumps + 0.0004) + 0.0005 * np.exp(-(((cover - 0.35) / 0.2) ** 2)) * (cover > 0.02)
    brightness[window] *= 1 + cover * 0.13 * field_noise(rng, shape, 1.1 * per_cell)


def _dropping(rng: np.random.Generator, canvas: Canvas, tint: Float32Array, patch: PatchShape) -> None:
    window, cover = canvas.patch_cover(patch)
    noise = field_noise(rng, (cover.shape[0], cover.shape[1]), 3.0)
    white = np.array([0.66, 0.65, 0.60], dtype=np.float32)[:, None, None] * (1 - 0.22 * np.clip(noise, 0, 2))
    tint[:, *window] += cover * (white - tint[:, *window])
