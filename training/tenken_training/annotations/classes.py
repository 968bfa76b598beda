"""Class names of annotators, mapped to kinds of defects."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tenken.detection.detect import CONDITION_STATES
from tenken.errors import SettingsError
from tenken.exports.coco import CATEGORIES
from tenken.outputs.reviews import ENTERED_KINDS
from tenken_training.annotations.photo import State
from tenken_training.annotations.source_files import read_text

KINDS = (*CATEGORIES, "delamination")
"""Kinds that a label can have without a word; others are refused as slips, unless ``--classes`` names them."""

ALIASES: dict[str, str] = {
    **ENTERED_KINDS,
    **{kind: kind for kind in KINDS},
    **dict.fromkeys(("ひび割れ", "ひび", "クラック", "亀甲状ひびわれ", "床版ひびわれ", "cracks", "cracking"), "crack"),
    **dict.fromkeys(("錆", "さび", "サビ", "rust", "corroded", "corrosions"), "corrosion"),
    **dict.fromkeys(("spall", "spalls", "欠損", "concrete spalling"), "spalling"),
    **dict.fromkeys(("exposed rebar", "exposed bars", "rebar", "rebar exposure", "exposedbars"), "exposed_rebar"),
    **dict.fromkeys(("leak", "water leakage", "seepage"), "leakage"),
    "エフロレッセンス": "efflorescence",
    **dict.fromkeys(("background", "_background_", "__ignore__", "背景", "none", "なし"), ""),
}
"""Kinds by usual names; nothing for what is left out."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a class becomes: a kind, perhaps with a condition state; None for a kind that is left out."""

    kind: str | None
    state: State | None = None
    ignore: bool = False


def read_class_map(path: Path) -> dict[str, Target]:
    """Read a ``--classes`` file: ``"ひびわれ" = "crack"``, a line a class.

    The right side is a kind, ``corrosion:fair`` (``poor``, ``severe``) for a condition state, ``ignore:KIND`` for
    places that must not be judged, or ``""`` for what is left out.

    Raises
    ------
    SettingsError
        When it is no such file; the message names the line.
    """
    try:
        content = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f'{path}: {error}; write lines like "ひびわれ" = "crack"') from None
    table = content.get("classes", content)
    if not isinstance(table, dict):
        raise SettingsError(f'{path}: classes is no table; write lines like "ひびわれ" = "crack"')
    targets = {}
    for name, value in table.items():
        if not isinstance(value, str):
            raise SettingsError(f'{path}: {name!r} is {value!r}, not a kind in quotes; write "{name}" = "crack"')
        targets[_folded(name)] = _target(value, f"{path}: {name!r}")
    return targets


def map_classes(names: Iterable[str], given: Mapping[str, Target], source: Path) -> dict[str, Target]:
    """Give what each class of a source becomes.

    Raises
    ------
    SettingsError
        When a name is not known; the message lists all of them and gives lines for a ``--classes`` file.
    """
    targets: dict[str, Target] = {}
    unknown = []
    for name in sorted(set(names)):
        folded = _folded(name)
        if folded in given:
            targets[name] = given[folded]
        elif folded in _FOLDED_ALIASES:
            targets[name] = Target(_FOLDED_ALIASES[folded] or None)
        else:
            unknown.append(name)
    if unknown:
        lines = "; ".join(f'"{name}" = "..."' for name in unknown)
        known = f" (known: {', '.join(sorted(targets))})" if targets else ""
        raise SettingsError(
            f"{source}: classes that are not known: {', '.join(unknown)}{known}. Write them into a file for --classes, "
            f'with a kind ({", ".join(KINDS)}), "corrosion:fair|poor|severe", or "" to leave them out: {lines}'
        )
    return targets


def _target(value: str, where: str) -> Target:
    text = unicodedata.normalize("NFKC", value).strip()
    if not text:
        return Target(None)
    ignore = text.startswith("ignore:")
    kind, _, state = text.removeprefix("ignore:").partition(":")
    kind = ENTERED_KINDS.get(kind.strip(), kind.strip())
    if not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
        raise SettingsError(f"{where}: {value!r} is no kind; use one of {', '.join(KINDS)}, or small letters and _")
    if state and (kind != "corrosion" or state not in CONDITION_STATES):
        raise SettingsError(f"{where}: {value!r}: only corrosion has a state: {', '.join(CONDITION_STATES)}")
    return Target(kind, cast("State", state) if state else None, ignore)


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).strip().casefold()
    return re.sub(r"[\s\-]+", "_", text)


_FOLDED_ALIASES = {_folded(name): kind for name, kind in ALIASES.items()}
