"""The ready QGIS project beside the package: layers in groups, joined, styled, on the data; written without QGIS."""

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

from pyproj import CRS

from tenken.inspection import Inspection
from tenken.journal import write_atomically
from tenken.outputs.layers import Layer, all_layers
from tenken.outputs.qgis.expressions import FLIGHT_FOLDER
from tenken.outputs.qgis.frame import coordinate_system, extent_of, map_canvas, view_settings
from tenken.outputs.qgis.relations import layer_id, relations
from tenken.outputs.qgis.style import QGIS_VERSION, document, layer_style
from tenken.wording import Words, words

GROUPS: dict[str, tuple[str, ...]] = {
    "qgis.group.defects": ("crack_lines", "defects", "sightings"),
    "qgis.group.structure": ("segments",),
    "qgis.group.seen": ("coverage", "photos"),
    "qgis.group.tables": ("segment_photos", "run"),
}
"""Layers by group, as the tree shows them, top first."""

THEMES: dict[str, tuple[str, ...]] = {
    "qgis.theme.review": ("crack_lines", "defects", "segments"),
    "qgis.theme.repair": ("crack_lines", "defects", "segments", "coverage", "photos"),
    "qgis.theme.seen": ("segments", "coverage", "photos"),
    "qgis.theme.sightings": ("crack_lines", "defects", "sightings", "photos"),
}
"""Layers that a map theme shows; the second is what the project opens with."""

_OPENED = "qgis.theme.repair"
_GROUND = "orthomosaic"
_FOLDED = frozenset({"coverage", "photos", "sightings", "qgis.group.tables", _GROUND})
_GEOMETRY = {"MultiPolygon": "Polygon", "MultiLineString": "Line", None: "No geometry"}
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can state: the file's bytes follow its content alone."""


@dataclass(frozen=True, slots=True)
class Orthomosaic:
    """The orthomosaic that was inspected, as the ground of the map."""

    path: str
    """Relative to the project's folder, beginning with a dot."""
    crs: CRS


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The files that a project points at, all relative to its own folder, so that the whole can be moved."""

    package: str
    """The GeoPackage."""
    flight_folder: str | None = None
    """Where the photos lie; None where no relative path leads there."""
    orthomosaic: Orthomosaic | None = None


def write_project(path: Path, inspection: Inspection, lang: str, files: ProjectFiles) -> None:
    """Write the project (.qgz).

    Parameters
    ----------
    path
        Where it goes, beside the package.
    inspection
        The result that the package holds.
    lang
        ``"ja"`` or ``"en"``.
    files
        What it points at.
    """
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        # Stored, not squeezed: two versions of zlib give different bytes.
        entry = zipfile.ZipInfo(f"{path.stem}.qgs", _ZIP_TIME)
        entry.create_system = 0
        archive.writestr(entry, project_text(inspection, lang, files))
    write_atomically(path, packed.getvalue())


def project_text(inspection: Inspection, lang: str, files: ProjectFiles) -> str:
    """Give the project as the text of a .qgs file."""
    text = words(lang)
    layers = {layer.name: layer for layer in all_layers(inspection)}
    title = text("qgis.project_title", flight=inspection.flight)
    extent = extent_of(layers)
    root = ET.Element("qgis", projectname=title, version=QGIS_VERSION)
    ET.SubElement(root, "homePath", path="")
    _texts(root, {"title": title})
    ET.SubElement(root, "projectCrs").append(coordinate_system(inspection.crs))
    root.append(_layer_tree(text, files))
    root.append(relations(text))
    root.append(map_canvas(extent, inspection.crs))
    listed = ET.SubElement(root, "projectlayers")
    for names in GROUPS.values():
        listed.extend(_map_layer(layers[name], lang, inspection.crs, files) for name in names)
    if files.orthomosaic is not None:
        listed.append(_ground(files.orthomosaic, text))
    root.append(_properties(files.flight_folder))
    root.append(_themes(text, [] if files.orthomosaic is None else [_GROUND]))
    metadata = ET.SubElement(root, "projectMetadata")
    _texts(metadata, {"identifier": "", "language": lang, "type": "", "title": title, "abstract": text("statement")})
    root.append(view_settings(extent, inspection.crs))
    ET.indent(root, " ")
    return document(root)


def _source(package: str, layer: str) -> str:
    return f"./{package}|layername={layer}"


def _layer_tree(text: Words, files: ProjectFiles) -> ET.Element:
    tree = ET.Element("layer-tree-group")
    for group, names in GROUPS.items():
        branch = ET.SubElement(
            tree, "layer-tree-group", name=text(group), checked="Qt::Checked", expanded=_unfolded(group)
        )
        for name in names:
            leaf = _leaf(name, text, "ogr", _source(files.package, name))
            leaf.set("checked", "Qt::Checked" if name in THEMES[_OPENED] else "Qt::Unchecked")
            branch.append(leaf)
    if files.orthomosaic is not None:
        tree.append(_leaf(_GROUND, text, "gdal", files.orthomosaic.path))
    return tree


def _leaf(name: str, text: Words, provider: str, source: str) -> ET.Element:
    return ET.Element(
        "layer-tree-layer",
        id=layer_id(name),
        name=text(f"layer.{name}"),
        providerKey=provider,
        source=source,
        checked="Qt::Checked",
        expanded=_unfolded(name),
    )


def _unfolded(name: str) -> str:
    return "0" if name in _FOLDED else "1"


def _map_layer(layer: Layer, lang: str, crs: CRS | None, files: ProjectFiles) -> ET.Element:
    style = layer_style(layer, lang, flight_folder=files.flight_folder, linked=True)
    element = _layer_element(layer.name, words(lang), "vector", "ogr", _source(files.package, layer.name))
    element.set("geometry", _GEOMETRY[layer.geometry_type])
    element.set("wkbType", layer.geometry_type or "NoGeometry")
    element.attrib.update(style.attributes)
    if layer.geometry_type is not None:
        ET.SubElement(element, "srs").append(coordinate_system(crs))
    element.extend(style.elements)
    return element


def _ground(orthomosaic: Orthomosaic, text: Words) -> ET.Element:
    """Give the orthomosaic's layer; QGIS itself finds which bands are colours and which is opacity."""
    element = _layer_element(_GROUND, text, "raster", "gdal", orthomosaic.path)
    ET.SubElement(element, "srs").append(coordinate_system(orthomosaic.crs))
    return element


def _layer_element(name: str, text: Words, kind: str, provider: str, source: str) -> ET.Element:
    element = ET.Element("maplayer", type=kind, styleCategories="AllStyleCategories")
    _texts(element, {"id": layer_id(name), "datasource": source, "layername": text(f"layer.{name}")})
    ET.SubElement(element, "provider", encoding="UTF-8").text = provider
    return element


def _properties(flight_folder: str | None) -> ET.Element:
    """Give relative paths, and where the photos lie as a variable that people can change."""
    properties = ET.Element("properties")
    paths = ET.SubElement(properties, "Paths")
    ET.SubElement(paths, "Absolute", type="bool").text = "false"
    systems = ET.SubElement(properties, "SpatialRefSys")
    ET.SubElement(systems, "ProjectionsEnabled", type="int").text = "1"  # else QGIS reads no coordinate system
    variables = ET.SubElement(properties, "Variables")
    for tag, value in (("variableNames", FLIGHT_FOLDER), ("variableValues", flight_folder or "")):
        ET.SubElement(ET.SubElement(variables, tag, type="QStringList"), "value").text = value
    return properties


def _themes(text: Words, always: list[str]) -> ET.Element:
    presets = ET.Element("visibility-presets")
    for theme, shown in THEMES.items():
        preset = ET.SubElement(presets, "visibility-preset", {"name": text(theme), "has-expanded-info": "0"})
        for name in (*shown, *always):
            ET.SubElement(preset, "layer", id=layer_id(name), visible="1", style="default", expanded=_unfolded(name))
    return presets


def _texts(parent: ET.Element, texts: dict[str, str]) -> None:
    for tag, value in texts.items():
        ET.SubElement(parent, tag).text = value
