"""Standards read from their files; a mistake is told with file, line and remedy."""

import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tenken.assessment.standards import (
    CorrosionRule,
    CrackGridRule,
    CrackRule,
    Grid,
    PresenceRule,
    ShareClass,
    SpacingClass,
    Standard,
    Where,
    WidthClass,
)
from tenken.assessment.toml_lines import line_of
from tenken.errors import SettingsError

_TABLES: dict[str, type[BaseModel]] = {
    "crack": CrackRule,
    "crack_grid": CrackGridRule,
    "corrosion": CorrosionRule,
    "presence": PresenceRule,
    "grid": Grid,
}
_CLASSES: dict[str, type[BaseModel]] = {"widths": WidthClass, "spacings": SpacingClass, "shares": ShareClass}


def list_standards() -> tuple[str, ...]:
    """Give the ids of the standards that come with the package."""
    folder = files("tenken.assessment") / "standards"
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml") for name in names))


def standard_text(id_or_path: str | Path) -> str:
    """Read a standard's file, of a shipped one by its id.

    Raises
    ------
    SettingsError
        When there is none of that name, or it cannot be read.
    """
    name = str(id_or_path)
    if name in list_standards():
        return (files("tenken.assessment") / "standards" / f"{name}.toml").read_text(encoding="utf-8")
    if Path(name).suffix != ".toml":
        raise SettingsError(
            f"no standard named {name!r}; choose from {', '.join(list_standards())}, or give a .toml file"
        )
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{name}: cannot be read ({error.strerror}); give a TOML file in UTF-8") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def load_standard(id_or_path: str | Path) -> Standard:
    """Read a standard by the id of a shipped one, or from a TOML file of the user's.

    Raises
    ------
    SettingsError
        When there is none of that name, or the file does not hold what a standard must; the message names
        file, line, key and remedy.
    """
    text = standard_text(id_or_path)
    try:
        return Standard.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        # Its text ends in "(at line 3, column 7)", or "(at end of document)".
        what, _, place = str(error).rpartition(" (at ")
        where = place.rstrip(")") if place.startswith("line ") else f"line {text.rstrip().count(chr(10)) + 1}"
        raise SettingsError(f"{id_or_path}, {where}: not valid TOML ({what}); mend that line") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where_in_file, fault = _fault(first)
        line = line_of(text, where_in_file)
        raise SettingsError(f"{id_or_path}, line {line}: {fault} (keys: docs/standards.md)") from error


def _fault(error: Any) -> tuple[Where, str]:
    """Say where in the file the mistake is, and what to do."""
    if error["type"] == "standard":
        where: Where = error["ctx"]["where"]
        return where, f"{_name(where)} {error['msg']}".strip()
    where = tuple(error["loc"])
    key = str(where[-1])
    if error["type"] == "missing":
        return where, f"{_name(where)} is missing; add {key} = …"
    if error["type"] == "extra_forbidden":
        known = list(_model_at(where[:-1]).model_fields)
        near = get_close_matches(key, known, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"take it out, or use one of {', '.join(known)}"
        return where, f"{_name(where)} is not known; {remedy}"
    given = repr(error["input"])
    shown = given if len(given) <= 40 else f"{given[:40]}…"
    return where, f"{_name(where)} cannot be {shown} ({error['msg'][:1].lower()}{error['msg'][1:]}); correct it"


def _name(where: Where) -> str:
    """Name a place as a reader of the file counts: ``crack 2: widths 1: below_mm``."""
    parts: list[str] = []
    for part in where:
        if isinstance(part, int) and parts:
            parts[-1] += f" {part + 1}"
        else:
            parts.append(str(part))
    return ": ".join(parts)


def _model_at(where: Where) -> type[BaseModel]:
    names = [part for part in where if isinstance(part, str)]
    if not names:
        return Standard
    return _CLASSES[names[-1]] if names[-1] in _CLASSES else _TABLES.get(names[0], Standard)
