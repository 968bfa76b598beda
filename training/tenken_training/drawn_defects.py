"""Cracks and rust put into a picture: drawn, or taken from another photo.

A crack only takes light away, so that the ground's own texture stays: pictures are multiplied with a share of
light. Drawn labels are as wide as the cracks data set draws its own: the crack and a margin on each side.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tenken_demo.lines import SPACING_M, WideLine, crack, net
from tenken_demo.noise import field_noise
from tenken_demo.strokes import coverage
from tenken_training.cleaning import near

BoolMask = npt.NDArray[np.bool_]
FloatPicture = npt.NDArray[np.float32]

LABEL_MARGIN_PX = 1.5
"""How far the label of a drawn crack reaches beyond the crack on each side."""
VISIBLE_DEVIATIONS = 3.0
"""A crack is labelled only if it is so many deviations of the texture darker than the ground."""
LEAST_DEPTH = 0.16
"""The palest crack takes this share of the light: later noise and compression must leave it visible."""
DEEPEST = 0.95
DARKEST_GROUND = 30
"""Grey value, 0..255, of ground too dark to show a crack."""
SURROUNDINGS_PX = 12.0
"""Deviation of the average that a crack's light is compared with."""
RUST_RGB = np.array([[0.20, 0.13, 0.10], [0.33, 0.20, 0.13], [0.47, 0.28, 0.16], [0.62, 0.39, 0.22]], np.float32)
"""From dark scale to bloom, sRGB."""


def draw_cracks(
    rng: np.random.Generator, picture: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.uint8], list[BoolMask]]:
    """Draw one to three cracks, from hairlines to open ones.

    Returns
    -------
    The picture (h, w, 3) and the label of each crack, (h, w).
    """
    light = np.ones(picture.shape[:2], np.float32)
    labels = []
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 3))
    for _ in range(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12])):
        width_px = float(np.exp(rng.normal(np.log(2.2), 0.75)).clip(0.6, 24))
        cover, label = _crack_cover(rng, picture.shape[:2], width_px)
        least = _least_visible(grey[label], fine[near(label, 6)])
        # A crack narrower than the blur of a lens never gets as dark as it is.
        least = None if least is None else least / min(1.0, width_px / 1.6)
        if label.sum() < 24 or least is None or least > DEEPEST:
            continue
        depth = least + (DEEPEST - least) * rng.beta(1.3, 1.5)
        halo = cv2.GaussianBlur(cover, (0, 0), max(width_px * rng.uniform(0.8, 2.5), 1.0))
        soft = cv2.GaussianBlur(cover, (0, 0), rng.uniform(0.3, 0.8))
        light *= (1 - depth * soft) * (1 - rng.choice([0.0, rng.uniform(0, 0.25)]) * halo)
        if rng.random() < 0.3:
            # The far lip catches the light.
            light *= 1 + rng.uniform(0.05, 0.3) * np.roll(soft, int(width_px / 2) + 1, axis=int(rng.integers(2)))
        labels.append(label)
    tint = np.array([1, 1, 1], np.float32) + rng.normal(0, 0.04, 3).astype(np.float32)
    share = light[..., None] ** tint
    return _as_bytes(picture * share), labels


def _least_visible(light: FloatPicture, roughness: FloatPicture) -> float | None:
    """Share of the light that a crack must take to be seen; None where the ground is too dark for any.

    Parameters
    ----------
    light
        Grey values, 0..255, of the ground that the crack runs over.
    roughness
        How far grey values around it lie from their own surroundings.
    """
    if not len(light) or np.median(light) < DARKEST_GROUND:
        return None
    deviation = 1.48 * float(np.median(roughness))
    return max(LEAST_DEPTH, VISIBLE_DEVIATIONS * deviation / float(np.median(light)))


def _crack_cover(rng: np.random.Generator, shape: tuple[int, int], width_px: float) -> tuple[FloatPicture, BoolMask]:
    """Cover of a crack, 0..1, and its label."""
    lines = _crack_lines(rng, shape, width_px)
    if not lines:  # a net whose every cell is too small to draw
        return np.zeros(shape, np.float32), np.zeros(shape, bool)
    segments = [np.stack([line.uv_m[:-1], line.uv_m[1:]], axis=1) / SPACING_M for line in lines]
    widths = np.concatenate([line.width_m[1:] for line in lines]) / SPACING_M
    planes = []
    for margin in (0.0, 2 * LABEL_MARGIN_PX):
        plane = np.zeros(shape, np.float32)
        touched = coverage(np.concatenate(segments), widths + margin, 1.0, shape)
        if touched is not None:
            plane[touched[0], touched[1]] = touched[2]
        planes.append(plane)
    return planes[0], planes[1] > 0.5


def _crack_lines(rng: np.random.Generator, shape: tuple[int, int], width_px: float) -> list[WideLine]:
    """Lines in units of `SPACING_M` a pixel: one crack, one with branches, or a net."""
    size = np.array(shape[::-1]) * SPACING_M
    width_mm = width_px * SPACING_M * 1000
    if rng.random() < 0.12:
        extent = tuple((rng.uniform(0.4, 1.3, 2) * size).tolist())
        cell_m = rng.uniform(0.08, 0.3) * float(size.min())
        centre_m = (rng.uniform(0.2, 0.8, 2) * size).tolist()
        # Cracks of a net are narrow beside its cells: a twentieth at most.
        return net(rng, centre_m, (extent[0], extent[1]), cell_m, min(width_mm, cell_m / 20 * 1000))
    centre, turn = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0, 2 * np.pi)
    reach = np.array([np.cos(turn), np.sin(turn)]) * size * np.exp(rng.uniform(np.log(0.15), np.log(1.2)))
    start, end = centre - reach / 2, centre + reach / 2
    lines = crack(rng, start.tolist(), end.tolist(), width_mm, roughness=float(rng.uniform(0.01, 0.12)))
    while rng.random() < 0.3:
        foot = lines[0].uv_m[rng.integers(len(lines[0].uv_m))]
        side = turn + rng.choice([-1, 1]) * rng.uniform(0.3, 1.4)
        tip = foot + np.array([np.cos(side), np.sin(side)]) * rng.uniform(0.1, 0.5) * size
        lines += crack(rng, foot.tolist(), tip.tolist(), width_mm * rng.uniform(0.4, 1.0), roughness=0.06)
    return lines


def paste_cracks(
    picture: npt.NDArray[np.uint8], source: npt.NDArray[np.uint8], labels: Sequence[BoolMask]
) -> tuple[npt.NDArray[np.uint8], list[BoolMask]]:
    """Take the light away that cracks in another photo take away.

    The share of light is the photo over its own surroundings, which are averaged from outside the labels.

    Parameters
    ----------
    picture, source
        (h, w, 3) where the cracks come to lie, and the photo they come from, already turned and scaled.
    labels
        (h, w) each crack in `source`.

    Returns
    -------
    The picture, and the labels of those cracks that the ground does not hide; the others are left out.
    """
    outside = np.ones(picture.shape[:2], np.float32)
    for label in labels:
        outside[near(label, 2)] = 0
    weight = cv2.GaussianBlur(outside, (0, 0), SURROUNDINGS_PX)[..., None]
    total = cv2.GaussianBlur(source * outside[..., None], (0, 0), SURROUNDINGS_PX)
    share = np.clip(source / np.maximum(total / np.maximum(weight, 1e-3), 8), 0, 1.15)
    share[weight[..., 0] < 0.02] = 1
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 3))
    kept, light = [], np.ones(picture.shape, np.float32)
    for label in labels:
        if not label.any():
            continue
        # Labels are wider than cracks: the darkest fifth is the crack.
        depth = 1 - float(np.percentile(share[label].mean(axis=1), 20))
        least = _least_visible(grey[label], fine[near(label, 6)])
        if least is not None and depth > least:
            soft = cv2.GaussianBlur(label.astype(np.float32), (0, 0), 1.2)[..., None]
            light *= 1 + soft * (share - 1)
            kept.append(label)
    return _as_bytes(picture * light), kept


def paste_rust(
    rng: np.random.Generator, picture: npt.NDArray[np.uint8], source: npt.NDArray[np.uint8], label: BoolMask
) -> npt.NDArray[np.uint8]:
    """Lay the rust of another photo over a picture, with a soft border and about the picture's exposure."""
    cover = cv2.GaussianBlur(label.astype(np.float32), (0, 0), rng.uniform(0.6, 2.0))[..., None]
    ratio = float(picture.mean()) / max(float(source[label].mean()), 1.0)
    exposure = float(np.clip(ratio, 0.5, 2.0)) ** rng.uniform(0, 0.7)
    return _as_bytes(picture + cover * (np.clip(source * exposure, 0, 255) - picture))


def draw_rust(rng: np.random.Generator, picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], BoolMask]:
    """Draw patches of rust with noisy borders, and runs below them.

    Returns
    -------
    The picture (h, w, 3) and the label (h, w).
    """
    shape = (picture.shape[0], picture.shape[1])
    broad = field_noise(rng, shape, min(shape) * rng.uniform(0.03, 0.15))
    height = broad + 0.35 * field_noise(rng, shape, 6) + 0.06 * field_noise(rng, shape, 1.5)
    height -= rng.uniform(0.8, 2.0)
    label = height > 0
    mix = 1.4 + 0.8 * field_noise(rng, shape, 8) + 0.6 * field_noise(rng, shape, 1.5) - 0.5 * np.clip(height, 0, 1)
    mix = np.clip(mix, 0, len(RUST_RGB) - 1.001)
    colours = [np.interp(mix, np.arange(len(RUST_RGB)), band) for band in RUST_RGB.T]
    rust = (
        np.stack(colours, axis=-1) * 255 * rng.uniform(0.7, 1.4) * (1 + 0.1 * field_noise(rng, shape, 0.7))[..., None]
    )
    edge = rng.uniform(0.05, 0.3)
    cover = np.clip(height / edge + 0.5, 0, 1)[..., None]
    runs = cv2.blur(label.astype(np.float32), (3, int(rng.integers(5, 60))))[..., None] * rng.uniform(0, 0.35)
    stained = picture * (1 - runs * np.array([0.25, 0.5, 0.7], np.float32))
    return _as_bytes(stained + cover * (rust - stained)), np.asarray(label, dtype=np.bool_)


def _as_bytes(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(picture + 0.5, 0, 255), dtype=np.uint8)
