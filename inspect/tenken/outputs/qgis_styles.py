"""How QGIS draws, labels and edits each layer."""

from collections.abc import Iterable
from html import escape
from xml.etree import ElementTree as ET

from tenken.detection.detect import CONDITION_STATES, KINDS
from tenken.measurement.condition import STATED_KINDS
from tenken.outputs.grades import STATE_COLOURS, UNGRADED_COLOUR, grade_colour, kind_colour, severity
from tenken.outputs.layers import Layer
from tenken.outputs.qml import (
    NULL,
    Category,
    SymbolLayer,
    categorised,
    fill,
    labels,
    stroke,
    value_map,
)
from tenken.outputs.wording import Words, words

REVIEW_STATES: tuple[str, ...] = ("confirmed", "rejected", "changed")
"""What a person may enter in the column ``review``; empty until somebody looked."""

COVERAGE_STATES: tuple[str, ...] = ("seen", "too_coarse", "unusable_photo", "not_seen")

_EDITABLE = frozenset({"review", "review_note"})

Look = tuple[str, str | None, str | None]
"""What a defect's symbol follows: its kind, severest candidate and condition state."""

_REJECTED_FADES = "if(\"review\" = 'rejected', 30, 100)"
_OPAQUE = "100"


def layer_qml(layer: Layer, lang: str) -> str:
    """Give the QGIS style of a layer as QML text.

    The legend names what stands in the layer; colours and words are the same in every layer.
    """
    text = words(lang)
    renderer, labeling = {
        "defects": _defects,
        "crack_lines": _crack_lines,
        "sightings": _sightings,
        "segments": _segments,
        "coverage": _coverage,
        "photos": _photos,
    }[layer.name](layer, text)
    root = ET.Element(
        "qgis",
        version="3.22.0",
        styleCategories="Symbology|Labeling|Fields|Forms|MapTips",
        labelsEnabled="0" if labeling is None else "1",
    )
    root.append(renderer)
    if labeling is not None:
        root.append(labeling)
    root.extend(_columns(layer, text))
    if "crop" in layer.fields:
        tip = ET.SubElement(root, "mapTip", enabled="1")
        tip.text = _map_tip(text)
    ET.indent(root, " ")
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _defects(layer: Layer, text: Words) -> tuple[ET.Element, ET.Element]:
    """By kind, or condition state where it is known (outline), and severest candidate grade (area)."""
    kinds = sorted({*KINDS, *map(str, layer.column("kind"))})
    grades = _grades(layer)
    looks: list[Look] = [(kind, grade, None) for kind in kinds for grade in (*grades, None)]
    categories = [_defect_category(look, text) for look in (*looks, *_stated(layer))]
    expression = 'concat("kind", \' \' || "grade_worst", \' \' || "condition_state")'
    # A crack is labelled on its centre line.
    label = "if(\"width_status\" is null, \"id\" || coalesce(' (' || \"grade_candidates\" || ')', ''), '')"
    return (
        categorised(expression, "fill", categories, opacity=_REJECTED_FADES),
        labels(label, from_scale=150, size_pt=7.5, line=False),
    )


def _defect_category(look: Look, text: Words) -> Category:
    kind, grade, state = look
    words = [text.kind(kind), grade or text("grade.none"), text.coded("condition_state", state)]
    colour = grade_colour(grade) if grade else kind_colour(kind)
    rim = STATE_COLOURS[state] if state else kind_colour(kind)
    # A crack's rim is thin, so that the dashes of its centre line stay visible.
    symbol = fill(colour, 170, rim, 0.2 if kind == "crack" else 0.5)
    return Category(" ".join(part for part in look if part), " ".join(word for word in words if word), (symbol,))


def _stated(layer: Layer) -> list[Look]:
    """Give the looks with a condition state that occur in a layer, by state and grade, the severest first."""
    columns = zip(layer.column("kind"), layer.column("grade_worst"), layer.column("condition_state"), strict=True)
    present = {tuple(None if value is None else str(value) for value in values) for values in columns}
    return [
        (kind, grade, state)
        for state in CONDITION_STATES[::-1]
        for kind in sorted(STATED_KINDS)
        for grade in (*_grades(layer), None)
        if (kind, grade, state) in present
    ]


def _crack_lines(_layer: Layer, text: Words) -> tuple[ET.Element, ET.Element]:
    """Wider for wider cracks, within what hides nothing beside them; dashed where the width was not measured."""
    width = 'scale_exp(coalesce("width_mm", "width_high_mm", 0), 0, 10, 0.3, 1.1, 0.5)'
    colour = kind_colour("crack")
    dashes = {
        "measured": None,
        "estimated": "3;1.2",
        "unmeasured": "1;1",
        "below_limit": "0.6;1.8",
        "no_scale": "6;2;1;2",
    }
    categories = [
        Category(status, text(f"width_status.{status}"), (stroke(colour, 0.5, dash=dash, width=width),))
        for status, dash in dashes.items()
    ]
    categories.append(Category("", text("width_status.none"), (stroke(UNGRADED_COLOUR, 0.5),)))
    label = (
        "\"defect_id\" || '  ' || case "
        "when \"width_status\" = 'measured' then format_number(\"width_mm\", 2) || ' mm' "
        'when "width_low_mm" is not null and "width_high_mm" is not null then '
        "format_number(\"width_low_mm\", 2) || '–' || format_number(\"width_high_mm\", 2) || ' mm' "
        f"when \"width_status\" is not null then {_literal(text('qgis.width_unknown'))} else '' end"
    )
    return (
        categorised('"width_status"', "line", categories, opacity=_OPAQUE),
        labels(label, from_scale=300, size_pt=7, line=True),
    )


def _sightings(layer: Layer, text: Words) -> tuple[ET.Element, None]:
    kinds = sorted({*KINDS, *map(str, layer.column("kind"))})
    categories = [
        Category(kind, text.kind(kind), (fill(kind_colour(kind), 0, kind_colour(kind), 0.2, line="dot"),))
        for kind in kinds
    ]
    return categorised('"kind"', "fill", categories, opacity=_OPAQUE), None


def _segments(layer: Layer, text: Words) -> tuple[ET.Element, ET.Element]:
    """By severest candidate grade; what was not assessed is hatched, never coloured like a mild grade."""
    rim = "#4a5157"
    categories = [
        Category(grade, text("grade.worst", grade=grade), (fill(grade_colour(grade), 110, rim, 0.3),))
        for grade in _grades(layer)
    ]
    categories.append(Category("-", text("grade.no_candidate"), (fill("#ffffff", 30, rim, 0.3),)))
    categories.append(Category("?", text("segment.not_assessed"), (_hatched("#6b6f76", rim),)))
    expression = "if(\"assessed\", coalesce(\"grade_worst\", '-'), '?')"
    label = (
        'coalesce("name", "segment_id") || case when not "assessed" then '
        f"'\\n' || {_literal(text('segment.not_assessed'))} "
        "else coalesce('\\n#' || \"rank\", '') || coalesce('  ' || \"grade_candidates\", '') end"
    )
    return (
        categorised(expression, "fill", categories, opacity=_OPAQUE),
        labels(label, from_scale=3000, size_pt=8.5, line=False),
    )


def _coverage(_layer: Layer, text: Words) -> tuple[ET.Element, None]:
    looks = {
        "seen": fill("#56a3c9", 70, "#56a3c9", 0.1, line="no"),
        "too_coarse": fill("#8a7a2f", 170, "#8a7a2f", 0.2, style="f_diagonal", line="dot"),
        "unusable_photo": fill("#8c4a6b", 170, "#8c4a6b", 0.2, style="cross", line="dot"),
        "not_seen": _hatched("#6b6f76", "#6b6f76"),
    }
    categories = [Category(state, text(f"coverage.{state}"), (looks[state],)) for state in COVERAGE_STATES]
    return categorised('"status"', "fill", categories, opacity=_OPAQUE), None


def _photos(_layer: Layer, text: Words) -> tuple[ET.Element, None]:
    categories = [
        Category("1", text("photo.usable"), (fill("#000000", 0, "#5b6770", 0.15, line="dash"),)),
        Category("0", text("photo.unusable"), (fill("#000000", 0, "#8c4a6b", 0.3, line="dot"),)),
    ]
    return categorised('if("usable", 1, 0)', "fill", categories, opacity=_OPAQUE), None


def _hatched(colour: str, rim: str) -> SymbolLayer:
    return fill(colour, 200, rim, 0.3, style="b_diagonal", line="dash")


def _grades(layer: Layer) -> list[str]:
    """Grades that stand in a layer, the severest first."""
    present: Iterable[str] = {str(grade) for grade in layer.column("grade_worst") if grade is not None}
    return sorted(present, key=lambda grade: (-(severity(grade) or 0), grade))


def _literal(word: str) -> str:
    """Quote a word for a QGIS expression."""
    return "'" + word.replace("'", "''") + "'"


def _columns(layer: Layer, text: Words) -> list[ET.Element]:
    """Names of the columns in the language, and which of them may be edited and how."""
    widgets = ET.Element("fieldConfiguration")
    aliases = ET.Element("aliases")
    editable = ET.Element("editable")
    for index, name in enumerate(layer.fields):
        configured = ET.SubElement(widgets, "field", name=name, configurationFlags="None")
        if name == "review":
            states = [(text("review.none"), NULL), *((text(f"review.{one}"), one) for one in REVIEW_STATES)]
            configured.append(value_map(states))
        elif name == "condition_state":
            configured.append(value_map([(text(f"{name}.{one}"), one) for one in CONDITION_STATES]))
        ET.SubElement(aliases, "alias", index=str(index), field=name, name=text(f"column.{name}"))
        ET.SubElement(editable, "field", name=name, editable="1" if name in _EDITABLE else "0")
    shown = ET.Element("previewExpression")
    shown.text = f'"{next(iter(layer.fields))}"'
    return [widgets, aliases, editable, shown]


def _map_tip(text: Words) -> str:
    """Give the HTML that hovers over a defect: its picture and its main figures."""
    words = [(one, text(f"condition_state.{one}")) for one in CONDITION_STATES]
    state = " ".join(f"when \"condition_state\" = '{one}' then {_literal(word)}" for one, word in words)
    values = {
        "grade_candidates": '"grade_candidates"',
        "length_m": '"length_m"',
        "width_mm": '"width_mm"',
        "width_low_mm": '"width_low_mm"',
        "width_high_mm": '"width_high_mm"',
        "area_m2": '"area_m2"',
        "condition_state": f"case {state} end || ' ' || format_number(\"condition_state_score\", 2)",
        "score": '"score"',
    }
    rows = "".join(
        f"<tr><td>{escape(text(f'column.{name}'))}</td><td>[% coalesce({value}, '–') %]</td></tr>"
        for name, value in values.items()
    )
    return (
        '<b>[% "id" %]</b><br>'
        '[% if("crop" is null, \'\', \'<img width="420" src="file:///\' || '
        "regexp_replace(file_path(layer_property(@layer, 'path')), '^/', '') || '/' || \"crop\" || '\">') %]"
        f"<table>{rows}</table><small>{escape(text('statement'))}</small>"
    )
