"""What a segment's place in the repair list comes from: severity, certainty, importance, exposure and hard rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenken.assessment.grade import DefectGrade
from tenken.assessment.importance import PriorityRules, Weights, importance_of, people_below
from tenken.assessment.quantities import Quantities
from tenken.assessment.reasons import Reason, Term
from tenken.assessment.standards import Standard
from tenken.identity.identify import Defect
from tenken.structure.coverage import LEAST_SEEN
from tenken.structure.segments import CoveragePatch, Segment

GradedPart = tuple[Defect, DefectGrade]
"""A defect as far as it lies in a segment, and its grade there."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """A segment with all that its rank comes from."""

    segment: Segment
    defects: tuple[Defect, ...]
    grades: tuple[DefectGrade, ...]
    """The worst first."""
    quantities: Quantities
    coverage: tuple[CoveragePatch, ...]
    candidates: tuple[str, ...]
    hard_rule: Reason | None
    """What puts it before all scores, if anything does."""
    severity: float
    """Of the worst defect, 0..1."""
    certainty: float
    """Share of the severity that is left when each candidate counts with its score, 0..1."""
    importance: float
    """Floor..1."""
    exposure: float
    """How far damage spreads over what was seen, floor..1."""
    importance_reasons: tuple[Reason, ...]

    @property
    def assessed(self) -> bool:
        """Seen well enough, or something was found there."""
        return bool(self.defects) or self.quantities.seen_fraction >= LEAST_SEEN

    def priority(self, weights: Weights) -> float:
        """Give the score, 0..100."""
        score = (
            self.severity**weights.severity
            * self.certainty**weights.certainty
            * self.importance**weights.importance
            * self.exposure**weights.exposure
        )
        return round(100.0 * float(score), 2)


def segment_candidates(candidates: Sequence[tuple[str, ...]], standard: Standard) -> tuple[str, ...]:
    """Give every grade that the worst of several defects can have; for AASHTO all states that occur.

    Parameters
    ----------
    candidates
        Of each graded defect, from best to worst.
    """
    grades = {grade for one in candidates for grade in one}
    if standard.aggregate == "worst" and candidates:
        # Even if every defect has its best candidate, the segment is no better than the worst of those.
        least = max(standard.severity(one[0]) for one in candidates)
        grades = {grade for grade in grades if standard.severity(grade) >= least}
    return standard.in_order(grades)


def appraise(
    segment: Segment,
    parts: Sequence[GradedPart],
    quantities: Mapping[str, Quantities],
    coverage: Mapping[str, tuple[CoveragePatch, ...]],
    standard: Standard,
    rules: PriorityRules,
) -> Appraisal:
    """Gather a segment's defects, as far as they lie in it, their grades and its factors."""
    here = quantities[segment.segment_id]
    defects, graded = [part for part, _ in parts], [grade for _, grade in parts]
    importance, reasons = importance_of(segment.importance, rules.importance)
    severities = {grade.defect_id: _severity(grade, standard, rules) for grade in graded}
    sizes = {defect.id: (defect.width_high_mm or 0.0, defect.length_m or defect.area_m2 or 0.0) for defect in defects}
    return Appraisal(
        segment=segment,
        defects=tuple(defects),
        grades=tuple(sorted(graded, key=lambda grade: _worst_first(grade, standard, sizes[grade.defect_id]))),
        quantities=here,
        coverage=coverage[segment.segment_id],
        candidates=segment_candidates([grade.candidates for grade in graded if grade.candidates], standard),
        hard_rule=_falling(segment, defects, rules),
        severity=max(severities.values(), default=0.0),
        certainty=certainty_of([(severities[defect.id], defect.score) for defect in defects]),
        importance=importance,
        exposure=_exposure(here, rules),
        importance_reasons=reasons,
    )


def _worst_first(
    grade: DefectGrade, standard: Standard, size: tuple[float, float]
) -> tuple[float, float, float, float, str]:
    """Sort key: worst candidate, best candidate, then width and length or area."""
    width_mm, extent = size
    if not grade.candidates:
        return 1.0, 1.0, -width_mm, -extent, grade.defect_id
    best, worst = standard.severity(grade.candidates[0]), standard.severity(grade.candidates[-1])
    return -worst, -best, -width_mm, -extent, grade.defect_id


def _severity(grade: DefectGrade, standard: Standard, rules: PriorityRules) -> float:
    """Middle between the best and the worst candidate [P]: never the best alone, which would reward doubt."""
    if not grade.candidates:
        return rules.severity.ungraded
    return (standard.severity(grade.candidates[0]) + standard.severity(grade.candidates[-1])) / 2


def certainty_of(candidates: Sequence[tuple[float, float]]) -> float:
    """Give how far a segment's severity can be trusted, 0..1 [P].

    Each candidate is there with the probability that its score states, independently of the others. What is expected
    of the severest one that is there, as a share of the severest of all. One more candidate, a severer or a surer one
    never makes severity times certainty less.

    Parameters
    ----------
    candidates
        Severity and score of each, both 0..1.

    >>> certainty_of([(1.0, 0.6)]), certainty_of([(1.0, 0.6), (1.0, 0.6)])
    (0.6, 0.84)
    """
    expected, none_so_far = 0.0, 1.0
    for severity, score in sorted(candidates, reverse=True):
        expected += none_so_far * score * severity
        none_so_far *= 1.0 - score
    severest = max((severity for severity, _ in candidates), default=0.0)
    return expected / severest if severest else 1.0


def _exposure(here: Quantities, rules: PriorityRules) -> float:
    rule = rules.exposure
    if here.crack_density_m_per_m2 is None or here.corrosion_pct is None:
        return (rule.floor + 1.0) / 2
    spread = max(
        here.crack_density_m_per_m2 / rule.full_crack_density_m_per_m2,
        here.corrosion_pct / rule.full_corrosion_pct,
    )
    return rule.floor + (1.0 - rule.floor) * min(1.0, spread)


def _falling(segment: Segment, defects: Sequence[Defect], rules: PriorityRules) -> Reason | None:
    kinds = sorted({defect.kind for defect in defects} & set(rules.falling.kinds))
    if not kinds or not people_below(segment.importance, rules.importance):
        return None
    below = segment.importance.get("路下条件")
    return Reason(
        "hard_rule_falling",
        {"kind": tuple(Term(kind) for kind in kinds), "below": below or Term("unknown")},
    )
