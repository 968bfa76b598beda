"""How a network does on the new site and on what was known, after each epoch and for each blend.

Pixel figures at one probability, at the scale at which an inspection sees the photos; quick, and no substitute for an
evaluation.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn

from tenken.notes import Note
from tenken_training.curves_picture import LOSSES, SHARE, Panel
from tenken_training.prepared_index import PreparedPhoto
from tenken_training.rasters import read_raster, read_rgb
from tenken_training.retraining.sources import Sources
from tenken_training.validation import crack_figures, probabilities, rust_figures
from tenken_training.view import Labelled, View, look

MOST_CROPS = 48
"""Crops of each group and kind, evenly spread."""
PANELS: tuple[Panel, ...] = (
    ("Training loss", LOSSES | {"train_memory": "drift from what was known"}, "loss, unweighted"),
    (
        "New site, validation photos",
        {
            "val_site_crack_recall": "crack recall",
            "val_site_crack_precision": "crack precision",
            "val_site_corrosion_f1": "corrosion F1",
        },
        SHARE,
    ),
    (
        "What was known before",
        {"val_replay_crack_f1": "crack F1", "val_replay_corrosion_f1": "corrosion F1"},
        SHARE,
    ),
)


class RetrainingValidation:
    """Fixed crops of the validation photos of the new site and of what is replayed.

    Parameters
    ----------
    sources
        What was prepared.
    folder
        Where it lies.
    size_px
        Side of the crops.
    """

    def __init__(self, sources: Sources, folder: Path, size_px: int) -> None:
        self._groups: dict[str, list[Labelled]] = {}
        for group, photos in (("site", sources.site), ("replay", sources.replay)):
            for kind in ("crack", "corrosion"):
                chosen = [photo for photo in photos if photo.split == "val" and photo.kind == kind]
                crops = [crop for photo in chosen for crop in _windows(photo, folder, size_px)]
                self._groups[f"{group}_{kind}"] = crops[:: -(-len(crops) // MOST_CROPS) or 1]

    @property
    def site_kinds(self) -> tuple[str, ...]:
        """Kinds that the new site's validation photos show."""
        return tuple(kind for kind in ("crack", "corrosion") if self._groups[f"site_{kind}"])

    def figures(self, network: nn.Module, device: str) -> dict[str, float]:
        """Recall, precision and F1 by group and kind, and the mean F1 of each group as its score."""
        row: dict[str, float] = {}
        scores: dict[str, list[float]] = {"site": [], "replay": []}
        for name, crops in self._groups.items():
            if not crops:
                continue
            found = probabilities(network, crops, device)
            group, kind = name.split("_")
            if kind == "crack":
                row |= crack_figures(name, crops, [each[0] > 0.5 for each in found])
                recall, precision = row[f"val_{name}_recall"], row[f"val_{name}_precision"]
                f1 = 2 * recall * precision / max(recall + precision, 1e-9)
            else:
                iou = rust_figures(crops, found)["val_corrosion_iou"]
                f1 = 2 * iou / (1 + iou)
            row[f"val_{name}_f1"] = f1
            scores[group].append(f1)
        return row | {f"val_{group}_score": float(np.mean(values)) for group, values in scores.items() if values}


def retraining_line(row: dict[str, float], epochs: int) -> Note:
    """Say in one line how an epoch went."""
    told = [Note.of("train.epoch_at_most", epoch=f"{row['epoch']:.0f}", epochs=epochs)]
    if "val_site_crack_f1" in row:
        recall, precision = (f"{row[f'val_site_crack_{name}']:.2f}" for name in ("recall", "precision"))
        told.append(Note.of("train.site_crack", recall=recall, precision=precision))
    if "val_site_corrosion_f1" in row:
        told.append(Note.of("train.site_corrosion", f1=f"{row['val_site_corrosion_f1']:.2f}"))
    told.append(Note.of("train.known", score=f"{row['val_replay_score']:.2f}"))
    return Note.joined(told)


def _windows(photo: PreparedPhoto, folder: Path, size_px: int) -> Sequence[Labelled]:
    """Cut a photo into crops as they are; of two, the ones that show something."""
    image = read_rgb(folder / photo.image)
    labels = read_raster(folder / photo.labels)
    ignore = read_raster(folder / photo.ignore) if photo.ignore else None
    height, width = labels.shape
    made = []
    for y in _middles(height, size_px):
        for x in _middles(width, size_px):
            view = View((x, y), 1.0, 0.0, False, size_px)
            crop = look(image, labels, ignore, view, rust=photo.kind == "corrosion")
            if crop.crack_numbers.any() or crop.rust.any():
                made.append(crop)
    return made


def _middles(side: int, size_px: int) -> list[float]:
    if side <= size_px:
        return [side / 2]
    count = -(-side // size_px)
    return [float(middle) for middle in np.linspace(size_px / 2, side - size_px / 2, count)]
