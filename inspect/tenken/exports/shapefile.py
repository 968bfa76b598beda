"""Shapefiles, for those who must: short column names, short texts, and everything that had to be cut is said."""

import csv
import io
import re
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import shapely

from tenken.exports.result import FinishedResult
from tenken.exports.shapefile_names import SHORT_NAMES
from tenken.journal import replace_file, write_atomically
from tenken.notes import Note
from tenken.outputs.layers import Layer, Value

LAYERS = ("defects", "crack_lines", "segments", "coverage", "photos")
"""Sightings stay out: their outlines in pixels are longer than a Shapefile's texts."""
MOST_NAME = 10
MOST_BYTES = 254
"""Longest text of a dBASE field, in bytes of UTF-8."""
NO_DATE = "2000-01-01"
"""Date in the table's head where no photo says when it was taken; the day of export would change the bytes."""


def write_shapefiles(result: FinishedResult, folder: Path) -> list[str]:
    """Write a Shapefile for each layer but the sightings, and ``field_names.csv`` with the columns' whole names."""
    newest = max((str(row["taken_at"])[:10] for row in result.records("photos") if row["taken_at"]), default=NO_DATE)
    date = newest if re.fullmatch(r"\d{4}-\d\d-\d\d", newest) else NO_DATE
    crs = None if result.crs is None else result.crs.to_wkt()
    notes, table = [], [["shapefile", "short_name", "column"]]
    with tempfile.TemporaryDirectory(dir=folder) as made:
        for name in LAYERS:
            layer = result.layers[name]
            names = short_names(layer.fields)
            table += [[f"{name}.shp", short, whole] for whole, short in names.items()]
            notes += _write(layer, names, Path(made) / f"{name}.shp", crs, date)
        for file in sorted(Path(made).iterdir()):
            replace_file(file, folder / file.name)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(table)
    write_atomically(folder / "field_names.csv", text.getvalue().encode("utf-8-sig"))
    return [*notes, Note.of("export.no_sightings")]


def short_names(fields: Iterable[str]) -> dict[str, str]:
    """Give each column a name that a Shapefile can hold: by the table, else cut, and told apart by a number."""
    columns = list(fields)
    given = {name: SHORT_NAMES[name] for name in columns if name in SHORT_NAMES}
    taken = {short.casefold() for short in given.values()}
    for name in columns:
        if name in given:
            continue
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:MOST_NAME]
        numbered = (f"{plain[: MOST_NAME - 1 - len(str(n))]}_{n}" for n in range(1, len(columns) + 1))
        given[name] = next(one for one in (plain, *numbered) if one.casefold() not in taken)
        taken.add(given[name].casefold())
    return {name: given[name] for name in columns}


def cut_text(text: str) -> str:
    """Cut a text to what a Shapefile holds, between characters."""
    return text.encode("utf-8")[:MOST_BYTES].decode("utf-8", errors="ignore")


def _write(layer: Layer, names: Mapping[str, str], path: Path, crs: str | None, date: str) -> list[str]:
    columns, masks, notes = [], [], []
    for name, kind in layer.fields.items():
        values = list(layer.column(name))
        if kind == "text":
            values, cut = _cut(values)
            if cut:
                whole = "whole in inspection.gpkg"
                notes.append(f"{path.name}: {name} ({names[name]}) cut to {MOST_BYTES} bytes in {cut} rows; {whole}")
        columns.append(_array(values, kind))
        masks.append(np.array([value is None for value in values], dtype=np.bool_))
    wkb = np.array([None if shape is None else shapely.to_wkb(shape) for shape, _ in layer.rows], dtype=object)
    with warnings.catch_warnings():
        # A flight without positions has no coordinate system, and that is right.
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.raw.write(
            path,
            wkb,
            columns,
            list(names.values()),
            field_mask=masks,
            driver="ESRI Shapefile",
            geometry_type=str(layer.geometry_type).removeprefix("Multi"),
            crs=crs,
            promote_to_multi=False,
            layer_options={"ENCODING": "UTF-8", "DBF_DATE_LAST_UPDATE": date},
        )
    return notes


def _cut(values: list[Value]) -> tuple[list[Value], int]:
    cut = [None if value is None else cut_text(str(value)) for value in values]
    return list(cut), sum(short != value for short, value in zip(cut, values, strict=True))


def _array(values: list[Value], kind: str) -> npt.NDArray[Any]:
    """Give an array for dBASE, which has no true and false: 1 and 0."""
    if kind == "text":
        return np.array(values, dtype=object)
    if kind == "real":
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.array([0 if value is None else int(value) for value in values], dtype=np.int64)
