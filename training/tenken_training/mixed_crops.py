"""Crops that show a defect and what only looks like one side by side, so that the two must be told apart."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from tenken_training.cast_walls import cast_wall
from tenken_training.drawn_defects import paste_cracks, paste_rust
from tenken_training.faint_cracks import draw_faint_cracks
from tenken_training.lookalikes import (
    cable_shadows,
    cables,
    chalk,
    holes,
    joints,
    litter,
    red_things,
    road_paint,
    shadow,
    stains,
    webs,
)
from tenken_training.steel_rust import rust_on_paint, stain_runs
from tenken_training.surfaces import painted_steel
from tenken_training.view import UNKNOWN_STATE, Labelled

FloatPicture = npt.NDArray[np.float32]
BoolMask = npt.NDArray[np.bool_]
Lookalike = Callable[[np.random.Generator, FloatPicture], None]
Photo = Callable[[np.random.Generator], Labelled]
"""Gives a crop of a labelled photo."""

IN_CONCRETE: tuple[Lookalike, ...] = (joints, stains, holes, shadow, road_paint)
"""What a crack runs through."""
ON_CONCRETE: tuple[Lookalike, ...] = (cables, chalk, webs, webs, shadow)
"""What lies over a crack; spider webs are as common on structures as they are rare in pictures."""
THIN: tuple[Lookalike, ...] = (cable_shadows, cable_shadows, cables, webs, joints)
"""What is as thin as a crack, over any ground."""
ON_STEEL: tuple[Lookalike, ...] = (red_things, stains, stain_runs, chalk, shadow, cables, litter)
HIDING: frozenset[Lookalike] = frozenset({cables, chalk, joints, red_things, litter, road_paint})
HIDDEN_CHANGE = 0.12
"""A pixel that such a thing changes by so much, of 1, shows the thing and nothing below it."""
WITHOUT_DEFECT = 0.12
"""Share of these crops that hold no defect, or their ground would give one away."""


def cracked_wall(rng: np.random.Generator, size_px: int, crack_photo: Photo) -> Labelled:
    """Render a cast face with lookalikes, and on it faint cracks, or cracks of a photo."""
    wall = cast_wall(rng, size_px)
    _draw(rng, wall, IN_CONCRETE, int(rng.integers(0, 3)))
    seen = np.asarray(cv2.GaussianBlur(wall, (0, 0), rng.uniform(0.3, 0.8)), dtype=np.float32)
    crop = Labelled.blank(size_px).with_image(_as_bytes(seen))
    choice = rng.random()
    if choice < 0.25:
        source = crack_photo(rng)
        numbers = [number for number in np.unique(source.crack_numbers) if number]
        masks = [source.crack_numbers == number for number in numbers]
        crop = crop.with_cracks(*paste_cracks(crop.image, source.image, masks))
    elif choice < 1 - WITHOUT_DEFECT:
        crop = crop.with_cracks(*draw_faint_cracks(rng, crop.image))
    return covered(rng, crop, ON_CONCRETE, int(rng.integers(0, 3)))


def rusted_steel(rng: np.random.Generator, size_px: int, ground: Labelled | None, corrosion_photo: Photo) -> Labelled:
    """Render painted steel (or take `ground`) with lookalikes, and on it rust drawn or of a photo, near or afar."""
    if ground is None:
        # Plates from near and afar: the renderer has one distance.
        part = float(np.exp(rng.uniform(np.log(0.5), np.log(2.0))))
        steel = painted_steel(rng, max(int(size_px * part), 64))
        way = cv2.INTER_AREA if part > 1 else cv2.INTER_CUBIC
        picture = np.asarray(cv2.resize(steel, (size_px, size_px), interpolation=way), dtype=np.float32)
        picture = np.clip(picture, 0, 1)
        _draw(rng, picture, ON_STEEL, int(rng.integers(0, 3)))
        ground = Labelled.blank(size_px).with_image(_as_bytes(picture))
    choice = rng.random()
    if choice < 0.3:
        source = corrosion_photo(rng)
        crop = ground
        if source.rust.any():
            pasted = paste_rust(rng, ground.image, source.image, source.rust)
            crop = ground.with_rust(pasted, source.state)
    elif choice < 1 - WITHOUT_DEFECT:
        image, mask = rust_on_paint(rng, ground.image)
        crop = ground.with_rust(image, np.where(mask, UNKNOWN_STATE, 0).astype(np.uint8))
    else:
        crop = ground
    return covered(rng, crop, (shadow, chalk, cables, stain_runs), int(rng.integers(0, 2)))


def covered(rng: np.random.Generator, crop: Labelled, things: Sequence[Lookalike], count: int) -> Labelled:
    """Draw lookalikes over a crop; a defect below something opaque is no longer labelled."""
    picture = crop.image.astype(np.float32) / np.float32(255)
    hidden = _draw(rng, picture, things, count)
    return Labelled(
        image=_as_bytes(picture),
        crack_numbers=np.where(hidden, 0, crop.crack_numbers),
        state=np.where(hidden, 0, crop.state).astype(np.uint8),
        ignore=crop.ignore,
    )


def _draw(rng: np.random.Generator, picture: FloatPicture, things: Sequence[Lookalike], count: int) -> BoolMask:
    """Draw some lookalikes in place; give what they hide, (h, w)."""
    hidden = np.zeros(picture.shape[:2], bool)
    for number in rng.choice(len(things), size=min(count, len(things)), replace=False).tolist():
        before = picture.copy()
        things[number](rng, picture)
        if things[number] in HIDING:
            hidden |= np.abs(picture - before).max(axis=-1) > HIDDEN_CHANGE
    return hidden


def _as_bytes(picture: FloatPicture) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(picture, 0, 1) * 255 + 0.5, dtype=np.uint8)
