"""``inspect train``: fit a network to a recipe, and publish it as weights with a card."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenken.commands import options

if TYPE_CHECKING:
    from tenken.detection.weights_card import WeightsCard

NEEDED = ("torch", "ultralytics", "cv2", "onnx", "matplotlib", "yaml")
"""Modules of the extra ``train``."""
INTERRUPTED = 130
"""Exit code after Ctrl+C, as shells have it."""
MAIN_FIGURES = (
    *(("crack", name) for name in ("line_recall", "line_precision", "line_f1", "mask_map50")),
    *(("corrosion", name) for name in ("pixel_recall", "pixel_precision", "pixel_iou", "mask_map50")),
    *(("corrosion", f"state_f1_{state}") for state in ("fair", "poor", "severe")),
)
"""What is printed of a card; all of it: ``inspect weights show``."""


def train(
    recipe: Annotated[Path, typer.Option(help="Recipe file, as in training/recipes.")],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's sources are below.")] = Path("../shared"),
    textures: Annotated[
        Path | None, typer.Option(help="What tenken_training.fetch_textures wrote.", show_default="DATA/textures")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder of this training; is continued.", show_default="runs/RECIPE")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the weights.", show_default="the recipe's")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the weights.", show_default="WORK/weights")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many epochs in all.", show_default="the recipe's")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Threads that compute; 0 for one a core.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make crops meanwhile.")] = 1,
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Fit only; make no weights.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a detector from a recipe and publish it: weights, their thresholds, figures and failures on a card.

    Can be stopped at any time; the same command goes on.
    """
    from tenken.commands.terminal import shown_progress
    from tenken.errors import MissingExtraError, SettingsError

    if missing := [module for module in NEEDED if find_spec(module) is None]:
        raise MissingExtraError(f'inspect train: {", ".join(missing)} not installed: pip install "tenken[train]"')
    if not recipe.is_file():
        raise SettingsError(f"--recipe {recipe} does not exist; start from training/recipes/crack-corrosion.toml")
    from tenken_training.recipe import read_recipe

    chosen = read_recipe(recipe)
    work = work or Path("runs") / chosen.name
    name = name or chosen.name
    out = out or work / "weights"
    try:
        with shown_progress(quiet=quiet) as progress:
            from tenken_training.devices import use_threads
            from tenken_training.fit import fit
            from tenken_training.publish import publish

            use_threads(threads)
            checkpoint = fit(
                chosen, data, work,
                device=device, last_epoch=epochs, workers=workers, textures_dir=textures, progress=progress,
            )  # fmt: skip
            card = None
            if not no_publish:
                card = publish(
                    chosen, data, work, name, out,
                    textures_dir=textures, checkpoint=checkpoint, progress=progress,
                )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo(f"\ninspect: stopped; the same command goes on from {work}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if quiet:
        return
    typer.echo(f"Curves: {work / 'curves.svg'}")
    if card is None:
        typer.echo(f"Checkpoint: {checkpoint}; to publish it, run the same command without --no-publish")
    else:
        typer.echo(main_figures(card))
        typer.echo(f"Use it with: inspect run FLIGHT --weights {out / card.file}")


def main_figures(card: "WeightsCard") -> str:
    """Lay out a card's main figures with their intervals."""
    by_measure = {metric.measure: metric for metric in card.metrics}
    lines = [f"{card.name}, on test photos that neither training nor thresholds have seen (95 % intervals):"]
    for kind, figure in MAIN_FIGURES:
        metric = by_measure.get(f"{kind}, {figure}")
        if metric is not None:
            interval = "" if metric.low is None or metric.high is None else f"  ({metric.low:.3f} to {metric.high:.3f})"
            lines.append(f"  {kind:10} {figure.replace('_', ' '):18} {metric.value:.3f}{interval}")
    thresholds = ", ".join(f"{kind} {card.thresholds[kind]:.2f}" for kind in card.classes)
    return "\n".join([*lines, f"  lowest score: {thresholds}"])
