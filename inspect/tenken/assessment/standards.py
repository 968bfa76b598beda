"""Grading standards as versioned data files: numbers, where they come from, and whether they were checked.

A rule turns a figure into a *set* of candidate grades, because a figure is an interval and some inputs (depth
of corrosion, material) may be unknown. A standard never holds a diagnosis: I-IV, 対策区分 and CS4 are a
person's to give.
"""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tenken.errors import SettingsError
from tenken.settings import Lang

DIAGNOSES = frozenset({"I", "II", "III", "IV", "Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "C1", "C2", "E1", "E2", "S1", "S2", "CS4"})
"""健全性, 対策区分 and AASHTO's fourth state: a qualified person's to set, so no standard may hold them."""

_split = BeforeValidator(lambda cell: tuple(cell.split()) if isinstance(cell, str) else cell)
Cell = Annotated[tuple[str, ...], _split]
"""Candidate grades, in the file one string with spaces between them."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WidthClass(_Record):
    """Crack widths up to a limit; the last class has none."""

    below_mm: float | None = Field(default=None, gt=0)
    up_to_mm: float | None = Field(default=None, gt=0)

    def holds(self, width_mm: float) -> bool:
        """Whether the width lies under this class's limit."""
        if self.below_mm is not None:
            return width_mm < self.below_mm
        return self.up_to_mm is None or width_mm <= self.up_to_mm


class SpacingClass(_Record):
    """Crack spacings from a limit upwards; the last class, the densest, has none."""

    at_least_m: float | None = Field(default=None, gt=0)
    above_m: float | None = Field(default=None, gt=0)

    def holds(self, spacing_m: float) -> bool:
        """Whether the spacing lies above this class's limit."""
        if self.at_least_m is not None:
            return spacing_m >= self.at_least_m
        return self.above_m is None or spacing_m > self.above_m


class ShareClass(_Record):
    """Corroded shares of the area seen, up to and with a limit; the last class has none."""

    up_to_pct: float | None = Field(default=None, ge=0, le=100)

    def holds(self, share_pct: float) -> bool:
        """Whether the share lies under this class's limit."""
        return self.up_to_pct is None or share_pct <= self.up_to_pct


class Rule(_Record):
    """What all rules state about themselves, and to what they apply."""

    code: str
    name_ja: str
    name_en: str
    evidence: tuple[str, ...]
    """Marks of where the numbers come from: see docs/standards.md."""
    verified: bool
    """The numbers were read in the standard's own text."""
    materials: tuple[str, ...]
    elements: tuple[str, ...] | None = None
    """Elements the rule is for; None for those that no other rule names."""

    def title(self, lang: Lang) -> str:
        """Code and name, the Japanese name being the official one."""
        return f"{self.code} {self.name_ja if lang == 'ja' else self.name_en}"


class CrackRule(Rule):
    """Candidates by width (rows, fine to wide) and spacing (columns, wide to dense)."""

    widths: tuple[WidthClass, ...]
    spacings: tuple[SpacingClass, ...] = (SpacingClass(),)
    spacing_tolerance_m: float = Field(default=0.0, ge=0)
    cells: tuple[tuple[Cell, ...], ...]

    def width_rows(self, low_mm: float, high_mm: float) -> range:
        """Classes that the closed interval of widths touches."""
        return _touched(self.widths, low_mm, high_mm)

    def spacing_columns(self, spacing_m: float) -> range:
        """Classes that the spacing touches, both where it is within the tolerance (inclusive) of a limit."""
        slack_m = self.spacing_tolerance_m * (1 + 1e-6)
        return _touched(self.spacings, spacing_m + slack_m, spacing_m - slack_m)


class CorrosionRule(Rule):
    """Candidates by the corroded share of the area seen; all depths where a person enters the depth."""

    shares: tuple[ShareClass, ...]
    cells: tuple[Cell, ...]
    depth_by_person: bool = False

    def share_rows(self, share_pct: float | None) -> range:
        """Class of the share; all of them where it is unknown."""
        if share_pct is None:
            return range(len(self.shares))
        return _touched(self.shares, share_pct, share_pct)


class PresenceRule(Rule):
    """Candidates of a kind by its mere presence."""

    kind: str
    candidates: Cell


class Standard(_Record):
    """A grading standard: its grades from best to worst and the rules that lead to them."""

    id: str
    version: int
    name_ja: str
    name_en: str
    edition: str
    source: str
    grades: tuple[str, ...] = Field(min_length=2)
    aggregate: Literal["worst", "quantities"]
    """A segment's result: its worst grade, or quantities per grade (AASHTO) and no single grade."""
    crack: tuple[CrackRule, ...] = ()
    corrosion: tuple[CorrosionRule, ...] = ()
    presence: tuple[PresenceRule, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether every rule's numbers were read in the standard's own text."""
        return all(rule.verified for rule in (*self.crack, *self.corrosion, *self.presence))

    def title(self, lang: Lang) -> str:
        """Name of the standard."""
        return self.name_ja if lang == "ja" else self.name_en

    def severity(self, grade: str) -> float:
        """Place of a grade between the best (0) and the worst (1)."""
        return self.grades.index(grade) / (len(self.grades) - 1)

    def in_order(self, grades: set[str]) -> tuple[str, ...]:
        """Grades from best to worst."""
        return tuple(grade for grade in self.grades if grade in grades)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if forbidden := DIAGNOSES.intersection(self.grades):
            raise ValueError(f"grades holds {sorted(forbidden)}, which only a person may give; take them out")
        for number, rule in enumerate(self.crack, 1):
            where = f"crack {number} ({rule.code})"
            self._check_cells(where, rule.cells, len(rule.widths), len(rule.spacings))
            _check_limits(f"{where}: widths", [(c.below_mm, c.up_to_mm) for c in rule.widths])
            _check_limits(f"{where}: spacings", [(c.at_least_m, c.above_m) for c in rule.spacings], -1)
        for number, area in enumerate(self.corrosion, 1):
            rows = tuple((cell,) for cell in area.cells)
            self._check_cells(f"corrosion {number} ({area.code})", rows, len(area.shares), 1)
            _check_limits(f"corrosion {number} ({area.code}): shares", [(c.up_to_pct,) for c in area.shares])
        for number, there in enumerate(self.presence, 1):
            self._check_cells(f"presence {number} ({there.code})", ((there.candidates,),), 1, 1)
        return self

    def _check_cells(self, where: str, cells: tuple[tuple[Cell, ...], ...], rows: int, columns: int) -> None:
        if len(cells) != rows or any(len(row) != columns for row in cells):
            raise ValueError(f"{where}: cells must have {rows} rows of {columns}, one a class")
        for cell in (cell for row in cells for cell in row):
            if not cell or not set(cell) <= set(self.grades):
                raise ValueError(f"{where}: cell {' '.join(cell)!r} must name some of {list(self.grades)}")
        best, worst = ([[pick(map(self.severity, c)) for c in row] for row in cells] for pick in (min, max))
        for table in (best, worst, list(zip(*best, strict=True)), list(zip(*worst, strict=True))):
            if any(list(line) != sorted(line) for line in table):
                raise ValueError(f"{where}: cells must not get better towards wider, denser or larger damage")


def list_standards() -> tuple[str, ...]:
    """Give the ids of the standards that come with the package."""
    folder = files("tenken.assessment") / "standards"
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml") for name in names))


def load_standard(id_or_path: str | Path) -> Standard:
    """Read a standard by the id of a shipped one, or from a TOML file of the user's.

    Raises
    ------
    SettingsError
        When there is none of that name, or the file does not hold what a standard must; the message names
        file and key.
    """
    name = str(id_or_path)
    if name in list_standards():
        text = (files("tenken.assessment") / "standards" / f"{name}.toml").read_text(encoding="utf-8")
    elif Path(name).suffix == ".toml":
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}: cannot be read ({error}); give a TOML file in UTF-8") from error
    else:
        raise SettingsError(
            f"no standard named {name!r}; choose from {', '.join(list_standards())}, or give a .toml file"
        )
    try:
        return Standard.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: not valid TOML ({error}); mend that line") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = [".".join(str(part) for part in first["loc"]), first["msg"].removeprefix("Value error, ")]
        raise SettingsError(f"{name}: {': '.join(filter(None, what))}; see docs/standards.md for the keys") from error


def _touched(classes: Sequence[WidthClass | SpacingClass | ShareClass], first: float, last: float) -> range:
    """Classes from that of one figure to that of the other; they follow each other without gaps."""
    begin, end = (next(i for i, c in enumerate(classes) if c.holds(round(x, 9))) for x in (first, last))
    return range(begin, end + 1)


def _check_limits(where: str, classes: Sequence[tuple[float | None, ...]], direction: int = 1) -> None:
    limits = [[value for value in one if value is not None] for one in classes]
    if any(len(values) != 1 for values in limits[:-1]) or limits[-1:] != [[]]:
        raise ValueError(f"{where}: each class needs one limit, and the last one none")
    if any((after[0] - before[0]) * direction <= 0 for before, after in pairwise(limits[:-1])):
        raise ValueError(f"{where}: limits must go {'up' if direction > 0 else 'down'} from class to class")
