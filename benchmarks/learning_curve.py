"""How good a network is after each epoch, and with more photos: curves of figure against effort and against data.

``python benchmarks/learning_curve.py SHARED WORK`` exports checkpoints of a training's folder of work, and judges
each on validation photos with the rules (pixel limits, scores, thresholds) of one card, so that only the network
changes: cracks as one tile and as a run sees them, corrosion's pixels and states. No test split is read.

``python benchmarks/learning_curve.py SHARED WORK --shares 0.125 0.25 0.5 1 --epochs 3 --crops 600`` fits the recipe
anew, equally long each time, with these parts of the labelled photos, below WORK; a larger part holds every photo of a
smaller one. ``--start yolo11n-seg.pt`` begins with a network that has seen none of them, other than the recipe's own
start. Of such short trainings the pixel figures of ``curves.csv`` are printed, which need no rules: at a probability
of 0.5, on validation photos. A part that was fitted before is only printed.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tenken.detection.weights import find_weights
from tenken.detection.weights_card import write_card
from tenken.hashing import file_sha256
from tenken_training.crop_sources import pool_of
from tenken_training.curves import read_rows
from tenken_training.devices import use_threads
from tenken_training.evaluation import Conditions, LabelledSet, evaluate_weights, read_labelled_set
from tenken_training.export_pixels import export_pixels
from tenken_training.fit import fit
from tenken_training.prepared_index import read_index
from tenken_training.recipe import Recipe, read_recipe

RECIPE = Path(__file__).resolve().parents[1] / "training" / "recipes" / "crack-corrosion.toml"
FIGURES = {
    "crack": ("mask_map50", "box_map50", "line_f1"),
    "corrosion": ("pixel_iou", "state_f1_fair", "state_f1_poor", "state_f1_severe", "state_f1_weighted"),
}
WHOLE_PX = {"crack": 416, "corrosion": 640}
QUICK_FIGURES = (
    *("val_crack_recall", "val_crack_precision", "val_crack_iou", "val_far_crack_iou", "val_drawn_crack_iou"),
    *("val_corrosion_iou", "val_f1_fair", "val_f1_poor", "val_f1_severe"),
)


def validation_sets(shared: Path) -> Iterator[tuple[str, LabelledSet]]:
    """Labelled photos of each kind that were not trained on."""
    sources = read_recipe(RECIPE).sources
    yield "crack", read_labelled_set(shared / sources.cracks, "val")
    rust = read_labelled_set(shared / sources.corrosion, "train")
    yield (
        "corrosion",
        replace(
            rust, photos=tuple(photo for photo in rust.photos if int(photo.path.stem) >= sources.corrosion_val_from)
        ),
    )


def print_effort(shared: Path, work: Path, rules_of: str, every: int) -> None:
    """Print a line for each of the chosen checkpoints."""
    rules = find_weights(rules_of).card
    seconds = {int(row["epoch"]): float(row["seconds"]) for row in read_rows(work / "curves.csv")}
    checkpoints = sorted(work.glob("epoch-*.pt"))
    chosen = [path for path in checkpoints if int(path.stem[-3:]) % every == 0 or path == checkpoints[-1]]
    names = [f"{kind} {name}" for kind, figures in FIGURES.items() for name in figures]
    print("epoch  hours  " + "  ".join(names))
    for checkpoint in chosen:
        epoch = int(checkpoint.stem[-3:])
        with tempfile.TemporaryDirectory() as folder:
            path = export_pixels(checkpoint, Path(folder) / f"{checkpoint.stem}.onnx")
            update = {"name": path.stem, "file": path.name, "sha256": file_sha256(path)}
            write_card(rules.model_copy(update=update), path.with_suffix(".json"))
            cells = []
            for kind, labelled in validation_sets(shared):
                conditions = Conditions(
                    tile_px=640, overlap=0.2, tolerance_px=2, whole_px=WHOLE_PX[kind], resamples=0, seed=0
                )
                figures = evaluate_weights(path, labelled, conditions=conditions).evaluation.kinds[kind].figures
                for name in FIGURES[kind]:
                    value = figures[name].value if name in figures else None
                    cells.append(f"{'–' if value is None else format(value, '.3f'):>{len(kind) + len(name) + 1}}")
        spent = sum(value for number, value in seconds.items() if number <= epoch) / 3600
        print(f"{epoch:5}  {spent:5.2f}  " + "  ".join(cells), flush=True)


def started_from(recipe: Recipe, shared: Path, checkpoint: Path) -> Recipe:
    """Begin with another checkpoint below the data folder, whose bytes the caller vouches for."""
    start = recipe.start.model_copy(
        update={
            "checkpoint": checkpoint.resolve().relative_to(shared.resolve()).as_posix(),
            "sha256": file_sha256(checkpoint),
        }
    )
    return recipe.model_copy(update={"start": start})


def shortened(recipe: Recipe, share: float, epochs: int, crops: int) -> Recipe:
    """Train on a part of the labelled photos, for a short while whose learning rate falls to its end."""
    optimiser = recipe.optimiser.model_copy(
        update={"epochs": epochs, "warmup_steps": min(recipe.optimiser.warmup_steps, crops // recipe.optimiser.batch)}
    )
    fewer = recipe.crops.model_copy(update={"photos_share": share, "per_epoch": crops})
    return recipe.model_copy(update={"crops": fewer, "optimiser": optimiser})


def print_data(options: argparse.Namespace) -> None:
    """Fit with each part of the photos, and print a line for each."""
    use_threads(options.threads)
    recipe = read_recipe(options.recipe)
    if options.start:
        recipe = started_from(recipe, options.shared, options.start)
    prepared_dir = options.prepared or options.work / "prepared"
    print("share  photos of cracks  of corrosion  " + "  ".join(QUICK_FIGURES))
    for share in options.shares:
        work = options.work / f"share-{share:g}"
        fit(
            shortened(recipe, share, options.epochs, options.crops), options.shared, work,
            workers=1, textures_dir=options.textures, prepared_dir=prepared_dir,
        )  # fmt: skip
        pool = pool_of(read_index(recipe, prepared_dir), "train", share)
        row = read_rows(work / "curves.csv")[-1]
        cells = [f"{float(row[name]):{len(name)}.3f}" for name in QUICK_FIGURES]
        counts = f"{len(pool.crack):16}  {len(pool.corrosion):12}"
        print(f"{share:5.3f}  {counts}  " + "  ".join(cells), flush=True)


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("work", type=Path, help="folder of work of tenken_training.fit, or for the short trainings")
    parser.add_argument("--rules", default="default", help="weights whose rules and thresholds are used")
    parser.add_argument("--every", type=int, default=4, help="epochs between two checkpoints")
    parser.add_argument("--shares", type=float, nargs="+", help="fit with these parts of the labelled photos")
    parser.add_argument("--start", type=Path, help="trusted checkpoint below SHARED to begin with, not the recipe's")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="what is fitted with a part of the photos")
    parser.add_argument("--epochs", type=int, default=3, help="of each short training")
    parser.add_argument("--crops", type=int, default=600, help="crops an epoch of a short training")
    parser.add_argument("--textures", type=Path, help="what tenken_training.fetch_textures wrote")
    parser.add_argument("--prepared", type=Path, help="folder that the recipe prepared before (WORK/prepared)")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.shares:
        print_data(options)
    else:
        print_effort(options.shared, options.work, options.rules, options.every)


if __name__ == "__main__":
    main()
