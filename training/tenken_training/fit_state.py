"""What a fit consists of at any moment, and the file that it goes on from."""

import copy
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tenken.errors import SettingsError
from tenken_training.fit_settings import FitSettings
from tenken_training.network import LOSS_NAMES, open_network

STATE = "state.pt"


@dataclass(slots=True)
class Fit:
    """A fit under way."""

    network: nn.Module
    average: nn.Module
    """Running average of the network's weights: what is validated and published."""
    optimiser: torch.optim.Optimizer
    step: int
    sums: Tensor
    """Sums of the loss's parts since the epoch began."""
    seconds: float
    """Time that the epoch has taken so far."""
    spent_s: float = 0.0
    """Time that all steps have taken so far, in all sittings."""


def start_or_resume(settings: FitSettings, checkpoint: Path, work_dir: Path, device: str) -> Fit:
    """Begin with a checkpoint, or go on from what the folder of work holds.

    Raises
    ------
    SettingsError
        When the saved state is damaged.
    WeightsError
        When the checkpoint cannot be used.
    """
    # The decoder begins with random weights.
    torch.manual_seed(settings.seed)
    network = open_network(checkpoint, device).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    decayed = [value for value in network.parameters() if value.ndim > 1]
    others = [value for value in network.parameters() if value.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.optimiser.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.optimiser.learning_rate,
    )
    state = Fit(network, average, optimiser, 0, torch.zeros(len(LOSS_NAMES)), 0.0)
    if (work_dir / STATE).is_file():
        _resume(state, work_dir / STATE, device)
    return state


def _resume(state: Fit, path: Path, device: str) -> None:
    content = io.BytesIO(path.read_bytes())
    try:
        saved: dict[str, Any] = torch.load(content, map_location=device, weights_only=True)
        state.network.load_state_dict(saved["network"])
        state.average.load_state_dict(saved["average"])
        state.optimiser.load_state_dict(saved["optimiser"])
        state.step, state.sums, state.seconds = int(saved["step"]), saved["sums"].cpu(), float(saved["seconds"])
        state.spent_s = float(saved.get("spent_s", 0.0))
    except Exception as error:  # torch, zip and pickle each raise their own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SettingsError(
            f"{path} is damaged ({reason[:120]}); put a copy of it back, or delete it to begin at the first step again"
        ) from error


def save_state(state: Fit, work_dir: Path) -> None:
    """Save all that is needed to go on, wholly or not at all, also when the power fails."""
    content = {
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "step": state.step,
        "sums": state.sums,
        "seconds": state.seconds,
        "spent_s": state.spent_s,
    }
    # By way of memory: torch tells of a full disk in a way that nobody understands.
    stored = io.BytesIO()
    torch.save(content, stored)
    half = work_dir / "state.part"
    with half.open("wb") as file:
        file.write(stored.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    half.replace(work_dir / STATE)


def average_in(state: Fit, decay: float) -> None:
    """Move the running average towards the network; faster at the beginning, when it has seen little."""
    keep = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, value in zip(state.average.state_dict().values(), state.network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)
