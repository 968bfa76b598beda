"""The evaluation for people: a table for the terminal, and a page with pictures that works offline."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tenken.measurement.find import LINEAR_KINDS
from tenken.wording import counted
from tenken_training.evaluation.labels import LabelledSet
from tenken_training.evaluation.photo_score import PhotoScore
from tenken_training.evaluation.pictures import worst_pictures
from tenken_training.evaluation.results import Evaluation, Figure
from tenken_training.evaluation.sample import sample_verdict

MEANINGS: Mapping[str, str] = {
    "defect_recall": "part of the labelled defects found, each by half or more",
    "defect_precision": "part of the found defects that are right, each by half or more",
    "line_f1": "crack length: found and right in one (harmonic mean of the next two)",
    "line_recall": "part of the labelled crack length that was found",
    "line_precision": "part of the found crack length that is labelled",
    "line_recall_under_1_px": "part of crack length found, cracks under 1 px wide",
    "line_recall_1_to_2_px": "part of crack length found, 1 to 2 px wide",
    "line_recall_2_to_4_px": "part of crack length found, 2 to 4 px wide",
    "line_recall_4_to_8_px": "part of crack length found, 4 to 8 px wide",
    "line_recall_8_px_and_more": "part of crack length found, 8 px wide and more",
    "defect_recall_under_100_px": "part of the labelled defects found, under 100 px of area",
    "defect_recall_100_to_1000_px": "part of the labelled defects found, 100 to 1,000 px",
    "defect_recall_1000_to_10000_px": "part of the labelled defects found, 1,000 to 10,000 px",
    "defect_recall_10000_px_and_more": "part of the labelled defects found, 10,000 px and more",
    "pixel_iou": "pixels: found and right in one (intersection over union)",
    "pixel_recall": "part of the labelled pixels found",
    "pixel_precision": "part of the found pixels that are labelled",
    "pixel_recall_fair": "part of the pixels of fair corrosion (surface rust) found",
    "pixel_recall_poor": "part of the pixels of poor corrosion found",
    "pixel_recall_severe": "part of the pixels of severe corrosion found",
    "severe_parts_recall": "labelled patches of severe corrosion found, each by half or more",
    "state_f1_fair": "condition state fair: F1 of pixels",
    "state_f1_poor": "condition state poor: F1 of pixels",
    "state_f1_severe": "condition state severe: F1 of pixels",
    "state_f1_weighted": "sound, fair, poor, severe: F1 weighted by labelled pixels",
    "alarms_per_100_mpx": "false alarms per 100 megapixels",
    "mask_map50": "average precision of masks, IoU 0.5 (photo as one tile)",
    "box_map50": "average precision of boxes, IoU 0.5 (photo as one tile)",
    "mask_map50_95": "average precision of masks, IoU 0.5 to 0.95 (photo as one tile)",
    "box_map50_95": "average precision of boxes, IoU 0.5 to 0.95 (photo as one tile)",
    "mask_map50_joined": "average precision of masks, IoU 0.5, labels that touch taken as one",
    "box_map50_joined": "average precision of boxes, IoU 0.5, labels that touch taken as one",
}
"""What each figure says, in the order they are shown."""


def figures_table(evaluation: Evaluation) -> str:
    """Lay the figures out for a terminal."""
    conditions = evaluation.conditions
    tolerance = f"{conditions.tolerance_px:g} px"
    if conditions.tolerance_mm is not None:
        tolerance += f" = {conditions.tolerance_mm:.2g} mm"
    lines = [
        f"{evaluation.weights.name} on {evaluation.dataset}: {counted(evaluation.photos, 'photo')}, "
        f"{evaluation.megapixels:.1f} megapixels, tolerance {tolerance}, "
        f"{evaluation.megapixels / max(evaluation.seconds, 1e-9):.2f} megapixels/s a thread",
        *evaluation.notes,
    ]
    for kind, part in evaluation.kinds.items():
        threshold = evaluation.weights.thresholds.get(kind)
        lines += ["", f"{kind}, score > {threshold}" if threshold is not None else kind]
        lines.append(sample_verdict(evaluation, kind))
        lines += [_line(name, part.figures[name], told=meaning)
                  for name, meaning in MEANINGS.items() if name in part.figures]  # fmt: skip
        if part.calibration_error is not None:
            told = "how far scores are from the part of detections that is right"
            lines.append(f"{'calibration_error':31} {part.calibration_error:8.3f}  {'':20}  {'':24}  {told}")
        if evaluation.comparison is not None:
            changes = evaluation.comparison.figures[kind]
            lines += ["", f"{kind}, difference to {evaluation.comparison.against.name}"]
            lines += [_line(name, changes[name], sign="+") for name in MEANINGS if name in changes]
        for site, figures in part.sites.items():
            lines += ["", f"{kind}, site {site or '(none)'}"]
            lines += [_line(name, figures[name]) for name in MEANINGS if name in figures]
    return "\n".join(lines)


def write_page(path: Path, evaluation: Evaluation, labelled: LabelledSet, scores: Sequence[PhotoScore]) -> None:
    """Write the page."""
    environment = Environment(
        loader=PackageLoader("tenken_training.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure_text
    environment.filters["bounds"] = bounds_text
    page = environment.get_template("evaluation.html.j2").render(
        evaluation=evaluation,
        meanings=MEANINGS,
        units={kind: "px" if kind in LINEAR_KINDS else "px²" for kind in evaluation.kinds},
        verdicts={kind: sample_verdict(evaluation, kind) for kind in evaluation.kinds},
        pictures={kind: worst_pictures(labelled, scores, kind) for kind in evaluation.kinds},
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def figure_text(value: float | None, sign: str = "") -> str:
    """Three decimals, fewer for large numbers; a dash where there is nothing to measure."""
    if value is None:
        return "–"
    return format(value, f"{sign}.1f" if abs(value) >= 10 else f"{sign}.3f")


def bounds_text(figure: Figure, sign: str = "") -> str:
    """Interval as text; nothing where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{figure_text(figure.low, sign)} to {figure_text(figure.high, sign)}"


def _line(name: str, figure: Figure, sign: str = "", told: str = "") -> str:
    value, bounds = figure_text(figure.value, sign), bounds_text(figure, sign)
    return f"{name:31} {value:>8}  {bounds:20}  n {figure.n:5} {figure.of:16}  {told}".rstrip()
