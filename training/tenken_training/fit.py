"""Fit a network to a recipe's crops; an interrupted fit goes on where it stopped.

``inspect train --recipe R.toml`` does this and publishes; this alone:
``python -m tenken_training.fit --recipe R.toml --work runs/x``

The folder of work then holds ``prepared/``, ``state.pt`` (all that is needed to go on), ``curves.csv`` (a row
an epoch) and ``curves.svg``, ``epoch-NNN.pt`` and ``last.pt`` (checkpoints for `tenken_training.publish`),
``recipe.json`` and ``run.json`` (see `tenken_training.run_record`).
"""

from pathlib import Path
from typing import Annotated

import typer

from tenken.errors import SettingsError
from tenken.notes import Note
from tenken.running.progress import Progress, Silence
from tenken_training.crops import CropMaker
from tenken_training.devices import chosen_device, precision_of, use_threads
from tenken_training.fit_loop import Loop, alone_in, keep, read_kept, run_steps
from tenken_training.fit_state import start_or_resume
from tenken_training.prepare import prepare
from tenken_training.prepared_index import check_pictures
from tenken_training.recipe import Recipe, read_recipe, start_checkpoint
from tenken_training.run_record import Recorder
from tenken_training.validation import ValidationCrops


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
    device = chosen_device(device)
    if not data_dir.is_dir():
        raise SettingsError(f"{data_dir} is no folder; give the one that the recipe's sources are below with --data")
    work_dir.mkdir(parents=True, exist_ok=True)
    with alone_in(work_dir):
        _keep_recipe(recipe, work_dir)
        prepared_dir = prepared_dir or work_dir / "prepared"
        if not (prepared_dir / "index.json").is_file():
            progress.note(Note.of("train.preparing_recipe"))
        index = prepare(recipe, data_dir, prepared_dir, textures_dir)
        check_pictures(index, data_dir, prepared_dir)
        crops = CropMaker(recipe, index, data_dir, prepared_dir)
        state = start_or_resume(recipe, start_checkpoint(recipe, data_dir), work_dir, device)
        epochs = min(recipe.optimiser.epochs, last_epoch or recipe.optimiser.epochs)
        end = epochs * recipe.steps_per_epoch
        if state.step < end:
            recorder = Recorder(
                work_dir / "run.json",
                recipe,
                index.inputs,
                device=device,
                precision=precision_of(device),
                step=state.step,
            )
            validation = ValidationCrops(recipe, index, data_dir, prepared_dir)
            run_steps(Loop(recipe, crops, validation, work_dir, device, workers), state, end, recorder, progress)
    return work_dir / "last.pt"


def _keep_recipe(recipe: Recipe, work_dir: Path) -> None:
    """Write the recipe beside what it makes; refuse to go on with another one."""
    path = work_dir / "recipe.json"
    before = read_kept(path, Recipe)
    if before is not None:
        longer = before.optimiser.model_copy(update={"epochs": recipe.optimiser.epochs})
        if before.model_copy(update={"optimiser": longer, "described": recipe.described}) != recipe:
            raise SettingsError(f"{work_dir} was begun with another recipe ({path}); choose another --work")
    keep(path, recipe)


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
