"""Building blocks of QGIS style files (QML, QGIS 3.22 and later)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
"""How QGIS writes "null" in a value map."""

_EXPRESSION_BASED = "3"
"""QgsProperty::ExpressionBasedProperty."""


@dataclass(frozen=True, slots=True)
class SymbolLayer:
    """One layer of a symbol: its class, its settings, and settings that follow an expression."""

    kind: str
    settings: Mapping[str, str]
    expressions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Category:
    """A value, its word in the legend and its symbol; an empty value is "all others"."""

    value: str
    label: str
    layers: tuple[SymbolLayer, ...]


def rgba(colour: str, alpha: int = 255) -> str:
    """Turn ``#rrggbb`` and an opacity of 0..255 into QGIS's ``r,g,b,a``."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"{red},{green},{blue},{alpha}"


def fill(
    colour: str, alpha: int, outline: str, outline_mm: float, *, style: str = "solid", line: str = "solid"
) -> SymbolLayer:
    """Give an area: filled, with an outline that stays visible at any scale."""
    return SymbolLayer(
        "SimpleFill",
        {
            "color": rgba(colour, alpha),
            "style": style,
            "outline_color": rgba(outline),
            "outline_style": line,
            "outline_width": str(outline_mm),
            "outline_width_unit": "MM",
            "joinstyle": "round",
        },
    )


def stroke(colour: str, width_mm: float, *, dash: str | None = None, width: str | None = None) -> SymbolLayer:
    """Give a line; ``dash`` as ``"2;1"`` in millimetres, ``width`` an expression for its width."""
    settings = {
        "line_color": rgba(colour),
        "line_style": "solid",
        "line_width": str(width_mm),
        "line_width_unit": "MM",
        "capstyle": "round" if dash is None else "flat",
        "joinstyle": "round",
        "use_custom_dash": "0" if dash is None else "1",
        "customdash": dash or "5;2",
        "customdash_unit": "MM",
    }
    return SymbolLayer("SimpleLine", settings, {} if width is None else {"outlineWidth": width})


def categorised(expression: str, kind: str, categories: Sequence[Category], *, opacity: str) -> ET.Element:
    """Give a renderer that chooses the symbol by the value of an expression.

    ``kind`` is ``"fill"`` or ``"line"``; ``opacity`` an expression, 0..100.
    """
    renderer = ET.Element(
        "renderer-v2",
        type="categorizedSymbol",
        attr=expression,
        forceraster="0",
        symbollevels="0",
        enableorderby="0",
    )
    listed = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for index, category in enumerate(categories):
        ET.SubElement(
            listed,
            "category",
            value=category.value,
            symbol=str(index),
            label=category.label,
            render="true",
            type="string",
        )
        symbols.append(_symbol(str(index), kind, category.layers, opacity))
    return renderer


def labels(expression: str, *, from_scale: int, size_pt: float, line: bool) -> ET.Element:
    """Give labels that appear at 1:``from_scale`` and larger, dark on a pale rim."""
    labeling = ET.Element("labeling", type="simple")
    settings = ET.SubElement(labeling, "settings", calloutType="simple")
    text = ET.SubElement(
        settings,
        "text-style",
        fieldName=expression,
        isExpression="1",
        fontSize=str(size_pt),
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
    if line:
        # 2 = along the line, 10 = above it or on it
        ET.SubElement(settings, "placement", placement="2", placementFlags="10", dist="0.6", distUnits="MM")
    else:
        ET.SubElement(settings, "placement", placement="1", placementFlags="10", priority="8")
    # In QML the "max" scale is the largest denominator, the opposite of what the dialog calls it.
    ET.SubElement(
        settings,
        "rendering",
        scaleVisibility="1",
        scaleMin="0",
        scaleMax=str(from_scale),
        drawLabels="1",
        fontMinPixelSize="3",
        obstacle="0",
    )
    return labeling


def value_map(pairs: Sequence[tuple[str, str]]) -> ET.Element:
    """Give the editor of a column that takes one of a few values: (word, value)."""
    widget = ET.Element("editWidget", type="ValueMap")
    config = ET.SubElement(ET.SubElement(widget, "config"), "Option", type="Map")
    listed = ET.SubElement(config, "Option", name="map", type="List")
    for word, value in pairs:
        entry = ET.SubElement(listed, "Option", type="Map")
        ET.SubElement(entry, "Option", name=word, type="QString", value=value)
    return widget


def _symbol(name: str, kind: str, layers: Sequence[SymbolLayer], opacity: str) -> ET.Element:
    symbol = ET.Element("symbol", name=name, type=kind, alpha="1", clip_to_extent="1", force_rhr="0")
    _expressions(symbol, {"alpha": opacity})
    for one in layers:
        layer = ET.SubElement(symbol, "layer", {"class": one.kind, "enabled": "1", "locked": "0", "pass": "0"})
        options = ET.SubElement(layer, "Option", type="Map")
        for key, value in sorted(one.settings.items()):
            ET.SubElement(options, "Option", name=key, type="QString", value=value)
        _expressions(layer, one.expressions)
    return symbol


def _expressions(parent: ET.Element, expressions: Mapping[str, str]) -> None:
    if not expressions:
        return
    options = ET.SubElement(ET.SubElement(parent, "data_defined_properties"), "Option", type="Map")
    ET.SubElement(options, "Option", name="name", type="QString", value="")
    properties = ET.SubElement(options, "Option", name="properties", type="Map")
    for key, expression in sorted(expressions.items()):
        one = ET.SubElement(properties, "Option", name=key, type="Map")
        ET.SubElement(one, "Option", name="active", type="bool", value="true")
        ET.SubElement(one, "Option", name="expression", type="QString", value=expression)
        ET.SubElement(one, "Option", name="type", type="int", value=_EXPRESSION_BASED)
    ET.SubElement(options, "Option", name="type", type="QString", value="collection")
