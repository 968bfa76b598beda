"""Lay a network between two checkpoints, of which one was fitted on from the other: a weighted mean of their weights.

``python -m tenken_training.blend BEFORE.pt AFTER.pt --share 0.5 --out BLENDED.pt``

Fitting on for what is elsewhere forgets a little of what was known; the mean keeps most of both (Wortsman et al.,
"Robust fine-tuning of zero-shot models", CVPR 2022). Checkpoints that do not descend from one another have no
useful mean.
"""

from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from tenken.errors import SettingsError
from tenken_training.network import load_network, save_network


def blend(before: Path, after: Path, share: float, out: Path) -> Path:
    """Write the mean of two checkpoints that `tenken_training.network.save_network` wrote.

    Parameters
    ----------
    before, after
        The network that a fit began with, and the one that it gave.
    share
        Part of `after`, 0..1.
    out
        Where to write.

    Raises
    ------
    SettingsError
        When the share is none, or a checkpoint cannot be read.
    WeightsError
        When a checkpoint is not that of a network of pixels.
    """
    if not 0 <= share <= 1:
        raise SettingsError(f"--share {share:g} must lie between 0 and 1")
    saved = [_read(path) for path in (before, after)]
    first, second = (load_network(one, "cpu") for one in saved)
    with torch.no_grad():
        for mean, value in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, share)
            else:
                mean.copy_(value)
    save_network(first, out, epoch=int(saved[1]["epoch"]))
    return out


def _read(path: Path) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, zip and pickle each raise their own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SettingsError(
            f"{path} is no checkpoint of a fit ({reason[:120]}); give an epoch-NNN.pt or last.pt"
        ) from error
    return saved


def main(
    before: Annotated[Path, typer.Argument(help="Checkpoint that the fit began with.", dir_okay=False)],
    after: Annotated[Path, typer.Argument(help="Checkpoint that it gave.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="Checkpoint to write.", dir_okay=False)],
    share: Annotated[float, typer.Option(help="Part of AFTER, 0..1.")] = 0.5,
) -> None:
    """Lay a network between two checkpoints."""
    typer.echo(f"{blend(before, after, share, out)}")


if __name__ == "__main__":
    typer.run(main)
