"""From photos with labels to the records of a data set's files, and back."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import shapely
from shapely import LineString, MultiPolygon, Polygon

from tenken.errors import SettingsError
from tenken_training.annotations import dataset_file as files
from tenken_training.annotations.photo import Absence, AnnotatedPhoto, Label

REMEDY = "import the data set again"


def read_photo(root: Path, photo: files.PhotoFile) -> AnnotatedPhoto:
    """Read a photo's labels.

    Raises
    ------
    SettingsError
        When picture or labels are missing or damaged; the message names the file and the place.
    """
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


def photo_file(photo: AnnotatedPhoto) -> files.PhotoFile:
    """Give a photo's entry in ``dataset.json``."""
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


def labels_file(photo: AnnotatedPhoto) -> files.LabelsFile:
    """Give a photo's file of labels."""
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
