"""COCO instances: polygons, run lengths (compressed or not), boxes; and what `inspect export` adds to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
from shapely import LineString, MultiPolygon, Polygon

from tenken.detection.detect import CONDITION_STATES
from tenken.errors import SettingsError
from tenken_training.annotations.drawings import (
    Drawing,
    DrawnPhoto,
    DrawnSet,
    area_of_mask,
    box,
    polygon,
    slashed,
    united,
)
from tenken_training.annotations.json_place import JsonPlace, read_json
from tenken_training.annotations.photo import Drawn, State
from tenken_training.annotations.run_lengths import coco_mask, coco_text_counts
from tenken_training.annotations.source_files import files_below


def read_coco(source: Path) -> DrawnSet:
    """Read one JSON file, or all of a folder that are COCO.

    Raises
    ------
    SettingsError
        When a file is no such JSON; the message names the file and the place.
    """
    photos: list[DrawnPhoto] = []
    files = []
    for path in files_below(source, ".json"):
        root = read_json(path)
        if source.is_file() or is_coco(root):
            files.append(path)
            photos += _photos(root)
    return DrawnSet("coco", tuple(photos), tuple(files))


def is_coco(root: JsonPlace) -> bool:
    """Tell whether a JSON file looks like COCO."""
    return isinstance(root.value, dict) and {"images", "categories"} <= set(root.value)


def _photos(root: JsonPlace) -> list[DrawnPhoto]:
    names: dict[str, str] = {}
    for category in _called(root, "categories", "category", "id", "name"):
        number = category.key("id").name()
        if number in names:
            raise category.fault(f"id {number} stands twice")
        names[number] = category.key("name").name()
    images: dict[str, JsonPlace] = {}
    for image in _called(root, "images", "image", "id", "file_name"):
        number = image.key("id").name()
        if number in images:
            raise image.fault(f"id {number} stands twice")
        images[number] = image
    drawings: dict[str, list[Drawing]] = {number: [] for number in images}
    for annotation in _called(root, "annotations", "annotation", "id") if root.get("annotations") else ():
        image_id = annotation.key("image_id")
        if image_id.name() not in images:
            raise image_id.fault(f"{image_id.name()} is no image")
        image = images[image_id.name()]
        annotation = JsonPlace(annotation.value, f"{annotation.where} in {image.where.removeprefix(f'{root.where}, ')}")
        category_id = annotation.key("category_id")
        if category_id.name() not in names:
            raise category_id.fault(f"{category_id.name()} is no category")
        drawings[image_id.name()].append(_drawing(annotation, names[category_id.name()]))
    return [
        DrawnPhoto(
            slashed(image.key("file_name").text()),
            image.key("width").side_px(),
            image.key("height").side_px(),
            tuple(drawings[number]),
            image.where,
            site=_text(image, "site"),
            split=_text(image, "split"),
        )
        for number, image in images.items()
    ]


def _called(root: JsonPlace, key: str, noun: str, *names: str) -> Iterator[JsonPlace]:
    """Walk through a list of the file, each by its id and name."""
    return (one.called(root, noun, *names) for one in root.key(key).items())


def _drawing(annotation: JsonPlace, name: str) -> Drawing:
    # A mask as run lengths is no crowd for all that: CVAT marks every mask so.
    segmentation = annotation.get("segmentation")
    shape: Polygon | MultiPolygon | None
    drawn: Drawn
    if segmentation is None or segmentation.value in ([], {}, ""):
        shape, drawn = _box(annotation), "box"
    else:
        shape = _mask(segmentation) if isinstance(segmentation.value, dict) else _polygons(segmentation)
        drawn = _drawn(annotation)
    return Drawing(
        name,
        shape,
        drawn,
        annotation.where,
        line=_line(annotation),
        state=_state(annotation),
        ignore=_flag(annotation, "ignore"),
        assumed_width=_flag(annotation, "assumed_width"),
        box_counts=annotation.get("drawn") is not None and not _flag(annotation, "ignore"),
    )


def _polygons(segmentation: JsonPlace) -> Polygon | MultiPolygon:
    parts = []
    for part in segmentation.items():
        values = part.numbers()
        if len(values) % 2:
            raise part.fault(f"holds {len(values)} numbers, not x and y in turn")
        parts.append(polygon(values.reshape(-1, 2), part.where))
    return united(parts)


def _mask(segmentation: JsonPlace) -> MultiPolygon | None:
    height, width = (side.side_px() for side in _two(segmentation.key("size")))
    counts = segmentation.key("counts")
    try:
        if isinstance(counts.value, str):
            runs = coco_text_counts(counts.value)
        else:
            runs = [int(one) for one in np.asarray([one.number() for one in counts.items()], dtype=np.int64)]
        return area_of_mask(coco_mask(runs, height, width))
    except SettingsError:
        raise
    except (ValueError, OverflowError) as error:
        raise counts.fault(str(error)) from None


def _box(annotation: JsonPlace) -> Polygon:
    place = annotation.key("bbox")
    values = place.numbers()
    if len(values) != 4:
        raise place.fault(f"holds {len(values)} numbers, not left, top, width, height")
    left, top, width, height = values.tolist()
    return box(left, top, left + width, top + height, place.where)


def _two(place: JsonPlace) -> list[JsonPlace]:
    found = list(place.items())
    if len(found) != 2:
        raise place.fault(f"holds {len(found)} numbers, not height and width")
    return found


def _line(annotation: JsonPlace) -> LineString | None:
    """Read the centre line that Tenken exports; a branched one is left out, for an area holds a single line."""
    lines = annotation.get("centreline")
    if lines is None or not isinstance(lines.value, list) or len(lines.value) != 1:
        return None
    [line] = lines.items()
    values = line.numbers()
    if len(values) % 2 or len(values) < 4:
        raise line.fault(f"holds {len(values)} numbers, not x and y in turn of a line")
    return LineString(values.reshape(-1, 2))


def _state(annotation: JsonPlace) -> State | None:
    found = annotation.get("condition_state")
    if found is None or found.value not in CONDITION_STATES:
        return None
    return cast("State", found.value)


def _drawn(annotation: JsonPlace) -> Drawn:
    found = annotation.get("drawn")
    return cast("Drawn", found.value) if found is not None and found.value in ("area", "line", "box") else "area"


def _flag(annotation: JsonPlace, key: str) -> bool:
    found = annotation.get(key)
    return found is not None and found.value in (True, 1)


def _text(place: JsonPlace, key: str) -> str | None:
    found = place.get(key)
    return None if found is None or not isinstance(found.value, str) else found.value
