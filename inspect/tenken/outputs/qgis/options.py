"""QGIS's typed settings (``<Option>``), in which it keeps symbols, editors and properties."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

Setting = str | bool | int | Sequence["Setting"] | Mapping[str, "Setting"]

_EXPRESSION_BASED = 3
"""QgsProperty::ExpressionBasedProperty."""


def option(value: Setting, name: str | None = None) -> ET.Element:
    """Give a setting with its type; mappings and sequences become trees."""
    element = ET.Element("Option") if name is None else ET.Element("Option", name=name)
    if isinstance(value, Mapping):
        element.set("type", "Map")
        element.extend(option(one, key) for key, one in value.items())
    elif isinstance(value, str):
        element.set("type", "QString")
        element.set("value", value)
    elif isinstance(value, bool):
        element.set("type", "bool")
        element.set("value", "true" if value else "false")
    elif isinstance(value, int):
        element.set("type", "int")
        element.set("value", str(value))
    else:
        element.set("type", "List")
        element.extend(option(one) for one in value)
    return element


def following(expressions: Mapping[str, str]) -> dict[str, Setting]:
    """Give properties that follow an expression, by name, as QGIS keeps a collection of them."""
    properties: dict[str, Setting] = {
        key: {"active": True, "expression": expression, "type": _EXPRESSION_BASED}
        for key, expression in sorted(expressions.items())
    }
    return {"name": "", "properties": properties, "type": "collection"}


def data_defined(expressions: Mapping[str, str], tag: str = "data_defined_properties") -> ET.Element:
    """Give the element in which symbols and labels keep properties that follow an expression."""
    element = ET.Element(tag)
    element.append(option(following(expressions)))
    return element
