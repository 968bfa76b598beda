"""``inspect train``: bring weights up to new photos, or fit a network to a recipe; both end as weights with a card."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenken.commands import options

if TYPE_CHECKING:
    from tenken.running.progress import Progress
    from tenken.settings import Lang

NEEDED = ("torch", "ultralytics", "cv2", "onnx", "matplotlib", "yaml")
"""Modules of the extra ``train``."""


def train(
    dataset: Annotated[
        Path | None, typer.Argument(help="Annotated photos, as inspect import leaves them.", show_default="a recipe's")
    ] = None,
    start: Annotated[str, typer.Option("--from", help="Weights to begin with: a name or a file.")] = "default",
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="Time for the fit.", show_default="45 on a processor, 20 on a GPU")
    ] = None,
    replay: Annotated[
        list[Path] | None, typer.Option(help="Earlier data set that must not be forgotten; repeatable.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Instead of a data set: recipe file, as in training/recipes.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Recipe: folder that its sources are below.")] = Path("../shared"),
    textures: Annotated[
        Path | None,
        typer.Option(help="Recipe: what tenken_training.fetch_textures wrote.", show_default="DATA/textures"),
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder of this training; is continued.", show_default="runs/NAME")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the weights.", show_default="the data set's or the recipe's")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the weights.", show_default="WORK/weights")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Recipe: stop after so many epochs in all.", show_default="the recipe's")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Threads that compute; 0 for one a core.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes that make crops meanwhile.")] = 1,
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Recipe: fit only; make no weights.")] = False,
    lang: options.Language = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a detector on annotated photos (or a recipe) and publish it: weights with scores, figures, failures.

    Can be stopped at any time; the same command goes on.
    """
    from tenken.commands.terminal import shown_progress, when_stopped
    from tenken.errors import MissingExtraError, SettingsError
    from tenken.wording import words

    spoken = options.language(lang)
    if missing := [module for module in NEEDED if find_spec(module) is None]:
        raise MissingExtraError(f'inspect train: {", ".join(missing)} not installed: pip install "tenken[train]"')
    told = ""
    if (dataset is None) == (recipe is None):
        raise SettingsError("inspect train needs either a data set (inspect train FOLDER) or --recipe FILE")
    work_dir = work
    with (
        when_stopped(lambda: words(spoken)("train.stopped", folder=work_dir or words(spoken)("train.its_folder"))),
        shown_progress(quiet=quiet, lang=spoken) as progress,
    ):
        from tenken_training.devices import use_threads

        use_threads(threads)
        if dataset is not None:
            if epochs is not None or no_publish:
                raise SettingsError("--epochs and --no-publish go with --recipe; with a data set use --minutes")
            work_dir = work or Path("runs") / _site_name(dataset, name)
            told = _train_on(
                dataset, start, minutes, tuple(replay or ()), work_dir, _site_name(dataset, name), out,
                device, workers, progress, spoken,
            )  # fmt: skip
        elif recipe is not None:
            work_dir, told = _train_recipe(
                recipe, data, textures, work, name, out, epochs, device, workers, no_publish, progress, spoken
            )
    if not quiet:
        typer.echo(told)


def _site_name(dataset: Path, name: str | None) -> str:
    """Name weights after their data set, in letters that a name may have."""
    letters = name or dataset.resolve().name
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in letters) or "site"


def _train_on(
    dataset: Path,
    start: str,
    minutes: float | None,
    replay: tuple[Path, ...],
    work: Path,
    name: str,
    out: Path | None,
    device: str,
    workers: int,
    progress: "Progress",
    lang: "Lang",
) -> str:
    from tenken.commands.trained import retrained_text
    from tenken_training.retraining import Request, retrain

    request = Request(
        dataset=dataset,
        work_dir=work,
        out_dir=out or work / "weights",
        name=name,
        start=start,
        replay=replay,
        minutes=minutes,
        device=device,
        workers=workers,
        lang=lang,
    )
    return retrained_text(retrain(request, progress), request.work_dir, (dataset, *replay), lang)


def _train_recipe(
    recipe: Path,
    data: Path,
    textures: Path | None,
    work: Path | None,
    name: str | None,
    out: Path | None,
    epochs: int | None,
    device: str,
    workers: int,
    no_publish: bool,
    progress: "Progress",
    lang: "Lang",
) -> tuple[Path, str]:
    from tenken.commands.trained import main_figures
    from tenken.errors import SettingsError
    from tenken.wording import words

    if not recipe.is_file():
        raise SettingsError(f"--recipe {recipe} does not exist; start from training/recipes/crack-corrosion.toml")
    from tenken_training.fit import fit
    from tenken_training.publish import publish
    from tenken_training.recipe import read_recipe

    chosen = read_recipe(recipe)
    work = work or Path("runs") / chosen.name
    out = out or work / "weights"
    checkpoint = fit(
        chosen, data, work,
        device=device, last_epoch=epochs, workers=workers, textures_dir=textures, progress=progress,
    )  # fmt: skip
    text = words(lang)
    lines = [text("train.curves", path=work / "curves.svg")]
    if no_publish:
        lines.append(text("train.checkpoint", path=checkpoint))
    else:
        card = publish(
            chosen, data, work, name or chosen.name, out,
            textures_dir=textures, checkpoint=checkpoint, progress=progress,
        )  # fmt: skip
        lines += [main_figures(card, lang), text("train.use", path=out / card.file)]
    return work, "\n".join(lines)
