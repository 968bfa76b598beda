"""Symbols and renderers of QGIS style files (QGIS 3.22 and later)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from xml.etree import ElementTree as ET

from tenken.outputs.qgis.options import data_defined, option

SymbolKind = Literal["fill", "line"]


@dataclass(frozen=True, slots=True)
class SymbolLayer:
    """One layer of a symbol: its class, its settings, and settings that follow an expression."""

    kind: str
    settings: Mapping[str, str]
    expressions: Mapping[str, str] = field(default_factory=dict)
    pattern: "SymbolLayer | None" = None
    """What a pattern repeats."""


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
    colour: str, alpha: int, outline: str, outline_mm: float, *, line: str = "solid", width: str | None = None
) -> SymbolLayer:
    """Give an area: filled (opacity 0..255), with an outline; ``width`` an expression for the outline's width."""
    return SymbolLayer(
        "SimpleFill",
        {
            "color": rgba(colour, alpha),
            "style": "solid" if alpha else "no",
            "outline_color": rgba(outline),
            "outline_style": line,
            "outline_width": str(outline_mm),
            "outline_width_unit": "MM",
            "joinstyle": "round",
        },
        {} if width is None else {"outlineWidth": width},
    )


def inner_rim(colour: str, width_mm: float) -> SymbolLayer:
    """Give a band along the inner side of an area's edge: neighbours keep their own."""
    return SymbolLayer(
        "SimpleLine",
        {
            "line_color": rgba(colour),
            "line_style": "solid",
            "line_width": str(2 * width_mm),  # its outer half is cut off
            "line_width_unit": "MM",
            "draw_inside_polygon": "1",
            "joinstyle": "miter",
        },
    )


def hatch(colour: str, *, angle_deg: int, spacing_mm: float, width_mm: float = 0.15) -> SymbolLayer:
    """Give thin parallel lines over an area."""
    settings = {
        "angle": str(angle_deg),
        "color": rgba(colour),
        "distance": str(spacing_mm),
        "distance_unit": "MM",
        "line_width": str(width_mm),
        "line_width_unit": "MM",
    }
    return SymbolLayer("LinePatternFill", settings, pattern=stroke(colour, width_mm))


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


def categorised(
    expression: str, kind: SymbolKind, categories: Sequence[Category], *, opacity: str | None = None
) -> ET.Element:
    """Give a renderer that chooses the symbol by the value of an expression; ``opacity`` an expression, 0..100."""
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
    for index, one in enumerate(categories):
        number = str(index)
        ET.SubElement(listed, "category", value=one.value, symbol=number, label=one.label, render="true", type="string")
        symbols.append(_symbol(number, kind, one.layers, {} if opacity is None else {"alpha": opacity}))
    return renderer


def _symbol(name: str, kind: SymbolKind, layers: Sequence[SymbolLayer], expressions: Mapping[str, str]) -> ET.Element:
    symbol = ET.Element("symbol", name=name, type=kind, alpha="1", clip_to_extent="1", force_rhr="0")
    symbol.append(data_defined(expressions))
    for index, one in enumerate(layers):
        layer = ET.SubElement(symbol, "layer", {"class": one.kind, "enabled": "1", "locked": "0", "pass": "0"})
        layer.append(option(dict(sorted(one.settings.items()))))
        layer.append(data_defined(one.expressions))
        if one.pattern is not None:
            layer.append(_symbol(f"@{name}@{index}", "line", (one.pattern,), {}))
    return symbol
