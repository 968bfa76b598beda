"""Segments and defects as entities of a city platform: NGSI-LD, and NGSIv2, which brokers in Japan mostly speak.

No public model of bridge defects was found, so types and attributes are our own: the columns of ``inspection.gpkg``,
below ``urn:tenken:``. What people wrote, photos and hashes stay out.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tenken.exports.places import places_deg
from tenken.exports.result import FinishedResult
from tenken.journal import write_atomically
from tenken.outputs.layers import Value
from tenken.wording import words

CORE_CONTEXT = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
"""The core context of ETSI GS CIM 009; a name, which nothing here fetches."""
SEGMENT, DEFECT = "InspectedSegment", "DefectCandidate"
SEGMENT_ATTRIBUTES = (
    "asset_id", "name", "material", "grade", "grade_candidates", "standard", "rank", "priority", "defects",
    "crack_length_m", "max_width_mm", "corrosion_area_m2", "corrosion_pct", "seen_fraction", "assessed",
)  # fmt: skip
DEFECT_ATTRIBUTES = (
    "kind", "score", "length_m", "width_mm", "width_low_mm", "width_high_mm", "width_status", "area_m2",
    "position_error_m", "grade", "grade_candidates", "standard", "sightings", "review", "review_kind",
)  # fmt: skip
_UNITS = {"_m": "MTR", "_mm": "MMT", "_m2": "MTK", "_pct": "P1"}
"""UN/CEFACT codes (recommendation 20) by the end of a column's name."""
_FORBIDDEN = re.compile(r"[<>\"'=;()]")
"""What Orion refuses in NGSIv2 values, unless they are ``TextUnrestricted``."""


def write_city_platform(result: FinishedResult, folder: Path) -> list[str]:
    """Write ``entities.jsonld``, the body of NGSI-LD's batch upsert, and ``ngsi-v2.json`` for ``/v2/op/update``."""
    statement = words("ja")("statement")
    entities = [*_entities(result, "segments"), *_entities(result, "defects")]
    for entity in entities:
        entity["statement"] = statement
    context = _context({name for entity in entities for name in entity})
    linked = [_ngsi_ld(entity, context) for entity in entities]
    plain = {"actionType": "append", "entities": [_ngsi_v2(entity) for entity in entities]}
    write_atomically(folder / "entities.jsonld", json.dumps(linked, indent=1, ensure_ascii=False) + "\n")
    write_atomically(folder / "ngsi-v2.json", json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    return []


def _entities(result: FinishedResult, name: str) -> Iterable[dict[str, Any]]:
    """Id, type, attributes that are known, ``location`` and ``segment`` of each row."""
    kind, key, attributes = (
        (SEGMENT, "segment_id", SEGMENT_ATTRIBUTES) if name == "segments" else (DEFECT, "id", DEFECT_ATTRIBUTES)
    )
    layer = result.layers[name]
    places = places_deg([shape for shape, _ in layer.rows], result.crs)
    for row, place in zip(result.records(name), places, strict=True):
        entity: dict[str, Any] = {"id": _urn(kind, row[key]), "type": kind}
        entity |= {one: row[one] for one in attributes if row.get(one) is not None}
        if name == "defects" and row["segment_id"] is not None:
            entity["segment"] = _urn(SEGMENT, row["segment_id"])
        if place is not None:
            entity["location"] = {"type": "Point", "coordinates": [place[1], place[0]]}
        yield entity


def _ngsi_ld(entity: Mapping[str, Any], context: list[Any]) -> dict[str, Any]:
    written: dict[str, Any] = {"id": entity["id"], "type": entity["type"]}
    for name, value in entity.items():
        if name == "location":
            written[name] = {"type": "GeoProperty", "value": value}
        elif name == "segment":
            written[name] = {"type": "Relationship", "object": value}
        elif name not in written:
            unit = _UNITS.get(f"_{name.rsplit('_', 1)[-1]}") if "_" in name else None
            written[name] = {"type": "Property", "value": value} | ({"unitCode": unit} if unit else {})
    return written | {"@context": context}


def _ngsi_v2(entity: Mapping[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {"id": entity["id"], "type": entity["type"]}
    for name, value in entity.items():
        if name not in written:
            written[name] = {"type": _type_v2(name, value), "value": value}
    return written


def _type_v2(name: str, value: Any) -> str:
    if name == "location":
        return "geo:json"
    if name == "segment":
        return "Relationship"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int | float):
        return "Number"
    return "TextUnrestricted" if _FORBIDDEN.search(str(value)) else "Text"


def _context(names: set[str]) -> list[Any]:
    own = sorted(names - {"id", "type", "location"} | {SEGMENT, DEFECT})
    return [{name: f"urn:tenken:{name}" for name in own}, CORE_CONTEXT]


def _urn(kind: str, name: Value) -> str:
    """Give an id that brokers take: ASCII, no blanks, whatever an asset is called."""
    return f"urn:ngsi-ld:{kind}:{quote(str(name), safe='@')}"
