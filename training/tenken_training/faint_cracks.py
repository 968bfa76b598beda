"""Thin, faint, broken cracks: what a person still follows by eye although no single pixel stands out.

A line is seen by all its pixels together. One whose pixels are hardly darker than their ground's own deviation is
plain over a dozen pixels of its length (the deviation of a mean falls with the root of their number), so cracks
down to that are drawn and labelled. `tenken_training.drawn_defects` draws the clearer ones.
"""

import cv2
import numpy as np
import numpy.typing as npt

from tenken_demo.noise import field_noise
from tenken_demo.strokes import coverage
from tenken_training.cleaning import near
from tenken_training.drawn_defects import DARKEST_GROUND, LABEL_MARGIN_PX

BoolMask = npt.NDArray[np.bool_]
FloatPicture = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

WIDTH_PX = (0.4, 4.0)
"""Narrowest and widest crack; small ones as often as large."""
VISIBLE_DEVIATIONS = 1.2
"""The faintest crack is so many deviations of its ground's texture darker than the ground."""
LEAST_CONTRAST = 0.08
"""The faintest crack on smooth ground takes this share of the light: later noise must not drown it."""
DEEPEST = 0.92
CORE_PERCENTILE = 85
"""Of a label's cover: labels are wider than cracks, and the highest seventh is the crack's middle."""
STEP_PX = 4.0
"""Distance of a path's vertices."""
FEWEST_LABEL_PX = 40


def draw_faint_cracks(
    rng: np.random.Generator, picture: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.uint8], list[BoolMask]]:
    """Draw one to three cracks of 0.4 to 4 px, from hardly visible to plain, fading in and out along their way.

    Parameters
    ----------
    picture
        (h, w, 3) uint8 RGB, the ground.

    Returns
    -------
    The picture (h, w, 3) and the label of each crack, (h, w).
    """
    shape = (picture.shape[0], picture.shape[1])
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 3))
    light = np.ones(shape, np.float32)
    labels = []
    for _ in range(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])):
        width_px = float(np.exp(rng.uniform(*np.log(WIDTH_PX))))
        path_px = wandering_path(rng, shape)
        cover, label = _painted(rng, path_px, width_px, shape)
        if label.sum() < FEWEST_LABEL_PX or np.median(grey[label]) < DARKEST_GROUND:
            continue
        deviation = 1.48 * float(np.median(fine[near(label, 6)])) / float(np.median(grey[label]))
        least = max(LEAST_CONTRAST, VISIBLE_DEVIATIONS * deviation)
        # A narrow crack never gets as dark as it is: any lens spreads it.
        spread = float(np.percentile(cover[label], CORE_PERCENTILE))
        if least > DEEPEST * spread:
            continue
        # Faint ones as often as plain ones.
        depth = float(np.exp(rng.uniform(np.log(least), np.log(DEEPEST * spread)))) / spread
        fading = np.clip(rng.uniform(0.75, 1.2) + 0.35 * field_noise(rng, shape, rng.uniform(6, 40)), 0.2, 1)
        light *= 1 - depth * fading * cover
        light *= _surroundings(rng, cover, width_px)
        labels.append(label)
    tint = np.array([1, 1, 1], np.float32) + rng.normal(0, 0.04, 3).astype(np.float32)
    drawn = picture * light[..., None] ** tint
    return np.asarray(np.clip(drawn + 0.5, 0, 255), dtype=np.uint8), labels


def wandering_path(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Lay a line that keeps its course and strays from it: (n, 2) x, y in pixels.

    Its heading returns to the course (an Ornstein-Uhlenbeck process) and jumps now and then, as a crack does
    around an aggregate.
    """
    size = max(shape)
    course = rng.uniform(0, 2 * np.pi)
    length_px = size * float(np.exp(rng.uniform(np.log(0.25), np.log(1.5))))
    count = max(int(length_px / STEP_PX), 6)
    hold, unrest = rng.uniform(0.05, 0.3), rng.uniform(0.05, 0.35)
    jumps = np.where(rng.random(count) < rng.uniform(0, 0.08), rng.normal(0, 0.9, count), 0)
    shocks = rng.normal(0, unrest, count) + jumps
    heading, stray = np.empty(count), rng.normal(0, unrest)
    for number in range(count):
        heading[number] = course + stray
        stray += shocks[number] - hold * stray
    steps = STEP_PX * np.column_stack([np.cos(heading), np.sin(heading)])
    path = np.cumsum(steps, axis=0)
    middle = rng.uniform(0.15, 0.85, 2) * np.array(shape[::-1])
    return np.asarray(path - path[count // 2] + middle, dtype=np.float64)


def _painted(
    rng: np.random.Generator, path_px: FloatArray, width_px: float, shape: tuple[int, int]
) -> tuple[FloatPicture, BoolMask]:
    """Cover of a line whose width changes and tapers to its ends, 0..1, and its label."""
    count = len(path_px) - 1
    slow = np.interp(np.arange(count), np.linspace(0, count, 8), rng.normal(0, 0.3, 8))
    from_end = np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.12 * count)
    widths = width_px * np.exp(slow + rng.normal(0, 0.15, count)) * np.clip(0.4 + 0.6 * from_end, 0.4, 1)
    segments = np.stack([path_px[:-1], path_px[1:]], axis=1)
    planes = []
    for margin in (0.0, 2 * LABEL_MARGIN_PX):
        plane = np.zeros(shape, np.float32)
        touched = coverage(segments, widths + margin, 1.0, shape)
        if touched is not None:
            plane[touched[0], touched[1]] = touched[2]
        planes.append(plane)
    return cv2.GaussianBlur(planes[0], (0, 0), rng.uniform(0.35, 0.8)).astype(np.float32), planes[1] > 0.5


def _surroundings(rng: np.random.Generator, cover: FloatPicture, width_px: float) -> FloatPicture:
    """Factor of light beside a crack: dirt that creeps out of it, lime that bleeds, or a lip that is lit."""
    kind = rng.random()
    if kind < 0.3:
        return 1 - rng.uniform(0.03, 0.2) * cv2.GaussianBlur(cover, (0, 0), width_px * 1.5 + 1.5)
    if kind < 0.4:
        shape = (cover.shape[0], cover.shape[1])
        spread = cv2.GaussianBlur(cover, (0, 0), rng.uniform(2, 9))
        patchy = np.clip(0.3 + field_noise(rng, shape, 12), 0, 1)
        return np.asarray(1 + rng.uniform(0.1, 0.4) * spread * patchy, dtype=np.float32)
    if kind < 0.55:
        lip = np.roll(cover, int(rng.choice([-1, 1])) * (int(width_px) + 1), axis=int(rng.integers(2)))
        return np.asarray(1 + rng.uniform(0.03, 0.15) * lip, dtype=np.float32)
    return np.ones_like(cover)
