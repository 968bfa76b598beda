"""The evaluation for people: a table for the terminal, and a page with pictures that works offline."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tenken.measurement.find import LINEAR_KINDS
from tenken.notes import kind_name, said
from tenken.settings import Lang
from tenken.wording import padded, words
from tenken_training.evaluation.labels import LabelledSet
from tenken_training.evaluation.photo_score import PhotoScore
from tenken_training.evaluation.pictures import worst_pictures
from tenken_training.evaluation.results import Evaluation, Figure
from tenken_training.evaluation.sample import sample_verdict

FIGURES = (
    "defect_recall",
    "defect_precision",
    "line_f1",
    "line_recall",
    "line_precision",
    "line_recall_under_1_px",
    "line_recall_1_to_2_px",
    "line_recall_2_to_4_px",
    "line_recall_4_to_8_px",
    "line_recall_8_px_and_more",
    "defect_recall_under_100_px",
    "defect_recall_100_to_1000_px",
    "defect_recall_1000_to_10000_px",
    "defect_recall_10000_px_and_more",
    "pixel_iou",
    "pixel_recall",
    "pixel_precision",
    "pixel_recall_fair",
    "pixel_recall_poor",
    "pixel_recall_severe",
    "severe_parts_recall",
    "state_f1_fair",
    "state_f1_poor",
    "state_f1_severe",
    "state_f1_weighted",
    "alarms_per_100_mpx",
    "mask_map50",
    "box_map50",
    "mask_map50_95",
    "box_map50_95",
    "mask_map50_joined",
    "box_map50_joined",
)
"""Figures in the order they are shown; what each says stands in the catalogue."""


def figures_table(evaluation: Evaluation, lang: Lang = "en") -> str:
    """Lay the figures out for a terminal."""
    text = words(lang)
    conditions = evaluation.conditions
    tolerance = f"{conditions.tolerance_px:g} px"
    if conditions.tolerance_mm is not None:
        tolerance += f" = {conditions.tolerance_mm:.2g} mm"
    lines = [
        text(
            "evaluation.head",
            weights=evaluation.weights.name,
            dataset=evaluation.dataset,
            photos=text.counted("photo", evaluation.photos),
            megapixels=f"{evaluation.megapixels:.1f}",
            tolerance=tolerance,
            speed=f"{evaluation.megapixels / max(evaluation.seconds, 1e-9):.2f}",
        ),
        *(said(note, lang) for note in evaluation.notes),
    ]
    for kind, part in evaluation.kinds.items():
        threshold = evaluation.weights.thresholds.get(kind)
        said_kind = kind_name(kind, lang)
        over = text("evaluation.over", kind=said_kind, threshold=threshold)
        lines += ["", over if threshold is not None else said_kind, said(sample_verdict(evaluation, kind), lang)]
        lines += [
            _line(name, part.figures[name], lang, told=text(f"meaning.{name}"))
            for name in FIGURES
            if name in part.figures
        ]
        if part.calibration_error is not None:
            error = f"{padded(figure_name('calibration_error', lang), 31)} {part.calibration_error:8.3f}"
            lines.append(f"{error}  {'':20}  {'':24}  {text('meaning.calibration_error')}")
        if evaluation.comparison is not None:
            changes = evaluation.comparison.figures[kind]
            name = evaluation.comparison.against.name
            lines += ["", text("evaluation.difference_to", kind=said_kind, name=name)]
            lines += [_line(name, changes[name], lang, sign="+") for name in FIGURES if name in changes]
        for site, figures in part.sites.items():
            lines += ["", text("evaluation.of_site", kind=said_kind, site=site or text("evaluation.no_site"))]
            lines += [_line(name, figures[name], lang) for name in FIGURES if name in figures]
    return "\n".join(lines)


def figure_name(name: str, lang: Lang) -> str:
    """Give a figure's name: in English that of the JSON file."""
    return name if lang == "en" else words(lang).coded("measure", name)


def write_page(
    path: Path, evaluation: Evaluation, labelled: LabelledSet, scores: Sequence[PhotoScore], lang: Lang = "en"
) -> None:
    """Write the page."""
    text = words(lang)
    environment = Environment(
        loader=PackageLoader("tenken_training.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure_text
    environment.filters["bounds"] = partial(bounds_text, lang=lang)
    environment.filters["name"] = partial(figure_name, lang=lang)
    environment.filters["kind"] = partial(kind_name, lang=lang)
    environment.filters["unit"] = size_unit
    environment.filters["said"] = partial(said, lang=lang)
    page = environment.get_template("evaluation.html.j2").render(
        evaluation=evaluation,
        names=FIGURES,
        lang=lang,
        text=text,
        verdicts={kind: sample_verdict(evaluation, kind) for kind in evaluation.kinds},
        pictures={kind: worst_pictures(labelled, scores, kind) for kind in evaluation.kinds},
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def figure_text(value: float | None, sign: str = "") -> str:
    """Three decimals, fewer for large numbers; a dash where there is nothing to measure."""
    if value is None:
        return "–"
    return format(value, f"{sign}.1f" if abs(value) >= 10 else f"{sign}.3f")


def bounds_text(figure: Figure, sign: str = "", *, lang: Lang = "en") -> str:
    """Interval as text; nothing where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    return words(lang)("info.range", low=figure_text(figure.low, sign), high=figure_text(figure.high, sign))


def size_unit(kind: str) -> str:
    """Give the unit of a miss's or false alarm's size: a length for kinds with a centre line, an area for others."""
    return "px" if kind in LINEAR_KINDS else "px²"


def _line(name: str, figure: Figure, lang: Lang, sign: str = "", told: str = "") -> str:
    value, bounds = figure_text(figure.value, sign), bounds_text(figure, sign, lang=lang)
    basis = f"n {figure.n:5} {padded(words(lang).coded('counted', figure.of), 16)}"
    return f"{padded(figure_name(name, lang), 31)} {value:>8}  {padded(bounds, 20)}  {basis}  {told}".rstrip()
