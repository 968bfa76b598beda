"""Scores and thresholds after a retraining: the old ones, unless new ones are clearly better on validation photos.

Whatever is chosen, the lowest score moves to where earlier pictures lose least, of what is shown and of how often that
is right: a retrained network is less sure of some of what it knew, and surer of things that are wrong.

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
from tenken_training.promotion.decision import ROUNDING
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
    sources: tuple[tuple[Seen, ...], ...] = ()
    """The replayed ones by where they come from: each earlier set, rendered walls, rendered steel."""

    def earlier(self, number: int) -> list[tuple[Seen, ...]]:
        """Give what holds a kind: all that was known, and each source that shows the kind."""
        return [self.replay, *(seen for seen in self.sources if any(one.label[number].any() for one in seen))]


@dataclass(frozen=True, slots=True)
class Known:
    """How earlier pictures are told: the part of what is shown that is right, and the part of what is labelled."""

    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """Objects of a kind, the surest first: score, size, the parts of it near a label and on one, (n,) each.

    Cracks are measured by the length of their centre lines: a wide one counts no more than a thin one. Others are
    measured by pixels. ``labelled`` is the size of all that is labelled.
    """

    score: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    near: npt.NDArray[np.float64]
    covered: npt.NDArray[np.float64]
    labelled: float

    def known(self, threshold: float) -> Known:
        """Precision and recall of what is surer than a threshold; 1 where there is nothing to be wrong about."""
        shown = self.score > threshold
        size = self.size[shown].sum()
        return Known(
            float(self.near[shown].sum() / size) if size else 1.0,
            float(self.covered[shown].sum() / self.labelled) if self.labelled else 1.0,
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """What was chosen for one network.

    Parameters
    ----------
    chosen
        By kind.
    site, replay
        F1 with that (see `tally`), mean of the kinds that the pictures show.
    kept
        All scores are the old ones.
    by_source
        F1 of each kind in each source of what was known, always in the same order; the mean over the pictures
        that show it, so that hairlines lost on one picture are not hidden by the area of a wide crack on another.
    known
        By kind: precision and recall on earlier pictures, as `Groups.earlier` has them.
    """

    chosen: Mapping[str, Calibration]
    site: float
    replay: float
    kept: bool
    known: Mapping[str, tuple[Known, ...]] = field(default_factory=dict)
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
        The start's, for what is to be held.
    """
    groups = _groups(onnx, sources, folder)
    chosen = {kind: scores_of(number, kind, groups, before, begun.known[kind]) for number, kind in enumerate(KINDS)}
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
    known = {
        kind: tuple(
            _ranked(number, kind, chosen[kind], seen).known(chosen[kind].threshold) for seen in groups.earlier(number)
        )
        for number, kind in enumerate(KINDS)
    }
    by_source = tuple(
        float(f1_of(tally(number, kind, chosen[kind], defective)).mean())
        for seen in groups.sources
        for number, kind in enumerate(KINDS)
        if (defective := [one for one in seen if one.label[number].any()])
    )
    return Scores(chosen, means[0], means[1], kept, known, by_source)


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


def scores_of(number: int, kind: str, groups: Groups, before: WeightsCard, begun: Sequence[Known]) -> Calibration:
    """Choose for one kind; new scores only where they are clearly better over resampled pictures.

    Either way the lowest score moves as `held` says.
    """
    earlier = groups.earlier(number)
    old = held(number, kind, Calibration(before.objects[kind], before.thresholds[kind], ""), earlier, begun)
    shown = [seen for seen in (groups.site, groups.replay) if any(one.label[number].any() for one in seen)]
    if not shown:
        return Calibration(old.rule, old.threshold, "no validation picture shows any; kept as it was")
    told = " and ".join(f"{_f1(number, kind, old, seen):.3f}" for seen in shown)
    moved = "raised" if old.threshold > before.thresholds[kind] else "lowered"
    how = "kept as it was" if old.threshold == before.thresholds[kind] else f"score {moved} to {old.threshold:.2f}"
    kept = Calibration(old.rule, old.threshold, f"{how} (F1 {told}, site and earlier)")
    try:
        new = held(number, kind, choose(number, kind, balanced(number, groups)), earlier, begun)
    except SettingsError:
        return kept
    gains = np.zeros(RESAMPLES)
    for seen in shown:
        draws = resamples(len(seen), count=RESAMPLES, seed=0)
        if not len(draws):
            return kept
        after, then = (tally(number, kind, one, seen) for one in (new, old))
        gains += (f1_of(draws @ after) - f1_of(draws @ then)) / len(shown)
    lost = _f1(number, kind, old, groups.replay) - _f1(number, kind, new, groups.replay)
    if np.quantile(gains, SURE) > 0 and lost <= MOST_LOST:
        now = " and ".join(f"{_f1(number, kind, new, seen):.3f}" for seen in shown)
        note = f"score {new.threshold:.2f}: F1 {now}, site and earlier; clearly better than {told} before"
        return Calibration(new.rule, new.threshold, note)
    return kept


def held(
    number: int, kind: str, scores: Calibration, earlier: Sequence[Sequence[Seen]], begun: Sequence[Known]
) -> Calibration:
    """Move the lowest score to where earlier pictures lose least beside what the start gave.

    What is lost is the largest fall of recall or precision in any one of `earlier`: all earlier pictures together, and
    each source by itself, so that what hairlines on walls lose is not made up for by wide cracks in photos. Of scores
    that lose hardly more than the best, the one nearest to the old is taken.
    """
    told = [_ranked(number, kind, scores, seen) for seen in earlier]
    tried = np.array([scores.threshold, *_turning_points(told)])
    lost = np.array([_lost(told, begun, threshold) for threshold in tried])
    good = tried[lost <= lost.min() + ROUNDING]
    return Calibration(scores.rule, float(good[np.abs(good - scores.threshold).argmin()]), scores.note)


def _lost(told: Sequence[Ranked], begun: Sequence[Known], threshold: float) -> float:
    losses = [0.0]
    for ranked, then in zip(told, begun, strict=True):
        now = ranked.known(threshold)
        losses += [then.precision - now.precision, then.recall - now.recall]
    return max(losses)


def _turning_points(told: Sequence[Ranked]) -> npt.NDArray[np.float64]:
    """Give the lowest thousandths that hide one object more; the surest is shown in any case."""
    hidden = [np.unique(_hiding(ranked.score[1:])) for ranked in told if len(ranked.score) > 1]
    points = np.concatenate([*hidden, *(each - 0.001 for each in hidden)]) if hidden else np.empty(0)
    surest = min((ranked.score[0] for ranked in told if len(ranked.score)), default=1.0)
    return np.unique(points[(points > 0) & (points < surest)])


def _hiding(score: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the lowest thousandths that hide objects of these scores; a thousandth less shows them."""
    return np.asarray(np.ceil(score * 1000) / 1000)


def _ranked(number: int, kind: str, scores: Calibration, seen: Sequence[Seen]) -> Ranked:
    table = objects_of(number, kind, scores.rule.low, seen)
    score = table.score(scores.rule.calibration)
    order = np.argsort(-score, kind="stable")
    if kind == "crack":
        labelled = float(sum(one.label_line(number).sum() for one in seen))
        size, right, covered = table.line, table.line_near, table.line_covered
    else:
        labelled = float(sum(one.label[number].sum() for one in seen))
        size, right, covered = table.size, table.near, table.covered
    return Ranked(score[order], size[order], right[order], covered[order], labelled)


def balanced(number: int, groups: Groups) -> list[Seen]:
    """Count the site's pictures so often that their labelled area weighs as much as that of the others."""
    site, replay = (sum(int(one.label[number].sum()) for one in seen) for seen in (groups.site, groups.replay))
    repeats = int(np.clip(round(replay / site), 1, MOST_REPEATS)) if site else 1
    return [*groups.site * repeats, *groups.replay]


def tally(number: int, kind: str, scores: Calibration, seen: Sequence[Seen]) -> npt.NDArray[np.float64]:
    """(pictures, 4) what is labelled, the part of it that is shown, what is shown, the part of it that is right.

    Cracks are told by the length of centre lines, as promotion tells them, others by area.
    """
    rule: PixelRule = scores.rule
    rows = []
    for one in seen:
        table = objects_of(number, kind, rule.low, [one])
        shown = table.score(rule.calibration) > scores.threshold
        if kind == "crack":
            told = (table.line_covered, table.line, table.line_near)
            rows.append([one.label_line(number).sum(), *(each[shown].sum() for each in told)])
        else:
            right = shown & table.right
            # What is right counts as found where it is labelled: masks may be narrower or wider than labels.
            covered = table.covered[right].sum()
            wrong = table.size[shown & ~table.right].sum()
            rows.append([one.label[number].sum(), covered, covered + wrong, covered])
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def f1_of(tallies: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """F1 of sums (..., 4) of `tally`."""
    labelled, found, shown, right = np.moveaxis(tallies, -1, 0)
    recall, precision = found / np.maximum(labelled, 1e-9), right / np.maximum(shown, 1e-9)
    return np.asarray(2 * recall * precision / np.maximum(recall + precision, 1e-9))


def _f1(number: int, kind: str, scores: Calibration, seen: Sequence[Seen]) -> float:
    return float(f1_of(tally(number, kind, scores, seen).sum(axis=0)))
