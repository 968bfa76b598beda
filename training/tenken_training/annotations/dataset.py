"""A data set: photos by site and split, with labels in exact geometry.

On disk: ``dataset.json``, ``images/SITE/PHOTO``, ``labels/SITE/PHOTO.json``. Pixels are those of the picture as it is
displayed, x to the right and y down; pixel corners are whole numbers. Coordinates are kept to 1/1000 px.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import shapely
from shapely import LineString, MultiPolygon, Polygon

from tenken.errors import SettingsError
from tenken_training.annotations import dataset_file as files
from tenken_training.annotations.photo import (
    SPLITS,
    UNKNOWN_STATE,
    Absence,
    AnnotatedPhoto,
    Label,
    Rasters,
    Split,
    clean_area,
    clean_line,
    rasters,
)

__all__ = [
    "SPLITS",
    "UNKNOWN_STATE",
    "Absence",
    "AnnotatedPhoto",
    "Dataset",
    "Label",
    "Rasters",
    "Source",
    "Split",
    "being_made",
    "clean_area",
    "clean_line",
    "rasters",
    "read_dataset",
    "site_folder",
    "write_dataset",
]

REMEDY = "import the data set again"


@dataclass(frozen=True, slots=True)
class Source:
    """Where labels came from; ``sha256`` is of all label files."""

    name: str
    format: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Photos with labels, in the order of their names."""

    root: Path
    name: str
    photos: tuple[AnnotatedPhoto, ...]
    classes: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds that were looked for in any photo."""
        return tuple(sorted({kind for photo in self.photos for kind in photo.kinds}))

    def of_split(self, split: Split) -> tuple[AnnotatedPhoto, ...]:
        """Photos of one split."""
        return tuple(photo for photo in self.photos if photo.split == split)


def read_dataset(root: Path) -> Dataset:
    """Read a data set.

    Raises
    ------
    SettingsError
        When a file is missing or damaged; the message names it and the place.
    """
    root = Path(root)
    path = root / "dataset.json"
    if not path.is_file():
        raise SettingsError(f"{root} holds no dataset.json; make a data set with `inspect import`")
    content = files.read_model(path, files.DatasetFile, REMEDY)
    names = [photo.name for photo in content.photos]
    for name in names:
        if Path(name).is_absolute() or ".." in name.split("/") or "\\" in name:
            raise SettingsError(f"{path}: photo {name!r} lies outside the data set; {REMEDY}")
    if len(set(names)) < len(names):
        raise SettingsError(f"{path}: photo {max(names, key=names.count)!r} stands twice; {REMEDY}")
    photos = tuple(_read_photo(root, photo) for photo in content.photos)
    sources = tuple(Source(one.name, one.format, one.sha256) for one in content.sources)
    return Dataset(root, content.name, photos, content.classes, sources)


def write_dataset(dataset: Dataset) -> Dataset:
    """Write a data set to its root, in one step: what stood there before is replaced.

    Pictures are copied from each photo's ``path``, unless that lies already where `being_made` said.

    Returns
    -------
    The data set as it lies there now.

    Raises
    ------
    SettingsError
        When a picture is missing.
    """
    partial = _partial(dataset.root)
    try:
        photos = _write_files(dataset, partial)
        _put_in_place(partial, dataset.root)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return replace(dataset, photos=photos)


def _write_files(dataset: Dataset, partial: Path) -> tuple[AnnotatedPhoto, ...]:
    partial.mkdir(parents=True, exist_ok=True)
    photos = tuple(sorted(dataset.photos, key=lambda photo: photo.name))
    for photo in photos:
        picture = partial / "images" / photo.name
        picture.parent.mkdir(parents=True, exist_ok=True)
        if not photo.path.is_file():
            raise SettingsError(f"{photo.path} is missing; restore it and import again")
        if photo.path.resolve() != picture.resolve():
            shutil.copyfile(photo.path, picture)
        labels = partial / "labels" / f"{photo.name}.json"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_bytes(files.as_text(_labels_file(photo), "labels").encode())
    content = files.DatasetFile(
        name=dataset.name,
        kinds=dataset.kinds,
        classes=dict(sorted(dataset.classes.items())),
        sources=tuple(files.SourceFile(name=s.name, format=s.format, sha256=s.sha256) for s in dataset.sources),
        photos=tuple(_photo_file(photo) for photo in photos),
    )
    (partial / "dataset.json").write_bytes(files.as_text(content, "photos").encode())
    return tuple(replace(photo, path=dataset.root / "images" / photo.name) for photo in photos)


@contextmanager
def being_made(root: Path) -> Iterator[Path]:
    """Give a folder beside a data set, in which its pictures can be made before `write_dataset`.

    When anything goes wrong it is deleted, and the data set stays as it was.
    """
    partial = _partial(root)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def site_folder(site: str) -> str:
    """Name of a site's folder, as every system can have it."""
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", site).strip(" .")[:80] or "site"
    reserved = re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)
    return f"_{name}" if reserved else name


def _partial(root: Path) -> Path:
    return root.with_name(root.name + ".part")


def _put_in_place(partial: Path, root: Path) -> None:
    old = root.with_name(root.name + ".old")
    if root.exists():
        if old.exists():
            shutil.rmtree(old)
        root.rename(old)
    partial.rename(root)
    if old.exists():
        shutil.rmtree(old)


def _read_photo(root: Path, photo: files.PhotoFile) -> AnnotatedPhoto:
    picture = root / "images" / photo.name
    if not picture.is_file():
        raise SettingsError(f"{picture} is missing; restore it or {REMEDY}")
    path = root / "labels" / f"{photo.name}.json"
    content = files.read_model(path, files.LabelsFile, REMEDY)
    return AnnotatedPhoto(
        name=photo.name,
        path=picture,
        site=photo.site,
        split=photo.split,
        width_px=photo.width_px,
        height_px=photo.height_px,
        sha256=photo.sha256,
        kinds=photo.kinds,
        labels=tuple(_label(path, number, one) for number, one in enumerate(content.labels)),
        parent=photo.parent,
        offset_px=photo.offset_px,
        parent_sha256=photo.parent_sha256,
        look=photo.look,
        absent=tuple(
            Absence(one.kind, _area(f"{path}, absent.{number}", one.polygons))
            for number, one in enumerate(content.absent)
        ),
    )


def _label(path: Path, number: int, one: files.LabelFile) -> Label:
    place = f"{path}, labels.{number}"
    line = None if one.line is None else LineString(one.line)
    return Label(
        one.kind, _area(place, one.polygons), line, one.state, one.ignore, one.drawn, assumed_width=one.assumed_width
    )


def _area(place: str, polygons: files.Polygons) -> Polygon | MultiPolygon:
    area = MultiPolygon([(rings[0], rings[1:]) for rings in polygons])
    if not area.is_valid or area.area <= 0:
        raise SettingsError(f"{place}: {shapely.is_valid_reason(area)}: no area; {REMEDY}")
    return area.geoms[0] if len(area.geoms) == 1 else area


def _photo_file(photo: AnnotatedPhoto) -> files.PhotoFile:
    return files.PhotoFile(
        name=photo.name,
        site=photo.site,
        split=photo.split,
        width_px=photo.width_px,
        height_px=photo.height_px,
        sha256=photo.sha256,
        kinds=photo.kinds,
        parent=photo.parent,
        parent_sha256=photo.parent_sha256,
        offset_px=photo.offset_px,
        look=photo.look,
    )


def _labels_file(photo: AnnotatedPhoto) -> files.LabelsFile:
    return files.LabelsFile(
        labels=tuple(
            files.LabelFile(
                kind=label.kind,
                polygons=_rings(label.area),
                line=None if label.line is None else _points(label.line.coords),
                state=label.state,
                ignore=label.ignore,
                drawn=label.drawn,
                assumed_width=label.assumed_width,
            )
            for label in photo.labels
        ),
        absent=tuple(files.AbsenceFile(kind=one.kind, polygons=_rings(one.area)) for one in photo.absent),
    )


def _rings(area: Polygon | MultiPolygon) -> files.Polygons:
    return [
        [_points(ring.coords[:-1]) for ring in (part.exterior, *part.interiors)] for part in shapely.get_parts(area)
    ]


def _points(coords: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
    return [(round(float(point[0]), 3), round(float(point[1]), 3)) for point in coords]
