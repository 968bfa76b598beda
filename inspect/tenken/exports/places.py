"""Where things are in degrees, for formats that know points only."""

from collections.abc import Sequence

from pyproj import CRS, Transformer

from tenken.outputs.layers import LayerGeometry

DECIMALS = 9
"""0.1 mm on the ground."""


def places_deg(
    shapes: Sequence[LayerGeometry | None], crs: CRS | None, decimals: int = DECIMALS
) -> list[tuple[float, float] | None]:
    """Give latitude and longitude (WGS 84) of a point inside each shape; None for what has no place."""
    if crs is None:
        return [None] * len(shapes)
    to_wgs84 = Transformer.from_crs(crs, 4326, always_xy=True)
    places: list[tuple[float, float] | None] = []
    for shape in shapes:
        if shape is None:
            places.append(None)
            continue
        inside = shape.representative_point()
        lon_deg, lat_deg = to_wgs84.transform(inside.x, inside.y)
        places.append((round(lat_deg, decimals), round(lon_deg, decimals)))
    return places
