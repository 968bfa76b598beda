"""Label Studio's JSON export: polygons, rectangles, ellipses and brushes, in percent of the picture's sides."""

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from shapely import MultiPolygon, Polygon, affinity

from tenken.errors import SettingsError
from tenken.notes import Note
from tenken_training.annotations.drawings import (
    Drawing,
    DrawnPhoto,
    DrawnSet,
    FloatArray,
    area_of_mask,
    box,
    polygon,
    polyline,
)
from tenken_training.annotations.json_place import JsonPlace, read_json
from tenken_training.annotations.photo import Drawn
from tenken_training.annotations.run_lengths import brush_mask
from tenken_training.annotations.source_files import files_below

AREAS = ("polygonlabels", "brushlabels", "rectanglelabels", "ellipselabels", "vectorlabels")
UPLOAD_MARK = re.compile(r"^[0-9a-f]{8}-")
"""Label Studio puts this before the names of uploaded files."""


def read_label_studio(source: Path) -> DrawnSet:
    """Read one JSON file, or all of a folder that are Label Studio's.

    Raises
    ------
    SettingsError
        When a file is no such JSON; the message names the file and the place.
    """
    photos: list[DrawnPhoto] = []
    files, counts = [], {"unfinished": 0, "several": 0, "other": 0}
    for path in files_below(source, ".json"):
        root = read_json(path)
        if not (source.is_file() or is_label_studio(root)):
            continue
        files.append(path)
        for task in root.items():
            photo = _photo(_called(root, task), counts)
            if photo is not None:
                photos.append(photo)
    notes = tuple(
        Note.of(f"import.{what}", things=Note.counted("result" if what == "other" else "task", count))
        for what, count in counts.items()
        if count
    )
    return DrawnSet("label-studio", tuple(photos), tuple(files), notes)


def is_label_studio(root: JsonPlace) -> bool:
    """Tell whether a JSON file looks like Label Studio's."""
    first = root.value[0] if isinstance(root.value, list) and root.value else None
    return isinstance(first, dict) and "data" in first and ("annotations" in first or "completions" in first)


def _photo(task: JsonPlace, counts: dict[str, int]) -> DrawnPhoto | None:
    found = task.get("annotations") or task.key("completions")
    done = [one for one in found.items() if not _flag(one, "was_cancelled")]
    if not done:
        counts["unfinished"] += 1
        return None
    counts["several"] += len(done) > 1
    drawings: list[Drawing] = []
    size: tuple[int, int] | None = None
    for result in done[-1].key("result").items():
        kind = result.key("type").text()
        if kind not in AREAS:
            counts["other"] += 1
            continue
        here = result.key("original_width").side_px(), result.key("original_height").side_px()
        if size is not None and here != size:
            raise result.fault(f"is of a picture of {here[0]} x {here[1]} px, others of {size[0]} x {size[1]}")
        size = here
        turned = result.get("image_rotation")
        if turned is not None and turned.number() % 360:
            raise turned.fault("the picture was turned while it was annotated; turn it back and export again")
        drawings += _drawings(result, kind, *here)
    width, height = size or (None, None)
    return DrawnPhoto(_name(task), width, height, tuple(drawings), task.where)


def _called(root: JsonPlace, task: JsonPlace) -> JsonPlace:
    """Name a task by its number and its photo."""
    named = task.called(root, "task", "id")
    with suppress(SettingsError):
        return JsonPlace(task.value, f"{named.where} {_name(task)!r}")
    return named


def _name(task: JsonPlace) -> str:
    data = task.key("data")
    stated = next((data.get(key) for key in ("image", "img", "photo") if data.get(key)), None)
    if stated is None:
        raise data.fault("has no 'image'")
    address = urlsplit(stated.text())
    local = parse_qs(address.query).get("d")
    name = unquote(local[0] if local else address.path).replace("\\", "/")
    return name.rsplit("/", 1)[-1] or stated.text()


def _drawings(result: JsonPlace, kind: str, width: int, height: int) -> list[Drawing]:
    value = result.key("value")
    labels = value.get(kind) or value.get("labels")
    if labels is None:
        raise value.fault(f"has no {kind!r}")
    names = [one.name() for one in labels.items()]
    scale = np.array([width, height]) / 100
    drawn: Drawn = "box" if kind == "rectanglelabels" else "area"
    shape: Polygon | MultiPolygon | None
    if kind == "vectorlabels" or (kind == "polygonlabels" and _is_open(value)):
        line = polyline(value.key("points").points() * scale, value.where)
        return [Drawing(name, line, "line", result.where) for name in names]
    if kind == "polygonlabels":
        shape = polygon(value.key("points").points() * scale, value.where)
    elif kind == "brushlabels":
        code = value.key("rle")
        try:
            shape = area_of_mask(brush_mask([int(one.coordinate()) for one in code.items()], height, width))
        except SettingsError:
            raise
        except ValueError as error:
            raise code.fault(str(error)) from None
    else:
        shape = _round_or_square(value, kind, scale)
    return [Drawing(name, shape, drawn, result.where) for name in names]


def _round_or_square(value: JsonPlace, kind: str, scale: FloatArray) -> Polygon:
    left, top = _pair(value, ("x", "y"), scale)
    turned = value.get("rotation")
    turn = turned.coordinate() if turned is not None else 0.0
    if kind == "rectanglelabels":
        width, height = _pair(value, ("width", "height"), scale)
        square = box(left, top, left + width, top + height, value.where)
        return affinity.rotate(square, turn, origin=(left, top))
    across, down = _pair(value, ("radiusX", "radiusY"), scale)
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    rim = np.stack([left + across * np.cos(angle), top + down * np.sin(angle)], axis=1)
    return affinity.rotate(polygon(rim, value.where), turn, origin=(left, top))


def _pair(value: JsonPlace, keys: tuple[str, str], scale: FloatArray) -> tuple[float, float]:
    return value.key(keys[0]).coordinate() * float(scale[0]), value.key(keys[1]).coordinate() * float(scale[1])


def _is_open(value: JsonPlace) -> bool:
    closed = value.get("closed")
    return closed is not None and closed.value is False


def _flag(place: JsonPlace, key: str) -> bool:
    found = place.get(key)
    return found is not None and found.value is True
