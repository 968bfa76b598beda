"""Grading standards as versioned data files: numbers, where they come from, and whether they were checked.

A rule turns a figure into a *set* of candidate grades, because a figure is an interval and some inputs (depth
of corrosion, material) may be unknown. A standard never holds a diagnosis: I-IV, 対策区分 and CS4 are a
person's to give.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from tenken.settings import Lang

DIAGNOSES = frozenset({"I", "II", "III", "IV", "Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "C1", "C2", "E1", "E2", "S1", "S2", "CS4"})
"""健全性, 対策区分 and AASHTO's fourth state: a qualified person's to set, so no standard may hold them."""

_split = BeforeValidator(lambda cell: tuple(cell.split()) if isinstance(cell, str) else cell)
Where = tuple[str | int, ...]
"""Place of a value in the file: keys, and indexes from 0."""
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
    """Damaged shares of the area seen, below a limit or up to and with one; the last class has none."""

    below_pct: float | None = Field(default=None, gt=0, le=100)
    up_to_pct: float | None = Field(default=None, ge=0, le=100)

    def holds(self, share_pct: float) -> bool:
        """Whether the share lies under this class's limit."""
        if self.below_pct is not None:
            return share_pct < self.below_pct
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
    exposures: tuple[str, ...] | None = None
    """Exposure classes (EN 206) the rule is for; None for all."""

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


class Grid(_Record):
    """How cracked cells of a square grid are counted."""

    cell_m: float = Field(gt=0)
    one_crack_pct: float = Field(gt=0, le=100)
    """Share of its area that a cell with one crack counts as cracked."""
    several_cracks_pct: float = Field(gt=0, le=100)
    """The same for a cell with two cracks or more."""


class CrackGridRule(Rule):
    """Candidates of cracks by the cracked share of a grid's cells (ひび割れ率)."""

    shares: tuple[ShareClass, ...]
    cells: tuple[Cell, ...]

    def share_rows(self, low_pct: float, high_pct: float) -> range:
        """Classes that the closed interval of shares touches."""
        return _touched(self.shares, low_pct, high_pct)


class PresenceRule(Rule):
    """Candidates of a kind by its mere presence."""

    kind: str
    also_named: tuple[str, ...] = ()
    """Other names of the kind: what a person enters, or another detector gives."""
    candidates: Cell

    def is_for(self, kind: str) -> bool:
        """Whether the kind is this rule's, by whatever name."""
        return kind == self.kind or kind in self.also_named


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
    grid: Grid | None = None
    crack_grid: tuple[CrackGridRule, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, whatever they ask."""
        return (*self.crack, *self.crack_grid, *self.corrosion, *self.presence)

    @property
    def verified(self) -> bool:
        """Whether every rule's numbers were read in the standard's own text."""
        return all(rule.verified for rule in self.rules)

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
            raise _misfit(("grades",), f"holds {sorted(forbidden)}, which only a person may give; take them out")
        if not self.rules:
            raise _misfit((), "holds no rule; add a [[crack]], [[corrosion]], [[presence]] or [[crack_grid]]")
        for number, rule in enumerate(self.crack):
            where = ("crack", number)
            self._check_cells((*where, "cells"), rule.cells, len(rule.widths), len(rule.spacings))
            _check_limits((*where, "widths"), [(c.below_mm, c.up_to_mm) for c in rule.widths])
            _check_limits((*where, "spacings"), [(c.at_least_m, c.above_m) for c in rule.spacings], -1)
        by_share: tuple[tuple[str, Sequence[CorrosionRule | CrackGridRule]], ...] = (
            ("corrosion", self.corrosion),
            ("crack_grid", self.crack_grid),
        )
        for table, rules in by_share:
            for number, area in enumerate(rules):
                rows = tuple((cell,) for cell in area.cells)
                self._check_cells((table, number, "cells"), rows, len(area.shares), 1)
                _check_limits((table, number, "shares"), [(c.below_pct, c.up_to_pct) for c in area.shares])
        for number, there in enumerate(self.presence):
            self._check_cells(("presence", number, "candidates"), ((there.candidates,),), 1, 1)
        self._check_grid()
        return self

    def _check_grid(self) -> None:
        if self.crack_grid and self.grid is None:
            raise _misfit(("crack_grid", 0), "asks for a grid; add a table [grid] with cell_m and what a cell counts")
        if self.grid is not None and self.grid.several_cracks_pct < self.grid.one_crack_pct:
            raise _misfit(("grid", "several_cracks_pct"), "must not be below one_crack_pct; raise it")

    def _check_cells(self, where: Where, cells: tuple[tuple[Cell, ...], ...], rows: int, columns: int) -> None:
        if len(cells) != rows or any(len(row) != columns for row in cells):
            raise _misfit(where, f"must have {rows} rows of {columns}, one a class; add or take out some")
        for number, cell in ((number, cell) for number, row in enumerate(cells) for cell in row):
            if not cell or not set(cell) <= set(self.grades):
                raise _misfit(
                    (*where, number) if rows > 1 else where,
                    f"has {' '.join(cell)!r}, which must name some of {list(self.grades)}",
                )
        best, worst = ([[pick(map(self.severity, c)) for c in row] for row in cells] for pick in (min, max))
        for table in (best, worst, list(zip(*best, strict=True)), list(zip(*worst, strict=True))):
            if any(list(line) != sorted(line) for line in table):
                raise _misfit(where, "must not get better towards wider, denser or larger damage; change the order")


def _touched(classes: Sequence[WidthClass | SpacingClass | ShareClass], first: float, last: float) -> range:
    """Classes from that of one figure to that of the other; they follow each other without gaps."""
    begin, end = (next(i for i, c in enumerate(classes) if c.holds(round(x, 9))) for x in (first, last))
    return range(begin, end + 1)


def _check_limits(where: Where, classes: Sequence[tuple[float | None, ...]], direction: int = 1) -> None:
    limits = [[value for value in one if value is not None] for one in classes]
    if any(len(values) != 1 for values in limits[:-1]) or limits[-1:] != [[]]:
        raise _misfit(where, "needs one limit a class, and a last class {} without one; add or take out limits")
    for number, (before, after) in enumerate(pairwise(limits[:-1]), 1):
        if (after[0] - before[0]) * direction <= 0:
            way = "up" if direction > 0 else "down"
            raise _misfit((*where, number), f"has limits that must go {way} from class to class; change their order")


def _misfit(where: Where, message: str) -> PydanticCustomError:
    """Make an error that says at which key of the file the fault is."""
    return PydanticCustomError("standard", "{message}", {"message": message, "where": where})
