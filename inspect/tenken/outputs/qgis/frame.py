"""Where a project's map lies: its coordinate system and what it shows when opened."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

import numpy as np
import shapely
from pyproj import CRS

from tenken.outputs.layers import Layer

Extent = tuple[float, float, float, float]
"""West, south, east, north in the project's coordinate system."""

_MARGIN = 0.05
"""Part of the larger side that is left free around the data."""


def extent_of(layers: Mapping[str, Layer]) -> Extent | None:
    """Give what the project shows when opened: structure and defects, the photos where there are neither."""
    for names in (("segments", "defects", "crack_lines"), ("photos",)):
        shapes = [shape for name in names for shape, _ in layers[name].rows if shape is not None and not shape.is_empty]
        if shapes:
            west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object)).tolist()
            margin = _MARGIN * max(east - west, north - south, 1.0)
            return west - margin, south - margin, east + margin, north + margin
    return None


def coordinate_system(crs: CRS | None) -> ET.Element:
    """Give a coordinate system as QGIS keeps it; without content where there is none."""
    element = ET.Element("spatialrefsys")
    if crs is None:
        return element
    ET.SubElement(element, "wkt").text = crs.to_wkt()  # by the code alone QGIS does not find it
    authority = crs.to_authority()
    if authority is not None:
        ET.SubElement(element, "authid").text = ":".join(authority)
    return element


def map_canvas(extent: Extent | None, crs: CRS | None) -> ET.Element:
    """Give the main map's view."""
    canvas = ET.Element("mapcanvas", name="theMapCanvas", annotationsVisible="1")
    ET.SubElement(canvas, "units").text = "meters" if crs is not None else "unknown"
    if extent is not None:
        box = ET.SubElement(canvas, "extent")
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), extent, strict=True):
            ET.SubElement(box, tag).text = f"{value:.3f}"
    ET.SubElement(canvas, "rotation").text = "0"
    ET.SubElement(canvas, "destinationsrs").append(coordinate_system(crs))
    return canvas


def view_settings(extent: Extent | None, crs: CRS | None) -> ET.Element:
    """Give what "zoom to full extent" shows."""
    settings = ET.Element("ProjectViewSettings", UseProjectScales="0", rotation="0")
    if extent is not None:
        bounds = dict(zip(("xmin", "ymin", "xmax", "ymax"), (f"{value:.3f}" for value in extent), strict=True))
        ET.SubElement(settings, "DefaultViewExtent", bounds).append(coordinate_system(crs))
    return settings
