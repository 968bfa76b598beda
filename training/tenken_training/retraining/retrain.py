"""From shipped weights and a few new photos to weights that know the new site and have not forgotten the others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tenken.detection.weights import Weights, find_weights
from tenken.detection.weights_card import WeightsCard, write_card
from tenken.errors import SettingsError
from tenken.notes import Note
from tenken.running.progress import Progress, Silence
from tenken.settings import Lang
from tenken_training.curves import read_rows
from tenken_training.devices import chosen_device, precision_of
from tenken_training.evaluation import Evaluation, evaluate_weights
from tenken_training.export_pixels import export_pixels
from tenken_training.fit_loop import Loop, alone_in, keep, read_kept, run_steps
from tenken_training.fit_state import start_or_resume
from tenken_training.network import open_network, save_network
from tenken_training.publish import draw_failures
from tenken_training.retraining.blending import Choice, best_epoch, chosen_blend, enough
from tenken_training.retraining.card import metrics_of, retrained_card
from tenken_training.retraining.crops import MixedCrops
from tenken_training.retraining.defaults import chosen_settings, machine_of, planned, with_steps
from tenken_training.retraining.scores import Scores, retrained_scores, start_scores
from tenken_training.retraining.settings import Photos, Retraining, StartWeights
from tenken_training.retraining.sources import Given, Sources, given_set, photos_to_judge, prepare_sources
from tenken_training.retraining.validation import PANELS, RetrainingValidation, retraining_line
from tenken_training.run_record import Recorder
from tenken_training.weights_network import network_of_weights

FEW_PHOTOS = 20
"""With fewer to train on it says that they may teach nothing."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Parameters
    ----------
    dataset
        Folder of the new photos with their labels.
    work_dir
        Folder of this training; an interrupted one is continued from there.
    out_dir
        Folder for the weights.
    name
        Name of the weights.
    start
        Weights to begin with: a name or a file.
    replay
        Folders of earlier data sets.
    minutes
        Time for the fit; by the device when None.
    steps
        Exactly so many steps, however long they take, for a fit that can be repeated elsewhere.
    device, workers, seed
        What computes; processes that make crops; seed of all random numbers.
    lang
        Language of the page that judges.
    """

    dataset: Path
    work_dir: Path
    out_dir: Path
    name: str
    start: str = "default"
    replay: tuple[Path, ...] = ()
    minutes: float | None = None
    steps: int | None = None
    device: str = "auto"
    workers: int = 0
    seed: int = 0
    lang: Lang = "en"


@dataclass(frozen=True, slots=True)
class Retrained:
    """What came out.

    Parameters
    ----------
    card, path, start, choice
        The weights, their file, those they began with, and how much of the fit they are.
    evaluation
        Compares with the start on the test photos; None where there are none.
    cut_short
        Says that the time was over long before the steps were; None where it was not.
    """

    card: WeightsCard
    path: Path
    start: Weights
    choice: Choice
    evaluation: Evaluation | None
    cut_short: Note | None = None


def retrain(request: Request, progress: Progress | None = None) -> Retrained:
    """Train on, choose, publish.

    Raises
    ------
    SettingsError
        When the data set cannot be used, or the folder of work belongs to another training.
    WeightsError
        When the start cannot be trained on.
    KeyboardInterrupt
        After Ctrl+C, when the step is finished and saved.
    """
    progress = progress or Silence()
    device = chosen_device(request.device)
    start = find_weights(request.start)
    site, replay = given_set(request.dataset), [given_set(folder) for folder in request.replay]
    request.work_dir.mkdir(parents=True, exist_ok=True)
    with alone_in(request.work_dir):
        prepared_dir = request.work_dir / "prepared"
        _refuse_other(request, start, site, replay)
        for note in (one.note for one in (site, *replay) if one.note):
            progress.note(note)
        if len(site.train.photos) < FEW_PHOTOS:
            photos = Note.counted("photo", len(site.train.photos))
            progress.note(Note.of("train.few", folder=request.dataset, photos=photos))
        checkpoint = request.work_dir / "start.pt"
        if not checkpoint.is_file():
            save_network(network_of_weights(start.path), checkpoint, epoch=0)
        if not (prepared_dir / "sources.json").is_file():
            progress.note(Note.of("train.preparing"))
        sources = prepare_sources(site, replay, request.seed, prepared_dir, start.sha256)
        settings = _settings(request, start, site, replay, sources, checkpoint, device)
        validation = RetrainingValidation(sources, prepared_dir, settings.crops.size_px)
        _fit(request, settings, sources, validation, checkpoint, device, progress)
        fitted = request.work_dir / f"epoch-{best_epoch(request.work_dir):03d}.pt"
        progress.note(Note.of("train.choosing"))

        def judge(blended: Path, begun: Scores | None) -> Scores:
            onnx = export_pixels(blended, blended.with_suffix(".onnx"), tile_px=start.card.tile_px)
            if begun is None:
                return start_scores(onnx, start.card, sources, prepared_dir)
            return retrained_scores(onnx, start.card, sources, prepared_dir, begun)

        choice = chosen_blend(checkpoint, fitted, judge, request.work_dir)
        progress.note(choice.told())
        made = _publish(request, settings, site, start, choice, progress)
        return replace(made, cut_short=_cut_short(request.work_dir, settings))


def _cut_short(work_dir: Path, settings: Retraining) -> Note | None:
    """Say where the time was over before half of the steps were done."""
    total = settings.optimiser.epochs * settings.steps_per_epoch
    done = int(read_rows(work_dir / "curves.csv")[-1]["step"])
    if done >= total / 2 or enough(work_dir):
        return None
    return Note.of("train.cut_short", done=done, total=total, minutes=f"{settings.minutes:g}")


def _refuse_other(request: Request, start: Weights, site: Given, replay: Sequence[Given]) -> None:
    """Refuse a folder of work that was begun with other photos, another start or other earlier sets."""
    before = read_kept(request.work_dir / "recipe.json", Retraining)
    if before is None:
        return
    now = (start.sha256, _sha256(site), *(_sha256(one) for one in replay))
    then = (before.start.sha256, before.site.sha256, *(one.sha256 for one in before.replay))
    if now != then or (before.name, before.seed) != (request.name, request.seed):
        raise SettingsError(
            f"{request.work_dir} was begun with other photos, labels, weights or another name; choose another --work"
        )
    if request.minutes is not None and request.minutes != before.minutes:
        raise SettingsError(
            f"{request.work_dir} was begun with --minutes {before.minutes:g}; leave it out, or choose another --work"
        )


def _settings(
    request: Request,
    start: Weights,
    site: Given,
    replay: Sequence[Given],
    sources: Sources,
    checkpoint: Path,
    device: str,
) -> Retraining:
    """Read what was decided when the training began, or decide it now."""
    path = request.work_dir / "recipe.json"
    kept = read_kept(path, Retraining)
    if kept is not None:
        return kept
    machine = machine_of(device)
    settings = chosen_settings(
        request.name,
        StartWeights(name=start.card.name, sha256=start.sha256),
        _photos(request.dataset, site),
        tuple(_photos(folder, one) for folder, one in zip(request.replay, replay, strict=True)),
        sources,
        seed=request.seed,
        batch=machine.batch,
        minutes=request.minutes or machine.minutes,
    )
    if request.steps is not None:
        settings = with_steps(settings, request.steps)
    else:
        settings = planned(settings, sources, request.work_dir / "prepared", checkpoint, device, request.workers)
    keep(path, settings)
    return settings


def _fit(
    request: Request,
    settings: Retraining,
    sources: Sources,
    validation: RetrainingValidation,
    checkpoint: Path,
    device: str,
    progress: Progress,
) -> None:
    state = start_or_resume(settings, checkpoint, request.work_dir, device)
    end = settings.optimiser.epochs * settings.steps_per_epoch
    limit_s = math.inf if request.steps is not None else 60 * settings.minutes
    closed = state.step > 0 and state.step % settings.steps_per_epoch == 0
    if state.step >= end or state.spent_s >= limit_s or (closed and enough(request.work_dir)):
        return
    recorder = Recorder(
        request.work_dir / "run.json",
        settings,
        sources.inputs,
        device=device,
        precision=precision_of(device),
        step=state.step,
    )
    crops = MixedCrops(settings, sources, request.work_dir / "prepared")
    loop = Loop(
        settings, crops, validation, request.work_dir, device, request.workers,
        describe=retraining_line, enough=enough, panels=PANELS,
        limit_s=limit_s, before=open_network(checkpoint, device).to(memory_format=torch.channels_last).eval(),
    )  # fmt: skip
    run_steps(loop, state, end, recorder, progress)


def _publish(
    request: Request,
    settings: Retraining,
    site: Given,
    start: Weights,
    choice: Choice,
    progress: Progress,
) -> Retrained:
    path = export_pixels(choice.path, request.out_dir / f"{request.name}.onnx", tile_px=start.card.tile_px)
    card_path = request.out_dir / f"{request.name}.json"
    card = retrained_card(path, settings, start, choice.path, choice.scores.chosen, choice.share)
    write_card(card, card_path)
    evaluation = None
    if (test := photos_to_judge(request.dataset, site.train)) is not None:
        progress.note(Note.of("train.judging"))
        evaluation = evaluate_weights(
            path, test, request.work_dir / "evaluation", against=start.path, progress=progress, lang=request.lang
        ).evaluation
        card = card.model_copy(update={"metrics": metrics_of(evaluation)})
    else:
        progress.note(Note.of("train.no_test", folder=request.dataset))
    card = card.model_copy(
        update={"failure_pictures": draw_failures(path, request.out_dir / f"{request.name}-failures.jpg")}
    )
    write_card(card, card_path)
    return Retrained(card, path, start, choice, evaluation)


def _photos(folder: Path, given: Given) -> Photos:
    return Photos(folder=folder.as_posix(), sha256=_sha256(given), photos=len(given.train.photos))


def _sha256(given: Given) -> str:
    """Hash of the photos and labels that are trained on."""
    return given.train.sha256()
