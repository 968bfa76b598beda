"""Figures of each epoch, on validation photos as they are: enough to see whether training goes well.

They are pixel figures at one fixed score, quick to compute, and no substitute for an evaluation.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tenken.detect import KINDS, Detections
from tenken.yolo_segmentation import decode
from tenken_demo.noise import stream
from tenken_training.cleaning import near
from tenken_training.crops import CropMaker
from tenken_training.prepare import PreparedIndex
from tenken_training.recipe import Recipe
from tenken_training.view import Labelled

MIN_SCORE = 0.25
TOLERANCE_PX = 4
"""A crack's pixel counts as found when a found one is this near."""
MOST_PHOTOS = 60
"""Validation photos of each set that are looked at, evenly spread."""


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
                scale = {"crack": size / 416, "far_crack": 0.4 * size / 416, "corrosion": 0.7 * size / 416}[group]
                self._crops[group].append(maker.whole(photo, scale))
        surfaces = [photo for photo in photos if photo.kind == "surface"]
        self._crops["surface"] = [maker.whole(photo, 0.7) for photo in surfaces]
        drawn = [maker.crop_of("drawn_crack", stream(recipe.seed, "validation", number)) for number in range(30)]
        self._crops["drawn_crack"] = drawn

    def figures(self, network: nn.Module, device: str) -> dict[str, float]:
        """Recall and precision of cracks' pixels, IoU of rust, false alarms a crop, at a score of 0.25."""
        found = {group: [_detect(network, crop, device) for crop in crops] for group, crops in self._crops.items()}
        row: dict[str, float] = {}
        for group in ("crack", "far_crack", "drawn_crack"):
            row |= _crack_figures(group, self._crops[group], found[group])
        row["val_corrosion_iou"] = _rust_iou(self._crops["corrosion"], found["corrosion"])
        for kind in KINDS:
            count = sum(int((np.asarray(each.label) == kind).sum()) for each in found["surface"])
            row[f"val_false_{kind}_per_crop"] = count / max(len(found["surface"]), 1)
        return row


def _detect(network: nn.Module, crop: Labelled, device: str) -> Detections:
    image = torch.from_numpy(crop.image).permute(2, 0, 1)[None].to(device)
    with torch.inference_mode():
        planes = image.contiguous(memory_format=torch.channels_last).float() / 255
        predictions, prototypes = (output[0].float().cpu().numpy() for output in network(planes)[0])
    return decode(predictions, prototypes, crop.image.shape[:2], KINDS, [MIN_SCORE] * len(KINDS))


def _plane(detections: Detections, kind: str, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Unite the masks of one kind."""
    plane = np.zeros(shape, bool)
    for box, label, mask in zip(detections.xyxy_px, detections.label, detections.masks or [], strict=True):
        if label == kind:
            left, top = np.floor(box[:2]).astype(int)
            plane[top : top + mask.shape[0], left : left + mask.shape[1]] |= mask
    return plane


def _crack_figures(group: str, crops: Sequence[Labelled], found: Sequence[Detections]) -> Mapping[str, float]:
    hits, true, right, claimed = 0, 0, 0, 0
    for crop, detections in zip(crops, found, strict=True):
        label, plane = crop.crack_numbers > 0, _plane(detections, "crack", crop.rust.shape)
        plane &= ~crop.ignore[0] | label
        hits += int((label & near(plane, TOLERANCE_PX)).sum())
        right += int((plane & near(label, TOLERANCE_PX)).sum())
        true += int(label.sum())
        claimed += int(plane.sum())
    return {f"val_{group}_recall": hits / max(true, 1), f"val_{group}_precision": right / max(claimed, 1)}


def _rust_iou(crops: Sequence[Labelled], found: Sequence[Detections]) -> float:
    shared, either = 0, 0
    for crop, detections in zip(crops, found, strict=True):
        plane = _plane(detections, "corrosion", crop.rust.shape)
        shared += int((plane & crop.rust).sum())
        either += int((plane | crop.rust).sum())
    return shared / max(either, 1)
