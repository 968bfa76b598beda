"""Make a checkpoint into the weights that inspections load: an ONNX file and its card.

``python -m tenken_training.export_yolo first-crack-corrosion.pt --name first-crack-corrosion --out weights``

The same checkpoint and the same versions of torch, ultralytics, onnx and onnxslim give the same bytes. What a
person wrote on a card that already lies in the output folder (recipe, licences, metrics, thresholds,
failures) is kept.
"""

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import onnx
import typer
from onnx import numpy_helper
from torch import Tensor

from tenken.detection.engine import STRIDE_PX
from tenken.detection.ultralytics_engine import open_checkpoint, segmentation_classes
from tenken.detection.weights_card import Source, WeightsCard, read_card, write_card
from tenken.hashing import file_sha256

HalfTensor = tuple[npt.NDArray[np.float16], npt.NDArray[np.float32] | None]
"""A weight in half precision and its factor per output channel, if any."""


def export(checkpoint: Path, name: str, out_dir: Path, *, tile_px: int = 640) -> WeightsCard:
    """Write ``<name>.onnx`` and ``<name>.json`` for a trusted ultralytics segmentation checkpoint.

    Parameters
    ----------
    checkpoint
        The ``.pt`` file. It is a pickle: only for files that the user trusts.
    name
        Name of the weights and stem of both files.
    out_dir
        Where both are written; made when it does not exist.
    tile_px
        Recommended side of a tile. The network itself takes any height and width that `STRIDE_PX` divides.

    Raises
    ------
    WeightsError
        When the checkpoint cannot be read or is not for segmentation.
    MissingExtraError
        When the ``train`` extra is not installed.
    """
    classes, model, halves = _onnx_model(checkpoint, tile_px)
    _strip(model, classes, tile_px)
    _store_half(model, halves)
    onnx.checker.check_model(model)

    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / f"{name}.onnx"
    path.write_bytes(model.SerializeToString(deterministic=True))
    tools = ", ".join(f"{tool} {version(tool)}" for tool in ("torch", "ultralytics", "onnx", "onnxslim"))
    source = Source(file=checkpoint.name, sha256=file_sha256(checkpoint), made_with=tools)
    card_path = out_dir / f"{name}.json"
    old_card = read_card(card_path) if card_path.exists() else WeightsCard.minimal(path, classes, tile_px=tile_px)
    card = old_card.model_copy(
        update={"sha256": file_sha256(path), "classes": classes, "tile_px": tile_px, "source": source}
    )
    write_card(card, card_path)
    return card


def _onnx_model(checkpoint: Path, tile_px: int) -> tuple[tuple[str, ...], onnx.ModelProto, dict[str, HalfTensor]]:
    """Let ultralytics export a copy of the checkpoint; it writes beside the file it reads."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.pt"
        shutil.copyfile(checkpoint, copy)
        network = open_checkpoint(copy)
        classes = segmentation_classes(network, checkpoint)
        halves = _half_tensors(network.model)
        exported = network.export(format="onnx", dynamic=True, imgsz=tile_px, simplify=True, device="cpu")
        return classes, onnx.load(exported), halves


def _half_tensors(network: Any) -> dict[str, HalfTensor]:
    """Find convolution weights that half precision holds exactly, with their factors per output channel.

    Checkpoints are saved in half precision, but the export multiplies batch normalisation into the weights,
    and the products are no halves any more: factor = gamma / sqrt(variance + eps) (Ioffe and Szegedy 2015,
    algorithm 2).
    """
    halves: dict[str, HalfTensor] = {}
    for prefix, module in network.named_modules():
        convolution, norm = getattr(module, "conv", None), getattr(module, "bn", None)
        if convolution is None or norm is None:
            factor, convolution, name = None, module, f"{prefix}.weight"
        else:
            factor = (norm.weight / (norm.eps + norm.running_var).sqrt()).detach().float().numpy()
            name = f"{prefix}.conv.weight"
        if isinstance(getattr(convolution, "weight", None), Tensor):
            weight = convolution.weight.detach().float().numpy()
            if np.array_equal(weight, weight.astype(np.float16)):
                halves.setdefault(name, (weight.astype(np.float16), factor))
    return halves


def _strip(model: onnx.ModelProto, classes: tuple[str, ...], tile_px: int) -> None:
    """Leave only the metadata that a reader needs: ultralytics notes dates and paths of its machine."""
    keep = {
        "author": "The Tenken developers",
        "license": "AGPL-3.0-only",
        "task": "segment",
        "stride": str(STRIDE_PX),
        "batch": "1",
        "channels": "3",
        "imgsz": str([tile_px, tile_px]),
        "names": str(dict(enumerate(classes))),
    }
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, keep)
    model.doc_string = ""
    # Shapes of inner tensors are computed again by whoever loads the file.
    del model.graph.value_info[:]


def _store_half(model: onnx.ModelProto, halves: dict[str, HalfTensor]) -> None:
    """Store weights in half precision where nothing is lost; computation stays in single precision.

    A weight becomes a half tensor, a cast, and the multiplication with its factor per channel; what loads the
    file does both once, when it compiles the network.
    """
    unpack: list[onnx.NodeProto] = []
    for tensor in [tensor for tensor in model.graph.initializer if tensor.name in halves]:
        name = tensor.name
        half, factor = halves[name]
        per_channel = None if factor is None else factor.reshape(-1, *[1] * (half.ndim - 1))
        unpacked = half.astype(np.float32) if per_channel is None else half.astype(np.float32) * per_channel
        if half.shape != tuple(tensor.dims) or not np.allclose(
            unpacked, numpy_helper.to_array(tensor), rtol=1e-6, atol=0
        ):
            continue
        tensor.CopyFrom(numpy_helper.from_array(half, name=f"{name}.half"))
        cast_to = name if per_channel is None else f"{name}.single"
        unpack.append(onnx.helper.make_node("Cast", [f"{name}.half"], [cast_to], to=onnx.TensorProto.FLOAT))
        if per_channel is not None:
            model.graph.initializer.append(numpy_helper.from_array(per_channel, name=f"{name}.factor"))
            unpack.append(onnx.helper.make_node("Mul", [cast_to, f"{name}.factor"], [name]))
    nodes = [*unpack, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def main(
    checkpoint: Annotated[
        Path, typer.Argument(help="Trusted ultralytics checkpoint (.pt).", exists=True, dir_okay=False)
    ],
    name: Annotated[str, typer.Option(help="Name of the weights.")],
    out: Annotated[Path, typer.Option(help="Folder for the ONNX file and its card.")] = Path("weights"),
    tile: Annotated[int, typer.Option(help="Recommended side of a tile in pixels.")] = 640,
) -> None:
    """Make a checkpoint into an ONNX file and its card."""
    card = export(checkpoint, name, out, tile_px=tile)
    typer.echo(f"{out / card.file}  sha256 {card.sha256}  classes {', '.join(card.classes)}")


if __name__ == "__main__":
    typer.run(main)
