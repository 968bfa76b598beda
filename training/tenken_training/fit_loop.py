"""The loop of a fit: steps, saved states, ends of epochs. What is fitted on what is decided elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError
from torch import nn

from tenken.errors import SettingsError
from tenken.running.progress import Progress
from tenken_training.batches import CropSource, loader, read_ahead
from tenken_training.curves_picture import PANELS, Panel
from tenken_training.devices import half_precision
from tenken_training.epochs import DescribeEpoch, Validation, epoch_line, finish_epoch, learning_rate
from tenken_training.fit_settings import FitSettings
from tenken_training.fit_state import Fit, average_in, save_state
from tenken_training.interruption import Stop, deaf_children, stop_asked
from tenken_training.network import Batch, loss_parts, weighted
from tenken_training.rasters import write_bytes
from tenken_training.run_record import Recorder

STATE_EVERY_STEPS = 30
"""Steps between two saved states: a power cut costs so many at most."""
LARGEST_GRADIENT = 10.0
Kept = TypeVar("Kept", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loop:
    """What a fit runs on.

    Parameters
    ----------
    settings
        Sizes, seed, optimiser.
    crops
        Makes what is learned from.
    validation
        Judges after each epoch.
    work_dir
        Folder of the fit.
    device
        ``cpu`` or ``cuda``.
    workers
        Processes that make crops.
    describe
        Gives an epoch's line for people.
    enough
        Told the folder of work after each epoch; True ends the fit early.
    panels
        What the picture of the curves shows.
    """

    settings: FitSettings
    crops: CropSource
    validation: Validation
    work_dir: Path
    device: str
    workers: int = 0
    describe: DescribeEpoch = epoch_line
    enough: Callable[[Path], bool] = lambda _: False
    panels: Sequence[Panel] = PANELS


def run_steps(loop: Loop, state: Fit, end: int, recorder: Recorder, progress: Progress) -> None:
    """Do the steps that are left up to `end`, save now and then, and close each epoch.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl+C, when the step is finished and saved.
    """
    settings = loop.settings
    recorder.saved(state.step)
    progress.start("train", end - state.step)
    with stop_asked() as stop:
        with deaf_children():
            batches = iter(loader(settings, loop.crops, range(state.step, end), loop.workers))
        for made in read_ahead(batches):
            _step(settings, state, made, loop.device)
            progress.advance()
            closed = state.step % settings.steps_per_epoch == 0
            if closed:
                progress.note(
                    finish_epoch(
                        settings, state, loop.validation, loop.work_dir, loop.device, loop.describe, loop.panels
                    )
                )
            _save_now_and_then(settings, state, loop.work_dir, recorder, stop)
            if closed and state.step < end and loop.enough(loop.work_dir):
                break


def _step(settings: FitSettings, state: Fit, made: Batch, device: str) -> None:
    begun = time.monotonic()
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate(settings.optimiser, state.step, settings.steps_per_epoch)
    with half_precision(device):
        image = made.image.to(device).contiguous(memory_format=torch.channels_last).float() / 255
        logits = state.network(image)
    parts = loss_parts(logits, made, thin_cracks=settings.optimiser.thin_cracks)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(weighted(parts))
    nn.utils.clip_grad_norm_(state.network.parameters(), LARGEST_GRADIENT)
    state.optimiser.step()
    average_in(state, settings.optimiser.ema_decay)
    state.step += 1
    state.sums += parts.detach().cpu()
    state.seconds += time.monotonic() - begun


def _save_now_and_then(settings: FitSettings, state: Fit, work_dir: Path, recorder: Recorder, stop: Stop) -> None:
    if stop.asked or state.step % settings.steps_per_epoch % STATE_EVERY_STEPS == 0:
        save_state(state, work_dir)
        recorder.saved(state.step)
    if stop.asked:
        raise KeyboardInterrupt


def read_kept(path: Path, kind: type[Kept]) -> Kept | None:
    """Read the settings that a folder of work was begun with; None when there are none.

    Raises
    ------
    SettingsError
        When they cannot be read.
    """
    if not path.is_file():
        return None
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise SettingsError(f"{path} is damaged, or of another version of Tenken; choose another --work") from error


def keep(path: Path, settings: FitSettings) -> None:
    """Write the settings beside what is made with them."""
    write_bytes(path, settings.model_dump_json(indent=1).encode("utf-8") + b"\n")


@contextlib.contextmanager
def alone_in(work_dir: Path) -> Iterator[None]:
    """Let no other training write into a folder of work.

    Raises
    ------
    SettingsError
        When one does.
    """
    try:
        with FileLock(work_dir / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise SettingsError(
            f"{work_dir}: another training is writing there; wait for it, or choose another --work"
        ) from error
