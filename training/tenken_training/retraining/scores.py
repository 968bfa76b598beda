"""Scores and thresholds after a retraining: the old ones, unless new ones are clearly better on validation photos.

Whatever is chosen, what it shows of earlier pictures is right as often as before: a retrained network is surer of all
that it sees, and at the old thresholds would say more that is wrong.

The new site and what was known count alike, however many photos each has: thresholds that suit a thousand earlier
photos may hide all that a drone sees from twice the distance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

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
PRECISION_SLACK = 0.001
"""What the precision on earlier pictures may lose: a hundredth of what chance moves it by."""
MOST_REPEATS = 60
"""The site's pictures are counted so often at most, so that their labelled area weighs as much as the earlier one."""
SURFACE_SCALES = (1.0, 0.5)


@dataclass(frozen=True, slots=True)
class Groups:
    """What a network says of validation pictures: of the new site, and of what was known, with sound ones."""

    site: tuple[Seen, ...]
    replay: tuple[Seen, ...]
    sources: tuple[tuple[Seen, ...], ...] = ()
    """The replayed ones by where they come from: each earlier set, rendered walls, rendered steel."""


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
    by_source
        F1 of area of each kind in each source of what was known, always in the same order.
    precision
        By kind: part of what is found in earlier pictures, cracks by length, that lies on or near a label.
    """

    chosen: Mapping[str, Calibration]
    site: float
    replay: float
    kept: bool
    precision: Mapping[str, float] = field(default_factory=dict)
    by_source: tuple[float, ...] = ()


def start_scores(onnx: Path, card: WeightsCard, sources: Sources, folder: Path) -> Scores:
    """Judge the start with the scores of its own card; parameters are those of `retrained_scores`."""
    groups = _groups(onnx, sources, folder)
    return _judged({kind: Calibration(card.objects[kind], card.thresholds[kind], "") for kind in KINDS}, groups, card)


def retrained_scores(onnx: Path, before: WeightsCard, sources: Sources, folder: Path, begun: Scores) -> Scores:
    """Choose pixel limits, scores and thresholds, by kind.

    Parameters
    ----------
    onnx
        The new file.
    before
        Card of the weights that were trained on.
    sources, folder
        What was prepared; only validation pictures are looked at.
    begun
        The start's, for the precision that is to be held.
    """
    groups = _groups(onnx, sources, folder)
    chosen = {kind: scores_of(number, kind, groups, before, begun.precision[kind]) for number, kind in enumerate(KINDS)}
    return _judged(chosen, groups, before)


def _groups(onnx: Path, sources: Sources, folder: Path) -> Groups:
    engine = OpenVinoEngine(onnx, precision="f32")
    by_source: dict[str, list[PreparedPhoto]] = {}
    for photo in sources.replay:
        by_source.setdefault(Path(photo.image).name.partition("-")[0], []).append(photo)
    site = tuple(look_at_all(engine, list(_pictures(sources.site, folder, (1.0,)))))
    known = tuple(tuple(look_at_all(engine, list(_pictures(photos, folder, (1.0,))))) for photos in by_source.values())
    sound = look_at_all(engine, list(_pictures(sources.surfaces, folder, SURFACE_SCALES)))
    return Groups(site, (*chain.from_iterable(known), *sound), known)


def _judged(chosen: Mapping[str, Calibration], groups: Groups, before: WeightsCard) -> Scores:
    means = []
    for seen in (groups.site, groups.replay):
        shown = [
            _f1(number, kind, chosen[kind], seen)
            for number, kind in enumerate(KINDS)
            if any(one.label[number].any() for one in seen)
        ]
        means.append(float(np.mean(shown)) if shown else 0.0)
    kept = all(
        (one.rule, one.threshold) == (before.objects[kind], before.thresholds[kind]) for kind, one in chosen.items()
    )
    precision = {
        kind: _precision(*_shown_first(number, kind, chosen[kind], groups.replay)) for number, kind in enumerate(KINDS)
    }
    by_source = tuple(
        _f1(number, kind, chosen[kind], seen)
        for seen in groups.sources
        for number, kind in enumerate(KINDS)
        if any(one.label[number].any() for one in seen)
    )
    return Scores(chosen, means[0], means[1], kept, precision, by_source)


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


def scores_of(number: int, kind: str, groups: Groups, before: WeightsCard, precision: float) -> Calibration:
    """Choose for one kind; new scores only where they are clearly better over resampled pictures.

    Either way the lowest score rises as far as it must for this precision on earlier pictures.
    """
    old = held(number, kind, Calibration(before.objects[kind], before.thresholds[kind], ""), groups.replay, precision)
    shown = [seen for seen in (groups.site, groups.replay) if any(one.label[number].any() for one in seen)]
    if not shown:
        return Calibration(old.rule, old.threshold, "no validation picture shows any; kept as it was")
    told = " and ".join(f"{_f1(number, kind, old, seen):.3f}" for seen in shown)
    how = "kept as it was" if old.threshold == before.thresholds[kind] else f"score raised to {old.threshold:.2f}"
    kept = Calibration(old.rule, old.threshold, f"{how} (F1 of area {told}, site and earlier)")
    try:
        new = held(number, kind, choose(number, kind, balanced(number, groups)), groups.replay, precision)
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


def held(number: int, kind: str, scores: Calibration, seen: Sequence[Seen], precision: float) -> Calibration:
    """Raise the lowest score until what is found is right so often; as it was where no score would do."""
    score, near, size = _shown_first(number, kind, scores, seen)
    right = np.cumsum(near) >= (precision - PRECISION_SLACK) * np.cumsum(size)
    if not len(score) or right[-1] or not right.any():
        return scores
    # The first that is left out.
    cut = score[int(np.flatnonzero(right)[-1]) + 1]
    return Calibration(scores.rule, float(np.ceil(cut * 1000) / 1000), scores.note)


def _shown_first(
    number: int, kind: str, scores: Calibration, seen: Sequence[Seen]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Score, what lies on or near a label, and size of the objects that are shown, the surest first.

    Cracks are measured by length, for which the longer side of their box stands: a wide one counts no more than a thin
    one. Others are measured by pixels.
    """
    table = objects_of(number, kind, scores.rule.low, seen)
    score = table.score(scores.rule.calibration)
    shown = np.flatnonzero(score > scores.threshold)
    order = shown[np.argsort(-score[shown], kind="stable")]
    size = np.exp(table.features[order, 2]) if kind == "crack" else table.size[order]
    return score[order], size * table.near[order] / table.size[order], size


def _precision(_score: npt.NDArray[np.float64], near: npt.NDArray[np.float64], size: npt.NDArray[np.float64]) -> float:
    return float(near.sum() / size.sum()) if len(size) else 1.0


def balanced(number: int, groups: Groups) -> list[Seen]:
    """Count the site's pictures so often that their labelled area weighs as much as that of the others."""
    site, replay = (sum(int(one.label[number].sum()) for one in seen) for seen in (groups.site, groups.replay))
    repeats = int(np.clip(round(replay / site), 1, MOST_REPEATS)) if site else 1
    return [*groups.site * repeats, *groups.replay]


def area_tally(number: int, kind: str, scores: Calibration, seen: Sequence[Seen]) -> npt.NDArray[np.float64]:
    """(pictures, 3) labelled area that right objects cover, area that is found, labelled area."""
    rule: PixelRule = scores.rule
    rows = []
    for one in seen:
        table = objects_of(number, kind, rule.low, [one])
        shown = table.score(rule.calibration) > scores.threshold
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
