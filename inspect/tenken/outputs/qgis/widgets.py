"""How each column is shown and edited in QGIS's forms and tables."""

from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

from tenken.outputs.layers import Layer
from tenken.outputs.qgis.codes import coded_words
from tenken.outputs.qgis.expressions import RESULTS_FOLDER, photo_folder
from tenken.outputs.qgis.options import Setting, following, option
from tenken.outputs.qgis.relations import parent_relation
from tenken.wording import Words

NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
"""How QGIS writes "null" in a value map."""
EDITABLE = frozenset({"review", "review_note", "review_kind"})
"""What people enter; all else is the software's."""
LONG_TEXTS = frozenset({"reasons", "grade_reason", "outline_px", "centreline_px"})
"""Shown in several lines. Not what people enter: there QGIS writes "NULL" into an empty box, as if it were text."""

_NAMES: dict[str, str] = {
    "segments": 'coalesce("name", "segment_id")',
    "sightings": '"defect_id" || \'  \' || "photo"',
    "coverage": '"segment_id" || \'  \' || "status"',
}
"""What stands for a row in lists, where that is not its first column."""
_SHOWN_PICTURES = frozenset({".jpg", ".jpeg", ".png"})
"""What QGIS shows in a form; an orthomosaic of gigabytes is better opened elsewhere."""


def is_editable(layer: Layer, name: str) -> bool:
    """Tell whether people may change a column."""
    return layer.name == "defects" and name in EDITABLE


def column_elements(layer: Layer, text: Words, *, flight_folder: str | None, linked: bool) -> list[ET.Element]:
    """Give editors, names in the language, and which of the columns may be edited."""
    editors, aliases, editable = (ET.Element(tag) for tag in ("fieldConfiguration", "aliases", "editable"))
    ET.SubElement(editable, "field", name="fid", editable="0")
    for index, name in enumerate(layer.fields):
        configured = ET.SubElement(editors, "field", name=name, configurationFlags="None")
        configured.append(_editor(layer, name, text, flight_folder=flight_folder, linked=linked))
        ET.SubElement(aliases, "alias", index=str(index), field=name, name=text(f"column.{name}"))
        ET.SubElement(editable, "field", name=name, editable="1" if is_editable(layer, name) else "0")
    shown = ET.Element("previewExpression")
    shown.text = _NAMES.get(layer.name) or f'"{next(iter(layer.fields))}"'
    return [editors, aliases, editable, shown]


def _editor(layer: Layer, name: str, text: Words, *, flight_folder: str | None, linked: bool) -> ET.Element:
    words = coded_words(layer, name, text)
    relation = parent_relation(layer.name, name) if linked else None
    if name == "review":
        return _widget("ValueMap", {"map": [{text("review.none"): NULL}, *_pairs(words or {})]})
    if words is not None:
        return _widget("ValueMap", {"map": [{"–": NULL}, *_pairs(words)]})
    if relation is not None:
        return _widget(
            "RelationReference",
            {
                "Relation": relation.id, "ReadOnly": True, "AllowNULL": True, "ShowForm": False,
                "ShowOpenFormButton": True, "MapIdentification": False, "OrderByValue": False,
            },
        )  # fmt: skip
    if name == "crop":
        return _file(RESULTS_FOLDER, shown=True, linked=False)
    if name == "photo":
        suffixes = {PurePosixPath(str(photo)).suffix.lower() for photo in layer.column("photo")}
        return _file(
            photo_folder(flight_folder), shown=layer.name == "photos" and suffixes <= _SHOWN_PICTURES, linked=True
        )
    if layer.fields[name] == "boolean":
        return _widget("CheckBox", {"CheckedState": "", "UncheckedState": ""})
    return _widget("TextEdit", {"IsMultiline": name in LONG_TEXTS, "UseHtml": False})


def _pairs(words: dict[str, str]) -> list[Setting]:
    return [{word: code} for code, word in words.items()]


def _file(root: str, *, shown: bool, linked: bool) -> ET.Element:
    """Give a file below a folder (an expression): as a picture, as a link that opens it, or both."""
    return _widget(
        "ExternalResource",
        {
            "DocumentViewer": 1 if shown else 0,
            "DocumentViewerHeight": 340 if shown else 0,
            "DocumentViewerWidth": 0,
            "FileWidget": linked,
            "FileWidgetButton": False,
            "FileWidgetFilter": "",
            "FullUrl": False,
            "PropertyCollection": following({"propertyRootPath": root}),
            "RelativeStorage": 2,  # to the root path
            "StorageMode": 0,
            "UseLink": linked,
        },
    )


def _widget(kind: str, config: dict[str, Setting]) -> ET.Element:
    widget = ET.Element("editWidget", type=kind)
    ET.SubElement(widget, "config").append(option(config))
    return widget
