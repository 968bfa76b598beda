"""``inspect export``: a finished run's result in the formats of other programs, or a copy fit to be published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenken.commands import options

if TYPE_CHECKING:
    from tenken.settings import Lang

FORMATS = "coco, csv, geojson, geoparquet, ngsi or shapefile"


def export(
    out: Annotated[Path, typer.Argument(help="Folder of a finished run, or a data set of `inspect import`.")],
    to: Annotated[str | None, typer.Option(help=f"Format: {FORMATS}.", show_default=False)] = None,
    dest: Annotated[
        Path | None, typer.Option(help="Folder for the files.", show_default="OUT/exports/FORMAT or OUT/public")
    ] = None,
    rejected: Annotated[bool, typer.Option("--all", help="Keep the defects that a person rejected.")] = False,
    public: Annotated[
        bool,
        typer.Option("--public", help="Photos without their data; a person must have looked at each of them first."),
    ] = False,
    flight: Annotated[
        Path | None, typer.Option(help="With --public: where the photos are now.", show_default="where they were")
    ] = None,
    blur_weights: Annotated[
        str | None,
        typer.Option(help="With --public: weights of your own that propose what to blur.", show_default=False),
    ] = None,
    with_defects: Annotated[
        bool, typer.Option("--with-defects", help="With --public: confirmed defects too, places rounded to 100 m.")
    ] = False,
    lang: options.RunLanguage = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Export a finished run, with what people entered in QGIS. Photos are only needed with --public."""
    import json as json_format

    from tenken.errors import SettingsError
    from tenken.exports.formats import EXPORTERS, export_result
    from tenken.notes import said
    from tenken.running.results import finished_run
    from tenken.wording import words

    is_dataset = (out / "dataset.json").is_file()
    if is_dataset:
        if to != "coco" or public:
            raise SettingsError(f"{out}: is a data set: it is exported with --to coco only")
        folder, notes = _dataset(out, dest)
    elif (to is None) == (not public):
        raise SettingsError(f"inspect export: give either --to ({', '.join(EXPORTERS)}) or --public")
    elif to is not None:
        if flight or blur_weights or with_defects:
            raise SettingsError("--flight, --blur-weights and --with-defects go with --public, not with --to")
        folder, notes = export_result(out, to, dest, rejected=rejected)
    else:
        told = options.run_language(lang, finished_run(out))
        progress_lang = None if quiet or json else told
        folder, notes = _public(out, dest, flight, blur_weights, with_defects=with_defects, lang=progress_lang)
    if json:
        typer.echo(json_format.dumps({"folder": str(folder), "notes": notes}, ensure_ascii=False, indent=2))
        return
    if quiet:
        return
    told = options.language(lang) if is_dataset else options.run_language(lang, finished_run(out))
    for note in notes:
        typer.echo(said(note, told))
    typer.echo(words(told)("console.exported", folder=folder))


def _dataset(out: Path, dest: Path | None) -> tuple[Path, list[str]]:
    try:
        from tenken_training.annotations.write_coco import export_coco
    except ModuleNotFoundError as error:
        from tenken.errors import MissingExtraError

        raise MissingExtraError(f"inspect export: {error.name} is missing; install Tenken again, whole") from error

    return export_coco(out, dest).parent, [f"file_name is below {out / 'images'}"]


def _public(
    out: Path,
    dest: Path | None,
    flight: Path | None,
    blur_weights: str | None,
    *,
    with_defects: bool,
    lang: "Lang | None",
) -> tuple[Path, list[str]]:
    """Make the public copy; without a language nothing is said meanwhile."""
    from tenken.commands.terminal import shown_progress
    from tenken.detection.detect import load_detector
    from tenken.exports.public_copy import export_public
    from tenken.notes import Note

    detector = None if blur_weights is None else load_detector(blur_weights)
    with shown_progress(quiet=lang is None, lang=lang or "en") as progress:
        copy = export_public(out, dest, flight, progress, detector=detector, with_defects=with_defects)
    notes: list[str] = [Note.of("export.published", published=copy.published, withheld=copy.withheld)]
    if copy.defects is not None:
        key = "export.defects" if copy.defects else "export.no_defects"
        notes.append(Note.of(key, count=copy.defects, unreviewed=copy.unreviewed))
    return copy.folder, notes
