"""Whether our average precision is the published one: ultralytics' own validator beside ours, on the same photos.

``python benchmarks/average_precision.py CHECKPOINT.pt DATASET --split val`` with a folder of YOLO polygons. Both see
each photo as one tile of its own size. ultralytics is asked twice: with its default, which pads photos to a common
rectangle with a rim of grey, and without (``rect=False``); the two differ, and ours should lie within 0.01 of either.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tenken.detection.detect import load_detector
from tenken.detection.ultralytics_engine import open_checkpoint, segmentation_classes
from tenken_training.evaluation import LabelledSet, read_labelled_set
from tenken_training.evaluation.average_precision import pooled_average_precision
from tenken_training.evaluation.whole_photo import SENSITIVE_SCORE, score_whole_photo

MEASURES = ("box_map50", "box_map50_95", "mask_map50", "mask_map50_95")


def by_ultralytics(checkpoint: Path, dataset: Path, split: str, size_px: int, *, rect: bool) -> dict[str, float]:
    """Validate with ultralytics, in a copy of the photos: it writes beside them."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "data"
        for part in ("images", "labels"):
            shutil.copytree(dataset / split / part, copy / "val" / part, copy_function=shutil.copyfile)
        network = open_checkpoint(checkpoint)
        names = "\n".join(
            f"  {number}: {name}" for number, name in enumerate(segmentation_classes(network, checkpoint))
        )
        settings = copy / "data.yaml"
        text = f"path: {copy.as_posix()}\ntrain: val/images\nval: val/images\nnames:\n{names}\n"
        settings.write_text(text, encoding="utf-8")
        options: dict[str, Any] = {"device": "cpu", "workers": 0, "plots": False, "verbose": False, "batch": 1}
        found = network.val(data=str(settings), imgsz=size_px, rect=rect, project=folder, **options)
    values = (found.box.map50, found.box.map, found.seg.map50, found.seg.map)
    return dict(zip(MEASURES, (float(value) for value in values), strict=True))


def by_tenken(checkpoint: Path, labelled: LabelledSet, size_px: int) -> dict[str, float]:
    """Compute the same figures with our own code, of the one labelled kind."""
    detector = load_detector(checkpoint, min_score=SENSITIVE_SCORE, device="cpu")
    [kind] = labelled.kinds
    classes = ("crack", "corrosion")
    ranked = [
        score_whole_photo(*labelled.load(photo), detector, [kind], classes, whole_px=size_px, tolerance_px=2)[
            kind
        ].ranked
        for photo in labelled.photos
    ]
    pooled = pooled_average_precision(ranked, np.empty((0, len(ranked)), dtype=np.int64))
    return {name: float(pooled[name][0]) for name in MEASURES}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--size", type=int, default=416)
    options = parser.parse_args()
    labelled = read_labelled_set(options.dataset, options.split)
    place = options.checkpoint, options.dataset, options.split, options.size
    rows = {
        "ultralytics, padded": by_ultralytics(*place, rect=True),
        "ultralytics, rect=False": by_ultralytics(*place, rect=False),
        "tenken": by_tenken(options.checkpoint, labelled, options.size),
    }
    print(f"\n{len(labelled.photos)} photos of {labelled.name}, {', '.join(labelled.kinds)}")
    print(f"{'':26}" + "".join(f"{name:>15}" for name in MEASURES))
    for name, values in rows.items():
        print(f"{name:26}" + "".join(f"{values[measure]:15.4f}" for measure in MEASURES))


if __name__ == "__main__":
    main()
