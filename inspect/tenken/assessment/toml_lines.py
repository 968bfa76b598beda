"""On which line of a TOML file a value stands: tomllib keeps no lines, and a person needs one to mend a file."""

import re
from collections.abc import Sequence

_TABLE = re.compile(r"^[ \t]*(\[\[?)[ \t]*[\"']?([\w-]+)[\"']?[ \t]*\]\]?", re.MULTILINE)
_OPEN, _CLOSE = "[{", "]}"


def line_of(text: str, where: Sequence[str | int]) -> int:
    r"""Give the line, from 1, of a value, or of the table that lacks it.

    Parameters
    ----------
    text
        A TOML document with tables one level deep (``[grid]``, ``[[crack]]``).
    where
        Keys, and indexes from 0: ``("crack", 1, "widths", 0)``.

    Examples
    --------
    >>> line_of("a = 1\n[[crack]]\nb = [\n 1,\n 2]", ("crack", 0, "b", 1))
    5
    """
    begin, end, rest = _section(text, where)
    if not rest or not isinstance(rest[0], str):
        return _line(text, begin)
    key = re.compile(rf"^[ \t]*[\"']?{re.escape(rest[0])}[\"']?[ \t]*=", re.MULTILINE).search(text, begin, end)
    if key is None:
        return _line(text, begin)
    at = key.end()
    for part in rest[1:]:
        if not isinstance(part, int) or (element := _element(text, at, part)) is None:
            break
        at = element
    return _line(text, at)


def _section(text: str, where: Sequence[str | int]) -> tuple[int, int, Sequence[str | int]]:
    """Find the part of the text that a place's table takes up, and what is left of the place inside it."""
    tables = [(match.start(), match[1], match[2]) for match in _TABLE.finditer(text)]
    starts = [start for start, _, _ in tables]
    ends = [*starts[1:], len(text)]
    number = next((part for part in where[1:2] if isinstance(part, int)), 0)
    named = [(s, e, kind) for (s, kind, name), e in zip(tables, ends, strict=True) if where and name == where[0]]
    if number < len(named):
        start, end, kind = named[number]
        return start, end, where[2 if kind == "[[" else 1 :]
    return 0, starts[0] if starts else len(text), where


def _element(text: str, at: int, index: int) -> int | None:
    """Find where the element of the array that begins after ``at`` begins; None where there is no such array."""
    depth = count = 0
    inside_string = ""
    comment = False
    for place in range(at, len(text)):
        sign = text[place]
        if comment:
            comment = sign != "\n"
        elif inside_string:
            inside_string = "" if sign == inside_string else inside_string
        elif depth == 1 and count == index and not sign.isspace() and sign not in "#,]":
            return place
        elif sign in "\"'":
            inside_string = sign
        elif sign == "#":
            comment = True
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
            if depth <= 0:
                return None
        elif sign == "," and depth == 1:
            count += 1
        elif depth == 0 and not sign.isspace():
            return None
    return None


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
