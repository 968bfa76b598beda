"""Which lowest score to choose: agreement with labels over the score, and alarms on flights without steel.

``python benchmarks/thresholds.py SHARED`` reads ``data/cracks/val`` and ``data/corrosion/train`` (the latter
was seen in training and flatters), and photos of ``flights``, over which there is no steel: every corrosion
there is false, while some of the cracks are real ones in asphalt. The test splits are not touched.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from tenken.detection.detect import KINDS, Detections, Detector, kinds_of, load_detector

SCORES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
TILE_PX = 640
TOLERANCE_PX = {"crack": 4, "corrosion": 0}

Labelled = Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]]


def labelled_cracks(folder: Path) -> Labelled:
    """Photos and masks from YOLO polygons (class, then x, y pairs as fractions of the photo)."""
    for path in sorted((folder / "images").iterdir()):
        photo = Image.open(path).convert("RGB")
        truth = Image.new("1", photo.size)
        for line in (folder / "labels" / f"{path.stem}.txt").read_text(encoding="utf-8").splitlines():
            corners = np.array(line.split()[1:], dtype=float).reshape(-1, 2) * photo.size
            if len(corners) > 2:
                ImageDraw.Draw(truth).polygon([(float(x), float(y)) for x, y in corners], fill=1)
        yield np.asarray(photo), np.asarray(truth)


def labelled_corrosion(folder: Path, every: int) -> Labelled:
    """Middle tiles of photos, and masks of any condition state."""
    for path in sorted((folder / "images").iterdir())[::every]:
        photo = np.asarray(Image.open(path).convert("RGB"))
        states = np.asarray(Image.open(folder / "masks" / f"{path.stem}.png"))
        top, left = (max(0, (side - TILE_PX) // 2) for side in photo.shape[:2])
        middle = slice(top, top + TILE_PX), slice(left, left + TILE_PX)
        yield photo[middle], (states if states.ndim == 2 else states.max(axis=2))[middle] > 0


def painted(found: Detections, kind: str, score: float, shape_px: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """All masks of a kind above a score, in one picture."""
    picture = np.zeros(shape_px, dtype=np.bool_)
    assert found.masks is not None
    for box, found_score, found_kind, mask in zip(
        found.xyxy_px, found.score, kinds_of(found), found.masks, strict=True
    ):
        if found_kind == kind and found_score > score:
            left, top = np.floor(box[:2]).astype(int)
            picture[top : top + mask.shape[0], left : left + mask.shape[1]] |= mask
    return picture


def near(mask: npt.NDArray[np.bool_], tolerance_px: float) -> npt.NDArray[np.bool_]:
    """Extend a mask by a distance."""
    if not mask.any():
        return mask
    within: npt.NDArray[np.bool_] = distance_transform_edt(~mask) <= tolerance_px
    return within


def print_agreement(detector: Detector, kind: str, photos: Labelled) -> None:
    """Recall, precision, F1 and F0.5 of pixels within the tolerance, over all photos together."""
    sums = np.zeros((len(SCORES), 4))
    for photo, truth in photos:
        found, around = detector(photo), near(truth, TOLERANCE_PX[kind])
        for row, score in enumerate(SCORES):
            mask = painted(found, kind, score, truth.shape)
            hit = truth & near(mask, TOLERANCE_PX[kind])
            sums[row] += hit.sum(), truth.sum(), (mask & around).sum(), mask.sum()
    print(f"{kind}, within {TOLERANCE_PX[kind]} px\nscore  recall  precision     F1   F0.5")
    for score, (hit, true, right, given) in zip(SCORES, sums, strict=True):
        recall, precision = hit / max(true, 1), right / max(given, 1)
        f1, f05 = ((1 + beta**2) * precision * recall / max(beta**2 * precision + recall, 1e-9) for beta in (1, 0.5))
        print(f"{score:5.2f}  {recall:6.3f}  {precision:9.3f}  {f1:5.3f}  {f05:5.3f}")


def print_alarms(detector: Any, folder: Path, every: int) -> None:
    """Count detections per 10 megapixels of flights, in whole tiles without overlap."""
    scores: dict[str, list[float]] = {kind: [] for kind in KINDS}
    area_mp = 0.0
    for path in sorted(folder.glob("*/images/*"))[::every]:
        photo = np.asarray(Image.open(path).convert("RGB"))
        corners = [
            (y, x)
            for y in range(0, photo.shape[0] - TILE_PX + 1, TILE_PX)
            for x in range(0, photo.shape[1] - TILE_PX + 1, TILE_PX)
        ]
        area_mp += len(corners) * TILE_PX**2 / 1e6
        for found in detector.detect_many(photo[y : y + TILE_PX, x : x + TILE_PX] for y, x in corners):
            for kind, score in zip(kinds_of(found), found.score, strict=True):
                scores[kind].append(float(score))
    print(f"flights, {area_mp:.0f} megapixels: detections per 10 megapixels\nscore  " + "  ".join(KINDS))
    for score in SCORES:
        rates = (10 * sum(given > score for given in scores[kind]) / area_mp for kind in KINDS)
        print(f"{score:5.2f}  " + "  ".join(f"{rate:{len(kind)}.1f}" for kind, rate in zip(KINDS, rates, strict=True)))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--weights", default="default")
    parser.add_argument("--every", type=int, default=4, help="photos: each n-th")
    options = parser.parse_args()
    detector = load_detector(options.weights, min_score=SCORES[0])
    print_agreement(detector, "crack", labelled_cracks(options.shared / "data" / "cracks" / "val"))
    corrosion = labelled_corrosion(options.shared / "data" / "corrosion" / "train", options.every)
    print_agreement(detector, "corrosion", corrosion)
    print_alarms(detector, options.shared / "flights", options.every)


if __name__ == "__main__":
    main()
