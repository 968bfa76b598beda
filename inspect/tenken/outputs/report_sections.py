"""What the report prints of a segment, ready made: no template computes a figure."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import shapely

from tenken.assessment.grade import Finding
from tenken.assessment.reasons import Reason, render_all
from tenken.inspection import Inspection
from tenken.outputs.figures import (
    UNKNOWN,
    area_text,
    corrosion_percent_text,
    grade_text,
    length_text,
    mm_text,
    percent_text,
)
from tenken.outputs.grades import worst_grade
from tenken.outputs.report_cards import Card, level_of
from tenken.outputs.reviews import REJECTED
from tenken.wording import Words


@dataclass(frozen=True, slots=True)
class Section:
    """A segment with its cards."""

    anchor: str
    name: str
    segment_id: str
    asset: str
    assessed: bool
    rank: int | None
    priority: str
    rank_range: str
    """First and last rank when one weight moves by 20 %; empty where it is not known."""
    grade: str
    level: str
    lead: str
    """What comes before everything else, such as a hard rule; empty where there is nothing of the kind."""
    reasons: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]
    crack_length: str
    max_width: str
    corrosion: str
    seen: str
    coverage: tuple[tuple[str, str, str], ...]
    """Status, its word, its share of the segment."""
    cards: tuple[Card, ...]
    """Of the candidates of which it holds most."""
    shared: tuple[Card, ...]
    """Of candidates that count in it with a part and have their record in a segment that holds more of them."""
    worst: Card | None
    crossed_by: tuple[str, ...]
    """Ids of candidates that reach into it with too little to count in it."""

    @property
    def counted(self) -> int:
        """Candidates that nobody rejected and that stand in it, as a whole or with a part."""
        return sum(one.review_code != REJECTED for one in self.cards) + len(self.shared)


def segment_section(
    finding: Finding, index: int, cards: Sequence[Card], others: Sequence[Card], text: Words
) -> Section:
    """Make the section of a segment.

    Parameters
    ----------
    index
        Numbers its anchor.
    cards
        Of the candidates of which it holds most.
    others
        Of those that reach into it from another segment.
    """
    segment = finding.segment
    shared = sorted(
        (one for one in others if one.id in finding.defect_ids), key=lambda one: finding.defect_ids.index(one.id)
    )
    first = finding.defect_ids[0] if finding.defect_ids else None
    worst = next((one for one in shared if one.id == first), None) or next(iter([*cards, *shared]), None)
    corrosion = _quantity(finding, finding.corrosion_area_m2, area_text(finding.corrosion_area_m2))
    if corrosion != UNKNOWN and finding.corrosion_pct is not None:
        corrosion += f" ({corrosion_percent_text(finding.corrosion_pct)})"
    return Section(
        anchor=f"segment-{index}",
        name=segment.name or segment.segment_id,
        segment_id=segment.segment_id,
        asset=" · ".join(part for part in (segment.asset_id, text.coded("material", segment.material)) if part),
        assessed=finding.assessed,
        rank=finding.rank,
        priority=UNKNOWN if finding.priority is None else f"{finding.priority:.2f}",
        rank_range="" if finding.rank_range is None else "–".join(dict.fromkeys(map(str, finding.rank_range))),
        grade=grade_text(finding.grade, finding.grade_candidates, text),
        level=level_of(worst_grade(finding.grade, finding.grade_candidates)),
        lead=_lead(finding, text),
        reasons=finding.reasons,
        figures=tuple((text.coded("importance", name), value) for name, value in segment.importance.items()),
        crack_length=_quantity(finding, finding.crack_length_m, length_text(finding.crack_length_m)),
        max_width=UNKNOWN if finding.max_width_mm is None else f"{mm_text(finding.max_width_mm)} mm",
        corrosion=corrosion,
        seen=percent_text(finding.seen_fraction),
        coverage=_coverage(finding, text),
        cards=tuple(cards),
        shared=tuple(shared),
        worst=worst,
        crossed_by=tuple(one.id for one in others if one.id not in finding.defect_ids),
    )


def reaching_in(inspection: Inspection, counted: Collection[str]) -> dict[str, list[str]]:
    """Give the candidates that reach into each segment from another one, by segment id; ids in order.

    ``counted`` are the candidates that nobody rejected.
    """
    segments = [finding.segment for finding in inspection.findings]
    found: dict[str, list[str]] = defaultdict(list)
    by_face = {face: [one for one in segments if one.face == face] for face in {one.face for one in segments}}
    trees = {face: shapely.STRtree([one.geometry for one in own]) for face, own in by_face.items()}
    for defect in sorted(inspection.defects, key=lambda one: one.id):
        shape = defect.centreline_m if defect.centreline_m is not None else defect.outline_m
        if shape is None or defect.id not in counted or defect.face not in trees:
            continue
        grade = inspection.grades.get(defect.id)
        for number in sorted(trees[defect.face].query(shape, predicate="intersects").tolist()):
            reached = by_face[defect.face][number].segment_id
            if grade is None or reached != grade.segment_id:
                found[reached].append(defect.id)
    return found


def cards_by_segment(cards: Sequence[Card], inspection: Inspection) -> dict[str | None, list[Card]]:
    """Sort the cards into segments by id, in each what a person rejected last; those of no segment under None."""
    known = {finding.segment.segment_id for finding in inspection.findings}
    sorted_in: dict[str | None, list[Card]] = defaultdict(list)
    for one in sorted(cards, key=lambda card: card.review_code == REJECTED):
        sorted_in[one.segment_id if one.segment_id in known else None].append(one)
    return sorted_in


def _lead(finding: Finding, text: Words) -> str:
    """Give the weightiest reason, unless it only repeats the grade that stands beside it."""
    if not finding.reasons or not finding.defect_ids:
        return ""
    repeats = Reason("segment_candidates", {"grades": "/".join(finding.grade_candidates)})
    first = finding.reasons[0]
    return "" if first == render_all([repeats], "ja" if text.lang == "ja" else "en") else first


def _quantity(finding: Finding, value: float, written: str) -> str:
    # Nothing found where nothing was looked at is not a zero.
    return written if finding.assessed or value else UNKNOWN


def _coverage(finding: Finding, text: Words) -> tuple[tuple[str, str, str], ...]:
    areas: dict[str, float] = defaultdict(float)
    for patch in finding.coverage:
        areas[patch.status] += patch.geometry.area
    whole = sum(areas.values())
    return tuple(
        (status, text(f"coverage.{status}"), percent_text(areas[status] / whole))
        for status in ("seen", "too_coarse", "unusable_photo", "not_seen")
        if whole and areas[status]
    )
