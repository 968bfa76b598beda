"""Hard negatives: where weights fire on pictures that are trained on and show no defect.

Flights, textures and rendered surfaces of the training split are looked at; never what is kept out for counting false
alarms, and never a validation or test picture. `tenken_training.crops` cuts crops of the kind ``mined_negative``
there. Equal pictures, weights and processors give equal places.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from tenken.detection.detect import KINDS, Detections, load_detector
from tenken.detection.weights import find_weights
from tenken.detection.weights_card import Sha256
from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken_training.prepared_index import PhotoKind, PreparedPhoto
from tenken_training.rasters import read_raster, read_rgb, write_bytes
from tenken_training.recipe import Mining, Recipe

MINED = "mined.json"
WITHOUT_DEFECTS: tuple[PhotoKind, ...] = ("flight", "surface", "texture")


class _MinedPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MinedPlace(_MinedPart):
    """A place at which the weights fired, and where nothing is."""

    image: str
    """The picture, as in the index."""
    kind: str
    """What the weights took it for."""
    scale: float
    """How much the picture was enlarged when they did."""
    xyxy_px: tuple[int, int, int, int]
    """Box in the picture's own pixels."""
    score: float


class Mined(_MinedPart):
    """``mined.json``: what fired where."""

    weights_sha256: Sha256
    mining: Mining
    pictures: int
    """How many were looked at."""
    pictures_sha256: Sha256
    """Of their entries in the index."""
    places: tuple[MinedPlace, ...]


def mine(recipe: Recipe, photos: Sequence[PreparedPhoto], prepared_dir: Path) -> dict[str, str]:
    """Look at all training pictures without defects, and write where the recipe's weights fire.

    Parameters
    ----------
    recipe
        Says with which weights; nothing is done when it says nothing.
    photos
        What was prepared.
    prepared_dir
        Folder that holds them; ``mined.json`` is written there. One that this recipe's weights wrote is kept.

    Returns
    -------
    SHA-256 of the weights and of ``mined.json``, by name.
    """
    if recipe.mining is None:
        return {}
    path = prepared_dir / MINED
    weights = find_weights(recipe.mining.weights)
    chosen = [photo for photo in photos if photo.split == "train" and photo.kind in WITHOUT_DEFECTS]
    entries = hashlib.sha256("".join(photo.model_dump_json() for photo in chosen).encode("utf-8")).hexdigest()
    kept = _kept(path)
    wanted = (weights.sha256, recipe.mining, entries)
    if kept is None or (kept.weights_sha256, kept.mining, kept.pictures_sha256) != wanted:
        places = [
            place for scale in recipe.mining.scales for place in _fired(recipe.mining, chosen, prepared_dir, scale)
        ]
        kept = Mined(
            weights_sha256=weights.sha256,
            mining=recipe.mining,
            pictures=len(chosen),
            pictures_sha256=entries,
            places=tuple(places),
        )
        write_bytes(path, kept.model_dump_json(indent=1).encode("utf-8") + b"\n")
    return {f"weights {recipe.mining.weights}": weights.sha256, f"prepared/{MINED}": file_sha256(path)}


def read_mined(prepared_dir: Path) -> Mined:
    """Read where the weights fired.

    Raises
    ------
    SettingsError
        When it cannot be read.
    """
    path = prepared_dir / MINED
    try:
        return Mined.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"{path} cannot be read ({reason}); delete {prepared_dir} to prepare again") from error


def _kept(path: Path) -> Mined | None:
    """Read what an interrupted preparation has written."""
    try:
        return Mined.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _fired(mining: Mining, photos: Sequence[PreparedPhoto], prepared_dir: Path, scale: float) -> Iterator[MinedPlace]:
    detector = load_detector(mining.weights, device="cpu", min_score=mining.min_score)
    pictures = (_scaled(read_rgb(prepared_dir / photo.image), scale) for photo in photos)
    for photo, found in zip(photos, detector.detect_many(pictures), strict=True):
        yield from _places(mining, photo, found, scale, prepared_dir)


def _scaled(image: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    if scale == 1:
        return image
    size = tuple(max(round(side * scale), 32) for side in image.shape[1::-1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size[0], size[1]), interpolation=way), dtype=np.uint8)


def _places(
    mining: Mining, photo: PreparedPhoto, found: Detections, scale: float, prepared_dir: Path
) -> Iterator[MinedPlace]:
    """Give the surest detections of each kind, but for those that touch what may be a defect."""
    ignore = read_raster(prepared_dir / photo.ignore) if photo.ignore and len(found.score) else None
    names = np.asarray(found.label)
    for number, kind in enumerate(KINDS):
        count = 0
        for place in np.flatnonzero(names == kind).tolist():
            box = [float(value) / scale for value in found.xyxy_px[place]]
            left, top, right, bottom = int(box[0]), int(box[1]), int(np.ceil(box[2])), int(np.ceil(box[3]))
            unsure = ignore is not None and bool((ignore[top:bottom, left:right] & 1 << number).any())
            if not unsure and count < mining.most_per_picture:
                count += 1
                score = round(float(found.score[place]), 3)
                yield MinedPlace(
                    image=photo.image, kind=kind, scale=scale, xyxy_px=(left, top, right, bottom), score=score
                )
