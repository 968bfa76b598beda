"""Several steps for each batch of crops that is made: where making crops takes longer than learning from them.

Choi et al., "Faster Neural Network Training with Data Echoing" (arXiv 1907.05550): what is used again costs nothing
but the step, and teaches nearly as much when it is shuffled and looked at anew. Each step draws its crops from the
last batches that were made, mirrors or turns them, cuts a part out, and changes their light.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from tenken_demo.noise import stream
from tenken_training.network import Batch

KEPT_BATCHES = 24
"""Batches that steps draw from."""
CUT_PX = 32
"""A side of a look is so much shorter than a crop's: things lie elsewhere on the network's grid."""
TURNED = 0.3
"""Share of the looks that are turned by quarters or stand on their heads; rust shows which way water runs."""
LIGHT = 0.12
"""Standard deviation of the logarithm of a crop's exposure."""
NOISE = 0.015
"""Highest standard deviation of noise, of 1."""


def batches_for(steps: range, echoes: int) -> range:
    """Numbers of the batches that steps draw from; some are made again when a fit goes on."""
    return range(max(steps.start // echoes - KEPT_BATCHES + 1, 0), -(-steps.stop // echoes))


def echoed(made: Iterable[Batch], steps: range, echoes: int, seed: int, device: str) -> Iterator[Batch]:
    """Give the batch of each step.

    Parameters
    ----------
    made
        Batches by the numbers of `batches_for`.
    steps
        Steps to give batches for.
    echoes
        Steps for each batch.
    seed
        Decides which crops a step draws, and how they are looked at.
    device
        Where batches are kept and changed.

    Yields
    ------
    Batches of the size of those made, images float32 in 0..255; the same step gives the same batch.
    """
    kept: deque[Batch] = deque(maxlen=KEPT_BATCHES)
    numbered = zip(batches_for(steps, echoes), made, strict=False)
    number = -1
    for step in steps:
        while number < step // echoes:
            number, batch = next(numbered)
            kept.append(batch.to(device))
        yield _drawn(kept, stream(seed, "echo", step))


def _drawn(kept: deque[Batch], rng: np.random.Generator) -> Batch:
    size = len(kept[-1].image)
    # From how many of each batch: as a draw from all crops would.
    counts = rng.multivariate_hypergeometric([len(one.image) for one in kept], size)
    parts = []
    for one, count in zip(kept, counts.tolist(), strict=True):
        parts.append(one.take(torch.from_numpy(rng.permutation(len(one.image))[:count])))
    return looked_at_anew(Batch.joined(parts), rng)


def looked_at_anew(batch: Batch, rng: np.random.Generator) -> Batch:
    """Mirror or turn a batch, cut a part out of each crop, and change each crop's light and noise."""
    side = batch.image.shape[-1] - CUT_PX
    top, left = rng.integers(0, CUT_PX + 1, 2).tolist()
    mirrored = bool(rng.random() < 0.5)
    quarters = int(rng.integers(1, 4)) if rng.random() < TURNED else 0

    def moved(planes: Tensor) -> Tensor:
        window = planes[..., top : top + side, left : left + side]
        window = window.flip(-1) if mirrored else window
        return torch.rot90(window, quarters, (-2, -1)) if quarters else window

    turned = batch.with_planes(moved)
    device, count = batch.image.device, len(batch.image)
    gain = torch.from_numpy(np.exp(rng.normal(0, LIGHT, (count, 1, 1, 1))).astype(np.float32)).to(device)
    noise = torch.from_numpy(rng.uniform(0, NOISE, (count, 1, 1, 1)).astype(np.float32) * 255).to(device)
    grain = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    shape = (count, 1, side, side)
    image = turned.image.float() * gain + noise * torch.randn(shape, generator=grain, device=device)
    return turned.with_image(image.clamp(0, 255))
