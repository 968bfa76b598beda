"""The table in which a person says of each photo whether it may be published, and what in it must be blurred.

It stays in the run's folder: names of reviewers are no part of the copy.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenken.errors import SettingsError
from tenken.journal import write_atomically

REVIEW_FILE = "public-review.csv"
COLUMNS = ("photo", "sha256", "decision", "looked_at_by", "looked_at_on", "blur_px", "note")
DECISIONS: dict[str, bool] = {"publish": True, "公開": True, "withhold": False, "非公開": False}

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the photo as displayed."""


@dataclass(frozen=True, slots=True)
class PhotoDecision:
    """What a person decided about a photo after looking at it."""

    photo: str
    sha256: str
    publish: bool
    boxes: tuple[Box, ...]
    """What is made unrecognisable: faces, number plates, name plates, views into homes."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    cells: Mapping[str, str]


def start_review(path: Path, photos: Mapping[str, str], proposed: Mapping[str, Sequence[Box]]) -> None:
    """Write the table for a person to fill in, or add the photos that it lacks; what was filled in stays.

    Parameters
    ----------
    path
        The table.
    photos
        SHA-256 by name.
    proposed
        Boxes that a detector proposes, by photo; a person may change them.
    """
    lines = [dict(line.cells) for line in _read(path)] if path.exists() else []
    known = {line["photo"] for line in lines}
    for photo, sha256 in sorted(photos.items()):
        if photo not in known:
            boxes = "; ".join(",".join(map(str, box)) for box in proposed.get(photo, ()))
            note = "boxes proposed by a detector: look for what it missed" if boxes else ""
            lines.append({"photo": photo, "sha256": sha256, "blur_px": boxes, "note": note})
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\r\n")
    table.writeheader()
    table.writerows(lines)
    write_atomically(path, text.getvalue().encode("utf-8-sig"))


def missing_photos(path: Path, photos: Mapping[str, str]) -> list[str]:
    """Name the photos that the table lacks; all of them where there is no table."""
    known = {line.cells["photo"] for line in _read(path)} if path.exists() else set()
    return sorted(set(photos) - known)


def read_review(path: Path, photos: Mapping[str, str]) -> tuple[PhotoDecision, ...]:
    """Read what was decided, in the order of the photos' names.

    Raises
    ------
    SettingsError
        When a photo has no decision by a named person, was changed since it was looked at, or a line cannot be read;
        the message names file and line.
    """
    decided: dict[str, PhotoDecision] = {}
    for line in _read(path):
        photo = line.cells["photo"]
        if photo not in photos:
            continue  # of an earlier run
        if photo in decided:
            raise SettingsError(f"{path}, line {line.number}: {photo} stands there twice; take one line out")
        decided[photo] = _decision(path, line, photos[photo])
    return tuple(decided[photo] for photo in sorted(photos))


def _decision(path: Path, line: _Line, sha256: str) -> PhotoDecision:
    photo, where = line.cells["photo"], f"{path}, line {line.number}"
    word = line.cells["decision"].strip().casefold()
    if not word:
        raise SettingsError(
            f"{where}: nobody has looked at {photo}: fill in decision (publish or withhold) and looked_at_by"
        )
    if word not in DECISIONS:
        raise SettingsError(f"{where}: decision {word!r} of {photo} is none; give publish (公開) or withhold (非公開)")
    if not line.cells["looked_at_by"].strip():
        raise SettingsError(f"{where}: who looked at {photo}? fill in looked_at_by")
    if line.cells["sha256"].strip() != sha256:
        raise SettingsError(
            f"{where}: {photo} is not the photo that was looked at: look at it again, then take the line out and "
            "give the same command, which adds it anew"
        )
    return PhotoDecision(photo, sha256, DECISIONS[word], _boxes(where, line.cells["blur_px"]))


def _boxes(where: str, text: str) -> tuple[Box, ...]:
    boxes = []
    for part in filter(None, (part.strip() for part in text.replace("；", ";").split(";"))):
        try:
            left, top, width, height = (round(float(value)) for value in part.split(","))
        except ValueError:
            width = height = left = top = 0
        if width <= 0 or height <= 0:
            raise SettingsError(f"{where}: blur_px {part!r} is no box; give left,top,width,height in pixels, then ;")
        boxes.append((left, top, width, height))
    return tuple(boxes)


def _read(path: Path) -> list[_Line]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp932", errors="replace")  # as a Japanese Excel saves "CSV"
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise SettingsError(f"{path}, line 1: has no column {missing[0]}; keep the header as it was written")
    return [_Line(rows.line_num, {name: row[name] or "" for name in COLUMNS}) for row in rows if any(row.values())]
