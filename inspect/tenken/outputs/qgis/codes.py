"""Columns that hold codes, and the words that people see instead."""

from typing import get_args

from tenken.detection.detect import CONDITION_STATES, KINDS
from tenken.measurement.topology import Pattern
from tenken.outputs.layers import Layer
from tenken.structure.segments import Status
from tenken.wording import Words

REVIEW_STATES: tuple[str, ...] = ("confirmed", "rejected", "changed")
"""What a person may enter in the column ``review``; empty until somebody looked."""
ENTERED_KINDS: tuple[str, ...] = (*KINDS, "spalling", "exposed_rebar", "leakage", "efflorescence", "delamination")
"""What a person may say that a candidate is; also kinds that no detector here tells."""
WIDTH_STATES: tuple[str, ...] = ("measured", "estimated", "unmeasured", "below_limit", "no_scale")
COVERAGE_STATES: tuple[str, ...] = get_args(Status)

_CODES: dict[str, tuple[str, tuple[str, ...]]] = {
    "kind": ("kind", KINDS),
    "review_kind": ("kind", ENTERED_KINDS),
    "review": ("review", REVIEW_STATES),
    "width_status": ("width_status", WIDTH_STATES),
    "pattern": ("pattern", get_args(Pattern)),
    "condition_state": ("condition_state", CONDITION_STATES),
    "status": ("coverage", COVERAGE_STATES),
    "material": ("material", ("RC", "PC", "steel", "weathering_steel", "asphalt")),
}
"""Group of words and codes, by column."""


def coded_words(layer: Layer, name: str, text: Words) -> dict[str, str] | None:
    """Give the word of each code of a column, also of codes that stand in the layer only; None: not a coded column."""
    if name not in _CODES:
        return None
    group, known = _CODES[name]
    present = sorted({str(value) for value in layer.column(name) if value is not None} - {*known})
    return {code: text.coded(group, code) for code in (*known, *present)}
