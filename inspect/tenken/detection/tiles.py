"""Overlapping tiles that cover a picture."""

import numpy as np
import numpy.typing as npt

from tenken.errors import SettingsError

IntArray = npt.NDArray[np.int64]


def tile_windows(
    width_px: int, height_px: int, *, tile_px: int = 640, overlap: float = 0.2, origin_px: tuple[int, int] = (0, 0)
) -> IntArray:
    """Cover a picture with overlapping square tiles.

    Every pixel lies in at least one tile. Tiles keep their full size where the picture allows it: those that would
    stick out are pushed back inside, so a detector always sees as much surroundings as possible.

    Parameters
    ----------
    width_px, height_px
        Size of the picture.
    tile_px
        Side of a tile.
    overlap
        Share of a tile that its neighbour repeats, 0 <= overlap < 1.
    origin_px
        Where the grid starts (x, y); results must not depend on it.

    Returns
    -------
    (n, 4) left, top, right, bottom in pixels, row by row.

    Raises
    ------
    SettingsError
        When a value is out of range.
    """
    if tile_px < 32:
        raise SettingsError(f"--tile must be at least 32 pixels, got {tile_px}")
    if not 0 <= overlap < 0.9:
        raise SettingsError(f"--overlap must be at least 0 and below 0.9, got {overlap}")
    lefts = _starts(width_px, tile_px, overlap, origin_px[0])
    tops = _starts(height_px, tile_px, overlap, origin_px[1])
    top, left = (grid.ravel() for grid in np.meshgrid(tops, lefts, indexing="ij"))
    return np.stack(
        [left, top, np.minimum(left + tile_px, width_px), np.minimum(top + tile_px, height_px)], axis=1
    ).astype(np.int64)


def _starts(length_px: int, tile_px: int, overlap: float, origin_px: int) -> IntArray:
    step = max(1, round(tile_px * (1 - overlap)))
    last = max(0, length_px - tile_px)
    first = origin_px % step
    starts = np.arange(first - step if first else 0, last + step, step)
    return np.unique(np.clip(starts, 0, last)).astype(np.int64)
