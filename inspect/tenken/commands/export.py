"""``inspect export``: a finished run's result in the formats of other programs."""

from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options

FORMATS = "coco, csv, geojson, geoparquet or shapefile"


def export(
    out: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    to: Annotated[str | None, typer.Option(help=f"Format: {FORMATS}.", show_default=False)] = None,
    public: Annotated[
        bool, typer.Option("--public", help="A copy fit to be published; a person must look at every photo first.")
    ] = False,
    dest: Annotated[
        Path | None, typer.Option(help="Folder for the files.", show_default="OUT/exports/FORMAT or OUT/public")
    ] = None,
    rejected: Annotated[bool, typer.Option("--all", help="Keep the defects that a person rejected.")] = False,
    json: options.Json = False,
) -> None:
    """Export a finished run, with what people entered in QGIS. The photos are not needed, except with --public."""
    import json as json_format

    from tenken.errors import SettingsError
    from tenken.exports.formats import EXPORTERS, export_result

    if to is None or public:
        raise SettingsError(f"inspect export: give --to ({', '.join(EXPORTERS)}), or --public")
    folder, notes = export_result(out, to, dest, rejected=rejected)
    if json:
        typer.echo(json_format.dumps({"folder": str(folder), "notes": notes}, ensure_ascii=False, indent=2))
        return
    for note in notes:
        typer.echo(note)
    typer.echo(f"Exported to {folder}")
