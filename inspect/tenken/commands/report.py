"""``inspect report``: new reports from a finished run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenken.commands import options

if TYPE_CHECKING:
    from tenken.inspection import Inspection
    from tenken.outputs.japanese_font import FontFace


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
    pdf: Annotated[bool, typer.Option("--pdf", help="Also report.pdf, for the archive (PDF/A).")] = False,
    font: Annotated[
        Path | None, typer.Option(help="Japanese font for the PDF.", show_default="one of this machine")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Grade and report a finished run again, with another standard or language; nothing is detected again."""
    from dataclasses import replace

    from tenken.commands.run import inspect_with_progress
    from tenken.errors import FlightError, SettingsError
    from tenken.running.moved import flight_now, settings_now
    from tenken.running.results import finished_run
    from tenken.settings import language_of
    from tenken.wording import words

    if font is not None and not pdf:
        raise SettingsError(f"--font {font}: is for the PDF: add --pdf")
    # What the PDF needs is asked for before the work, not after it.
    face = _pdf_font(font) if pdf else None
    record = finished_run(out)
    settings = settings_now(out, record)
    settings = replace(
        settings,
        standard=standard or settings.standard,
        lang=language_of(lang or settings.lang),
        assets=assets or settings.assets,
    )
    where = flight or flight_now(out, record)
    if not where.exists():
        raise FlightError(f"{where}: the photos are no longer there: say where they are now with --flight")
    inspection = inspect_with_progress(where, out, settings, quiet=quiet, json=json)
    if face is not None:
        path = _write_pdf(out, inspection, settings.lang, face)
        if not (quiet or json):
            typer.echo(words(settings.lang)("console.pdf", path=path))


def _pdf_font(chosen: Path | None) -> "FontFace":
    from tenken.errors import MissingExtraError

    try:
        import fpdf  # noqa: F401 (is it there?)

        from tenken.outputs.japanese_font import find_font
    except ImportError as error:
        raise MissingExtraError(f'report.pdf: fpdf2 is not installed: pip install "tenken[pdf]" ({error})') from error
    return find_font(chosen)


def _write_pdf(out: Path, inspection: "Inspection", lang: str, face: "FontFace") -> Path:
    from tenken.outputs.report_pdf import write_pdf
    from tenken.outputs.reviews import read_reviews
    from tenken.running.results import GEOPACKAGE, REPORT_PDF

    path = out / REPORT_PDF
    crops = {one.id: f"crops/{one.id}.jpg" for one in inspection.defects}
    reviews = {one: earlier.review for one, earlier in read_reviews(out / GEOPACKAGE).items()}
    write_pdf(path, inspection, crops, lang, reviews, face)
    return path
