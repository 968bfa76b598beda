"""The files of a data set: ``dataset.json``, and one file of labels for each photo."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, ValidationError

from tenken.errors import SettingsError

VERSION: Literal[1] = 1
Model = TypeVar("Model", bound=BaseModel)

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Split = Literal["train", "val", "test"]
State = Literal["fair", "poor", "severe"]
Drawn = Literal["area", "line", "box"]
Point = tuple[FiniteFloat, FiniteFloat]
Ring = Annotated[list[Point], Field(min_length=3)]
Polygons = list[Annotated[list[Ring], Field(min_length=1)]]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceFile(_File):
    """Where labels came from."""

    name: str
    format: str
    sha256: Sha256
    """Of all label files that were read."""


class PhotoFile(_File):
    """One photo of ``dataset.json``."""

    name: str = Field(min_length=1)
    site: str
    split: Split
    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    sha256: Sha256
    kinds: tuple[str, ...]
    parent: str | None = None
    parent_sha256: Sha256 | None = None
    offset_px: tuple[int, int] = (0, 0)
    look: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{16})?$")] = ""
    """Perceptual hash of the whole photo."""


class DatasetFile(_File):
    """``dataset.json``."""

    version: Literal[1] = VERSION
    name: str
    kinds: tuple[str, ...]
    classes: dict[str, str] = {}
    """Kind by the class name that the annotators used."""
    sources: tuple[SourceFile, ...] = ()
    photos: tuple[PhotoFile, ...]


class LabelFile(_File):
    """One label of a photo's file."""

    kind: str = Field(min_length=1)
    polygons: Polygons
    line: list[Point] | None = Field(None, min_length=2)
    state: State | None = None
    ignore: bool = False
    drawn: Drawn = "area"
    assumed_width: bool = False


class AbsenceFile(_File):
    """A place at which something looked like a defect, and is none."""

    kind: str = Field(min_length=1)
    polygons: Polygons


class LabelsFile(_File):
    """``labels/SITE/PHOTO.json``."""

    version: Literal[1] = VERSION
    labels: tuple[LabelFile, ...]
    absent: tuple[AbsenceFile, ...] = ()


def read_model(path: Path, model: type[Model], remedy: str) -> Model:
    """Read a JSON file.

    Raises
    ------
    SettingsError
        When it cannot be read or holds something else; the message names the file, the place in it and the remedy.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror or error}); {remedy}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise SettingsError(f"{path}{', ' if place else ''}{place}: {first['msg']}; {remedy}") from error


def as_text(file: BaseModel, rows: str) -> str:
    """Lay a file out with one entry of its long list in each line: readable, and small differences stay small."""
    content: dict[str, Any] = file.model_dump(mode="json", exclude_defaults=False)
    parts = []
    for key, value in content.items():
        if key == rows and value:
            text = "[\n" + ",\n".join(_line(_without_defaults(row)) for row in value) + "\n]"
        else:
            text = _line(value)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


_USUAL: dict[str, Any] = {"line": None, "state": None, "ignore": False, "drawn": "area", "assumed_width": False} | {
    "parent": None,
    "parent_sha256": None,
    "offset_px": [0, 0],
    "look": "",
}


def _without_defaults(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _USUAL or value != _USUAL[key]}


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
