"""How each layer is drawn and labelled: the colours of the report, kinds by rim, grades by area or line."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from xml.etree import ElementTree as ET

from tenken.detection.detect import CONDITION_STATES, KINDS
from tenken.measurement.surface_widths import LEAST_TOLD_MM
from tenken.outputs.grades import STATE_COLOURS, grade_colour, kind_colour, severity
from tenken.outputs.layers import Layer, Value
from tenken.outputs.qgis.codes import COVERAGE_STATES
from tenken.outputs.qgis.expressions import literal
from tenken.outputs.qgis.labels import Label
from tenken.outputs.qgis.relations import layer_id
from tenken.outputs.qgis.symbols import Category, categorised, fill, hatch, inner_rim, stroke
from tenken.wording import Words

Appearance = tuple[str, str | None, str | None]
"""What a defect's symbol follows: its kind, severest candidate and condition state."""


@dataclass(frozen=True, slots=True)
class Look:
    """A layer's renderer, its labels, and the smallest scale at which it is drawn."""

    renderer: ET.Element
    label: Label | None = None
    from_scale: int | None = None
    """Drawn at 1:``from_scale`` and larger; None: always."""


_REJECTED_FADES = "if(\"review\" = 'rejected', 25, 100)"
_LINE_OF_REJECTED_FADES = (
    f"if(array_contains(coalesce(aggregate('{layer_id('defects')}', 'array_agg', \"id\", \"review\" = 'rejected'), "
    'array()), "defect_id"), 25, 100)'
)
"""Only a project knows which layer holds the reviews."""
_DASHED: dict[str, str] = {
    "estimated": "range", "unmeasured": "unknown", "below_limit": "unknown", "no_scale": "unknown",
}  # fmt: skip
"""What is known of a width that has no number, by its status."""
_DASHES: dict[str, str] = {"range": "3;1.6", "unknown": "1;1.4"}
_ID_FROM_SCALE = 30
"""The long ids of defects stand in labels at 1:30 and larger; from farther away the figures matter."""
_FINER = "scale_linear(coalesce(@map_scale, 100), 100, 1000, 1, 0.4)"
"""From far away a defect is short: with thinner lines neighbours stay apart."""
_RIM = "#4a5157"
_NOT_SEEN = "#9aa0a6"


def layer_look(layer: Layer, text: Words, *, linked: bool) -> Look | None:
    """Give how a layer is drawn; None for a table. The legend names what stands in the layer."""
    looks: dict[str, Callable[[Layer, Words], Look]] = {
        "defects": _defects,
        "crack_lines": partial(_crack_lines, opacity=_LINE_OF_REJECTED_FADES if linked else None),
        "sightings": _sightings,
        "segments": _segments,
        "coverage": _coverage,
        "photos": _photos,
    }
    return looks[layer.name](layer, text) if layer.geometry_type is not None else None


def _defects(layer: Layer, text: Words) -> Look:
    """By kind, or condition state where it is known (rim), and severest candidate grade (area)."""
    columns = zip(layer.column("kind"), layer.column("grade_worst"), layer.column("condition_state"), strict=True)
    looks = {(str(kind), _text(grade), _text(state)) for kind, grade, state in columns}
    states = (*CONDITION_STATES[::-1], None)
    grades = (*_grades(layer), None)
    in_order = sorted(looks, key=lambda look: (look[0], grades.index(look[1]), states.index(look[2])))
    categories = [_defect_category(look, text) for look in in_order]
    # A crack is labelled on its centre line.
    label = (
        f"if(\"width_status\" is null, if(@map_scale <= {_ID_FROM_SCALE}, \"id\" || '\\n', '') || "
        "trim(coalesce(\"grade_candidates\", '') || '  ' || coalesce(case "
        'when "area_m2" < 0.1 then format_number("area_m2" * 10000, 0) || \' cm²\' '
        "else format_number(\"area_m2\", 2) || ' m²' end, '')), '')"
    )
    expression = 'concat("kind", \' \' || "grade_worst", \' \' || "condition_state")'
    return Look(
        categorised(expression, "fill", categories, opacity=_REJECTED_FADES),
        Label(label, from_scale=150, place="beside area", size_pt=7.5, priority=7, is_obstacle=True),
        from_scale=10_000,
    )


def _defect_category(look: Appearance, text: Words) -> Category:
    kind, grade, state = look
    words = [text.kind(kind), grade or text("grade.none"), text.coded("condition_state", state)]
    colour = grade_colour(grade) if grade else kind_colour(kind)
    rim = STATE_COLOURS[state] if state else kind_colour(kind)
    # A crack's rim is thin, so that the dashes of its centre line stay visible.
    symbol = fill(colour, 170, rim, 0.2) if kind == "crack" else fill(colour, 170, rim, 0.6, width=f"{_FINER} * 0.6")
    return Category(" ".join(part for part in look if part), " ".join(word for word in words if word), (symbol,))


def _crack_lines(layer: Layer, text: Words, *, opacity: str | None) -> Look:
    """Core by severest candidate grade, rim by kind; wider for wider cracks; dashed where the width has no number."""
    width = f'{_FINER} * scale_exp(coalesce("width_mm", "width_high_mm", 0), 0, 10, 0.3, 1.4, 0.5)'
    statuses = zip(layer.column("grade_worst"), layer.column("width_status"), strict=True)
    present = {(_text(grade), _DASHED.get(str(status), "")) for grade, status in statuses}
    categories = []
    for grade, known in ((grade, known) for grade in (*_grades(layer), None) for known in ("", *_DASHES)):
        if (grade, known) in present:
            words = (text.kind("crack"), grade or text("grade.none"), text(f"qgis.dash.{known}") if known else "")
            rim = stroke(kind_colour("crack"), 1.2, width=f"{_FINER} * 0.6 + {width}")
            core = stroke(grade_colour(grade), 0.8, width=width, dash=_DASHES.get(known))
            categories.append(Category(f"{grade or '-'} {known}".strip(), " ".join(words).strip(), (rim, core)))
    known = " ".join(f"when \"width_status\" = '{status}' then ' {known}'" for status, known in _DASHED.items())
    figures = (
        "case when \"width_status\" = 'measured' then format_number(\"width_mm\", 2) || ' mm' "
        f"when \"width_low_mm\" < {LEAST_TOLD_MM} then '≤ ' || format_number(\"width_high_mm\", 2) || ' mm' "
        'when "width_low_mm" is not null and "width_high_mm" is not null then '
        "format_number(\"width_low_mm\", 2) || '–' || format_number(\"width_high_mm\", 2) || ' mm' "
        f"when \"width_status\" is not null then {literal(text('qgis.width_unknown'))} else '' end"
    )
    label = (
        f"if(@map_scale <= {_ID_FROM_SCALE}, \"defect_id\" || '  ', '') || "
        f"coalesce(\"grade_candidates\" || '  ', '') || {figures}"
    )
    return Look(
        categorised(f"coalesce(\"grade_worst\", '-') || case {known} else '' end", "line", categories, opacity=opacity),
        Label(label, from_scale=150, place="on line", size_pt=7.5, priority=8, is_obstacle=True),
        from_scale=10_000,
    )


def _sightings(layer: Layer, text: Words) -> Look:
    """Fine dots: how far the photos agree, only from near."""
    kinds = sorted({*KINDS, *map(str, layer.column("kind"))})
    categories = [
        Category(kind, text.kind(kind), (fill(kind_colour(kind), 0, kind_colour(kind), 0.2, line="dot"),))
        for kind in kinds
    ]
    return Look(categorised('"kind"', "fill", categories), from_scale=60)


def _segments(layer: Layer, text: Words) -> Look:
    """By severest candidate grade; what was not assessed is hatched, never coloured like a mild grade."""
    categories = [
        Category(
            grade,
            text("grade.worst", grade=grade),
            (fill(grade_colour(grade), 45, _RIM, 0.3), inner_rim(grade_colour(grade), 1.0)),
        )
        for grade in _grades(layer)
    ]
    categories.append(Category("-", text("grade.no_candidate"), (fill("#ffffff", 30, _RIM, 0.3),)))
    hatched = (fill("#ffffff", 0, _RIM, 0.3, line="dash"), hatch(_NOT_SEEN, angle_deg=45, spacing_mm=2.2))
    categories.append(Category("?", text("segment.not_assessed"), hatched))
    # Hundreds of empty cells would crowd out the labels that matter.
    label = (
        'case when "defects" > 0 or not "assessed" then coalesce("name", "segment_id") || \'\\n\' || '
        'case when not "assessed" then '
        f"{literal(text('segment.not_assessed'))} else "
        f"coalesce(format({literal(text('qgis.rank', rank='%1'))}, \"rank\"), '') || "
        "coalesce('  ' || \"grade_candidates\", '') end end"
    )
    return Look(
        categorised("if(\"assessed\", coalesce(\"grade_worst\", '-'), '?')", "fill", categories),
        Label(label, from_scale=3000, place="inside area", size_pt=8.5, priority=4, is_obstacle=False),
    )


def _coverage(_layer: Layer, text: Words) -> Look:
    """Hatched where nothing could be judged, and clear where it was seen."""
    looks = {
        "seen": (fill("#56a3c9", 0, "#56a3c9", 0.25, line="dash"),),
        "too_coarse": (hatch("#8a7a2f", angle_deg=0, spacing_mm=2.2), fill("#000000", 0, "#8a7a2f", 0.2, line="dot")),
        "unusable_photo": (
            hatch("#8c4a6b", angle_deg=90, spacing_mm=2.2),
            fill("#000000", 0, "#8c4a6b", 0.2, line="dot"),
        ),
        "not_seen": (hatch(_NOT_SEEN, angle_deg=135, spacing_mm=2.2), fill("#000000", 0, _NOT_SEEN, 0.2, line="no")),
    }
    categories = [Category(state, text(f"coverage.{state}"), looks[state]) for state in COVERAGE_STATES]
    return Look(categorised('"status"', "fill", categories), from_scale=20_000)


def _photos(_layer: Layer, text: Words) -> Look:
    categories = [
        Category("1", text("photo.usable"), (fill("#000000", 0, "#8d969e", 0.15, line="dash"),)),
        Category("0", text("photo.unusable"), (fill("#000000", 0, "#8c4a6b", 0.3, line="dot"),)),
    ]
    return Look(categorised('if("usable", 1, 0)', "fill", categories), from_scale=5000)


def _grades(layer: Layer) -> list[str]:
    """Grades that stand in a layer, the severest first."""
    present = {str(grade) for grade in layer.column("grade_worst") if grade is not None}
    return sorted(present, key=lambda grade: (-(severity(grade) or 0), grade))


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
