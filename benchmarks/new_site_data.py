"""Data sets for `new_site.py`: a rendered site, photos kept out with cracks full of lime, and poisoned twins."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import rasterio.features
from PIL import Image
from shapely import affinity
from shapely.geometry import Polygon, shape
from site_looks import lamplit_steel, washed_concrete

from tenken.hashing import file_sha256
from tenken_training.annotations.dataset import AnnotatedPhoto, Dataset, Label, Split, clean_area, write_dataset
from tenken_training.evaluation import Truth, read_labelled_set
from tenken_training.evaluation.label_files import read_polygons

TRAIN, VAL = 40, 10
"""Annotated photos of a new site: fifty together."""
TEST = 48
SOUND_EVERY = 5
"""One rendered photo of so many shows no defect."""
SHIFT_PX = 30.0
"""How far the labels of a poisoned set lie from the defects."""

Made = tuple[str, Split, Image.Image, tuple[Label, ...], tuple[str, ...]]


def rendered_site(folder: Path) -> Dataset:
    """Write the rendered site: half washed concrete, half steel under lamps; both kinds looked for in all."""
    splits: tuple[tuple[Split, int, int], ...] = (("train", TRAIN, 0), ("val", VAL, 1000), ("test", TEST, 2000))

    def made() -> Iterator[Made]:
        for split, count, first in splits:
            for number in range(count):
                sound = number % (2 * SOUND_EVERY) in (2 * SOUND_EVERY - 2, 2 * SOUND_EVERY - 1)
                seed = first + number
                scene = (
                    lamplit_steel(seed, rusted=not sound) if number % 2 else washed_concrete(seed, cracked=not sound)
                )
                labels = tuple(_labels(scene.truth))
                yield f"{seed:05d}.png", split, Image.fromarray(scene.image), labels, ("crack", "corrosion")

    return _write(folder, "tunnel", made)


def limed_site(shared: Path, folder: Path) -> Dataset:
    """Write photos of cracks that nothing was trained on, as if lime had filled the cracks of dark, wet concrete.

    The validation split gives the fifty annotated photos, the test split the ones that are judged.
    """
    cracks = shared / "data" / "cracks"

    def made() -> Iterator[Made]:
        for part in ("val", "test"):
            labelled = read_labelled_set(cracks, part)
            # Evenly spread over the names.
            step = len(labelled.photos) / (TRAIN + VAL)
            photos = [labelled.photos[int(n * step)] for n in range(TRAIN + VAL)] if part == "val" else labelled.photos
            for number, photo in enumerate(photos):
                image, _ = labelled.load(photo)
                height, width = image.shape[:2]
                shapes = [] if photo.label is None else read_polygons(photo.label, labelled.classes, height, width)
                areas = [clean_area(Polygon(corners)) for _, corners in shapes if len(corners) > 2]
                labels = tuple(Label("crack", area) for area in areas if area is not None)
                split: Split = "test" if part == "test" else "val" if number % 5 == 4 else "train"
                yield f"{part}-{number:03d}.png", split, Image.fromarray(limed(image)), labels, ("crack",)

    return _write(folder, "limed", made)


def limed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Turn the lightness of a picture (h, w, 3) round: what was dark is white, hues stay."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = 255 - lab[..., 0]
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.uint8)


def shifted(dataset: Dataset, folder: Path) -> Dataset:
    """Write a twin whose labels lie 30 px beside the defects, in all splits."""

    def moved(photo: AnnotatedPhoto, label: Label) -> Label | None:
        frame = Polygon([(0, 0), (photo.width_px, 0), (photo.width_px, photo.height_px), (0, photo.height_px)])
        area = clean_area(affinity.translate(label.area, SHIFT_PX, SHIFT_PX).intersection(frame))
        return None if area is None else replace(label, area=area)

    return _relabelled(dataset, folder, moved)


def swapped(dataset: Dataset, folder: Path) -> Dataset:
    """Write a twin in which cracks are called corrosion, and corrosion cracks."""
    other = {"crack": "corrosion", "corrosion": "crack"}
    return _relabelled(dataset, folder, lambda _, label: replace(label, kind=other[label.kind]))


def _relabelled(dataset: Dataset, folder: Path, change: Callable[[AnnotatedPhoto, Label], Label | None]) -> Dataset:
    photos = []
    for photo in dataset.photos:
        labels = tuple(made for label in photo.labels if (made := change(photo, label)) is not None)
        photos.append(replace(photo, labels=labels, kinds=("crack", "corrosion")))
    return write_dataset(Dataset(folder, folder.name, tuple(photos)))


def _labels(truth: Truth) -> Iterator[Label]:
    for kind, region in truth.regions.items():
        for found, value in rasterio.features.shapes(region.astype(np.uint8), connectivity=8):
            area = clean_area(shape(found)) if value else None
            if area is not None:
                yield Label(kind, area)


def _write(folder: Path, site: str, made: Callable[[], Iterator[Made]]) -> Dataset:
    with tempfile.TemporaryDirectory() as pictures:
        photos = []
        for name, split, picture, labels, kinds in made():
            path = Path(pictures) / name
            picture.save(path)
            photos.append(
                AnnotatedPhoto(
                    name=f"{site}/{name}",
                    path=path,
                    site=site,
                    split=split,
                    width_px=picture.width,
                    height_px=picture.height,
                    sha256=file_sha256(path),
                    kinds=kinds,
                    labels=labels,
                )
            )
        return write_dataset(Dataset(folder, folder.name, tuple(photos)))
