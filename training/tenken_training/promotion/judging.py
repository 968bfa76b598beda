"""Judge two weights on the same photos, and draw what got worse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tenken.detection.cores import usable_cores
from tenken.errors import SettingsError
from tenken.running.progress import Progress
from tenken_training.evaluation import Conditions, Judged, LabelledSet, compare, score_photos
from tenken_training.evaluation.blunders import Blunder
from tenken_training.evaluation.figures import estimates
from tenken_training.evaluation.intervals import resamples
from tenken_training.evaluation.photo_score import PhotoScore
from tenken_training.evaluation.pictures import BlunderPicture, as_data_uri, draw_blunder
from tenken_training.evaluation.results import Figure
from tenken_training.evaluation.summary import as_figures, by_site
from tenken_training.promotion.decision import Row, rows_of
from tenken_training.promotion.label_check import label_faults
from tenken_training.promotion.rendered_sets import RenderedSet

PICTURES = 8
"""Of each kind and set that got worse."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A set with the scores of both weights."""

    labelled: LabelledSet
    new: tuple[PhotoScore, ...]
    old: tuple[PhotoScore, ...]
    rows: tuple[Row, ...]
    label_faults: tuple[str, ...]
    """What cannot be right about the set's labels."""


def compared(
    labelled: LabelledSet, new: Judged, old: Judged, conditions: Conditions, workers: int | None, progress: Progress
) -> Compared:
    """Score both weights on a set and compare them, by kind and site.

    Raises
    ------
    SettingsError
        When labels cannot be used, or neither of the weights knows what the set labels.
    """
    kinds = tuple(kind for kind in labelled.kinds if kind in new.classes and kind in old.classes)
    if not kinds and not set(labelled.kinds) & set(old.classes):
        raise SettingsError(f"{labelled.name} labels {', '.join(labelled.kinds)}, which the weights do not know")
    scores: list[list[PhotoScore]] = [
        score_photos(labelled, one, kinds, conditions, workers=workers or usable_cores(), on_photo=progress.advance)
        for one in (new, old)
    ]
    faults: tuple[str, ...] = ()
    if labelled.layout != "label-free" and not isinstance(labelled, RenderedSet):
        faults = tuple(label_faults(labelled, scores[1], kinds, conditions.seed))
    rows = tuple(_rows(labelled, scores, kinds, old, conditions))
    return Compared(labelled, tuple(scores[0]), tuple(scores[1]), rows, faults)


def _rows(
    labelled: LabelledSet,
    scores: Sequence[Sequence[PhotoScore]],
    kinds: Sequence[str],
    old: Judged,
    conditions: Conditions,
) -> Iterator[Row]:
    comparison = compare(scores[0], scores[1], old.subject, kinds, conditions)
    rendered = isinstance(labelled, RenderedSet)
    sites = [by_site(part) for part in scores]
    for kind in kinds:
        ours, theirs = (_figures(part, kind, conditions) for part in scores)
        yield from rows_of(labelled.name, kind, None, ours, theirs, comparison.figures[kind], rendered=rendered)
        for site, differences in comparison.sites[kind].items():
            ours, theirs = (_figures(groups[site], kind, conditions) for groups in sites)
            yield from rows_of(labelled.name, kind, site, ours, theirs, differences, rendered=rendered)


def _figures(scores: Sequence[PhotoScore], kind: str, conditions: Conditions) -> dict[str, Figure]:
    draws = resamples(len(scores), count=0, seed=conditions.seed)
    return as_figures(estimates([score.kinds[kind] for score in scores], draws, ranked=False))


def worse_pictures(done: Compared, kind: str, count: int = PICTURES) -> list[BlunderPicture]:
    """Draw misses and false alarms of the new weights that the old ones did not have, the largest first."""
    old = {score.photo: score.kinds[kind].blunders for score in done.old}
    fresh: list[tuple[PhotoScore, Blunder]] = [
        (score, blunder)
        for score in done.new
        for blunder in score.kinds[kind].blunders
        if not any(_same(blunder, before) for before in old[score.photo])
    ]
    fresh.sort(key=lambda pair: -pair[1].size)
    by_name = {photo.name: photo for photo in done.labelled.photos}
    drawn = []
    for score, blunder in fresh[:count]:
        image, truth = done.labelled.load(by_name[score.photo])
        outlines = [defect.outline_px for defect in score.defects if defect.kind == kind]
        picture = draw_blunder(image, truth.region(kind), outlines, blunder)
        drawn.append(BlunderPicture(score.photo, blunder, as_data_uri(picture)))
    return drawn


def _same(one: Blunder, other: Blunder) -> bool:
    """Whether two blunders are of one sort and overlap by half of their boxes' union."""
    if (one.score is None) != (other.score is None):
        return False
    a, b = one.xyxy_px, other.xyxy_px
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width < 0 or height < 0:
        return False
    shared: Any = (width + 1) * (height + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return bool(shared >= 0.5 * (sum(areas) - shared))
