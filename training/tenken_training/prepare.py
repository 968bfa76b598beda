"""Prepare what crops are cut from: label rasters, what the loss leaves out, flight tiles, rendered surfaces.

``python -m tenken_training.prepare --recipe training/recipes/crack-corrosion.toml --data ../shared --work runs/x``

Everything follows from the recipe, the photos and the teacher's weights. A file that exists is kept, so that an
interrupted preparation goes on; the index is written last. No test split is read.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from tenken.detection.weights import find_weights
from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken_training.cleaning import CORROSION, CRACK, Teacher
from tenken_training.mining import mine
from tenken_training.prepared_index import PreparedIndex, PreparedPhoto, Split, deciding_parts, read_index
from tenken_training.rasters import crack_numbers, read_rgb, write_bytes, write_jpeg, write_png
from tenken_training.recipe import Recipe, read_recipe
from tenken_training.surfaces import render_surface
from tenken_training.textures import read_textures

FLIGHT_TILE_PX = 1024
VAL_SURFACE_PART = 8
"""One validation surface for so many training surfaces."""


def prepare(recipe: Recipe, data_dir: Path, prepared_dir: Path, textures_dir: Path | None = None) -> PreparedIndex:
    """Prepare a folder, or read it when it is already there.

    Parameters
    ----------
    recipe
        What to prepare.
    data_dir
        Folder that the recipe's sources are below.
    prepared_dir
        Where to write.
    textures_dir
        What `tenken_training.fetch_textures` wrote; ``textures`` below `data_dir` when None.

    Raises
    ------
    SettingsError
        When a source is missing, or the folder was prepared by another recipe.
    """
    index_path = prepared_dir / "index.json"
    if index_path.is_file():
        return read_index(recipe, prepared_dir)
    inputs: dict[str, str] = {}
    teacher = Teacher(recipe.cleaning)
    photos = [
        *_cracks(recipe, data_dir, prepared_dir, teacher, inputs),
        *_corrosion(recipe, data_dir, prepared_dir, teacher, inputs),
        *_flights(recipe, data_dir, prepared_dir, inputs),
        *_surfaces(recipe, prepared_dir),
        *_textures(recipe, textures_dir or data_dir / "textures", prepared_dir, inputs),
    ]
    inputs[f"weights {recipe.cleaning.teacher}"] = find_weights(recipe.cleaning.teacher).sha256
    inputs |= mine(recipe, photos, prepared_dir)
    index = PreparedIndex(recipe=deciding_parts(recipe), inputs=inputs, photos=tuple(photos))
    write_bytes(index_path, index.model_dump_json(indent=1).encode("utf-8"))
    return index


def _cracks(
    recipe: Recipe, data_dir: Path, prepared_dir: Path, teacher: Teacher, inputs: dict[str, str]
) -> list[PreparedPhoto]:
    """Rasterise the polygons, each crack with its own number."""
    photos = []
    splits: tuple[Split, ...] = ("train", "val")
    for split in splits:
        folder = data_dir / recipe.sources.cracks / split
        for path in _photos_in(folder / "images"):
            polygons_path = folder / "labels" / f"{path.stem}.txt"
            image = read_rgb(path)
            numbers = crack_numbers(polygons_path, (image.shape[0], image.shape[1]))
            entry = PreparedPhoto(
                kind="crack",
                split=split,
                image=_note(path, data_dir, inputs),
                labels=f"labels/crack-{split}-{path.stem}.png",
                ignore=f"ignore/crack-{split}-{path.stem}.png",
            )
            _note(polygons_path, data_dir, inputs)
            write_png(prepared_dir / entry.labels, numbers)
            if not (prepared_dir / entry.ignore).is_file():
                write_png(prepared_dir / entry.ignore, teacher.left_out(image, crack=numbers > 0))
            photos.append(entry)
    return photos


def _corrosion(
    recipe: Recipe, data_dir: Path, prepared_dir: Path, teacher: Teacher, inputs: dict[str, str]
) -> list[PreparedPhoto]:
    """Keep the condition states; the last photos by number are the validation split."""
    photos = []
    folder = data_dir / recipe.sources.corrosion / "train"
    for path in _photos_in(folder / "images"):
        masks = sorted((folder / "masks").glob(f"{path.stem}.*"))
        if not masks:
            raise SettingsError(f"{path} has no mask in {folder / 'masks'}; add it or remove the photo")
        image = read_rgb(path)
        states = cv2.imread(str(masks[0]), cv2.IMREAD_GRAYSCALE)
        if states is None or states.shape != image.shape[:2]:
            raise SettingsError(f"{masks[0]} is no picture of the size of {path}; mend or remove it")
        number = int(path.stem) if path.stem.isdecimal() else 0
        split: Split = "val" if number >= recipe.sources.corrosion_val_from else "train"
        entry = PreparedPhoto(
            kind="corrosion",
            split=split,
            image=_note(path, data_dir, inputs),
            labels=f"labels/corrosion-{split}-{path.stem}.png",
            ignore=f"ignore/corrosion-{split}-{path.stem}.png",
        )
        _note(masks[0], data_dir, inputs)
        write_png(prepared_dir / entry.labels, np.asarray(states, dtype=np.uint8))
        if not (prepared_dir / entry.ignore).is_file():
            write_png(prepared_dir / entry.ignore, teacher.left_out(image, corrosion=np.asarray(states) > 0))
        photos.append(entry)
    return photos


def _flights(recipe: Recipe, data_dir: Path, prepared_dir: Path, inputs: dict[str, str]) -> list[PreparedPhoto]:
    """Cut flight photos into tiles, so that a crop needs not read a whole photo."""
    photos = []
    for name in recipe.sources.flights:
        path = data_dir / name
        _note(path, data_dir, inputs)
        image = read_rgb(path)
        ignore = np.zeros(image.shape[:2], np.uint8)
        for left, top, right, bottom in recipe.sources.flight_cracks_px.get(name, ()):
            ignore[top:bottom, left:right] = 1 << CRACK
        for top in range(0, image.shape[0] - FLIGHT_TILE_PX // 2, FLIGHT_TILE_PX):
            for left in range(0, image.shape[1] - FLIGHT_TILE_PX // 2, FLIGHT_TILE_PX):
                window = (slice(top, top + FLIGHT_TILE_PX), slice(left, left + FLIGHT_TILE_PX))
                target = f"flights/{path.parent.parent.name}-{path.stem}-{top}-{left}.jpg"
                ignore_target = target.replace(".jpg", ".png").replace("flights/", "ignore/flight-")
                write_jpeg(prepared_dir / target, image[window])
                write_png(prepared_dir / ignore_target, ignore[window])
                photos.append(PreparedPhoto(kind="flight", split="train", image=target, ignore=ignore_target))
    return photos


def _surfaces(recipe: Recipe, prepared_dir: Path) -> list[PreparedPhoto]:
    """Render the surfaces; the validation split gets numbers of its own."""
    photos = []
    train = recipe.rendering.surfaces
    for number in range(train + max(train // VAL_SURFACE_PART, 1)):
        target = f"surfaces/{number:05d}.jpg"
        if not (prepared_dir / target).is_file():
            picture = render_surface(recipe.seed, number, recipe.rendering.surface_px)
            write_jpeg(prepared_dir / target, picture)
        split: Split = "train" if number < train else "val"
        photos.append(PreparedPhoto(kind="surface", split=split, image=target, surface=number))
    return photos


def _textures(recipe: Recipe, textures_dir: Path, prepared_dir: Path, inputs: dict[str, str]) -> list[PreparedPhoto]:
    """Cut textures into tiles; a class that a picture may show is left out of the loss."""
    if recipe.sources.textures is None:
        return []
    photos = []
    for number, texture in enumerate(read_textures(recipe.sources.textures, textures_dir)):
        if texture.may_show_cracks and texture.may_show_rust:
            continue
        path = textures_dir / texture.path
        inputs[f"textures/{texture.path}"] = file_sha256(path)
        image = read_rgb(path)
        left_out = texture.may_show_cracks << CRACK | texture.may_show_rust << CORROSION
        for top in range(0, max(image.shape[0] - FLIGHT_TILE_PX // 2, 1), FLIGHT_TILE_PX):
            for left in range(0, max(image.shape[1] - FLIGHT_TILE_PX // 2, 1), FLIGHT_TILE_PX):
                tile = image[top : top + FLIGHT_TILE_PX, left : left + FLIGHT_TILE_PX]
                target = f"textures/{number:04d}-{top}-{left}.jpg"
                write_jpeg(prepared_dir / target, tile)
                ignore = f"ignore/texture-{number:04d}-{top}-{left}.png" if left_out else ""
                if ignore:
                    write_png(prepared_dir / ignore, np.full(tile.shape[:2], left_out, np.uint8))
                photos.append(
                    PreparedPhoto(kind="texture", split="train", image=target, ignore=ignore, category=texture.category)
                )
    return photos


def _photos_in(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not paths:
        raise SettingsError(f"{folder} holds no photos; give the folder above the recipe's sources with --data")
    return paths


def _note(path: Path, data_dir: Path, inputs: dict[str, str]) -> str:
    if not path.is_file():
        raise SettingsError(f"{path} is missing; give the folder above the recipe's sources with --data")
    name = path.relative_to(data_dir).as_posix()
    inputs[name] = file_sha256(path)
    return name


def main(
    recipe: Annotated[Path, typer.Option(help="Recipe file.", exists=True, dir_okay=False)],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's sources are below.", file_okay=False)],
    work: Annotated[Path, typer.Option(help="Folder of this training.", file_okay=False)],
    textures: Annotated[Path | None, typer.Option(help="What fetch_textures wrote.", file_okay=False)] = None,
) -> None:
    """Prepare what a recipe trains on."""
    cv2.setNumThreads(1)
    index = prepare(read_recipe(recipe), data, work / "prepared", textures)
    kinds = Counter(photo.kind for photo in index.photos)
    typer.echo(f"{work / 'prepared'}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))


if __name__ == "__main__":
    typer.run(main)
