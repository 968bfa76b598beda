"""The network that is trained: ultralytics' YOLO trunk with a decoder that says of every pixel what it shows.

Cracks and rust are stuff rather than things: a crack has no size of its own and its box says nothing. So no
boxes are predicted; `tenken` makes objects of connected pixels. Of YOLO11's layers the backbone and the way
down to a stride of 8 are used (layers 0 to 16); two finer levels are added, because a crack is a few pixels wide.

The only file of training that imports ultralytics; the checkpoint itself is opened by `open_checkpoint`.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tenken.detection.detect import CONDITION_STATES, KINDS
from tenken.detection.pixel_segmentation import OUTPUT_STRIDE_PX
from tenken.detection.ultralytics_engine import open_checkpoint, quiet_ultralytics
from tenken.errors import WeightsError
from tenken_training.rasters import write_bytes
from tenken_training.view import UNKNOWN_STATE, Labelled

TRUNK_LAYERS = 17
"""Layers of YOLO11 up to the top-down path's finest level."""
STRIDE_2, STRIDE_4, STRIDE_8 = 0, 2, 16
"""Layers whose outputs the decoder takes."""
DECODER_CHANNELS = (32, 16)
"""Channels at a stride of 4 and of 2."""
OUTPUTS = (*KINDS, *CONDITION_STATES)
"""Channels of the output: logits of the two kinds, and of the state of what is corroded."""
LOSS_NAMES = ("crack_bce", "crack_dice", "corrosion_bce", "corrosion_dice", "state", "memory")
LOSS_GAINS = (4.0, 1.0, 2.0, 1.0, 1.0, 8.0)
RARE_STATE_PX = 400.0
"""A state with fewer output pixels in a batch counts for less than the others."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops as tensors.

    Parameters
    ----------
    image
        (b, 3, s, s) uint8 RGB, or float32 in 0..255.
    crack
        (b, s, s) uint8, 1 on a crack.
    state
        (b, s, s) uint8, 0 sound, 1 fair, 2 poor, 3 severe, `UNKNOWN_STATE` corroded and of unknown state.
    ignore
        (b, 2, s, s) uint8, 1 where a class is left out of the loss, by class number.
    held
        (b, 2) bool, crops and class numbers of which the network is held to what it said before the fit.
    """

    image: Tensor
    crack: Tensor
    state: Tensor
    ignore: Tensor
    held: Tensor

    def to(self, device: str) -> "Batch":
        """Move all tensors."""
        return self._each(lambda tensor: tensor.to(device))

    def take(self, chosen: Tensor) -> "Batch":
        """Give some of the crops, by their places, (k,) int64."""
        return self._each(lambda tensor: tensor[chosen.to(tensor.device)])

    def with_planes(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """Change image and labels in the same way; the last two axes are rows and columns."""
        image, crack, state, ignore = (change(plane) for plane in (self.image, self.crack, self.state, self.ignore))
        return Batch(image, crack, state, ignore, self.held)

    def with_image(self, image: Tensor) -> "Batch":
        """Give the same labels another look."""
        return replace(self, image=image)

    @staticmethod
    def joined(parts: "Sequence[Batch]") -> "Batch":
        """Put batches of one size of crops together."""
        return Batch(*(torch.cat([getattr(part, each.name) for part in parts]) for each in fields(Batch)))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        return Batch(*(change(getattr(self, each.name)) for each in fields(self)))


def collate(crops: Sequence[Labelled]) -> Batch:
    """Make crops of one size into a batch."""
    return Batch(
        image=torch.from_numpy(np.stack([crop.image for crop in crops])).permute(0, 3, 1, 2),
        crack=torch.from_numpy(np.stack([crop.crack_numbers > 0 for crop in crops]).astype(np.uint8)),
        state=torch.from_numpy(np.stack([crop.state for crop in crops])),
        ignore=torch.from_numpy(np.stack([crop.ignore for crop in crops]).astype(np.uint8)),
        held=torch.tensor([crop.held for crop in crops]),
    )


class PixelNetwork(nn.Module):
    """YOLO11's trunk and a decoder; (b, 3, h, w) in 0..1 to (b, 5, h / 2, w / 2) logits, see `OUTPUTS`.

    Parameters
    ----------
    trunk
        YOLO11's layers 0 to 16, each with ultralytics' attribute ``f`` (where its input comes from).
    """

    def __init__(self, trunk: Sequence[nn.Module]) -> None:
        super().__init__()
        self.trunk = nn.ModuleList(trunk)
        with torch.no_grad():
            levels = self._levels(torch.zeros(1, 3, 64, 64))
        fine, finest = DECODER_CHANNELS
        self.from_8 = _convolution(levels[STRIDE_8].shape[1], fine, 1)
        self.from_4 = _convolution(levels[STRIDE_4].shape[1], fine, 1)
        self.at_4 = nn.Sequential(_convolution(fine, fine, 3), _convolution(fine, fine, 3))
        self.to_2 = _convolution(fine, finest, 1)
        self.from_2 = _convolution(levels[STRIDE_2].shape[1], finest, 1)
        self.at_2 = nn.Sequential(_convolution(finest, finest, 3), _convolution(finest, finest, 3))
        self.crack = nn.Conv2d(finest, 1, 1)
        self.corrosion = nn.Conv2d(fine, 4, 1)
        # Nearly nothing is a crack or rust: begin there.
        nn.init.constant_(cast(Tensor, self.crack.bias), -3.0)
        nn.init.constant_(cast(Tensor, self.corrosion.bias), -1.5)

    def forward(self, image: Tensor) -> Tensor:
        """Give the logits of each output pixel."""
        levels = self._levels(image)
        fine = self.at_4(_doubled(self.from_8(levels[STRIDE_8])) + self.from_4(levels[STRIDE_4]))
        finest = self.at_2(_doubled(self.to_2(fine)) + self.from_2(levels[STRIDE_2]))
        rust = functional.interpolate(self.corrosion(fine), scale_factor=2.0, mode="bilinear", align_corners=False)
        return torch.cat([self.crack(finest), rust], dim=1)

    def _levels(self, image: Tensor) -> dict[int, Tensor]:
        outputs: list[Tensor] = []
        value: Any = image
        for layer in self.trunk:
            source = cast(Any, layer).f
            if isinstance(source, list):
                value = [value if place == -1 else outputs[place] for place in source]
            value = layer(value)
            outputs.append(value)
        return {number: outputs[number] for number in (STRIDE_2, STRIDE_4, STRIDE_8)}


def _convolution(inputs: int, outputs: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False),
        # ultralytics' settings, so that trunk and decoder move alike.
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        nn.SiLU(inplace=True),
    )


def _doubled(value: Tensor) -> Tensor:
    return functional.interpolate(value, scale_factor=2.0, mode="nearest")


def loss_parts(logits: Tensor, batch: Batch, *, thin_cracks: bool = False, said_before: Tensor | None = None) -> Tensor:
    """Give the parts of the loss, (6,), in the order of `LOSS_NAMES`, unweighted.

    Binary cross entropy and Dice over the whole batch for each kind; cross entropy of the state where it is known.
    What is left out of a class counts neither for nor against it, but a labelled defect always counts. With
    ``thin_cracks`` an output pixel that a crack touches is wholly one, where it else is one by the part that is
    covered, and a crack narrower than two pixels could never reach a high probability; and Dice of cracks is the mean
    over crops that show one, where else wide cracks outweigh hairlines by their pixels.

    ``said_before`` are the logits that the network gave before the fit, of which some are held: how far it has moved
    from them is the last part (Li and Hoiem, "Learning without Forgetting", ECCV 2016).
    """
    single = logits.float()
    labels = (batch.crack > 0, batch.state > 0)
    parts = []
    for number, label in enumerate(labels):
        thin = thin_cracks and number == 0
        reduced = functional.max_pool2d if thin else functional.avg_pool2d
        target = reduced(label.to(single.device).float(), OUTPUT_STRIDE_PX)
        left_out = functional.max_pool2d(batch.ignore[:, number].to(single.device).float(), OUTPUT_STRIDE_PX)
        weight = torch.where(target > 0, torch.ones_like(left_out), 1 - left_out)
        parts += [*_binary_parts(single[:, number], target, weight, by_crop=thin)]
    parts.append(_state_part(single[:, 2:], batch.state[:, ::OUTPUT_STRIDE_PX, ::OUTPUT_STRIDE_PX].to(single.device)))
    parts.append(logits.sum() * 0 if said_before is None else _memory_part(single, said_before.float(), batch.held))
    return torch.stack(parts)


def weighted(parts: Tensor) -> Tensor:
    """Give the loss that is minimised."""
    return (parts * parts.new_tensor(LOSS_GAINS)).sum()


def _binary_parts(logit: Tensor, target: Tensor, weight: Tensor, *, by_crop: bool) -> tuple[Tensor, Tensor]:
    entropy = functional.binary_cross_entropy_with_logits(logit, target, weight=weight, reduction="sum")
    probability = logit.sigmoid()
    over = (1, 2) if by_crop else (0, 1, 2)
    shared = (weight * probability * target).sum(dim=over)
    total = (weight * (probability.square() + target.square())).sum(dim=over)
    dice = 1 - (2 * shared + 1) / (total + 1)
    if by_crop:
        shown = (target.sum(dim=over) > 0).float()
        dice = (dice * shown).sum() / shown.sum().clamp(min=1)
    return entropy / weight.sum().clamp(min=1), dice


def _memory_part(logits: Tensor, before: Tensor, held: Tensor) -> Tensor:
    """Kullback-Leibler divergence of what is said now from what was said before, mean over what is held."""
    chosen = held.to(logits.device)
    now, then = logits[:, : len(KINDS)][chosen], before[:, : len(KINDS)][chosen]
    crossed = functional.binary_cross_entropy_with_logits(now, then.sigmoid(), reduction="sum")
    own = functional.binary_cross_entropy_with_logits(then, then.sigmoid(), reduction="sum")
    return (crossed - own) / max(now.numel(), 1)


def _state_part(logits: Tensor, state: Tensor) -> Tensor:
    """Cross entropy averaged over the states, so that the rare severe one is not forgotten."""
    target = state.long() - 1
    known = (state > 0) & (state < UNKNOWN_STATE)
    each = functional.cross_entropy(logits, torch.where(known, target, 0), reduction="none")
    total = logits.sum() * 0
    for number in range(3):
        chosen = known & (target == number)
        total = total + (each * chosen).sum() / (chosen.sum() + RARE_STATE_PX)
    return total / 3


def open_network(path: Path, device: str) -> PixelNetwork:
    """Make a network from a trusted YOLO11 checkpoint's trunk, or open one that `save_network` wrote.

    Raises
    ------
    WeightsError
        When it is neither.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # torch, pickle: a whole model is no plain tensors
        saved = None
    if saved is not None:
        return load_network(saved, device)
    checkpoint = open_checkpoint(path)
    layers = list(checkpoint.model.model)
    if len(layers) <= TRUNK_LAYERS or layers[12].f != [-1, 6] or layers[15].f != [-1, 4]:
        raise WeightsError(f"{path} has no YOLO11 trunk; start from yolo11n, yolo11n-seg or weights made of them")
    network = PixelNetwork([layer.float() for layer in layers[:TRUNK_LAYERS]])
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    return network.to(device).train()


def new_network() -> PixelNetwork:
    """Build a network with random weights, from torch's seed."""
    quiet_ultralytics()
    with np.printoptions():  # its import changes for everybody how numpy prints
        from ultralytics.nn.tasks import SegmentationModel

    make: Any = SegmentationModel
    return PixelNetwork(list(make("yolo11n-seg.yaml", verbose=False).model)[:TRUNK_LAYERS])


def folded_network() -> PixelNetwork:
    """Build a network without batch normalisation: what `tenken_training.weights_network` fills and fits go on with."""
    network = new_network()
    for parent in list(network.modules()):
        children = list(parent.named_children())
        for (name, convolution), (after, normalisation) in pairwise(children):
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                setattr(parent, name, _with_bias(convolution))
                setattr(parent, after, nn.Identity())
    return network


def _with_bias(convolution: nn.Conv2d) -> nn.Conv2d:
    plain: dict[str, Any] = {
        name: getattr(convolution, name) for name in ("kernel_size", "stride", "padding", "dilation", "groups")
    }
    return nn.Conv2d(convolution.in_channels, convolution.out_channels, bias=True, **plain)


def load_network(saved: Mapping[str, Any], device: str) -> PixelNetwork:
    """Build the network that a saved state belongs to.

    Raises
    ------
    WeightsError
        When the state is not that of a network of this kind.
    """
    folded = "network" in saved and not any(name.endswith(".running_mean") for name in saved["network"])
    network = folded_network() if folded else new_network()
    try:
        network.load_state_dict({name: value.float() for name, value in saved["network"].items()})
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"no state of a network for {OUTPUTS} ({str(error).splitlines()[0]})") from error
    return network.to(device).train()


def save_network(network: nn.Module, path: Path, *, epoch: int) -> None:
    """Write the weights as plain tensors: opening them can run no code."""
    kept = {name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    stored = io.BytesIO()
    torch.save({"network": kept, "epoch": epoch, "outputs": list(OUTPUTS)}, stored)
    write_bytes(path, stored.getvalue())
