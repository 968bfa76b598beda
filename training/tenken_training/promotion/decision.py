"""The rules of promotion, and a decision by them as it is kept in ``promotion.json``.

1. Nothing is worse beyond its interval: no figure below, of no kind, in no data set, at none of its sites. The interval
   is that of the difference over the same photos, resampled together (95 %). Differences below 0.002 are those of
   rounding: weights are stored in half precision. Recall that falls while precision rises, or the other way round, is
   a trade and no loss, as long as what unites the two (line F1, pixel IoU) does not fall, and neither falls by more
   than 0.05.
2. No kind is lost: the new weights know all kinds that the others do.
3. Where data sets are given, something in them is better beyond its interval: without a gain there is no reason to
   change.

4. The labels of the data sets given lie on what they name, as far as the weights in use can tell
   (`tenken_training.promotion.label_check`): labels that are wrong would praise what learned from labels as wrong.

A swing that fewer than five photos show has no interval and decides nothing; it is listed as not judged.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tenken.errors import SettingsError
from tenken.notes import Note, NoteField
from tenken_training.evaluation import Figure, Subject
from tenken_training.evaluation.intervals import LEAST_PHOTOS

Verdict = Literal["better", "worse", "traded", "no difference", "not judged"]

LINE_FIGURES = ("line_recall", "line_precision", "line_f1")
AREA_FIGURES = ("pixel_recall", "pixel_precision", "pixel_iou")
ALARMS = "alarms_per_100_mpx"
ROUNDING = 0.002
"""Smaller differences decide nothing."""
UNITED = ("line_f1", "pixel_iou")
"""What unites recall and precision."""
LARGEST_TRADE = 0.05
FIGURES = (*LINE_FIGURES, *AREA_FIGURES, ALARMS)
"""What decides; cracks have the first, other kinds the second, pictures without defects the last."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(_Part):
    """One figure of both weights on the same photos."""

    dataset: str
    rendered: bool
    kind: str
    site: str | None
    """None for the whole set."""
    figure: str
    new: float | None
    old: float | None
    difference: float | None
    low: float | None
    high: float | None
    """Ends of the difference's interval."""
    n: int
    of: str
    verdict: Verdict

    @property
    def place(self) -> Note:
        """Kind, set and site, for people."""
        kind, dataset = Note.kinds([self.kind]), dataset_name(self.dataset)
        if self.site is None:
            return Note.of("promotion.place", kind=kind, dataset=dataset)
        return Note.of("promotion.place_site", kind=kind, dataset=dataset, site=self.site)


class Decision(_Part):
    """Whether weights are promoted, and why."""

    format: Literal[1] = 1
    new: Subject
    old: Subject
    datasets: dict[str, str]
    """SHA-256 of each set's photos and labels, by name."""
    rows: tuple[Row, ...]
    reasons: tuple[NoteField, ...]
    """Why not; empty when promoted."""
    notes: tuple[NoteField, ...] = ()
    """What to bear in mind about the photos."""

    @property
    def accepted(self) -> bool:
        """Whether the rules let the new weights pass."""
        return not self.reasons

    @property
    def better(self) -> tuple[str, ...]:
        """What got better beyond its interval."""
        return tuple(f"{row.place}: {row_text(row)}" for row in self.rows if row.verdict == "better")


def verdict_of(figure: str, difference: Figure | None) -> Verdict:
    """Judge the difference of a figure, new minus old."""
    if difference is None or difference.low is None or difference.high is None:
        return "not judged"
    if figure != ALARMS and abs(difference.value or 0.0) < ROUNDING:
        return "no difference"
    sign = -1 if figure == ALARMS else 1
    low, high = sorted((sign * difference.low, sign * difference.high))
    return "worse" if high < 0 else "better" if low > 0 else "no difference"


def traded(figure: str, differences: Mapping[str, Figure]) -> bool:
    """Whether a fall of recall or precision is made up for by the other of the two."""
    if figure in UNITED or figure == ALARMS:
        return False
    own, united = differences[figure].value, differences.get("line_f1" if figure in LINE_FIGURES else "pixel_iou")
    if own is None or united is None or united.value is None:
        return False
    return united.value >= 0 and own >= -LARGEST_TRADE


def rows_of(
    dataset: str,
    kind: str,
    site: str | None,
    new: Mapping[str, Figure],
    old: Mapping[str, Figure],
    differences: Mapping[str, Figure],
    *,
    rendered: bool,
) -> Iterator[Row]:
    """Make the rows of one kind in one set or at one site."""
    lined = "line_recall" in new
    for name in FIGURES:
        # A crack's pixels say how wide the label is, not whether it was found.
        if name not in new or name not in old or (lined and name in AREA_FIGURES):
            continue
        difference = differences.get(name)
        verdict = verdict_of(name, difference)
        yield Row(
            dataset=dataset,
            rendered=rendered,
            kind=kind,
            site=site,
            figure=name,
            new=new[name].value,
            old=old[name].value,
            difference=None if difference is None else difference.value,
            low=None if difference is None else difference.low,
            high=None if difference is None else difference.high,
            n=new[name].n,
            of=new[name].of,
            verdict="traded" if verdict == "worse" and traded(name, differences) else verdict,
        )


def reasons_of(
    rows: tuple[Row, ...], lost_kinds: tuple[str, ...], label_faults: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Say why the rules refuse, a line each; nothing when they do not."""
    reasons: list[str] = [Note.of("promotion.lost", kind=Note.kinds([kind])) for kind in lost_kinds]
    reasons += label_faults
    reasons += [
        Note.of("promotion.reason", place=row.place, row=row_text(row)) for row in rows if row.verdict == "worse"
    ]
    given = [row for row in rows if not row.rendered]
    if given and all(row.verdict == "not judged" for row in given):
        reasons.append(Note.of("promotion.too_few", least=LEAST_PHOTOS))
    elif given and not any(row.verdict == "better" for row in given):
        reasons.append(Note.of("promotion.no_gain"))
    return tuple(reasons)


def row_text(row: Row) -> Note:
    """Give a row's figure with both values and the difference's interval."""
    figure = Note.coded("measure", row.figure)
    old, new = _number(row.old), _number(row.new)
    if row.difference is None or row.low is None or row.high is None:
        return Note.of("promotion.row_without", figure=figure, old=old, new=new)
    difference, low, high = (f"{value:+.3f}" for value in (row.difference, row.low, row.high))
    return Note.of("promotion.row", figure=figure, old=old, new=new, difference=difference, low=low, high=high)


def dataset_name(name: str) -> Note:
    """Give a data set's name; those that every promotion is judged on have a Japanese one too."""
    return Note.coded("dataset", name)


def write_decision(decision: Decision, path: Path) -> None:
    """Write a decision."""
    text = json.dumps(decision.model_dump(mode="json"), ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_decision(path: Path) -> Decision:
    """Read a decision.

    Raises
    ------
    SettingsError
        When the file cannot be read or is none.
    """
    try:
        return Decision.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise SettingsError(
            f"{path} is no decision ({str(error).splitlines()[0]}); run inspect promote again"
        ) from error


def _number(value: float | None) -> str:
    return Note.of("promotion.none") if value is None else f"{value:.3f}"
