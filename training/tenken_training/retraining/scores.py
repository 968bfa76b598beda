"""Scores and thresholds after a retraining: the old ones, unless new ones are clearly better on validation photos.

The new site and what was known count alike, however many photos each has: thresholds that suit a thousand earlier
photos may hide all that a drone sees from twice the distance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tenken.detection.detect import KINDS
from tenken.detection.openvino_engine import OpenVinoEngine
from tenken.detection.weights_card import PixelRule, WeightsCard
from tenken.errors import SettingsError
from tenken_training.calibrate import Calibration, Picture, Seen, choose, look_at_all, objects_of
from tenken_training.evaluation.intervals import resamples
from tenken_training.prepared_index import PreparedPhoto
from tenken_training.retraining.sources import Sources

RESAMPLES = 500
SURE = 0.05
"""New scores are taken when they are better in all but this share of the resampled sets of pictures."""
MOST_LOST = 0.01
"""What the F1 of what was known may lose."""
MOST_REPEATS = 60
"""The site's pictures are counted so often at most, so that their labelled area weighs as much as the earlier one."""
SURFACE_SCALES = (1.0, 0.5)


@dataclass(frozen=True, slots=True)
class Groups:
    """What a network says of validation pictures: of the new site, and of what was known, with sound ones."""

    site: tuple[Seen, ...]
    replay: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """What was chosen for one network.

    Parameters
    ----------
    chosen
        By kind.
    site, replay
        F1 of area with that, mean of the kinds that the pictures show.
    kept
        All scores are the old ones.
    """

    chosen: Mapping[str, Calibration]
    site: float
    replay: float
    kept: bool


def retrained_scores(onnx: Path, before: WeightsCard, sources: Sources, folder: Path) -> Scores:
    """Choose pixel limits, scores and thresholds, by kind.

    Parameters
    ----------
    onnx
        The new file.
    before
        Card of the weights that were trained on.
    sources, folder
        What was prepared; only validation pictures are looked at.
    """
    engine = OpenVinoEngine(onnx, precision="f32")
    groups = Groups(
        site=tuple(look_at_all(engine, list(_pictures(sources.site, folder, (1.0,))))),
        replay=tuple(
            look_at_all(
                engine,
                [*_pictures(sources.replay, folder, (1.0,)), *_pictures(sources.surfaces, folder, SURFACE_SCALES)],
            )
        ),
    )
    chosen = {kind: scores_of(number, kind, groups, before) for number, kind in enumerate(KINDS)}
    means = []
    for seen in (groups.site, groups.replay):
        shown = [
            _f1(number, kind, chosen[kind], seen)
            for number, kind in enumerate(KINDS)
            if any(one.label[number].any() for one in seen)
        ]
        means.append(float(np.mean(shown)) if shown else 0.0)
    kept = all(chosen[kind].rule == before.objects[kind] for kind in KINDS)
    return Scores(chosen, means[0], means[1], kept and _same_thresholds(chosen, before))


def _same_thresholds(chosen: Mapping[str, Calibration], before: WeightsCard) -> bool:
    return all(one.threshold == before.thresholds[kind] for kind, one in chosen.items())


def _pictures(photos: Sequence[PreparedPhoto], folder: Path, scales: Sequence[float]) -> Iterator[Picture]:
    for photo in photos:
        if photo.split != "val":
            continue
        # Photos of a site without a defect count as sound, as textures do.
        kind = "texture" if photo.kind == "flight" else photo.kind
        labels = folder / photo.labels if photo.labels else None
        ignore = folder / photo.ignore if photo.ignore else None
        for scale in scales:
            yield Picture(folder / photo.image, kind, scale, labels, ignore)


def scores_of(number: int, kind: str, groups: Groups, before: WeightsCard) -> Calibration:
    """Choose for one kind; new scores only where they are clearly better over resampled pictures."""
    old = Calibration(before.objects[kind], before.thresholds[kind], "")
    shown = [seen for seen in (groups.site, groups.replay) if any(one.label[number].any() for one in seen)]
    if not shown:
        return Calibration(old.rule, old.threshold, "no validation picture shows any; kept as it was")
    told = " and ".join(f"{_f1(number, kind, old, seen):.3f}" for seen in shown)
    kept = Calibration(old.rule, old.threshold, f"kept as it was (F1 of area {told}, site and earlier)")
    try:
        new = choose(number, kind, balanced(number, groups))
    except SettingsError:
        return kept
    gains = np.zeros(RESAMPLES)
    for seen in shown:
        draws = resamples(len(seen), count=RESAMPLES, seed=0)
        if not len(draws):
            return kept
        after, then = (area_tally(number, kind, one, seen) for one in (new, old))
        gains += (f1_of(draws @ after) - f1_of(draws @ then)) / len(shown)
    lost = _f1(number, kind, old, groups.replay) - _f1(number, kind, new, groups.replay)
    if np.quantile(gains, SURE) > 0 and lost <= MOST_LOST:
        now = " and ".join(f"{_f1(number, kind, new, seen):.3f}" for seen in shown)
        note = f"score {new.threshold:.2f}: F1 of area {now}, site and earlier; clearly better than {told} before"
        return Calibration(new.rule, new.threshold, note)
    return kept


def balanced(number: int, groups: Groups) -> list[Seen]:
    """Count the site's pictures so often that their labelled area weighs as much as that of the others."""
    site, replay = (sum(int(one.label[number].sum()) for one in seen) for seen in (groups.site, groups.replay))
    repeats = int(np.clip(round(replay / site), 1, MOST_REPEATS)) if site else 1
    return [*groups.site * repeats, *groups.replay]


def area_tally(number: int, kind: str, scores: Calibration, seen: Sequence[Seen]) -> npt.NDArray[np.float64]:
    """(pictures, 3) labelled area that right objects cover, area that is found, labelled area."""
    rule: PixelRule = scores.rule
    weights = np.array(rule.calibration)
    rows = []
    for one in seen:
        table = objects_of(number, kind, rule.low, [one])
        shown = expit(weights[0] + table.features @ weights[1:]) > scores.threshold
        right = shown & table.right
        # What is right counts as found where it is labelled: masks may be narrower or wider than labels.
        found = table.covered[right].sum() + table.size[shown & ~table.right].sum()
        rows.append((table.covered[right].sum(), found, float(one.label[number].sum())))
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def f1_of(tally: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """F1 of area, of sums (..., 3) of `area_tally`."""
    covered, found, true = np.moveaxis(tally, -1, 0)
    return np.asarray(2 * covered / np.maximum(found + true, 1e-9))


def _f1(number: int, kind: str, scores: Calibration, seen: Sequence[Seen]) -> float:
    return float(f1_of(area_tally(number, kind, scores, seen).sum(axis=0)))
