"""Speed of the engines, and whether they give the same defects, on the same tiles.

``python benchmarks/engines.py CHECKPOINT.pt PHOTOS`` with a checkpoint whose ONNX stands among the known
weights. The reference is ultralytics' own predictor with its own decoding; "differing" are detections without
a partner of the same kind in the other engine's answer (box IoU > 0.9).
"""

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tenken.detection.cores import usable_cores
from tenken.detection.detect import Detections, kinds_of, load_detector
from tenken.detection.ultralytics_engine import open_checkpoint
from tenken.detection.weights import find_weights
from tenken.errors import MissingExtraError, SettingsError

Tile = npt.NDArray[np.uint8]


def ultralytics_predictor(checkpoint: Path, min_score: float) -> Callable[[Tile], Detections]:
    """Ultralytics' own way from a picture to masks, as the reference."""
    network = open_checkpoint(checkpoint)

    def predict(tile: Tile) -> Detections:
        height, width = tile.shape[:2]
        [result] = network.predict(
            tile[..., ::-1],
            imgsz=(height, width),
            conf=min_score,
            retina_masks=True,
            verbose=False,
            device="cpu",
        )
        xyxy_px = result.boxes.xyxy.numpy()
        label = result.boxes.cls.numpy().astype(int)
        masks = [] if result.masks is None else list(result.masks.data.numpy().astype(bool))
        crops = [mask[_rounded_outwards(box)] for mask, box in zip(masks, xyxy_px, strict=True)]
        return Detections(xyxy_px, result.boxes.conf.numpy(), label, crops)

    return predict


def _rounded_outwards(box: npt.NDArray[Any]) -> tuple[slice, slice]:
    return _slices(np.concatenate([np.floor(box[:2]), np.ceil(box[2:])]))


def _slices(box: npt.NDArray[Any]) -> tuple[slice, slice]:
    left, top, right, bottom = (int(side) for side in box)
    return slice(top, bottom), slice(left, right)


def compare(one: Detections, other: Detections, shape_px: tuple[int, int]) -> list[tuple[float, float, float]]:
    """Largest difference of a box side in pixels, difference of scores, and mask IoU of each pair."""
    pairs = []
    kinds = zip(kinds_of(one), range(len(one)), strict=True)
    for kind, i in kinds:
        matches = [
            (_box_iou(one.xyxy_px[i], other.xyxy_px[j]), j)
            for j, other_kind in enumerate(kinds_of(other))
            if other_kind == kind
        ]
        iou, j = max(matches, default=(0.0, -1))
        if iou > 0.9:
            # ultralytics leaves pixels out that lie only partly inside the left and upper sides of the box.
            inside = _slices(np.ceil(one.xyxy_px[i]))
            first, second = (_whole_mask(found, k, shape_px)[inside] for found, k in ((one, i), (other, j)))
            union = (first | second).sum()
            pairs.append(
                (
                    float(np.abs(one.xyxy_px[i] - other.xyxy_px[j]).max()),
                    float(abs(one.score[i] - other.score[j])),
                    float((first & second).sum() / union) if union else 1.0,
                )
            )
    return pairs


def _box_iou(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    shared = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None).prod()
    return float(shared / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - shared))


def _whole_mask(found: Detections, index: int, shape_px: tuple[int, int]) -> npt.NDArray[np.bool_]:
    whole = np.zeros(shape_px, dtype=np.bool_)
    assert found.masks is not None
    whole[_rounded_outwards(found.xyxy_px[index])] = found.masks[index]
    return whole


def tiles_of(photos: Path, count: int, tile_px: int) -> list[Tile]:
    """One tile of each photo, from its middle."""
    tiles = []
    for path in sorted(photos.iterdir())[:count]:
        picture = np.asarray(Image.open(path).convert("RGB"))
        top, left = (max(0, (side - tile_px) // 2) for side in picture.shape[:2])
        tiles.append(np.ascontiguousarray(picture[top : top + tile_px, left : left + tile_px]))
    return [tile for tile in tiles if tile.shape[0] % 32 == 0 and tile.shape[1] % 32 == 0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--tile", type=int, default=640)
    parser.add_argument("--min-score", type=float, default=0.25)
    options = parser.parse_args()
    tiles = tiles_of(options.photos, options.count, options.tile)
    onnx = find_weights(find_weights(options.checkpoint).card.name).path
    predictor = ultralytics_predictor(options.checkpoint, options.min_score)
    cores = usable_cores()
    engines: dict[str, Callable[[Iterable[Tile]], list[Detections]]] = {
        "ultralytics predict": lambda tiles: [predictor(tile) for tile in tiles]
    }
    for name, path, settings in (
        ("torch, own decoding", options.checkpoint, {}),
        ("openvino f32, 1 stream", onnx, {"engine": "openvino", "precision": "f32", "streams": 1}),
        (f"openvino f32, {cores} streams", onnx, {"engine": "openvino", "precision": "f32"}),
        (f"openvino bf16, {cores} streams", onnx, {"engine": "openvino", "precision": "bf16"}),
        (f"onnxruntime, {cores} streams", onnx, {"engine": "onnxruntime"}),
    ):
        try:
            detector = load_detector(path, device="cpu", min_score=options.min_score, **settings)
        except (MissingExtraError, SettingsError) as error:
            print(f"{name}: left out ({error})")
        else:
            engines[name] = lambda tiles, detector=detector: list(detector.detect_many(tiles))  # type: ignore[misc]
    print(f"{len(tiles)} tiles of {options.photos}, score > {options.min_score}, {cores} cores")
    print(f"{'engine':30} tiles/s  found  differing  box px (median, max)  score (max)  mask IoU (median, min)")
    reference: list[Detections] = []
    for name, run in engines.items():
        run(tiles[:1])
        start = time.perf_counter()
        found = run(tiles)
        rate = len(tiles) / (time.perf_counter() - start)
        reference = reference or found
        pairs = np.array(
            [pair for a, b, tile in zip(reference, found, tiles, strict=True) for pair in compare(a, b, tile.shape[:2])]
        ).reshape(-1, 3)
        total, expected = sum(map(len, found)), sum(map(len, reference))
        differing = total + expected - 2 * len(pairs)
        box_px, score, iou = pairs.T if len(pairs) else np.full((3, 1), np.nan)
        print(
            f"{name:30} {rate:7.1f}  {total:5}  {differing:9}  {np.median(box_px):12.3f} {box_px.max():7.3f}"
            f"  {score.max():11.4f}  {np.median(iou):14.4f} {iou.min():7.4f}"
        )


if __name__ == "__main__":
    main()
