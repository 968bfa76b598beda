"""What ``inspect train`` says at its end: the figures of the new weights, and beside them those of the start."""

from pathlib import Path
from typing import TYPE_CHECKING

from tenken.notes import kind_name, said
from tenken.wording import padded, words

if TYPE_CHECKING:
    from tenken.detection.weights_card import WeightsCard
    from tenken.settings import Lang
    from tenken_training.evaluation import Evaluation
    from tenken_training.evaluation.results import Comparison
    from tenken_training.retraining import Retrained

MAIN_FIGURES = (
    *(("crack", name) for name in ("line_recall", "line_precision", "line_f1", "mask_map50")),
    *(("corrosion", name) for name in ("pixel_recall", "pixel_precision", "pixel_iou", "mask_map50")),
    *(("corrosion", f"state_f1_{state}") for state in ("fair", "poor", "severe")),
)
"""What is printed; all of it: ``inspect weights show``, and the evaluation's page."""
WORDS = {"better": "train.better", "worse": "train.worse", "no difference": "train.unclear", "not judged": "train.open"}
"""Phrases for a difference's verdict."""


def retrained_text(made: "Retrained", work: Path, folders: tuple[Path, ...], lang: "Lang") -> str:
    """Say what came of a retraining, and what to do next."""
    text = words(lang)
    lines = [text("train.curves", path=work / "curves.svg")]
    if made.cut_short is not None:
        lines.append(said(made.cut_short, lang))
    if made.choice.unchanged:
        return "\n".join([*lines, text("train.unchanged")])
    lines.append(text("train.chosen", choice=said(made.choice.told(), lang)))
    evaluation, start = made.evaluation, made.start.card.name
    if evaluation is None or evaluation.comparison is None:
        lines += [_thresholds(made.card, lang), text("train.not_judged", start=start)]
    else:
        lines += [compared_figures(evaluation, evaluation.comparison, lang), _thresholds(made.card, lang)]
        lines += sample_lines(evaluation, lang)
        lines.append(text("train.beside", name=start, path=work / "evaluation" / "evaluation.html"))
    judged = " ".join(f"--on {folder}" for folder in folders)
    return "\n".join([*lines, text("train.next", path=made.path, judged=judged)])


def compared_figures(evaluation: "Evaluation", comparison: "Comparison", lang: "Lang") -> str:
    """Lay out the main figures beside those of the start, each with the interval of the difference and a word."""
    from tenken_training.evaluation.report import bounds_text, figure_text
    from tenken_training.promotion.decision import verdict_of

    text = words(lang)
    photos = text.counted("photo", evaluation.photos)
    lines = [text("train.compared", name=evaluation.weights.name, start=comparison.against.name, photos=photos)]
    for kind, name in MAIN_FIGURES:
        part, difference = evaluation.kinds.get(kind), comparison.figures.get(kind, {}).get(name)
        new = None if part is None else part.figures.get(name)
        if new is None or new.value is None or difference is None or difference.value is None:
            continue
        # Rounded, so that a start of nought is not shown as less than nought.
        start = round(new.value - difference.value, 9) + 0.0
        change = text("promotion.change", old=figure_text(start), new=figure_text(new.value))
        bounds = bounds_text(difference, "+", lang=lang)
        measure = f"{padded(kind_name(kind, lang), 10)} {padded(text.coded('measure', name), 18)}"
        by = f"{figure_text(difference.value, '+'):>7} {padded(f'({bounds})' if bounds else '', 19)}"
        lines.append(f"  {measure} {padded(change, 16)} {by} {text(WORDS[verdict_of(name, difference)])}")
    return "\n".join(lines)


def sample_lines(evaluation: "Evaluation", lang: "Lang") -> list[str]:
    """Say which differences the test photos cannot show, by kind; in one line that they prove nothing where few."""
    from tenken_training.evaluation.intervals import LEAST_PHOTOS
    from tenken_training.evaluation.sample import sample_verdict

    text = words(lang)
    if evaluation.photos < LEAST_PHOTOS:
        return [text("train.too_few", photos=text.counted("photo", evaluation.photos), least=LEAST_PHOTOS)]
    verdicts = {kind: said(sample_verdict(evaluation, kind), lang) for kind in evaluation.kinds}
    return [text("train.of_kind", kind=kind_name(kind, lang), note=verdict) for kind, verdict in verdicts.items()]


def main_figures(card: "WeightsCard", lang: "Lang" = "en") -> str:
    """Lay out a card's main figures with their intervals."""
    text = words(lang)
    by_measure = {metric.measure: metric for metric in card.metrics}
    lines = [text("train.figures", name=card.name)]
    for kind, figure in MAIN_FIGURES:
        metric = by_measure.get(f"{kind}, {figure}")
        if metric is not None:
            interval = ""
            if metric.low is not None and metric.high is not None:
                interval = f"  ({text('info.range', low=f'{metric.low:.3f}', high=f'{metric.high:.3f}')})"
            measure = f"{padded(kind_name(kind, lang), 10)} {padded(text.coded('measure', figure), 18)}"
            lines.append(f"  {measure} {metric.value:.3f}{interval}")
    return "\n".join([*lines, _thresholds(card, lang)])


def _thresholds(card: "WeightsCard", lang: "Lang") -> str:
    text = words(lang)
    thresholds = text("console.comma").join(
        f"{kind_name(kind, lang)} {card.thresholds[kind]:.2f}" for kind in card.classes
    )
    return f"  {text('train.lowest_score', thresholds=thresholds)}"
