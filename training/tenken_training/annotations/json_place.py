"""Values of a JSON file that know where they stand in it, so that each fault is told with file and place."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenken.errors import SettingsError
from tenken_training.annotations.source_files import AGAIN, read_text

LARGEST_SIDE_PX = 200_000
FARTHEST_PX = 1e6
"""Coordinates beyond are no place in a picture."""


@dataclass(frozen=True, slots=True)
class JsonPlace:
    """A value and where it stands, as in ``labels.json, annotations[3].bbox``."""

    value: Any
    where: str

    def called(self, root: "JsonPlace", noun: str, *keys: str) -> "JsonPlace":
        """Return the same place under the names that people know it by, as in ``labels.json, image 7 'a.jpg'``.

        Parameters
        ----------
        root
            The file.
        noun
            What it is.
        keys
            Where its number or name stands; without any it goes by its place in the list.
        """
        values = [self.value.get(key) for key in keys] if isinstance(self.value, dict) else []
        names = [str(one) if isinstance(one, int) else repr(one) for one in values if isinstance(one, int | str)]
        return JsonPlace(self.value, f"{root.where}, {' '.join([noun, *names])}") if names else self

    def fault(self, what: str) -> SettingsError:
        """Make the error that tells of this place."""
        return SettingsError(f"{self.where}: {what}; {AGAIN}")

    def get(self, key: str) -> "JsonPlace | None":
        """Return the value of a key; None when it is not there, or null."""
        if not isinstance(self.value, dict):
            raise self.fault(f"is {_named(self.value)}, not an object")
        found = self.value.get(key)
        return None if found is None else JsonPlace(found, f"{self.where}{'.' if '[' in self.where else ', '}{key}")

    def key(self, key: str) -> "JsonPlace":
        """Return the value of a key that must be there."""
        found = self.get(key)
        if found is None:
            raise self.fault(f"has no {key!r}")
        return found

    def items(self) -> Iterator["JsonPlace"]:
        """Walk through a list."""
        if not isinstance(self.value, list):
            raise self.fault(f"is {_named(self.value)}, not a list")
        for number, one in enumerate(self.value):
            yield JsonPlace(one, f"{self.where}[{number}]")

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.fault(f"is {_named(self.value)}, not a text")
        return self.value

    def name(self) -> str:
        """Return a text or a whole number, as identifiers are."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return str(self.value)
        return self.text()

    def number(self) -> float:
        """Return a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.fault(f"is {_named(self.value)}, not a number")
        try:
            number = float(self.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.fault("is no finite number")
        return number

    def coordinate(self) -> float:
        """Return a number that can be a place in a picture."""
        number = self.number()
        if abs(number) > FARTHEST_PX:
            raise self.fault(f"is {number:g}, no place in a picture")
        return number

    def side_px(self) -> int:
        """Return a picture's width or height."""
        number = self.number()
        if number % 1 or not 0 < number <= LARGEST_SIDE_PX:
            raise self.fault(f"is {number:g}, no width or height in pixels")
        return int(number)

    def numbers(self) -> npt.NDArray[np.float64]:
        """(n,) of a flat list of numbers that can be coordinates."""
        values = np.array([one.number() for one in self.items()], dtype=np.float64)
        if (np.abs(values) > FARTHEST_PX).any():
            raise self.fault(f"holds {values[np.abs(values) > FARTHEST_PX][0]:g}, no place in a picture")
        return values

    def points(self) -> npt.NDArray[np.float64]:
        """(n, 2) of a list of pairs."""
        rows = [one.numbers() for one in self.items()]
        for number, row in enumerate(rows):
            if len(row) != 2:
                raise SettingsError(f"{self.where}[{number}]: holds {len(row)} numbers, not x and y; {AGAIN}")
        return np.array(rows, dtype=np.float64).reshape(-1, 2)


def read_json(path: Path) -> JsonPlace:
    """Read a JSON file.

    Raises
    ------
    SettingsError
        When it is no JSON; the message names the line.
    """
    try:
        return JsonPlace(json.loads(read_text(path), parse_constant=_no_number), str(path))
    except json.JSONDecodeError as error:
        raise SettingsError(f"{path}, line {error.lineno}: is no JSON ({error.msg}); {AGAIN}") from None
    except RecursionError:
        raise SettingsError(f"{path}: is nested too deeply; {AGAIN}") from None
    except ValueError as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"{path}: holds a number that is none ({error}); {AGAIN}") from None


def _no_number(text: str) -> float:
    raise ValueError(text)


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
