"""Data sets for `new_site.py`: a rendered site, photos kept out as a pipe shows them or limed, and poisoned twins."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import rasterio.features
from elsewhere import CORROSION_VAL_FROM
from PIL import Image
from shapely import affinity
from shapely.geometry import Polygon, shape
from site_looks import lamplit_steel, washed_concrete

from tenken.hashing import file_sha256
from tenken_training.annotations.dataset import AnnotatedPhoto, Dataset, Label, Split, clean_area, write_dataset
from tenken_training.annotations.photo import State
from tenken_training.evaluation import LabelledPhoto, LabelledSet, Truth, read_labelled_set
from tenken_training.evaluation.label_files import read_polygons

TRAIN, VAL = 40, 10
"""Annotated photos of a new site: fifty together."""
TEST = 48
SOUND_EVERY = 5
"""One rendered photo of so many shows no defect."""
SETS = {"crack": Path("data", "cracks"), "corrosion": Path("data", "corrosion")}
"""Public sets below the shared folder."""
STATES: dict[int, State] = {1: "fair", 2: "poor", 3: "severe"}
GAMMA = 2.2
LAMP_EXPOSURES = (0.06, 0.5)
"""Of what daylight gives: nearly dark to dim."""
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


Look = Callable[[npt.NDArray[np.uint8], int], npt.NDArray[np.uint8]]
"""Changes how a photo looks, and no place in it; the number seeds what is random."""


def kept_out_site(shared: Path, folder: Path, kind: str, look: Look) -> Dataset:
    """Write photos of a kind that nothing was trained on, with another look; the test split's are judged."""

    def made() -> Iterator[Made]:
        labelled, photos = _kept_out(shared, kind)
        tests = read_labelled_set(shared / SETS[kind], "test")
        for part, of, chosen in (("kept", labelled, photos), ("test", tests, tests.photos)):
            for number, photo in enumerate(chosen):
                split: Split = "test" if part == "test" else "val" if number % 5 == 4 else "train"
                image, truth = of.load(photo)
                seen = look(image, number if part == "kept" else 1000 + number)
                labels = tuple(_drawn(of, photo, truth) if kind == "crack" else _labels(truth))
                yield f"{part}-{number:03d}.png", split, Image.fromarray(seen), labels, (kind,)

    return _write(folder, folder.name, made)


def _kept_out(shared: Path, kind: str) -> tuple[LabelledSet, list[LabelledPhoto]]:
    """Photos for a new site: fifty of the validation split; where there is none, the last forty by number."""
    if kind == "corrosion":
        labelled = read_labelled_set(shared / SETS[kind], "train")
        return labelled, [photo for photo in labelled.photos if int(photo.path.stem) >= CORROSION_VAL_FROM]
    labelled = read_labelled_set(shared / SETS[kind], "val")
    step = len(labelled.photos) / (TRAIN + VAL)
    return labelled, [labelled.photos[int(number * step)] for number in range(TRAIN + VAL)]


def beside_kept_out(shared: Path, kind: str, folder: Path) -> Path:
    """Copy a set's photos for training and validation, without those that became `kept_out_site`.

    What is forgotten must not be measured on photos whose twins were learned from.
    """
    taken = {photo.path for photo in _kept_out(shared, kind)[1]}
    made = folder.with_name(f"{folder.name}-begun")
    for part in ("train", "val"):
        if not (shared / SETS[kind] / part).is_dir():
            continue
        for photo in read_labelled_set(shared / SETS[kind], part).photos:
            for path in (photo.path, photo.label):
                if path is not None and photo.path not in taken:
                    target = made / path.relative_to(shared / SETS[kind])
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
    made.rename(folder)
    return folder


def _drawn(labelled: LabelledSet, photo: LabelledPhoto, truth: Truth) -> Iterator[Label]:
    """Labels as their polygons were drawn."""
    if photo.label is None:
        return
    for _, corners in read_polygons(photo.label, labelled.classes, truth.height_px, truth.width_px):
        area = clean_area(Polygon(corners)) if len(corners) > 2 else None
        if area is not None:
            yield Label("crack", area)


def limed(image: npt.NDArray[np.uint8], _seed: int) -> npt.NDArray[np.uint8]:
    """Turn the lightness of a picture (h, w, 3) round, as if lime had filled the cracks of dark, wet concrete.

    What was dark is white, hues stay.
    """
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = 255 - lab[..., 0]
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.uint8)


def piped(image: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    """Show a picture (h, w, 3) as a small video camera with a weak lamp does in a pipe.

    Half the resolution, lit from the middle and dim beyond, yellowish, smeared along the way, noisy, sharpened by the
    camera, and stored by a frugal codec.
    """
    rng = np.random.default_rng(seed)
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    light: npt.NDArray[np.float32] = np.power(small, np.float32(GAMMA))
    rows, columns = np.mgrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : light.shape[1] * 1j]
    row, column = rng.uniform(-0.4, 0.4, 2)
    lamp = np.clip(1.15 - 0.55 * np.hypot(rows - row, columns - column) ** 1.3, 0.12, 1.2)
    exposure = np.exp(rng.uniform(*np.log(LAMP_EXPOSURES)))
    light *= (exposure * lamp[..., None] * np.array([1.0, 0.92, 0.62])).astype(np.float32)
    smeared = cv2.blur(cv2.GaussianBlur(light, (0, 0), 0.7), (int(rng.integers(1, 4)), 1))
    light = np.asarray(smeared, dtype=np.float32)
    # Photon and read noise.
    light += rng.normal(0, 1, light.shape).astype(np.float32) * np.sqrt(0.0012 * np.clip(light, 0, None) + 0.00006)
    shown = np.power(np.clip(light, 0, 1), 1 / GAMMA)
    grey = shown.mean(axis=2, keepdims=True)
    shown = grey + 0.5 * (shown - grey)
    shown = np.clip(shown + 0.8 * (shown - cv2.GaussianBlur(shown, (0, 0), 1.2)), 0, 1)
    stored = cv2.imencode(".jpg", (shown * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 35])[1]
    played = np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR))
    return np.asarray(cv2.resize(played, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


SITES: dict[str, tuple[str, Look]] = {"pipe": ("corrosion", piped), "limed": ("crack", limed)}
"""Sites of photos kept out: what they show, and how."""


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
        states = truth.states if kind == "corrosion" else None
        raster = region.astype(np.uint8) if states is None else states
        for found, value in rasterio.features.shapes(raster, connectivity=8):
            area = clean_area(shape(found)) if value else None
            if area is not None:
                yield Label(kind, area, state=None if states is None else STATES[int(value)])


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
