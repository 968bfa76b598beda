"""YOLO: one text file a photo, a line a defect: class number and a box, or class number and a polygon, in shares."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tenken.errors import SettingsError
from tenken.notes import Note
from tenken_training.annotations.drawings import Drawing, DrawnPhoto, DrawnSet, box, polygon
from tenken_training.annotations.photo_files import PHOTO_SUFFIXES
from tenken_training.annotations.source_files import AGAIN, files_below, read_text

OTHER_TEXTS = frozenset({"classes.txt", "labelmap.txt", "readme.txt", "train.txt", "val.txt", "test.txt", "source.txt"})
OUTSIDE = 0.02
"""Editors round outwards by a pixel or so; more than that are pixels taken for shares."""


def read_yolo(source: Path) -> DrawnSet:
    """Read a folder with ``labels``, ``images`` and ``data.yaml``.

    A photo of the folder without a text file shows no defect, as YOLO has it.

    Raises
    ------
    SettingsError
        When a line is no label; the message names the file and the line.
    """
    names = _class_names(source)
    files = [path for path in files_below(source, ".txt") if path.name.lower() not in OTHER_TEXTS]
    photos = [_photo(path, source, names) for path in files]
    stems = {photo.name for photo in photos}
    bare = [
        DrawnPhoto(stem, None, None, (), str(path), in_shares=True, split=_split(path, source))
        for path in files_below(source, *PHOTO_SUFFIXES)
        if (stem := _stem(path, source)) not in stems
    ]
    notes = (Note.of("import.bare", photos=Note.counted("photo", len(bare))),) if bare else ()
    return DrawnSet("yolo", (*photos, *bare), tuple(files), notes)


def _photo(path: Path, source: Path, names: Sequence[str]) -> DrawnPhoto:
    drawings = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            drawings.append(_drawing(line, f"{path}, line {number}", names))
    return DrawnPhoto(
        _stem(path, source), None, None, tuple(drawings), str(path), in_shares=True, split=_split(path, source)
    )


def _drawing(line: str, where: str, names: Sequence[str]) -> Drawing:
    try:
        values = [float(word) for word in line.split()]
    except ValueError:
        raise SettingsError(f"{where}: not all numbers; {AGAIN}") from None
    if not all(math.isfinite(value) for value in values):
        raise SettingsError(f"{where}: holds a number that is not finite; {AGAIN}")
    if len(values) != 5 and (len(values) < 7 or len(values) % 2 == 0):
        raise SettingsError(f"{where}: {len(values)} numbers are neither a box (5) nor a polygon (7, 9, ...); {AGAIN}")
    if values[0] % 1 or values[0] < 0 or (names and values[0] >= len(names)):
        raise SettingsError(f"{where}: class {values[0]:g} is none of {', '.join(names) or 'a number'}; {AGAIN}")
    name = names[int(values[0])] if names else str(int(values[0]))
    if len(values) == 5:
        x, y, width, height = values[1:]
        if width < 0 or height < 0:
            raise SettingsError(f"{where}: a box {width:g} wide and {height:g} high; {AGAIN}")
        shares = np.array([[x - width / 2, y - height / 2], [x + width / 2, y + height / 2]])
    else:
        shares = np.array(values[1:]).reshape(-1, 2)
    if not ((shares > -OUTSIDE) & (shares < 1 + OUTSIDE)).all():
        raise SettingsError(f"{where}: outside 0 to 1; export as shares of the photo's sides")
    if len(values) == 5:
        (left, top), (right, bottom) = shares.tolist()
        return Drawing(name, box(left, top, right, bottom, where), "box", where)
    return Drawing(name, polygon(shares, where), "area", where)


def _class_names(source: Path) -> list[str]:
    """Read ``data.yaml``, or else ``classes.txt``."""
    from tenken_training.evaluation.label_files import read_class_names

    folder = source if source.is_dir() else source.parent
    for path in sorted([*folder.rglob("data.yaml"), *folder.rglob("dataset.yaml")]):
        if names := read_class_names(path):
            return list(names)
    for path in sorted(folder.rglob("classes.txt")):
        return [line.strip() for line in read_text(path).splitlines() if line.strip()]
    return []


def _stem(path: Path, source: Path) -> str:
    """Give the photo's way without ending, and without the folders ``labels`` or ``images``."""
    below = path.relative_to(source if source.is_dir() else path.parent)
    parts = [part for part in below.parent.parts if part.lower() not in ("labels", "images", "obj_train_data")]
    return "/".join([*parts, below.stem])


def _split(path: Path, source: Path) -> str | None:
    for part in path.relative_to(source if source.is_dir() else path.parent).parts[:-1]:
        split = "val" if part.lower() in ("valid", "validation") else part.lower()
        if split in ("train", "val", "test"):
            return split
    return None
