"""Weights: which there are, where they lie, and whether they are what their cards say.

A weight file ``NAME.onnx`` lies beside its card ``NAME.json``. Cards are looked for in the folders of the
environment variable ``TENKEN_WEIGHTS``, in the user's own folder (``inspect weights add``), and among the
shipped ones, in that order; the first of a name wins.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tenken.detection.default_weights import SHIPPED_DEFAULT, default_weights, write_changelog
from tenken.detection.weights_card import WeightsCard, read_card, write_card
from tenken.detection.weights_folders import card_paths, user_weights_dir
from tenken.errors import WeightsError
from tenken.hashing import file_sha256

DEFAULT_WEIGHTS = SHIPPED_DEFAULT
"""The default until other weights are promoted."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight file that was found, and whose bytes are those its card states."""

    card: WeightsCard
    path: Path
    sha256: str


def list_weights() -> tuple[WeightsCard, ...]:
    """All known cards, by name."""
    return tuple(read_card(path) for _, path in sorted(card_paths().items()))


def list_names() -> tuple[str, ...]:
    """Names of all known weights, also of those whose cards are broken."""
    return tuple(sorted(card_paths()))


def find_weights(name_or_path: str | Path = "default") -> Weights:
    """Find weights by name or by file, and check that the file is what its card says.

    An ONNX file needs no card. A ``.pt`` file is a pickle and can run code: it is taken only when its sha256
    stands in a known card, as the weights themselves or as what they were made from.

    Raises
    ------
    WeightsError
        When the name is unknown, the file is missing or damaged, or a ``.pt`` file is not trusted.
    """
    if name_or_path == "default":
        return _default()
    name = str(name_or_path)
    if Path(name).suffix.lower() in (".onnx", ".pt"):
        return _find_file(Path(name))
    cards = card_paths()
    if name not in cards:
        known = ", ".join(sorted(cards)) or "none"
        raise WeightsError(f"no weights named {name!r}; known: {known}; or give an .onnx file")
    return _check(read_card(cards[name]), cards[name].parent)


def _default() -> Weights:
    """Find this user's default, which must be the bytes that were promoted."""
    default = default_weights()
    paths = card_paths()
    if default.name not in paths:
        raise WeightsError(
            f"the default weights {default.name} are gone; add them again, or return to those before: "
            "inspect weights rollback"
        )
    weights = _check(read_card(paths[default.name]), paths[default.name].parent)
    if default.sha256 not in (None, weights.sha256):
        raise WeightsError(
            f"{weights.path} is not what was promoted as {default.name}; promote it anew, or return to those before: "
            "inspect weights rollback"
        )
    return weights


def remove_weights(name: str) -> Path:
    """Remove weights that the user added, with their card and pictures; shipped ones and the default stay.

    Returns
    -------
    The file that was removed.

    Raises
    ------
    WeightsError
        When there are no such weights in the user's folder, or they are the default.
    """
    folder = user_weights_dir()
    card_path = folder / f"{name}.json"
    if not card_path.is_file():
        where = card_paths().get(name)
        why = f"lies in {where.parent}, not in {folder}" if where else "is not known"
        raise WeightsError(f"{name} {why}; only weights that you added can be removed: inspect weights list")
    if default_weights().name == name:
        raise WeightsError(f"{name} is the default; first return to the one before: inspect weights rollback")
    card = read_card(card_path)
    for file in (card_path.name, card.file, *card.failure_pictures):
        (folder / file).unlink(missing_ok=True)
    write_changelog(f"removed {name} (sha256 {card.sha256[:12]})")
    return folder / card.file


def add_weights(path: Path, name: str | None = None, *, trust: bool = False, folder: Path | None = None) -> Weights:
    """Copy a weight file into a folder of weights, with the card beside it or a new one, so that it has a name.

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
    known = card_paths().get(name)
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
        half = copy.with_suffix(".part")
        shutil.copyfile(path, half)
        half.replace(copy)
    card_path = folder / f"{name}.json"
    if known != card_path:
        card = _card_beside(path, copy, name) or WeightsCard.minimal(copy, classes, network=network, name=name)
        write_card(card, card_path)
    return _check(read_card(card_path), folder)


def _card_beside(path: Path, copy: Path, name: str) -> WeightsCard | None:
    """Take over the card that lies beside a file, with its pictures; None where there is none of this file."""
    beside = path.with_suffix(".json")
    card = read_card(beside) if beside.is_file() else None
    if card is None or card.file != path.name or card.sha256 != file_sha256(copy):
        return None
    pictures = []
    for number, picture in enumerate(card.failure_pictures):
        source = path.parent / picture
        if source.is_file():
            target = copy.parent / f"{name}-failures{number or ''}{source.suffix}"
            shutil.copyfile(source, target)
            pictures.append(target.name)
    return card.model_copy(update={"name": name, "file": copy.name, "failure_pictures": tuple(pictures)})


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
