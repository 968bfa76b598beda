"""How good a network is after each epoch: the curve of figure against effort.

``python benchmarks/learning_curve.py SHARED WORK`` exports checkpoints of a training's folder of work, and judges
each on validation photos with the rules (pixel limits, scores, thresholds) of one card, so that only the network
changes: cracks as one tile and as a run sees them, corrosion's pixels and states. No test split is read.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tenken.detection.weights import find_weights
from tenken.detection.weights_card import write_card
from tenken.hashing import file_sha256
from tenken_training.curves import read_rows
from tenken_training.evaluation import Conditions, LabelledSet, evaluate_weights, read_labelled_set
from tenken_training.export_pixels import export_pixels
from tenken_training.recipe import read_recipe

RECIPE = Path(__file__).resolve().parents[1] / "training" / "recipes" / "crack-corrosion.toml"
FIGURES = {
    "crack": ("mask_map50", "box_map50", "line_f1"),
    "corrosion": ("pixel_iou", "state_f1_fair", "state_f1_poor", "state_f1_severe", "state_f1_weighted"),
}
WHOLE_PX = {"crack": 416, "corrosion": 640}


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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("work", type=Path, help="folder of work of tenken_training.fit")
    parser.add_argument("--rules", default="default", help="weights whose rules and thresholds are used")
    parser.add_argument("--every", type=int, default=4, help="epochs between two checkpoints")
    options = parser.parse_args()
    rules = find_weights(options.rules).card
    seconds = {int(row["epoch"]): float(row["seconds"]) for row in read_rows(options.work / "curves.csv")}
    checkpoints = sorted(options.work.glob("epoch-*.pt"))
    chosen = [path for path in checkpoints if int(path.stem[-3:]) % options.every == 0 or path == checkpoints[-1]]
    names = [f"{kind} {name}" for kind, figures in FIGURES.items() for name in figures]
    print("epoch  hours  " + "  ".join(names))
    for checkpoint in chosen:
        epoch = int(checkpoint.stem[-3:])
        with tempfile.TemporaryDirectory() as folder:
            path = export_pixels(checkpoint, Path(folder) / f"{checkpoint.stem}.onnx")
            update = {"name": path.stem, "file": path.name, "sha256": file_sha256(path)}
            write_card(rules.model_copy(update=update), path.with_suffix(".json"))
            cells = []
            for kind, labelled in validation_sets(options.shared):
                conditions = Conditions(
                    tile_px=640, overlap=0.2, tolerance_px=2, whole_px=WHOLE_PX[kind], resamples=0, seed=0
                )
                figures = evaluate_weights(path, labelled, conditions=conditions).evaluation.kinds[kind].figures
                for name in FIGURES[kind]:
                    value = figures[name].value if name in figures else None
                    cells.append(f"{'–' if value is None else format(value, '.3f'):>{len(kind) + len(name) + 1}}")
        spent = sum(value for number, value in seconds.items() if number <= epoch) / 3600
        print(f"{epoch:5}  {spent:5.2f}  " + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
