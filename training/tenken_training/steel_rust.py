"""Rust on painted steel at any distance: freckles, patches and sheets where paint fails, among what only looks so.

Run-off stains and bare primer beside the rust are drawn and not labelled: staining is not rusting. Colours are sRGB.
"""

import cv2
import numpy as np
import numpy.typing as npt

from tenken_demo.noise import field_noise
from tenken_training.drawn_defects import RUST_RGB

BoolMask = npt.NDArray[np.bool_]
FloatPicture = npt.NDArray[np.float32]

PATCH_PX = (2.5, 110.0)
"""Smallest and largest patches; small ones as often as large."""
SHARE = (0.004, 0.4)
"""Part of a crop that is corroded, small ones as often as large."""
PRIMER_RGB = np.array([[0.62, 0.62, 0.60], [0.80, 0.79, 0.76], [0.45, 0.22, 0.18], [0.55, 0.50, 0.38]], np.float32)
"""Grey, white, red oxide and zinc-yellow primers."""
STAIN = np.array([0.22, 0.48, 0.72], np.float32)
"""Share of red, green and blue that a full stain takes."""


def rust_on_paint(rng: np.random.Generator, picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], BoolMask]:
    """Let paint fail: patches of one size a crop, denser along a line or two, with runs below.

    Parameters
    ----------
    picture
        (h, w, 3) uint8 RGB, the painted ground.

    Returns
    -------
    The picture (h, w, 3) and the label (h, w).
    """
    shape = (picture.shape[0], picture.shape[1])
    patch_px = float(np.exp(rng.uniform(*np.log(PATCH_PX))))
    height = _failing(rng, shape, patch_px)
    share = float(np.exp(rng.uniform(*np.log(SHARE))))
    height -= np.quantile(height, 1 - share)
    cover = np.clip(height / rng.uniform(0.04, 0.25) + 0.5, 0, 1).astype(np.float32)
    ground = picture.astype(np.float32)
    if rng.random() < 0.35:
        # Paint comes off before steel rusts: a rim of primer.
        rim = np.clip((height + rng.uniform(0.05, 0.3)) / 0.06, 0, 1)[..., None]
        primer = PRIMER_RGB[rng.integers(len(PRIMER_RGB))] * 255 * rng.uniform(0.7, 1.1)
        ground += rim * rng.uniform(0.6, 1.0) * (primer - ground)
    ground *= _runs(rng, cover)
    rust = _rust(rng, shape, patch_px)
    relief = 1 + rng.uniform(0, 0.25) * np.gradient(cv2.GaussianBlur(cover, (0, 0), 1.2), axis=0)[..., None]
    drawn = (ground + cover[..., None] * (rust - ground)) * relief
    return np.asarray(np.clip(drawn + 0.5, 0, 255), dtype=np.uint8), np.asarray(cover > 0.5, dtype=np.bool_)


def stain_runs(rng: np.random.Generator, picture: FloatPicture) -> None:
    """Brown run-off from rust elsewhere, into an sRGB picture (h, w, 3), 0..1, in place: no defect."""
    size = len(picture)
    narrow, long = rng.uniform(1, 9), rng.uniform(20, 120)
    noise = cv2.GaussianBlur(rng.standard_normal((size, size)).astype(np.float32), (0, 0), sigmaX=narrow, sigmaY=long)
    cover = np.clip(noise / noise.std() - rng.uniform(0.6, 1.6), 0, 1)[..., None]
    picture *= 1 - rng.uniform(0.15, 0.6) * cover * STAIN


def _failing(rng: np.random.Generator, shape: tuple[int, int], patch_px: float) -> FloatPicture:
    """How far paint has failed, without unit: noise at three sizes, and weak lines (edges, welds, rows of bolts)."""
    height = field_noise(rng, shape, patch_px) + 0.5 * field_noise(rng, shape, max(patch_px / 3.5, 0.8))
    height += rng.uniform(0.05, 0.3) * field_noise(rng, shape, max(patch_px / 12, 0.7))
    for _ in range(rng.integers(0, 3)):
        turn = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.06)
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        off = np.cos(turn) * (x - rng.uniform(0, shape[1])) + np.sin(turn) * (y - rng.uniform(0, shape[0]))
        height += rng.uniform(0.4, 2.0) * np.exp(-np.abs(off) / rng.uniform(4, 50))
    return np.asarray(height, dtype=np.float32)


def _runs(rng: np.random.Generator, cover: FloatPicture) -> FloatPicture:
    """Factor of light, (h, w, 3), of what runs down from rust."""
    reach = int(np.exp(rng.uniform(np.log(6), np.log(160))))
    kernel = np.zeros((2 * reach + 1, 1), np.float32)
    kernel[reach:, 0] = np.linspace(1, 0, reach + 1)
    below = cv2.filter2D(cover, -1, kernel[::-1] / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    below = below * np.clip(0.7 + 0.5 * field_noise(rng, (1, cover.shape[1]), rng.uniform(1, 6)), 0, 1.5)
    strength = np.clip(below * rng.choice([0.0, rng.uniform(0.3, 2.5)], p=[0.3, 0.7]), 0, 0.8)
    return np.asarray(1 - strength[..., None] * STAIN, dtype=np.float32)


def _rust(rng: np.random.Generator, shape: tuple[int, int], patch_px: float) -> FloatPicture:
    """Colours of rust, 0..255: black scale to orange bloom, more alike within a crop than between crops."""
    mix = rng.uniform(0.2, 2.4) + 0.5 * field_noise(rng, shape, patch_px) + 0.4 * field_noise(rng, shape, 3)
    mix = np.clip(mix + rng.uniform(0.1, 0.6) * field_noise(rng, shape, 0.8), 0, len(RUST_RGB) - 1.001)
    colours = np.stack([np.interp(mix, np.arange(len(RUST_RGB)), band) for band in RUST_RGB.T], axis=-1)
    greyed = rng.uniform(0, 0.5)
    colours = colours + greyed * (colours.mean(axis=-1, keepdims=True) - colours)
    grain = 1 + rng.uniform(0.03, 0.15) * field_noise(rng, shape, 0.7)[..., None]
    return np.asarray(colours * grain * 255 * rng.uniform(0.65, 1.35), dtype=np.float32)
