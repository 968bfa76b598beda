"""How much a sample of photos can tell: the smallest difference that its intervals do not swallow, in a sentence."""

import math
from collections.abc import Mapping

from tenken.wording import counted
from tenken_training.evaluation.intervals import LEAST_PHOTOS
from tenken_training.evaluation.results import Evaluation, Figure

MAIN_FIGURES = ("line_f1", "pixel_iou", "defect_recall", "alarms_per_100_mpx")
"""The first of a kind that has an interval stands for it; figures that are alike in all photos have none."""


def sample_verdict(evaluation: Evaluation, kind: str) -> str:
    """Say which differences in a kind's main figure the photos cannot show.

    Half the interval is what the figure moves by when other photos of the same sort are taken. Two weights on the same
    photos are told apart more finely: with a comparison, its interval decides.
    """
    photos = counted(evaluation.photos, "photo")
    if evaluation.comparison is not None:
        other, figures = evaluation.comparison.against.name, evaluation.comparison.figures.get(kind, {})
        if (name := _main(figures)) is not None:
            return (
                f"{photos}, the same for both: a difference to {other} in {name} "
                f"below {_reach(figures[name])} proves nothing."
            )
    figures = evaluation.kinds[kind].figures
    if (name := _main(figures)) is not None:
        one = figures[name]
        return (
            f"{photos}: differences in {name} below {_reach(one)} prove nothing "
            f"(with other photos of the same sort it could as well be {one.low:.2f} to {one.high:.2f})."
        )
    if evaluation.photos < LEAST_PHOTOS:
        return f"{photos}: too few for an interval ({LEAST_PHOTOS} at least). The figures say nothing of other photos."
    return f"{photos}: nothing in them lets an interval be made. The figures say nothing of other photos."


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
