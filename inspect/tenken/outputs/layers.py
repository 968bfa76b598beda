"""The result as plain tables with geometry: the one definition of the columns of every exported file."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Polygon

from tenken.assessment.grade import Finding
from tenken.identity.identify import Defect
from tenken.inspection import Inspection
from tenken.measurement.condition import SHARE_DECIMALS
from tenken.measurement.measure import Sighting
from tenken.measurement.surface_widths import StatedWidth
from tenken.notes import said
from tenken.outputs.columns import (
    COVERAGE,
    CRACK_LINES,
    DEFECTS,
    PHOTOS,
    RUN,
    SEGMENT_PHOTOS,
    SEGMENTS,
    SIGHTINGS,
    FieldType,
)
from tenken.outputs.grades import worst_grade
from tenken.outputs.plan_shapes import area_in_plan, line_in_plan, photo_in_plan, place_on_face
from tenken.outputs.reviews import Review
from tenken.outputs.segment_photos import segment_photos

Value = str | float | int | bool | None
LayerGeometry = MultiPolygon | MultiLineString
Row = tuple[LayerGeometry | None, tuple[Value, ...]]
GeometryType = Literal["MultiPolygon", "MultiLineString"]


@dataclass(frozen=True, slots=True)
class Layer:
    """A table of rows, one geometry type; ``geometry_type`` is None for a table without a map."""

    name: str
    geometry_type: GeometryType | None
    fields: Mapping[str, FieldType]
    rows: tuple[Row, ...]

    def column(self, name: str) -> tuple[Value, ...]:
        """Give one column's values, row by row."""
        index = list(self.fields).index(name)
        return tuple(values[index] for _, values in self.rows)


def all_layers(
    inspection: Inspection,
    *,
    reviews: Mapping[str, Review] | None = None,
    crops: Mapping[str, str] | None = None,
    lang: str = "en",
) -> tuple[Layer, ...]:
    """Give every layer and table of the result, in the order in which a map shows them, top first.

    Parameters
    ----------
    inspection
        The result.
    reviews
        What people entered in an earlier result, by defect id; kept.
    crops
        Picture of each defect, relative to the results folder, by defect id.
    lang
        Language of what is said about photos and files.
    """
    return (
        crack_lines_layer(inspection),
        defects_layer(inspection, reviews=reviews, crops=crops),
        sightings_layer(inspection),
        segments_layer(inspection),
        coverage_layer(inspection),
        photos_layer(inspection, lang),
        segment_photos_table(inspection),
        run_table(inspection, lang),
    )


def defects_layer(
    inspection: Inspection,
    *,
    reviews: Mapping[str, Review] | None = None,
    crops: Mapping[str, str] | None = None,
) -> Layer:
    """Give the outlines of all defects, those without a place with null geometry."""

    def rows() -> Iterator[Row]:
        for defect in sorted(inspection.defects, key=lambda one: one.id):
            grade = inspection.grades.get(defect.id)
            review = (reviews or {}).get(defect.id, Review(None, None))
            best = defect.sightings[0] if defect.sightings else None
            yield (
                area_in_plan(defect.outline_m, defect.face, inspection.faces),
                (
                    defect.id,
                    defect.kind,
                    rounded(defect.score, 4),
                    grade.segment_id if grade else None,
                    rounded(defect.length_m, 4),
                    rounded(defect.width_mm, 3),
                    rounded(defect.width_low_mm, 3),
                    rounded(defect.width_high_mm, 3),
                    defect.width_status,
                    rounded(defect.area_m2, 6),
                    rounded(defect.gsd_mm, 3),
                    rounded(defect.position_error_m, 3),
                    grade.grade if grade else None,
                    _joined(grade.candidates if grade else ()),
                    grade.standard if grade else None,
                    len(defect.sightings),
                    best.photo if best else None,
                    best.photo_sha256 if best else None,
                    inspection.weights_sha256 or None,
                    review.review,
                    review.note,
                    worst_grade(grade.grade, grade.candidates) if grade else None,
                    (grade.reason or None) if grade else None,
                    len(defect.unseen_in),
                    (crops or {}).get(defect.id),
                    defect.condition_state,
                    defect.condition_state_score,
                    *(rounded(share, SHARE_DECIMALS) for share in defect.state_share or (None, None, None)),
                    *_stated(defect.width_p95),
                    *_stated(defect.width_largest),
                    rounded(defect.inferred_length_m, 4),
                    defect.pattern,
                    review.kind,
                    defect.face,
                    *(rounded(value, 3) for value in place_on_face(defect, inspection.faces)),
                ),
            )

    return Layer("defects", "MultiPolygon", DEFECTS, tuple(rows()))


def crack_lines_layer(inspection: Inspection) -> Layer:
    """Give the centre lines of the defects that have one and a place."""

    def rows() -> Iterator[Row]:
        for defect in sorted(inspection.defects, key=lambda one: one.id):
            if defect.centreline_m is None:
                continue
            grade = inspection.grades.get(defect.id)
            yield (
                line_in_plan(defect.centreline_m, defect.face, inspection.faces),
                (
                    defect.id,
                    rounded(defect.score, 4),
                    grade.segment_id if grade else None,
                    rounded(defect.length_m, 4),
                    rounded(defect.width_mm, 3),
                    rounded(defect.width_low_mm, 3),
                    rounded(defect.width_high_mm, 3),
                    defect.width_status,
                    _joined(grade.candidates if grade else ()),
                    worst_grade(grade.grade, grade.candidates) if grade else None,
                    *_stated(defect.width_largest),
                    rounded(defect.inferred_length_m, 4),
                    defect.pattern,
                    defect.face,
                ),
            )

    return Layer("crack_lines", "MultiLineString", CRACK_LINES, tuple(rows()))


def sightings_layer(inspection: Inspection) -> Layer:
    """Give every sighting of every defect, best first within a defect, in photo pixels and on the map."""

    def row(defect: Defect, sighting: Sighting) -> Row:
        share = sighting.state_share
        return (
            area_in_plan(sighting.outline_m, sighting.face, inspection.faces),
            (
                sighting.sighting_id,
                defect.id,
                sighting.photo,
                sighting.kind,
                rounded(sighting.score, 4),
                _pixel_wkt(sighting.outline_px),
                _pixel_wkt(sighting.centreline_px),
                rounded(sighting.length_px, 2),
                rounded(sighting.width_px, 3),
                rounded(sighting.gsd_mm, 3),
                rounded(sighting.length_m, 4),
                rounded(sighting.area_m2, 6),
                rounded(sighting.width_mm, 3),
                rounded(sighting.width_low_mm, 3),
                rounded(sighting.width_high_mm, 3),
                sighting.width_status,
                rounded(sighting.position_error_m, 3),
                sighting.photo_sha256,
                share.condition_state if share else None,
                share.condition_state_score if share else None,
                *_stated(sighting.width_p95),
                *_stated(sighting.width_largest),
                rounded(sighting.inferred_length_m, 4),
                sighting.pattern,
                _pixel_wkt(sighting.inferred_px),
                sighting.face,
            ),
        )

    defects = sorted(inspection.defects, key=lambda one: one.id)
    rows = tuple(row(defect, sighting) for defect in defects for sighting in defect.sightings)
    return Layer("sightings", "MultiPolygon", SIGHTINGS, rows)


def segments_layer(inspection: Inspection) -> Layer:
    """Give the repair list: ranked segments first, then the not assessed."""
    rows = tuple(_segment_row(finding, inspection) for finding in ranked(inspection.findings))
    return Layer("segments", "MultiPolygon", SEGMENTS, rows)


def photos_layer(inspection: Inspection, lang: str = "en") -> Layer:
    """Give photos and what each shows of the surface."""
    rows: tuple[Row, ...] = tuple(
        (
            photo_in_plan(photo, inspection.faces),
            (
                photo.photo,
                photo.sha256,
                photo.camera or None,
                rounded(photo.gsd_mm, 3),
                rounded(photo.smallest_crack_mm, 3),
                photo.usable,
                said(photo.reason, lang) or None,
                photo.taken_at,
                photo.pose_source or None,
                photo.detections,
                photo.width_px,
                photo.height_px,
            ),
        )
        for photo in sorted(inspection.photos, key=lambda one: one.photo)
    )
    return Layer("photos", "MultiPolygon", PHOTOS, rows)


def coverage_layer(inspection: Inspection) -> Layer:
    """Give what was seen of each segment, and why the rest was not."""
    faces = {finding.segment.segment_id: finding.segment.face for finding in inspection.findings}
    patches = [patch for finding in inspection.findings for patch in finding.coverage]
    patches.sort(key=lambda one: (one.segment_id, one.status, one.photos, one.geometry.wkb))
    rows: tuple[Row, ...] = tuple(
        (
            area_in_plan(patch.geometry, faces[patch.segment_id], inspection.faces),
            (patch.segment_id, patch.status, patch.photos, rounded(patch.geometry.area, 4)),
        )
        for patch in patches
    )
    return Layer("coverage", "MultiPolygon", COVERAGE, rows)


def segment_photos_table(inspection: Inspection) -> Layer:
    """Give which photos show which segment, for a map to lead from one to the other."""
    rows: tuple[Row, ...] = tuple(
        (None, (segment_id, photo, rounded(share, 4))) for segment_id, photo, share in segment_photos(inspection)
    )
    return Layer("segment_photos", None, SEGMENT_PHOTOS, rows)


def run_table(inspection: Inspection, lang: str = "en") -> Layer:
    """Give what made the result: weights, standard, versions, settings, as key and value."""
    entries: dict[str, object] = {
        "flight": inspection.flight,
        "crs": None if inspection.crs is None else inspection.crs.to_string(),
        "weights_name": inspection.weights_name,
        "weights_sha256": inspection.weights_sha256,
        "standard": inspection.standard,
        "standard_verified": inspection.standard_verified,
    }
    entries |= {f"version.{name}": value for name, value in sorted(inspection.versions.items())}
    entries |= {f"setting.{name}": value for name, value in sorted(inspection.settings.items())}
    entries |= {
        f"skipped.{one.path}": said(one.reason, lang) for one in sorted(inspection.skipped, key=lambda one: one.path)
    }
    rows: tuple[Row, ...] = tuple((None, (key, as_text(value))) for key, value in entries.items())
    return Layer("run", None, RUN, rows)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by rank, the not assessed last, by their ids."""
    return sorted(findings, key=lambda one: (one.rank is None, one.rank or 0, one.segment.segment_id))


def as_text(value: object) -> str | None:
    """Write a setting's value so that it reads the same in every file."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def rounded(value: float | None, digits: int) -> float | None:
    """Round for a file, so that the last bits of a sum cannot change its bytes; None where unknown."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits) + 0.0  # + 0.0 turns -0.0 into 0.0


def _segment_row(finding: Finding, inspection: Inspection) -> Row:
    segment = finding.segment

    def quantity(value: float | None, digits: int) -> float | None:
        # A zero of a segment that nobody looked at is not a measurement.
        return rounded(value, digits) if finding.assessed or value else None

    return (
        area_in_plan(segment.geometry, segment.face, inspection.faces),
        (
            segment.segment_id,
            segment.asset_id,
            segment.name or None,
            segment.material,
            finding.grade,
            finding.rank,
            rounded(finding.priority, 4),
            " ".join(finding.reasons) or None,
            len(finding.defect_ids),
            quantity(finding.crack_length_m, 3),
            rounded(finding.max_width_mm, 3),
            quantity(finding.corrosion_area_m2, 4),
            quantity(finding.corrosion_pct, 4),
            rounded(finding.seen_fraction, 4),
            finding.assessed,
            _joined(finding.grade_candidates),
            worst_grade(finding.grade, finding.grade_candidates),
            inspection.standard,
            None if finding.rank_range is None else finding.rank_range[0],
            None if finding.rank_range is None else finding.rank_range[1],
            rounded(finding.severe_corrosion_area_m2, 4),
            segment.face,
        ),
    )


def _joined(grades: Iterable[str]) -> str | None:
    return "-".join(grades) or None


def _stated(width: StatedWidth | None) -> tuple[float | None, float | None, float | None]:
    """Give the number and the interval in mm, null where nothing is known."""
    if width is None:
        return None, None, None
    return rounded(width.width_mm, 3), rounded(width.low_mm, 3), rounded(width.high_mm, 3)


def _pixel_wkt(shape: MultiPolygon | MultiLineString | None) -> str | None:
    if shape is None or shape.is_empty:
        return None
    simple: MultiPolygon | MultiLineString | Polygon | LineString = shape
    if len(shape.geoms) == 1:
        simple = shape.geoms[0]
    return str(shapely.to_wkt(simple, rounding_precision=2, trim=True))
