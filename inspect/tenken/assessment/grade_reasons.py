"""Why a defect has its candidates: the figures that the rules asked for, and what is not known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tenken.assessment.reasons import Reason, Term
from tenken.assessment.spacing import SEARCH_M
from tenken.assessment.standards import CorrosionRule, CrackGridRule, CrackRule, Rule, Standard
from tenken.identity.identify import Defect
from tenken.measurement.surface_widths import bounds_only
from tenken.settings import Lang

CONCRETE = ("RC", "PC")
STEEL = ("steel", "weathering_steel")


@dataclass(frozen=True, slots=True)
class Figures:
    """What rules ask of a defect and its segment; None where it is not known."""

    width_mm: tuple[float, float] | None
    """The closed interval that holds the largest width."""
    spacing_m: float | None
    """Least spacing of cracks, infinite for a single one."""
    corrosion_pct: float | None
    crack_ratio_pct: tuple[float, float] | None


def rule_reasons(
    defect: Defect, rules: Sequence[Rule], figures: Figures, *, material: str | None, exposed: bool
) -> list[Reason]:
    """Say what each figure is that the rules went by; ``exposed``: the exposure class is known."""
    reasons: list[Reason] = []
    if by_width := [rule for rule in rules if isinstance(rule, CrackRule)]:
        reasons += _crack_reasons(defect, figures.width_mm, by_width, figures.spacing_m)
    if any(isinstance(rule, CrackGridRule) for rule in rules):
        reasons.append(_grid_reason(figures.crack_ratio_pct))
    if defect.kind == "corrosion":
        reasons += _corrosion_reasons(rules, figures.corrosion_pct)
    if material is None:
        materials = dict.fromkeys(name for rule in rules for name in rule.materials)
        reasons.append(Reason("material_unknown", {"materials": tuple(Term(name) for name in materials)}))
    exposures = tuple(dict.fromkeys(name for rule in rules for name in rule.exposures or ()))
    if exposures and not exposed:
        reasons.append(Reason("exposure_class_unknown", {"exposures": exposures}))
    return reasons


def _grid_reason(ratio_pct: tuple[float, float] | None) -> Reason:
    if ratio_pct is None:
        return Reason("crack_ratio_unknown")
    low_pct, high_pct = ratio_pct
    if low_pct == high_pct:
        return Reason("crack_ratio_exact", {"ratio_pct": low_pct})
    return Reason("crack_ratio", {"low_pct": low_pct, "high_pct": high_pct})


def _crack_reasons(
    defect: Defect, interval: tuple[float, float] | None, rules: Sequence[CrackRule], spacing_m: float | None
) -> list[Reason]:
    if interval is None:
        reasons = [Reason("width_unknown")]
    elif bounds_only(interval[0]):
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


def no_rule_reasons(kind: str, material: str | None, standard: Standard, lang: Lang) -> list[Reason]:
    """Say that a standard has no rule for a kind on a material, and what to do about it."""
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
