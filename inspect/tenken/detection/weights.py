"""Weights: which there are, where they lie, and whether they are what their cards say.

A weight file ``NAME.onnx`` lies beside its card ``NAME.json``. Cards are looked for in the folders of the
environment variable ``TENKEN_WEIGHTS``, in the user's own folder (``inspect weights add``), and among the
shipped ones, in that order; the first of a name wins.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from tenken.detection.weights_card import WeightsCard, read_card, write_card
from tenken.errors import WeightsError
from tenken.hashing import file_sha256

DEFAULT_WEIGHTS = "crack-corrosion-hard"


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight file that was found, and whose bytes are those its card states."""

    card: WeightsCard
    path: Path
    sha256: str


def list_weights() -> tuple[WeightsCard, ...]:
    """All known cards, by name."""
    return tuple(read_card(path) for _, path in sorted(_card_paths().items()))


def list_names() -> tuple[str, ...]:
    """Names of all known weights, also of those whose cards are broken."""
    return tuple(sorted(_card_paths()))


def find_weights(name_or_path: str | Path = "default") -> Weights:
    """Find weights by name or by file, and check that the file is what its card says.

    An ONNX file needs no card. A ``.pt`` file is a pickle and can run code: it is taken only when its sha256
    stands in a known card, as the weights themselves or as what they were made from.

    Raises
    ------
    WeightsError
        When the name is unknown, the file is missing or damaged, or a ``.pt`` file is not trusted.
    """
    name = DEFAULT_WEIGHTS if name_or_path == "default" else str(name_or_path)
    if Path(name).suffix.lower() in (".onnx", ".pt"):
        return _find_file(Path(name))
    cards = _card_paths()
    if name not in cards:
        known = ", ".join(sorted(cards)) or "none"
        raise WeightsError(f"no weights named {name!r}; known: {known}; or give an .onnx file")
    return _check(read_card(cards[name]), cards[name].parent)


def add_weights(path: Path, name: str | None = None, *, trust: bool = False, folder: Path | None = None) -> Weights:
    """Copy a weight file into a folder of weights and give it a card, so that it can be used by name.

    Parameters
    ----------
    path
        An ``.onnx`` file, or a ``.pt`` file.
    name
        Its name from now on; the file's stem when None.
    trust
        The user vouches for a ``.pt`` file, which is opened and can run code.
    folder
        Where to copy it; the user's own folder of weights when None.

    Raises
    ------
    WeightsError
        When the file cannot be used, or the name already stands for another file.
    """
    name = name or path.stem
    suffix = path.suffix.lower()
    network: Literal["yolo", "pixels"]
    if not path.is_file():
        raise WeightsError(f"{path} does not exist or is no file; give an .onnx or .pt file")
    if not re.fullmatch(r"[\w.-]+", name):
        raise WeightsError(f"{name!r} cannot be a name (letters, digits, '.', '_' and '-'); give one with --name")
    known = _card_paths().get(name)
    if known is not None and read_card(known).sha256 != file_sha256(path):
        raise WeightsError(f"{path}: the name {name!r} is taken by {known}; give another with --name")
    if suffix == ".onnx":
        from tenken.detection.openvino_engine import onnx_contents

        contents = onnx_contents(path)
        classes, network = contents.classes, contents.network
    elif suffix == ".pt":
        if not trust:
            raise WeightsError(
                f"{path} is a pickle and can run code when opened; if you trust where it comes from: "
                f"inspect weights add {path} --trust"
            )
        from tenken.detection.ultralytics_engine import open_checkpoint, segmentation_classes

        classes, network = segmentation_classes(open_checkpoint(path), path), "yolo"
    else:
        raise WeightsError(f"{path} is neither .onnx nor .pt; export it as ONNX")
    folder = folder or user_weights_dir()
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{name}{suffix}"
    if not (copy.exists() and copy.samefile(path)):
        shutil.copyfile(path, copy)
    card_path = folder / f"{name}.json"
    if known != card_path:
        write_card(WeightsCard.minimal(copy, classes, network=network, name=name), card_path)
    return _check(read_card(card_path), folder)


def user_weights_dir() -> Path:
    """Folder of the weights that the user added."""
    return Path(platformdirs.user_data_dir("tenken", appauthor=False)) / "weights"


def _folders() -> Iterator[Path]:
    for entry in os.environ.get("TENKEN_WEIGHTS", "").split(os.pathsep):
        if entry:
            yield Path(entry)
    yield user_weights_dir()
    package = Path(__file__).resolve().parents[1]
    installed = package / "shipped_weights"
    # In a checkout the package lies in <root>/inspect/tenken.
    yield installed if installed.is_dir() else package.parent.parent / "weights"


def _card_paths() -> dict[str, Path]:
    """Cards by name; the name is the stem of the card's file, so that a broken card hides no other."""
    cards: dict[str, Path] = {}
    for folder in _folders():
        for path in sorted(folder.glob("*.json")):
            cards.setdefault(path.stem, path)
    return cards


def _find_file(path: Path) -> Weights:
    if not path.is_file():
        raise WeightsError(f"{path} does not exist; see which weights there are with: inspect weights list")
    beside = path.with_suffix(".json")
    if beside.is_file():
        card = read_card(beside)
        if card.file == path.name:
            return _check(card, path.parent)
    sha256 = file_sha256(path)
    for card in list_weights():
        if card.sha256 == sha256 or (card.source is not None and card.source.sha256 == sha256):
            return Weights(card, path, sha256)
    if path.suffix.lower() == ".pt":
        raise WeightsError(
            f"{path} is a pickle and can run code; no known card has its sha256; if you trust it: "
            f"inspect weights add {path} --trust"
        )
    from tenken.detection.openvino_engine import onnx_contents

    contents = onnx_contents(path)
    return Weights(WeightsCard.minimal(path, contents.classes, network=contents.network), path, sha256)


def _check(card: WeightsCard, folder: Path) -> Weights:
    path = folder / card.file
    if not path.is_file():
        raise WeightsError(f"{path} is missing, though its card lies there; get it again, or remove the card")
    sha256 = file_sha256(path)
    if sha256 != card.sha256:
        raise WeightsError(
            f"{path} is damaged or was changed: sha256 {sha256[:12]}…, its card says {card.sha256[:12]}…; get it again"
        )
    return Weights(card, path, sha256)
