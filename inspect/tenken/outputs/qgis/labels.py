"""Labels of QGIS layers: at large scales only, and never over another or over what they name."""

from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from tenken.outputs.qgis.options import data_defined

Place = Literal["on line", "beside area", "inside area"]

_PLACEMENTS: dict[Place, dict[str, str]] = {
    # 2 = along a line; 10 = above it, or on it where there is no room
    "on line": {"placement": "2", "placementFlags": "10", "dist": "0.7", "distUnits": "MM"},
    # 8 = outside polygons, as near as there is room
    "beside area": {"placement": "8", "dist": "0.7", "distUnits": "MM"},
    # 4 = horizontal, anywhere inside
    "inside area": {"placement": "4", "centroidInside": "1"},
}


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says (an expression), from which scale on, where, and how it looks."""

    expression: str
    from_scale: int
    """Shown at 1:``from_scale`` and larger."""
    place: Place
    size_pt: float
    priority: int
    """0..10; the higher stays where two want the same place."""
    is_obstacle: bool
    """Whether labels, of other layers too, keep off its features."""


def labeling(label: Label) -> ET.Element:
    """Give the labels of a layer, dark on a pale rim."""
    element = ET.Element("labeling", type="simple")
    settings = ET.SubElement(element, "settings", calloutType="simple")
    # No font family: the machine's own has the signs of its language.
    text = ET.SubElement(
        settings,
        "text-style",
        fieldName=label.expression,
        isExpression="1",
        fontSize=str(label.size_pt),
        fontSizeUnit="Point",
        fontWeight="57",  # between normal and demi-bold; without it the thinnest face is taken
        textColor="20,24,28,255",
        textOpacity="1",
        multilineHeight="1",
    )
    ET.SubElement(
        text,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.7",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,255",
        bufferOpacity="0.85",
    )
    ET.SubElement(settings, "text-format", multilineAlign="1")
    ET.SubElement(settings, "placement", {**_PLACEMENTS[label.place], "priority": str(label.priority)})
    # In QML the "max" scale is the largest denominator, the opposite of what the dialog calls it.
    ET.SubElement(
        settings,
        "rendering",
        scaleVisibility="1",
        scaleMin="0",
        scaleMax=str(label.from_scale),
        drawLabels="1",
        displayAll="0",
        fontMinPixelSize="3",
        obstacle="1" if label.is_obstacle else "0",
        obstacleFactor="1",
        obstacleType="1",  # the whole area, not its edge only
    )
    settings.append(data_defined({}, "dd_properties"))
    return element
