"""The report: one HTML file that holds everything and loads nothing."""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tenken.identity.identify import Defect
from tenken.inspection import Inspection
from tenken.journal import write_atomically
from tenken.outputs.figures import UNKNOWN, length_text, mm_text, resolution_text
from tenken.outputs.grades import severity, worst_grade
from tenken.outputs.layers import as_text, ranked
from tenken.outputs.report_map import draw_map
from tenken.outputs.report_views import (
    Card,
    Section,
    card,
    cards_by_segment,
    ordered_defects,
    segment_section,
)
from tenken.outputs.wording import Words, words

EMBEDDED_BYTES = 24_000_000
"""Pictures in the file, the highest ranked first; above this a card names its picture's file instead."""

DATA_URI_OVERHEAD = 4 / 3
"""Base64 writes three bytes as four."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure at the top, with what it is."""

    value: str
    label: str
    detail: str


def write_report(path: Path, inspection: Inspection, crops: Mapping[str, str], lang: str) -> None:
    """Write the report.

    Parameters
    ----------
    path
        Where to, usually ``report.html`` in the results folder.
    inspection
        The result.
    crops
        Picture of each defect relative to the report's folder, by defect id (`tenken.outputs.write_crops`).
        Those that exist are embedded, up to `EMBEDDED_BYTES`.
    lang
        ``"ja"`` or ``"en"``.
    """
    write_atomically(path, render_report(inspection, crops, path.parent, lang))


def render_report(inspection: Inspection, crops: Mapping[str, str], folder: Path, lang: str) -> str:
    """Give the report as text; pictures are read from below ``folder``."""
    text = words(lang)
    defects = ordered_defects(inspection)
    pictures = _embedded(defects, crops, folder)
    cards = [card(defect, inspection, text, pictures, crops) for defect in defects]
    by_segment = cards_by_segment(defects, cards, inspection)
    sections = [
        segment_section(finding, index, by_segment.get(finding.segment.segment_id, []), text)
        for index, finding in enumerate(ranked(inspection.findings), start=1)
    ]
    homeless = by_segment.get(None, [])
    style = _asset("report.css").replace("PAGE_STATEMENT", text("statement"))
    script = _asset("report.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            t=text,
            lang=lang,
            inspection=inspection,
            csp=_content_security_policy(style, script),
            style=Markup(style),  # noqa: S704 (our own file)
            script=Markup(script),  # noqa: S704
            headlines=_headlines(inspection, text),
            flown=_flown(inspection),
            map=draw_map(inspection, [one.id for one in defects]),
            assessed=[one for one in sections if one.assessed],
            not_assessed=[one for one in sections if not one.assessed],
            placed=[one for one in homeless if one.located],
            unplaced=_by_photo([one for one in homeless if not one.located]),
            cards=cards,
            kinds=sorted({(one.kind, one.kind_word) for one in cards}),
            grades=sorted({one.worst for one in cards if one.worst}, key=lambda one: (-(severity(one) or 0), one)),
            named=_names(sections),
            embedded=len(pictures),
            photos=sorted(inspection.photos, key=lambda one: one.photo),
            skipped=sorted(inspection.skipped, key=lambda one: one.path),
            limits=[text(f"limit.{number}") for number in range(1, 7)],
            resolution=resolution_text,
            versions=sorted(inspection.versions.items()),
            settings=[(name, as_text(value)) for name, value in sorted(inspection.settings.items())],
            legend=_legend(inspection),
        )
    )


def _environment() -> Environment:
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


def _embedded(defects: Sequence[Defect], crops: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Give pictures as data URIs, the first ranked first, while there is room."""
    room = EMBEDDED_BYTES
    uris: dict[str, str] = {}
    for defect in defects:
        file = folder / crops[defect.id] if defect.id in crops else None
        if file is None or not file.is_file():
            continue
        content = file.read_bytes()
        room -= int(len(content) * DATA_URI_OVERHEAD)
        if room < 0:
            break
        uris[defect.id] = "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")
    return uris


def _headlines(inspection: Inspection, text: Words) -> list[Headline]:
    kinds = Counter(defect.kind for defect in inspection.defects)
    findings = inspection.findings
    assessed = [one for one in findings if one.assessed]
    worst = worst_grade(None, [grade for one in assessed if (grade := worst_grade(one.grade, one.grade_candidates))])
    widest = max((one.max_width_mm for one in findings if one.max_width_mm is not None), default=None)
    unlocated = sum(defect.outline_m is None for defect in inspection.defects)
    usable = sum(photo.usable for photo in inspection.photos)
    return [
        Headline(
            str(len(inspection.defects)),
            text("headline.defects"),
            " · ".join(f"{text.kind(kind)} {count}" for kind, count in sorted(kinds.items())),
        ),
        Headline(
            worst or UNKNOWN,
            text("headline.worst"),
            text("headline.standard", standard=inspection.standard),
        ),
        Headline(
            length_text(sum(one.crack_length_m for one in findings)) if findings else UNKNOWN,
            text("headline.crack_length"),
            text("headline.widest", width=UNKNOWN if widest is None else f"{mm_text(widest)} mm"),
        ),
        Headline(
            f"{len(assessed)} / {len(findings)}",
            text("headline.assessed"),
            text("headline.not_assessed", count=len(findings) - len(assessed)),
        ),
        Headline(
            f"{usable} / {len(inspection.photos)}",
            text("headline.photos"),
            text("headline.skipped", count=len(inspection.skipped)),
        ),
        *([Headline(str(unlocated), text("headline.unlocated"), text("headline.unlocated_detail"))] * bool(unlocated)),
    ]


def _flown(inspection: Inspection) -> str:
    """Give the first and the last day on which photos were taken."""
    days = sorted({photo.taken_at[:10].replace(":", "-") for photo in inspection.photos if photo.taken_at})
    return "" if not days else days[0] if days[0] == days[-1] else f"{days[0]} – {days[-1]}"


def _by_photo(cards: Sequence[Card]) -> list[tuple[str, list[Card]]]:
    photos = sorted({one.photo for one in cards})
    return [(photo, [one for one in cards if one.photo == photo]) for photo in photos]


def _legend(inspection: Inspection) -> list[tuple[str, str]]:
    """Give the grades on the map, the mildest first, with their levels of colour."""
    on_map = {worst_grade(one.grade, one.grade_candidates) for one in inspection.findings if one.assessed}
    graded = [(severity(grade), grade) for grade in on_map if grade is not None]
    return [
        (grade, "none" if level is None else str(level))
        for level, grade in sorted(graded, key=lambda one: (one[0] if one[0] is not None else -1, one[1]))
    ]


def _names(sections: Sequence[Section]) -> dict[str, str]:
    return {one.segment_id: one.name for one in sections}
