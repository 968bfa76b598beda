"""The repair list: hard rules first, then severity x certainty x importance x exposure, every factor shown.

An average would hide one bad member, so the worst candidate leads and quantities stand beside it. What was
not seen comes last, without a rank: not assessed does not mean sound. Nothing here sets a diagnosis
or 対策区分.
"""

from collections.abc import Mapping, Sequence

from tenken.assessment.appraisal import Appraisal, GradedPart, appraise
from tenken.assessment.explain import ranked_reasons, unranked_reasons
from tenken.assessment.grade import Finding
from tenken.assessment.importance import PriorityRules, Weights, load_priority_rules
from tenken.assessment.quantities import Quantities
from tenken.assessment.reasons import render
from tenken.assessment.standards import Standard
from tenken.settings import Lang
from tenken.structure.segments import CoveragePatch, Segment

WEIGHT_SHIFT = 0.2
"""By how much a weight is moved to show how firm a rank is."""


def rank(
    segments: Sequence[Segment],
    parts: Mapping[str, Sequence[GradedPart]],
    quantities: Mapping[str, Quantities],
    coverage: Mapping[str, tuple[CoveragePatch, ...]],
    standard: Standard,
    lang: Lang = "ja",
    *,
    rules: PriorityRules | None = None,
) -> tuple[Finding, ...]:
    """Put segments in the order of repair, the not assessed last.

    Parameters
    ----------
    parts
        By segment id what of each defect lies there, with its grade there; in the order of the ids.
    quantities, coverage
        By segment id.
    rules
        Weights and tables; None takes those that come with the package.
    """
    rules = rules or load_priority_rules()
    cases = [
        appraise(segment, parts.get(segment.segment_id, ()), quantities, coverage, standard, rules)
        for segment in sorted(segments, key=lambda segment: segment.segment_id)
    ]
    assessed = [case for case in cases if case.assessed]
    places = _places(assessed, rules.weights)
    shifted = [_places(assessed, weights) for weights in _shifted(rules.weights)]
    findings = []
    for case, place in sorted(places.items(), key=lambda entry: entry[1]):
        case_places = [place, *(one[case] for one in shifted)]
        findings.append(_finding(assessed[case], place, (min(case_places), max(case_places)), rules, lang))
    findings += [_finding(case, None, None, rules, lang) for case in cases if not case.assessed]
    return tuple(findings)


def _places(cases: Sequence[Appraisal], weights: Weights) -> dict[int, int]:
    """Rank from 1 by the case's index."""

    def order(index: int) -> tuple[bool, bool, float, float, str]:
        case = cases[index]
        # Where nothing was found comes last, also where a standard gives what was found its best grade. Of equals the
        # one with the widest crack comes first.
        widest_mm = case.quantities.max_width_mm or 0.0
        return (
            *(case.hard_rule is None, not case.defects, -case.priority(weights), -widest_mm),
            case.segment.segment_id,
        )

    return {index: place for place, index in enumerate(sorted(range(len(cases)), key=order), 1)}


def _shifted(weights: Weights) -> list[Weights]:
    return [
        weights.model_copy(update={name: value * factor})
        for name, value in weights
        for factor in (1.0 - WEIGHT_SHIFT, 1.0 + WEIGHT_SHIFT)
    ]


def _finding(
    case: Appraisal, place: int | None, places: tuple[int, int] | None, rules: PriorityRules, lang: Lang
) -> Finding:
    here = case.quantities
    reasons = unranked_reasons(case)
    if places is not None:
        reasons = ranked_reasons(case, places, rules.weights, WEIGHT_SHIFT)
    return Finding(
        segment=case.segment,
        rank=place,
        priority=None if place is None else case.priority(rules.weights),
        grade=case.candidates[0] if len(case.candidates) == 1 else None,
        grade_candidates=case.candidates,
        reasons=tuple(render(reason, lang) for reason in reasons),
        defect_ids=tuple(grade.defect_id for grade in case.grades),
        crack_length_m=here.crack_length_m,
        max_width_mm=here.max_width_mm,
        corrosion_area_m2=here.corrosion_area_m2,
        corrosion_pct=here.corrosion_pct,
        seen_fraction=here.seen_fraction,
        assessed=case.assessed,
        coverage=case.coverage,
        rank_range=places,
        severe_corrosion_area_m2=here.severe_corrosion_area_m2,
    )
