"""What a report holds, in its order, in one language: the same for the page and for the archive's PDF."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tenken.inspection import Inspection, PhotoRecord, SkippedRecord
from tenken.notes import said
from tenken.outputs.figures import UNKNOWN, length_text, mm_text
from tenken.outputs.grades import severity, worst_grade
from tenken.outputs.layers import as_text, ranked
from tenken.outputs.report_cards import Card, Evidence, card, ordered_defects
from tenken.outputs.report_elevations import Elevation, draw_elevations
from tenken.outputs.report_map import ReportMap, draw_map
from tenken.outputs.report_pictures import Background, embedded_pictures, linked_originals, map_background
from tenken.outputs.report_sections import Section, cards_by_segment, reaching_in, segment_section
from tenken.outputs.reviews import REJECTED, Review, counted_defects
from tenken.wording import Words, words

FIRST = 3
"""Segments that the report opens with."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure at the top, with what it is."""

    value: str
    label: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that a report shows."""

    text: Words
    statement: tuple[str, ...]
    """Who diagnoses: the official sentence, and its translation where the report is not in Japanese."""
    inspection: Inspection
    evidence: Evidence
    headlines: tuple[Headline, ...]
    flown: str
    map: ReportMap | None
    elevations: tuple[Elevation, ...]
    """Faces of the structure, each drawn as it is seen."""
    found: tuple[Section, ...]
    """Ranked segments with candidates."""
    clean: tuple[Section, ...]
    """Segments in which nothing was found where they were seen."""
    not_assessed: tuple[Section, ...]
    placed: tuple[Card, ...]
    """On the map, in no segment."""
    unplaced: tuple[tuple[str, tuple[Card, ...]], ...]
    """Without a place, by photo."""
    cards: tuple[Card, ...]
    """All, in the report's order."""
    photos: tuple[PhotoRecord, ...]
    skipped: tuple[SkippedRecord, ...]
    limits: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    legend: tuple[tuple[str, str], ...]
    """Grades on the map, the mildest first, with their levels of colour."""

    @property
    def detailed(self) -> tuple[Section, ...]:
        """Segments with cards: those whose candidates count first, then those with rejected ones only, not assessed."""
        return (*self.found, *(one for one in (*self.clean, *self.not_assessed) if one.cards))

    @property
    def first(self) -> tuple[Section, ...]:
        """Segments that the report opens with."""
        return self.found[:FIRST]


def report_content(
    inspection: Inspection,
    crops: Mapping[str, str],
    folder: Path,
    lang: str,
    reviews: Mapping[str, Review] | None = None,
    background: Callable[[], Background | None] | None = None,
) -> ReportContent:
    """Put together what a report in ``folder`` shows.

    Parameters
    ----------
    inspection
        The result.
    crops
        Picture of each defect relative to ``folder``, by defect id.
    folder
        Where the report will lie.
    lang
        ``"ja"`` or ``"en"``.
    reviews
        What people entered, by defect id.
    background
        Gives what lies below the map, where it is being drawn already.
    """
    text = words(lang)
    defects = ordered_defects(inspection)
    groups: dict[str | None, list[str]] = {}
    for one in defects:
        grade = inspection.grades.get(one.id)
        groups.setdefault(grade.segment_id if grade else None, []).append(one.id)
    evidence = Evidence(
        crops,
        embedded_pictures(groups.values(), crops, folder),
        linked_originals(inspection.photos, folder),
        reviews or {},
    )
    cards = tuple(card(one, inspection, text, evidence) for one in defects)
    by_segment = cards_by_segment(cards, inspection)
    crossed = reaching_in(inspection, {one.id for one in cards if one.review_code != REJECTED})
    by_id = {one.id: one for one in cards}
    sections = [
        segment_section(
            finding,
            index,
            by_segment.get(finding.segment.segment_id, []),
            [by_id[one] for one in crossed[finding.segment.segment_id]],
            text,
        )
        for index, finding in enumerate(ranked(inspection.findings), start=1)
    ]
    homeless = by_segment.get(None, [])
    return ReportContent(
        text=text,
        statement=tuple(dict.fromkeys([words("ja")("statement"), text("statement")])),
        inspection=inspection,
        evidence=evidence,
        headlines=tuple(_headlines(inspection, text, reviews or {})),
        flown=_flown(inspection),
        map=draw_map(
            inspection,
            [one.id for one in defects],
            map_background(inspection.photos, inspection.crs) if background is None else background(),
        ),
        elevations=draw_elevations(inspection, [one.id for one in defects], text),
        found=tuple(one for one in sections if one.assessed and one.counted),
        clean=tuple(one for one in sections if one.assessed and not one.counted),
        not_assessed=tuple(one for one in sections if not one.assessed),
        placed=tuple(one for one in homeless if one.located),
        unplaced=_by_photo([one for one in homeless if not one.located]),
        cards=cards,
        photos=tuple(
            replace(one, reason=said(one.reason, lang)) for one in sorted(inspection.photos, key=lambda one: one.photo)
        ),
        skipped=tuple(
            replace(one, reason=said(one.reason, lang)) for files in inspection.skipped_by_reason() for one in files
        ),
        limits=tuple(text(f"limit.{number}") for number in range(1, 7)),
        versions=tuple(sorted(inspection.versions.items())),
        settings=tuple((name, as_text(value) or UNKNOWN) for name, value in sorted(inspection.settings.items())),
        legend=_legend(inspection),
    )


def _headlines(inspection: Inspection, text: Words, reviews: Mapping[str, Review]) -> list[Headline]:
    defects, rejected = counted_defects(inspection.defects, reviews)
    kinds = Counter(defect.kind for defect in defects)
    findings = inspection.findings
    assessed = [one for one in findings if one.assessed]
    worst = worst_grade(None, [grade for one in assessed if (grade := worst_grade(one.grade, one.grade_candidates))])
    widest = max((one.max_width_mm for one in findings if one.max_width_mm is not None), default=None)
    unlocated = sum(defect.outline_m is None for defect in defects)
    usable = sum(photo.usable for photo in inspection.photos)
    return [
        Headline(
            str(len(defects)),
            text("headline.defects"),
            " · ".join(
                [f"{text.kind(kind)} {count}" for kind, count in sorted(kinds.items())]
                + [text("headline.rejected", count=rejected)] * bool(rejected)
            ),
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


def _by_photo(cards: Sequence[Card]) -> tuple[tuple[str, tuple[Card, ...]], ...]:
    photos = sorted({one.photo for one in cards})
    return tuple((photo, tuple(one for one in cards if one.photo == photo)) for photo in photos)


def _legend(inspection: Inspection) -> tuple[tuple[str, str], ...]:
    on_map = {worst_grade(one.grade, one.grade_candidates) for one in inspection.findings if one.assessed}
    graded = [(severity(grade), grade) for grade in on_map if grade is not None]
    return tuple(
        (grade, "none" if level is None else str(level))
        for level, grade in sorted(graded, key=lambda one: (one[0] if one[0] is not None else -1, one[1]))
    )
