"""What the precision of arithmetic gains and costs: f32, bf16 and int8 on this processor, same network, same pictures.

``python benchmarks/precisions.py SHARED [--weights default]`` quantises the network to int8 with NNCF (calibrated on
training photos, mixed preset), and prints tiles per CPU second, and how far masks move from those of f32 on
validation photos, at the card's pixel limits. Needs ``pip install "tenken[bench]"``. Nothing is written.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenken.detection.openvino_engine import import_openvino
from tenken.detection.weights import find_weights

SIDE_PX = 416
TILE_PX = 640
ROUNDS = 12

Tile = npt.NDArray[np.uint8]


def middles(paths: Sequence[Path]) -> list[Tile]:
    """Cut the middle out of each photo that is large enough."""
    tiles = []
    for path in paths:
        picture = np.asarray(Image.open(path).convert("RGB"))
        top, left = ((side - SIDE_PX) // 2 for side in picture.shape[:2])
        if top >= 0 and left >= 0:
            tiles.append(np.ascontiguousarray(picture[top : top + SIDE_PX, left : left + SIDE_PX]))
    return tiles


def photos(shared: Path, split: str, count: int) -> list[Tile]:
    """Photos of both sets: of corrosion's train photos the last ones are validation."""
    cracks = sorted((shared / "data" / "cracks" / split / "images").glob("*.jpg"))
    rust = sorted((shared / "data" / "corrosion" / "train" / "images").glob("*.jpg"), key=lambda path: int(path.stem))
    rust = rust[:300] if split == "train" else rust[-30:]
    return middles([*cracks[:: max(len(cracks) // count, 1)][:count], *rust[:: max(len(rust) // count, 1)][:count]])


def quantised(model: Any, tiles: Sequence[Tile]) -> Any:
    """Give the network in int8, weights and activations."""
    import nncf

    def planes(tile: Tile) -> npt.NDArray[np.float32]:
        return (tile.transpose(2, 0, 1)[None] / 255).astype(np.float32)

    return nncf.quantize(
        model, nncf.Dataset(tiles, planes), preset=nncf.QuantizationPreset.MIXED, subset_size=len(tiles)
    )


def compiled(model: Any, side_px: int, precision: str) -> Any:
    """Compile for one thread."""
    openvino = import_openvino()
    model = model.clone()
    model.reshape([1, 3, side_px, side_px])
    settings = {"NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "1", "INFERENCE_PRECISION_HINT": precision}
    return openvino.Core().compile_model(model, "CPU", settings)


def answers(model: Any, tiles: Sequence[Tile], precision: str) -> npt.NDArray[np.float32]:
    """Give (n, planes, rows, columns) for all tiles."""
    network = compiled(model, SIDE_PX, precision)
    return np.stack([network([(tile.transpose(2, 0, 1)[None] / 255).astype(np.float32)])[0][0] for tile in tiles])


def rate(model: Any, precision: str) -> float:
    """Tiles per second of one core's time: other work on the machine changes it little."""
    network = compiled(model, TILE_PX, precision)
    tile = np.random.default_rng(0).random((1, 3, TILE_PX, TILE_PX), dtype=np.float32)
    network([tile])
    begun = time.process_time()
    for _ in range(ROUNDS):
        network([tile])
    return ROUNDS / (time.process_time() - begun)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--weights", default="default")
    parser.add_argument("--count", type=int, default=30, help="photos of each set")
    options = parser.parse_args()
    os.environ["NNCF_TELEMETRY"] = "0"
    weights = find_weights(options.weights)
    openvino = import_openvino()
    model = openvino.Core().read_model(weights.path.read_bytes())
    int8 = quantised(model, photos(options.shared, "train", options.count))
    judged = photos(options.shared, "val", options.count)
    reference = answers(model, judged, "f32")
    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    print(f"{weights.card.name}, {len(judged)} photos of {SIDE_PX} px; speed at {TILE_PX} px, one core; {able}")
    kinds = weights.card.classes
    print(f"{'precision':10} tiles/CPU s  " + "  ".join(f"{kind} mask IoU with f32" for kind in kinds))
    for name, network, precision in (("f32", model, "f32"), ("bf16", model, "bf16"), ("int8", int8, "f32")):
        given = answers(network, judged, precision)
        cells = []
        for number, kind in enumerate(kinds):
            one, other = (planes[:, number] > weights.card.objects[kind].low for planes in (reference, given))
            cells.append(f"{(one & other).sum() / max((one | other).sum(), 1):24.4f}")
        print(f"{name:10} {rate(network, precision):11.1f}  " + "  ".join(cells))


if __name__ == "__main__":
    main()
