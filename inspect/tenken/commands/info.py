"""``inspect info``: what is in a flight, before hours are spent."""

from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def info(
    flight: Annotated[Path, typer.Argument(help="Folder of drone photos, or an orthomosaic GeoTIFF.")],
    surface: options.Surface = "plane",
    lang: options.Language = None,
    json: options.Json = False,
) -> None:
    """Tell cameras, ground resolution, the smallest visible crack, and which photos cannot be used and why."""
    import json as json_format

    from tenken.running.preview import preview_flight

    told = options.language(lang)
    preview = preview_flight(flight, surface)
    typer.echo(json_format.dumps(preview.as_json(), ensure_ascii=False, indent=2) if json else preview.as_text(told))
