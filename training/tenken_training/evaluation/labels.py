"""Labelled photos as they lie in folders: YOLO polygons, mask PNGs, or photos that hold no defect at all."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from tenken.detect import KINDS
from tenken.errors import MissingExtraError, SettingsError
from tenken.picture import load_photo
from tenken_training.evaluation.pixel_score import STATES
from tenken_training.evaluation.truth import Truth, from_mask, from_polygons

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})

Layout = Literal["polygons", "masks", "label-free"]


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
    """

    name: str
    layout: Layout
    kinds: tuple[str, ...]
    classes: tuple[str, ...]
    photos: tuple[LabelledPhoto, ...]

    def load(self, photo: LabelledPhoto) -> tuple[npt.NDArray[np.uint8], Truth]:
        """Read a photo, (h, w, 3) uint8 RGB, and its labels.

        Raises
        ------
        FlightError
            When the photo cannot be read.
        SettingsError
            When its labels cannot be used; the message names the file and the line.
        """
        image = load_photo(photo.path)
        height, width = image.shape[:2]
        if photo.label is None:
            return image, Truth(height, width, (), {})
        if self.layout == "masks":
            return image, _read_mask(photo.label, self.kinds[0], height, width)
        return image, from_polygons(read_polygons(photo.label, self.classes, height, width), height, width)

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

    Understood are ``SPLIT/images`` beside ``SPLIT/labels`` (YOLO polygons, one text file a photo) or ``SPLIT/masks``
    (grey PNGs), ``images/SPLIT`` beside ``labels/SPLIT`` or ``masks/SPLIT``, and the same without a split. A photo's
    site is the folder below ``images`` that it lies in, or what ``sites.csv`` (columns ``photo``, ``site``) beside
    ``images`` says.

    Parameters
    ----------
    folder
        The data set.
    split
        Which part of it.
    classes
        Kinds by class number, or the kind that masks show; by default what ``data.yaml`` says, or else crack and
        corrosion for polygons and corrosion for masks.
    label_free
        The user vouches that no photo below the folder holds any defect: all that is found there is a false alarm.

    Raises
    ------
    SettingsError
        When the folder holds nothing of that kind.
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
        return LabelledSet(folder.resolve().name, "label-free", tuple(classes or KINDS), (), photos)
    images, labels, layout = _find_layout(folder, split)
    if classes is None:
        classes = _yaml_classes(folder) or (KINDS if layout == "polygons" else ("corrosion",))
    photos = _pair(images, labels, ".txt" if layout == "polygons" else ".png")
    if layout == "masks" and len(classes) != 1:
        raise SettingsError(f"{labels}: masks show one kind; name it with --classes, got {', '.join(classes)}")
    kinds = _labelled_kinds(photos, classes) if layout == "polygons" else tuple(classes)
    return LabelledSet(name, layout, kinds, tuple(classes), photos)


def read_polygons(
    path: Path, classes: Sequence[str], height_px: int, width_px: int
) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """Read a YOLO segmentation file: class number, then x and y in turn as shares of the photo's sides.

    Returns
    -------
    Kind and (n, 2) corners in pixels, of each line.

    Raises
    ------
    SettingsError
        When a line is not that; the message names the file and the line.
    """
    shapes = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = np.array([float(word) for word in line.split()])
        except ValueError:
            raise SettingsError(f"{path}, line {number}: not all numbers; export as YOLO segmentation again") from None
        if len(values) < 7 or len(values) % 2 == 0:
            raise SettingsError(
                f"{path}, line {number}: {len(values)} numbers are no polygon (class, then three or more corners); "
                "export as YOLO segmentation"
            )
        if not 0 <= values[0] < len(classes) or values[0] % 1:
            raise SettingsError(f"{path}, line {number}: class {values[0]:g} is none of {', '.join(classes)}")
        corners = values[1:].reshape(-1, 2)
        # Editors round outwards by a pixel or so; more than that are pixels taken for shares.
        if not ((corners > -0.02) & (corners < 1.02)).all():
            raise SettingsError(f"{path}, line {number}: corners outside 0 to 1; export as shares of the photo's sides")
        shapes.append((classes[int(values[0])], corners.clip(0, 1) * [width_px, height_px]))
    return shapes


def _read_mask(path: Path, kind: str, height_px: int, width_px: int) -> Truth:
    try:
        with Image.open(path) as picture:
            values = np.asarray(picture)
    except (UnidentifiedImageError, OSError) as error:
        raise SettingsError(f"{path} is no readable picture; export the mask again") from error
    if values.ndim == 3:
        values = values[..., :3].max(axis=2)
    if values.shape != (height_px, width_px):
        raise SettingsError(
            f"{path} is {values.shape[1]} x {values.shape[0]} px, its photo {width_px} x {height_px} px as it is shown "
            "(EXIF orientation applied); export the mask again"
        )
    if values.max(initial=0) <= max(STATES):
        states = values.astype(np.uint8)
        return from_mask(kind, states > 0, states if kind == "corrosion" else None)
    if np.isin(values, (0, 255)).all():
        return from_mask(kind, values > 0)
    raise SettingsError(f"{path} holds {values.max()}; a mask holds 0 and 255, or the condition states 0 to 3")


def _find_layout(folder: Path, split: str) -> tuple[Path, Path, Layout]:
    layouts: tuple[tuple[str, Layout], ...] = (("labels", "polygons"), ("masks", "masks"))
    for labels, layout in layouts:
        for images_dir, labels_dir in (
            (folder / split / "images", folder / split / labels),
            (folder / "images" / split, folder / labels / split),
            (folder / "images", folder / labels),
        ):
            if images_dir.is_dir() and labels_dir.is_dir():
                return images_dir, labels_dir, layout
    raise SettingsError(
        f"{folder} has no {split}/images with {split}/labels or {split}/masks; name another --split, "
        "or say --label-free if its photos hold no defect"
    )


def _pair(images: Path, labels: Path, suffix: str) -> tuple[LabelledPhoto, ...]:
    paths = _photos_below(images)
    if not paths:
        raise SettingsError(f"{images} holds no photos")
    sites = _sites(images.parent / "sites.csv")
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


def _sites(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    rows = list(csv.DictReader(_text(path).splitlines()))
    if not rows or not {"photo", "site"} <= set(rows[0]):
        raise SettingsError(f"{path} must have the columns photo and site")
    return {row["photo"]: row["site"] or "" for row in rows}


def _yaml_classes(folder: Path) -> tuple[str, ...] | None:
    path = folder / "data.yaml"
    if not path.is_file():
        return None
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError(
            f'{path} needs pip install "tenken[train]", or name the kinds with --classes'
        ) from error
    try:
        names = yaml.safe_load(_text(path))["names"]
        ordered = [names[number] for number in sorted(names)] if isinstance(names, dict) else names
        return tuple(str(name) for name in ordered)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} names no classes ('names'); mend it, or name the kinds with --classes") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text; save it as UTF-8") from error
