"""``inspect promote``: make new weights the default, if nothing gets worse with them."""

from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def promote(
    new: Annotated[str, typer.Argument(help="Weights to promote: a name or a file.")],
    on: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled photos to judge on: new and earlier data sets; repeatable."),
    ] = None,
    sound: Annotated[
        list[Path] | None, typer.Option(help="Folder of photos that hold no defect at all; repeatable.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which part of the data sets.")] = "test",
    against: Annotated[str, typer.Option(help="Weights to be no worse than.")] = "default",
    name: Annotated[str | None, typer.Option(help="Its name from now on.", show_default="its own")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the decision.", show_default="NEW.promotion")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say whether it would be promoted.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Photos at the same time.", show_default="one for each core")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    lang: options.Language = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Promote weights: refused (exit code 5) if any kind at any site is worse beyond its interval.

    Rendered structures with and without defects are always judged on too.
    """
    from tenken.commands.terminal import changing_nothing, shown_progress
    from tenken.errors import MissingExtraError, WorseWeightsError
    from tenken.wording import words

    spoken = options.language(lang)
    text = words(spoken)
    try:
        from tenken_training.evaluation import read_labelled_set
        from tenken_training.promotion import decide, decision_table, install
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"inspect promote: {error.name} is missing; install Tenken again, whole") from error

    given = [read_labelled_set(folder, split) for folder in on or ()]
    given += [read_labelled_set(folder, label_free=True) for folder in sound or ()]
    folder = out or Path(f"{Path(new).stem if new.endswith('.onnx') else new}.promotion")
    with changing_nothing(spoken), shown_progress(quiet=quiet or json, lang=spoken) as progress:
        outcome = decide(
            new, given, folder, against=against, device=device, workers=workers, progress=progress, lang=spoken
        )
    decision = outcome.decision
    if json:
        typer.echo((folder / "promotion.json").read_text(encoding="utf-8"))
    elif not quiet:
        typer.echo(decision_table(decision, spoken))
        typer.echo(text("promotion.page", path=folder / "promotion.html"))
    if not decision.accepted:
        raise WorseWeightsError(
            f"{decision.new.name} is not promoted: {len(decision.reasons)} reasons, the first: {decision.reasons[0]}; "
            f"see {folder / 'promotion.html'}"
        )
    if dry_run:
        return
    weights = install(outcome, name)
    if not (quiet or json):
        typer.echo(text("promotion.installed", new=weights.card.name, old=outcome.old.card.name))
