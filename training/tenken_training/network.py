"""The network that is trained: ultralytics' YOLO segmentation with a loss that can leave places out.

The only file of training that imports ultralytics; the checkpoint itself is opened by `open_checkpoint`.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tenken.detect import KINDS
from tenken.errors import WeightsError
from tenken.ultralytics_engine import open_checkpoint
from tenken.yolo_segmentation import PROTOTYPE_PX
from tenken_training.view import Labelled

BOX_GAIN, CLASS_GAIN, DISTANCE_GAIN = 7.5, 0.5, 1.5
"""Weights of the parts of the loss (ultralytics' defaults; the mask's part has the box's weight)."""
LOSS_NAMES = ("box", "mask", "class", "distance")
MASK_COVER = 0.35
"""A prototype's cell belongs to a mask when so much of it does, or half of what the mask's cells have on average:
a crack may be thinner than a cell."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops as tensors.

    Parameters
    ----------
    image
        (b, 3, s, s) uint8 RGB.
    targets
        What ultralytics' loss takes: batch_idx (n,), cls (n, 1), bboxes (n, 4) centre and size as parts of the
        crop, masks (n, s / 4, s / 4).
    weight
        (b, classes, s, s) 1, or 0 where a class is left out of the loss.
    """

    image: Tensor
    targets: dict[str, Tensor]
    weight: Tensor


def collate(crops: Sequence[Labelled]) -> Batch:
    """Make crops of one size into a batch."""
    size = crops[0].image.shape[0]
    boxes, labels, numbers, masks, weights = [], [], [], [], []
    for number, crop in enumerate(crops):
        found, ignore = crop.instances()
        weights.append(~ignore)
        for instance in found:
            rows, columns = np.flatnonzero(instance.mask.any(axis=1)), np.flatnonzero(instance.mask.any(axis=0))
            left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
            boxes.append([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])
            labels.append(instance.label)
            numbers.append(number)
            cells = instance.mask.reshape(size // PROTOTYPE_PX, PROTOTYPE_PX, size // PROTOTYPE_PX, PROTOTYPE_PX)
            cover = cells.mean(axis=(1, 3))
            masks.append(cover >= min(MASK_COVER, cover[cover > 0].mean() / 2))
    side = size // PROTOTYPE_PX
    return Batch(
        image=torch.from_numpy(np.stack([crop.image for crop in crops])).permute(0, 3, 1, 2),
        targets={
            "batch_idx": torch.tensor(numbers, dtype=torch.float32),
            "cls": torch.tensor(labels, dtype=torch.float32).reshape(-1, 1),
            "bboxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4) / size,
            "masks": torch.from_numpy(np.stack(masks) if masks else np.zeros((0, side, side), bool)).float(),
        },
        weight=torch.from_numpy(np.stack(weights)).float(),
    )


class _WeightedCrossEntropy(nn.Module):
    """Binary cross entropy of class scores, (b, anchors, classes), that leaves places out unless they are labelled."""

    def __init__(self) -> None:
        super().__init__()
        self.weight: Tensor | None = None

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Give the loss of each score."""
        loss = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return loss if self.weight is None else torch.where(target > 0, loss, loss * self.weight)


class SegmentationLoss:
    """Loss of a batch: boxes, masks, class scores, distances.

    Parameters
    ----------
    network
        As `open_network` gives it.
    """

    def __init__(self, network: Any) -> None:
        from ultralytics.utils.loss import v8SegmentationLoss

        saved = network.args
        network.args = SimpleNamespace(box=BOX_GAIN, cls=CLASS_GAIN, dfl=DISTANCE_GAIN, overlap_mask=False)
        loss: Any = v8SegmentationLoss(network)
        network.args = saved
        self._strides = [int(stride) for stride in network.stride]
        self._cross_entropy = _WeightedCrossEntropy()
        loss.bce = self._cross_entropy
        self._loss = loss

    def __call__(self, outputs: dict[str, Any], batch: Batch) -> tuple[Tensor, Tensor]:
        """Give the loss to minimise, and its four parts for the log."""
        device = outputs["scores"].device
        # A cell is left out when its centre is.
        weights = [
            batch.weight[:, :, stride // 2 :: stride, stride // 2 :: stride].flatten(2) for stride in self._strides
        ]
        self._cross_entropy.weight = torch.cat(weights, dim=2).permute(0, 2, 1).to(device)
        single = {name: value.float() if isinstance(value, Tensor) else value for name, value in outputs.items()}
        loss, parts = self._loss(single, {name: value.to(device) for name, value in batch.targets.items()})
        named = [parts[name] for name in ("box_loss", "seg_loss", "cls_loss", "dfl_loss")]
        return loss.sum(), torch.stack([torch.as_tensor(part).detach().cpu() for part in named])


def open_network(path: Path, device: str) -> nn.Module:
    """Open a trusted checkpoint's network for training, in single precision.

    Raises
    ------
    WeightsError
        When it is not a segmentation network for this package's classes.
    """
    checkpoint = open_checkpoint(path)
    names = tuple(checkpoint.names.values())
    if checkpoint.task != "segment" or names != KINDS:
        raise WeightsError(f"{path} segments {names}; training needs a network for {KINDS}")
    network: nn.Module = checkpoint.model.float().to(device)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    return network.train()


def save_network(network: nn.Module, path: Path, *, epoch: int, size_px: int) -> None:
    """Write a checkpoint that `open_checkpoint` opens and `tenken_training.export` exports."""
    kept = copy.deepcopy(network).eval().half()
    content = {
        "model": kept,
        "epoch": epoch,
        "train_args": {"task": "segment", "imgsz": size_px, "single_cls": False},
        "version": version("ultralytics"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "license": "AGPL-3.0 License (https://ultralytics.com/license)",
    }
    half = path.with_suffix(".part")
    torch.save(content, half)
    half.replace(path)
