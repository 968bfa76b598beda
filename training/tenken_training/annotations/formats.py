"""The formats that can be imported: a dict of readers, and how to tell them apart."""

from collections.abc import Callable
from pathlib import Path

from tenken.errors import SettingsError
from tenken_training.annotations.drawings import DrawnSet
from tenken_training.annotations.json_place import JsonPlace, read_json
from tenken_training.annotations.photo_files import PHOTO_SUFFIXES
from tenken_training.annotations.read_coco import is_coco, read_coco
from tenken_training.annotations.read_cvat import read_cvat
from tenken_training.annotations.read_label_studio import is_label_studio, read_label_studio
from tenken_training.annotations.read_labelme import is_labelme, read_labelme
from tenken_training.annotations.read_masks import MASK_FOLDERS, read_masks
from tenken_training.annotations.read_voc import read_voc
from tenken_training.annotations.read_yolo import OTHER_TEXTS, read_yolo
from tenken_training.annotations.source_files import files_below
from tenken_training.annotations.xml_place import XmlPlace, read_xml

READERS: dict[str, Callable[[Path], DrawnSet]] = {
    "cvat": read_cvat,
    "coco": read_coco,
    "labelme": read_labelme,
    "label-studio": read_label_studio,
    "voc": read_voc,
    "yolo": read_yolo,
    "yolo-detect": read_yolo,
    "masks": read_masks,
}
"""By the name that ``--format`` takes."""


def read_source(source: Path, chosen: str = "auto") -> DrawnSet:
    """Read all annotations of a folder or file.

    Raises
    ------
    SettingsError
        When the format is not known or cannot be told, or a file is malformed; the message names file and place.
    """
    if chosen != "auto" and chosen not in READERS:
        raise SettingsError(f"--format {chosen}: is not known; choose from auto, review, {', '.join(READERS)}")
    name = told_format(source) if chosen == "auto" else chosen
    drawn = READERS[name](source)
    if not drawn.photos:
        raise SettingsError(f"{source}: holds no annotated photo in the format {name}; name the right --format")
    return drawn


def told_format(source: Path) -> str:
    """Tell a format from what the files hold.

    Raises
    ------
    SettingsError
        When it is none of those known.
    """
    for path in files_below(source, ".xml"):
        found = _of_xml(read_xml(path))
        if found:
            return found
    for path in files_below(source, ".json"):
        found = _of_json(read_json(path))
        if found:
            return found
    if _looks_like_yolo(source):
        return "yolo"
    pictures = files_below(source, ".png", ".bmp")
    if any(part.lower() in MASK_FOLDERS for path in pictures for part in path.parent.parts[-3:]):
        return "masks"
    raise SettingsError(
        f"{source}: holds no annotations that can be told ({', '.join(READERS)}); name the --format, or give what the "
        "annotation program exported"
    )


def _of_xml(root: XmlPlace) -> str | None:
    return {"annotations": "cvat", "annotation": "voc"}.get(root.tag)


def _of_json(root: JsonPlace) -> str | None:
    tests = {"coco": is_coco, "labelme": is_labelme, "label-studio": is_label_studio}
    return next((name for name, test in tests.items() if test(root)), None)


def _looks_like_yolo(source: Path) -> bool:
    if source.is_file():
        return False
    if any(source.rglob("data.yaml")):
        return True
    stems = {path.stem for path in files_below(source, *PHOTO_SUFFIXES)}
    texts = [path for path in files_below(source, ".txt") if path.name.lower() not in OTHER_TEXTS]
    return any(path.stem in stems or path.parent.name.lower() == "labels" for path in texts)
