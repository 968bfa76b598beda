"""How a camera changes a picture: exposure, colour, blur, noise, compression."""

import cv2
import numpy as np
import numpy.typing as npt

from tenken_demo.noise import field_noise

Picture = npt.NDArray[np.uint8]

BRIGHTEST = 0.97
"""Where exposure ends: the brightness that four fifths of a picture stay below."""


def taken_anew(rng: np.random.Generator, picture: Picture, *, keep_hue: bool) -> Picture:
    """Photograph a picture again with another camera in other light.

    Parameters
    ----------
    picture
        (h, w, 3) uint8 RGB.
    keep_hue
        Rust is known by its hue: colours move little where it is labelled.
    """
    changed = _lit(rng, picture, keep_hue=keep_hue)
    changed = _blurred(rng, changed)
    if rng.random() < 0.4:
        noise = rng.normal(0, np.exp(rng.uniform(np.log(1), np.log(9))), changed.shape[:2])
        grain = rng.standard_normal(changed.shape, dtype=np.float32) * 0.4 * noise.std() + noise[..., None]
        changed = changed + grain.astype(np.float32)
    result = np.asarray(np.clip(changed + 0.5, 0, 255), dtype=np.uint8)
    if rng.random() < 0.5:
        quality = int(rng.integers(35, 96))
        stored = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        result = np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), dtype=np.uint8)
    return result


def turned_hue(rng: np.random.Generator, picture: Picture) -> Picture:
    """Turn all hues and change their strength: a green wood becomes an autumn wood, a blue car a red one."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + int(rng.integers(0, 180))) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.6, 1.8), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), dtype=np.uint8)


def _lit(rng: np.random.Generator, picture: Picture, *, keep_hue: bool) -> npt.NDArray[np.float32]:
    """Exposure, gamma, white balance, strength of colour, and light that falls unevenly."""
    values = np.arange(256, dtype=np.float32) / 255
    spread = 0.05 if keep_hue else 0.12
    gain = np.exp(rng.normal(0, 0.22) + rng.normal(0, spread, 3))
    curve = values[:, None] ** np.exp(rng.normal(0, 0.22)) * gain
    # No exposure burns most of the picture out: what is white cannot show a crack.
    bright = np.interp(np.percentile(picture[::8, ::8], 80), values * 255, curve.max(axis=1))
    curve *= min(1.0, BRIGHTEST / max(float(bright), 1e-3))
    haze = rng.uniform(0, 0.25) if rng.random() < 0.2 else 0.0
    table = np.clip(haze + (1 - haze) * curve, 0, 1).astype(np.float32) * 255
    lit = np.stack([table[:, band][picture[..., band]] for band in range(3)], axis=-1)
    strength = rng.uniform(0.65, 1.25) if keep_hue else rng.choice([0.0, rng.uniform(0.2, 1.5)], p=[0.12, 0.88])
    grey = lit.mean(axis=-1, keepdims=True)
    lit = grey + strength * (lit - grey)
    if rng.random() < 0.3:
        shape = (picture.shape[0], picture.shape[1])
        lit *= np.clip(1 + 0.18 * field_noise(rng, shape, max(shape) * rng.uniform(0.2, 0.6)), 0.3, 1.6)[..., None]
    return np.asarray(lit, dtype=np.float32)


def _blurred(rng: np.random.Generator, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Defocus, motion, coarser sampling, sharpening, or none of them."""
    height, width = picture.shape[:2]
    kind = rng.random()
    if kind < 0.18:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.4)), dtype=np.float32)
    if kind < 0.26:
        length = int(rng.integers(3, 7))
        kernel = np.zeros((length, length), np.float32)
        turn = rng.uniform(0, np.pi)
        step = np.array([np.cos(turn), np.sin(turn)]) * (length - 1) / 2
        ends = [tuple(np.round((length - 1) / 2 + sign * step).astype(int).tolist()) for sign in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), dtype=np.float32)
    if kind < 0.38:
        part = rng.uniform(0.4, 0.9)
        small = cv2.resize(picture, (int(width * part), int(height * part)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    if kind < 0.46:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
        return np.asarray(picture + rng.uniform(0.3, 1.2) * (picture - soft), dtype=np.float32)
    return picture
