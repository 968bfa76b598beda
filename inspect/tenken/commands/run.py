"""``inspect run``: the main job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tenken.commands import options

SHOWN_SEGMENTS = 5
"""Lines of the repair list that are printed in the terminal."""

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
    from tenken.commands.terminal import shown_progress
    from tenken.pipeline import inspect_flight
    from tenken.running.results import output_folder

    folder = output_folder(flight, out)
    try:
        with shown_progress(quiet=quiet or json) as progress:
            inspection = inspect_flight(flight, folder, settings, workers=workers, fresh=fresh, progress=progress)
    except KeyboardInterrupt:
        typer.echo("\ninspect: stopped; the same command goes on from here", err=True)
        raise typer.Exit(1) from None
    if json:
        typer.echo((folder / "run.json").read_text(encoding="utf-8"))
    elif not quiet:
        typer.echo(summary(inspection, folder))
    return inspection


def summary(inspection: "Inspection", folder: Path) -> str:
    """Say in a few lines what came out, what was not seen, and what to open."""
    from tenken.outputs.wording import words
    from tenken.running.counting import counted

    text = words("en")
    kinds = sorted({defect.kind for defect in inspection.defects})
    counts = ", ".join(f"{sum(d.kind == kind for d in inspection.defects)} {text.kind(kind)}" for kind in kinds)
    unusable = [photo for photo in inspection.photos if not photo.usable]
    unplaced = [photo for photo in inspection.photos if not photo.placed]
    doubtful = [photo for photo in inspection.photos if photo.usable and photo.placed and photo.reason]
    not_assessed = [finding for finding in inspection.findings if not finding.assessed]
    lines = [
        "",
        f"{counted(inspection.photos, 'photo')} inspected; candidates for a person to judge: {counts or 'none found'}",
    ]
    listed = [finding for finding in inspection.findings if finding.rank is not None and finding.defect_ids]
    for finding in listed[:SHOWN_SEGMENTS]:
        grade = finding.grade or "-".join(finding.grade_candidates) or "not graded"
        lines.append(f"  {finding.rank}. {finding.segment.name}: {grade}, {counted(finding.defect_ids, 'defect')}")
    if len(listed) > SHOWN_SEGMENTS:
        lines.append(f"  … and {len(listed) - SHOWN_SEGMENTS} more, in the report")
    finest = sorted(photo.smallest_crack_mm for photo in inspection.photos if photo.smallest_crack_mm is not None)
    if finest:
        lines.append(
            f"Smallest crack that these photos can show: {finest[len(finest) // 2]:.2g} mm; finer ones stay unseen"
        )
    if doubtful:
        lines.append(f"Doubtful: {counted(doubtful, 'photo')} (first: {doubtful[0].photo}: {doubtful[0].reason})")
    if not_assessed:
        lines.append(f"Not assessed: {counted(not_assessed, 'segment')}, not seen well enough")
    if unplaced:
        lines.append(
            f"Without a place: {counted(unplaced, 'photo')} (first: {unplaced[0].photo}: {unplaced[0].reason})"
        )
    if unusable:
        lines.append(f"Not usable: {counted(unusable, 'photo')} (first: {unusable[0].photo}: {unusable[0].reason})")
    if inspection.skipped:
        first = inspection.skipped[0]
        lines.append(f"Skipped: {counted(inspection.skipped, 'file')} (first: {first.path}: {first.reason})")
    lines.append(f"Report: {folder / 'report.html'}")
    lines.append(f"Map:    {folder / 'inspection.qgz'}  (open it in QGIS)")
    return "\n".join(lines)


def refuse_skipped(inspection: "Inspection") -> None:
    """End with exit code 7 when pictures were skipped."""
    from tenken.errors import SkippedPhotosError
    from tenken.imagery.flight import Skipped

    pictures = [s for s in inspection.skipped if Skipped(s.path, s.reason).looks_like_a_photo]
    if pictures:
        raise SkippedPhotosError(
            f"{len(pictures)} photos were skipped (first: {pictures[0].path}: {pictures[0].reason})"
        )
