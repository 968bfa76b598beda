"""Pixels that stand for a whole picture: along its border, and on a grid over it."""

import numpy as np
import numpy.typing as npt
from shapely import Polygon

from tenken.georeferencing.camera import Camera

FloatArray = npt.NDArray[np.float64]

GRID_POINTS = 33
"""What a photo shows is sampled so many times along each side."""
_BORDER_POINTS = 24


def grid_px(camera: Camera, around: FloatArray | None = None) -> FloatArray:
    """(GRID_POINTS squared, 2) pixels over the picture, its border with them.

    Or over the part of it that holds some pixels of such a grid, and their neighbours.
    """
    size = np.array([camera.width_px, camera.height_px], dtype=np.float64)
    low, high = np.zeros(2), size
    if around is not None:
        step = size / (GRID_POINTS - 1)
        low, high = np.maximum(around.min(axis=0) - step, low), np.minimum(around.max(axis=0) + step, high)
    x, y = np.meshgrid(*np.linspace(low, high, GRID_POINTS).T)
    return np.column_stack([x.ravel(), y.ravel()])


def border_px(camera: Camera) -> FloatArray:
    """(n, 2) pixels along the picture's border, clockwise from the top left."""
    width, height = camera.width_px, camera.height_px
    across, down = np.linspace(0.0, width, _BORDER_POINTS), np.linspace(0.0, height, _BORDER_POINTS)
    return np.concatenate(
        [
            np.column_stack([across, np.zeros_like(across)]),
            np.column_stack([np.full_like(down, width), down])[1:],
            np.column_stack([across[::-1], np.full_like(across, height)])[1:],
            np.column_stack([np.zeros_like(down), down[::-1]])[1:-1],
        ]
    )


def cells_of(xy_m: FloatArray) -> list[Polygon]:
    """Cells of the grid all of whose corners are known, from (GRID_POINTS squared, 2) places of its points."""
    xy_m = xy_m.reshape(GRID_POINTS, GRID_POINTS, 2)
    corners = np.stack([xy_m[:-1, :-1], xy_m[:-1, 1:], xy_m[1:, 1:], xy_m[1:, :-1]], axis=2).reshape(-1, 4, 2)
    cells = [Polygon(cell) for cell in corners[~np.isnan(corners).any(axis=(1, 2))]]
    return [cell for cell in cells if cell.is_valid]
