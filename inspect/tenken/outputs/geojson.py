"""Defects and segments for web maps: RFC 7946, byte-equal for equal input."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from shapely import MultiLineString, Polygon
from shapely.geometry.polygon import orient

from tenken.inspection import Inspection
from tenken.journal import write_atomically
from tenken.outputs.layers import Layer, LayerGeometry, defects_layer, segments_layer
from tenken.outputs.qgis.style import layer_qml
from tenken.outputs.reviews import Review

DECIMALS = 9
"""0.1 mm on the ground; the usual 7 would be 11 mm, wider than any crack."""


def write_geojson(
    folder: Path,
    inspection: Inspection,
    lang: str,
    *,
    reviews: Mapping[str, Review] | None = None,
    crops: Mapping[str, str] | None = None,
    flight_folder: str | None = None,
) -> None:
    """Write ``defects.geojson`` and ``segments.geojson``, each with its QGIS style beside it."""
    layers = {
        "id": defects_layer(inspection, reviews=reviews, crops=crops),
        "segment_id": segments_layer(inspection),
    }
    for id_column, layer in layers.items():
        text = feature_collection(layer, inspection.crs, id_column)
        write_atomically(folder / f"{layer.name}.geojson", text)
        write_atomically(folder / f"{layer.name}.qml", layer_qml(layer, lang, flight_folder=flight_folder))


def feature_collection(layer: Layer, crs: CRS | None, id_column: str | None) -> str:
    """Write a layer as GeoJSON text, one feature a line; without an ``id_column`` features have no id."""
    to_wgs84 = None if crs is None else Transformer.from_crs(crs, 4326, always_xy=True)
    identities = [None] * len(layer.rows) if id_column is None else layer.column(id_column)
    lines = []
    for (geometry, values), identity in zip(layer.rows, identities, strict=True):
        feature = {
            "type": "Feature",
            **({} if id_column is None else {"id": identity}),
            "geometry": None if to_wgs84 is None else _geometry(geometry, to_wgs84),
            "properties": dict(zip(layer.fields, values, strict=True)),
        }
        lines.append(json.dumps(feature, ensure_ascii=False, allow_nan=False))
    name = json.dumps(layer.name)
    return f'{{"type": "FeatureCollection", "name": {name}, "features": [\n' + ",\n".join(lines) + "\n]}\n"


def _geometry(geometry: LayerGeometry | None, to_wgs84: Transformer) -> dict[str, Any] | None:
    """Give areas or lines as a GeoJSON object, exterior rings counter-clockwise, None for nothing."""
    if geometry is None or geometry.is_empty:
        return None

    def degrees(xy_m: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(to_wgs84.transform(xy_m[:, 0], xy_m[:, 1]))

    placed = shapely.transform(shapely.force_2d(geometry), degrees)
    if isinstance(placed, MultiLineString):
        return {"type": "MultiLineString", "coordinates": [_positions(line.coords) for line in placed.geoms]}
    # On the grid of the decimals first, so that rounding makes no ring cross itself; a sliver that would
    # vanish there is kept as it was.
    gridded = shapely.set_precision(placed, 10.0**-DECIMALS)
    polygons = [part for part in shapely.get_parts(gridded) if isinstance(part, Polygon) and not part.is_empty]
    if not polygons:
        polygons = [*placed.geoms]
    return {"type": "MultiPolygon", "coordinates": [_rings(orient(polygon)) for polygon in polygons]}


def _rings(polygon: Polygon) -> list[list[list[float]]]:
    return [_positions(ring.coords) for ring in (polygon.exterior, *polygon.interiors)]


def _positions(lon_lat_deg: Iterable[Sequence[float]]) -> list[list[float]]:
    return [[round(position[0], DECIMALS), round(position[1], DECIMALS)] for position in lon_lat_deg]
