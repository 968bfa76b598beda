"""``inspect report``: new reports from a finished run."""

from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def report(
    out: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    standard: Annotated[
        str | None, typer.Option(help="Grading standard: its id, or a file.", show_default="the run's")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="ja or en.", show_default="the run's")] = None,
    assets: Annotated[Path | None, typer.Option(help="Parts of the structure.", show_default="the run's")] = None,
    flight: Annotated[
        Path | None, typer.Option(help="Where the photos are now.", show_default="where they were")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Grade and report a finished run again, with another standard or language; nothing is detected again."""
    from dataclasses import replace

    from tenken.commands.run import inspect_with_progress
    from tenken.errors import FlightError
    from tenken.running.results import finished_run
    from tenken.settings import Settings, language_of

    record = finished_run(out)
    settings = Settings.from_json(record["settings"])
    settings = replace(
        settings,
        standard=standard or settings.standard,
        lang=language_of(lang or settings.lang),
        assets=assets or settings.assets,
    )
    where = flight or Path(record["flight_path"])
    if not where.exists():
        raise FlightError(f"{where}: the photos are no longer there: say where they are now with --flight")
    inspect_with_progress(where, out, settings, quiet=quiet, json=json)
