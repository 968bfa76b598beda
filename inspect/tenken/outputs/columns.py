"""Columns of every exported file, in their order, with their types."""

from typing import Literal

FieldType = Literal["text", "real", "integer", "boolean"]

DEFECTS: dict[str, FieldType] = {
    "id": "text",
    "kind": "text",
    "score": "real",
    "segment_id": "text",
    "length_m": "real",
    "width_mm": "real",
    "width_low_mm": "real",
    "width_high_mm": "real",
    "width_status": "text",
    "area_m2": "real",
    "gsd_mm": "real",
    "position_error_m": "real",
    "grade": "text",
    "grade_candidates": "text",
    "standard": "text",
    "sightings": "integer",
    "photo": "text",
    "photo_sha256": "text",
    "weights_sha256": "text",
    "review": "text",
    "review_note": "text",
    "grade_worst": "text",
    "grade_reason": "text",
    "unseen_in": "integer",
    "crop": "text",
    "condition_state": "text",
    "condition_state_score": "real",
    "fair_share": "real",
    "poor_share": "real",
    "severe_share": "real",
    "width_p95_mm": "real",
    "width_p95_low_mm": "real",
    "width_p95_high_mm": "real",
    "width_largest_mm": "real",
    "width_largest_low_mm": "real",
    "width_largest_high_mm": "real",
    "inferred_length_m": "real",
    "pattern": "text",
    "review_kind": "text",
    "face": "text",
    "face_x_m": "real",
    "face_y_m": "real",
    "height_m": "real",
}
"""One row a physical defect. Others rely on the columns up to ``review_note``."""

CRACK_LINES: dict[str, FieldType] = {
    "defect_id": "text",
    "score": "real",
    "segment_id": "text",
    "length_m": "real",
    "width_mm": "real",
    "width_low_mm": "real",
    "width_high_mm": "real",
    "width_status": "text",
    "grade_candidates": "text",
    "grade_worst": "text",
    "width_largest_mm": "real",
    "width_largest_low_mm": "real",
    "width_largest_high_mm": "real",
    "inferred_length_m": "real",
    "pattern": "text",
    "face": "text",
}

SIGHTINGS: dict[str, FieldType] = {
    "sighting_id": "text",
    "defect_id": "text",
    "photo": "text",
    "kind": "text",
    "score": "real",
    "outline_px": "text",
    "centreline_px": "text",
    "length_px": "real",
    "width_px": "real",
    "gsd_mm": "real",
    "length_m": "real",
    "area_m2": "real",
    "width_mm": "real",
    "width_low_mm": "real",
    "width_high_mm": "real",
    "width_status": "text",
    "position_error_m": "real",
    "photo_sha256": "text",
    "condition_state": "text",
    "condition_state_score": "real",
    "width_p95_mm": "real",
    "width_p95_low_mm": "real",
    "width_p95_high_mm": "real",
    "width_largest_mm": "real",
    "width_largest_low_mm": "real",
    "width_largest_high_mm": "real",
    "inferred_length_m": "real",
    "pattern": "text",
    "inferred_px": "text",
    "face": "text",
}
"""One row a photo that shows a defect. Others rely on the columns up to ``gsd_mm``."""

SEGMENTS: dict[str, FieldType] = {
    "segment_id": "text",
    "asset_id": "text",
    "name": "text",
    "material": "text",
    "grade": "text",
    "rank": "integer",
    "priority": "real",
    "reasons": "text",
    "defects": "integer",
    "crack_length_m": "real",
    "max_width_mm": "real",
    "corrosion_area_m2": "real",
    "corrosion_pct": "real",
    "seen_fraction": "real",
    "assessed": "boolean",
    "grade_candidates": "text",
    "grade_worst": "text",
    "standard": "text",
    "rank_first": "integer",
    "rank_last": "integer",
    "severe_corrosion_area_m2": "real",
    "face": "text",
}
"""The repair list. Others rely on the columns up to ``assessed``."""

PHOTOS: dict[str, FieldType] = {
    "photo": "text",
    "sha256": "text",
    "camera": "text",
    "gsd_mm": "real",
    "smallest_crack_mm": "real",
    "usable": "boolean",
    "reason": "text",
    "taken_at": "text",
    "pose_source": "text",
    "detections": "integer",
    "width_px": "integer",
    "height_px": "integer",
}
"""Others rely on the columns up to ``reason``."""

COVERAGE: dict[str, FieldType] = {
    "segment_id": "text",
    "status": "text",
    "photos": "integer",
    "area_m2": "real",
}

SEGMENT_PHOTOS: dict[str, FieldType] = {"segment_id": "text", "photo": "text", "share": "real"}

RUN: dict[str, FieldType] = {"key": "text", "value": "text"}

LAYER_STYLES: dict[str, FieldType] = {
    "f_table_catalog": "text",
    "f_table_schema": "text",
    "f_table_name": "text",
    "f_geometry_column": "text",
    "styleName": "text",
    "styleQML": "text",
    "styleSLD": "text",
    "useAsDefault": "boolean",
    "description": "text",
    "owner": "text",
    "ui": "text",
    "update_time": "text",
}
"""QGIS's own style table."""
