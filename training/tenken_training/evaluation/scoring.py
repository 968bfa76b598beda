"""Score photos one by one, through the product's own way from a picture to whole defects."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tenken.detection.detect import KINDS, Detector
from tenken.errors import SettingsError
from tenken.measurement.find import find_defects
from tenken_training.evaluation.centreline_score import TOLERANCE_PX
from tenken_training.evaluation.labels import LabelledPhoto, LabelledSet
from tenken_training.evaluation.photo_score import KindScore, PhotoScore, score_alarms, score_defects
from tenken_training.evaluation.results import (
    Conditions,
    Subject,
)
from tenken_training.evaluation.truth import Truth
from tenken_training.evaluation.whole_photo import score_whole_photo

RgbArray = npt.NDArray[np.uint8]


@runtime_checkable
class StateDetector(Protocol):
    """A detector that may also tell the condition state of corrosion, 0 none, 1 fair, 2 poor, 3 severe."""

    def condition_states(self, image: RgbArray, /) -> npt.NDArray[np.uint8] | None:
        """(h, w) state of each pixel; None when it tells none."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A detector to be judged.

    Parameters
    ----------
    subject
        What it is.
    detector
        At its working threshold.
    classes
        Kinds that integer labels count into.
    sensitive
        The same with a threshold of about 0.001, for average precision and calibration; None leaves these out.
    """

    subject: Subject
    detector: Detector
    classes: tuple[str, ...] = KINDS
    sensitive: Detector | None = None


def default_conditions() -> Conditions:
    """Give what is used when nothing else is said."""
    return Conditions(tile_px=640, overlap=0.2, tolerance_px=TOLERANCE_PX, whole_px=640, resamples=1000, seed=0)


def judged_kinds(labelled: LabelledSet, judged: Sequence[Judged]) -> tuple[str, ...]:
    """Kinds that were labelled and that every detector knows.

    Raises
    ------
    SettingsError
        When there is none.
    """
    known = set.intersection(*(set(one.classes) for one in judged))
    kinds = tuple(kind for kind in labelled.kinds if kind in known)
    if not kinds:
        raise SettingsError(
            f"{labelled.name} labels {', '.join(labelled.kinds) or 'nothing'}, the weights know "
            f"{', '.join(sorted(known)) or 'nothing in common'}; give a data set of the same kinds"
        )
    return kinds


def score_photos(
    labelled: LabelledSet,
    judged: Judged,
    kinds: Sequence[str],
    conditions: Conditions,
    *,
    workers: int = 1,
    on_photo: Callable[[], None] | None = None,
) -> list[PhotoScore]:
    """Score all photos of a set, in its order, several at a time."""

    def score(photo: LabelledPhoto) -> PhotoScore:
        image, truth = labelled.load(photo)
        return score_photo(photo, image, truth, judged, kinds, conditions, label_free=labelled.layout == "label-free")

    scores = []
    with ThreadPoolExecutor(workers) as pool:
        for one in _few_ahead(pool, score, labelled.photos, 2 * workers):
            scores.append(one)
            if on_photo is not None:
                on_photo()
    return scores


def score_photo(
    photo: LabelledPhoto,
    image: RgbArray,
    truth: Truth,
    judged: Judged,
    kinds: Sequence[str],
    conditions: Conditions,
    *,
    label_free: bool = False,
) -> PhotoScore:
    """Score one photo: its defects as a run finds them and, where asked, the photo as one tile."""
    begin = time.perf_counter()
    defects = find_defects(
        image, judged.detector, tile_px=conditions.tile_px, overlap=conditions.overlap, classes=judged.classes
    )
    seconds = time.perf_counter() - begin
    area = image.shape[0] * image.shape[1] / 1e6
    whole, states = {}, None
    if not label_free and judged.sensitive is not None:
        whole = score_whole_photo(
            image,
            truth,
            judged.sensitive,
            kinds,
            judged.classes,
            whole_px=conditions.whole_px,
            tolerance_px=conditions.tolerance_px,
        )
    if truth.states is not None and isinstance(judged.detector, StateDetector):
        states = judged.detector.condition_states(image)
    scores = {}
    for kind in kinds:
        if label_free:
            tally, blunders = score_alarms(kind, defects)
        else:
            tally, blunders = score_defects(kind, truth, defects, tolerance_px=conditions.tolerance_px, states=states)
        tally = {**tally, "megapixels": area}
        if (one := whole.get(kind)) is not None:
            scores[kind] = KindScore(tally, one.ranked, one.joined, one.calibration, blunders)
        else:
            scores[kind] = KindScore(tally, blunders=blunders)
    return PhotoScore(photo.name, photo.site, area, scores, tuple(defects), seconds)


def _few_ahead(
    pool: ThreadPoolExecutor,
    score: Callable[[LabelledPhoto], PhotoScore],
    photos: Sequence[LabelledPhoto],
    ahead: int,
) -> Iterator[PhotoScore]:
    """Map in order; photos are read only a few ahead, as a flight does not fit into memory."""
    waiting = []
    for photo in photos:
        waiting.append(pool.submit(score, photo))
        if len(waiting) > ahead:
            yield waiting.pop(0).result()
    for one in waiting:
        yield one.result()
