"""``inspect verify``: whether photos, weights and results still are what the run saw and wrote."""

from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def verify(
    out: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    flight: Annotated[
        Path | None, typer.Option(help="Where the photos are now.", show_default="where they were")
    ] = None,
    lang: options.RunLanguage = None,
    json: options.Json = False,
) -> None:
    """Compute all hashes again and compare them with those the run recorded."""
    import json as json_format

    from tenken.errors import SettingsError
    from tenken.notes import said
    from tenken.running.moved import flight_now
    from tenken.running.results import finished_run
    from tenken.running.verification import verify_run
    from tenken.wording import words

    record = finished_run(out)
    told = options.run_language(lang, record)
    text = words(told)
    faults = verify_run(out, flight)
    if json:
        typer.echo(json_format.dumps({"faults": faults}, ensure_ascii=False, indent=2))
    if faults:
        for fault in faults if not json else ():
            typer.echo(said(fault, told))
        raise SettingsError(text("console.differs", out=out, differences=text.counted("difference", len(faults))))
    if not json:
        typer.echo(text("console.verified", out=out, flight=flight or flight_now(out, record)))
