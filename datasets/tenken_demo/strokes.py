"""Cracks, chalk and cables drawn into a photo: how much of each pixel a line covers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenken_demo.layout import SURFACE_Z_M, Mark
from tenken_demo.lines import WideLine
from tenken_demo.noise import Float32Array, stream
from tenken_demo.station import TrueCamera

_SEGMENTS_AT_ONCE = 1500


@dataclass(frozen=True, slots=True)
class Stroke:
    """Lines in one colour.

    Parameters
    ----------
    lines
        Where they run; u, v metres.
    rgb
        Linear colour in full light.
    opacity
        What is left of the surface below is 1 - opacity.
    soft_m
        Breadth over which the border fades; 0 is a sharp border.
    grainy
        Opacity follows the surface's own grain, as chalk does.
    """

    lines: Sequence[WideLine]
    rgb: tuple[float, float, float]
    opacity: float
    soft_m: float = 0.0
    grainy: float = 0.0


def strokes_of(seed: int, mark: Mark) -> Iterator[Stroke]:
    """How a mark made of lines is drawn, from the lowest layer up; nothing if it is part of the texture."""
    lines = mark.lines
    if mark.kind == "crack":
        dirty = [WideLine(line.uv_m, line.width_m * 1.3 + 0.004) for line in lines]
        yield Stroke(dirty, (0.17, 0.16, 0.145), 0.11, soft_m=0.006)
        yield Stroke(_chips(seed, mark), (0.375, 0.350, 0.310), 0.75, soft_m=0.0008)
        yield Stroke(lines, (0.020, 0.018, 0.016), 0.94)
    elif mark.what == "form joint":
        yield Stroke([WideLine(line.uv_m, line.width_m + 0.006) for line in lines], (0.20, 0.19, 0.17), 0.35, 0.005)
        yield Stroke(lines, (0.065, 0.060, 0.054), 0.85)
    elif mark.what == "chalk mark":
        yield Stroke(lines, (0.72, 0.72, 0.69), 0.80, soft_m=0.002, grainy=0.55)
    elif mark.what == "tyre mark":
        yield Stroke(lines, (0.07, 0.07, 0.07), 0.30, soft_m=0.012, grainy=0.45)
    elif mark.what == "cable":
        yield Stroke([_moved(lines[0], (0.0075, -0.0025), 1.0)], (0.10, 0.10, 0.11), 0.70, soft_m=0.004)
        yield Stroke(lines, (0.028, 0.029, 0.032), 1.0)
        yield Stroke([_moved(lines[0], (-0.0015, 0.0006), 0.28)], (0.20, 0.20, 0.21), 0.75, soft_m=0.002)


def _moved(line: WideLine, shift_uv_m: tuple[float, float], breadth: float) -> WideLine:
    return WideLine(line.uv_m + np.asarray(shift_uv_m), line.width_m * breadth)


def _chips(seed: int, mark: Mark) -> list[WideLine]:
    """Little spalls along the edges of wide cracks: fresh, paler concrete beside the dark line."""
    rng = stream(seed, f"chips {mark.id}")
    chips = []
    for line in mark.lines:
        steps = np.arange(4, len(line.uv_m) - 8)
        wide = steps[line.width_m[steps] > 0.0015]
        for step in wide[rng.random(len(wide)) < 0.22]:
            length = int(rng.integers(2, 7))
            piece = line.uv_m[step : step + length]
            along = piece[-1] - piece[0]
            normal = np.array([-along[1], along[0]]) / np.linalg.norm(along) * rng.choice([-1.0, 1.0])
            breadth = line.width_m[step] * rng.uniform(0.6, 1.7)
            swell = np.sin(np.linspace(0.3, np.pi - 0.3, length))
            chips.append(WideLine(piece + normal * line.width_m[step] / 2, breadth * swell))
    return chips


def draw(picture: Float32Array, camera: TrueCamera, stroke: Stroke, surface: str) -> None:
    """Blend a stroke into a linear picture (3, rows, columns), in place."""
    z_m = SURFACE_Z_M[surface]
    scale = camera.ground_resolution_m(z_m)
    segments, widths = [], []
    for line in stroke.lines:
        xy_px = camera.project(line.uv_m, z_m)
        segments.append(np.stack([xy_px[:-1], xy_px[1:]], axis=1))
        widths.append((line.width_m[:-1] + line.width_m[1:]) / 2 / scale)
    if not segments:
        return
    found = coverage(np.concatenate(segments), np.concatenate(widths), stroke.soft_m / scale, picture.shape[1:])
    if found is None:
        return
    rows, columns, cover = found
    below = picture[:, rows, columns]
    cover = cover * stroke.opacity
    if stroke.grainy:
        brightness = below[1]
        grain = (brightness - np.median(brightness)) / max(float(brightness.std()), 1e-6)
        cover = cover * np.clip(1 - stroke.grainy * (0.6 - 0.5 * grain), 0, 1)
    light = np.asarray(stroke.rgb, dtype=np.float32)[:, None, None]
    below += cover * (light - below)


def coverage(
    segments_px: npt.NDArray[np.float64],
    width_px: npt.NDArray[np.float64],
    soft_px: float,
    shape: tuple[int, int],
) -> tuple[slice, slice, Float32Array] | None:
    """Part of each pixel that segments of given width cover.

    A pixel's part is that of a box one pixel wide square to the line, which is exact for straight lines along
    the pixel grid and never off by more than 0.05 for others. So a crack of 0.3 px darkens its pixels by 0.3.

    Parameters
    ----------
    segments_px
        (n, 2, 2) start and end, x and y.
    width_px
        (n,) width.
    soft_px
        Breadth over which the border fades, at least one pixel is taken.
    shape
        Rows and columns of the picture.

    Returns
    -------
    rows, columns, cover
        The window of the picture that is touched and its cover, 0..1; None when nothing lies in the picture.
    """
    margin = width_px / 2 + max(soft_px, 1.0)
    low = segments_px.min(axis=1) - margin[:, None]
    high = segments_px.max(axis=1) + margin[:, None]
    seen = (high > 0).all(axis=1) & (low < np.array(shape[::-1])).all(axis=1)
    if not seen.any():
        return None
    segments_px, width_px, low, high = segments_px[seen], width_px[seen], low[seen], high[seen]
    corner = np.maximum(np.floor(low.min(axis=0)).astype(int), 0)
    end = np.minimum(np.ceil(high.max(axis=0)).astype(int) + 1, shape[::-1])
    window = (int(end[1] - corner[1]), int(end[0] - corner[0]))
    cover = np.zeros(window[0] * window[1], dtype=np.float32)
    size = int(np.ceil((high - low).max())) + 1
    steps = np.arange(size)
    for first in range(0, len(segments_px), _SEGMENTS_AT_ONCE):
        part = slice(first, first + _SEGMENTS_AT_ONCE)
        start = np.floor(low[part]).astype(int)
        columns = start[:, None, None, 0] + steps[None, None, :]
        rows = start[:, None, None, 1] + steps[None, :, None]
        origin = segments_px[part, 0]
        along = segments_px[part, 1] - origin
        x = columns + 0.5 - origin[:, None, None, 0]
        y = rows + 0.5 - origin[:, None, None, 1]
        dx, dy = along[:, None, None, 0], along[:, None, None, 1]
        place = np.clip((x * dx + y * dy) / np.maximum(dx * dx + dy * dy, 1e-12), 0, 1)
        distance = np.hypot(x - place * dx, y - place * dy)
        fade, half = max(soft_px, 1.0), width_px[part][:, None, None] / 2
        amount = np.clip((half - distance) / fade + 0.5, 0, 1) - np.clip((-half - distance) / fade + 0.5, 0, 1)
        inside_x = (columns >= corner[0]) & (columns < end[0])
        inside_y = (rows >= corner[1]) & (rows < end[1])
        touched = (amount > 0) & inside_x & inside_y
        index = ((rows - corner[1]) * window[1] + columns - corner[0])[touched]
        np.maximum.at(cover, index, amount[touched].astype(np.float32))
    return slice(corner[1], end[1]), slice(corner[0], end[0]), cover.reshape(window)
