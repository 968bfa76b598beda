"""Fit a network to a recipe's crops; an interrupted fit goes on where it stopped.

``python -m tenken_training.fit --recipe training/recipes/crack-corrosion.toml --data ../shared --work runs/x``

The folder of work then holds ``prepared/``, ``state.pt`` (all that is needed to go on), ``curves.csv`` (a row
an epoch), ``epoch-NNN.pt`` and ``last.pt`` (checkpoints for `tenken_training.export`) and ``recipe.json``.
"""

import contextlib
import copy
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import torch
import typer
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from tenken.errors import SettingsError
from tenken_training.crops import CropMaker
from tenken_training.curves import append_row
from tenken_training.network import LOSS_NAMES, Batch, collate, loss_parts, open_network, save_network, weighted
from tenken_training.prepare import prepare
from tenken_training.recipe import Optimiser, Recipe, read_recipe, start_checkpoint
from tenken_training.validation import ValidationCrops

STATE_EVERY_STEPS = 30
"""Steps between two saved states: an interruption costs so many at most."""
LARGEST_GRADIENT = 10.0


@dataclass(slots=True)
class Fit:
    """A fit under way."""

    network: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    step: int
    sums: Tensor
    """Sums of the loss's parts since the epoch began."""
    seconds: float
    """Time that the epoch has taken so far."""


def fit(
    recipe: Recipe,
    data_dir: Path,
    work_dir: Path,
    *,
    device: str = "auto",
    last_epoch: int | None = None,
    workers: int = 0,
    textures_dir: Path | None = None,
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

    Returns
    -------
    The last checkpoint.
    """
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    work_dir.mkdir(parents=True, exist_ok=True)
    _keep_recipe(recipe, work_dir)
    index = prepare(recipe, data_dir, work_dir / "prepared", textures_dir)
    crops = CropMaker(recipe, index, data_dir, work_dir / "prepared")
    validation = ValidationCrops(recipe, index, data_dir, work_dir / "prepared")
    state = _start_or_resume(recipe, data_dir, work_dir, device)
    epochs = min(recipe.optimiser.epochs, last_epoch or recipe.optimiser.epochs)
    per_epoch = recipe.steps_per_epoch
    batches = iter(_loader(recipe, crops, range(state.step, epochs * per_epoch), workers))
    while state.step < epochs * per_epoch:
        begun = time.monotonic()
        made = next(batches)
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(recipe.optimiser, state.step, per_epoch)
        with _half_precision(device):
            image = made.image.to(device).contiguous(memory_format=torch.channels_last).float() / 255
            logits = state.network(image)
        parts = loss_parts(logits, made)
        state.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(weighted(parts))
        nn.utils.clip_grad_norm_(state.network.parameters(), LARGEST_GRADIENT)
        state.optimiser.step()
        _average_in(state, recipe.optimiser.ema_decay)
        state.step += 1
        state.sums += parts.detach().cpu()
        state.seconds += time.monotonic() - begun
        if state.step % per_epoch == 0:
            _finish_epoch(recipe, state, validation, work_dir, device)
        if state.step % per_epoch % STATE_EVERY_STEPS == 0:
            _save_state(state, work_dir)
    return work_dir / "last.pt"


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
        worker_init_fn=_one_thread,
        prefetch_factor=3 if workers else None,
        # A forked process would inherit threads that are not running in it; Windows has no fork.
        multiprocessing_context="spawn" if workers else None,
    )


def _one_thread(_worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def learning_rate(optimiser: Optimiser, step: int, steps_per_epoch: int) -> float:
    """Rise linearly from 0 over the warm-up, then fall linearly to the final rate at the last step."""
    total = max(optimiser.epochs * steps_per_epoch, 1)
    part = step / total
    rate = optimiser.learning_rate + part * (optimiser.final_learning_rate - optimiser.learning_rate)
    return rate * min(1.0, (step + 1) / max(optimiser.warmup_steps, 1))


def _start_or_resume(recipe: Recipe, data_dir: Path, work_dir: Path, device: str) -> Fit:
    # The decoder begins with random weights.
    torch.manual_seed(recipe.seed)
    network = open_network(start_checkpoint(recipe, data_dir), device).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    decayed = [value for value in network.parameters() if value.ndim > 1]
    others = [value for value in network.parameters() if value.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": recipe.optimiser.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=recipe.optimiser.learning_rate,
    )
    state = Fit(network, average, optimiser, 0, torch.zeros(len(LOSS_NAMES)), 0.0)
    path = work_dir / "state.pt"
    if path.is_file():
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        state.step, state.sums, state.seconds = saved["step"], saved["sums"].cpu(), saved["seconds"]
    return state


def _save_state(state: Fit, work_dir: Path) -> None:
    """Save all that is needed to go on, wholly or not at all."""
    content = {
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "step": state.step,
        "sums": state.sums,
        "seconds": state.seconds,
    }
    torch.save(content, work_dir / "state.part")
    (work_dir / "state.part").replace(work_dir / "state.pt")


def _average_in(state: Fit, decay: float) -> None:
    """Move the running average towards the network; faster at the beginning, when it has seen little."""
    keep = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, value in zip(state.average.state_dict().values(), state.network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)


def _finish_epoch(recipe: Recipe, state: Fit, validation: ValidationCrops, work_dir: Path, device: str) -> None:
    """Write the checkpoints and the epoch's row of the curves."""
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
    typer.echo(", ".join(f"{name} {value:.4g}" for name, value in row.items()))
    state.sums = torch.zeros(len(LOSS_NAMES))
    state.seconds = 0.0


def _keep_recipe(recipe: Recipe, work_dir: Path) -> None:
    """Write the recipe beside what it makes; refuse to go on with another one."""
    path = work_dir / "recipe.json"
    if path.is_file():
        before = Recipe.model_validate_json(path.read_text(encoding="utf-8"))
        longer = before.optimiser.model_copy(update={"epochs": recipe.optimiser.epochs})
        if before.model_copy(update={"optimiser": longer}) != recipe:
            raise SettingsError(f"{work_dir} was begun with another recipe ({path}); choose another --work")
    path.write_text(recipe.model_dump_json(indent=1) + "\n", encoding="utf-8", newline="\n")


@contextlib.contextmanager
def _half_precision(device: str) -> Iterator[None]:
    """Compute convolutions in bfloat16 where the processor does so in hardware: twice as fast on such a CPU."""
    kind = device.partition(":")[0]
    # torch has no public name for this question yet.
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    able = kind == "cuda" or (kind == "cpu" and bool(ask()))
    with torch.autocast(kind, dtype=torch.bfloat16, enabled=able):
        yield


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
    count = threads or os.cpu_count() or 1
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    path = fit(
        read_recipe(recipe),
        data,
        work,
        device=device,
        last_epoch=epochs or None,
        workers=workers,
        textures_dir=textures,
    )
    typer.echo(f"{path}")


if __name__ == "__main__":
    typer.run(main)
