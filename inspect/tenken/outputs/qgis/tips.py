"""Map tips: what hovers over a feature, with its picture."""

from html import escape

from tenken.outputs.layers import Layer
from tenken.outputs.qgis.codes import coded_words
from tenken.outputs.qgis.expressions import RESULTS_FOLDER, column, file_url, worded
from tenken.wording import Words

_DIGITS: dict[str, int] = {
    "score": 2, "length_m": 2, "width_mm": 2, "width_low_mm": 2, "width_high_mm": 2, "width_largest_mm": 2,
    "area_m2": 4, "condition_state_score": 2, "gsd_mm": 2, "smallest_crack_mm": 2, "position_error_m": 2,
    "crack_length_m": 2, "max_width_mm": 2, "corrosion_area_m2": 3, "corrosion_pct": 2, "seen_fraction": 2,
    "priority": 1, "length_px": 0, "width_px": 1,
}  # fmt: skip
"""Decimals of the figures in tips; the attribute table has all."""

_TIPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "defects": (
        "id",
        ("kind", "grade_candidates", "length_m", "width_mm", "width_low_mm", "width_high_mm", "area_m2",
         "condition_state", "condition_state_score", "score", "review", "review_note"),
    ),
    "crack_lines": (
        "defect_id",
        ("grade_candidates", "length_m", "width_mm", "width_low_mm", "width_high_mm", "width_status", "pattern",
         "score"),
    ),
    "sightings": ("photo", ("defect_id", "kind", "length_m", "width_mm", "width_low_mm", "width_high_mm", "score")),
    "segments": (
        "name",
        ("rank", "grade_candidates", "reasons", "defects", "crack_length_m", "max_width_mm", "corrosion_pct",
         "seen_fraction"),
    ),
    "coverage": ("segment_id", ("status", "photos", "area_m2")),
    "photos": ("photo", ("taken_at", "gsd_mm", "smallest_crack_mm", "reason", "detections")),
}  # fmt: skip
"""Title and figures, by layer."""

_DEFECT_OF: dict[str, str] = {"defects": "id", "crack_lines": "defect_id", "sightings": "defect_id"}
"""Column with the id of the defect whose picture is shown."""


def map_tip(layer: Layer, text: Words) -> str:
    """Give the HTML of a layer's tips; a figure that is unknown has no row."""
    title, names = _TIPS[layer.name]
    rows = "".join(_row(layer, name, text) for name in names)
    return (
        f"<b>[% {_escaped(f'coalesce({column(title)}, {column(next(iter(layer.fields)))})')} %]</b><br>"
        f"{_picture(layer)}<table>{rows}</table><small>{escape(text('statement'))}</small>"
    )


def _row(layer: Layer, name: str, text: Words) -> str:
    words = coded_words(layer, name, text)
    if words is not None:
        shown = _escaped(worded(name, words))
    elif name in _DIGITS:
        shown = f"format_number({column(name)}, {_DIGITS[name]})"
    else:
        shown = _escaped(column(name))
    head = escape(text(f"column.{name}")).replace("'", "''")
    return f"[% if({column(name)} is null, '', '<tr><td>{head}&nbsp;</td><td>' || {shown} || '</td></tr>') %]"


def _picture(layer: Layer) -> str:
    if layer.name not in _DEFECT_OF:
        return ""
    path = f"{RESULTS_FOLDER} || '/crops/' || {column(_DEFECT_OF[layer.name])} || '.jpg'"
    return f"[% if(file_exists({path}), '<img width=\"420\" src=\"' || {file_url(path)} || '\">', '') %]"


def _escaped(expression: str) -> str:
    """Let a value stand in HTML as it is."""
    return f"replace(replace(to_string({expression}), '&', '&amp;'), '<', '&lt;')"
