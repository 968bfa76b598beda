"""Candidate grades: every class of a standard that the figures allow, and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tenken.assessment.reasons import Reason, Term, render_all
from tenken.assessment.spacing import SEARCH_M
from tenken.assessment.standards import CorrosionRule, CrackRule, PresenceRule, Rule, Standard
from tenken.identity.identify import Defect
from tenken.settings import Lang
from tenken.structure.segments import CoveragePatch, Segment

BELOW_LIMIT_PX = 0.67
"""Widest that a crack "below the limit" can be, in pixels: from there on photos do show cracks."""
CONCRETE = ("RC", "PC")
STEEL = ("steel", "weathering_steel")


@dataclass(frozen=True, slots=True)
class DefectGrade:
    """A defect's candidate grade by one standard."""

    defect_id: str
    segment_id: str | None
    grade: str | None
    """The single candidate, None when the figures allow several."""
    candidates: tuple[str, ...]
    """From best to worst; empty where the standard or the figures give none."""
    standard: str
    reason: str
    """In the language that was asked for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the repair list: a segment, what stands in it, its candidate grade and its rank."""

    segment: Segment
    rank: int | None
    """1 is first; None where the segment was not assessed."""
    priority: float | None
    """0..100; None where the segment was not assessed."""
    grade: str | None
    grade_candidates: tuple[str, ...]
    reasons: tuple[str, ...]
    """Sentences in the report's language, the weightiest first."""
    defect_ids: tuple[str, ...]
    crack_length_m: float
    max_width_mm: float | None
    corrosion_area_m2: float
    corrosion_pct: float | None
    seen_fraction: float
    assessed: bool
    coverage: tuple[CoveragePatch, ...]
    rank_range: tuple[int, int] | None = None
    """First and last rank when one weight moves by 20 %."""
    severe_corrosion_area_m2: float | None = None
    """Of the corrosion whose condition state is known; None where there is none."""


def grade_defect(
    defect: Defect,
    segment: Segment | None,
    standard: Standard,
    *,
    spacing_m: float | None,
    corrosion_pct: float | None,
    lang: Lang = "ja",
) -> DefectGrade:
    """Give every grade that a defect's figures allow.

    Parameters
    ----------
    defect
        Widths in mm; an interval gives all classes that it touches.
    segment
        Where it lies; its material and element choose the rules. None, or an unknown material: all materials.
    standard
        The rules.
    spacing_m
        Least spacing of cracks in the segment, infinite for a single one (`crack_spacing_m`); None: unknown.
    corrosion_pct
        Corroded share of what was seen of the segment, in per cent; None when unknown.
    lang
        Language of the reason.
    """
    material = segment.material if segment else None
    element = segment.element if segment else None
    grades, reasons = _candidates(defect, material, element, standard, spacing_m, corrosion_pct, lang)
    candidates = standard.in_order(grades)
    return DefectGrade(
        defect_id=defect.id,
        segment_id=segment.segment_id if segment else None,
        grade=candidates[0] if len(candidates) == 1 else None,
        candidates=candidates,
        standard=standard.id,
        reason=render_all(reasons, lang),
    )


def _candidates(
    defect: Defect,
    material: str | None,
    element: str | None,
    standard: Standard,
    spacing_m: float | None,
    corrosion_pct: float | None,
    lang: Lang,
) -> tuple[set[str], list[Reason]]:
    if defect.kind == "crack" and defect.width_status == "no_scale":
        return set(), [Reason("no_scale")]
    if defect.kind == "corrosion" and defect.area_m2 is None:
        return set(), [Reason("no_scale")]
    rules = _rules_for(defect.kind, material, element, standard)
    if not rules:
        return set(), _no_rule(defect.kind, material, standard, lang)
    grades: set[str] = set()
    interval = _width_interval_mm(defect)
    for rule in rules:
        if isinstance(rule, CrackRule):
            rows = range(len(rule.widths)) if interval is None else rule.width_rows(*interval)
            columns = range(len(rule.spacings)) if spacing_m is None else rule.spacing_columns(spacing_m)
            grades |= {grade for row in rows for column in columns for grade in rule.cells[row][column]}
        elif isinstance(rule, CorrosionRule):
            grades |= {grade for row in rule.share_rows(corrosion_pct) for grade in rule.cells[row]}
        elif isinstance(rule, PresenceRule):
            grades |= set(rule.candidates)
    titles = tuple(dict.fromkeys(rule.title(lang) for rule in rules))
    found = "/".join(standard.in_order(grades))
    reasons = [Reason("candidates", {"standard": standard.title(lang), "rule": titles, "grades": found})]
    if defect.kind == "crack":
        reasons += _crack_reasons(defect, interval, [r for r in rules if isinstance(r, CrackRule)], spacing_m)
    if defect.kind == "corrosion":
        reasons += _corrosion_reasons(rules, corrosion_pct)
    if material is None:
        materials = dict.fromkeys(name for rule in rules for name in rule.materials)
        reasons.append(Reason("material_unknown", {"materials": tuple(Term(name) for name in materials)}))
    return grades, reasons


def _rules_for(kind: str, material: str | None, element: str | None, standard: Standard) -> Sequence[Rule]:
    """Rules for a kind on a material; one made for the element goes before those for elements in general."""
    by_kind: dict[str, Sequence[Rule]] = {"crack": standard.crack, "corrosion": standard.corrosion}
    present = [rule for rule in standard.presence if rule.kind == kind]
    rules = [r for r in by_kind.get(kind, present) if material is None or material in r.materials]
    special = [rule for rule in rules if rule.elements is not None and element in rule.elements]
    return special or [rule for rule in rules if rule.elements is None]


def _width_interval_mm(defect: Defect) -> tuple[float, float] | None:
    """Give the closed interval that holds the width; None when nothing is known of it.

    Standards ask for the largest width; the median stands in where that is not known.
    """
    if defect.width_largest is not None:
        return defect.width_largest.low_mm, defect.width_largest.high_mm
    low_mm, high_mm = defect.width_low_mm, defect.width_high_mm
    if defect.width_status == "below_limit" and high_mm is None and defect.gsd_mm is not None:
        return 0.0, BELOW_LIMIT_PX * defect.gsd_mm
    if low_mm is None and high_mm is None and defect.width_mm is None:
        return None
    known = [width_mm for width_mm in (low_mm, defect.width_mm, high_mm) if width_mm is not None]
    return (0.0 if low_mm is None and defect.width_mm is None else min(known)), max(known)


def _crack_reasons(
    defect: Defect, interval: tuple[float, float] | None, rules: Sequence[CrackRule], spacing_m: float | None
) -> list[Reason]:
    if interval is None:
        reasons = [Reason("width_unknown")]
    elif interval[0] == 0.0:
        reasons = [Reason("width_below", {"high_mm": interval[1]})]
    else:
        (low_mm, high_mm), status = interval, Term(defect.width_status or "unknown")
        what = "width_interval" if defect.width_largest is None else "width_largest"
        reasons = [Reason(what, {"low_mm": low_mm, "high_mm": high_mm, "status": status})]
        if low_mm == high_mm:
            reasons = [Reason("width_exact", {"width_mm": low_mm, "status": status})]
    if all(len(rule.spacings) == 1 for rule in rules):
        return reasons
    if spacing_m is None:
        return [*reasons, Reason("spacing_unknown")]
    if math.isinf(spacing_m):
        return [*reasons, Reason("spacing_single", {"search_m": SEARCH_M})]
    borderline = any(len(rule.spacing_columns(spacing_m)) > 1 for rule in rules)
    return [*reasons, Reason("spacing_borderline" if borderline else "spacing", {"spacing_m": spacing_m})]


def _corrosion_reasons(rules: Sequence[Rule], corrosion_pct: float | None) -> list[Reason]:
    reasons = [Reason("corrosion_share_unknown")]
    if corrosion_pct is not None:
        reasons = [Reason("corrosion_share", {"share_pct": corrosion_pct})]
    if any(isinstance(rule, CorrosionRule) and rule.depth_by_person for rule in rules):
        reasons.append(Reason("depth_by_person"))
    if any("weathering_steel" in rule.materials for rule in rules):
        reasons.append(Reason("weathering_steel"))
    return reasons


def _no_rule(kind: str, material: str | None, standard: Standard, lang: Lang) -> list[Reason]:
    reasons = [
        Reason(
            "no_rule",
            {"standard": standard.title(lang), "kind": Term(kind), "material": Term(material or "unknown")},
        )
    ]
    if kind == "corrosion" and material in CONCRETE:
        reasons.append(Reason("rust_on_concrete"))
    if kind == "crack" and material in STEEL:
        reasons.append(Reason("crack_in_steel"))
    return reasons
