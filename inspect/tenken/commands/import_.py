"""``inspect import``: annotations of any usual program, or a reviewed inspection, become a data set to train with."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tenken.commands import options

NEEDED = ("defusedxml", "yaml")
"""Modules of the extra ``train`` that reading needs."""
FORMATS = "auto, cvat, coco, labelme, label-studio, voc, yolo, yolo-detect, masks or review"


def import_(
    source: Annotated[
        Path, typer.Argument(help="Annotations: a folder, a file or a zip; or the folder of a finished inspection.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    photos: Annotated[
        Path | None, typer.Option(help="Folder of the photos.", show_default="beside the annotations")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help=f"Format: {FORMATS}.")] = "auto",
    classes: Annotated[
        Path | None, typer.Option(help='What class names mean: a file with lines like "ひびわれ" = "crack".')
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Structure or flight.", show_default="sites.csv, or the photos' folder")
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(help="Kinds looked for in every photo, as in crack,corrosion.", show_default="those labelled"),
    ] = None,
    val: Annotated[float, typer.Option(help="Share of the photos to choose by, whole sites.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of the photos to test with, whole sites.")] = 0.15,
    keep_splits: Annotated[bool, typer.Option("--keep-splits", help="Keep the splits that the source has.")] = False,
    seed: Annotated[int, typer.Option(help="Draws the sites.")] = 0,
    tile: Annotated[int, typer.Option(help="Cut photos over 2000 px into tiles of at most so many; 0 not.")] = 1280,
    empty_tiles: Annotated[float, typer.Option(help="Share of the tiles without a label that is kept.")] = 0.2,
    boxes_as_masks: Annotated[
        bool, typer.Option("--boxes-as-masks", help="Take a box as the defect's area. It is none.")
    ] = False,
    orientation: Annotated[
        str, typer.Option(help="Labels lie on photos as shown, or as stored (EXIF orientation): auto, shown, stored.")
    ] = "auto",
    skip_missing: Annotated[bool, typer.Option("--skip-missing", help="Leave out photos that are not there.")] = False,
    skip_unlabelled: Annotated[
        bool, typer.Option("--skip-unlabelled", help="Leave out photos without a label: nobody looked at them.")
    ] = False,
    append: Annotated[bool, typer.Option("--append", help="Add to the data set; its splits stay.")] = False,
    weights: Annotated[str, typer.Option(help="Weights that look for forgotten labels.")] = "default",
    no_model_checks: Annotated[
        bool, typer.Option("--no-model-checks", help="Do not look for forgotten labels.")
    ] = False,
    lang: options.ConsoleLanguage = None,
    quiet: options.Quiet = False,
) -> None:
    """Make a data set of annotated photos: checked, shown on a contact sheet, split by site; originals stay untouched.

    The data set is written wholly or not at all.
    """
    from tenken.commands.terminal import shown_progress
    from tenken.errors import MissingExtraError
    from tenken.wording import words

    spoken = options.language(lang)
    if missing := [module for module in NEEDED if find_spec(module) is None]:
        raise MissingExtraError(f'inspect import: {", ".join(missing)} not installed: pip install "tenken[train]"')
    from tenken_training.annotations.checks import Checks
    from tenken_training.annotations.classes import read_class_map
    from tenken_training.annotations.import_options import ImportOptions
    from tenken_training.annotations.import_table import import_table
    from tenken_training.annotations.importing import import_annotations

    chosen = ImportOptions(
        format=format_,
        photos=photos,
        classes=read_class_map(classes) if classes is not None else {},
        site=site,
        kinds=tuple(kind.strip() for kind in kinds.split(",") if kind.strip()) if kinds else (),
        val=val,
        test=test,
        keep_splits=keep_splits,
        tile_px=tile,
        empty_share=empty_tiles,
        boxes_as_masks=boxes_as_masks,
        orientation=orientation,
        skip_missing=skip_missing,
        skip_unlabelled=skip_unlabelled,
        append=append,
        seed=seed,
    )
    with shown_progress(quiet=quiet, lang=spoken) as progress:
        if no_model_checks:
            checks = Checks(progress)
        else:
            from tenken.detection.detect import load_detector
            from tenken.detection.weights import find_weights

            checks = Checks(progress, load_detector(weights), find_weights(weights).card.classes)
        imported = import_annotations(source, out, chosen, checker=checks, progress=progress)
    if not quiet:
        typer.echo(import_table(imported, spoken))
        typer.echo(words(spoken)("import.data_set", path=out))
