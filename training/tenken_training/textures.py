"""Photographic textures and landscapes from free software packages: pictures without cracks and rust.

They are fetched by `tenken_training.fetch_textures` and never kept here. ``index.csv`` says of each picture what
it shows and whether it may show a crack or rust, as judged by eye; where it may, the loss leaves that class out.
"""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from tenken.errors import SettingsError
from tenken_training.recipe import Textures

GROUND = frozenset({"concrete", "plaster", "asphalt", "brick", "rock", "tiles", "roof", "paint"})
"""Categories on which a crack may be drawn."""
STEEL = frozenset({"metal_clean", "paint", "concrete", "plaster"})
"""Categories on which rust may be drawn."""


@dataclass(frozen=True, slots=True)
class Texture:
    """One picture of the index."""

    path: str
    category: str
    may_show_cracks: bool
    may_show_rust: bool


def read_textures(textures: Textures, folder: Path, *, kept_out: bool = False) -> list[Texture]:
    """Read which pictures to train on, or (`kept_out`) which are left for counting false alarms.

    Raises
    ------
    SettingsError
        When there is no index.
    """
    path = folder / "index.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise SettingsError(
            f"{path} is missing; make it with: python -m tenken_training.fetch_textures --out {folder}"
        ) from error
    chosen = []
    for row in rows:
        if row["licence"] in textures.licences_left_out:
            continue
        package = row["package"]
        trained = package in textures.packages or (package in textures.halved and _first_half(row["path"]))
        if trained != kept_out:
            chosen.append(
                Texture(row["path"], row["category"], row["may_show_cracks"] != "no", row["may_show_rust"] != "no")
            )
    return sorted(chosen, key=lambda texture: texture.path)


def _first_half(path: str) -> bool:
    """Half of a package's pictures, by name; variants of one picture (``grass1``, ``grass2``) stay together."""
    stem = Path(path).stem.rstrip("0123456789abcdefghij_-.").lower()
    return hashlib.sha256(stem.encode()).digest()[0] % 2 == 0
