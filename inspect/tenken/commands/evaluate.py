"""``inspect evaluate``: how good weights are on labelled photos."""

from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options


def evaluate(
    weights: Annotated[str, typer.Argument(help="Weights: a name (`inspect weights list`) or a file.")],
    dataset: Annotated[
        Path,
        typer.Argument(help="Data set of `inspect import`, or SPLIT/images with SPLIT/labels (YOLO) or SPLIT/masks."),
    ],
    split: Annotated[str, typer.Option(help="Which part of the data set.")] = "test",
    against: Annotated[
        str | None, typer.Option(help="Other weights, compared over the same photos.", show_default="none")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="Kinds by class number, as in crack,corrosion.", show_default="the data set's own"),
    ] = None,
    label_free: Annotated[
        bool, typer.Option("--label-free", help="No photo in the folder holds a defect: count false alarms.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results.", show_default="WEIGHTS.DATASET.evaluation")
    ] = None,
    tile: Annotated[int, typer.Option(help="Side of a tile, pixels.")] = 640,
    overlap: Annotated[float, typer.Option(help="Share of a tile that its neighbour repeats.")] = 0.2,
    whole: Annotated[
        int, typer.Option(min=32, help="Longest side of a photo as one tile, for average precision, pixels.")
    ] = 640,
    tolerance: Annotated[float, typer.Option(min=0, help="How far centre lines may lie apart, pixels.")] = 2.0,
    resolution: Annotated[
        float | None,
        typer.Option(help="Ground resolution, mm per pixel, to state the tolerance in mm.", show_default="unknown"),
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(help="Least confidence, 0 to 1.", show_default="the weights' own")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Resamples of the photos for intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Photos at the same time.", show_default="one for each core")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    lang: options.Language = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Judge weights on labelled photos: figures with intervals, and pictures of the worst misses and false alarms."""
    from tenken.commands.terminal import changing_nothing, shown_progress
    from tenken.wording import words

    spoken = options.language(lang)
    try:
        from tenken_training.evaluation import Conditions, evaluate_weights, figures_table, read_labelled_set
    except ModuleNotFoundError as error:
        from tenken.errors import MissingExtraError

        raise MissingExtraError(f"inspect evaluate: {error.name} is missing; install Tenken again, whole") from error

    chosen = tuple(kind.strip() for kind in classes.split(",")) if classes else None
    labelled = read_labelled_set(dataset, split, classes=chosen, label_free=label_free)
    folder = out or Path(f"{Path(weights).stem}.{labelled.name.replace('/', '-')}.evaluation")
    conditions = Conditions(
        tile_px=tile,
        overlap=overlap,
        tolerance_px=tolerance,
        tolerance_mm=None if resolution is None else tolerance * resolution,
        whole_px=whole,
        resamples=resamples,
        seed=seed,
    )
    with changing_nothing(spoken), shown_progress(quiet=quiet or json, lang=spoken) as progress:
        outcome = evaluate_weights(
            weights,
            labelled,
            folder,
            against=against,
            conditions=conditions,
            device=device,
            min_score=min_score,
            workers=workers,
            progress=progress,
            lang=spoken,
        )
    if json:
        typer.echo((folder / "evaluation.json").read_text(encoding="utf-8"))
    elif not quiet:
        typer.echo(figures_table(outcome.evaluation, spoken))
        typer.echo("\n" + words(spoken)("evaluation.page", path=folder / "evaluation.html"))
