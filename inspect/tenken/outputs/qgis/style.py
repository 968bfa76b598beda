"""A layer's whole QGIS style: look, names, forms, tips, tables; alone as QML or as part of a project."""

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from tenken.outputs.layers import Layer
from tenken.outputs.qgis.expressions import column, photo_folder
from tenken.outputs.qgis.forms import form_elements
from tenken.outputs.qgis.labels import labeling
from tenken.outputs.qgis.looks import layer_look
from tenken.outputs.qgis.tips import map_tip
from tenken.outputs.qgis.widgets import EDITABLE, column_elements
from tenken.wording import Words, words

QGIS_VERSION = "3.22.0"
"""The oldest version that the styles are meant for; newer ones read them."""
_CATEGORIES = "LayerConfiguration|Symbology|Labeling|Fields|Forms|Actions|MapTips|AttributeTable|Rendering"
_HIDDEN = frozenset(
    {"fid", "sha256", "photo_sha256", "weights_sha256", "outline_px", "centreline_px", "inferred_px", "crop"}
)
"""Columns that the attribute table leaves out at first."""
_SORTED_BY = {"defects": ("grade_worst", False), "segments": ("rank", True), "segment_photos": ("share", False)}
"""Column and whether rising, of attribute tables that don't go by their first column."""


@dataclass(frozen=True, slots=True)
class Style:
    """A layer's style: attributes and content of the element that holds it."""

    attributes: dict[str, str]
    elements: tuple[ET.Element, ...]


def layer_style(layer: Layer, lang: str, *, flight_folder: str | None = None, linked: bool = False) -> Style:
    """Make a layer's style.

    Parameters
    ----------
    layer
        Its legend names what stands in it.
    lang
        ``"ja"`` or ``"en"``.
    flight_folder
        Where the photos lie, relative to the results folder; None where no relative path leads there.
    linked
        Whether a project joins the layers, so that forms can show rows of others.
    """
    text = words(lang)
    look = layer_look(layer, text, linked=linked)
    editable = any(name in EDITABLE for name in layer.fields)
    attributes = {"readOnly": "0" if editable else "1"}
    elements: list[ET.Element] = []
    if look is not None:
        scaled = look.from_scale is not None
        attributes |= {
            "hasScaleBasedVisibilityFlag": "1" if scaled else "0",
            "minScale": str(look.from_scale or 0),  # QGIS's "minimum" is the largest denominator
            "maxScale": "0",
            "labelsEnabled": "0" if look.label is None else "1",
        }
        elements.append(look.renderer)
        if look.label is not None:
            elements.append(labeling(look.label))
    elements += column_elements(layer, text, flight_folder=flight_folder, linked=linked)
    elements += form_elements(layer, text, linked=linked)
    if "photo" in layer.fields:
        elements.append(_open_photo(layer.name, text, flight_folder))
    elements.append(_attribute_table(layer))
    if look is not None:
        tip = ET.Element("mapTip", enabled="1")
        tip.text = map_tip(layer, text)
        elements.append(tip)
    return Style(attributes, tuple(elements))


def layer_qml(layer: Layer, lang: str, *, flight_folder: str | None = None) -> str:
    """Give a layer's style as the text of a QML file."""
    style = layer_style(layer, lang, flight_folder=flight_folder)
    root = ET.Element("qgis", {"version": QGIS_VERSION, "styleCategories": _CATEGORIES, **style.attributes})
    root.extend(style.elements)
    ET.indent(root, " ")
    return document(root)


def document(root: ET.Element) -> str:
    """Give the text of a QGIS file."""
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _open_photo(layer: str, text: Words, flight_folder: str | None) -> ET.Element:
    """Give the action that opens a row's photo in the system's viewer."""
    actions = ET.Element("attributeactions")
    action = ET.SubElement(
        actions,
        "actionsetting",
        id=f"{{{uuid5(NAMESPACE_URL, f'tenken:open-photo:{layer}')}}}",
        type="5",  # opens a file or an address
        name=text("qgis.open_photo"),
        shortTitle=text("qgis.open_photo"),
        action=f"[% {photo_folder(flight_folder)} || '/' || {column('photo')} %]",
        capture="0",
        icon="",
        notificationMessage="",
        isEnabledOnlyWhenEditable="0",
    )
    for scope in ("Canvas", "Feature"):
        ET.SubElement(action, "actionScope", id=scope)
    return actions


def _attribute_table(layer: Layer) -> ET.Element:
    name, rising = _SORTED_BY.get(layer.name, (next(iter(layer.fields)), True))
    table = ET.Element(
        "attributetableconfig",
        actionWidgetStyle="dropDown",
        sortExpression=column(name),
        sortOrder="0" if rising else "1",
    )
    columns = ET.SubElement(table, "columns")
    for one in ("fid", *layer.fields):
        ET.SubElement(columns, "column", type="field", name=one, hidden="1" if one in _HIDDEN else "0", width="-1")
    return table
