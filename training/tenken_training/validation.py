"""Figures of each epoch, on validation photos as they are: enough to see whether training goes well.

They are pixel figures at one fixed probability, quick to compute, and no substitute for an evaluation.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import nn

from tenken.detection.detect import CONDITION_STATES, KINDS
from tenken_demo.noise import stream
from tenken_training.cleaning import near
from tenken_training.crops import CropMaker
from tenken_training.prepared_index import PreparedIndex
from tenken_training.recipe import Recipe
from tenken_training.view import UNKNOWN_STATE, Labelled

PROBABILITY = 0.5
TOLERANCE_PX = 4
"""A crack's pixel counts as found when a found one is this near."""
MOST_PHOTOS = 60
"""Validation photos of each set that are looked at, evenly spread."""
BATCH = 8


class ValidationCrops:
    """Fixed crops of the validation photos: cracks near and far, rust, drawn cracks, and surfaces without either.

    Parameters are those of `CropMaker`.
    """

    def __init__(self, recipe: Recipe, index: PreparedIndex, data_dir: Path, prepared_dir: Path) -> None:
        maker = CropMaker(recipe, index, data_dir, prepared_dir, split="val")
        photos = [photo for photo in index.photos if photo.split == "val"]
        size = recipe.crops.size_px
        self._crops: dict[str, list[Labelled]] = {"crack": [], "far_crack": [], "corrosion": []}
        for kind, group in (("crack", "crack"), ("crack", "far_crack"), ("corrosion", "corrosion")):
            chosen = [photo for photo in photos if photo.kind == kind]
            for photo in chosen[:: -(-len(chosen) // MOST_PHOTOS) or 1]:
                scale = {"crack": size / 416, "far_crack": 0.4 * size / 416, "corrosion": 0.6 * size / 416}[group]
                self._crops[group].append(maker.whole(photo, scale))
        surfaces = [photo for photo in photos if photo.kind == "surface"]
        self._crops["surface"] = [maker.whole(photo, 0.7) for photo in surfaces]
        drawn = [maker.crop_of("drawn_crack", stream(recipe.seed, "validation", number)) for number in range(30)]
        self._crops["drawn_crack"] = drawn

    def figures(self, network: nn.Module, device: str) -> dict[str, float]:
        """Recall and precision of cracks' pixels, IoU of rust, F1 of states, false alarms a crop."""
        found = {group: probabilities(network, crops, device) for group, crops in self._crops.items()}
        row: dict[str, float] = {}
        for group in ("crack", "far_crack", "drawn_crack"):
            row |= crack_figures(group, self._crops[group], [each[0] > PROBABILITY for each in found[group]])
        row |= rust_figures(self._crops["corrosion"], found["corrosion"])
        for number, kind in enumerate(KINDS):
            count = sum(int(ndimage.label(each[number] > PROBABILITY)[1]) for each in found["surface"])
            row[f"val_false_{kind}_per_crop"] = count / max(len(found["surface"]), 1)
        return row


def probabilities(network: nn.Module, crops: Sequence[Labelled], device: str) -> list[npt.NDArray[np.float32]]:
    """Give (5, s, s) for each crop: crack, corrosion, and the states' logits."""
    planes: list[npt.NDArray[np.float32]] = []
    for first in range(0, len(crops), BATCH):
        images = np.stack([crop.image for crop in crops[first : first + BATCH]])
        batch = torch.from_numpy(images).permute(0, 3, 1, 2).to(device)
        with torch.inference_mode():
            logits = network(batch.contiguous(memory_format=torch.channels_last).float() / 255).float()
            logits = nn.functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
            planes += list(torch.cat([logits[:, :2].sigmoid(), logits[:, 2:]], dim=1).cpu().numpy())
    return planes


def crack_figures(group: str, crops: Sequence[Labelled], found: Sequence[npt.NDArray[np.bool_]]) -> Mapping[str, float]:
    """Recall, precision and IoU of cracks' pixels, within `TOLERANCE_PX`."""
    hits, true, right, claimed = 0, 0, 0, 0
    shared, either = 0, 0
    for crop, seen in zip(crops, found, strict=True):
        label = crop.crack_numbers > 0
        plane = seen & (~crop.ignore[0] | label)
        hits += int((label & near(plane, TOLERANCE_PX)).sum())
        right += int((plane & near(label, TOLERANCE_PX)).sum())
        true += int(label.sum())
        claimed += int(plane.sum())
        shared += int((plane & label).sum())
        either += int((plane | label).sum())
    return {
        f"val_{group}_recall": hits / max(true, 1),
        f"val_{group}_precision": right / max(claimed, 1),
        f"val_{group}_iou": shared / max(either, 1),
    }


def rust_figures(crops: Sequence[Labelled], found: Sequence[npt.NDArray[np.float32]]) -> dict[str, float]:
    """IoU of corroded pixels, and F1 of their states."""
    shared, either = 0, 0
    counts = np.zeros((4, 4), np.int64)
    for crop, planes in zip(crops, found, strict=True):
        rusty = planes[1] > PROBABILITY
        shared += int((rusty & crop.rust).sum())
        either += int((rusty | crop.rust).sum())
        named = np.where(rusty, planes[2:].argmax(axis=0) + 1, 0)
        known = crop.state < UNKNOWN_STATE
        np.add.at(counts, (crop.state[known], named[known]), 1)
    f1 = 2 * counts.diagonal() / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)
    return {"val_corrosion_iou": shared / max(either, 1)} | {
        f"val_f1_{name}": float(f1[number]) for number, name in enumerate(CONDITION_STATES, start=1)
    }
