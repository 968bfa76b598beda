"""How the layers belong together: what a form shows of the other layers, and what leads from one to the next."""

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from tenken.wording import Words


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of ``child`` belong to the row of ``parent`` whose ``parent_column`` equals their ``child_column``."""

    id: str
    parent: str
    parent_column: str
    child: str
    child_column: str


RELATIONS: tuple[Relation, ...] = (
    Relation("segment_defects", "segments", "segment_id", "defects", "segment_id"),
    Relation("segment_coverage", "segments", "segment_id", "coverage", "segment_id"),
    Relation("segment_photos", "segments", "segment_id", "segment_photos", "segment_id"),
    Relation("photo_segments", "photos", "photo", "segment_photos", "photo"),
    Relation("photo_sightings", "photos", "photo", "sightings", "photo"),
    Relation("photo_defects", "photos", "photo", "defects", "photo"),
    Relation("defect_sightings", "defects", "id", "sightings", "defect_id"),
    Relation("defect_line", "defects", "id", "crack_lines", "defect_id"),
)

MANY_TO_MANY: dict[str, str] = {"segment_photos": "photo_segments", "photo_segments": "segment_photos"}
"""Through which second relation a form looks beyond the table between two layers."""


def layer_id(layer: str) -> str:
    """Give the id of a layer in the project; the same in every project, so that equal input gives equal bytes."""
    return f"tenken_layer_{layer}"  # QGIS replaces ids of ten signs and fewer


def parent_relation(layer: str, column: str) -> Relation | None:
    """Find the relation in which a column leads to the row that it belongs to; None where it is no key."""
    # A photo opens in the system's viewer, which says more than its row.
    return next(
        (one for one in RELATIONS if (one.child, one.child_column) == (layer, column) and column != "photo"), None
    )


def relations(text: Words) -> ET.Element:
    """Give the project's relations."""
    element = ET.Element("relations")
    for one in RELATIONS:
        relation = ET.SubElement(
            element,
            "relation",
            id=one.id,
            name=text(f"relation.{one.id}"),
            referencedLayer=layer_id(one.parent),
            referencingLayer=layer_id(one.child),
            strength="Association",
        )
        ET.SubElement(relation, "fieldRef", referencedField=one.parent_column, referencingField=one.child_column)
    return element
