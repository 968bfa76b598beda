"""A decision for people: a table for the terminal, and a page with pictures of what got worse."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tenken.notes import said
from tenken.settings import Lang
from tenken.wording import padded, words
from tenken_training.evaluation.pictures import BlunderPicture
from tenken_training.evaluation.report import figure_name, figure_text, size_unit
from tenken_training.promotion.decision import Decision, Row, dataset_name

Gallery = tuple[str, Sequence[BlunderPicture]]
"""Heading and pictures."""


def decision_table(decision: Decision, lang: Lang = "en") -> str:
    """Lay out the decision: all figures of whole sets, and of single sites those that changed."""
    text = words(lang)
    lines = [*(said(note, lang) for note in decision.notes)]
    lines.append(text("promotion.head", new=decision.new.name, old=decision.old.name))
    place = ""
    for row in decision.rows:
        if row.site is not None and row.verdict not in ("better", "worse", "traded"):
            continue
        if row.place != place:
            place = row.place
            lines.append(f"  {said(place, lang)}")
        lines.append(f"    {_line(row, lang)}")
    if decision.accepted:
        lines.append(text("promotion.accepted", name=decision.new.name))
    else:
        lines.append(text("promotion.refused", name=decision.new.name))
        lines += [f"  - {said(reason, lang)}" for reason in decision.reasons]
    return "\n".join(lines)


def write_page(path: Path, decision: Decision, galleries: Sequence[Gallery], lang: Lang = "en") -> None:
    """Write the page."""
    environment = Environment(
        loader=PackageLoader("tenken_training.promotion"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure_text
    environment.filters["name"] = partial(figure_name, lang=lang)
    environment.filters["said"] = partial(said, lang=lang)
    environment.filters["unit"] = size_unit
    page = environment.get_template("promotion.html.j2").render(
        decision=decision,
        shown=[row for row in decision.rows if row.old is not None or row.new is not None],
        galleries=galleries,
        lang=lang,
        text=words(lang),
        names={name: said(dataset_name(name), lang) for name in decision.datasets},
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def _line(row: Row, lang: Lang) -> str:
    text = words(lang)
    interval = ""
    if row.low is not None and row.high is not None:
        interval = f"({text('info.range', low=_signed(row.low), high=_signed(row.high))})"
    difference = "" if row.difference is None else _signed(row.difference)
    change = text("promotion.change", old=f"{figure_text(row.old):>7}", new=f"{figure_text(row.new):>7}")
    return (
        f"{padded(figure_name(row.figure, lang), 20)} {change}  {difference:>7} {padded(interval, 20)} "
        f"n {row.n:4} {padded(text.coded('counted', row.of), 8)} {text.coded('verdict', row.verdict)}"
    ).rstrip()


def _signed(value: float) -> str:
    return figure_text(value, "+")
