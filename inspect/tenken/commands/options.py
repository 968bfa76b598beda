"""Options that several commands share."""

import locale
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tenken.settings import Lang

Assets = Annotated[
    Path | None,
    typer.Option(help="Parts of the structure: GeoJSON, GeoPackage or Shapefile.", show_default="10 m cells"),
]
Surface = Annotated[
    str,
    typer.Option(
        help="What the camera looked at: plane (the ground at take-off), plane:HEIGHT in metres, or a DSM file."
    ),
]
Standard = Annotated[str, typer.Option(help="Grading standard: its id, or a file.")]
Weights = Annotated[str, typer.Option(help="Detector weights: a name (`inspect weights list`) or a file.")]
Language = Annotated[
    str | None, typer.Option("--lang", help="Language of report and console: ja or en.", show_default="the system's")
]
RunLanguage = Annotated[
    str | None, typer.Option("--lang", help="Language of the console: ja or en.", show_default="the run's")
]
ConsoleLanguage = Annotated[
    str | None, typer.Option("--lang", help="Language of the console: ja or en.", show_default="the system's")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


def language(chosen: str | None) -> "Lang":
    """Return the chosen language, or Japanese on a Japanese system, English elsewhere.

    Raises
    ------
    SettingsError
        When it is neither ``ja`` nor ``en``.
    """
    if chosen is not None:
        from tenken.settings import language_of

        return language_of(chosen)
    system = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    if not system:
        system = locale.getlocale()[0] or ""
    return "ja" if system.lower().startswith(("ja", "japan")) else "en"


def run_language(chosen: str | None, record: Mapping[str, Any]) -> "Lang":
    """Return the chosen language, or that of a finished run, by its run.json.

    Raises
    ------
    SettingsError
        When it is neither ``ja`` nor ``en``.
    """
    return language(chosen or record.get("settings", {}).get("lang"))
