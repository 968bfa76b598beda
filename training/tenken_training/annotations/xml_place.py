"""Elements of an XML file that know where they stand in it. Entities are refused: they can blow a file up."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import numpy.typing as npt

from tenken.errors import MissingExtraError, SettingsError
from tenken_training.annotations.json_place import FARTHEST_PX, LARGEST_SIDE_PX
from tenken_training.annotations.source_files import AGAIN


@dataclass(frozen=True, slots=True)
class XmlPlace:
    """An element and where it stands, as in ``annotations.xml, image 3 'a.jpg', polygon 2``."""

    element: Element
    where: str

    def fault(self, what: str) -> SettingsError:
        """Make the error that tells of this place."""
        return SettingsError(f"{self.where}: {what}; {AGAIN}")

    @property
    def tag(self) -> str:
        """Name of the element."""
        return str(self.element.tag)

    def children(self, *tags: str) -> Iterator["XmlPlace"]:
        """Walk through the children with these names, or all."""
        counts: dict[str, int] = {}
        for child in self.element:
            tag = str(child.tag)
            counts[tag] = counts.get(tag, 0) + 1
            if not tags or tag in tags:
                named = f" {child.get('name')!r}" if child.get("name") else ""
                yield XmlPlace(child, f"{self.where}, {tag} {counts[tag]}{named}")

    def find(self, path: str) -> "XmlPlace | None":
        """Return the first element at a path, or None."""
        found = self.element.find(path)
        return None if found is None else XmlPlace(found, f"{self.where}, {path}")

    def text_of(self, path: str) -> str | None:
        """Return the text at a path, or None where it is missing or empty."""
        found = self.element.findtext(path)
        return found.strip() if found and found.strip() else None

    def attribute(self, name: str) -> str:
        """Return an attribute that must be there."""
        value = self.element.get(name)
        if value is None:
            raise self.fault(f"has no {name!r}")
        return value

    def number(self, name: str) -> float:
        """Return an attribute that is a coordinate."""
        return self.coordinate(self.attribute(name), name)

    def coordinate(self, text: str | None, name: str) -> float:
        """Read a coordinate."""
        try:
            value = float(text or "")
        except ValueError:
            raise self.fault(f"{name} is {(text or 'empty')[:40]!r}, not a number") from None
        if not math.isfinite(value) or abs(value) > FARTHEST_PX:
            raise self.fault(f"{name} is {value:g}, no place in a picture")
        return value

    def side_px(self, text: str | None, name: str) -> int:
        """Read a picture's width or height."""
        value = self.coordinate(text, name)
        if value % 1 or not 0 < value <= LARGEST_SIDE_PX:
            raise self.fault(f"{name} is {value:g}, no width or height in pixels")
        return int(value)

    def points(self, name: str = "points") -> npt.NDArray[np.float64]:
        """(n, 2) of ``x,y;x,y``."""
        pairs = [pair.split(",") for pair in self.attribute(name).split(";") if pair.strip()]
        if any(len(pair) != 2 for pair in pairs):
            raise self.fault(f"{name} are not all x,y")
        rows = [[self.coordinate(value, name) for value in pair] for pair in pairs]
        return np.array(rows, dtype=np.float64).reshape(-1, 2)


def read_xml(path: Path) -> XmlPlace:
    """Read an XML file.

    Raises
    ------
    SettingsError
        When it is no XML, or defines entities; the message names the line.
    """
    try:
        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import parse
    except ImportError as error:
        raise MissingExtraError(f'{path} needs pip install "tenken[train]"') from error
    try:
        return XmlPlace(parse(path).getroot(), str(path))
    except ParseError as error:
        raise SettingsError(f"{path}, line {error.position[0]}: is no XML ({error}); {AGAIN}") from None
    except DefusedXmlException:
        raise SettingsError(f"{path}: defines entities, which labels never need; {AGAIN}") from None
    except (OSError, ValueError, LookupError, RecursionError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}); {AGAIN}") from None
