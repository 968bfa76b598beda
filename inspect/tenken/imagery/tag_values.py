"""Values of EXIF and XMP tags, out of the text that writers of very different care leave there."""

import math
import re
from collections.abc import Iterable, Mapping

Tags = Mapping[str, str]
"""Tag values as text, by name."""


def signed_degrees(text: str | None, reference: str | None, letters: str) -> float | None:
    """Sum degrees, minutes and seconds, signed by the reference letter; without it the side is unknown."""
    letter = (reference or "").strip("\0 ").upper()[:1]
    parts = [number(part) for part in (text or "").split()]
    if not letter or letter not in letters or not parts or len(parts) > 3:
        return None
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    value = sum(part / 60.0**power for power, part in enumerate(known))
    return -value if letter == letters[1] else value


def number(text: str | None) -> float | None:
    """Read a finite number from ``+39.80`` or ``361/100``; None for NaN, 0/0 and anything else."""
    try:
        numerator, _, denominator = (text or "").strip("\0 ").partition("/")
        value = float(numerator) / float(denominator or "1")
    except (ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) else None


def positive(text: str | None) -> float | None:
    """Read a number above zero; most tags mean "unknown" by zero."""
    value = number(text)
    return value if value is not None and value > 0.0 else None


def whole(text: str | None) -> int | None:
    """Read a count above zero."""
    value = positive(text)
    return None if value is None else int(value)


def numbers(text: str | None, count: int) -> tuple[float, ...] | None:
    """Read exactly ``count`` numbers with commas between."""
    values = [number(part) for part in (text or "").split(",")]
    known = tuple(value for value in values if value is not None)
    return known if len(values) == len(known) == count else None


def pair(first: float | None, second: float | None) -> tuple[float, float] | None:
    """Join two numbers that mean nothing without each other."""
    return None if first is None or second is None else (first, second)


def first_number(tags: Tags, names: Iterable[str]) -> float | None:
    """Read the first of several tags that holds a number."""
    return next((value for name in names if (value := number(tags.get(name))) is not None), None)


def flag(text: str | None) -> bool | None:
    """Read 0 as no and any other number as yes."""
    value = number(text)
    return None if value is None else value != 0.0


def plain_text(text: str | None) -> str | None:
    """Read text without the padding of fixed-length tags; None when nothing is left."""
    return (text or "").strip("\0 ") or None


def iso_time(text: str | None) -> str | None:
    """Write EXIF's ``2016:06:23 16:31:59`` as ISO 8601, local time of the camera."""
    match = re.match(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", text or "")
    return None if match is None or match[1] == "0000" else f"{match[1]}-{match[2]}-{match[3]}T{match[4]}"
