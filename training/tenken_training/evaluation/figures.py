"""From sums to figures: what each is made of, on what it rests, and how its interval is made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tenken_training.evaluation.average_precision import RankedDetections, pooled_average_precision
from tenken_training.evaluation.centreline_score import WIDTH_CLASSES
from tenken_training.evaluation.intervals import Estimate, IntervalKind
from tenken_training.evaluation.photo_score import AREA_CLASSES, KindScore
from tenken_training.evaluation.pixel_score import STATES

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Sums = Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a figure comes from sums.

    Parameters
    ----------
    name
        Its name.
    needs
        Sums without which it cannot be made; the last is its basis, and photos with none of it do not count.
    value
        From sums, each (b,), to the figure (b,).
    interval
        Of ``wilson`` and ``poisson`` ``needs`` are the successes or events, and the trials or megapixels.
    of
        What its ``n`` counts.
    """

    name: str
    needs: tuple[str, ...]
    value: Callable[[Sums], FloatArray]
    interval: IntervalKind = "bootstrap"
    of: str = "photos"


def _share(part: str, whole: str) -> Callable[[Sums], FloatArray]:
    return lambda sums: _ratio(sums[part], sums[whole])


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _line_f1(sums: Sums) -> FloatArray:
    # From recall and precision and not from lengths, which differ between label and detection. Finding nothing is an
    # F1 of nought, though it has no precision.
    recall = _ratio(sums["recalled_line"], sums["true_line"])
    precision = np.nan_to_num(_ratio(sums["right_line"], sums["found_line"]))
    f1 = _ratio(2 * recall * precision, recall + precision)
    return np.where(recall + precision == 0, 0.0, f1)


def _iou(sums: Sums) -> FloatArray:
    return _ratio(sums["shared_px"], sums["true_px"] + sums["found_px"] - sums["shared_px"])


def _state_f1(state: str) -> Callable[[Sums], FloatArray]:
    def f1(sums: Sums) -> FloatArray:
        true = sums[f"true_{state}_px"]
        # Where no photo shows the state, a detector that names it is wrong, but nothing is told of how it names it.
        return np.where(true > 0, _ratio(2 * sums[f"shared_{state}_px"], true + sums[f"given_{state}_px"]), np.nan)

    return f1


def _weighted_state_f1(sums: Sums) -> FloatArray:
    """F1 of the three states and of what is sound, weighted by their labelled pixels, as the data's authors give it."""
    names = ("sound", *STATES.values())
    total = sum((sums[f"true_{name}_px"] for name in names), start=np.zeros_like(sums["true_sound_px"]))
    parts = [sums[f"true_{name}_px"] * np.nan_to_num(_state_f1(name)(sums)) for name in names]
    return _ratio(sum(parts, start=np.zeros_like(total)), total)


RULES: tuple[Rule, ...] = (
    Rule("defect_recall", ("found_defects", "true_defects"), _share("found_defects", "true_defects"), "wilson",
         "labelled defects"),
    Rule("defect_precision", ("right_defects", "defects"), _share("right_defects", "defects"), "wilson",
         "found defects"),
    Rule("line_f1", ("recalled_line", "right_line", "found_line", "true_line"), _line_f1),
    Rule("line_recall", ("recalled_line", "true_line"), _share("recalled_line", "true_line")),
    Rule("line_precision", ("right_line", "found_line"), _share("right_line", "found_line")),
    *(
        Rule(f"line_recall_{name}", (f"recalled_line_{name}", f"true_line_{name}"),
             _share(f"recalled_line_{name}", f"true_line_{name}"))
        for name in WIDTH_CLASSES
    ),
    *(
        Rule(f"defect_recall_{name}", (f"found_defects_{name}", f"true_defects_{name}"),
             _share(f"found_defects_{name}", f"true_defects_{name}"), "wilson", "labelled defects")
        for name in AREA_CLASSES
    ),
    Rule("pixel_iou", ("shared_px", "found_px", "true_px"), _iou),
    Rule("pixel_recall", ("shared_px", "true_px"), _share("shared_px", "true_px")),
    Rule("pixel_precision", ("shared_px", "found_px"), _share("shared_px", "found_px")),
    *(
        Rule(f"pixel_recall_{state}", (f"found_{state}_px", f"true_{state}_px"),
             _share(f"found_{state}_px", f"true_{state}_px"))
        for state in STATES.values()
    ),
    Rule("severe_parts_recall", ("severe_parts_found", "severe_parts"), _share("severe_parts_found", "severe_parts"),
         "wilson", "labelled severe parts"),
    *(
        Rule(f"state_f1_{state}", (f"shared_{state}_px", f"given_{state}_px", f"true_{state}_px"), _state_f1(state))
        for state in STATES.values()
    ),
    Rule("state_f1_weighted",
         tuple(f"{part}_{name}_px" for name in (*STATES.values(), "sound") for part in ("shared", "given", "true")),
         _weighted_state_f1),
    Rule("alarms_per_100_mpx", ("alarms", "megapixels"), lambda sums: 100 * _ratio(sums["alarms"], sums["megapixels"]),
         "poisson", "false alarms"),
)  # fmt: skip
"""All figures that are made of sums; each is given where its sums are."""

STATE_FIGURES = (*(f"state_f1_{state}" for state in STATES.values()), "state_f1_weighted")
"""Null where states were labelled and the detector gives none."""


def estimates(scores: Sequence[KindScore], draws: IntArray, *, ranked: bool = True) -> dict[str, Estimate]:
    """Make all figures of one kind, for the photos together and for each resample of them.

    Parameters
    ----------
    scores
        One entry a photo.
    draws
        (b, photos) how often each photo stands in each resample.
    ranked
        Average precision too, where there are ranked detections.
    """
    names = sorted({name for score in scores for name in score.tally})
    table = np.array([[score.tally.get(name, 0.0) for name in names] for score in scores]).reshape(len(scores), -1)
    weights = np.vstack([np.ones((1, len(scores))), draws])
    sums: dict[str, FloatArray] = dict(zip(names, (weights @ table).T, strict=True))
    basis = dict(zip(names, np.count_nonzero(table, axis=0).tolist(), strict=True))
    figures = {}
    for rule in RULES:
        if not set(rule.needs) <= set(names):
            continue
        values = rule.value(sums)
        events, exposure = float(sums[rule.needs[0]][0]), float(sums[rule.needs[-1]][0])
        n = {"bootstrap": basis[rule.needs[-1]], "wilson": round(exposure), "poisson": round(events)}[rule.interval]
        figures[rule.name] = Estimate(
            float(values[0]), values[1:], n, rule.of, rule.interval, round(events), exposure / 100
        )
    if "true_fair_px" in names:
        for name in STATE_FIGURES:
            figures.setdefault(name, Estimate(np.nan, np.empty(0), 0, "photos"))
    if ranked:
        figures |= _average_precisions([score.ranked for score in scores], draws, "", "labelled objects")
        figures |= _average_precisions([score.joined for score in scores], draws, "_joined", "joined objects")
    return figures


def _average_precisions(
    photos: Sequence[RankedDetections | None], draws: IntArray, suffix: str, of: str
) -> dict[str, Estimate]:
    """Average precision by name and suffix; none where a photo was not looked at as one tile."""
    looked_at = [photo for photo in photos if photo is not None]
    if not looked_at or len(looked_at) < len(photos):
        return {}
    objects = sum(photo.true_count for photo in looked_at)
    return {
        name + suffix: Estimate(float(values[0]), values[1:], objects, of)
        for name, values in pooled_average_precision(looked_at, draws).items()
    }


def differences(one: Mapping[str, Estimate], other: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Differences of the figures that both have; both must come from the same resamples."""
    return {
        name: Estimate(one[name].value - other[name].value, one[name].replicates - other[name].replicates,
                       min(one[name].n, other[name].n), one[name].of)
        for name in one
        if name in other
    }  # fmt: skip
