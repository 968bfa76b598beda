"""The concrete deck: boards, aggregate, pores, stains, joints."""

import numpy as np
from scipy.ndimage import gaussian_filter

from tenken_demo.layout import DECK_Z_M, EXPANSION_JOINT_U_M, PANEL_JOINTS_U_M, Mark
from tenken_demo.light import cast_pole_shadow
from tenken_demo.noise import Float32Array, field_noise, periodic_noise, pooled, stream, tiled
from tenken_demo.patches import PatchShape
from tenken_demo.texture import FINE_CELL_M, Canvas, Texture

CORNER_UV_M = (-0.4, -1.5)
SIZE_M = (6.8, 1.52)
TINT_CELL_M = 0.002
CONCRETE_RGB = (0.370, 0.350, 0.315)
"""Linear reflectance of weathered, dry concrete."""
BOARD_WIDTH_M = 0.145


def paint_deck(seed: int, marks: tuple[Mark, ...], coarseness: int) -> Texture:
    """Paint the deck's reflectance with all that lies flat on it but cracks, chalk and cable."""
    fine = Canvas(CORNER_UV_M, SIZE_M, FINE_CELL_M * coarseness)
    coarse = Canvas(CORNER_UV_M, SIZE_M, TINT_CELL_M)
    brightness = _grain(seed, fine, coarseness)
    brightness *= _boards(seed, fine)
    _pores(seed, fine, brightness)
    tint = _tone(seed, coarse)
    for mark in marks:
        if mark.what == "shadow":
            line = mark.lines[0]
            (u0, v0), (u1, v1) = line.uv_m[[0, -1]].tolist()
            ends = (u0, v0), (u1, v1)
            cast_pole_shadow(brightness, fine.u_m, fine.v_m, DECK_Z_M, ends, float(line.width_m[0]))
        elif mark.patch is not None and mark.surface == "deck":
            _stain(stream(seed, f"look {mark.id}"), coarse, tint, mark.what, mark.patch)
    _expansion_joint(seed, fine, brightness)
    edge = np.clip((-fine.v_m[:, 0]) / 0.012, 0, 1)
    # The chamfer along the deck's edge leans towards the sun.
    brightness *= (1.16 - 0.16 * edge)[:, None]
    return Texture(brightness, fine.cell_m, tint, TINT_CELL_M, CORNER_UV_M)


def _grain(seed: int, canvas: Canvas, coarseness: int) -> Float32Array:
    """Sand and aggregate: two periodic tiles of unequal size; their product never repeats on the bridge."""
    rng = stream(seed, "concrete grain")
    sand = periodic_noise(rng, 1024, 1.1)
    gravel = periodic_noise(rng, 1024, 3.2)
    specks = np.clip(periodic_noise(rng, 1024, 2.0) - 1.9, 0, 1.4)
    stones = periodic_noise(rng, 1024, 5.5)
    stones = np.clip(stones - 1.1, 0, 0.9) - np.clip(-stones - 1.2, 0, 0.9)
    first = 1 + 0.075 * sand + 0.035 * gravel + 0.085 * stones - 0.22 * specks
    cloudy = periodic_noise(rng, 900, 11.0)
    brushed = periodic_noise(rng, 900, (1.6, 45.0))
    second = 1 + 0.036 * cloudy + 0.012 * brushed + 0.03 * np.clip(cloudy, 0, 3) * periodic_noise(rng, 900, 1.6)
    tiles = (pooled(tile.astype(np.float32), coarseness) for tile in (first, second))
    grain = tiled(next(tiles), canvas.shape)
    grain *= tiled(next(tiles), canvas.shape, (300 // coarseness, 700 // coarseness))
    return grain


def _boards(seed: int, canvas: Canvas) -> Float32Array:
    """Traces of the formwork: boards along u, each of its own tone, with a thin seam between them."""
    rng = stream(seed, "boards")
    v = canvas.v_m
    board = np.floor((v - CORNER_UV_M[1]) / BOARD_WIDTH_M).astype(int)
    panel = np.searchsorted([*PANEL_JOINTS_U_M, EXPANSION_JOINT_U_M[0]], canvas.u_m)
    tone = rng.normal(1.0, 0.028, (int(board.max()) + 1, 4)).astype(np.float32)
    from_seam = (v - CORNER_UV_M[1]) - (board + 0.5) * BOARD_WIDTH_M
    from_seam = np.abs(np.abs(from_seam) - BOARD_WIDTH_M / 2)
    seam = 1 - 0.09 * np.exp(-((from_seam / 0.0013) ** 2)) + 0.05 * np.exp(-(((from_seam - 0.003) / 0.0018) ** 2))
    boards: Float32Array = tone[board, panel]
    boards *= seam.astype(np.float32)
    return boards


def _pores(seed: int, canvas: Canvas, brightness: Float32Array) -> None:
    """Air holes of 1 to 6 mm: dark, with a lit far rim."""
    rng = stream(seed, "pores")
    count = round(420 * SIZE_M[0] * SIZE_M[1])
    centres = np.array(CORNER_UV_M) + rng.uniform(0, 1, (count, 2)) * np.array(SIZE_M)
    radii = np.clip(0.0006 * rng.lognormal(0, 0.7, count), 0.0004, 0.003)
    depths = rng.uniform(0.25, 0.65, count)
    for (u, v), radius, depth in zip(centres, radii, depths, strict=True):
        reach = 2.2 * radius + canvas.cell_m
        window = canvas.window((u - reach, v - reach), (u + reach, v + reach))
        du, dv = canvas.u_m[:, window[1]] - u, canvas.v_m[window[0]] - v
        soft = 0.35 * radius + 0.5 * canvas.cell_m
        distance = np.hypot(du, dv)
        hole = np.clip((radius - distance) / soft + 0.5, 0, 1)
        rim = np.exp(-(((distance - 1.2 * radius) / (0.4 * radius)) ** 2)) * np.clip(-dv / radius, 0, 1)
        # A hole smaller than a cell only darkens it in part.
        share = min(1.0, (2 * radius / canvas.cell_m) ** 2)
        brightness[window] *= 1 - share * (depth * hole - 0.15 * rim)


def _tone(seed: int, canvas: Canvas) -> Float32Array:
    """Colour that changes slowly: panels, clouds, damp, and a mortar patch."""
    rng = stream(seed, "tone")
    panel = np.searchsorted([*PANEL_JOINTS_U_M, EXPANSION_JOINT_U_M[0]], canvas.u_m)
    level = np.array([1.0, 0.93, 1.05, 0.90], dtype=np.float32)[panel]
    clouds = 0.085 * field_noise(rng, canvas.shape, 70) + 0.05 * field_noise(rng, canvas.shape, 22)
    blotches = field_noise(rng, canvas.shape, 9)
    warmth = field_noise(rng, canvas.shape, 90)
    grey = level * (1 + clouds + 0.022 * blotches)
    tint = np.stack([grey * base for base in CONCRETE_RGB])
    tint[0] *= 1 + 0.022 * warmth
    tint[2] *= 1 - 0.028 * warmth
    damp = np.clip(1 - np.abs(canvas.v_m + 0.02) / 0.10 + 0.4 * field_noise(rng, canvas.shape, 30), 0, 1)
    tint *= 1 - 0.13 * damp
    rows, columns = canvas.window((3.02, -1.12), (3.30, -0.93))
    mortar = np.zeros(canvas.shape, dtype=np.float32)
    mortar[rows, columns] = 1
    tint *= 1 + 0.15 * gaussian_filter(mortar, 1.0)
    return tint.astype(np.float32)


def _stain(rng: np.random.Generator, canvas: Canvas, tint: Float32Array, what: str, patch: PatchShape) -> None:
    """Blend one stain into the colour raster."""
    window, cover = canvas.patch_cover(patch)
    noise = field_noise(rng, (cover.shape[0], cover.shape[1]), 2.0)
    if what == "efflorescence":
        strength = cover * np.clip(0.55 + 0.25 * noise, 0.1, 0.95)
        lime = np.array([0.72, 0.71, 0.66], dtype=np.float32)[:, None, None]
        tint[:, *window] += strength * (lime - tint[:, *window])
        return
    soft = gaussian_filter(cover, {"water stain": 3.0, "oil stain": 6.0}.get(what, 2.0))
    rim = np.clip(soft - gaussian_filter(soft, 6), 0, 1)
    factor = {
        "water stain": (0.80, 0.79, 0.77),
        "oil stain": (0.42, 0.41, 0.40),
        "rust stain": (0.86, 0.58, 0.36),
    }[what]
    for band, share in enumerate(factor):
        depth = (1 - share) * np.clip(soft * (0.75 + 0.18 * noise) + 0.8 * rim, 0, 1)
        tint[band, *window] *= 1 - depth


def _expansion_joint(seed: int, canvas: Canvas, brightness: Float32Array) -> None:
    """Paint a rubber seal between two steel angles, lower than the deck."""
    low, high = EXPANSION_JOINT_U_M
    rows, columns = canvas.window((low - 0.02, CORNER_UV_M[1]), (high + 0.02, 0.02))
    u = canvas.u_m[:, columns]
    grit = field_noise(stream(seed, "joint"), (brightness[rows, columns].shape[0], 1), 12)
    seal = np.clip(np.minimum(u - low, high - u) / canvas.cell_m + 0.5, 0, 1)
    fold = 0.16 + 0.10 * np.cos((u - (low + high) / 2) / (high - low) * 2 * np.pi) ** 2 + 0.02 * grit
    angle = np.clip((0.009 - np.minimum(np.abs(u - low), np.abs(u - high))) / canvas.cell_m, 0, 1)
    window = brightness[rows, columns]
    window *= 1 - 0.25 * angle * (1 - seal)
    window += seal * (fold - window)
