"""Candidate grades: every class of a standard that the figures allow, and why."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tenken.assessment.grade_reasons import Figures, no_rule_reasons, rule_reasons
from tenken.assessment.reasons import Reason, render_all
from tenken.assessment.standards import CorrosionRule, CrackGridRule, CrackRule, PresenceRule, Rule, Standard
from tenken.identity.identify import Defect
from tenken.settings import Lang
from tenken.structure.segments import CoveragePatch, Segment

BELOW_LIMIT_PX = 0.67
"""Widest that a crack "below the limit" can be, in pixels: from there on photos do show cracks."""
_EXPOSURE = re.compile(r"X(?:0|[CDS]\d)")
"""Exposure classes of EN 206 that standards ask for; an asset may be in several."""


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
    crack_ratio_pct: tuple[float, float] | None = None,
    lang: Lang = "ja",
) -> DefectGrade:
    """Give every grade that a defect's figures allow.

    Parameters
    ----------
    defect
        Widths in mm; an interval gives all classes that it touches.
    segment
        Where it lies; its material, element and exposure choose the rules. None, or an unknown material or
        exposure: all materials or exposures.
    standard
        The rules.
    spacing_m
        Least spacing of cracks in the segment, infinite for a single one (`crack_spacing_m`); None: unknown.
    corrosion_pct
        Corroded share of what was seen of the segment, in per cent; None when unknown.
    crack_ratio_pct
        Least and largest cracked share of the segment's grid cells (`tenken.assessment.crack_grid`); None: unknown.
    lang
        Language of the reason.
    """
    figures = Figures(_width_interval_mm(defect), spacing_m, corrosion_pct, crack_ratio_pct)
    grades, reasons = _candidates(defect, segment, standard, figures, lang)
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
    defect: Defect, segment: Segment | None, standard: Standard, figures: Figures, lang: Lang
) -> tuple[set[str], list[Reason]]:
    if defect.kind == "crack" and defect.width_status == "no_scale":
        return set(), [Reason("no_scale")]
    if defect.kind == "corrosion" and defect.area_m2 is None:
        return set(), [Reason("no_scale")]
    material = segment.material if segment else None
    rules = _rules_for(defect.kind, segment, standard)
    if not rules:
        return set(), no_rule_reasons(defect.kind, material, standard, lang)
    grades = {grade for rule in rules for grade in _allowed(rule, figures)}
    found = "/".join(standard.in_order(grades))
    titles = tuple(dict.fromkeys(rule.title(lang) for rule in rules))
    reasons = [Reason("candidates", {"standard": standard.title(lang), "rule": titles, "grades": found})]
    reasons += rule_reasons(defect, rules, figures, material=material, exposed=bool(_exposures(segment)))
    return grades, reasons


def _allowed(rule: Rule, figures: Figures) -> set[str]:
    """Every grade of a rule that the figures allow."""
    if isinstance(rule, CrackRule):
        rows = range(len(rule.widths)) if figures.width_mm is None else rule.width_rows(*figures.width_mm)
        spacing_m = figures.spacing_m
        columns = range(len(rule.spacings)) if spacing_m is None else rule.spacing_columns(spacing_m)
        return {grade for row in rows for column in columns for grade in rule.cells[row][column]}
    if isinstance(rule, CrackGridRule):
        ratio_pct = figures.crack_ratio_pct
        rows = range(len(rule.shares)) if ratio_pct is None else rule.share_rows(*ratio_pct)
        return {grade for row in rows for grade in rule.cells[row]}
    if isinstance(rule, CorrosionRule):
        return {grade for row in rule.share_rows(figures.corrosion_pct) for grade in rule.cells[row]}
    return set(rule.candidates) if isinstance(rule, PresenceRule) else set()


def _rules_for(kind: str, segment: Segment | None, standard: Standard) -> Sequence[Rule]:
    """Rules for a kind on a material; one made for the element goes before those for elements in general."""
    by_kind: dict[str, Sequence[Rule]] = {
        "crack": (*standard.crack, *standard.crack_grid),
        "corrosion": standard.corrosion,
    }
    present = [rule for rule in standard.presence if rule.is_for(kind)]
    material, element = (segment.material, segment.element) if segment else (None, None)
    rules = [r for r in by_kind.get(kind, present) if material is None or material in r.materials]
    if exposures := _exposures(segment):
        rules = [rule for rule in rules if rule.exposures is None or exposures & set(rule.exposures)]
    special = [rule for rule in rules if rule.elements is not None and element in rule.elements]
    return special or [rule for rule in rules if rule.elements is None]


def _exposures(segment: Segment | None) -> set[str]:
    """Exposure classes of a segment; empty where none that is known is given."""
    given = (segment.exposure if segment else None) or ""
    return set(_EXPOSURE.findall(unicodedata.normalize("NFKC", given).upper()))


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
