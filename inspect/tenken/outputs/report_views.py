"""What the report's template prints, ready made: no template computes a figure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenken.assessment.grade import Finding
from tenken.identity.identify import Defect
from tenken.inspection import Inspection
from tenken.measurement.measure import Sighting
from tenken.outputs.figures import (
    UNKNOWN,
    area_text,
    condition_text,
    corrosion_percent_text,
    grade_text,
    length_text,
    mm_text,
    percent_text,
    pixel_size_text,
    position_error_text,
    resolution_text,
    stated_width_text,
    width_text,
)
from tenken.outputs.grades import severity, worst_grade
from tenken.outputs.layers import ranked
from tenken.outputs.wording import Words


@dataclass(frozen=True, slots=True)
class SightingView:
    """A photo that shows a defect."""

    photo: str
    score: str
    size: str
    resolution: str


@dataclass(frozen=True, slots=True)
class Card:
    """A defect."""

    id: str
    kind: str
    kind_word: str
    score: float
    grade: str
    level: str
    """0 (mildest) .. 4, or ``none``: the colour of the grade."""
    worst: str
    grade_reason: str
    figures: tuple[tuple[str, str], ...]
    width_status: str
    """What the width's status means, in words; empty for what has no width."""
    located: bool
    photo: str
    sightings: tuple[SightingView, ...]
    unseen_in: tuple[str, ...]
    picture: str | None
    """As a ``data:`` URI."""
    picture_file: str | None
    searched: str
    """What the text filter looks into, in lower case."""


@dataclass(frozen=True, slots=True)
class Section:
    """A segment, or the defects outside all segments, with its cards."""

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
    reasons: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]
    crack_length: str
    max_width: str
    corrosion: str
    seen: str
    coverage: tuple[tuple[str, str, str], ...]
    """Status, its word, its share of the segment."""
    cards: tuple[Card, ...]


def ordered_defects(inspection: Inspection) -> list[Defect]:
    """Give the defects as the report shows them: by rank of their segment, the severest first."""
    place = {one.segment.segment_id: index for index, one in enumerate(ranked(inspection.findings))}

    def key(defect: Defect) -> tuple[int, int, float, float, str]:
        grade = inspection.grades.get(defect.id)
        segment = grade.segment_id if grade else None
        worst = severity(worst_grade(grade.grade, grade.candidates)) if grade else None
        rank = place.get(segment, len(place)) if segment is not None else len(place)
        return (
            rank if defect.outline_m is not None or segment is not None else len(place) + 1,
            -(worst if worst is not None else -1),
            -(defect.width_high_mm or defect.width_mm or 0.0),
            -defect.score,
            defect.id,
        )

    return sorted(inspection.defects, key=key)


def card(
    defect: Defect, inspection: Inspection, text: Words, pictures: Mapping[str, str], files: Mapping[str, str]
) -> Card:
    """Make the card of a defect; ``pictures`` are the embedded ones, ``files`` all of them, by defect id."""
    grade = inspection.grades.get(defect.id)
    worst = worst_grade(grade.grade, grade.candidates) if grade else None
    shown_grade = grade_text(grade.grade, grade.candidates, text) if grade else text("grade.none")
    photo = defect.sightings[0].photo if defect.sightings else ""
    names = [one.photo for one in defect.sightings]
    segment = grade.segment_id if grade else None
    return Card(
        id=defect.id,
        kind=defect.kind,
        kind_word=text.kind(defect.kind),
        score=round(defect.score, 3),
        grade=shown_grade,
        level=_level(worst),
        worst=worst or "",
        grade_reason=grade.reason if grade else "",
        figures=_card_figures(defect, text),
        width_status=text(f"width_status.{defect.width_status}") if defect.width_status else "",
        located=defect.outline_m is not None,
        photo=photo,
        sightings=tuple(_sighting(one, defect, text) for one in defect.sightings),
        unseen_in=defect.unseen_in,
        picture=pictures.get(defect.id),
        picture_file=files.get(defect.id),
        searched=" ".join([defect.id, text.kind(defect.kind), defect.kind, segment or "", *names]).lower(),
    )


def segment_section(finding: Finding, index: int, cards: Sequence[Card], text: Words) -> Section:
    """Make the section of a segment; ``index`` numbers its anchor."""
    segment = finding.segment
    crack_length = _quantity(finding, finding.crack_length_m, length_text(finding.crack_length_m))
    max_width = UNKNOWN if finding.max_width_mm is None else f"{mm_text(finding.max_width_mm)} mm"
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
        rank_range="" if finding.rank_range is None else "{}–{}".format(*finding.rank_range),
        grade=grade_text(finding.grade, finding.grade_candidates, text),
        level=_level(worst_grade(finding.grade, finding.grade_candidates)),
        reasons=finding.reasons,
        figures=tuple((text.coded("importance", name), value) for name, value in segment.importance.items()),
        crack_length=crack_length,
        max_width=max_width,
        corrosion=corrosion,
        seen=percent_text(finding.seen_fraction),
        coverage=_coverage(finding, text),
        cards=tuple(cards),
    )


def cards_by_segment(
    defects: Sequence[Defect], cards: Sequence[Card], inspection: Inspection
) -> dict[str | None, list[Card]]:
    """Sort the cards into segments by id; those of no segment under None."""
    known = {finding.segment.segment_id for finding in inspection.findings}
    sorted_in: dict[str | None, list[Card]] = defaultdict(list)
    for defect, one in zip(defects, cards, strict=True):
        grade = inspection.grades.get(defect.id)
        segment = grade.segment_id if grade and grade.segment_id in known else None
        sorted_in[segment].append(one)
    return sorted_in


def _card_figures(defect: Defect, text: Words) -> tuple[tuple[str, str], ...]:
    if defect.length_m is None and defect.area_m2 is None:
        sizes = [(text("figure.in_picture"), pixel_size_text(defect))]
    elif defect.width_status is not None or defect.centreline_m is not None:
        sizes = [
            (text("figure.length"), length_text(defect.length_m)),
            (text("figure.width"), width_text(defect)),
        ]
        if defect.width_largest is not None:
            sizes.append((text("figure.width_largest"), stated_width_text(defect.width_largest)))
        if defect.width_p95 is not None:
            sizes.append((text("figure.width_p95"), stated_width_text(defect.width_p95)))
        if defect.inferred_length_m:
            sizes.append((text("figure.inferred_length"), length_text(defect.inferred_length_m)))
        if defect.pattern is not None:
            sizes.append((text("figure.pattern"), text.coded("pattern", defect.pattern)))
    else:
        sizes = [(text("figure.area"), area_text(defect.area_m2))]
    if defect.state_share is not None:
        sizes.append((text("figure.condition_state"), condition_text(defect.state_share, text)))
    if defect.outline_m is None:
        place = (text("figure.position"), text("figure.no_position"))
    else:
        middle = defect.outline_m.representative_point()
        error = position_error_text(defect.position_error_m)
        place = (text("figure.position"), f"E {middle.x:.2f}  N {middle.y:.2f}  {error}")
    return (*sizes, place, (text("figure.resolution"), resolution_text(defect.gsd_mm)))


def _sighting(sighting: Sighting, defect: Defect, text: Words) -> SightingView:
    if sighting.length_m is None and sighting.area_m2 is None:
        size = pixel_size_text(sighting)
    elif defect.width_status is not None or sighting.centreline_m is not None:
        size = " · ".join(part for part in (length_text(sighting.length_m), width_text(sighting)) if part != UNKNOWN)
        size = size or text.coded("width_status", sighting.width_status)
    else:
        size = area_text(sighting.area_m2)
    return SightingView(sighting.photo, f"{sighting.score:.2f}", size, resolution_text(sighting.gsd_mm))


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


def _level(grade: str | None) -> str:
    level = severity(grade)
    return "none" if level is None else str(level)
