"""COCO instance segmentation: every sighting in its photo, for those who train and compare detectors."""

import hashlib
import json
from pathlib import Path
from typing import Any

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from tenken.errors import SettingsError
from tenken.exports.result import FinishedResult
from tenken.journal import write_atomically
from tenken.outputs.layers import Value
from tenken.outputs.reviews import entered_kind
from tenken.wording import words

CATEGORIES: dict[str, int] = {
    "crack": 1,
    "corrosion": 2,
    "spalling": 3,
    "exposed_rebar": 4,
    "leakage": 5,
    "efflorescence": 6,
}
"""Category ids that never change; other kinds follow in the order of their names."""
_CARRIED = (
    "kind", "score", "sighting_id", "defect_id", "length_px", "width_px", "gsd_mm", "length_m", "area_m2", "width_mm",
    "width_low_mm", "width_high_mm", "width_status", "condition_state", "pattern",
)  # fmt: skip
"""Columns of a sighting that its annotation carries."""
_REVIEWED = ("review", "review_kind", "review_note")
_ID_BITS = 52
"""Ids stay exact in JSON readers that hold numbers as doubles."""


def write_coco(result: FinishedResult, folder: Path) -> list[str]:
    """Write ``annotations.json``.

    Pixels are those of the photo as displayed. Beyond COCO's own keys an image has ``sha256``, and an annotation
    ``centreline`` and ``inferred`` (lines as ``[[x, y, x, y, ...], ...]``), its sizes and its defect's review. The
    category is the kind that a person entered, if one did; ``kind`` is always what the detector took it for.
    """
    photos = result.records("photos")
    if any(photo.get("width_px") is None for photo in photos):
        raise SettingsError(
            f"{result.folder}: was made by an older version that kept no size of photos: "
            f"run `inspect report {result.folder}` once, which detects nothing again"
        )
    sightings = result.records("sightings")
    reviews = {row["id"]: {name: row.get(name) for name in _REVIEWED} for row in result.records("defects")}
    kinds = [_kind(row, reviews.get(row["defect_id"], {})) for row in sightings]
    categories = _categories(set(kinds))
    content = {
        "info": {"description": f"Tenken: {result.flight}", "contributor": words("en")("statement")},
        "licenses": [],
        "categories": [
            {"id": number, "name": kind, "supercategory": "defect", "name_ja": words("ja").kind(kind)}
            for kind, number in categories.items()
        ],
        "images": [
            {
                "id": _id("photo", photo["photo"]),
                "file_name": photo["photo"],
                "width": photo["width_px"],
                "height": photo["height_px"],
                "date_captured": photo["taken_at"] or "",
                "sha256": photo["sha256"],
            }
            for photo in photos
        ],
        "annotations": [
            _annotation(row, categories[kind], reviews.get(row["defect_id"], {}))
            for row, kind in zip(sightings, kinds, strict=True)
        ],
    }
    write_atomically(folder / "annotations.json", _json(content))
    return []


def _annotation(sighting: dict[str, Value], category_id: int, review: dict[str, Value]) -> dict[str, Any]:
    outline = shapely.from_wkt(str(sighting["outline_px"]))
    left, top, right, bottom = outline.bounds
    return {
        "id": _id("sighting", sighting["sighting_id"]),
        "image_id": _id("photo", sighting["photo"]),
        "category_id": category_id,
        "iscrowd": 0,
        "bbox": [round(value, 2) for value in (left, top, right - left, bottom - top)],
        "area": round(outline.area, 2),
        "segmentation": [_flat(part.exterior) for whole in shapely.get_parts(outline) for part in solid_parts(whole)],
        "centreline": _lines(sighting["centreline_px"]),
        "inferred": _lines(sighting["inferred_px"]),
        **{name: sighting.get(name) for name in _CARRIED},
        **review,
    }


def _kind(sighting: dict[str, Value], review: dict[str, Value]) -> str:
    entered = review.get("review_kind")
    return entered_kind(str(entered)) if entered else str(sighting["kind"])


def solid_parts(polygon: Polygon) -> list[Polygon]:
    """Cut a polygon with holes into parts without any: COCO's polygons have none, and their parts add up."""
    if not polygon.interiors:
        return [polygon]
    west, south, east, north = polygon.bounds
    cut = polygon.interiors[0].centroid.x
    halves = (shapely.box(west - 1, south - 1, cut, north + 1), shapely.box(cut, south - 1, east + 1, north + 1))
    parts = [part for half in halves for part in shapely.get_parts(shapely.intersection(polygon, half))]
    return [solid for part in parts if isinstance(part, Polygon) and part.area > 0 for solid in solid_parts(part)]


def _categories(kinds: set[str]) -> dict[str, int]:
    others = sorted(kinds - set(CATEGORIES))
    return CATEGORIES | {kind: number for number, kind in enumerate(others, len(CATEGORIES) + 1)}


def _id(what: str, name: Value) -> int:
    """Give a number that depends on the name alone, so that other photos in the flight do not change it."""
    digest = hashlib.sha256(f"{what} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _ID_BITS)


def _lines(wkt: Value) -> list[list[float]]:
    return [] if wkt is None else [_flat(line) for line in shapely.get_parts(shapely.from_wkt(str(wkt)))]


def _flat(line: BaseGeometry) -> list[float]:
    return [round(float(value), 2) for value in shapely.get_coordinates(line).ravel()]


def _json(content: dict[str, Any]) -> str:
    """One image, category or annotation a line."""
    parts = []
    for key, value in content.items():
        rows = value if isinstance(value, list) else [value]
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows]
        text = "[\n" + ",\n".join(lines) + "\n]" if isinstance(value, list) and lines else "".join(lines) or "[]"
        parts.append(f"{json.dumps(key)}: {text}")
    return "{" + ",\n".join(parts) + "}\n"
