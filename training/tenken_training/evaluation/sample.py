"""How much a sample of photos can tell: the smallest difference that its intervals do not swallow, in a sentence."""

import math
from collections.abc import Mapping

from tenken.notes import Note
from tenken_training.evaluation.intervals import LEAST_PHOTOS
from tenken_training.evaluation.results import Evaluation, Figure

MAIN_FIGURES = ("line_f1", "pixel_iou", "defect_recall", "alarms_per_100_mpx")
"""The first of a kind that has an interval stands for it; figures that are alike in all photos have none."""


def sample_verdict(evaluation: Evaluation, kind: str) -> Note:
    """Say which differences in a kind's main figure the photos cannot show.

    Half the interval is what the figure moves by when other photos of the same sort are taken. Two weights on the same
    photos are told apart more finely: with a comparison, its interval decides.
    """
    photos = Note.counted("photo", evaluation.photos)
    if evaluation.comparison is not None:
        other, figures = evaluation.comparison.against.name, evaluation.comparison.figures.get(kind, {})
        if (name := _main(figures)) is not None:
            figure, reach = Note.coded("measure", name), _reach(figures[name])
            return Note.of("evaluation.sample_compared", photos=photos, other=other, name=figure, reach=reach)
    figures = evaluation.kinds[kind].figures
    if (name := _main(figures)) is not None:
        one = figures[name]
        return Note.of(
            "evaluation.sample",
            photos=photos,
            name=Note.coded("measure", name),
            reach=_reach(one),
            low=f"{one.low:.2f}",
            high=f"{one.high:.2f}",
        )
    if evaluation.photos < LEAST_PHOTOS:
        return Note.of("evaluation.sample_few", photos=photos, least=LEAST_PHOTOS)
    return Note.of("evaluation.sample_none", photos=photos)


def _main(figures: Mapping[str, Figure]) -> str | None:
    for name in MAIN_FIGURES:
        one = figures.get(name)
        if one is not None and one.low is not None and one.high is not None and one.high > one.low:
            return name
    return None


def _reach(figure: Figure) -> str:
    """Half an interval, rounded up to two decimals, or to a whole number where it is large."""
    if figure.low is None or figure.high is None:
        return ""
    half = (figure.high - figure.low) / 2
    return str(math.ceil(half)) if half >= 10 else f"{math.ceil(100 * half) / 100:.2f}"
