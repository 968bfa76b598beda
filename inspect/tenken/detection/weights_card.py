"""The card of a weight file: what is known of it, as a JSON file beside it."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tenken.errors import WeightsError
from tenken.hashing import file_sha256

DEFAULT_MIN_SCORE = 0.25

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Score = Annotated[float, Field(ge=0, lt=1)]


class _CardPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_CardPart):
    """What a weight file was made from."""

    file: str
    sha256: Sha256
    made_with: str = ""
    """Tools and their versions; others may give other bytes."""


class TrainingData(_CardPart):
    """A data set that the weights have seen."""

    name: str
    licence: str
    photos: Annotated[int, Field(gt=0)]
    note: str = ""


class Metric(_CardPart):
    """A measured figure, which means nothing without its conditions."""

    measure: str
    value: float
    low: float | None = None
    high: float | None = None
    """Ends of its 95 % interval."""
    n: int | None = None
    """Photos, objects or megapixels that it rests on; `data` says which."""
    data: str
    conditions: str


class PixelRule(_CardPart):
    """How pixels of one kind become objects; see `tenken.detection.pixel_segmentation.ObjectRule`."""

    connect: Annotated[float, Field(gt=0, lt=1)] = 0.25
    low: Annotated[float, Field(gt=0, lt=1)] = 0.5
    smallest_px: Annotated[float, Field(ge=0)] = 8.0
    calibration: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 0.0)


class Promoted(_CardPart):
    """When weights became a default, and on what they were judged."""

    at: str
    """ISO 8601 in UTC."""
    instead_of: str
    instead_of_sha256: Sha256
    judged_on: tuple[str, ...]
    """Data sets, each with the start of its hash."""
    better: tuple[str, ...] = ()
    """What got better beyond its interval."""


class WeightsCard(_CardPart):
    """What is known about a weight file."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    file: Annotated[str, Field(pattern=r"^[^/\\]+\.(onnx|pt)$")]
    sha256: Sha256
    task: Literal["segment"] = "segment"
    network: Literal["yolo", "pixels"] = "yolo"
    """YOLO's boxes and mask prototypes, or a probability for every pixel."""
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    tile_px: Annotated[int, Field(gt=0, multiple_of=32)] = 640
    """Recommended side of a tile; any size can be given."""
    thresholds: dict[str, Score]
    """Lowest score by class."""
    objects: dict[str, PixelRule] = {}
    """How pixels become objects, by class; for networks of pixels."""
    thresholds_note: str = ""
    summary: dict[Literal["en", "ja"], str] = {}
    licence: str = "unknown"
    recipe: str = ""
    seed: int | None = None
    ground_resolution: str = ""
    """What was trained for."""
    source: Source | None = None
    training_data: tuple[TrainingData, ...] = ()
    metrics: tuple[Metric, ...] = ()
    known_failures: tuple[str, ...] = ()
    failure_pictures: tuple[str, ...] = ()
    """Files beside the card: the worst misses and false alarms on rendered structures."""
    promoted: tuple[Promoted, ...] = ()
    """When they became the default somewhere."""

    @model_validator(mode="after")
    def _one_threshold_a_class(self) -> "WeightsCard":
        if set(self.thresholds) != set(self.classes):
            raise ValueError(f"thresholds {sorted(self.thresholds)} do not name the classes {sorted(self.classes)}")
        if self.network == "pixels" and set(self.objects) != set(self.classes):
            raise ValueError(f"objects {sorted(self.objects)} do not name the classes {sorted(self.classes)}")
        return self

    @classmethod
    def minimal(
        cls,
        path: Path,
        classes: tuple[str, ...],
        *,
        network: Literal["yolo", "pixels"] = "yolo",
        tile_px: int = 640,
        name: str = "",
    ) -> "WeightsCard":
        """Make a card for a file of which only the classes are known."""
        return cls(
            name=name or path.stem,
            file=path.name,
            sha256=file_sha256(path),
            network=network,
            classes=classes,
            tile_px=tile_px,
            objects={kind: PixelRule() for kind in classes} if network == "pixels" else {},
            thresholds=dict.fromkeys(classes, DEFAULT_MIN_SCORE),
        )


def read_card(path: Path) -> WeightsCard:
    """Read a card.

    Raises
    ------
    WeightsError
        When it cannot be read or holds what no card holds.
    """
    try:
        card = WeightsCard.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise WeightsError(f"{path} is no valid card ({where}: {first['msg']}); mend or remove it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); mend or remove it") from error
    if card.name != path.stem:
        raise WeightsError(f"{path} is the card of {card.name!r}; its file must be named {card.name}.json")
    return card


def write_card(card: WeightsCard, path: Path) -> None:
    """Write a card, with the same bytes on every system."""
    text = json.dumps(card.model_dump(mode="json"), ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
