"""Outlines of masks, along the edges of their cells."""

import warnings

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import shapes
from shapely import MultiPolygon, Polygon

TOLERANCE_PX = 0.6
"""Vertices that move an outline by less are dropped, which takes the staircases away."""

# A mask lies in no map; rasterio warns about that each time.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module=r"rasterio\.features")


def outline_of(mask: npt.NDArray[np.bool_]) -> MultiPolygon:
    """Return the outline of an (h, w) mask, holes included, in its cells; the first cell's corner is (0, 0)."""
    rings = shapes(mask.astype(np.uint8), mask=mask, connectivity=4)
    polygons = [Polygon(shape["coordinates"][0], shape["coordinates"][1:]) for shape, _ in rings]
    whole = shapely.union_all(polygons)
    smooth = shapely.make_valid(shapely.simplify(whole, TOLERANCE_PX))
    parts = [part for part in shapely.get_parts(smooth) if isinstance(part, Polygon)]
    return MultiPolygon(parts) if parts else MultiPolygon(polygons)
