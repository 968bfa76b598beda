"""A task for CVAT: pictures, and what was found in them as annotations to correct (format "CVAT for images 1.1")."""

from collections.abc import Sequence
from xml.etree import ElementTree

import shapely
from shapely.geometry.base import BaseGeometry

from tenken.detection.detect import CONDITION_STATES
from tenken.measurement.find import LINEAR_KINDS, PhotoDefect

DECIMALS = 2
MOST_POINTS_OFF_PX = 0.5
"""Outlines and lines are thinned by so much: people drag their points."""


def annotations_xml(pictures: Sequence[tuple[str, int, int, Sequence[PhotoDefect]]], kinds: Sequence[str]) -> bytes:
    """Write what CVAT uploads as "CVAT 1.1": cracks as polylines, everything else as polygons.

    Parameters
    ----------
    pictures
        File name, width, height, and the defects to start from, in the picture's pixels.
    kinds
        Labels of the task.

    Returns
    -------
    UTF-8 XML; equal input gives equal bytes.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    labels = ElementTree.SubElement(ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task"), "labels")
    for kind in kinds:
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = kind
        attributes = ElementTree.SubElement(label, "attributes")
        if kind == "corrosion":
            _state_attribute(attributes)
    for number, (name, width, height, defects) in enumerate(pictures):
        image = ElementTree.SubElement(root, "image", id=str(number), name=name, width=str(width), height=str(height))
        for defect in defects:
            _add_shapes(image, defect)
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _state_attribute(attributes: ElementTree.Element) -> None:
    attribute = ElementTree.SubElement(attributes, "attribute")
    for field, value in (
        ("name", "state"),
        ("mutable", "False"),
        ("input_type", "select"),
        ("default_value", "unknown"),
        ("values", "\n".join(("unknown", *CONDITION_STATES))),
    ):
        ElementTree.SubElement(attribute, field).text = value


def _add_shapes(image: ElementTree.Element, defect: PhotoDefect) -> None:
    line = defect.kind in LINEAR_KINDS and defect.centreline_px is not None
    geometry: BaseGeometry = defect.centreline_px if line and defect.centreline_px is not None else defect.outline_px
    for part in shapely.get_parts(geometry.simplify(MOST_POINTS_OFF_PX)).tolist():
        corners = part.coords if line else part.exterior.coords[:-1]
        if len(corners) < (2 if line else 3):
            continue
        shape = ElementTree.SubElement(
            image,
            "polyline" if line else "polygon",
            label=defect.kind,
            source="auto",
            occluded="0",
            points=";".join(f"{x:.{DECIMALS}f},{y:.{DECIMALS}f}" for x, y in corners),
            z_order="0",
        )
        if defect.kind == "corrosion":
            state = defect.state_share.condition_state if defect.state_share is not None else "unknown"
            ElementTree.SubElement(shape, "attribute", name="state").text = state
