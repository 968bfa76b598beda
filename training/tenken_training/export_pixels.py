"""Make a trained pixel network into the file that inspections load: ONNX, probabilities out.

`tenken_training.publish` calls it, and then finds the scores and thresholds that the file is useless without.

The same checkpoint and the same versions of torch and onnx give the same bytes. Weights are stored in half
precision and computed with in single precision; every figure on a card is measured on the stored file.
"""

import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from tenken.detection.engine import STRIDE_PX
from tenken.detection.pixel_segmentation import OUTPUT_STRIDE_PX
from tenken_training.network import OUTPUTS, PixelNetwork, open_network

OPSET = 17
SMALLEST_HALF = 256
"""Tensors with fewer numbers stay in single precision."""


class _Probabilities(nn.Module):
    """The network with its logits turned into probabilities: two kinds, then the states of what is corroded."""

    def __init__(self, network: PixelNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        logits = self.network(image)
        return torch.cat([logits[:, :2].sigmoid(), logits[:, 2:].softmax(dim=1)], dim=1)


def export_pixels(checkpoint: Path, path: Path, *, tile_px: int = 640) -> Path:
    """Write an ONNX file: input ``image`` (b, 3, h, w) in 0..1, output ``probability`` (b, 5, h / 2, w / 2).

    Parameters
    ----------
    checkpoint
        What `tenken_training.fit` wrote.
    path
        The file to write.
    tile_px
        Recommended side of a tile, noted in the file's metadata.

    Raises
    ------
    WeightsError
        When the checkpoint is none of this network.
    """
    network = _Probabilities(open_network(checkpoint, "cpu")).eval()
    model = _traced(network)
    _name(model, tile_px)
    _store_half(model)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def made_with() -> str:
    """Tools and versions that decide the file's bytes."""
    return ", ".join(f"{tool} {version(tool)}" for tool in ("torch", "ultralytics", "onnx"))


def _traced(network: nn.Module) -> onnx.ModelProto:
    sizes = {2: "height", 3: "width"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 2 * STRIDE_PX, 2 * STRIDE_PX),),
            path,
            input_names=["image"],
            output_names=["probability"],
            dynamic_axes={"image": {0: "batch"} | sizes, "probability": {0: "batch", 2: "rows", 3: "columns"}},
            opset_version=OPSET,
            # The other exporter needs onnxscript, and writes names that change from run to run.
            dynamo=False,
        )
        return onnx.load(path)


def _name(model: onnx.ModelProto, tile_px: int) -> None:
    """Leave only the metadata that a reader needs, and no names of this machine."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(
        model,
        {
            "author": "The Tenken developers",
            "license": "AGPL-3.0-only",
            "task": "pixels",
            "stride": str(STRIDE_PX),
            "output_stride": str(OUTPUT_STRIDE_PX),
            "imgsz": str([tile_px, tile_px]),
            "names": str(dict(enumerate(OUTPUTS))),
        },
    )
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
    del model.graph.value_info[:]


def _store_half(model: onnx.ModelProto) -> None:
    """Store the convolutions' weights in half precision, with a cast that the loader does once."""
    weights = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name in weights and values.size >= SMALLEST_HALF:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name=f"{name}.half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
