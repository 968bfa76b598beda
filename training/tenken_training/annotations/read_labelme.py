"""LabelMe: one JSON file a photo, with polygons, lines, rectangles, circles and masks."""

import base64
import binascii
import io
from pathlib import Path

import numpy as np
from PIL import Image
from shapely import MultiPolygon, Point

from tenken.notes import Note
from tenken_training.annotations.drawings import (
    Drawing,
    DrawnPhoto,
    DrawnSet,
    area_of_mask,
    box,
    polygon,
    polyline,
    slashed,
)
from tenken_training.annotations.json_place import FARTHEST_PX, JsonPlace, read_json
from tenken_training.annotations.run_lengths import MOST_PIXELS
from tenken_training.annotations.source_files import files_below

LINES = ("linestrip", "line")
WITHOUT_AREA = ("point", "points")


def read_labelme(source: Path) -> DrawnSet:
    """Read one JSON file, or all of a folder that are LabelMe's.

    Raises
    ------
    SettingsError
        When a file is no such JSON; the message names the file and the place.
    """
    photos, files, points = [], [], 0
    for path in files_below(source, ".json"):
        root = read_json(path)
        if not (source.is_file() or is_labelme(root)):
            continue
        files.append(path)
        drawings = []
        for shape in root.key("shapes").items():
            kind = _kind(shape)
            if kind in WITHOUT_AREA:
                points += 1
            else:
                drawings.append(_drawing(shape, kind))
        width, height = root.get("imageWidth"), root.get("imageHeight")
        name = slashed(root.key("imagePath").text())
        if path != source and "/" in name:
            # LabelMe states the way from its own file to the photo.
            name = name.rsplit("/", 1)[-1]
        folder = path.parent.relative_to(source).as_posix() if path != source else "."
        photos.append(
            DrawnPhoto(
                name if folder == "." else f"{folder}/{name}",
                None if width is None else width.side_px(),
                None if height is None else height.side_px(),
                tuple(drawings),
                str(path),
            )
        )
    notes = (Note.of("import.points", points=Note.counted("point", points)),) if points else ()
    return DrawnSet("labelme", tuple(photos), tuple(files), notes)


def is_labelme(root: JsonPlace) -> bool:
    """Tell whether a JSON file looks like LabelMe's."""
    return isinstance(root.value, dict) and {"shapes", "imagePath"} <= set(root.value)


def _kind(shape: JsonPlace) -> str:
    found = shape.get("shape_type")
    return "polygon" if found is None else found.text()


def _drawing(shape: JsonPlace, kind: str) -> Drawing:
    name, where = shape.key("label").name(), shape.where
    corners = shape.key("points").points()
    if kind in LINES:
        return Drawing(name, polyline(corners, where), "line", where)
    if kind == "polygon":
        return Drawing(name, polygon(corners, where), "area", where)
    if kind not in ("rectangle", "circle", "mask"):
        raise shape.fault(f"shape_type {kind!r} is not known")
    if len(corners) != 2:
        raise shape.fault(f"a {kind} has two points, this has {len(corners)}")
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    if kind == "rectangle":
        return Drawing(name, box(left, top, right, bottom, where), "box", where)
    if kind == "circle":
        reach = float(np.hypot(*(corners[1] - corners[0])))
        return Drawing(name, Point(corners[0]).buffer(reach), "area", where)
    return Drawing(name, _mask(shape.key("mask"), round(left), round(top)), "area", where)


def _mask(place: JsonPlace, left: int, top: int) -> MultiPolygon | None:
    try:
        content = base64.b64decode(place.text(), validate=True)
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MOST_PIXELS or max(picture.size) > FARTHEST_PX:
                raise place.fault("is too large for a mask")
            mask = np.asarray(picture.convert("L")) > 0
    except (binascii.Error, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise place.fault(f"is no picture ({str(error).splitlines()[0]})") from None
    return area_of_mask(mask, left, top)
