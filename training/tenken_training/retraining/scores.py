"""Scores and thresholds after a retraining: the old ones, unless new ones are clearly better on validation photos."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tenken.detection.detect import KINDS
from tenken.detection.openvino_engine import OpenVinoEngine
from tenken.detection.weights_card import PixelRule, WeightsCard
from tenken.errors import SettingsError
from tenken_training.calibrate import SCALES, Calibration, Picture, Seen, choose, look_at_all, objects_of
from tenken_training.evaluation.intervals import resamples
from tenken_training.retraining.sources import Sources

RESAMPLES = 500
SURE = 0.05
"""New scores are taken when their F1 is better in all but this share of the resampled sets of pictures."""


def retrained_scores(onnx: Path, before: WeightsCard, sources: Sources, folder: Path) -> dict[str, Calibration]:
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
    seen = look_at_all(engine, list(_pictures(sources, folder)))
    return {kind: scores_of(number, kind, seen, before) for number, kind in enumerate(KINDS)}


def _pictures(sources: Sources, folder: Path) -> Iterator[Picture]:
    for photos, scales in ((sources.site, (1.0,)), (sources.replay, (1.0,)), (sources.surfaces, SCALES)):
        for photo in photos:
            if photo.split != "val":
                continue
            # Photos of the site without a defect count as sound, as textures do.
            kind = "texture" if photo.kind == "flight" else photo.kind
            labels = folder / photo.labels if photo.labels else None
            ignore = folder / photo.ignore if photo.ignore else None
            for scale in scales:
                yield Picture(folder / photo.image, kind, scale, labels, ignore)


def scores_of(number: int, kind: str, seen: Sequence[Seen], before: WeightsCard) -> Calibration:
    """Choose for one kind; new scores only where they are clearly better over resampled pictures."""
    old = Calibration(before.objects[kind], before.thresholds[kind], "")
    if not any(one.label[number].any() for one in seen):
        return Calibration(old.rule, old.threshold, "no validation picture shows any; kept as it was")
    old_f1 = float(f1_of(area_tally(number, kind, old.rule, old.threshold, seen).sum(axis=0)))
    kept = Calibration(old.rule, old.threshold, f"kept as it was (F1 of area {old_f1:.3f})")
    try:
        new = choose(number, kind, seen)
    except SettingsError:
        return kept
    tallies = [area_tally(number, kind, one.rule, one.threshold, seen) for one in (new, old)]
    draws = resamples(len(seen), count=RESAMPLES, seed=0)
    gains = f1_of(draws @ tallies[0]) - f1_of(draws @ tallies[1]) if len(draws) else np.zeros(1)
    if np.quantile(gains, SURE) > 0:
        return Calibration(new.rule, new.threshold, f"{new.note}; clearly better than the old scores' F1 {old_f1:.3f}")
    return kept


def area_tally(
    number: int, kind: str, rule: PixelRule, threshold: float, seen: Sequence[Seen]
) -> npt.NDArray[np.float64]:
    """(pictures, 3) labelled area that right objects cover, area of all objects, labelled area."""
    weights = np.array(rule.calibration)
    rows = []
    for one in seen:
        table = objects_of(number, kind, rule.low, [one])
        shown = expit(weights[0] + table.features @ weights[1:]) > threshold
        right = shown & table.right
        # What is found where nothing is adds to the area found; what is right counts as labelled there.
        found = table.covered[right].sum() + table.size[shown & ~table.right].sum()
        rows.append((table.covered[right].sum(), found, float(one.label[number].sum())))
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def f1_of(tally: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """F1 of area, of sums (..., 3) of `area_tally`."""
    covered, found, true = np.moveaxis(tally, -1, 0)
    return np.asarray(2 * covered / np.maximum(found + true, 1e-9))
