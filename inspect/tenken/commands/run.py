"""``inspect run``: the main job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tenken.commands import options

if TYPE_CHECKING:
    from tenken.inspection import Inspection
    from tenken.settings import Settings


def run(
    flight: Annotated[Path, typer.Argument(help="Folder of drone photos, or an orthomosaic GeoTIFF.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the results.", show_default="FLIGHT.inspection")] = None,
    assets: options.Assets = None,
    weights: options.Weights = "default",
    standard: options.Standard = "japan-bridge-2019",
    surface: options.Surface = "plane",
    tile: Annotated[int, typer.Option(help="Side of a tile, pixels.")] = 640,
    overlap: Annotated[float, typer.Option(help="Share of a tile that its neighbour repeats.")] = 0.2,
    min_score: Annotated[
        float | None, typer.Option(help="Least confidence, 0 to 1.", show_default="the weights' own")
    ] = None,
    segment_length: Annotated[float, typer.Option(help="Length of stations along assets, metres.")] = 10.0,
    max_resolution: Annotated[
        float | None,
        typer.Option(help="Coarsest ground resolution that counts as seen, mm per pixel.", show_default="any"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Photos at the same time.", show_default="one for each core")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    engine: Annotated[str, typer.Option(help="auto, openvino, onnxruntime or torch.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="auto, f32 or bf16: f32 gives the same defects on every processor, and is slower.")
    ] = "auto",
    fresh: Annotated[bool, typer.Option("--fresh", help="Do everything again.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with exit code 7 if photos were skipped.")] = False,
    lang: options.Language = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Inspect a flight: find, measure and grade its defects, and write the repair list.

    A second run with the same output goes on where the first stopped.
    """
    from tenken.settings import Engine, Precision, Settings

    settings = Settings(
        weights=weights,
        min_score=min_score,
        tile_px=tile,
        overlap=overlap,
        surface=surface,
        assets=assets,
        segment_length_m=segment_length,
        max_resolution_mm=max_resolution,
        standard=standard,
        lang=options.language(lang),
        device=device,
        engine=cast(Engine, engine),
        precision=cast(Precision, precision),
    )
    inspection = inspect_with_progress(flight, out, settings, workers=workers, fresh=fresh, quiet=quiet, json=json)
    if strict:
        refuse_skipped(inspection)


def inspect_with_progress(
    flight: Path,
    out: Path | None,
    settings: "Settings",
    *,
    workers: int | None = None,
    fresh: bool = False,
    quiet: bool = False,
    json: bool = False,
) -> "Inspection":
    """Run the pipeline with a progress bar, then tell what came out."""
    from tenken.commands.summary import summary
    from tenken.commands.terminal import shown_progress, when_stopped
    from tenken.pipeline import inspect_flight
    from tenken.running.results import output_folder
    from tenken.wording import words

    folder = output_folder(flight, out)
    with (
        when_stopped(lambda: words(settings.lang)("console.stopped"), code=1),
        shown_progress(quiet=quiet or json, lang=settings.lang) as progress,
    ):
        inspection = inspect_flight(flight, folder, settings, workers=workers, fresh=fresh, progress=progress)
    if json:
        typer.echo((folder / "run.json").read_text(encoding="utf-8"))
    elif not quiet:
        typer.echo(summary(inspection, folder, settings.lang))
    return inspection


def refuse_skipped(inspection: "Inspection") -> None:
    """End with exit code 7 when pictures were skipped."""
    from tenken.errors import SkippedPhotosError

    lost = [one for files in inspection.skipped_by_reason() for one in files if one.is_lost_photo]
    if lost:
        first = lost[0]
        raise SkippedPhotosError(f"{len(lost)} photos were skipped (first: {first.path}: {first.reason})")
