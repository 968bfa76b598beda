"""The report: one HTML file that holds everything and loads nothing."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from tenken.inspection import Inspection
from tenken.journal import write_atomically
from tenken.outputs.figures import resolution_text
from tenken.outputs.grades import severity
from tenken.outputs.report_cards import Card
from tenken.outputs.report_content import ReportContent, report_content
from tenken.outputs.report_pictures import Background
from tenken.outputs.reviews import Review

SCRIPTS = ("report_filters.js", "report_map.js", "report_elevations.js", "report_pictures.js")
WIDTH_CODES = ("measured", "estimated", "unmeasured", "below_limit", "no_scale")
REVIEWS = ("confirmed", "rejected", "changed")


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that the reader can filter by."""

    value: str
    word: str
    count: int


def write_report(
    path: Path,
    inspection: Inspection,
    crops: Mapping[str, str],
    lang: str,
    reviews: Mapping[str, Review] | None = None,
    background: Callable[[], Background | None] | None = None,
) -> None:
    """Write the report.

    Parameters
    ----------
    path
        Where to, usually ``report.html`` in the results folder.
    inspection
        The result.
    crops
        Picture of each defect relative to the report's folder, by defect id (`tenken.outputs.write_crops`).
        Those that exist are embedded while there is room (`report_pictures.EMBEDDED_BYTES`), the others linked.
    lang
        ``"ja"`` or ``"en"``.
    reviews
        What people entered, by defect id.
    background
        Gives what lies below the map (`report_pictures.map_background`), where it is being drawn already.
    """
    write_atomically(path, render_report(report_content(inspection, crops, path.parent, lang, reviews, background)))


def render_report(content: ReportContent) -> str:
    """Give the report as text."""
    statement = r" \A ".join(content.statement)
    style = _asset("report.css").replace("PAGE_STATEMENT", statement) + _asset("report_print.css").replace(
        "PAGE_STATEMENT", statement
    )
    script = "".join(_asset(name) for name in SCRIPTS)
    template = _environment().get_template("report.html.j2")
    return template.render(
        content=content,
        t=content.text,
        lang=content.text.lang,
        inspection=content.inspection,
        csp=_content_security_policy(style, script),
        style=Markup(style),  # noqa: S704 (our own file)
        script=Markup(script),  # noqa: S704
        choices=_choices(content),
        names={one.segment_id: one.name for one in (*content.found, *content.clean, *content.not_assessed)},
        anchors={one.segment_id: one.anchor for one in content.detailed},
        originals=content.evidence.originals,
        resolution=resolution_text,
        linked=_linker({one.id for one in content.cards}),
    )


@cache
def _environment() -> Environment:
    """Give the templates; they are compiled once, however many reports are written."""
    return Environment(
        loader=PackageLoader("tenken.outputs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    return (files("tenken.outputs") / "templates" / name).read_text(encoding="utf-8")


def _content_security_policy(style: str, script: str) -> str:
    """Forbid every request; only this very style and script may act."""

    def digest(content: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii") + "'"

    return (
        f"default-src 'none'; img-src data:; style-src {digest(style)}; script-src {digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _linker(ids: set[str]) -> Callable[[str], Markup]:
    """Give a function that turns the ids of defects in a sentence into links to them."""

    def linked(sentence: str) -> Markup:
        parts = re.split(r"([A-Z]{1,3}-[0-9A-Za-z]+)", sentence)
        return Markup("").join(
            Markup('<a href="#d-{0}">{0}</a>').format(part) if part in ids else escape(part) for part in parts
        )

    return linked


def _choices(content: ReportContent) -> dict[str, list[Choice]]:
    """Give what the filters offer, with how many candidates each has."""
    text, cards = content.text, content.cards
    grades = Counter(one.worst for one in cards)
    segments = Counter(one.segment_id for one in cards)
    return {
        "kind": [Choice(*key, count) for key, count in sorted(Counter((c.kind, c.kind_word) for c in cards).items())],
        "grade": [
            Choice(grade or "-", grade or text("grade.none"), grades[grade])
            for grade in sorted(grades, key=lambda one: (one == "", -(severity(one) or 0), one))
        ],
        "segment": [Choice(s.segment_id, s.name, segments[s.segment_id]) for s in content.detailed]
        + _rest(text("filter.no_segment"), sum(len(found) for _, found in content.unplaced) + len(content.placed)),
        "width": _coded(cards, "width_code", WIDTH_CODES, "width_status", content),
        "review": _coded(cards, "review_code", REVIEWS, "review", content),
    }


def _coded(
    cards: Iterable[Card], attribute: str, order: tuple[str, ...], group: str, content: ReportContent
) -> list[Choice]:
    counts = Counter(getattr(one, attribute) for one in cards)
    known = [code for code in order if counts[code]] + sorted(set(counts) - {*order, ""})
    words = [Choice(code, content.text.coded(group, code), counts[code]) for code in known]
    return words + _rest(content.text(f"{group}.none"), counts[""]) if words else []


def _rest(word: str, count: int) -> list[Choice]:
    return [Choice("-", word, count)] if count else []
