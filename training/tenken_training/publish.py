"""From a fit to weights that inspections load: exported, calibrated, judged, with a card and pictures of failures.

``inspect train`` does it after a fit; alone: ``python -m tenken_training.publish --recipe R.toml --work runs/x``

Writes ``NAME.onnx``, ``NAME.json`` and ``NAME-failures.jpg``. What a person wrote on a card that is already there
(summary, licence, known failures) is kept. The test splits are read here and nowhere before.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer
from PIL import Image, ImageDraw

from tenken.detection.detect import KINDS
from tenken.detection.weights_card import Metric, Source, TrainingData, WeightsCard, read_card, write_card
from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken.measurement.find import find_defects
from tenken.notes import Note
from tenken.running.progress import Progress, Silence
from tenken_training.calibrate import Calibration, calibrate
from tenken_training.evaluation import Figure, evaluate_weights, judged_weights, read_labelled_set
from tenken_training.evaluation.blunders import Blunder
from tenken_training.evaluation.photo_score import score_defects
from tenken_training.evaluation.pictures import draw_blunder
from tenken_training.evaluation.results import Conditions
from tenken_training.evaluation.scenes import Scene, concrete_scene, steel_scene
from tenken_training.evaluation.scoring import Judged, default_conditions
from tenken_training.export_pixels import export_pixels, made_with
from tenken_training.prepared_index import PreparedIndex, read_index
from tenken_training.recipe import Described, Recipe, SourceKind, read_recipe

WHOLE_PX = {"crack": 416, "corrosion": 640}
"""Longest side of a test photo as one tile: what published figures of the set used."""
SHOWN_RESOLUTIONS_MM = (0.3, 1.2)
SHOWN_SEEDS = range(500, 504)
"""Rendered structures that failures are shown on; no figure rests on them."""
SHOWN = 4
"""Failures of each sort and kind."""


def publish(
    recipe: Recipe,
    data_dir: Path,
    work_dir: Path,
    name: str,
    out_dir: Path,
    *,
    textures_dir: Path | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> WeightsCard:
    """Publish a fit's network.

    Parameters
    ----------
    recipe, data_dir, work_dir, textures_dir
        What it was fitted with, and where.
    name
        Name of the weights.
    out_dir
        Where they are written.
    checkpoint
        The checkpoint; the fit's last when None.
    progress
        Told what happens.

    Returns
    -------
    The card.

    Raises
    ------
    SettingsError
        When the fit is not this recipe's, or its data is not there.
    WeightsError
        When the checkpoint cannot be used.
    """
    progress = progress or Silence()
    prepared_dir = work_dir / "prepared"
    index = read_index(recipe, prepared_dir)
    checkpoint = checkpoint or work_dir / "last.pt"
    if not checkpoint.is_file():
        raise SettingsError(f"{checkpoint} is missing; fit at least one epoch first: inspect train")
    path = export_pixels(checkpoint, out_dir / f"{name}.onnx")
    progress.note(Note.of("train.calibrating", file=path.name))
    chosen = calibrate(path, recipe, index, data_dir, prepared_dir, textures_dir)
    card_path = out_dir / f"{name}.json"
    card = _card(path, name, recipe, index, checkpoint, chosen, read_card(card_path) if card_path.is_file() else None)
    write_card(card, card_path)
    for kind in KINDS:
        progress.note(Note.of("train.of_kind", kind=Note.kinds([kind]), note=chosen[kind].note))
    metrics = [metric for kind in KINDS for metric in _test_metrics(path, kind, recipe, data_dir, progress)]
    pictures = draw_failures(path, out_dir / f"{name}-failures.jpg")
    card = card.model_copy(update={"metrics": tuple(metrics), "failure_pictures": pictures})
    write_card(card, card_path)
    return card


def _card(
    path: Path,
    name: str,
    recipe: Recipe,
    index: PreparedIndex,
    checkpoint: Path,
    chosen: Mapping[str, Calibration],
    before: WeightsCard | None,
) -> WeightsCard:
    kept = {} if before is None else before.model_dump(include={"summary", "licence", "known_failures", "recipe"})
    low, high = recipe.crops.scale
    made = WeightsCard.minimal(path, KINDS, network="pixels", name=name)
    return made.model_copy(
        update={
            "licence": "AGPL-3.0-only",
            "recipe": f"training/recipes/{recipe.name}.toml",
            **{key: value for key, value in kept.items() if value},
            "known_failures": () if before is None else before.known_failures,
            "seed": recipe.seed,
            "ground_resolution": f"photos enlarged {low:g} to {high:g} times; their scales are unknown",
            "objects": {kind: chosen[kind].rule for kind in KINDS},
            "thresholds": {kind: chosen[kind].threshold for kind in KINDS},
            "thresholds_note": " ".join(f"{kind}: {chosen[kind].note}." for kind in KINDS)
            + " On validation pictures (tenken_training.calibrate); the test splits were not used.",
            "source": Source(file=checkpoint.name, sha256=file_sha256(checkpoint), made_with=made_with()),
            "training_data": tuple(training_data(recipe, index)),
        }
    )


def training_data(recipe: Recipe, index: PreparedIndex) -> Iterator[TrainingData]:
    """Name what was trained on, for the card."""
    trained = [photo for photo in index.photos if photo.split == "train"]
    kinds: tuple[SourceKind, ...] = get_args(SourceKind)
    folders = {"crack": recipe.sources.cracks, "corrosion": recipe.sources.corrosion, "flight": "flights"}
    for kind in kinds:
        count = sum(photo.kind == kind for photo in trained) if kind != "flight" else len(recipe.sources.flights)
        told = recipe.described.get(kind) or Described(name=folders[kind], licence="not stated in the recipe")
        if count:
            yield TrainingData(name=told.name, licence=told.licence, photos=count, note=told.note)
    if surfaces := sum(photo.kind == "surface" for photo in trained):
        yield TrainingData(
            name="rendered surfaces", licence="AGPL-3.0-only (ours)", photos=surfaces, note="without defects"
        )
    textures = {name for name in index.inputs if name.startswith("textures/")}
    if textures:
        packages = sorted({name.split("/")[1] for name in textures})
        yield TrainingData(
            name=f"pictures of other things from the Debian packages {', '.join(packages)}",
            licence="free licences, one for each picture: tenken_training/texture_lists/pictures.csv",
            photos=len(textures),
            note="by eye without cracks and rust, or left out of the loss of what they may show",
        )


def _test_metrics(path: Path, kind: str, recipe: Recipe, data_dir: Path, progress: Progress) -> Iterator[Metric]:
    folder = data_dir / {"crack": recipe.sources.cracks, "corrosion": recipe.sources.corrosion}[kind]
    labelled = read_labelled_set(folder, "test")
    conditions = default_conditions().model_copy(update={"whole_px": WHOLE_PX[kind]})
    evaluation = evaluate_weights(path, labelled, conditions=conditions, progress=progress).evaluation
    for name, figure in evaluation.kinds[kind].figures.items():
        yield from metric_of(kind, name, figure, f"{labelled.name} ({evaluation.photos} photos)", conditions)


def metric_of(kind: str, name: str, figure: Figure, data: str, conditions: Conditions) -> Iterator[Metric]:
    """Put a figure on a card, with its conditions; nothing where there is none."""
    if figure.value is not None:
        how = (
            f"photos as one tile of at most {conditions.whole_px} px"
            if "map50" in name
            else f"as a run sees it, tolerance {conditions.tolerance_px:g} px"
        )
        yield Metric(
            measure=f"{kind}, {name}",
            value=round(figure.value, 4),
            low=None if figure.low is None else round(figure.low, 4),
            high=None if figure.high is None else round(figure.high, 4),
            n=figure.n,
            data=f"{data}, n counts {figure.of}",
            conditions=how,
        )


def draw_failures(path: Path, picture_path: Path) -> tuple[str, ...]:
    """Draw the worst misses and false alarms on rendered structures: real photos are others' to show."""
    judged = judged_weights(path, sensitive=False)
    rows = []
    for kind, render in (("crack", concrete_scene), ("corrosion", steel_scene)):
        misses: list[tuple[float, Image.Image]] = []
        alarms: list[tuple[float, Image.Image]] = []
        for gsd_mm in SHOWN_RESOLUTIONS_MM:
            for seed in SHOWN_SEEDS:
                scene = render(seed, gsd_mm)
                for blunder, picture in _blunders(judged, kind, scene):
                    chosen = misses if blunder.score is None else alarms
                    chosen.append((blunder.size if blunder.score is None else blunder.score, picture))
        for title, drawn in ((f"{kind}: missed", misses), (f"{kind}: false alarms", alarms)):
            rows.append((title, [picture for _, picture in sorted(drawn, key=lambda one: -one[0])[:SHOWN]]))
    shown = [row for row in rows if row[1]]
    if not shown:
        return ()
    _sheet(shown).save(picture_path, quality=82)
    return (picture_path.name,)


def _blunders(judged: Judged, kind: str, scene: Scene) -> Iterator[tuple[Blunder, Image.Image]]:
    defects = find_defects(scene.image, judged.detector, classes=judged.classes)
    blunders = score_defects(kind, scene.truth, defects, tolerance_px=default_conditions().tolerance_px)[1]
    outlines = [defect.outline_px for defect in defects if defect.kind == kind]
    for blunder in blunders:
        yield blunder, draw_blunder(scene.image, scene.truth.region(kind), outlines, blunder)


def _sheet(rows: Sequence[tuple[str, Sequence[Image.Image]]]) -> Image.Image:
    side = max(max(picture.size) for _, pictures in rows for picture in pictures)
    heading = 24
    sheet = Image.new("RGB", (SHOWN * (side + 8), len(rows) * (side + heading + 8)), (255, 255, 255))
    pencil = ImageDraw.Draw(sheet)
    for number, (title, pictures) in enumerate(rows):
        top = number * (side + heading + 8)
        pencil.text((4, top + 6), f"{title} (labelled blue, found orange; rendered)", fill=(0, 0, 0))
        for column, picture in enumerate(pictures):
            sheet.paste(picture, (column * (side + 8), top + heading))
    return sheet


def main(
    recipe: Annotated[Path, typer.Option(help="Recipe file.", exists=True, dir_okay=False)],
    work: Annotated[Path, typer.Option(help="Folder of the training.", file_okay=False)],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's paths are below.", file_okay=False)] = Path(
        "../shared"
    ),
    name: Annotated[str, typer.Option(help="Name of the weights.")] = "crack-corrosion",
    out: Annotated[Path, typer.Option(help="Where to write them.", file_okay=False)] = Path("weights"),
    textures: Annotated[Path | None, typer.Option(help="What fetch_textures wrote.", file_okay=False)] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint; the last if none.", dir_okay=False)] = None,
) -> None:
    """Export, calibrate, judge, and write the card."""
    from tenken.commands.terminal import shown_progress

    with shown_progress(quiet=False) as progress:
        card = publish(
            read_recipe(recipe), data, work, name, out,
            textures_dir=textures, checkpoint=checkpoint, progress=progress,
        )  # fmt: skip
    for metric in card.metrics:
        typer.echo(f"{metric.measure:40} {metric.value:.3f}  {metric.low} to {metric.high}")


if __name__ == "__main__":
    typer.run(main)
