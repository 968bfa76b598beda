"""The reasons that a line of the repair list shows, the weightiest first."""

from collections import defaultdict

from tenken.assessment.appraisal import Appraisal
from tenken.assessment.importance import Weights
from tenken.assessment.reasons import Reason, Term

FULLY_SEEN = 0.95
"""From here on the report does not point at what is missing."""
LEAST_SEVERE_M2 = 0.001
"""Smallest area of severe corrosion that is pointed out: as fine as areas are written."""
SMALLEST_CRACK_PX = 0.67
"""Narrowest crack that shows, in pixels of effective resolution (the limit of the state "unmeasured")."""


def ranked_reasons(case: Appraisal, places: tuple[int, int], weights: Weights, weight_shift: float) -> list[Reason]:
    """Say what is wrong with a segment, what each factor is, and how firm its rank is.

    Parameters
    ----------
    places
        First and last rank when one weight moves by the share `weight_shift`.
    """
    reasons = [case.hard_rule] if case.hard_rule else []
    if case.defects:
        reasons += _damage(case)
        reasons.append(Reason("severity", {"severity": case.severity, "weight": weights.severity}))
        reasons.append(_certainty(case, weights))
        reasons.append(_importance(case, weights))
        reasons.append(_exposure(case, weights))
        span: dict[str, object] = {"first": places[0], "last": places[1], "percent": 100 * weight_shift}
        reasons.append(Reason("rank_firm" if places[0] == places[1] else "rank_range", span))
    else:
        reasons.append(_nothing_found(case))
    if case.quantities.seen_fraction < FULLY_SEEN:
        reasons.append(Reason("partly_seen", {"percent": 100 * case.quantities.seen_fraction}))
    return reasons


def unranked_reasons(case: Appraisal) -> list[Reason]:
    """Say why a segment was not assessed."""
    if any(patch.status in ("too_coarse", "unusable_photo") for patch in case.coverage):
        return [Reason("not_assessed_photos")]
    return [Reason("not_assessed", {"percent": 100 * case.quantities.seen_fraction})]


def _damage(case: Appraisal) -> list[Reason]:
    reasons = []
    if case.candidates:
        reasons.append(Reason("segment_candidates", {"grades": "/".join(case.candidates)}))
    worst = case.grades[0]
    kinds = {defect.id: defect.kind for defect in case.defects}
    reasons.append(
        Reason(
            "worst",
            {"defect": worst.defect_id, "kind": Term(kinds[worst.defect_id]), "reason": worst.reason},
        )
    )
    if ungraded := sum(not grade.candidates for grade in case.grades):
        reasons.append(Reason("ungraded", {"count": ungraded}))
    reasons.append(Reason("quantities", {"quantities": _quantities(case)}))
    if (severe_m2 := case.quantities.severe_corrosion_area_m2) is not None and severe_m2 >= LEAST_SEVERE_M2:
        reasons.append(Reason("severe_corrosion", {"area_m2": severe_m2}))
    return reasons


def _quantities(case: Appraisal) -> tuple[Reason, ...]:
    """Length, area or number by kind and candidates, worst first as the grades are."""
    defects = {defect.id: defect for defect in case.defects}
    amounts: dict[tuple[str, str, str], float] = defaultdict(float)
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for grade in case.grades:
        defect = defects[grade.defect_id]
        amount = {"crack": defect.length_m, "corrosion": defect.area_m2}.get(defect.kind)
        code = "quantity_count"
        if amount is not None:
            code = "quantity_length" if defect.kind == "crack" else "quantity_area"
        key = (code, defect.kind, "/".join(grade.candidates))
        amounts[key] += amount or 0.0
        counts[key] += 1
    return tuple(
        Reason(
            code,
            {
                "kind": Term(kind),
                "grades": grades or Term("no grade"),
                "amount": amounts[code, kind, grades],
                "count": count,
            },
        )
        for (code, kind, grades), count in counts.items()
    )


def _certainty(case: Appraisal, weights: Weights) -> Reason:
    scores = {defect.id: defect.score for defect in case.defects}
    worst = scores[case.grades[0].defect_id]
    figures: dict[str, object] = {"certainty": case.certainty, "weight": weights.certainty, "score": worst}
    return Reason("certainty" if worst < 1 else "certainty_confirmed", figures)


def _importance(case: Appraisal, weights: Weights) -> Reason:
    figures: dict[str, object] = {"importance": case.importance, "weight": weights.importance}
    if not case.importance_reasons:
        return Reason("importance_not_given", figures)
    return Reason("importance", figures | {"inputs": case.importance_reasons})


def _exposure(case: Appraisal, weights: Weights) -> Reason:
    here = case.quantities
    figures: dict[str, object] = {"exposure": case.exposure, "weight": weights.exposure}
    if here.crack_density_m_per_m2 is None or here.corrosion_pct is None:
        return Reason("exposure_unknown", figures)
    figures["density"] = here.crack_density_m_per_m2
    if not here.corrosion_pct:
        return Reason("exposure", figures)
    return Reason("exposure_corrosion", figures | {"share_pct": here.corrosion_pct})


def _nothing_found(case: Appraisal) -> Reason:
    resolution_mm = next((p.resolution_mm for p in case.coverage if p.status == "seen"), None)
    if resolution_mm is None:
        return Reason("nothing_found")
    figures: dict[str, object] = {
        "resolution_mm": resolution_mm,
        "limit_mm": SMALLEST_CRACK_PX * resolution_mm,
    }
    return Reason("nothing_found_limit", figures)
