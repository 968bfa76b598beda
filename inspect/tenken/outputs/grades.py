"""How grades are ordered and coloured, whatever the standard."""

from collections.abc import Iterable

SCALES: tuple[tuple[str, ...], ...] = (
    ("a", "b", "c", "d", "e"),
    ("CS1", "CS2", "CS3"),
    ("Ri0", "Ri1", "Ri2", "Ri3", "Ri4", "Ri5"),
    ("小", "中", "大"),
    ("≤wmax", ">wmax"),
    ("10", "9", "8", "7", "6", "5", "4", "3", "2", "1", "0"),
)
"""Grades of the shipped standards, each scale from the mildest to the severest."""

_POSITIONS: dict[str, float] = {
    grade: index / (len(scale) - 1) for scale in SCALES for index, grade in enumerate(scale)
}
"""0 (mildest) .. 1 (severest)."""

GRADE_COLOURS: tuple[str, ...] = ("#dfe8ec", "#fce5a4", "#f6b04e", "#c4520b", "#7a1a12")
"""By severity, light to dark, so that the order survives colour blindness and a grey print."""

UNGRADED_COLOUR = "#b7b3c6"
"""Violet grey, in no row of `GRADE_COLOURS`: a defect or segment without a grade."""

KIND_COLOURS: dict[str, str] = {"crack": "#0063a6", "corrosion": "#b5651d"}
"""Blue and rust: distinct in every common colour blindness, as they differ in lightness and warmth."""

STATE_COLOURS: dict[str, str] = {"fair": "#e0a15e", "poor": "#b5651d", "severe": "#4f1d08"}
"""Condition states of corrosion: shades of its rust, the worse the darker."""

OTHER_KIND_COLOUR = "#7b3f8c"


def severity(grade: str | None) -> int | None:
    """Give 0 (mildest) .. 4 (severest), None without a grade or for a grade of unknown order."""
    position = None if grade is None else _POSITIONS.get(grade)
    return None if position is None else round(position * (len(GRADE_COLOURS) - 1))


def worst_grade(grade: str | None, candidates: Iterable[str]) -> str | None:
    """Give the severest grade that the figures allow; the last candidate where their order is not known."""
    possible = [*candidates] or ([grade] if grade is not None else [])
    if not possible:
        return None
    return max(enumerate(possible), key=lambda item: (_POSITIONS.get(item[1], -1.0), item[0]))[1]


def grade_colour(grade: str | None) -> str:
    """Give the colour of a grade as ``#rrggbb``."""
    level = severity(grade)
    return UNGRADED_COLOUR if level is None else GRADE_COLOURS[level]


def kind_colour(kind: str) -> str:
    """Give the colour of a kind of defect as ``#rrggbb``."""
    return KIND_COLOURS.get(kind, OTHER_KIND_COLOUR)
