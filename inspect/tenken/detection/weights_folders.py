"""Where weights lie: folders that are named, the user's own, and the shipped ones."""

import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs


def user_weights_dir() -> Path:
    """Folder of the weights that the user added or promoted: below ``TENKEN_HOME``, or where the system keeps such."""
    home = os.environ.get("TENKEN_HOME")
    return (Path(home) if home else Path(platformdirs.user_data_dir("tenken", appauthor=False))) / "weights"


def weights_folders() -> Iterator[Path]:
    """Folders with cards; the first that has a name wins."""
    for entry in os.environ.get("TENKEN_WEIGHTS", "").split(os.pathsep):
        if entry:
            yield Path(entry)
    yield user_weights_dir()
    package = Path(__file__).resolve().parents[1]
    installed = package / "shipped_weights"
    # In a checkout the package lies in <root>/inspect/tenken.
    yield installed if installed.is_dir() else package.parent.parent / "weights"


def card_paths() -> dict[str, Path]:
    """Cards by name; the name is the stem of the card's file, so that a broken card hides no other."""
    cards: dict[str, Path] = {}
    for folder in weights_folders():
        for path in sorted(folder.glob("*.json")):
            cards.setdefault(path.stem, path)
    return cards
