"""Patches with irregular outlines: rust, stains, efflorescence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.ndimage import distance_transform_edt, gaussian_filter, label
from shapely import MultiPolygon, Polygon
from skimage.measure import find_contours

from tenken_demo.lines import WideLine, as_multipolygon
from tenken_demo.noise import Float32Array, field_noise

CELL_M = 0.001
SMALLEST_PIECE_M2 = 4e-5
"""Specks and holes below this are left out: nobody would outline them."""


@dataclass(frozen=True, slots=True)
class PatchShape:
    """A patch as a raster of cover.

    Parameters
    ----------
    cover
        (rows along v, columns along u), 0..1; the outline is where it passes one half.
    origin_uv_m
        u, v of the first cell's centre.
    """

    cover: Float32Array
    origin_uv_m: tuple[float, float]

    def outline(self) -> MultiPolygon:
        """Trace the patch's polygons in u, v metres, with their holes."""
        padded = np.pad(self.cover, 1)
        united: shapely.Geometry = MultiPolygon()
        for contour in find_contours(padded, 0.5):
            if len(contour) >= 4:
                uv_m = (contour[:, ::-1] - 1) * CELL_M + np.asarray(self.origin_uv_m)
                # A hole's contour lies inside another: the even-odd rule takes it out again.
                united = shapely.symmetric_difference(united, shapely.make_valid(Polygon(uv_m)))
        return as_multipolygon(shapely.set_precision(shapely.simplify(united, 2e-4), 1e-5))


def ragged(
    rng: np.random.Generator,
    centre: Sequence[float],
    size_m: tuple[float, float],
    *,
    raggedness: float = 0.5,
    within_v_m: tuple[float, float] | None = None,
) -> PatchShape:
    """Shape an irregular patch around a point; `size_m` is its usual extent along u and v.

    The outline is where an ellipse's distance plus noise of three scales passes a threshold. `within_v_m`
    cuts it at the borders of its surface.
    """
    columns, rows = (int(np.ceil(1.9 * length / CELL_M)) for length in size_m)
    u = (np.arange(columns) - (columns - 1) / 2) * CELL_M
    v = (np.arange(rows) - (rows - 1) / 2) * CELL_M
    radius = np.hypot(u[None, :] / (size_m[0] / 2), v[:, None] / (size_m[1] / 2))
    small = min(rows, columns)
    texture = sum(
        weight * field_noise(rng, (rows, columns), max(part * small, 1.2))
        for weight, part in ((0.6, 0.14), (0.3, 0.05), (0.18, 0.018))
    )
    inside = 1.0 - radius + raggedness * texture > 0
    inside &= radius < 1.7
    inside[[0, -1], :] = False
    inside[:, [0, -1]] = False
    origin = (centre[0] + u[0], centre[1] + v[0])
    if within_v_m is not None:
        across = origin[1] + np.arange(rows) * CELL_M
        inside &= ((across > within_v_m[0]) & (across < within_v_m[1]))[:, None]
    pieces, _ = label(inside)
    # One patch is one piece: how many defects two pieces side by side are would be a matter of taste.
    return PatchShape(_softened(pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])), origin)


def along_line(rng: np.random.Generator, line: WideLine, reach_m: float) -> PatchShape:
    """Shape a patch of changing breadth on both sides of a line, as efflorescence comes out of a crack."""
    low = line.uv_m.min(axis=0) - 3 * reach_m
    columns, rows = np.ceil((line.uv_m.max(axis=0) + 3 * reach_m - low) / CELL_M).astype(int)
    off_line = np.ones((rows, columns), dtype=bool)
    cells = np.round((line.uv_m - low) / CELL_M).astype(int)
    for shift in np.linspace(0, 1, 5):
        between = np.round(cells[:-1] * (1 - shift) + cells[1:] * shift).astype(int)
        off_line[between[:, 1], between[:, 0]] = False
    distance_m = distance_transform_edt(off_line) * CELL_M
    breadth = 1.0 + 0.8 * field_noise(rng, (rows, columns), 18) + 0.35 * field_noise(rng, (rows, columns), 4)
    return PatchShape(_softened(distance_m < reach_m * np.minimum(breadth, 2.6)), (float(low[0]), float(low[1])))


def _softened(inside: npt.NDArray[np.bool_]) -> Float32Array:
    """Take specks and pinholes out of a mask and soften its border over about a cell."""
    smallest = SMALLEST_PIECE_M2 / CELL_M**2
    for _ in range(2):
        # First specks, then, in the inverted mask, holes.
        pieces, count = label(inside)
        size = np.bincount(pieces.ravel(), minlength=count + 1)
        inside = ~(inside & (size[pieces] >= smallest))
    cover: Float32Array = gaussian_filter(inside.astype(np.float32), 0.8)
    return cover
