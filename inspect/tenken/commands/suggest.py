"""``inspect suggest``: which pictures to label next."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def suggest(
    out: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    count: Annotated[int, typer.Option(min=1, help="At most so many pictures.")] = 50,
    dest: Annotated[Path | None, typer.Option(help="Folder for them.", show_default="OUT/suggested")] = None,
    flight: Annotated[
        Path | None, typer.Option(help="Where the photos are now.", show_default="where they were")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weights that are to learn.", show_default="those of the run")
    ] = None,
    size: Annotated[int, typer.Option(min=320, help="About the side of a picture, in pixels.")] = 1280,
    lang: options.ConsoleLanguage = None,
    quiet: options.Quiet = False,
) -> None:
    """Cut the pictures whose labels would teach most out of a run's photos, as a task for CVAT."""
    import shlex
    from collections import Counter

    from tenken.commands.terminal import shown_progress
    from tenken.errors import MissingExtraError
    from tenken.wording import words

    spoken = options.language(lang)
    text = words(spoken)
    if find_spec("tenken_training") is None:
        raise MissingExtraError('inspect suggest: the training part is not installed: pip install "tenken[train]"')
    from tenken_training.suggestion import suggest as suggest_windows

    with shown_progress(quiet=quiet, lang=spoken) as progress:
        suggested = suggest_windows(
            out, dest or out / "suggested", progress, count=count, flight=flight, weights=weights, side_px=size
        )
    if quiet:
        return
    chosen, looked_at = len(suggested.choices), text.counted("picture", suggested.looked_at)
    typer.echo(text("suggest.made", chosen=chosen, looked_at=looked_at, folder=suggested.folder))
    for why, number in Counter(choice.why for choice in suggested.choices).most_common():
        typer.echo(f"{number:6}  {text(f'suggest.{why}')}")
    typer.echo(text("suggest.order", table=suggested.folder / "suggested.csv"))
    typer.echo(text("suggest.cvat"))
    site, photos_at = shlex.quote(suggested.site), suggested.folder / "images"
    command = f"inspect import EXPORT.zip --photos {photos_at} --site {site} --out DATASET"
    typer.echo(text("suggest.back", command=command))
