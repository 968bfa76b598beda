"""GeoParquet for data platforms: every layer, geometry as WKB in the flight's own coordinate system.

The file metadata follow GeoParquet 1.1.0 (https://geoparquet.org/releases/v1.1.0/).
"""

import io
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import shapely
from pyproj import CRS

from tenken.errors import MissingExtraError
from tenken.exports.result import FinishedResult
from tenken.journal import write_atomically
from tenken.outputs.layers import Layer

SPEC_VERSION = "1.1.0"
GEOMETRY = "geometry"


def write_geoparquet(result: FinishedResult, folder: Path) -> list[str]:
    """Write a ``.parquet`` for each layer.

    Raises
    ------
    MissingExtraError
        When pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise MissingExtraError('--to geoparquet: pyarrow is not installed: pip install "tenken[geoparquet]"')
    for name, layer in result.layers.items():
        write_atomically(folder / f"{name}.parquet", _parquet(layer, result.crs))
    return []


def _parquet(layer: Layer, crs: CRS | None) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "real": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}
    schema = [pa.field(name, types[kind]) for name, kind in layer.fields.items()]
    arrays = [
        pa.array(layer.column(field.name) if layer.rows else [], field.type, from_pandas=False) for field in schema
    ]
    wkb = [None if shape is None else shapely.to_wkb(shape) for shape, _ in layer.rows]
    arrays.append(pa.array(wkb, pa.binary()))
    schema.append(pa.field(GEOMETRY, pa.binary()))
    metadata = {"geo": json.dumps(_geo(layer, crs), ensure_ascii=False, sort_keys=True)}
    table = pa.Table.from_arrays(arrays, schema=pa.schema(schema, metadata=metadata))
    content = io.BytesIO()
    pq.write_table(table, content)
    return content.getvalue()


def _geo(layer: Layer, crs: CRS | None) -> dict[str, Any]:
    shapes = [shape for shape, _ in layer.rows if shape is not None]
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [layer.geometry_type] if shapes else [],
        # Null says that it is not known; without the key readers take longitude and latitude for granted.
        "crs": None if crs is None else crs.to_json_dict(),
    }
    if shapes:
        column["bbox"] = [float(edge) for edge in shapely.total_bounds(shapes)]
    return {"version": SPEC_VERSION, "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
