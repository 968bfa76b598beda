"""From exact geometry to pixels."""

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize
from shapely import affinity

BoolArray = npt.NDArray[np.bool_]

THIN_PX = 2.0
"""An area with a mean width below this would fall apart if only pixels counted whose centres it covers."""

SUBPIXELS = 4
"""A thin area takes each pixel in which it covers the centre of one of 4 x 4 parts."""


def paint(
    area: shapely.Geometry, height_px: int, width_px: int, *, line: shapely.Geometry | None = None
) -> tuple[BoolArray, int, int]:
    """Return the pixels of an area as a crop.

    Parameters
    ----------
    area
        Polygons in pixels of the picture; pixel corners are whole numbers.
    height_px, width_px
        The picture; what lies outside is cut off.
    line
        Centre line of the area; pixels that it runs through belong to it, so that a hairline hangs together.

    Returns
    -------
    (h, w) pixels, and the column and row of the first in the picture.
    """
    left, top, right, bottom = shapely.total_bounds(area).tolist() if not shapely.is_empty(area) else (0, 0, 0, 0)
    if line is not None and not shapely.is_empty(line):
        across, down, over, under = shapely.bounds(line).tolist()
        left, top, right, bottom = min(left, across), min(top, down), max(right, over), max(bottom, under)
    x0, y0 = (int(np.clip(np.floor(edge), 0, side)) for edge, side in ((left, width_px), (top, height_px)))
    x1, y1 = (int(np.clip(np.ceil(edge), 0, side)) for edge, side in ((right, width_px), (bottom, height_px)))
    if x1 <= x0 or y1 <= y0:
        return np.zeros((0, 0), dtype=bool), x0, y0
    shape = y1 - y0, x1 - x0
    mask = np.zeros(shape, dtype=bool)
    for part in shapely.get_parts(area):
        if part.area > 0:
            near = affinity.translate(part, -x0, -y0)
            mask |= _covered(near, shape, SUBPIXELS if mean_width_px(part) < THIN_PX else 1)
    if line is not None and not shapely.is_empty(line):
        mask |= _run_through(affinity.translate(line, -x0, -y0), shape)
    return mask, x0, y0


def mean_width_px(area: shapely.Geometry) -> float:
    """Width of a long area: twice its area over its rim."""
    return float(2 * shapely.area(area) / max(shapely.length(area), 1e-9))


def _covered(area: shapely.Geometry, shape: tuple[int, int], parts: int) -> BoolArray:
    """Take the pixels of which the centre, or the centre of one of parts x parts, is covered."""
    fine = affinity.scale(area, parts, parts, origin=(0, 0))
    burnt = rasterize([fine], (shape[0] * parts, shape[1] * parts), dtype="uint8")
    return np.asarray(burnt.reshape(shape[0], parts, shape[1], parts).any(axis=(1, 3)))


def _run_through(line: shapely.Geometry, shape: tuple[int, int]) -> BoolArray:
    """Take the pixels that hold points of a line, a quarter of a pixel apart."""
    mask = np.zeros(shape, dtype=bool)
    corners = shapely.get_coordinates(shapely.segmentize(line, 0.25))
    column, row = np.floor(corners).astype(np.int64).T
    inside = (column >= 0) & (row >= 0) & (column < shape[1]) & (row < shape[0])
    mask[row[inside], column[inside]] = True
    return mask
