"""Labelled photos as they lie in folders: imported data sets, YOLO polygons, masks, or no defects at all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenken.detection.detect import KINDS
from tenken.errors import SettingsError
from tenken.imagery.picture import load_photo
from tenken.notes import Note
from tenken_training.annotations.dataset import SPLITS, AnnotatedPhoto, read_dataset
from tenken_training.evaluation.annotated_truth import from_annotated
from tenken_training.evaluation.label_files import read_class_names, read_mask, read_polygons, read_sites
from tenken_training.evaluation.truth import Truth, from_mask, from_polygons

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})

ALL = "all"
"""Instead of a split's name, where a folder has no splits."""

SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""Below ``images`` a folder of such a name is a split, and any other a site."""

Layout = Literal["dataset", "polygons", "masks", "label-free"]


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo and where its labels lie; ``label`` is None where it has none, which says that it holds no defect."""

    name: str
    site: str
    path: Path
    label: Path | None


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Photos with labels.

    Parameters
    ----------
    name
        For people.
    layout
        How the labels are kept.
    kinds
        Kinds that were labelled. Of others nothing is known: a photo may show them without a label.
    classes
        Kinds by class number of polygon files.
    photos
        In the order of their names.
    annotated
        Photos of an imported data set by name, with their labels.
    has_splits
        Whether the photos are one part of the folder's, as ``test``; otherwise they are all there are.
    """

    name: str
    layout: Layout
    kinds: tuple[str, ...]
    classes: tuple[str, ...]
    photos: tuple[LabelledPhoto, ...]
    annotated: Mapping[str, AnnotatedPhoto] = field(default_factory=dict)
    has_splits: bool = field(default=True, kw_only=True)

    @property
    def caution(self) -> Note | None:
        """What keeps figures on these photos from standing for new ones."""
        whole = not self.has_splits and self.layout != "label-free"
        return Note.of("evaluation.no_splits") if whole else None

    @property
    def photos_without_label(self) -> int:
        """How many photos show no defect."""
        if self.layout == "dataset":
            return sum(not photo.labels for photo in self.annotated.values())
        return sum(photo.label is None for photo in self.photos)

    def load(self, photo: LabelledPhoto, scale: float = 1.0) -> tuple[npt.NDArray[np.uint8], Truth]:
        """Read a photo, (h, w, 3) uint8 RGB, and its labels; both made smaller or larger by a scale.

        Raises
        ------
        FlightError
            When the photo cannot be read.
        SettingsError
            When its labels cannot be used; the message names the file and the line.
        """
        image = load_photo(photo.path)
        full_px = height, width = image.shape[:2]
        if scale != 1:
            height, width = (max(1, round(side * scale)) for side in full_px)
            image = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
        if self.layout == "dataset":
            annotated = self.annotated[photo.name]
            if full_px != (annotated.height_px, annotated.width_px):
                raise SettingsError(f"{photo.path} is not the size that its labels were made for; import it again")
            stated = any(label.state for one in self.annotated.values() for label in one.labels)
            return image, from_annotated(annotated, self.kinds, height, width, with_states=stated)
        if photo.label is None:
            return image, Truth(height, width, (), {})
        if self.layout == "polygons":
            return image, from_polygons(read_polygons(photo.label, self.classes, height, width), height, width)
        [kind] = self.kinds
        values, are_states = read_mask(photo.label, *full_px)
        if scale != 1:
            values = np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.NEAREST))
        states = values if are_states and kind == "corrosion" else None
        return image, from_mask(kind, values > 0, states)

    def sha256(self) -> str:
        """Hash of all photos and labels, so that figures can be traced to what they were measured on."""
        digest = hashlib.sha256()
        for photo in self.photos:
            for path in (photo.path, photo.label):
                digest.update(photo.name.encode() + b"\0" + (path.read_bytes() if path else b"") + b"\0")
        return digest.hexdigest()


def read_labelled_set(
    folder: Path, split: str = "test", *, classes: Sequence[str] | None = None, label_free: bool = False
) -> LabelledSet:
    """Look at a folder and tell which photos and labels it holds.

    Understood are data sets of ``inspect import`` (``dataset.json``), ``SPLIT/images`` beside ``SPLIT/labels`` (YOLO
    polygons, one text file a photo) or ``SPLIT/masks`` (grey PNGs), ``images/SPLIT`` beside ``labels/SPLIT`` or
    ``masks/SPLIT``, and the same without a split. A photo's site is what the data set says; else the folder below
    ``images`` that it lies in, or what ``sites.csv`` (columns ``photo``, ``site``) beside ``images`` says.

    Parameters
    ----------
    folder
        The data set.
    split
        Which part of it; of a folder without splits, all photos are taken and the set is named ``FOLDER/all``.
    classes
        Kinds by class number, or the kind that masks show; by default what ``data.yaml`` says, or else crack and
        corrosion for polygons and corrosion for masks.
    label_free
        The user vouches that no photo below the folder holds any defect: all that is found there is a false alarm.

    Raises
    ------
    SettingsError
        When the folder holds nothing of that kind, or has splits and not this one.
    """
    if not folder.is_dir():
        raise SettingsError(f"{folder} is no folder; give the data set's folder")
    name = f"{folder.resolve().name}/{split}"
    if label_free:
        photos = tuple(
            LabelledPhoto(path.relative_to(folder).as_posix(), _folder_site(path, folder), path, None)
            for path in _photos_below(folder)
        )
        if not photos:
            raise SettingsError(f"{folder} holds no photos; give a folder of photos")
        return LabelledSet(folder.resolve().name, "label-free", tuple(classes or KINDS), (), photos, has_splits=False)
    if (folder / "dataset.json").is_file():
        return _imported(folder, split, name, classes)
    images, labels, layout = _find_layout(folder, split)
    has_splits = images != folder / "images"
    if not has_splits:
        name = f"{folder.resolve().name}/{ALL}"
    if classes is None:
        classes = read_class_names(folder / "data.yaml") or (KINDS if layout == "polygons" else ("corrosion",))
    photos = _pair(images, labels, ".txt" if layout == "polygons" else ".png")
    if layout == "masks" and len(classes) != 1:
        raise SettingsError(f"{labels}: masks show one kind; name it with --classes, got {', '.join(classes)}")
    kinds = _labelled_kinds(photos, classes) if layout == "polygons" else tuple(classes)
    return LabelledSet(name, layout, kinds, tuple(classes), photos, has_splits=has_splits)


def _imported(folder: Path, split: str, name: str, classes: Sequence[str] | None) -> LabelledSet:
    if split not in SPLITS:
        raise SettingsError(f"--split {split}: an imported data set has {', '.join(SPLITS)}")
    dataset = read_dataset(folder)
    chosen = dataset.of_split(split)
    if not chosen:
        raise SettingsError(f"{folder} has no photos in its split {split}; name another --split, or import more sites")
    kinds = tuple(sorted({kind for photo in chosen for kind in photo.kinds}))
    if classes is not None:
        kinds = tuple(kind for kind in kinds if kind in classes)
    photos = tuple(
        LabelledPhoto(photo.name, photo.site, photo.path, folder / "labels" / f"{photo.name}.json") for photo in chosen
    )
    return LabelledSet(name, "dataset", kinds, kinds, photos, {photo.name: photo for photo in chosen})


def _find_layout(folder: Path, split: str) -> tuple[Path, Path, Layout]:
    layouts: tuple[tuple[str, Layout], ...] = (("labels", "polygons"), ("masks", "masks"))
    splits = _splits(folder)
    for labels, layout in layouts:
        for images_dir, labels_dir in (
            (folder / split / "images", folder / split / labels),
            (folder / "images" / split, folder / labels / split),
            *(() if splits else ((folder / "images", folder / labels),)),
        ):
            if images_dir.is_dir() and labels_dir.is_dir():
                return images_dir, labels_dir, layout
    if splits:
        raise SettingsError(
            f"{folder} has no labelled split {split}, only {', '.join(splits)}; name one of these with --split, "
            "or rename the folders"
        )
    raise SettingsError(
        f"{folder} has no {split}/images with {split}/labels or {split}/masks: make it of annotations with "
        "`inspect import`, name another --split, or say --label-free if its photos hold no defect"
    )


def _splits(folder: Path) -> list[str]:
    """Name the labelled splits that a folder has, as ``SPLIT/images`` or ``images/SPLIT``."""
    names: set[str] = set()
    for labels in ("labels", "masks"):
        names |= {path.parent.name for path in folder.glob(f"*/{labels}") if (path.parent / "images").is_dir()}
        below = {path.name for path in folder.glob(f"{labels}/*") if (folder / "images" / path.name).is_dir()}
        names |= {name for name in below if name.lower() in SPLIT_NAMES}
    return sorted(names)


def _pair(images: Path, labels: Path, suffix: str) -> tuple[LabelledPhoto, ...]:
    paths = _photos_below(images)
    if not paths:
        raise SettingsError(f"{images} holds no photos")
    sites = read_sites(images.parent / "sites.csv")
    photos = []
    for path in paths:
        name = path.relative_to(images).as_posix()
        label = (labels / path.relative_to(images)).with_suffix(suffix)
        if suffix == ".png" and not label.is_file():
            raise SettingsError(f"{label} is missing; a photo without the defect needs a mask of zeros")
        site = sites.get(name) or _folder_site(path, images)
        photos.append(LabelledPhoto(name, site, path, label if label.is_file() else None))
    if not any(photo.label for photo in photos):
        raise SettingsError(f"{labels} holds no label of the photos in {images}; their names must agree")
    return tuple(photos)


def _labelled_kinds(photos: Sequence[LabelledPhoto], classes: Sequence[str]) -> tuple[str, ...]:
    """Kinds that occur: of a class of which no photo shows one, it cannot be told whether it was looked for."""
    seen: set[str] = set()
    for photo in photos:
        if photo.label is not None:
            seen.update(kind for kind, _ in read_polygons(photo.label, classes, 1, 1))
    return tuple(kind for kind in dict.fromkeys(classes) if kind in seen)


def _photos_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file())


def _folder_site(path: Path, root: Path) -> str:
    """First folder below the root; flights keep their photos in ``FLIGHT/images``."""
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 else ""
