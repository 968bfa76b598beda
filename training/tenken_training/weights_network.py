"""A network to train on with, from a weight file: every published ONNX file is also a start.

An exported network has its batch normalisations laid into its convolutions. It is trained on as it is: convolutions
with a bias and no normalisation, whose statistics a few photos of one site could only spoil.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from tenken.errors import WeightsError
from tenken_training.network import OUTPUTS, PixelNetwork, folded_network

PROBE_PX = 64
CLOSE = 0.02
"""Largest difference of a logit's probability that rounding to half precision may cost."""


def network_of_weights(path: Path) -> PixelNetwork:
    """Build the network that an ONNX file of pixels was exported from.

    Raises
    ------
    WeightsError
        When the file holds no network of this make.
    """
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # protobuf raises its own
        raise WeightsError(f"{path} is no ONNX file; give weights that inspect weights list names") from error
    network = folded_network()
    tensors = _tensors(model)
    nodes = [node for node in model.graph.node if node.op_type == "Conv"]
    convolutions = list(_in_order(network))
    if len(nodes) != len(convolutions):
        raise WeightsError(f"{path} is no network for {', '.join(OUTPUTS)} that can be trained on")
    with torch.no_grad():
        for node, convolution in zip(nodes, convolutions, strict=True):
            weight, bias = (tensors.get(name) for name in node.input[1:3])
            target = cast(Tensor, convolution.bias)
            if weight is None or bias is None or weight.shape != convolution.weight.shape or bias.shape != target.shape:
                raise WeightsError(f"{path} is no network for {', '.join(OUTPUTS)} that can be trained on")
            convolution.weight.copy_(weight)
            target.copy_(bias)
    _compare(network, path)
    return network.train()


def _tensors(model: onnx.ModelProto) -> dict[str, Tensor]:
    """Numbers by name, also of those stored in half precision behind a cast."""
    values = {one.name: _tensor(numpy_helper.to_array(one)) for one in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    return values


def _tensor(values: Any) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float32))


def _in_order(network: PixelNetwork) -> Iterator[nn.Conv2d]:
    """Give the convolutions in the order in which they compute, which is that of the exported file."""
    order: list[nn.Conv2d] = []

    def note(module: nn.Module, *_: object) -> None:
        order.append(cast(nn.Conv2d, module))

    hooks = [module.register_forward_pre_hook(note) for module in network.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, PROBE_PX, PROBE_PX))
    for hook in hooks:
        hook.remove()
    yield from order


def _compare(network: PixelNetwork, path: Path) -> None:
    """Compare the network's answer with the file's: shapes alone could agree by chance."""
    from tenken.detection.openvino_engine import OpenVinoEngine

    tiles = np.random.default_rng(0).integers(0, 256, (1, PROBE_PX, PROBE_PX, 3), dtype=np.uint8)
    with torch.no_grad():
        ours = network.eval()(torch.from_numpy(tiles).permute(0, 3, 1, 2).float() / 255)[:, :2].sigmoid().numpy()
    pending = OpenVinoEngine(path, precision="f32", streams=1).start(tiles)
    try:
        theirs = np.asarray(pending.outputs()[0])[:, :2]
    finally:
        pending.release()
    if ours.shape != theirs.shape or not np.abs(ours - theirs).max() < CLOSE:
        raise WeightsError(f"{path} computes otherwise than the network that is trained; start from other weights")
