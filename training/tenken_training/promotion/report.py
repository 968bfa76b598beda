"""A decision for people: a table for the terminal, and a page with pictures of what got worse."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tenken_training.evaluation.pictures import BlunderPicture
from tenken_training.evaluation.report import figure_text
from tenken_training.promotion.decision import Decision, Row

Gallery = tuple[str, Sequence[BlunderPicture]]
"""Heading and pictures."""


def decision_table(decision: Decision) -> str:
    """Lay out the decision: all figures of whole sets, and of single sites those that changed."""
    lines = [f"{decision.new.name} beside {decision.old.name}, on the same photos (95 % intervals of the difference):"]
    place = ""
    for row in decision.rows:
        if row.site is not None and row.verdict not in ("better", "worse"):
            continue
        if row.place != place:
            place = row.place
            lines.append(f"  {place}")
        lines.append(f"    {_line(row)}")
    if decision.accepted:
        lines.append(f"{decision.new.name} may be promoted.")
    else:
        lines.append(f"{decision.new.name} is refused:")
        lines += [f"  - {reason}" for reason in decision.reasons]
    return "\n".join(lines)


def write_page(path: Path, decision: Decision, galleries: Sequence[Gallery]) -> None:
    """Write the page."""
    environment = Environment(
        loader=PackageLoader("tenken_training.promotion"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure_text
    page = environment.get_template("promotion.html.j2").render(decision=decision, galleries=galleries)
    path.write_text(page, encoding="utf-8", newline="\n")


def _line(row: Row) -> str:
    interval = "" if row.low is None or row.high is None else f"({_signed(row.low)} to {_signed(row.high)})"
    difference = "" if row.difference is None else _signed(row.difference)
    return (
        f"{row.figure:20} {figure_text(row.old):>7} to {figure_text(row.new):>7}  {difference:>7} {interval:20} "
        f"n {row.n:4} {row.of:8} {row.verdict}"
    ).rstrip()


def _signed(value: float) -> str:
    return figure_text(value, "+")
