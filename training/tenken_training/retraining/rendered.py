"""Rendered walls and steel with defects, replayed with every retraining: what was known must stay known.

They come from the generators that the shipped weights were trained with. The scenes that promotion is decided on
(`tenken_training.evaluation.scenes`) are of another make, and are never trained on.
"""

from pathlib import Path

import cv2
import numpy as np

from tenken_demo.noise import stream
from tenken_training.cast_walls import cast_wall
from tenken_training.drawn_defects import draw_cracks
from tenken_training.faint_cracks import draw_faint_cracks
from tenken_training.mixed_crops import ON_CONCRETE, covered
from tenken_training.prepared_index import PreparedPhoto, Split
from tenken_training.rasters import write_jpeg, write_png
from tenken_training.steel_rust import rust_on_paint
from tenken_training.surfaces import painted_steel, render_surface
from tenken_training.view import UNKNOWN_STATE, Labelled

PICTURE_PX = 512
PICTURES = {"train": 40, "val": 60}
"""Of each kind."""
VAL_SURFACE_PART = 4
"""One validation surface for so many training surfaces."""


def rendered_defects(seed: int, folder: Path) -> list[PreparedPhoto]:
    """Write cracked walls and rusted plates with their labels."""
    photos = []
    splits: tuple[Split, ...] = ("train", "val")
    for split in splits:
        for number in range(PICTURES[split]):
            rng = stream(seed, f"replay {split}", number)
            photos += [
                _wall(rng, f"{split}-{number:03d}", split, folder),
                _plate(rng, f"{split}-{number:03d}", split, folder),
            ]
    return photos


def rendered_surfaces(seed: int, count: int, size_px: int, folder: Path) -> list[PreparedPhoto]:
    """Write surfaces without defects; some of them for validation."""
    photos = []
    for number in range(count + max(count // VAL_SURFACE_PART, 1)):
        target = f"surfaces/{number:05d}.jpg"
        write_jpeg(folder / target, render_surface(seed, number, size_px))
        photos.append(
            PreparedPhoto(kind="surface", split="train" if number < count else "val", image=target, surface=number)
        )
    return photos


def _wall(rng: np.random.Generator, name: str, split: Split, folder: Path) -> PreparedPhoto:
    wall = cv2.GaussianBlur(cast_wall(rng, PICTURE_PX), (0, 0), rng.uniform(0.3, 0.8))
    draw = draw_faint_cracks if rng.random() < 0.6 else draw_cracks
    plain = Labelled.blank(PICTURE_PX).with_image(np.asarray(np.clip(wall, 0, 1) * 255 + 0.5, dtype=np.uint8))
    # What the new site's cracks look like may be what lies over those of other walls: chalk, webs, cables.
    made = covered(rng, plain.with_cracks(*draw(rng, plain.image)), ON_CONCRETE, int(rng.integers(0, 3)))
    write_jpeg(folder / f"rendered/wall-{name}.jpg", made.image)
    write_png(folder / f"labels/wall-{name}.png", made.crack_numbers.astype(np.uint8))
    return PreparedPhoto(kind="crack", split=split, image=f"rendered/wall-{name}.jpg", labels=f"labels/wall-{name}.png")


def _plate(rng: np.random.Generator, name: str, split: Split, folder: Path) -> PreparedPhoto:
    steel = np.asarray(np.clip(painted_steel(rng, PICTURE_PX), 0, 1) * 255 + 0.5, dtype=np.uint8)
    image, mask = rust_on_paint(rng, steel)
    write_jpeg(folder / f"rendered/plate-{name}.jpg", image)
    write_png(folder / f"labels/plate-{name}.png", np.where(mask, UNKNOWN_STATE, 0).astype(np.uint8))
    return PreparedPhoto(
        kind="corrosion", split=split, image=f"rendered/plate-{name}.jpg", labels=f"labels/plate-{name}.png"
    )
