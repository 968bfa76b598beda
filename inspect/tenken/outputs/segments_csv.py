"""The repair list as a table for spreadsheets."""

import csv
from pathlib import Path

from pyproj import Transformer

from tenken.inspection import Inspection
from tenken.outputs.layers import Value, segments_layer

_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""Full-width signs too: a Japanese spreadsheet reads them as it reads the plain ones."""


def write_segments_csv(path: Path, inspection: Inspection) -> None:
    """Write the repair list, rank first: UTF-8 with BOM, CRLF, header in row 1.

    After the layer's columns stand ``latitude`` and ``longitude`` (WGS 84) of a point inside the segment.
    """
    layer = segments_layer(inspection)
    to_wgs84 = None
    if inspection.crs is not None:
        to_wgs84 = Transformer.from_crs(inspection.crs, 4326, always_xy=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([*layer.fields, "latitude", "longitude"])
        for geometry, values in layer.rows:
            place = ["", ""]
            if to_wgs84 is not None and geometry is not None and not geometry.is_empty:
                inside = geometry.representative_point()
                lon_deg, lat_deg = to_wgs84.transform(inside.x, inside.y)
                place = [f"{lat_deg:.7f}", f"{lon_deg:.7f}"]
            writer.writerow([*map(cell_text, values), *place])


def safe_text(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula."""
    dangerous = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if dangerous else text


def cell_text(value: Value) -> str:
    """Write a value for a spreadsheet; what is unknown as an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe_text(value) if isinstance(value, str) else repr(value)
