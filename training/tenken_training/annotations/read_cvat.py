"""CVAT for images 1.1: polygons, polylines, boxes and masks with attributes."""

from pathlib import Path

import numpy as np
from shapely import MultiPolygon, affinity

from tenken.errors import SettingsError
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
from tenken_training.annotations.photo import State
from tenken_training.annotations.run_lengths import cvat_mask
from tenken_training.annotations.source_files import files_below
from tenken_training.annotations.xml_place import XmlPlace, read_xml

STATE_ATTRIBUTES = ("condition_state", "state", "condition", "状態")
STATES: dict[str, State] = {"fair": "fair", "poor": "poor", "severe": "severe"}
SUGGESTED = "suggested.csv"
"""Stands beside the annotations that `inspect suggest` writes."""
_SHAPES = ("polygon", "polyline", "box", "mask", "ellipse", "points", "cuboid", "skeleton", "tag")


def read_cvat(source: Path) -> DrawnSet:
    """Read one XML file, or all of a folder.

    Raises
    ------
    SettingsError
        When a file is no such XML; the message names the file and the place.
    """
    files = files_below(source, ".xml")
    photos: list[DrawnPhoto] = []
    left_out: dict[str, int] = {}
    by_detector = 0
    for path in files:
        root = read_xml(path)
        if root.tag != "annotations":
            raise root.fault(f"is <{root.tag}>, not <annotations>: no CVAT for images")
        if root.find("track") is not None:
            raise root.fault("holds tracks of a video; export as 'CVAT for images 1.1'")
        if _is_suggestion(path, root):
            raise SettingsError(
                f"{path}: is what `inspect suggest` wrote, the detector's own guesses: correct them in CVAT, and "
                "import what CVAT exports"
            )
        photos += [_photo(image, left_out) for image in root.children("image")]
        by_detector += sum(shape.get("source") == "auto" for shape in root.element.iter() if shape.tag in _SHAPES)
    notes = []
    if by_detector:
        notes.append(Note.of("import.by_detector", shapes=Note.counted("shape", by_detector)))
    notes += [Note.of("import.no_area", count=count, tag=tag) for tag, count in sorted(left_out.items())]
    return DrawnSet("cvat", tuple(photos), tuple(files), tuple(notes))


def _is_suggestion(path: Path, root: XmlPlace) -> bool:
    """Whether a file lies where `inspect suggest` wrote it, and neither CVAT nor a person has added anything."""
    if not (path.parent / SUGGESTED).is_file():
        return False
    drawn = [shape for shape in root.element.iter() if shape.tag in _SHAPES]
    # CVAT says when it wrote a file.
    return root.element.find("meta/dumped") is None and all(shape.get("source") == "auto" for shape in drawn)


def _photo(image: XmlPlace, left_out: dict[str, int]) -> DrawnPhoto:
    width, height = (image.side_px(image.attribute(name), name) for name in ("width", "height"))
    drawings = []
    for shape in image.children(*_SHAPES):
        if shape.tag in ("points", "cuboid", "skeleton", "tag"):
            left_out[shape.tag] = left_out.get(shape.tag, 0) + 1
            continue
        drawings.append(_drawing(shape))
    return DrawnPhoto(
        slashed(image.attribute("name")), width, height, tuple(drawings), image.where, split=_split(image)
    )


def _split(image: XmlPlace) -> str | None:
    subset = (image.element.get("subset") or "").lower()
    return subset if subset in ("train", "val", "test") else None


def _drawing(shape: XmlPlace) -> Drawing:
    name, state = shape.attribute("label"), _state(shape)
    if shape.tag == "polyline":
        return Drawing(name, polyline(shape.points(), shape.where), "line", shape.where, state=state)
    if shape.tag == "box":
        edges = [shape.number(edge) for edge in ("xtl", "ytl", "xbr", "ybr")]
        area = box(edges[0], edges[1], edges[2], edges[3], shape.where)
        if shape.element.get("rotation"):
            area = affinity.rotate(area, shape.number("rotation"), origin="center")
        return Drawing(name, area, "box", shape.where, state=state)
    if shape.tag == "ellipse":
        x, y, across, down = (shape.number(value) for value in ("cx", "cy", "rx", "ry"))
        angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        turn = np.radians(shape.number("rotation") if shape.element.get("rotation") else 0.0)
        plain = np.stack([across * np.cos(angle), down * np.sin(angle)], axis=1)
        turned = plain @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return Drawing(name, polygon(turned + np.array([x, y]), shape.where), "area", shape.where, state=state)
    if shape.tag == "mask":
        return Drawing(name, _mask(shape), "area", shape.where, state=state)
    return Drawing(name, polygon(shape.points(), shape.where), "area", shape.where, state=state)


def _mask(shape: XmlPlace) -> MultiPolygon | None:
    left, top = (round(shape.number(name)) for name in ("left", "top"))
    width, height = (shape.side_px(shape.attribute(name), name) for name in ("width", "height"))
    try:
        counts = [int(count) for count in shape.attribute("rle").split(",") if count.strip()]
        return area_of_mask(cvat_mask(counts, height, width), left, top)
    except SettingsError:
        raise
    except (ValueError, OverflowError) as error:
        raise shape.fault(f"rle: {error}") from None


def _state(shape: XmlPlace) -> State | None:
    for attribute in shape.children("attribute"):
        if (attribute.element.get("name") or "").lower() in STATE_ATTRIBUTES:
            return STATES.get((attribute.element.text or "").strip().lower())
    return None
