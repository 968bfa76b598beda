"""``inspect demo``: a flight with known truth, made here, and its inspection."""

from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def demo(
    folder: Annotated[Path, typer.Argument(help="Where the demo goes.")] = Path("tenken-demo"),
    seed: Annotated[int, typer.Option(help="Another seed makes another bridge.")] = 1,
    count: Annotated[int, typer.Option(min=1, max=40, help="Number of photos.")] = 6,
    only_make: Annotated[bool, typer.Option("--only-make", help="Make the flight, don't inspect it.")] = False,
    lang: options.Language = None,
    quiet: options.Quiet = False,
) -> None:
    """Make a demo flight over a rendered bridge with known cracks and rust, and inspect it."""
    from tenken.commands.run import inspect_with_progress
    from tenken.commands.terminal import shown_progress
    from tenken.settings import Settings
    from tenken.wording import words
    from tenken_demo import make_demo_flight

    chosen = options.language(lang)
    text = words(chosen)
    flight = folder / "flight"
    with shown_progress(quiet=quiet, lang=chosen) as progress:
        progress.start("render", count)

        def tell(stage: str, done: int, _total: int) -> None:
            if stage == "photos" and done:
                progress.advance()

        make_demo_flight(flight, seed=seed, photos=count, progress=tell)
    command = f"inspect run {flight / 'images'} --assets {flight / 'assets.geojson'} --surface {flight / 'surface.tif'}"
    if not quiet:
        typer.echo(text("console.demo_made", flight=flight, truth=flight / "truth.json"))
        key = "console.demo_next" if only_make else "console.demo_now"
        typer.echo(text(key, command=f"{command} --out {folder / 'results'}"))
    if not only_make:
        settings = Settings(assets=flight / "assets.geojson", surface=str(flight / "surface.tif"), lang=chosen)
        inspect_with_progress(flight / "images", folder / "results", settings, quiet=quiet)
