"""What the report prints of a defect, ready made: no template computes a figure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pyproj import CRS, Transformer

from tenken.georeferencing.crs import WGS84
from tenken.georeferencing.face import height_at
from tenken.identity.identify import Defect
from tenken.inspection import Inspection
from tenken.measurement.measure import Sighting
from tenken.outputs.figures import (
    UNKNOWN,
    area_text,
    condition_text,
    grade_text,
    length_text,
    pixel_size_text,
    position_error_text,
    resolution_text,
    size_text,
    stated_width_text,
    width_status_text,
    width_text,
)
from tenken.outputs.grades import severity, worst_grade
from tenken.outputs.layers import ranked
from tenken.outputs.report_map import drawn_shape
from tenken.outputs.report_pictures import EmbeddedPicture
from tenken.outputs.reviews import Review, entered_kind
from tenken.wording import Words


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a report's reader finds the pictures, by defect id or by photo name."""

    crops: Mapping[str, str] = field(default_factory=dict)
    """Picture of each defect, relative to the report's folder."""
    embedded: Mapping[str, EmbeddedPicture] = field(default_factory=dict)
    """Those that stand in the report itself."""
    originals: Mapping[str, str] = field(default_factory=dict)
    """Links to the photos that lie beside the report's folder, relative to it."""
    reviews: Mapping[str, Review] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SightingView:
    """A photo that shows a defect."""

    photo: str
    figures: str
    """Score, size and resolution."""


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
    lead: str
    """Kind and sizes in one line."""
    figures: tuple[tuple[str, str], ...]
    width_code: str
    width_status: str
    """What the width's status means, in words; empty for what has no width."""
    located: bool
    segment_id: str
    photo: str
    sightings: tuple[SightingView, ...]
    photos: int
    """How many photos it was found in."""
    unseen_in: tuple[str, ...]
    picture: EmbeddedPicture | None
    picture_file: str | None
    review_code: str
    """Empty where no person has entered anything."""
    review: str
    review_note: str
    searched: str
    """What the text filter looks into, in lower case."""


def ordered_defects(inspection: Inspection) -> list[Defect]:
    """Give the defects as the report shows them: by rank of their segment, the severest first."""
    place = {one.segment.segment_id: index for index, one in enumerate(ranked(inspection.findings))}

    def key(defect: Defect) -> tuple[int, int, int, float, float, str]:
        grade = inspection.grades.get(defect.id)
        segment = grade.segment_id if grade else None
        worst = severity(worst_grade(grade.grade, grade.candidates)) if grade else None
        # Of two that can be as bad, the one that can't be better comes first: what the segment's reasons name.
        best = severity(grade.candidates[0]) if grade and grade.candidates else worst
        rank = place.get(segment, len(place)) if segment is not None else len(place)
        return (
            rank if defect.outline_m is not None or segment is not None else len(place) + 1,
            -(worst if worst is not None else -1),
            -(best if best is not None else -1),
            -(defect.width_high_mm or defect.width_mm or 0.0),
            -defect.score,
            defect.id,
        )

    return sorted(inspection.defects, key=key)


def _review_text(review: Review | None, text: Words) -> str:
    """Say what a person entered: the state, and the kind where they say another one."""
    if review is None:
        return ""
    kind = text.kind(entered_kind(review.kind)) if review.kind else ""
    return ": ".join(part for part in (text.coded("review", review.review), kind) if part)


def card(defect: Defect, inspection: Inspection, text: Words, evidence: Evidence) -> Card:
    """Make the card of a defect."""
    grade = inspection.grades.get(defect.id)
    worst = worst_grade(grade.grade, grade.candidates) if grade else None
    names = [one.photo for one in defect.sightings]
    segment = (grade.segment_id if grade else None) or ""
    review = evidence.reviews.get(defect.id)
    return Card(
        id=defect.id,
        kind=defect.kind,
        kind_word=text.kind(defect.kind),
        score=round(defect.score, 3),
        grade=grade_text(grade.grade, grade.candidates, text) if grade else text("grade.none"),
        level=level_of(worst),
        worst=worst or "",
        grade_reason=grade.reason if grade else "",
        lead=" · ".join([text.kind(defect.kind), *size_text(defect)]),
        figures=_card_figures(defect, inspection, text),
        width_code=defect.width_status or "",
        width_status=width_status_text(defect, text),
        located=defect.outline_m is not None,
        segment_id=segment,
        photo=names[0] if names else "",
        sightings=tuple(_sightings(defect, text)),
        photos=len(set(names)),
        unseen_in=defect.unseen_in,
        picture=evidence.embedded.get(defect.id),
        picture_file=evidence.crops.get(defect.id),
        review_code=(review.review if review else None) or "",
        review=_review_text(review, text),
        review_note=(review.note if review else None) or "",
        searched=" ".join(dict.fromkeys([defect.id, text.kind(defect.kind), defect.kind, segment, *names])).lower(),
    )


def level_of(grade: str | None) -> str:
    """Give 0 (mildest) .. 4, or ``none``, as styles name it."""
    level = severity(grade)
    return "none" if level is None else str(level)


def _card_figures(defect: Defect, inspection: Inspection, text: Words) -> tuple[tuple[str, str], ...]:
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
        places = [(text("figure.position"), text("figure.no_position"))]
    elif defect.face is not None:
        x_m, y_m, height_m = height_at(
            inspection.faces[defect.face], drawn_shape(defect.outline_m, defect.centreline_m)
        )
        error = position_error_text(defect.position_error_m)
        where = text("figure.on_face", face=defect.face, x=f"{x_m:.2f}", y=f"{y_m:.2f}", height=f"{height_m:.2f}")
        places = [(text("figure.position"), f"{where}  {error}"), *_degrees(x_m, y_m, inspection, text)]
    else:
        middle = defect.outline_m.representative_point()
        error = position_error_text(defect.position_error_m)
        grid = f"E {middle.x:.2f}  N {middle.y:.2f}  {error}"
        places = [(text("figure.position"), grid), *_degrees(middle.x, middle.y, inspection, text)]
    score = (text("figure.score"), f"{defect.score:.2f}")
    return (*sizes, *places, (text("figure.resolution"), resolution_text(defect.gsd_mm)), score)


def _degrees(x_m: float, y_m: float, inspection: Inspection, text: Words) -> list[tuple[str, str]]:
    """Give latitude and longitude as map services take them; six decimals are 0.1 m."""
    if inspection.crs is None:
        return []
    lon_deg, lat_deg = _to_wgs84(inspection.crs).transform(x_m, y_m)
    return [(text("figure.degrees"), f"{lat_deg:.6f}, {lon_deg:.6f}")]


@lru_cache(maxsize=4)
def _to_wgs84(crs: CRS) -> Transformer:
    return Transformer.from_crs(crs, WGS84, always_xy=True)


def _sightings(defect: Defect, text: Words) -> Iterator[SightingView]:
    """Give each photo once, with its best sighting; a photo may show a defect in several pieces."""
    pieces = Counter(one.photo for one in defect.sightings)
    for photo, count in pieces.items():
        view = _sighting(next(one for one in defect.sightings if one.photo == photo), defect, text)
        more = f" · {text('card.more_pieces', count=count - 1)}" if count > 1 else ""
        yield replace(view, figures=view.figures + more)


def _sighting(sighting: Sighting, defect: Defect, text: Words) -> SightingView:
    if sighting.length_m is None and sighting.area_m2 is None:
        size = pixel_size_text(sighting)
    elif defect.width_status is not None or sighting.centreline_m is not None:
        size = " · ".join(part for part in (length_text(sighting.length_m), width_text(sighting)) if part != UNKNOWN)
        size = size or text.coded("width_status", sighting.width_status)
    else:
        size = area_text(sighting.area_m2)
    score = f"{text('figure.score')} {sighting.score:.2f}"
    return SightingView(sighting.photo, f"{score} · {size} · {resolution_text(sighting.gsd_mm)}")
