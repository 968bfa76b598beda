"""From probabilities to objects that can be trusted: pixel limit, score and threshold of each kind.

All three are chosen on pictures that neither trained the network nor judge it: validation photos, seen from near and
afar, validation surfaces, and the half of the halved textures that training leaves out.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage, optimize
from scipy.special import expit
from skimage.morphology import skeletonize

from tenken.detection.detect import KINDS
from tenken.detection.engine import Engine
from tenken.detection.openvino_engine import OpenVinoEngine
from tenken.detection.pixel_segmentation import OUTPUT_STRIDE_PX, PixelDecoder, components_of, without_margin
from tenken.detection.weights_card import PixelRule
from tenken.errors import SettingsError
from tenken.notes import Note
from tenken_training.cleaning import near
from tenken_training.prepared_index import PreparedIndex
from tenken_training.rasters import read_raster, read_rgb
from tenken_training.recipe import Recipe
from tenken_training.textures import read_textures
from tenken_training.view import View, look

LOWS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Pixel limits that are tried."""
IOU_SLACK = 0.01
"""What a higher limit may cost of the best IoU: labels are wider than cracks, masks need not be."""
CONNECT = 0.85
"""Part of the pixel limit down to which pixels hang together. Of 0.2 to 1, judged by average precision on validation
photos: lower parts join neighbours, higher ones leave cracks in pieces."""
SCALES = (1.0, 0.5, 0.3)
"""How validation photos are shown: small objects are right as well, and must not score low for being small."""
SMALLEST_PX = {"crack": 10.0, "corrosion": 8.0}
REACH_PX = {"crack": 4, "corrosion": 0}
"""How far from a label an object's pixel may lie."""
RIGHT_SHARE = 0.5
"""An object is right when so much of it is labelled."""
MOST_ALARMS = {"crack": 1.0, "corrosion": 3.0}
"""False alarms per 100 megapixels without defects that a threshold may give, unless it costs too much."""
F1_SLACK = 0.01
"""What a lower threshold may cost of the best F1: long cracks decide it, faint ones matter as well."""
MOST_LOST = 0.1
"""Share of the rightly found length or area that a threshold may give up for fewer alarms."""
RIDGE = 1.0
"""Prior on the weights of the logistic calibration (inverse variance)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the network says of one picture, and what is true of it.

    Parameters
    ----------
    probability
        (kinds, h / 2, w / 2) float16.
    label, unknown
        (kinds, h / 2, w / 2) where a kind is labelled, and where nothing is known of it.
    sound
        By number of the kind: the picture shows no such defect. A photo labelled for one kind is sound for the other,
        but for where nothing is known.
    made
        Objects that were made of it, by number of their kind and pixel limit: many choices look at the same ones.
    label_lines
        Centre lines that were made of what is labelled, by number of the kind.
    """

    probability: npt.NDArray[np.float16]
    label: npt.NDArray[np.bool_]
    unknown: npt.NDArray[np.bool_]
    sound: tuple[bool, ...]
    made: "dict[tuple[int, float], Objects]" = field(default_factory=dict, compare=False, repr=False)
    label_lines: dict[int, npt.NDArray[np.bool_]] = field(default_factory=dict, compare=False, repr=False)

    def label_line(self, number: int) -> npt.NDArray[np.bool_]:
        """(h / 2, w / 2) centre lines of what is labelled of a kind."""
        if number not in self.label_lines:
            self.label_lines[number] = skeletonize(self.label[number])
        return self.label_lines[number]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was chosen for one kind, and how it does on the pictures it was chosen on."""

    rule: PixelRule
    threshold: float
    note: str


def calibrate(
    onnx: Path,
    recipe: Recipe,
    index: PreparedIndex,
    data_dir: Path,
    prepared_dir: Path,
    textures_dir: Path | None = None,
) -> dict[str, Calibration]:
    """Choose how the pixels of an exported network become objects.

    Parameters
    ----------
    onnx
        The file that will be shipped.
    recipe, index, data_dir, prepared_dir, textures_dir
        What the network was trained with.

    Returns
    -------
    A choice for each kind.

    Raises
    ------
    SettingsError
        When a picture is missing, or the network sees nothing of a kind in any.
    """
    engine = OpenVinoEngine(onnx, precision="f32")
    pictures = list(_pictures(recipe, index, data_dir, prepared_dir, textures_dir))
    seen = look_at_all(engine, pictures)
    return {kind: choose(number, kind, seen) for number, kind in enumerate(KINDS)}


def look_at_all(engine: OpenVinoEngine, pictures: Sequence["Picture"]) -> list[Seen]:
    """Let a network look at pictures, several at a time."""
    with ThreadPoolExecutor(engine.streams) as pool:
        return list(pool.map(lambda picture: look_at(engine, picture), pictures))


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that scores are chosen on, how large it is shown, and its labels."""

    image: Path
    kind: str
    scale: float
    labels: Path | None = None
    ignore: Path | None = None
    left_out: tuple[bool, bool] = (False, False)


def _pictures(
    recipe: Recipe, index: PreparedIndex, data_dir: Path, prepared_dir: Path, textures_dir: Path | None
) -> Iterator[Picture]:
    for photo in index.photos:
        if photo.split != "val":
            continue
        folder = data_dir if photo.kind in ("crack", "corrosion") else prepared_dir
        labels = prepared_dir / photo.labels if photo.labels else None
        ignore = prepared_dir / photo.ignore if photo.ignore else None
        for scale in SCALES:
            yield Picture(folder / photo.image, photo.kind, scale, labels, ignore)
    if recipe.sources.textures is not None:
        folder = textures_dir or data_dir / "textures"
        halved = recipe.sources.textures.halved
        for texture in read_textures(recipe.sources.textures, folder, kept_out=True):
            if texture.path.split("/")[0] in halved:
                left_out = (texture.may_show_cracks, texture.may_show_rust)
                yield Picture(folder / texture.path, "texture", 1.0, left_out=left_out)


def look_at(engine: Engine, picture: Picture) -> Seen:
    """Let a network look at a picture."""
    image = read_rgb(picture.image)
    labels = read_raster(picture.labels) if picture.labels else None
    ignore = read_raster(picture.ignore) if picture.ignore else None
    if picture.scale != 1:
        size = int(max(image.shape[:2]) * picture.scale)
        view = View((image.shape[1] / 2, image.shape[0] / 2), picture.scale, 0.0, False, size)
        seen = look(image, labels, ignore, view, rust=picture.kind == "corrosion")
        top, left = (int((size - side * picture.scale) / 2) for side in image.shape[:2])
        window = (slice(top, size - top), slice(left, size - left))
        image = seen.image[window]
        kinds = np.stack([seen.crack_numbers > 0, seen.rust])[(slice(None), *window)]
        unknown = seen.ignore[(slice(None), *window)]
    else:
        kinds = np.zeros((len(KINDS), *image.shape[:2]), bool)
        if labels is not None:
            kinds[KINDS.index(picture.kind)] = labels > 0
        unknown = np.zeros_like(kinds)
        if ignore is not None:
            unknown = np.stack([ignore & 1 << number for number in range(len(KINDS))]) > 0
    unknown = unknown | np.array(picture.left_out)[:, None, None]
    probability = probabilities(engine, image)
    height, width = probability.shape[1:]
    step = slice(None, None, OUTPUT_STRIDE_PX)
    label = kinds[:, step, step][:, :height, :width]
    return Seen(
        probability,
        label,
        unknown[:, step, step][:, :height, :width] & ~label,
        tuple(picture.kind != kind for kind in KINDS),
    )


def probabilities(engine: Engine, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """(kinds, h / 2, w / 2) what a network of pixels says of a picture of any size."""
    pending = engine.start(PixelDecoder(KINDS, ()).pad(image)[None])
    try:
        return np.asarray(without_margin(pending.outputs()[0][0, : len(KINDS)], image.shape[:2]), dtype=np.float16)
    finally:
        pending.release()


def choose(number: int, kind: str, seen: Sequence[Seen]) -> Calibration:
    """Choose pixel limit, score and threshold of one kind from what was seen of many pictures.

    Raises
    ------
    SettingsError
        When the network sees nothing of the kind in any of them.
    """
    labelled = [one for one in seen if one.label[number].any()]
    agreement = {limit: _iou(number, limit, labelled) for limit in LOWS}
    low = max(limit for limit in LOWS if agreement[limit] >= max(agreement.values()) - IOU_SLACK)
    table = objects_of(number, kind, low, seen)
    if not len(table.size):
        raise SettingsError(f"the network finds no {kind} in any validation picture; train it for more epochs")
    weights = _fit(table.features, table.right)
    score = table.score(weights.tolist())
    megapixels = sum((~one.unknown[number]).sum() * OUTPUT_STRIDE_PX**2 / 1e6 for one in seen if one.sound[number])
    order = np.argsort(-score)
    counted = np.cumsum(table.sound[order] & ~table.right[order])
    alarms = counted / max(megapixels, 1e-9) * 100
    # A threshold is lucky on the pictures it is chosen on: with one alarm more the limit must still be kept.
    allowed = max(int(MOST_ALARMS[kind] * megapixels / 100) - 1, 0)
    kept = np.cumsum(np.where(table.right, table.covered, 0)[order])
    recall = kept / max(sum(float(one.label[number].sum()) for one in labelled), 1)
    precision = np.cumsum(np.where(table.right, table.size, 0)[order]) / np.cumsum(table.size[order])
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-9)
    best = int(f1.argmax())
    # The most that can be found at hardly a worse F1; fewer false alarms are worth some of it, not all of it.
    cut = int(np.flatnonzero(f1 >= f1[best] - F1_SLACK)[-1])
    while cut > 0 and counted[cut] > allowed and kept[cut] > (1 - MOST_LOST) * kept[best]:
        cut -= 1
    threshold = float(np.floor(score[order][cut] * 1000) / 1000)
    note = Note.of(
        "train.calibrated",
        best_f1=f"{f1[best]:.3f}",
        best_score=f"{score[order][best]:.2f}",
        best_alarms=f"{alarms[best]:.1f}",
        threshold=f"{threshold:.2f}",
        f1=f"{f1[cut]:.3f}",
        alarms=f"{alarms[cut]:.1f}",
        megapixels=f"{megapixels:.0f}",
        objects=len(score),
        right=int(table.right.sum()),
    )
    rule = PixelRule(
        connect=low * CONNECT, low=low, smallest_px=SMALLEST_PX[kind], calibration=tuple(np.round(weights, 4).tolist())
    )
    return Calibration(rule, min(max(threshold, 0.05), 0.95), note)


def _iou(number: int, low: float, seen: Sequence[Seen]) -> float:
    shared = either = 0
    for one in seen:
        above = (one.probability[number] > low) & ~one.unknown[number]
        shared += int((above & one.label[number]).sum())
        either += int((above | one.label[number]).sum())
    return shared / max(either, 1)


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of pictures, a struct of arrays.

    Parameters
    ----------
    features
        (n, 3) of `tenken.detection.pixel_segmentation.Components.features`.
    right
        (n,) half of it is labelled.
    size, near, covered
        (n,) pixels, those near a label, those on it.
    sound
        (n,) the picture shows no defect of the kind.
    line, line_near, line_covered
        (n,) pixels of its centre line, those near a label, and pixels of labels' centre lines that it touches. A
        hairline counts by them as much as a wide crack.
    """

    features: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    size: npt.NDArray[np.float64]
    near: npt.NDArray[np.float64]
    covered: npt.NDArray[np.float64]
    sound: npt.NDArray[np.bool_]
    line: npt.NDArray[np.float64]
    line_near: npt.NDArray[np.float64]
    line_covered: npt.NDArray[np.float64]

    def score(self, calibration: Sequence[float]) -> npt.NDArray[np.float64]:
        """(n,) how likely each is right, as `tenken.detection.pixel_segmentation.Components.score` says it."""
        return np.asarray(expit(calibration[0] + self.features @ np.asarray(calibration[1:])), dtype=np.float64)


def objects_of(number: int, kind: str, low: float, seen: Sequence[Seen]) -> Objects:
    """Make objects of the pixels of pictures, with a pixel limit, and judge them; each picture's are made once."""
    for one in seen:
        if (number, low) not in one.made:
            one.made[number, low] = _objects_of_picture(number, kind, low, one)
    tables = [_as_objects(np.empty((0, 3)), [], sound=False), *(one.made[number, low] for one in seen)]
    return Objects(*(np.concatenate([getattr(one, each.name) for one in tables]) for each in fields(Objects)))


def _objects_of_picture(number: int, kind: str, low: float, one: Seen) -> Objects:
    kept, rows = [], []
    components = components_of(np.asarray(one.probability[number], dtype=np.float32), low * CONNECT, low)
    allowed = near(one.label[number], REACH_PX[kind] // OUTPUT_STRIDE_PX) if REACH_PX[kind] else one.label[number]
    lines = _lines(components.numbers, allowed, one.label_line(number)) if kind == "crack" else None
    for place, window in enumerate(components.windows):
        inside = components.numbers[window] == place + 1
        pixels = int(inside.sum())
        near_label = int((inside & allowed[window]).sum())
        right = near_label >= RIGHT_SHARE * pixels
        # Where nothing is known, an object is neither right nor wrong.
        unknown = not right and (inside & one.unknown[number][window]).any()
        if components.extent_px[place] >= SMALLEST_PX[kind] and not unknown:
            kept.append(place)
            covered = (inside & one.label[number][window]).sum()
            rows.append((right, pixels, near_label, covered, *((0, 0, 0) if lines is None else lines[:, place + 1])))
    return _as_objects(components.features()[kept], rows, sound=one.sound[number])


def _lines(
    numbers: npt.NDArray[np.int32], allowed: npt.NDArray[np.bool_], label_line: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """(3, 1 + objects) of each object's centre line: its pixels, those allowed, and the labels' that it touches."""
    line = np.where(skeletonize(numbers > 0), numbers, 0)
    touched = np.where(label_line, ndimage.maximum_filter(numbers, size=3), 0)
    count = int(numbers.max(initial=0)) + 1
    return np.stack([np.bincount(x.ravel(), minlength=count) for x in (line, np.where(allowed, line, 0), touched)])


def _as_objects(features: npt.NDArray[np.float64], rows: Sequence[tuple[float, ...]], *, sound: bool) -> Objects:
    right, size, near_label, covered, line, line_near, line_covered = np.array(rows, dtype=np.float64).reshape(-1, 7).T
    sound_of = np.full(len(rows), sound)
    return Objects(features, right > 0, size, near_label, covered, sound_of, line, line_near, line_covered)


def _fit(features: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Logistic regression: offset and weights, with a weak prior towards 0 on the weights."""
    design = np.column_stack([np.ones(len(features)), features])
    target = right.astype(np.float64)

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        linear = design @ weights
        value = np.logaddexp(0, linear).sum() - target @ linear + 0.5 * RIDGE * (weights[1:] ** 2).sum()
        slope = design.T @ (expit(linear) - target)
        slope[1:] += RIDGE * weights[1:]
        return float(value), slope

    found = optimize.minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x, dtype=np.float64)
