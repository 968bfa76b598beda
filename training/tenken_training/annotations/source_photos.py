"""The photos of a source with their labels, whole, before they are cut into tiles."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenken.errors import FlightError, SettingsError
from tenken.hashing import file_sha256
from tenken.imagery.flight import GENERIC_FOLDERS
from tenken.imagery.picture import load_photo
from tenken.notes import Note
from tenken_training.annotations.classes import Target
from tenken_training.annotations.drawings import DrawnPhoto
from tenken_training.annotations.findings import Finding
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.labelling import Labelling, labels_of
from tenken_training.annotations.near_duplicates import perceptual_hash
from tenken_training.annotations.orientation import to_displayed
from tenken_training.annotations.photo import Absence, Label
from tenken_training.annotations.photo_files import PhotoFile, PhotoFinder, displayed_size
from tenken_training.evaluation.label_files import read_sites

NO_SITES = GENERIC_FOLDERS | {
    "train",
    "val",
    "valid",
    "validation",
    "test",
    "labels",
    "masks",
    "jpegimages",
    "data",
    "upload",
    "annotations",
    "instances",
    "result",
    "project",
    "export",
}
"""Folders that say nothing of the structure."""


@dataclass(frozen=True, slots=True)
class SourcePhoto:
    """A photo with its labels, in pixels of the picture as displayed.

    Parameters
    ----------
    path, name
        The file, and its way below the folder it was found in.
    site, split
        What it shows; the split that the source states.
    width_px, height_px
        As displayed.
    sha256, look
        Hashes of its bytes, and of how it looks.
    labels, absent
        Defects, and known false alarms.
    findings
        What a person should look at.
    kinds
        Kinds that were looked for in it; empty where that holds for the whole source.
    """

    path: Path
    name: str
    site: str
    split: str | None
    width_px: int
    height_px: int
    sha256: str
    look: int
    labels: tuple[Label, ...]
    findings: tuple[Finding, ...]
    absent: tuple[Absence, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """Photos of a source with their labels, and how they came about."""

    format: str
    photos: tuple[SourcePhoto, ...]
    sha256: str
    classes: Mapping[str, str]
    kinds: tuple[str, ...]
    notes: list[str] = field(default_factory=list)


def find_photos(
    drawn: Sequence[DrawnPhoto], roots: Sequence[Path], options: ImportOptions
) -> tuple[list[tuple[DrawnPhoto, PhotoFile]], list[str]]:
    """Pair what was drawn with the photos' files; what was drawn of one photo in several places is put together.

    Raises
    ------
    SettingsError
        When a photo is missing (unless those are left out) or cannot be told from another.
    """
    finder = PhotoFinder(roots)
    found: dict[Path, tuple[DrawnPhoto, PhotoFile]] = {}
    missing: list[DrawnPhoto] = []
    for photo in drawn:
        file = finder.find(photo.name, photo.where)
        if file is None:
            missing.append(photo)
        elif file.path in found:
            first = found[file.path][0]
            if (first.width_px, first.height_px) != (photo.width_px, photo.height_px):
                raise SettingsError(f"{photo.where}: {photo.name} has another size there than in {first.where}")
            found[file.path] = replace(first, drawings=(*first.drawings, *photo.drawings)), file
        else:
            found[file.path] = photo, file
    if missing and not (options.skip_missing and found):
        looked = ", ".join(str(root) for root in roots)
        raise SettingsError(
            f"{missing[0].where}: photo {missing[0].name} is not below {looked} ({len(missing)} missing); name their "
            "folder with --photos, or say --skip-missing"
        )
    notes: list[str] = []
    if missing:
        notes.append(Note.of("import.missing", photos=Note.counted("photo", len(missing)), photo=missing[0].name))
    pairs = sorted(found.values(), key=lambda pair: pair[1].below)
    if options.skip_unlabelled:
        bare = sum(not photo.drawings for photo, _ in pairs)
        pairs = [(photo, file) for photo, file in pairs if photo.drawings]
        notes += [Note.of("import.no_label", photos=Note.counted("photo", bare))] if bare else []
    return pairs, notes


def label_photos(
    pairs: Sequence[tuple[DrawnPhoto, PhotoFile]],
    targets: Mapping[str, Target],
    options: ImportOptions,
    site_of: Callable[[DrawnPhoto, PhotoFile], str],
    on_photo: Callable[[], None],
) -> list[SourcePhoto]:
    """Read all photos, a few at a time, and make their labels.

    Raises
    ------
    SettingsError
        When a photo cannot be read, or its labels are of another picture.
    """
    how = Labelling(targets, options.boxes_as_masks)

    def one(pair: tuple[DrawnPhoto, PhotoFile]) -> SourcePhoto:
        made = _labelled(*pair, how, options, site_of)
        on_photo()
        return made

    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as pool:
        return list(pool.map(one, pairs))


def _labelled(
    photo: DrawnPhoto,
    file: PhotoFile,
    how: Labelling,
    options: ImportOptions,
    site_of: Callable[[DrawnPhoto, PhotoFile], str],
) -> SourcePhoto:
    stored_px, orientation = displayed_size(file.path)
    turn = to_displayed(photo, stored_px, orientation, options.orientation, file.path)
    width, height = stored_px[::-1] if orientation >= 5 else stored_px

    @cache
    def picture() -> npt.NDArray[np.uint8]:
        return load_photo(file.path)

    try:
        labels, findings = labels_of(photo, turn, (width, height), picture, how)
        look = perceptual_hash(file.path)
    except FlightError as error:
        raise SettingsError(f"{file.path}: {error}") from None
    return SourcePhoto(
        file.path,
        file.below,
        site_of(photo, file),
        photo.split,
        width,
        height,
        file_sha256(file.path),
        look,
        labels,
        tuple(findings),
    )


def source_name(source: Path) -> str:
    """Name a source for people: the first part of its way, from the end, that says something."""
    whole = source.absolute()
    for part in (whole.stem, *(folder.name for folder in whole.parents)):
        if part and part.lower() not in NO_SITES:
            return part
    return whole.stem


def site_finder(roots: Iterable[Path], options: ImportOptions, fallback: str) -> Callable[[DrawnPhoto, PhotoFile], str]:
    """Give the function that names a photo's site: ``--site``, ``sites.csv``, the source itself, or its folder."""
    stated: dict[str, str] = {}
    for root in roots:
        folder = root if root.is_dir() else root.parent
        for path in (folder / "sites.csv", folder.parent / "sites.csv"):
            stated = {**read_sites(path), **stated}

    def site_of(photo: DrawnPhoto, file: PhotoFile) -> str:
        if options.site is not None:
            return options.site
        for name in (file.below, photo.name, file.path.name):
            if stated.get(name):
                return stated[name]
        if photo.site:
            return photo.site
        folders = [part for part in file.below.split("/")[:-1] if part.lower() not in NO_SITES]
        return folders[0] if folders else fallback

    return site_of
