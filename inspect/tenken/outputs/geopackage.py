"""The GeoPackage: every layer with its default QGIS style."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from tenken.inspection import Inspection
from tenken.outputs.columns import LAYER_STYLES, FieldType
from tenken.outputs.layers import Layer, Value, all_layers
from tenken.outputs.qgis.style import layer_qml
from tenken.outputs.reviews import Review
from tenken.wording import words

_DTYPES: dict[FieldType, tuple[Any, Any]] = {
    "text": (object, None),
    "real": (np.float64, np.nan),
    "integer": (np.int64, 0),
    "boolean": (np.bool_, False),
}
"""Array type, and what stands under the mask of a null."""

GEOMETRY_COLUMN = "geom"


def write_layers(
    path: Path,
    inspection: Inspection,
    lang: str,
    *,
    reviews: Mapping[str, Review] | None = None,
    crops: Mapping[str, str] | None = None,
    flight_folder: str | None = None,
) -> None:
    """Write all layers, the tables and one default style for each into a GeoPackage.

    Parameters
    ----------
    path
        A GeoPackage that does not exist yet, or that has none of these layers.
    inspection
        The result.
    lang
        ``"ja"`` or ``"en"``, for the styles' field names and legends.
    reviews
        What people entered in an earlier result, by defect id (`tenken.outputs.reviews`); kept.
    crops
        Picture of each defect relative to the GeoPackage's folder, by defect id, for forms.
    flight_folder
        Where the photos lie, relative to the GeoPackage's folder, for links; None where no relative path leads there.
    """
    layers = all_layers(inspection, reviews=reviews, crops=crops, lang=lang)
    title = words(lang)
    for layer in layers:
        _write_layer(path, layer, inspection.crs, title(f"layer.{layer.name}"))
    _write_layer(path, _styles_table(layers, lang, flight_folder), None)


def start_geopackage(path: Path) -> None:
    """Make a GeoPackage that says it is not finished, for a run to keep its journal in; never seen half made."""
    new = path.with_name(f"start-{path.name}")
    new.unlink(missing_ok=True)
    state = [np.array(["state"], dtype=object), np.array(["unfinished: run the same command again"], dtype=object)]
    pyogrio.raw.write(new, None, state, ["key", "value"], layer="run", driver="GPKG")
    new.replace(path)


def _write_layer(path: Path, layer: Layer, crs: CRS | None, description: str = "") -> None:
    columns = [_column(layer.column(name), kind) for name, kind in layer.fields.items()]
    options = {"FID": "id" if layer.name == "layer_styles" else "fid", "DESCRIPTION": description}
    geometry = None
    if layer.geometry_type is not None:
        geometry = np.array([_wkb(shape) for shape, _ in layer.rows], dtype=object)
        options["GEOMETRY_NAME"] = GEOMETRY_COLUMN
        if crs is None:
            options["SRID"] = "-1"  # GeoPackage's code for an undefined cartesian system
    with warnings.catch_warnings():
        # A flight without positions has no coordinate system, and that is right.
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.raw.write(
            path,
            geometry,
            [values for values, _ in columns],
            list(layer.fields),
            field_mask=[mask for _, mask in columns],
            layer=layer.name,
            driver="GPKG",
            geometry_type=layer.geometry_type,
            crs=None if crs is None or geometry is None else _crs_text(crs),
            layer_options=options,
            # GDAL 3.6, which QGIS 3.22 has, warns of anything newer.
            dataset_options={"VERSION": "1.3"},
        )


def _column(values: tuple[Value, ...], kind: FieldType) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Give a column's values and where it is null."""
    dtype, filler = _DTYPES[kind]
    null = np.array([value is None for value in values], dtype=np.bool_)
    return np.array([filler if value is None else value for value in values], dtype=dtype), null


def _wkb(shape: BaseGeometry | None) -> bytes | None:
    if shape is None or shape.is_empty:
        return None
    return bytes(shapely.to_wkb(shapely.force_2d(shape)))


def _crs_text(crs: CRS) -> str:
    authority = crs.to_authority()
    return crs.to_wkt() if authority is None else ":".join(authority)


def _styles_table(layers: tuple[Layer, ...], lang: str, flight_folder: str | None) -> Layer:
    title = words(lang)
    rows = tuple(
        (
            None,
            (
                "",  # QGIS looks styles up with an empty catalogue and schema; null is not found
                "",
                layer.name,
                GEOMETRY_COLUMN if layer.geometry_type is not None else "",
                title(f"layer.{layer.name}"),
                layer_qml(layer, lang, flight_folder=flight_folder),
                None,
                True,
                title("style.description"),
                "",
                None,
                None,
            ),
        )
        for layer in layers
    )
    return Layer("layer_styles", None, LAYER_STYLES, rows)
