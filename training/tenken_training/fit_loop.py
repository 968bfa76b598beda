"""The loop of a fit: steps, saved states, ends of epochs. What is fitted on what is decided elsewhere."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError
from torch import Tensor, nn

from tenken.errors import SettingsError
from tenken.notes import Note
from tenken.running.progress import Progress
from tenken_training.batches import CropSource, loader, read_ahead
from tenken_training.curves_picture import PANELS, Panel
from tenken_training.devices import half_precision
from tenken_training.echoes import batches_for, echoed
from tenken_training.epochs import DescribeEpoch, Validation, epoch_line, finish_epoch, learning_rate
from tenken_training.fit_settings import FitSettings
from tenken_training.fit_state import Fit, average_in, save_state
from tenken_training.interruption import deaf_children, stop_asked
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
    before
        The network before the fit, to which it is held where crops say so; None where none do.
    limit_s
        The fit ends after so much time in all sittings, whatever steps are left.
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
    limit_s: float = math.inf
    before: nn.Module | None = None


def run_steps(loop: Loop, state: Fit, end: int, recorder: Recorder, progress: Progress) -> None:
    """Do the steps that are left up to `end`, save now and then, and close each epoch.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl+C, when the step is finished and saved.
    """
    recorder.saved(state.step)
    progress.start("train", end - state.step)
    with (
        stop_asked(lambda: progress.note(Note.of("train.stopping"))) as stop,
        _batches(loop, range(state.step, end)) as batches,
    ):
        begun = time.monotonic()
        for made in batches:
            _step(loop, state, made)
            # With the wait for the batch, which a slow disk may cause.
            took_s = time.monotonic() - begun
            state.seconds, state.spent_s = state.seconds + took_s, state.spent_s + took_s
            progress.advance()
            over = state.spent_s >= loop.limit_s and state.step < end
            closed = over or state.step % loop.settings.steps_per_epoch == 0
            if closed:
                progress.note(_epoch_closed(loop, state))
            if closed or stop.asked or state.step % loop.settings.steps_per_epoch % STATE_EVERY_STEPS == 0:
                save_state(state, loop.work_dir)
                recorder.saved(state.step)
            if stop.asked:
                raise KeyboardInterrupt
            if over:
                progress.note(Note.of("train.time_over", done=state.step, total=end))
            if over or (closed and state.step < end and loop.enough(loop.work_dir)):
                break
            begun = time.monotonic()


@contextlib.contextmanager
def _batches(loop: Loop, steps: range) -> Iterator[Iterator[Batch]]:
    """Give the batches of steps; the processes that make them end with this, not when the interpreter does."""
    echoes = loop.settings.optimiser.echoes
    numbers = steps if echoes == 1 else batches_for(steps, echoes)
    with deaf_children():
        made = iter(loader(loop.settings, loop.crops, numbers, loop.workers))
    try:
        batches = read_ahead(made)
        yield batches if echoes == 1 else echoed(batches, steps, echoes, loop.settings.seed, loop.device)
    finally:
        del made


def _epoch_closed(loop: Loop, state: Fit) -> str:
    return finish_epoch(loop.settings, state, loop.validation, loop.work_dir, loop.device, loop.describe, loop.panels)


def _step(loop: Loop, state: Fit, made: Batch) -> None:
    settings = loop.settings
    rate = learning_rate(settings.optimiser, state.step, settings.steps_per_epoch, state.spent_s / loop.limit_s)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    with half_precision(loop.device):
        image = made.image.to(loop.device).contiguous(memory_format=torch.channels_last).float() / 255
        logits = state.network(image)
        said_before = said_of_held(loop.before, image, made)
    parts = loss_parts(logits, made, thin_cracks=settings.optimiser.thin_cracks, said_before=said_before)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(weighted(parts))
    nn.utils.clip_grad_norm_(state.network.parameters(), LARGEST_GRADIENT)
    state.optimiser.step()
    average_in(state, settings.optimiser.ema_decay)
    state.step += 1
    state.sums += parts.detach().cpu()


def said_of_held(before: nn.Module | None, image: Tensor, made: Batch) -> Tensor | None:
    """Give the logits of the network before the fit for a batch, 0 where no class is held; None where nothing is."""
    some = made.held.any(dim=1).to(image.device)
    if before is None or not some.any():
        return None
    with torch.no_grad():
        told: Tensor = before(image[some].contiguous(memory_format=torch.channels_last))
        logits = told.new_zeros(len(image), *told.shape[1:])
        logits[some] = told
    return logits


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
