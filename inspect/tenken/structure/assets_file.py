"""Reading an assets file as it is: layers, columns by any of their names, encodings of old Shapefiles."""

import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from tenken.errors import AssetsError

_DBF_LANGUAGE_BYTE = 29
"""Of a .dbf header: the code page, 0 where the writer did not say."""
_DBF_NAME_BYTES = 10
"""Longest column name of a .dbf; longer ones were cut, maybe within a character."""


@dataclass(frozen=True, slots=True)
class RawAssets:
    """A layer's rows, geometry in the file's own CRS."""

    path: str
    crs: str | None
    geometries: list[BaseGeometry | None]
    columns: dict[str, npt.NDArray[Any]]

    def column(self, names: Sequence[str]) -> npt.NDArray[Any] | None:
        """Column by the first of these names that there is, whatever its case, width of letters or cut."""
        by_name = {_folded(name): values for name, values in self.columns.items()}
        for name in names:
            for variant in (name, _cut(name, "utf-8"), _cut(name, "cp932")):
                if (values := by_name.get(_folded(variant))) is not None:
                    return values
        return None


def read_raw(path: Path) -> RawAssets:
    """Read the file's only layer, or the one named behind ``|layername=``.

    Raises
    ------
    AssetsError
        When the file is missing, is no vector file, has several layers and none is named, or is empty.
    """
    file_text, _, wanted = str(path).partition("|layername=")
    file = Path(file_text)
    if not file.is_file():
        raise AssetsError(f"{file}: no such file; give a GeoJSON, GeoPackage or Shapefile")
    try:
        layer = _layer(file, wanted)
        fields, wkb, values, crs = _read(file, layer)
        geometries = list(shapely.from_wkb(wkb)) if wkb is not None else []
    except AssetsError:
        raise
    except (DataSourceError, DataLayerError, UnicodeDecodeError, RuntimeError, ShapelyError) as error:
        reason = str(error).splitlines()[0].split(".;")[0][:200]
        raise AssetsError(
            f"{file}: cannot be read as GeoJSON, GeoPackage or Shapefile ({reason}); "
            "open it in QGIS and export it again"
        ) from error
    if not geometries:
        raise AssetsError(f"{path}: holds no features; give a file with the structures in it")
    return RawAssets(
        path=str(path),
        crs=crs,
        geometries=geometries,
        columns=dict(zip(fields, values, strict=True)),
    )


def read_with_heights(path: Path) -> list[BaseGeometry | None]:
    """Read the geometries of the same layer with the heights of their corners, where they have any.

    Raises
    ------
    AssetsError
        When heights cannot be read.
    """
    file_text, _, wanted = str(path).partition("|layername=")
    file = Path(file_text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, _, wkb, _ = pyogrio.raw.read(file, layer=_layer(file, wanted), columns=[], encoding=_encoding(file))
        return list(shapely.from_wkb(wkb))
    except (DataSourceError, DataLayerError, RuntimeError, ShapelyError) as error:
        raise AssetsError(
            f"{path}: the heights of its corners cannot be read; export it from QGIS with plain 2-D or 3-D geometries"
        ) from error


def _read(file: Path, layer: str) -> tuple[list[str], npt.NDArray[Any] | None, list[npt.NDArray[Any]], str | None]:
    """Read column names, geometries in WKB, columns and the CRS."""
    with warnings.catch_warnings():
        # Measures on coordinates and other things that GDAL drops do not matter to a plan.
        warnings.simplefilter("ignore")
        try:
            meta, _, wkb, values = pyogrio.raw.read(file, layer=layer, force_2d=True, encoding=_encoding(file))
            return [str(name) for name in meta["fields"]], wkb, values, meta["crs"]
        except UnicodeDecodeError:
            # A .dbf whose writer cut a UTF-8 name within a character: ISO 8859-1 lets every byte through.
            meta, _, wkb, values = pyogrio.raw.read(file, layer=layer, force_2d=True, encoding="ISO-8859-1")
    columns = [np.array([_utf8(value) for value in column], dtype=object) for column in values]
    return [str(_utf8(name)) for name in meta["fields"]], wkb, columns, meta["crs"]


def _utf8(value: Any) -> Any:
    return value.encode("iso-8859-1").decode("utf-8", "ignore") if isinstance(value, str) else value


def _layer(file: Path, wanted: str) -> str:
    """Name of the layer to read: the one asked for, or the only one with geometry."""
    found = pyogrio.list_layers(file)
    names = [str(name) for name, geometry_type in found if geometry_type is not None]
    if wanted and wanted not in names:
        raise AssetsError(f"{file}: has no layer {wanted!r}; choose from {', '.join(names)}")
    if not wanted and len(names) > 1:
        raise AssetsError(
            f'{file}: has the layers {", ".join(names)}; name one, as in "{file.name}|layername={names[0]}"'
        )
    if not names:
        raise AssetsError(f"{file}: has no layer with geometry; give a file with the structures in it")
    return wanted or names[0]


def _encoding(file: Path) -> str | None:
    """Guess what a Shapefile that does not say is encoded in: UTF-8 if its bytes are, else cp932 (Japan)."""
    table = next((f for f in (file.with_suffix(".dbf"), file.with_suffix(".DBF")) if f.is_file()), None)
    if file.suffix.lower() != ".shp" or table is None or file.with_suffix(".cpg").is_file():
        return None
    content = table.read_bytes()
    if len(content) <= _DBF_LANGUAGE_BYTE or content[_DBF_LANGUAGE_BYTE] not in (0x00, 0x57):
        return None
    header_bytes = int.from_bytes(content[8:10], "little")
    try:
        # Values only: a cut column name may end within a character.
        content[header_bytes:].decode("utf-8")
    except UnicodeDecodeError:
        return "cp932"
    return "UTF-8"


def _cut(name: str, encoding: str) -> str:
    return name.encode(encoding, "ignore")[:_DBF_NAME_BYTES].decode(encoding, "ignore")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).replace("\N{REPLACEMENT CHARACTER}", "").strip().casefold()
