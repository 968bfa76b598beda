"""Evaluate weights by name or file on a data set, and leave ``evaluation.json`` and ``evaluation.html``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tenken.detection.cores import usable_cores
from tenken.detection.detect import load_detector
from tenken.detection.weights import find_weights
from tenken.notes import Note
from tenken.running.progress import Progress, Silence
from tenken.settings import Lang
from tenken_training.evaluation.labels import LabelledSet
from tenken_training.evaluation.photo_score import PhotoScore
from tenken_training.evaluation.report import write_page
from tenken_training.evaluation.results import Conditions, Evaluation, Subject, write_evaluation
from tenken_training.evaluation.scoring import Judged, default_conditions, judged_kinds, score_photos
from tenken_training.evaluation.summary import compare, evaluation_of
from tenken_training.evaluation.whole_photo import SENSITIVE_SCORE


@dataclass(frozen=True, slots=True)
class Outcome:
    """An evaluation and what it was made of."""

    evaluation: Evaluation
    scores: tuple[PhotoScore, ...]


def judged_weights(
    name_or_path: str | Path,
    *,
    device: str = "auto",
    min_score: float | Mapping[str, float] | None = None,
    sensitive: bool = True,
) -> Judged:
    """Load weights twice: at their working threshold, and at a very low one for average precision.

    Raises
    ------
    WeightsError
        When the weights are unknown, damaged or not trusted.
    """
    weights = find_weights(name_or_path)
    thresholds = dict(weights.card.thresholds)
    if isinstance(min_score, Mapping):
        thresholds |= min_score
    elif min_score is not None:
        thresholds = dict.fromkeys(thresholds, min_score)
    return Judged(
        Subject(name=weights.card.name, sha256=weights.sha256, thresholds=thresholds),
        load_detector(weights.path, device=device, min_score=min_score),
        weights.card.classes,
        load_detector(weights.path, device=device, min_score=SENSITIVE_SCORE) if sensitive else None,
    )


def evaluate_weights(
    weights: str | Path,
    labelled: LabelledSet,
    out_dir: Path | None = None,
    *,
    against: str | Path | None = None,
    conditions: Conditions | None = None,
    device: str = "auto",
    min_score: float | Mapping[str, float] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    lang: Lang = "en",
) -> Outcome:
    """Evaluate weights, and others on the same photos where asked.

    Parameters
    ----------
    weights, against
        Names or files of weights. ``against`` runs at its own thresholds.
    labelled
        The data set.
    out_dir
        Folder for ``evaluation.json`` and ``evaluation.html``; nothing is written when None.
    min_score
        Other thresholds than the card's, for ``weights``.
    workers
        Photos at the same time; as many as there are cores when None.
    lang
        Language of the page.

    Raises
    ------
    SettingsError
        When weights and data set have no kind in common, or labels cannot be used.
    WeightsError
        When weights cannot be used.
    """
    conditions = conditions or default_conditions()
    progress = progress or Silence()
    ranked = labelled.layout != "label-free"
    judged = [judged_weights(weights, device=device, min_score=min_score, sensitive=ranked)]
    if against is not None:
        judged.append(judged_weights(against, device=device, sensitive=ranked))
    kinds = judged_kinds(labelled, judged)
    progress.start("evaluate", len(labelled.photos) * len(judged))
    scored = [
        score_photos(labelled, one, kinds, conditions, workers=workers or usable_cores(), on_photo=progress.advance)
        for one in judged
    ]
    comparison = compare(scored[0], scored[1], judged[1].subject, kinds, conditions) if len(judged) > 1 else None
    evaluation = evaluation_of(
        labelled,
        judged[0].subject,
        scored[0],
        kinds,
        conditions,
        comparison=comparison,
        notes=_notes(labelled, kinds),
    )
    if out_dir is not None:
        out_dir.mkdir(parents=True, exist_ok=True)
        write_evaluation(evaluation, out_dir / "evaluation.json")
        write_page(out_dir / "evaluation.html", evaluation, labelled, scored[0], lang)
    return Outcome(evaluation, tuple(scored[0]))


def _notes(labelled: LabelledSet, kinds: tuple[str, ...]) -> list[Note]:
    notes = [] if labelled.caution is None else [labelled.caution]
    if unknown := [kind for kind in labelled.kinds if kind not in kinds]:
        notes.append(Note.of("evaluation.not_judged", kinds=Note.kinds(unknown)))
    if labelled.layout != "label-free":
        notes.append(Note.of("evaluation.labelled", kinds=Note.kinds(labelled.kinds)))
    return notes
