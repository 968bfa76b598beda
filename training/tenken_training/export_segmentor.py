"""Our weights for other programs: ONNX with the metadata that GeoDeep and QGIS's plugin Deepness read.

Both cut an orthomosaic into tiles, ask the network for one plane a class, set what lies below one threshold to nought
and take the largest plane of each pixel. Our networks say how likely each pixel of half the size shows each kind, and
each kind has a limit of its own on the card. So the graph goes on: planes doubled, each bent so that its limit comes
to lie at `THRESHOLD`, and a first plane of noughts for the background.

What the other programs do without: they know no hysteresis, no score of an object, no joining of cracks, no widths.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tenken.detection.engine import STRIDE_PX
from tenken.detection.pixel_segmentation import OUTPUT_STRIDE_PX
from tenken.detection.weights import Weights
from tenken.errors import SettingsError, WeightsError

THRESHOLD = 0.5
"""Where every kind's own pixel limit comes to lie."""
OVERLAP_PCT = 10
WIDENED_PX = 2
"""By so much cracks are widened on each side: GeoDeep takes the median of 5 x 5 pixels, in which a line of less than
three pixels disappears."""
SMALL_SEGMENT = 1
"""The least smoothing that both programs know; more would take thin cracks away."""


def export_segmentor(weights: Weights, path: Path, *, resolution_mm: float, tile_px: int = 640) -> Path:
    """Write weights as a segmentor: input (1, 3, t, t) RGB in 0..1, output (1, 1 + kinds, t, t).

    Parameters
    ----------
    weights
        Weights that give pixels.
    path
        The .onnx file to write.
    resolution_mm
        Ground resolution of the orthomosaic, mm per pixel; the programs bring the picture to it.
    tile_px
        Side t of the tiles.

    Returns
    -------
    The path.

    Raises
    ------
    WeightsError
        When the weights give no pixels.
    SettingsError
        When the resolution is not above 0, or the network cannot take such tiles.
    """
    card = weights.card
    if card.network != "pixels" or not card.objects:
        raise WeightsError(
            f"{weights.path}: a network of boxes; only networks of pixels can be exported (inspect weights list)"
        )
    if not resolution_mm > 0:
        raise SettingsError(f"resolution {resolution_mm:g} mm: give a ground resolution above 0, as in 2.5")
    if tile_px <= 0 or tile_px % STRIDE_PX:
        raise SettingsError(f"tile {tile_px} px: give a multiple of {STRIDE_PX}, as in 640")
    model = onnx.load_from_string(weights.path.read_bytes())
    limits = [card.objects[kind].low for kind in card.classes]
    _go_on(model, limits, [kind == "crack" for kind in card.classes])
    _fix_shapes(model, len(limits), tile_px)
    _describe(model, weights, resolution_mm, tile_px)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def _go_on(model: onnx.ModelProto, limits: list[float], widened: list[bool]) -> None:
    """Append to the graph what makes probabilities into planes of one threshold."""
    graph = model.graph
    probability = graph.output[0].name
    constants: dict[str, np.ndarray] = {
        "seg.begin": np.array([0], np.int64),
        "seg.end": np.array([len(limits)], np.int64),
        "seg.axis": np.array([1], np.int64),
        "seg.scales": np.array([1, 1, OUTPUT_STRIDE_PX, OUTPUT_STRIDE_PX], np.float32),
        "seg.limit": np.array(limits, np.float32).reshape(1, -1, 1, 1),
        "seg.below": (THRESHOLD / np.array(limits, np.float32)).reshape(1, -1, 1, 1),
        "seg.above": ((1 - THRESHOLD) / (1 - np.array(limits, np.float32))).reshape(1, -1, 1, 1),
        "seg.threshold": np.array(THRESHOLD, np.float32),
        "seg.nought": np.array(0, np.float32),
    }
    nodes = [
        helper.make_node("Slice", [probability, "seg.begin", "seg.end", "seg.axis"], ["seg.kinds"]),
        helper.make_node(
            "Resize", ["seg.kinds", "", "seg.scales"], ["seg.doubled"],
            mode="linear", coordinate_transformation_mode="half_pixel",
        ),
        # Straight from 0 to the limit, and from there to 1.
        helper.make_node("Sub", ["seg.doubled", "seg.limit"], ["seg.over"]),
        helper.make_node("Less", ["seg.over", "seg.nought"], ["seg.is_below"]),
        helper.make_node("Mul", ["seg.doubled", "seg.below"], ["seg.low"]),
        helper.make_node("Mul", ["seg.over", "seg.above"], ["seg.rise"]),
        helper.make_node("Add", ["seg.rise", "seg.threshold"], ["seg.high"]),
        helper.make_node("Where", ["seg.is_below", "seg.low", "seg.high"], ["seg.bent"]),
    ]  # fmt: skip
    parts = []
    side = 2 * WIDENED_PX + 1
    for number, wide in enumerate(widened):
        constants[f"seg.from_{number}"] = np.array([number], np.int64)
        constants[f"seg.to_{number}"] = np.array([number + 1], np.int64)
        plane = f"seg.plane_{number}"
        nodes.append(
            helper.make_node("Slice", ["seg.bent", f"seg.from_{number}", f"seg.to_{number}", "seg.axis"], [plane])
        )
        if wide:
            nodes.append(
                helper.make_node(
                    "MaxPool", [plane], [f"{plane}_wide"],
                    kernel_shape=[side, side], strides=[1, 1], pads=[WIDENED_PX] * 4,
                )
            )  # fmt: skip
            plane = f"{plane}_wide"
        parts.append(plane)
    nodes += [
        helper.make_node("Mul", [parts[0], "seg.nought"], ["seg.background"]),
        helper.make_node("Concat", ["seg.background", *parts], ["classes"], axis=1),
    ]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())


def _fix_shapes(model: onnx.ModelProto, kinds: int, tile_px: int) -> None:
    """Give the sizes as numbers: both programs read the tile's side from the input."""
    graph = model.graph
    for node, shape in ((graph.input[0], (1, 3)), (graph.output[0], (1, 1 + kinds))):
        name = node.name if node is graph.input[0] else "classes"
        node.CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, (*shape, tile_px, tile_px)))


def _describe(model: onnx.ModelProto, weights: Weights, resolution_mm: float, tile_px: int) -> None:
    card = weights.card
    names = {"0": "background"} | {str(number): kind for number, kind in enumerate(card.classes, 1)}
    del model.metadata_props[:]
    helper.set_model_props(
        model,
        {
            "author": "The Tenken developers",
            "license": card.licence,
            "source": f"{card.name}, sha256 {weights.sha256}",
            # Values are JSON: a word has its quotes.
            "model_type": json.dumps("Segmentor"),
            "class_names": json.dumps(names),
            "resolution": json.dumps(resolution_mm / 10),
            "tiles_size": json.dumps(tile_px),
            "tiles_overlap": json.dumps(OVERLAP_PCT),
            "seg_thresh": json.dumps(THRESHOLD),
            "seg_small_segment": json.dumps(SMALL_SEGMENT),
        },
    )
