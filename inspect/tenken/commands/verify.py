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
    json: options.Json = False,
) -> None:
    """Compute all hashes again and compare them with those the run recorded."""
    import json as json_format

    from tenken.errors import SettingsError
    from tenken.running.counting import counted
    from tenken.running.verification import verify_run

    faults = verify_run(out, flight)
    if json:
        typer.echo(json_format.dumps({"faults": faults}, ensure_ascii=False, indent=2))
    if faults:
        for fault in faults if not json else ():
            typer.echo(fault)
        raise SettingsError(f"{out}: {counted(faults, 'difference')} from what the run recorded")
    if not json:
        typer.echo(f"{out}: photos, weights and results are what the run recorded")
