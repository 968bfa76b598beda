"""An evaluation as it is written to ``evaluation.json``, and read again by what decides with it."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tenken.errors import SettingsError
from tenken.notes import NoteField
from tenken_training.evaluation.intervals import IntervalKind
from tenken_training.evaluation.labels import Layout

FORMAT = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Part):
    """A figure with its interval of 95 %; null where there is nothing to measure."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    of: str
    """What ``n`` counts."""
    interval: IntervalKind


class CalibrationBin(_Part):
    """Detections of similar score: how sure the detector was, and how often it was right."""

    low: float
    high: float
    detections: int
    mean_score: float | None
    right: float | None
    right_low: float | None
    right_high: float | None


class KindFigures(_Part):
    """Figures of one kind, of the whole set and by site."""

    figures: dict[str, Figure]
    calibration: tuple[CalibrationBin, ...] = ()
    calibration_error: float | None = None
    """Mean distance of score and rightness over the bins, weighted by detections (expected calibration error)."""
    sites: dict[str, dict[str, Figure]] = {}


class Subject(_Part):
    """The weights that were judged."""

    name: str
    sha256: str
    thresholds: dict[str, float]


class Conditions(_Part):
    """How it was measured; figures of other conditions are other figures."""

    tile_px: int
    overlap: float
    tolerance_px: float
    tolerance_mm: float | None = None
    whole_px: int
    resamples: int
    seed: int


class Comparison(_Part):
    """Differences, first weights minus second, over the same photos and the same resamples."""

    against: Subject
    figures: dict[str, dict[str, Figure]]
    """By kind and figure; ``value`` is the difference."""
    sites: dict[str, dict[str, dict[str, Figure]]] = {}
    """By kind, site and figure."""


class Evaluation(_Part):
    """Everything that was measured in one go."""

    format: int = FORMAT
    weights: Subject
    dataset: str
    dataset_sha256: str
    layout: Layout
    photos: int
    photos_without_label: int
    megapixels: float
    seconds: float
    """Time in tiles, detector, assembly and measuring, summed over photos."""
    conditions: Conditions
    kinds: dict[str, KindFigures]
    comparison: Comparison | None = None
    notes: tuple[NoteField, ...] = ()


def write_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Write an evaluation."""
    text = json.dumps(evaluation.model_dump(mode="json"), ensure_ascii=False, indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_evaluation(path: Path) -> Evaluation:
    """Read an evaluation.

    Raises
    ------
    SettingsError
        When the file cannot be read or is none.
    """
    try:
        return Evaluation.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(f"{path} is no evaluation ({where}: {first['msg']}); run inspect evaluate again") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}); run inspect evaluate again") from error
