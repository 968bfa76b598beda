"""What overlays and repairs of polygons leave."""

import shapely
from shapely import Polygon


def largest_polygon(geometry: shapely.Geometry) -> Polygon | None:
    """Return the largest polygon in a geometry of any type; None when there is none."""
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon) and not part.is_empty]
    return max(parts, key=lambda part: float(part.area), default=None)
