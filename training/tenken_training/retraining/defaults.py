"""Settings of a retraining, found from the photos and the machine: nobody has to know what a batch is."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tenken.detection.cores import usable_cores
from tenken_training.batches import Batches
from tenken_training.devices import half_precision
from tenken_training.fit_loop import said_of_held
from tenken_training.network import loss_parts, open_network, weighted
from tenken_training.recipe import Crops, Optimiser, Rendering
from tenken_training.retraining.crops import MixedCrops, replay_shares, site_shares
from tenken_training.retraining.settings import Photos, Retraining, StartWeights
from tenken_training.retraining.sources import SURFACE_PX, SURFACES, Sources, absences_as_mining

CROP_PX = 384
MINUTES = {"cpu": 45.0, "cuda": 20.0}
"""Time for the fit where the user names none."""
CROPS_PER_PICTURE = 80
"""Each new picture is seen about so often, whole or in part: more teaches it by heart."""
FEWEST_STEPS, MOST_STEPS = 60, 3000
EPOCHS = 12
"""Looks at the validation photos on the way, at most."""
STEPS_PER_EPOCH = 20
"""Between two of them, at least."""
CPU_BATCH = 8
"""A processor gains nothing from large batches, and more steps from small ones."""
REPLAY_SHARE = 0.6
LEARNING_RATE, LAST_LEARNING_RATE = 1.5e-4, 1e-5
WARMUP_STEPS = 40
"""The first steps at a higher rate cost more of what is known than they teach."""
PROBE_STEPS = 3
WIDEST_PX, THINNEST_PX = 24.0, 1.2
"""Enlarging a crack beyond the one, or shrinking it below the other, shows what no inspection sees."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What trains.

    Parameters
    ----------
    device
        ``cpu`` or ``cuda``.
    batch
        Crops at the same time.
    """

    device: str
    batch: int

    @property
    def minutes(self) -> float:
        """Time for the fit where the user names none."""
        return MINUTES[self.device.partition(":")[0]]


def machine_of(device: str) -> Machine:
    """Choose the batch by the memory there is: about 0.25 GB for each crop of 384 px on a GPU."""
    if device.startswith("cuda"):
        gigabytes = torch.cuda.get_device_properties(device).total_memory / 1e9
        return Machine(device, 32 if gigabytes > 14 else 16 if gigabytes > 7 else 8)
    return Machine(device, CPU_BATCH)


def chosen_settings(
    name: str,
    start: StartWeights,
    site: Photos,
    replay: tuple[Photos, ...],
    sources: Sources,
    *,
    seed: int,
    batch: int,
    minutes: float,
) -> Retraining:
    """Give settings for as many steps as the photos can use; `planned` fits them to the time.

    Crops show the photos at about the scale at which inspections do, with more enlargement for thin cracks than for
    wide ones.
    """
    pictures = len({photo.image for photo in sources.site if photo.split == "train"})
    steps = int(np.clip(pictures * CROPS_PER_PICTURE / (batch * (1 - REPLAY_SHARE)), FEWEST_STEPS, MOST_STEPS))
    width_px = float(np.median(sources.widths_px)) if sources.widths_px else 4.0
    scale = (
        float(np.clip(THINNEST_PX / width_px, 0.3, 0.7)),
        float(np.clip(WIDEST_PX / width_px, 1.4, 3.0)),
    )
    crops = Crops(size_px=CROP_PX, per_epoch=batch, scale=scale, shares=site_shares(sources))
    replay_crops = Crops(size_px=CROP_PX, per_epoch=batch, scale=(0.3, 3.0), shares=replay_shares(sources))
    settings = Retraining(
        name=name,
        seed=seed,
        start=start,
        site=site,
        replay=replay,
        replay_share=REPLAY_SHARE,
        crops=crops,
        replay_crops=replay_crops,
        rendering=Rendering(surfaces=SURFACES, surface_px=SURFACE_PX),
        mining=absences_as_mining() if sources.absent else None,
        optimiser=Optimiser(
            epochs=1,
            batch=batch,
            learning_rate=LEARNING_RATE,
            final_learning_rate=LAST_LEARNING_RATE,
            warmup_steps=WARMUP_STEPS,
            weight_decay=5e-4,
            ema_decay=0.98,
            thin_cracks=True,
        ),
        minutes=minutes,
    )
    return with_steps(settings, steps)


def with_steps(settings: Retraining, steps: int) -> Retraining:
    """Spread steps over epochs."""
    epochs = int(np.clip(steps // STEPS_PER_EPOCH, 1, EPOCHS))
    per_epoch = max(steps // epochs, 1) * settings.optimiser.batch
    return settings.model_copy(
        update={
            "crops": settings.crops.model_copy(update={"per_epoch": per_epoch}),
            "replay_crops": settings.replay_crops.model_copy(update={"per_epoch": per_epoch}),
            "optimiser": settings.optimiser.model_copy(update={"epochs": epochs}),
        }
    )


def planned(settings: Retraining, sources: Sources, folder: Path, start: Path, device: str, workers: int) -> Retraining:
    """Measure a few steps, and take as many as the time allows if that is fewer than the photos can use."""
    batches = Batches(settings, MixedCrops(settings, sources, folder))
    network = open_network(start, device).to(memory_format=torch.channels_last)
    making, computing = 0.0, 0.0
    for step in range(PROBE_STEPS + 1):
        begun = time.monotonic()
        made = batches[step]
        between = time.monotonic()
        with half_precision(device):
            image = made.image.to(device).contiguous(memory_format=torch.channels_last).float() / 255
            logits = network(image)
            said_before = said_of_held(network, image, made)
        torch.autograd.backward(weighted(loss_parts(logits, made, said_before=said_before)))
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        if step:
            # The first step warms up.
            making, computing = making + between - begun, computing + time.monotonic() - between
    each = step_seconds(making, computing, workers, 0 if device.startswith("cuda") else usable_cores()) / PROBE_STEPS
    wanted = settings.steps_per_epoch * settings.optimiser.epochs
    possible = int(settings.minutes * 60 / max(each, 1e-6))
    return with_steps(settings, max(min(wanted, possible), min(FEWEST_STEPS, wanted)))


def step_seconds(making: float, computing: float, workers: int, shared_cores: int) -> float:
    """Seconds of a step, of those that its crops and its computing take where each has the machine to itself.

    Parameters
    ----------
    making
        Crops are made by one core.
    computing
        By all cores, or by a GPU.
    workers
        Processes that make crops while others compute; 0 for none.
    shared_cores
        Cores that both compute and make crops; 0 where a GPU computes.
    """
    if not workers:
        return making + computing
    meanwhile = computing + making / shared_cores if shared_cores else computing
    return max(making / workers, meanwhile)
