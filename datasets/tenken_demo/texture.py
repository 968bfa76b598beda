"""A surface's colours as rasters that every photo samples, so that all photos show the same bridge."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates

from tenken_demo.noise import Float32Array
from tenken_demo.patches import CELL_M, PatchShape

FINE_CELL_M = 0.0005
"""Cell of the fine raster at full photo size; coarser photos use two, four, … times as much."""


@dataclass(frozen=True, slots=True)
class Texture:
    """Linear reflectance of a level rectangle: a fine raster of brightness times a coarser one of colour.

    Parameters
    ----------
    fine
        (rows along v, columns along u) brightness factors, cells of `fine_cell_m`.
    tint
        (3, rows, columns) linear red, green, blue, cells of `tint_cell_m`.
    corner_uv_m
        u, v of the rectangle's low corner.
    """

    fine: Float32Array
    fine_cell_m: float
    tint: Float32Array
    tint_cell_m: float
    corner_uv_m: tuple[float, float]

    def sample(self, u_m: npt.NDArray[np.float64], v_m: npt.NDArray[np.float64]) -> Float32Array:
        """(3, n) reflectance at (n,) places, bilinear; beyond the rectangle it is mirrored."""
        fine = _bilinear(self.fine, u_m, v_m, self.corner_uv_m, self.fine_cell_m)
        return np.stack([_bilinear(band, u_m, v_m, self.corner_uv_m, self.tint_cell_m) * fine for band in self.tint])


@dataclass(frozen=True, slots=True)
class Canvas:
    """A raster over a level rectangle while it is being painted: where its cells lie."""

    corner_uv_m: tuple[float, float]
    size_m: tuple[float, float]
    cell_m: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows along v, columns along u."""
        return round(self.size_m[1] / self.cell_m), round(self.size_m[0] / self.cell_m)

    @property
    def u_m(self) -> Float32Array:
        """(1, columns) u of the cells' centres."""
        count = self.shape[1]
        return (self.corner_uv_m[0] + (np.arange(count, dtype=np.float32) + 0.5) * self.cell_m)[None, :]

    @property
    def v_m(self) -> Float32Array:
        """(rows, 1) v of the cells' centres."""
        count = self.shape[0]
        return (self.corner_uv_m[1] + (np.arange(count, dtype=np.float32) + 0.5) * self.cell_m)[:, None]

    def window(self, low_uv_m: tuple[float, float], high_uv_m: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns that lie within a rectangle, cut at the raster's borders."""
        spans = []
        for axis in (1, 0):
            limit = self.shape[1 - axis]
            low = int(np.floor((low_uv_m[axis] - self.corner_uv_m[axis]) / self.cell_m))
            high = int(np.ceil((high_uv_m[axis] - self.corner_uv_m[axis]) / self.cell_m))
            spans.append(slice(min(max(low, 0), limit), min(max(high, 0), limit)))
        return spans[0], spans[1]

    def patch_cover(self, patch: PatchShape) -> tuple[tuple[slice, slice], Float32Array]:
        """Find the rows and columns a patch touches, and its cover 0..1 there."""
        u0, v0 = patch.origin_uv_m
        rows, columns = patch.cover.shape
        window = self.window((u0, v0), (u0 + columns * CELL_M, v0 + rows * CELL_M))
        u = (self.u_m[:, window[1]] - u0) / CELL_M
        v = (self.v_m[window[0]] - v0) / CELL_M
        grid = np.broadcast_arrays(v, u)
        return window, map_coordinates(patch.cover, grid, order=1, mode="constant", output=np.float32)


def _bilinear(
    raster: Float32Array,
    u_m: npt.NDArray[np.float64],
    v_m: npt.NDArray[np.float64],
    corner_uv_m: tuple[float, float],
    cell_m: float,
) -> Float32Array:
    columns = (u_m - corner_uv_m[0]) / cell_m - 0.5
    rows = (v_m - corner_uv_m[1]) / cell_m - 0.5
    sampled: Float32Array = map_coordinates(raster, [rows, columns], order=1, mode="mirror", output=np.float32)
    return sampled
