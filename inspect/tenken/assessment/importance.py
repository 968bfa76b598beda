"""The order of repair as data: weights, hard rules, and what a structure's importance inputs are worth."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from tenken.assessment.reasons import Reason, Term
from tenken.errors import SettingsError

_SHIPPED = "priority_weights.toml"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weights(_Record):
    """Exponents of the factors."""

    severity: float = Field(gt=0)
    certainty: float = Field(ge=0)
    importance: float = Field(ge=0)
    exposure: float = Field(ge=0)

    @field_validator("certainty")
    @classmethod
    def _not_above_severity(cls, certainty: float, info: ValidationInfo) -> float:
        if certainty > info.data.get("severity", certainty):
            raise ValueError("must not be above the weight of severity, or a worse candidate could rank lower")
        return certainty


class SeverityRule(_Record):
    """How severe a defect without a grade is taken to be, 0..1."""

    ungraded: float = Field(ge=0, le=1)


class ExposureRule(_Record):
    """How the spread of damage becomes a factor of `floor`..1."""

    floor: float = Field(gt=0, le=1)
    full_crack_density_m_per_m2: float = Field(gt=0)
    full_corrosion_pct: float = Field(gt=0, le=100)


class FallingRule(_Record):
    """Kinds of damage that can fall on people."""

    kinds: tuple[str, ...]


class Level(_Record):
    """What an input's values are worth, 0..1."""

    score: float = Field(ge=0, le=1)
    values: tuple[str, ...]
    people_below: bool | None = None


class ImportanceInput(_Record):
    """One input of the national form."""

    weight: float = Field(gt=0)
    levels: tuple[Level, ...]

    def level(self, text: str) -> Level | None:
        """Find the highest level that one of the words in a cell stands for; None when none is known."""
        words = {_folded(word) for word in re.split(r"[・、,;/／\s]+", text)} | {_folded(text)}
        fitting = [level for level in self.levels if words & {_folded(value) for value in level.values}]
        return max(fitting, key=lambda level: level.score, default=None)


class ImportanceRule(_Record):
    """How inputs become a factor of `floor`..1: by a weighted mean, what is not given being `unknown`."""

    floor: float = Field(gt=0, le=1)
    unknown: float = Field(ge=0, le=1)
    inputs: dict[str, ImportanceInput]


class PriorityRules(_Record):
    """The whole data file."""

    version: int
    evidence: str
    weights: Weights
    severity: SeverityRule
    exposure: ExposureRule
    falling: FallingRule
    importance: ImportanceRule


def load_priority_rules(path: Path | None = None) -> PriorityRules:
    """Read how segments are put in order; None reads what comes with the package.

    Raises
    ------
    SettingsError
        When the file does not hold it; the message names file and key.
    """
    name = str(path or _SHIPPED)
    try:
        text = (path or files("tenken.assessment") / _SHIPPED).read_text(encoding="utf-8")
        return PriorityRules.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{name}: cannot be read ({error}); give a TOML file in UTF-8") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{name}: {key}: {first['msg']}; see docs/standards.md for the keys") from error


def importance_of(inputs: Mapping[str, str], rule: ImportanceRule) -> tuple[float, tuple[Reason, ...]]:
    """Give a structure's importance, `floor`..1, and what each given input counted for."""
    total = 0.0
    reasons = []
    for name, one in rule.inputs.items():
        text = inputs.get(name, "")
        level = one.level(text) if text else None
        score = rule.unknown if level is None else level.score
        total += one.weight * score
        if text:
            code = "importance_unread" if level is None else "importance_input"
            reasons.append(Reason(code, {"name": Term(name), "value": text, "score": score}))
    mean = total / sum(one.weight for one in rule.inputs.values())
    return round(rule.floor + (1.0 - rule.floor) * mean, 6), tuple(reasons)


def people_below(inputs: Mapping[str, str], rule: ImportanceRule) -> bool:
    """Tell whether people can be under the structure; where 路下条件 does not say, they can."""
    one, text = rule.inputs.get("路下条件"), inputs.get("路下条件", "")
    level = one.level(text) if one and text else None
    return level is None or level.people_below is not False


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
