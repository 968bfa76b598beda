"""Fit a network to a recipe's crops; an interrupted fit goes on where it stopped.

``inspect train`` does this and publishes; this alone: ``python -m tenken_training.fit --recipe R.toml --work runs/x``

The folder of work then holds ``prepared/``, ``state.pt`` (all that is needed to go on), ``curves.csv`` (a row
an epoch) and ``curves.svg``, ``epoch-NNN.pt`` and ``last.pt`` (checkpoints for `tenken_training.publish`),
``recipe.json`` and ``run.json`` (see `tenken_training.run_record`).
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import cv2
import torch
import typer
from filelock import FileLock, Timeout
from pydantic import ValidationError
from torch import nn
from torch.utils.data import DataLoader, Dataset

from tenken.detection.detect import CONDITION_STATES
from tenken.errors import SettingsError
from tenken.running.progress import Progress, Silence
from tenken_training.crops import CropMaker
from tenken_training.curves import append_row, read_rows
from tenken_training.curves_picture import draw_curves
from tenken_training.fit_state import Fit, average_in, save_state, start_or_resume
from tenken_training.interruption import Stop, deaf_children, leave_to_parent, stop_asked
from tenken_training.network import LOSS_GAINS, LOSS_NAMES, Batch, collate, loss_parts, save_network, weighted
from tenken_training.prepare import prepare
from tenken_training.prepared_index import check_pictures
from tenken_training.rasters import write_bytes
from tenken_training.recipe import Optimiser, Recipe, read_recipe
from tenken_training.run_record import Recorder
from tenken_training.validation import ValidationCrops

STATE_EVERY_STEPS = 30
"""Steps between two saved states: a power cut costs so many at most."""
LARGEST_GRADIENT = 10.0


def fit(
    recipe: Recipe,
    data_dir: Path,
    work_dir: Path,
    *,
    device: str = "auto",
    last_epoch: int | None = None,
    workers: int = 0,
    textures_dir: Path | None = None,
    prepared_dir: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fit until the recipe's last epoch.

    Parameters
    ----------
    recipe
        What to do. A folder of work belongs to one recipe; only its number of epochs may grow.
    data_dir
        Folder that the recipe's paths are below.
    work_dir
        Where everything is written; an interrupted fit is continued from there.
    device
        ``cpu``, ``cuda``, or ``auto`` for a GPU when there is one.
    last_epoch
        Stop after so many epochs, for a fit in several sittings.
    workers
        Processes that make crops while the network computes; has no influence on the result.
    textures_dir
        What `tenken_training.fetch_textures` wrote; ``textures`` below `data_dir` when None.
    prepared_dir
        Folder for what crops are cut from, which several trainings may share; ``prepared`` below `work_dir` when None.
    progress
        Told the steps that are left, each step, and each epoch's figures.

    Returns
    -------
    The last checkpoint.

    Raises
    ------
    SettingsError
        When data is missing, the folder belongs to another recipe or another fit is writing there, or its files
        are damaged.
    WeightsError
        When the checkpoint to begin with cannot be used.
    KeyboardInterrupt
        After Ctrl+C, when the step is finished and saved.
    """
    progress = progress or Silence()
    device = _device(device)
    if not data_dir.is_dir():
        raise SettingsError(f"{data_dir} is no folder; give the one that the recipe's sources are below with --data")
    work_dir.mkdir(parents=True, exist_ok=True)
    with _alone_in(work_dir):
        _keep_recipe(recipe, work_dir)
        prepared_dir = prepared_dir or work_dir / "prepared"
        if not (prepared_dir / "index.json").is_file():
            progress.note("Preparing labels, tiles and rendered surfaces: some minutes, once")
        index = prepare(recipe, data_dir, prepared_dir, textures_dir)
        check_pictures(index, data_dir, prepared_dir)
        crops = CropMaker(recipe, index, data_dir, prepared_dir)
        state = start_or_resume(recipe, data_dir, work_dir, device)
        epochs = min(recipe.optimiser.epochs, last_epoch or recipe.optimiser.epochs)
        end = epochs * recipe.steps_per_epoch
        if state.step < end:
            precision = "bfloat16" if _has_bfloat16(device) else "float32"
            recorder = Recorder(
                work_dir / "run.json", recipe, index, device=device, precision=precision, step=state.step
            )
            validation = ValidationCrops(recipe, index, data_dir, prepared_dir)
            recorder.saved(state.step)
            progress.start("train", end - state.step)
            with stop_asked() as stop:
                with deaf_children():
                    batches = iter(_loader(recipe, crops, range(state.step, end), workers))
                for made in _read_ahead(batches):
                    _step(recipe, state, made, device)
                    progress.advance()
                    if state.step % recipe.steps_per_epoch == 0:
                        progress.note(_finish_epoch(recipe, state, validation, work_dir, device))
                    _save_now_and_then(recipe, state, work_dir, recorder, stop)
    return work_dir / "last.pt"


def _step(recipe: Recipe, state: Fit, made: Batch, device: str) -> None:
    begun = time.monotonic()
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate(recipe.optimiser, state.step, recipe.steps_per_epoch)
    with _half_precision(device):
        image = made.image.to(device).contiguous(memory_format=torch.channels_last).float() / 255
        logits = state.network(image)
    parts = loss_parts(logits, made)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(weighted(parts))
    nn.utils.clip_grad_norm_(state.network.parameters(), LARGEST_GRADIENT)
    state.optimiser.step()
    average_in(state, recipe.optimiser.ema_decay)
    state.step += 1
    state.sums += parts.detach().cpu()
    state.seconds += time.monotonic() - begun


def _save_now_and_then(recipe: Recipe, state: Fit, work_dir: Path, recorder: Recorder, stop: Stop) -> None:
    if stop.asked or state.step % recipe.steps_per_epoch % STATE_EVERY_STEPS == 0:
        save_state(state, work_dir)
        recorder.saved(state.step)
    if stop.asked:
        raise KeyboardInterrupt


class Batches(Dataset[Batch]):
    """Batches by step: each is made from its number alone."""

    def __init__(self, recipe: Recipe, crops: CropMaker) -> None:
        self._recipe, self._crops = recipe, crops

    def __getitem__(self, step: int) -> Batch:
        epoch, place = divmod(step, self._recipe.steps_per_epoch)
        batch = self._recipe.optimiser.batch
        return collate([self._crops.crop(epoch, place * batch + number) for number in range(batch)])


def _loader(recipe: Recipe, crops: CropMaker, steps: range, workers: int) -> DataLoader[Batch]:
    return DataLoader(
        Batches(recipe, crops),
        sampler=steps,
        batch_size=None,
        num_workers=workers,
        worker_init_fn=_begin_worker,
        prefetch_factor=3 if workers else None,
        # A forked process would inherit threads that are not running in it; Windows has no fork.
        multiprocessing_context="spawn" if workers else None,
    )


def _begin_worker(_worker: int) -> None:
    leave_to_parent()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Give the batches; what a process that made them raised becomes one line again."""
    try:
        yield from batches
    except SettingsError as error:
        # torch hands on the process's whole traceback as the message; its last line is the error's own.
        last = str(error).strip().splitlines()[-1]
        raise SettingsError(last.removeprefix("tenken.errors.SettingsError: ")) from error


def learning_rate(optimiser: Optimiser, step: int, steps_per_epoch: int) -> float:
    """Rise linearly from 0 over the warm-up, then fall linearly to the final rate at the last step."""
    total = max(optimiser.epochs * steps_per_epoch, 1)
    part = step / total
    rate = optimiser.learning_rate + part * (optimiser.final_learning_rate - optimiser.learning_rate)
    return rate * min(1.0, (step + 1) / max(optimiser.warmup_steps, 1))


def _finish_epoch(recipe: Recipe, state: Fit, validation: ValidationCrops, work_dir: Path, device: str) -> str:
    """Write the checkpoints and the epoch's row of the curves; give its line for people."""
    epoch = state.step // recipe.steps_per_epoch
    checkpoint = work_dir / f"epoch-{epoch:03d}.pt"
    save_network(state.average, checkpoint, epoch=epoch)
    shutil.copyfile(checkpoint, work_dir / "last.part")
    (work_dir / "last.part").replace(work_dir / "last.pt")
    train = {f"train_{name}": float(value) for name, value in zip(LOSS_NAMES, state.sums, strict=True)}
    train = {name: value / recipe.steps_per_epoch for name, value in train.items()}
    with _half_precision(device):
        figures = validation.figures(state.average, device)
    rate = learning_rate(recipe.optimiser, state.step - 1, recipe.steps_per_epoch)
    row = {"epoch": epoch, "step": state.step, "seconds": state.seconds, "learning_rate": rate, **train, **figures}
    append_row(work_dir / "curves.csv", row)
    draw_curves(read_rows(work_dir / "curves.csv"), work_dir / "curves.svg", recipe.name)
    state.sums = torch.zeros(len(LOSS_NAMES))
    state.seconds = 0.0
    return epoch_line(row, recipe.optimiser.epochs)


def epoch_line(row: dict[str, float], epochs: int) -> str:
    """Say in one line how an epoch went; everything stands in ``curves.csv``."""
    loss = sum(gain * row[f"train_{name}"] for name, gain in zip(LOSS_NAMES, LOSS_GAINS, strict=True))
    states = "/".join(f"{row[f'val_f1_{name}']:.2f}" for name in CONDITION_STATES)
    return (
        f"epoch {row['epoch']:.0f} of {epochs}: loss {loss:.3f}; crack recall {row['val_crack_recall']:.2f}, "
        f"precision {row['val_crack_precision']:.2f}, IoU {row['val_crack_iou']:.2f}; "
        f"corrosion IoU {row['val_corrosion_iou']:.2f}, states {states}"
    )


def _keep_recipe(recipe: Recipe, work_dir: Path) -> None:
    """Write the recipe beside what it makes; refuse to go on with another one."""
    path = work_dir / "recipe.json"
    if path.is_file():
        try:
            before = Recipe.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise SettingsError(f"{path} is damaged, or of another version of Tenken; choose another --work") from error
        longer = before.optimiser.model_copy(update={"epochs": recipe.optimiser.epochs})
        if before.model_copy(update={"optimiser": longer, "described": recipe.described}) != recipe:
            raise SettingsError(f"{work_dir} was begun with another recipe ({path}); choose another --work")
    write_bytes(path, recipe.model_dump_json(indent=1).encode("utf-8") + b"\n")


@contextlib.contextmanager
def _alone_in(work_dir: Path) -> Iterator[None]:
    try:
        with FileLock(work_dir / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise SettingsError(
            f"{work_dir}: another training is writing there; wait for it, or choose another --work"
        ) from error


def _device(device: str) -> str:
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (number and not number.isdecimal()):
        raise SettingsError(f"--device {device} is unknown; use auto, cpu, cuda or cuda:1")
    if kind == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise SettingsError(f"--device {device}: torch finds no such GPU; install its CUDA build, or use --device cpu")
    return device


def _has_bfloat16(device: str) -> bool:
    """Whether convolutions in bfloat16 are worth it: every GPU that torch supports, and CPUs with AVX-512 BF16."""
    if device.startswith("cuda"):
        return True
    # torch has no public name for this question yet.
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(ask())


@contextlib.contextmanager
def _half_precision(device: str) -> Iterator[None]:
    """Compute convolutions in bfloat16 where the processor does so in hardware: twice as fast on such a CPU."""
    with torch.autocast(device.partition(":")[0], dtype=torch.bfloat16, enabled=_has_bfloat16(device)):
        yield


def use_threads(count: int) -> None:
    """Compute with so many threads; 0 for one a core."""
    count = count or os.cpu_count() or 1
    torch.set_num_threads(count)
    cv2.setNumThreads(count)


def main(
    recipe: Annotated[Path, typer.Option(help="Recipe file.", exists=True, dir_okay=False)],
    work: Annotated[Path, typer.Option(help="Folder of this training; is continued.", file_okay=False)],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's paths are below.", file_okay=False)] = Path(
        "../shared"
    ),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(help="Threads; 0 for one a core.", min=0)] = 0,
    epochs: Annotated[int, typer.Option(help="Stop after so many in all; 0 for the recipe's.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Processes that make crops.", min=0)] = 1,
    textures: Annotated[Path | None, typer.Option(help="What fetch_textures wrote.", file_okay=False)] = None,
) -> None:
    """Fit a network to a recipe."""
    from tenken.commands.terminal import shown_progress

    use_threads(threads)
    with shown_progress(quiet=False) as progress:
        path = fit(
            read_recipe(recipe), data, work,
            device=device, last_epoch=epochs or None, workers=workers, textures_dir=textures, progress=progress,
        )  # fmt: skip
    typer.echo(f"{path}")


if __name__ == "__main__":
    typer.run(main)
