"""What crops are cut from: the photos of one split by what they are, and the places at which weights fired."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tenken_training.mining import MinedPlace, read_mined
from tenken_training.prepared_index import PhotoKind, PreparedIndex, PreparedPhoto, Split
from tenken_training.surfaces import CRACKABLE, PAINTED, surface_name
from tenken_training.textures import GROUND, STEEL


@dataclass(frozen=True, slots=True)
class Pool:
    """Photos of one split, by what they are."""

    crack: list[PreparedPhoto]
    corrosion: list[PreparedPhoto]
    flight: list[PreparedPhoto]
    surface: list[PreparedPhoto]
    crackable: list[PreparedPhoto]
    painted: list[PreparedPhoto]
    texture: list[PreparedPhoto]
    ground: list[PreparedPhoto]
    """Textures on which a crack may be drawn."""
    steel: list[PreparedPhoto]
    """Textures on which rust may be drawn."""


Places = dict[str, dict[str, tuple[PreparedPhoto, list[MinedPlace]]]]
"""By kind and by picture, so that one busy picture does not outweigh all others."""


def mined_places(index: PreparedIndex, prepared_dir: Path) -> Places:
    """Read where weights fired, with the pictures."""
    by_image = {photo.image: photo for photo in index.photos}
    places: Places = {}
    for place in read_mined(prepared_dir).places:
        of_kind = places.setdefault(place.kind, {})
        of_kind.setdefault(place.image, (by_image[place.image], []))[1].append(place)
    return places


def _used(photo: PreparedPhoto, share: float) -> bool:
    """Whether a labelled photo belongs to a part of all; a larger part holds a smaller one."""
    return int.from_bytes(hashlib.sha256(photo.image.encode("utf-8")).digest()[:4], "big") < share * 2**32


def pool_of(index: PreparedIndex, split: Split, share: float) -> Pool:
    """Sort a split's photos; of the labelled ones a share only."""
    by_kind: dict[PhotoKind, list[PreparedPhoto]] = {
        "crack": [],
        "corrosion": [],
        "flight": [],
        "surface": [],
        "texture": [],
    }
    for photo in index.photos:
        labelled = photo.kind in ("crack", "corrosion")
        if photo.split == split and (not labelled or _used(photo, share)):
            by_kind[photo.kind].append(photo)
    surfaces = by_kind["surface"]
    return Pool(
        crack=by_kind["crack"],
        corrosion=by_kind["corrosion"],
        flight=by_kind["flight"],
        surface=surfaces,
        crackable=[photo for photo in surfaces if surface_name(photo.surface) in CRACKABLE],
        painted=[photo for photo in surfaces if surface_name(photo.surface) in PAINTED],
        texture=by_kind["texture"],
        ground=[photo for photo in by_kind["texture"] if photo.category in GROUND],
        steel=[photo for photo in by_kind["texture"] if photo.category in STEEL],
    )
