"""What a user should be told before a run: assets, or a flight, that the standard will not grade as they are named."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from tenken.assessment.standards import Standard
from tenken.notes import Note
from tenken.structure.assets import ELEMENTS, Asset

PAVED = ("asphalt", "pavement", "carriageway", "アスファルト", "舗装", "路面", "車道")
"""What names a road's surface."""


def hints(flight: str, assets_path: Path | None, assets: Sequence[Asset], standard: Standard) -> list[Note]:
    """Find what is graded by other rules than its name says.

    Parameters
    ----------
    flight
        The flight's name.
    assets
        Read from ``assets_path``; none where there is no file.

    Returns
    -------
    A sentence each, with the remedy; empty when all fits.
    """
    return [*_unnamed_elements(assets_path, assets, standard), *_pavement(flight, assets, standard)]


def _unnamed_elements(path: Path | None, assets: Sequence[Asset], standard: Standard) -> list[Note]:
    """Tell of assets without an element whose name holds one that the standard has rules of its own for."""
    found = []
    for element in sorted({name for rule in standard.rules for name in rule.elements or ()} & set(ELEMENTS)):
        words = ELEMENTS[element]
        unnamed = [asset for asset in assets if asset.element is None and _holds(asset.name, words)]
        if unnamed and path is not None:
            rule = next(rule for rule in standard.rules if element in (rule.elements or ()))
            values = {"file": path.name, "count": len(unnamed), "first": unnamed[0].name, "element": element}
            titles = Note(rule.title("en"), rule.title("ja"))
            found.append(Note.of("hint.element", rule=titles, **values))
    return found


def _pavement(flight: str, assets: Sequence[Asset], standard: Standard) -> list[Note]:
    """Tell of road surfaces that are graded by a standard without rules for asphalt."""
    if any("asphalt" in rule.materials for rule in standard.rules):
        return []
    paved = [
        asset.name
        for asset in assets
        if asset.material == "asphalt" or asset.element == "pavement" or _holds(asset.name, PAVED)
    ]
    if not paved and not assets and _holds(flight, PAVED):
        paved = [flight]
    return [Note.of("hint.pavement", name=paved[0], standard=standard.id)] if paved else []


def _holds(name: str, words: Sequence[str]) -> bool:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return any(unicodedata.normalize("NFKC", word).casefold() in folded for word in words)
