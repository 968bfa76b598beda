"""A finished run's result as it stands in ``inspection.gpkg`` now, with what people entered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely
from pyproj import CRS
from shapely import MultiLineString, MultiPolygon

from tenken.errors import SettingsError
from tenken.outputs import columns
from tenken.outputs.columns import FieldType
from tenken.outputs.layers import GeometryType, Layer, LayerGeometry, Value
from tenken.outputs.reviews import REJECTED
from tenken.running.moved import flight_now
from tenken.running.results import GEOPACKAGE, finished_run

LAYERS: dict[str, tuple[GeometryType, Mapping[str, FieldType], str | None]] = {
    "defects": ("MultiPolygon", columns.DEFECTS, "id"),
    "crack_lines": ("MultiLineString", columns.CRACK_LINES, "defect_id"),
    "sightings": ("MultiPolygon", columns.SIGHTINGS, "sighting_id"),
    "segments": ("MultiPolygon", columns.SEGMENTS, "segment_id"),
    "coverage": ("MultiPolygon", columns.COVERAGE, None),
    "photos": ("MultiPolygon", columns.PHOTOS, "photo"),
}
"""Layers of the map: geometry, the columns' types, and the column that names a row."""
_OF_A_DEFECT = {"defects": "id", "crack_lines": "defect_id", "sightings": "defect_id"}
_TYPES: dict[str, FieldType] = {"f": "real", "i": "integer", "b": "boolean"}
"""By numpy's kind; anything else is text."""


@dataclass(frozen=True, slots=True)
class FinishedResult:
    """What a finished run left, as people have edited it since."""

    folder: Path
    flight: str
    flight_path: Path
    crs: CRS | None
    """None when no photo has a position."""
    layers: Mapping[str, Layer]
    """By name, as in `LAYERS`, rows in the order of their names."""
    about: Mapping[str, Value]
    """The table ``run``: what made the result."""

    def records(self, layer: str) -> list[dict[str, Value]]:
        """Give a layer's rows by column name, without geometry."""
        found = self.layers[layer]
        return [dict(zip(found.fields, values, strict=True)) for _, values in found.rows]


def read_result(folder: Path) -> FinishedResult:
    """Read the result of a finished run.

    Raises
    ------
    SettingsError
        When the folder holds none, or its GeoPackage cannot be read.
    """
    record = finished_run(folder)
    package = folder / GEOPACKAGE
    try:
        names = {str(name) for name, _ in pyogrio.list_layers(package)}
        if missing := sorted({*LAYERS, "run"} - names):
            raise SettingsError(f"{package}: has no layer {missing[0]}: run `inspect report {folder}` to write it anew")
        keys, values = pyogrio.raw.read(package, layer="run", columns=["key", "value"])[3]
        layers = {name: _read_layer(package, name) for name in LAYERS}
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise SettingsError(f"{package}: cannot be read ({error}): run `inspect report {folder}` again") from error
    return FinishedResult(
        folder=folder,
        flight=str(record["flight"]),
        flight_path=flight_now(folder, record),
        crs=None if record["crs"] is None else CRS.from_user_input(record["crs"]),
        layers=layers,
        about=dict(zip(keys.tolist(), values.tolist(), strict=True)),
    )


def without_rejected(result: FinishedResult) -> tuple[FinishedResult, int]:
    """Leave out what a person rejected, and say how many defects that were."""
    rejected = {row["id"] for row in result.records("defects") if row.get("review") == REJECTED}

    def kept(layer: Layer) -> Layer:
        if layer.name not in _OF_A_DEFECT:
            return layer
        of = layer.column(_OF_A_DEFECT[layer.name])
        rows = tuple(row for row, defect_id in zip(layer.rows, of, strict=True) if defect_id not in rejected)
        return replace(layer, rows=rows)

    return replace(result, layers={name: kept(layer) for name, layer in result.layers.items()}), len(rejected)


def _read_layer(package: Path, name: str) -> Layer:
    geometry_type, types, id_column = LAYERS[name]
    meta, _, geometries, read = pyogrio.raw.read(package, layer=name)
    fields: dict[str, FieldType] = {}
    for field, dtype in zip(meta["fields"], meta["dtypes"], strict=True):
        # Columns that people added in QGIS go along.
        fields[str(field)] = types.get(str(field), _TYPES.get(np.dtype(dtype).kind, "text"))
    values = [_values(column, kind) for column, kind in zip(read, fields.values(), strict=True)]
    shapes = [_shape(wkb, geometry_type) for wkb in geometries]
    rows = [(shape, row) for shape, row in zip(shapes, zip(*values, strict=True), strict=True)]
    if id_column is not None:
        at = list(fields).index(id_column)
        rows.sort(key=lambda row: str(row[1][at]))
    return Layer(name, geometry_type, fields, tuple(rows))


def _values(column: npt.NDArray[np.generic], kind: FieldType) -> list[Value]:
    def value(one: object) -> Value:
        if one is None or one != one:  # NaN stands for null
            return None
        if kind == "integer":
            return int(one)  # type: ignore[call-overload, no-any-return]
        if kind == "boolean":
            return bool(one)
        return float(one) if kind == "real" else str(one)  # type: ignore[arg-type]

    return [value(one) for one in column.tolist()]


def _shape(wkb: bytes | None, geometry_type: GeometryType) -> LayerGeometry | None:
    shape = None if wkb is None else shapely.from_wkb(wkb)
    if shape is None or shape.is_empty:
        return None
    parts = shapely.get_parts(shape)
    return MultiPolygon(list(parts)) if geometry_type == "MultiPolygon" else MultiLineString(list(parts))
