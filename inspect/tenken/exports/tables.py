"""Tables for spreadsheets and open data: UTF-8 with BOM, header in row 1, ISO dates, empty where unknown."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from tenken.exports.places import places_deg
from tenken.exports.result import FinishedResult
from tenken.journal import write_atomically
from tenken.outputs.layers import Value
from tenken.outputs.segments_csv import cell_text

QUANTITIES = ("segment_id", "segment", "kind", "grade_candidates", "defects", "length_m", "area_m2", "standard")


def write_tables(result: FinishedResult, folder: Path) -> list[str]:
    """Write ``defects.csv``, a row a defect, and ``quantities.csv``, a row for each segment, kind and grade."""
    layer = result.layers["defects"]
    taken = {row["photo"]: row["taken_at"] for row in result.records("photos")}
    photos = layer.column("photo")
    places = places_deg([geometry for geometry, _ in layer.rows], result.crs)
    rows = [
        [*values, taken.get(photo), *(place or (None, None))]
        for (_, values), photo, place in zip(layer.rows, photos, places, strict=True)
    ]
    header = [*layer.fields, "taken_at", "latitude", "longitude"]
    write_atomically(folder / "defects.csv", _csv(header, rows))
    write_atomically(folder / "quantities.csv", _csv(QUANTITIES, _quantities(result)))
    return []


def _quantities(result: FinishedResult) -> list[list[Value]]:
    """Sum number, length and area by segment, kind and candidates: what AASHTO reports instead of one grade."""
    names = {row["segment_id"]: row["name"] for row in result.records("segments")}
    groups: dict[tuple[str, str, str], list[dict[str, Value]]] = defaultdict(list)
    for row in result.records("defects"):
        key = (str(row["segment_id"] or ""), str(row["kind"]), str(row["grade_candidates"] or ""))
        groups[key].append(row)
    return [
        [
            segment_id or None,
            names.get(segment_id),
            kind,
            grades or None,
            len(rows),
            _total([row["length_m"] for row in rows], 4),
            _total([row["area_m2"] for row in rows], 6),
            rows[0]["standard"],
        ]
        for (segment_id, kind, grades), rows in sorted(groups.items())
    ]


def _total(values: Iterable[Value], digits: int) -> float | None:
    known = [float(value) for value in values if value is not None]
    return round(sum(known), digits) if known else None


def _csv(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(header)
    table.writerows([cell_text(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
