"""A flight: the photos, or the orthomosaic, that one inspection is about.

Originals are only ever read. Every file of the folder ends in one of two lists: photos, or skipped with a reason.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tenken.errors import FlightError, PhotoError
from tenken.hashing import file_sha256
from tenken.imagery.metadata import PhotoMetadata, read_metadata
from tenken.imagery.picture import UNIDENTIFIED
from tenken.notes import Note

PHOTO_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
"""Picture files by their ending, with the format that Pillow must find in them."""

RASTER_ENDINGS = frozenset({".tif", ".tiff", ".vrt"})
VIDEO_ENDINGS = frozenset({".mp4", ".mov", ".avi", ".mkv"})

SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", ".ds_store"})
"""What operating systems leave in folders; not worth a line."""

GENERIC_FOLDERS = frozenset({"images", "image", "photos", "photo", "dcim", "100media", "jpg", "img", "写真", "画像"})
"""Folder names that don't tell one flight from another."""

RESULT_MARK = "inspection.gpkg"
"""A folder that holds this file is the result of an earlier run, and not searched."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that can be inspected. Sizes are of the picture as displayed (EXIF orientation applied)."""

    name: str
    """Path below the flight's folder, with forward slashes."""
    path: Path
    sha256: str
    width_px: int
    height_px: int
    metadata: PhotoMetadata


@dataclass(frozen=True, slots=True)
class Orthomosaic:
    """A georeferenced picture of the whole place."""

    name: str
    path: Path
    sha256: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that will not be inspected, and why."""

    path: str
    reason: str
    """A `Note`, or plain English where it comes from an earlier run."""

    @property
    def looks_like_a_photo(self) -> bool:
        """Whether the name is a picture's, so that somebody will miss it."""
        return Path(self.path).suffix.lower() in PHOTO_FORMATS


@dataclass(frozen=True, slots=True)
class Flight:
    """What one inspection is about: photos or an orthomosaic, never both."""

    root: Path
    photos: tuple[Photo, ...]
    orthomosaic: Orthomosaic | None
    skipped: tuple[Skipped, ...]

    @property
    def name(self) -> str:
        """The folder's or file's own name; with the folder above where it says only that photos are in it."""
        if self.root.name.lower() in GENERIC_FOLDERS and self.root.parent.name:
            return f"{self.root.parent.name}/{self.root.name}"
        return self.root.name


def read_flight(path: Path | str, *, on_file: Callable[[], None] | None = None) -> Flight:
    """Read what a folder of photos, or an orthomosaic, holds.

    Subfolders are searched too. Photos are ordered by name. A second copy of a picture is skipped, for it would
    count its defects twice.

    Raises
    ------
    FlightError
        When the path does not exist, is no folder and no raster, or holds nothing that can be inspected.
    """
    root = Path(path).absolute()
    if not root.exists():
        raise FlightError(f"{path}: no such file or folder: check the spelling")
    if root.is_file():
        return _read_orthomosaic(root)
    photos: list[Photo] = []
    skipped: list[Skipped] = []
    first_by_hash: dict[str, str] = {}
    for file in _files_below(root):
        name = file.relative_to(root).as_posix()
        outcome = read_photo(file, name)
        if isinstance(outcome, Photo) and outcome.sha256 in first_by_hash:
            outcome = Skipped(name, Note.of("note.same_picture", other=first_by_hash[outcome.sha256]))
        if isinstance(outcome, Photo):
            first_by_hash[outcome.sha256] = name
            photos.append(outcome)
        else:
            skipped.append(outcome)
        if on_file is not None:
            on_file()
    if not photos:
        raise FlightError(_nothing_usable(root, skipped))
    return Flight(root, tuple(photos), None, tuple(skipped))


def photos_first(skipped: Iterable[Skipped]) -> list[Skipped]:
    """Put what looks like a photo, and will be missed, before other files; each by path."""
    return sorted(skipped, key=lambda one: (not one.looks_like_a_photo, one.path))


def count_files(path: Path | str) -> int:
    """Count the files that `read_flight` will look at, for progress bars."""
    root = Path(path)
    return sum(1 for _ in _files_below(root)) if root.is_dir() else 1


def _files_below(root: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(root):
        if RESULT_MARK in names:
            subfolders.clear()
            continue
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if name.lower() not in SYSTEM_FILES and not name.startswith("._"):
                yield Path(folder) / name


def read_photo(file: Path, name: str) -> Photo | Skipped:
    """Read what one file says, without decoding the picture."""
    expected = PHOTO_FORMATS.get(file.suffix.lower())
    if file.suffix.lower() in VIDEO_ENDINGS:
        return Skipped(name, Note.of("note.video"))
    if expected is None:
        kind = Note.of("note.not_a_picture", ending=file.suffix) if file.suffix else Note.of("note.no_ending")
        return Skipped(name, kind)
    try:
        if file.stat().st_size == 0:
            return Skipped(name, Note.of("note.empty_file"))
        with Image.open(file) as image:
            found, width_px, height_px = image.format, image.width, image.height
        if found != expected and not {found, expected} <= {"JPEG", "MPO"}:
            return Skipped(name, Note.of("note.wrong_ending", ending=file.suffix, found=str(found)))
        if expected == "TIFF" and _is_georeferenced(file):
            return Skipped(name, Note.of("note.georeferenced", name=name))
        metadata = read_metadata(file)
        digest = file_sha256(file)
    except UNIDENTIFIED:
        return Skipped(name, Note.of("note.unidentified"))
    except PhotoError as error:
        return Skipped(name, error.note)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Skipped(name, Note.of("note.unreadable", why=why))
    if metadata.orientation >= 5:  # the picture is displayed turned by a quarter
        width_px, height_px = height_px, width_px
    return Photo(name, file, digest, width_px, height_px, metadata)


def _is_georeferenced(file: Path) -> bool:
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(file) as dataset:
            return dataset.crs is not None
    except RasterioError:
        return False


def _read_orthomosaic(file: Path) -> Flight:
    if file.suffix.lower() in VIDEO_ENDINGS:
        raise FlightError(f"{file.name}: videos are not read yet: export the frames as JPEG into a folder")
    if file.suffix.lower() not in RASTER_ENDINGS:
        raise FlightError(f"{file.name}: neither a folder nor a GeoTIFF: give the folder that holds the photos")
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(file) as dataset:
            width_px, height_px = dataset.width, dataset.height
            georeferenced = dataset.crs is not None
            bands = dataset.count
    except RasterioError as error:
        raise FlightError(f"{file.name}: not a readable GeoTIFF ({str(error).splitlines()[0]})") from error
    if not georeferenced:
        raise FlightError(f"{file.name}: has no coordinate system: put plain photos into a folder and give the folder")
    if bands == 2:
        raise FlightError(f"{file.name}: has two bands: give a grey or a red, green and blue raster")
    orthomosaic = Orthomosaic(file.name, file, file_sha256(file), width_px, height_px)
    return Flight(file, (), orthomosaic, ())


def _nothing_usable(root: Path, skipped: list[Skipped]) -> str:
    if not skipped:
        return f"{root.name}: the folder is empty: give the folder that holds the drone's photos"
    first = photos_first(skipped)[0]
    return f"{root.name}: none of its {len(skipped)} files can be inspected (first: {first.path}: {first.reason})"
