"""Attribute forms: tabs and groups, what people enter first, the picture beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from tenken.outputs.layers import Layer
from tenken.outputs.qgis.options import option
from tenken.outputs.qgis.relations import MANY_TO_MANY
from tenken.wording import Words


@dataclass(frozen=True, slots=True)
class Related:
    """The rows of another layer that belong to this one, in the form."""

    relation: str


@dataclass(frozen=True, slots=True)
class Group:
    """A tab, or a box in a tab, of columns, boxes and related rows."""

    title: str
    """Its key in the wording."""
    items: tuple["str | Group | Related", ...]
    shown_if: str | None = None
    """An expression; always shown when None."""


_IS_CRACK, _HAS_STATE = '"width_status" is not null', '"condition_state" is not null'
_WIDTHS = (
    *("width_low_mm", "width_high_mm", "width_p95_mm", "width_p95_low_mm", "width_p95_high_mm"),
    *("width_largest_mm", "width_largest_low_mm", "width_largest_high_mm", "width_status"),
)

FORMS: dict[str, tuple[Group, ...]] = {
    "defects": (
        Group(
            "form.review",
            (
                Group("form.entry", ("review", "review_kind", "review_note")),
                "crop",
                Group(
                    "form.candidate",
                    (
                        *("id", "kind", "grade_candidates", "segment_id"),
                        *("length_m", "width_mm", "area_m2", "condition_state"),
                    ),
                ),
            ),
        ),
        Group(
            "form.photos",
            (
                Group("form.best_photo", ("photo", "sightings", "unseen_in")),
                Related("defect_sightings"),
            ),
        ),
        Group("form.grade", ("grade", "grade_worst", "grade_reason", "standard")),
        Group(
            "form.size",
            (
                Group("form.crack_width", _WIDTHS, shown_if=_IS_CRACK),
                Group("form.crack_shape", ("pattern", "inferred_length_m"), shown_if=_IS_CRACK),
                Group(
                    "form.condition",
                    ("condition_state_score", "fair_share", "poor_share", "severe_share"),
                    shown_if=_HAS_STATE,
                ),
                Group("form.on_face", ("face", "face_x_m", "face_y_m", "height_m"), shown_if='"face" is not null'),
                Group("form.accuracy", ("gsd_mm", "position_error_m")),
            ),
        ),
        Group("form.provenance", ("score", "photo_sha256", "weights_sha256")),
    ),
    "crack_lines": (
        Group(
            "form.candidate",
            (
                *("defect_id", "segment_id", "face", "grade_candidates", "grade_worst", "score", "pattern"),
                *("length_m", "inferred_length_m", "width_mm", "width_low_mm", "width_high_mm"),
                *("width_largest_mm", "width_largest_low_mm", "width_largest_high_mm", "width_status"),
            ),
        ),
    ),
    "sightings": (
        Group("form.candidate", ("sighting_id", "defect_id", "photo", "kind", "score", "face")),
        Group(
            "form.size",
            (
                Group("form.accuracy", ("gsd_mm", "position_error_m", "length_m", "area_m2")),
                Group("form.crack_width", ("width_mm", *_WIDTHS), shown_if=_IS_CRACK),
                Group("form.crack_shape", ("pattern", "inferred_length_m"), shown_if=_IS_CRACK),
                Group("form.condition", ("condition_state", "condition_state_score"), shown_if=_HAS_STATE),
            ),
        ),
        Group("form.pixels", ("length_px", "width_px", "outline_px", "centreline_px", "inferred_px")),
        Group("form.provenance", ("photo_sha256",)),
    ),
    "segments": (
        Group(
            "form.rank",
            (
                "name",
                "reasons",
                Group("form.order", ("rank", "priority", "rank_first", "rank_last")),
                Group("form.grade", ("grade_candidates", "grade_worst", "grade", "standard")),
                Group(
                    "form.found",
                    (
                        *("defects", "crack_length_m", "max_width_mm"),
                        *("corrosion_area_m2", "corrosion_pct", "severe_corrosion_area_m2"),
                    ),
                ),
                Group("form.seen", ("seen_fraction", "assessed")),
            ),
        ),
        Group("form.defects", (Related("segment_defects"),)),
        Group("form.photos", (Related("segment_photos"),)),
        Group("form.seen", (Related("segment_coverage"),)),
        Group("form.asset", ("segment_id", "asset_id", "face", "material")),
    ),
    "coverage": (Group("form.seen", ("segment_id", "status", "photos", "area_m2")),),
    "photos": (
        Group("form.photo", ("photo", "usable", "reason")),
        Group(
            "form.accuracy",
            ("camera", "taken_at", "width_px", "height_px", "gsd_mm", "smallest_crack_mm", "pose_source", "detections"),
        ),
        Group("form.defects", (Related("photo_sightings"),)),
        Group("form.segments", (Related("photo_segments"),)),
        Group("form.provenance", ("sha256",)),
    ),
    "segment_photos": (Group("form.seen", ("segment_id", "photo", "share")),),
    "run": (Group("form.provenance", ("key", "value")),),
}


def form_elements(layer: Layer, text: Words, *, linked: bool) -> list[ET.Element]:
    """Give a layer's form; related rows only where the layers are ``linked`` in a project."""
    layout = ET.Element("editorlayout")
    layout.text = "tablayout"
    form = ET.Element("attributeEditorForm")
    form.extend(_containers(FORMS[layer.name], layer, text, linked=linked, box=False))
    return [layout, form]


def _containers(groups: Iterable[Group], layer: Layer, text: Words, *, linked: bool, box: bool) -> Iterable[ET.Element]:
    for group in groups:
        container = ET.Element(
            "attributeEditorContainer",
            name=text(group.title),
            columnCount="1",
            groupBox="1" if box else "0",
            showLabel="1",
            visibilityExpressionEnabled="0" if group.shown_if is None else "1",
            visibilityExpression=group.shown_if or "",
        )
        for item in group.items:
            if isinstance(item, Group):
                container.extend(_containers((item,), layer, text, linked=linked, box=True))
            elif isinstance(item, Related):
                if linked:
                    container.append(_related(item, text))
            else:
                index = list(layer.fields).index(item)
                shown = "0" if item == "crop" else "1"  # a picture needs no name
                # QGIS counts the key column, which no form shows.
                ET.SubElement(container, "attributeEditorField", name=item, index=str(index + 1), showLabel=shown)
        if len(container):
            yield container


def _related(item: Related, text: Words) -> ET.Element:
    label = text(f"relation.{item.relation}")
    element = ET.Element(
        "attributeEditorRelation",
        name=item.relation,
        relation=item.relation,
        relationWidgetTypeId="relation_editor",
        nmRelationId=MANY_TO_MANY.get(item.relation, ""),
        forceSuppressFormPopup="0",
        label=label,
        showLabel="1",
    )
    # The rows are the software's: nothing to add or delete, only to look at.
    configuration = option({"buttons": "ZoomToChildFeature", "show_first_feature": True})
    configuration.tag = "editor_configuration"
    element.append(configuration)
    return element
