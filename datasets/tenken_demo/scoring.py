"""Hold an inspection of the demo flight against its truth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from tenken.identity.identify import Defect
from tenken_demo.truth import DemoTruth, TrueDefect

LEAST_CRACK_PX = 3.0
LEAST_RUST_PX = 400.0
"""Defects at least this wide, or large, in the photo that shows them best must be found by a perfect detector."""

MATCHING_FRACTION = 0.5
"""Share of a record that must lie on a true defect to be a hit."""

MATCHING_MARGIN_M = 0.02
"""Added to a record's stated error for matching: centre lines and masks have a width too."""


@dataclass(frozen=True, slots=True)
class DefectScore:
    """What became of one true defect."""

    defect: TrueDefect
    best_px: float
    """Width (crack) or area (rust) in the photo that shows it best, pixels."""
    records: tuple[Defect, ...]
    """Records that lie on it; exactly one is right."""
    distance_m: float | None
    """Crack: median distance of the record's line from the true one. Rust: distance of the centroids."""
    allowed_m: float | None
    """Two pixels and the stated position error."""

    @property
    def required(self) -> bool:
        """Whether it is large enough to be demanded."""
        return self.best_px >= (LEAST_CRACK_PX if self.defect.kind == "crack" else LEAST_RUST_PX)

    @property
    def in_place(self) -> bool:
        """Whether it lies where the record says, within the allowed distance."""
        return self.distance_m is not None and self.allowed_m is not None and self.distance_m <= self.allowed_m


@dataclass(frozen=True, slots=True)
class DemoScore:
    """The whole comparison."""

    defects: tuple[DefectScore, ...]
    false_alarms: tuple[Defect, ...]
    """Records that lie on no true defect of their kind."""


def score_demo(truth: DemoTruth, found: Sequence[Defect]) -> DemoScore:
    """Match records with true defects of their kind, by place."""
    real = [true for true in truth.defects if true.kind != "distractor" and true.sightings]
    records: dict[str, list[Defect]] = {true.id: [] for true in real}
    alarms = []
    for defect in found:
        nearest = min(
            (true for true in real if _lies_on(defect, true)), key=lambda t: _misfit_m(defect, t), default=None
        )
        if nearest is None:
            alarms.append(defect)
        else:
            records[nearest.id].append(defect)
    scores = [_score(true, tuple(records[true.id])) for true in real]
    return DemoScore(tuple(scores), tuple(alarms))


def _score(true: TrueDefect, records: tuple[Defect, ...]) -> DefectScore:
    best_px = max(
        (sighting.width_px or 0.0) if true.kind == "crack" else sighting.outline_px.area for sighting in true.sightings
    )
    if not records:
        return DefectScore(true, best_px, (), None, None)
    first = max(records, key=lambda record: record.length_m or record.area_m2 or 0.0)
    allowed = 2 * (first.gsd_mm or 0.0) / 1000 + (first.position_error_m or 0.0)
    return DefectScore(true, best_px, records, _distance_m(first, true), allowed)


def _lies_on(defect: Defect, true: TrueDefect) -> bool:
    if defect.kind != true.kind or defect.outline_m is None:
        return False
    reach = MATCHING_MARGIN_M + (defect.position_error_m or 0.0)
    place = shapely.force_2d(true.outline_m).buffer(reach)
    return float(defect.outline_m.intersection(place).area) >= MATCHING_FRACTION * defect.outline_m.area


def _misfit_m(defect: Defect, true: TrueDefect) -> float:
    """Mean distance of a record's outline from the true one: neighbours lie within the stated error too."""
    if defect.outline_m is None:
        return np.inf
    points = shapely.points(shapely.get_coordinates(shapely.segmentize(defect.outline_m, 0.02)))
    return float(np.mean(shapely.distance(points, shapely.boundary(shapely.force_2d(true.outline_m)))))


def _distance_m(record: Defect, true: TrueDefect) -> float | None:
    if record.outline_m is None:
        return None
    if true.centreline_m is None or record.centreline_m is None:
        return float(record.outline_m.centroid.distance(shapely.force_2d(true.outline_m).centroid))
    points = shapely.points(shapely.get_coordinates(shapely.segmentize(record.centreline_m, 0.02)))
    return float(np.median(shapely.distance(points, shapely.force_2d(true.centreline_m))))


def rows(score: DemoScore) -> Iterable[tuple[str, ...]]:
    """Give a table, header first: truth beside what was measured."""
    yield ("id", "kind", "px", "records", "off mm", "allowed mm", "size m, m²", "true", "shown", "width mm", "true")
    for one in score.defects:
        first = max(one.records, key=lambda r: r.length_m or r.area_m2 or 0.0) if one.records else None
        size = None if first is None else first.length_m if one.defect.kind == "crack" else first.area_m2
        yield (
            one.defect.id,
            one.defect.kind,
            f"{one.best_px:.1f}",
            str(len(one.records)),
            _text(one.distance_m, 1000, 1),
            _text(one.allowed_m, 1000, 1),
            _text(size, 1, 3),
            _text(one.defect.length_m if one.defect.kind == "crack" else one.defect.area_m2, 1, 3),
            f"{max(sighting.visible_fraction for sighting in one.defect.sightings):.0%}",
            _width(first) if one.defect.kind == "crack" else "",
            _text(one.defect.width_median_mm, 1, 2) if one.defect.kind == "crack" else "",
        )


def _width(record: Defect | None) -> str:
    if record is None or record.width_high_mm is None:
        return "-" if record is None else str(record.width_status)
    interval = f"{record.width_low_mm or 0:.1f}..{record.width_high_mm:.1f}"
    return interval if record.width_mm is None else f"{record.width_mm:.1f} ({interval})"


def _text(value: float | None, factor: float, decimals: int) -> str:
    return "-" if value is None else f"{value * factor:.{decimals}f}"
