"""The end of an epoch: checkpoints, validation figures, curves; and the learning rate over all of them."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from tenken.detection.detect import CONDITION_STATES
from tenken.notes import Note
from tenken_training.curves import append_row, read_rows
from tenken_training.curves_picture import PANELS, Panel, draw_curves
from tenken_training.devices import half_precision
from tenken_training.fit_settings import FitSettings
from tenken_training.fit_state import Fit
from tenken_training.network import LOSS_GAINS, LOSS_NAMES, save_network
from tenken_training.recipe import Optimiser

DescribeEpoch = Callable[[dict[str, float], int], str]
"""Gives an epoch's line for people from its row of the curves and the number of epochs."""


class Validation(Protocol):
    """Judges the network after each epoch."""

    def figures(self, network: nn.Module, device: str) -> dict[str, float]:
        """Give figures by name, for the curves."""
        ...


def learning_rate(optimiser: Optimiser, step: int, steps_per_epoch: int, clock: float = 0.0) -> float:
    """Rise linearly from 0 over the warm-up, then fall linearly to the final rate at the last step.

    ``clock`` is the part of the time that is over: where time runs faster than steps, the rate falls with it.
    """
    total = max(optimiser.epochs * steps_per_epoch, 1)
    part = min(max(step / total, clock), 1.0)
    rate = optimiser.learning_rate + part * (optimiser.final_learning_rate - optimiser.learning_rate)
    return rate * min(1.0, (step + 1) / max(optimiser.warmup_steps, 1))


def finish_epoch(
    settings: FitSettings,
    state: Fit,
    validation: Validation,
    work_dir: Path,
    device: str,
    describe: DescribeEpoch,
    panels: Sequence[Panel] = PANELS,
) -> str:
    """Write the checkpoints and the epoch's row of the curves; give its line for people.

    The last epoch may have fewer steps than the others, where the time was over.
    """
    epoch = -(-state.step // settings.steps_per_epoch)
    steps = state.step - (epoch - 1) * settings.steps_per_epoch
    checkpoint = work_dir / f"epoch-{epoch:03d}.pt"
    save_network(state.average, checkpoint, epoch=epoch)
    shutil.copyfile(checkpoint, work_dir / "last.part")
    (work_dir / "last.part").replace(work_dir / "last.pt")
    train = {f"train_{name}": float(value) for name, value in zip(LOSS_NAMES, state.sums, strict=True)}
    train = {name: value / steps for name, value in train.items()}
    with half_precision(device):
        figures = validation.figures(state.average, device)
    rate = learning_rate(settings.optimiser, state.step - 1, settings.steps_per_epoch)
    row = {"epoch": epoch, "step": state.step, "seconds": state.seconds, "learning_rate": rate, **train, **figures}
    append_row(work_dir / "curves.csv", row)
    draw_curves(read_rows(work_dir / "curves.csv"), work_dir / "curves.svg", settings.name, panels)
    state.sums = torch.zeros(len(LOSS_NAMES))
    state.seconds = 0.0
    return describe(row, settings.optimiser.epochs)


def epoch_line(row: dict[str, float], epochs: int) -> Note:
    """Say in one line how an epoch went; everything stands in ``curves.csv``."""
    # What was known is a part of retrainings only.
    loss = sum(gain * row.get(f"train_{name}", 0.0) for name, gain in zip(LOSS_NAMES, LOSS_GAINS, strict=True))
    states = "/".join(f"{row[f'val_f1_{name}']:.2f}" for name in CONDITION_STATES)
    return Note.of(
        "train.epoch",
        epoch=f"{row['epoch']:.0f}",
        epochs=epochs,
        loss=f"{loss:.3f}",
        recall=f"{row['val_crack_recall']:.2f}",
        precision=f"{row['val_crack_precision']:.2f}",
        crack_iou=f"{row['val_crack_iou']:.2f}",
        corrosion_iou=f"{row['val_corrosion_iou']:.2f}",
        states=states,
    )
