"""From what a network says of every pixel to `Detections`; numpy and scipy only, the same for every engine.

The network gives, for each kind, the probability that a pixel shows it, on a grid of every second pixel. Pixels above
a low probability that hang together are one object; its mask is those of them above a higher one (hysteresis, Canny
1986): a crack that fades for a moment stays one crack. Its score says how likely an object of such probabilities and
size was right on validation pictures (logistic calibration, Platt 1999).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.special import expit, logit

from tenken.detection.detect import CONDITION_STATES, Detections
from tenken.detection.engine import Outputs, Tile, padded

FloatArray = npt.NDArray[np.float32]

OUTPUT_STRIDE_PX = 2
"""Pixels of the picture that one pixel of the network's output spans."""
CONNECTED = np.ones((3, 3), dtype=np.int8)
MARGIN_PX = 64
"""Of its mirror image that a small picture gets on each side. At a picture's border a network of convolutions sees
zeros, and fewer of thin lines: a photo 125 pixels wide is nearly all border."""
ROOMY_PX = 640
"""A picture of so many pixels needs no margin, and with its margin none gets larger."""
CERTAIN = 1e-4
"""Probabilities are taken to be this far from 0 and 1 at least."""
CORROSION = "corrosion"


@dataclass(frozen=True, slots=True)
class ObjectRule:
    """How pixels of one kind become objects.

    Parameters
    ----------
    connect
        Pixels of a higher probability hang together.
    low
        Those of a higher probability still are the object's mask.
    smallest_px
        Longer side of the smallest object's box, in pixels of the picture.
    calibration
        Offset, and weights of an object's features, in the order of `Components.features`.
    min_score
        Objects with a lower score are left out.
    """

    connect: float
    low: float
    smallest_px: float
    calibration: tuple[float, float, float, float]
    min_score: float


@dataclass(frozen=True, slots=True)
class Components:
    """Connected pixels, as a struct of arrays.

    Parameters
    ----------
    numbers
        (h / 2, w / 2) 0 where no mask is, else the component's number, from 1.
    windows
        Rows and columns of each component's mask.
    mean, peak
        (n,) probability of the mask's pixels.
    extent_px
        (n,) longer side of its box, in pixels of the picture.
    """

    numbers: npt.NDArray[Any]
    windows: list[tuple[slice, slice]]
    mean: npt.NDArray[np.float64]
    peak: npt.NDArray[np.float64]
    extent_px: npt.NDArray[np.float64]

    def features(self) -> npt.NDArray[np.float64]:
        """(n, 3) logit of the mean, logit of the peak, logarithm of the extent."""
        certain = (np.clip(value, CERTAIN, 1 - CERTAIN) for value in (self.mean, self.peak))
        return np.stack([*(logit(value) for value in certain), np.log(self.extent_px)], axis=1)

    def score(self, calibration: Sequence[float]) -> npt.NDArray[np.float64]:
        """(n,) how likely each is right."""
        return np.asarray(expit(calibration[0] + self.features() @ np.asarray(calibration[1:])), dtype=np.float64)


def components_of(probability: FloatArray, connect: float, low: float) -> Components:
    """Find connected pixels, (h / 2, w / 2); corners connect. See `ObjectRule`."""
    above = probability > low
    if not above.any():  # most tiles show nothing
        return Components(np.zeros(above.shape, np.int32), [], *np.zeros((3, 0)))
    connected, _ = ndimage.label(probability > connect, structure=CONNECTED)
    # Numbered anew, without those that have no mask.
    inside, values = connected[above], probability[above].astype(np.float64)
    kept, inside = np.unique(inside, return_inverse=True)
    numbers = np.zeros(above.shape, np.int32)
    numbers[above] = inside + 1
    windows: list[tuple[slice, slice]] = ndimage.find_objects(numbers)
    mean = np.bincount(inside, weights=values) / np.bincount(inside)
    peak = np.zeros(len(kept))
    np.maximum.at(peak, inside, values)
    sides = [max(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in windows]
    return Components(numbers, windows, mean, peak, np.array(sides, dtype=np.float64) * OUTPUT_STRIDE_PX)


class PixelDecoder:
    """Decodes networks that give one plane of probability a kind, and perhaps three of corrosion's states.

    It never saturates (`Detections.saturated` stays False): every connected part of a plane becomes an object, however
    many there are, and no part displaces another. Only heads that propose boxes have a most they can give.

    Parameters
    ----------
    classes
        Kinds, in the order of the planes.
    rules
        How pixels become objects, for each kind.
    """

    def __init__(self, classes: Sequence[str], rules: Sequence[ObjectRule]) -> None:
        self.classes = tuple(classes)
        self._rules = tuple(rules)

    def pad(self, tile: Tile, /) -> Tile:
        """Extend a tile by its mirror image, as training does: a small one on all sides."""
        above, left = (margin_px(side) for side in tile.shape[:2])
        framed = np.pad(tile, ((above, above), (left, left), (0, 0)), mode="symmetric") if above or left else tile
        return padded(framed, mode="symmetric")

    def decode(self, outputs: Outputs, shape_px: tuple[int, int], /) -> Detections:
        """Give the objects of one tile."""
        return decode_pixels(without_margin(outputs[0], shape_px), shape_px, self.classes, self._rules)

    def states(self, outputs: Outputs, shape_px: tuple[int, int], /) -> npt.NDArray[np.uint8] | None:
        """State of each pixel of the objects that `decode` gives."""
        planes = without_margin(outputs[0], shape_px)
        if len(planes) != len(self.classes) + len(CONDITION_STATES) or CORROSION not in self.classes:
            return None
        likeliest = np.stack([doubled(plane) for plane in planes[len(self.classes) :]]).argmax(axis=0).astype(np.uint8)
        states = np.zeros(shape_px, np.uint8)
        found = self.decode(outputs, shape_px)
        for box, label, mask in zip(found.xyxy_px.astype(int), found.label, found.masks or [], strict=True):
            if label == CORROSION:
                window = (slice(box[1], box[3]), slice(box[0], box[2]))
                states[window] = np.where(mask, likeliest[window] + 1, states[window])
        return states


def margin_px(side_px: int) -> int:
    """Margin of a picture of this height or width; an even number, so that output pixels stay where they are."""
    return min(max(ROOMY_PX - side_px, 0) // 4 * 2, MARGIN_PX)


def without_margin(planes: FloatArray, shape_px: tuple[int, int]) -> FloatArray:
    """Cut off what `PixelDecoder.pad` laid around a picture of this height and width; (kinds, h / 2, w / 2)."""
    top, left = (margin_px(side) // OUTPUT_STRIDE_PX for side in shape_px)
    height, width = (-(-side // OUTPUT_STRIDE_PX) for side in shape_px)
    return planes[:, top : top + height, left : left + width]


def decode_pixels(
    probability: FloatArray,
    shape_px: tuple[int, int],
    classes: Sequence[str],
    rules: Sequence[ObjectRule],
) -> Detections:
    """Make objects of pixels.

    Parameters
    ----------
    probability
        (kinds, h / 2, w / 2) of the padded picture, or (kinds + 3, h / 2, w / 2) with corrosion's states.
    shape_px
        Height and width of the picture without padding.
    classes
        Kinds by number.
    rules
        How pixels become objects, for each kind.

    Returns
    -------
    Detections by falling score within each kind.
    """
    used = (slice(0, -(-shape_px[0] // OUTPUT_STRIDE_PX)), slice(0, -(-shape_px[1] // OUTPUT_STRIDE_PX)))
    told = probability[len(classes) :]
    objects: list[tuple[str, _Object]] = []
    for number, (kind, rule) in enumerate(zip(classes, rules, strict=True)):
        states = told[(slice(None), *used)] if kind == CORROSION and len(told) == len(CONDITION_STATES) else None
        found = _objects(probability[number][used], rule, shape_px, states)
        objects += [(kind, one) for one in sorted(found, key=lambda one: (-one.score, one.box))]
    if not objects:
        return Detections.empty()
    return Detections(
        np.array([one.box for _, one in objects], dtype=np.float64),
        np.array([one.score for _, one in objects]),
        np.array([kind for kind, _ in objects]),
        [one.mask for _, one in objects],
        state_share=np.array([one.state_share for _, one in objects]),
    )


@dataclass(frozen=True, slots=True)
class _Object:
    score: float
    box: tuple[int, int, int, int]
    mask: npt.NDArray[np.bool_]
    state_share: tuple[float, ...]


def _objects(
    probability: FloatArray, rule: ObjectRule, shape_px: tuple[int, int], states: FloatArray | None
) -> list[_Object]:
    components = components_of(probability, rule.connect, rule.low)
    scores = components.score(rule.calibration)
    found = []
    for place in np.flatnonzero((scores > rule.min_score) & (components.extent_px >= rule.smallest_px)).tolist():
        rows, columns = components.windows[place]
        mask, top, left = _full_size(probability, components.numbers, place + 1, rows, columns, rule.low, shape_px)
        if not mask.any():
            continue
        kept_rows, kept_columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        mask = mask[kept_rows[0] : kept_rows[-1] + 1, kept_columns[0] : kept_columns[-1] + 1]
        left, top = left + int(kept_columns[0]), top + int(kept_rows[0])
        shares: tuple[float, ...] = (np.nan,) * len(CONDITION_STATES)
        if states is not None:
            inside = components.numbers[rows, columns] == place + 1
            shares = tuple(states[:, rows, columns][:, inside].mean(axis=1, dtype=np.float64).tolist())
        box = (left, top, left + mask.shape[1], top + mask.shape[0])
        found.append(_Object(float(scores[place]), box, mask, shares))
    return found


def _full_size(
    probability: FloatArray,
    numbers: npt.NDArray[Any],
    number: int,
    rows: slice,
    columns: slice,
    low: float,
    shape_px: tuple[int, int],
) -> tuple[npt.NDArray[np.bool_], int, int]:
    """Mask of one object in the picture's pixels, cut at the picture's border, and its top and left."""
    top, left = max(rows.start - 1, 0), max(columns.start - 1, 0)
    around = (slice(top, rows.stop + 1), slice(left, columns.stop + 1))
    # Another object's pixels must not lend this one theirs.
    alone = np.where((numbers[around] == number) | (numbers[around] == 0), probability[around], 0)
    mask = doubled(alone) > low
    # A line one output pixel wide lends its neighbours so much that too little may be left of it.
    rows_px, columns_px = alone.shape
    kept = mask.reshape(rows_px, OUTPUT_STRIDE_PX, columns_px, OUTPUT_STRIDE_PX).any(axis=(1, 3))
    lost = (numbers[around] == number) & ~kept
    mask |= lost.repeat(OUTPUT_STRIDE_PX, axis=0).repeat(OUTPUT_STRIDE_PX, axis=1)
    top, left = top * OUTPUT_STRIDE_PX, left * OUTPUT_STRIDE_PX
    return mask[: shape_px[0] - top, : shape_px[1] - left], top, left


def doubled(plane: FloatArray) -> FloatArray:
    """Twice as many pixels each way, linearly: each lies a quarter of a pixel from the nearest old one."""
    padded = np.pad(plane, 1, mode="edge").astype(np.float32)
    rows = np.repeat(padded[1:-1], 2, axis=0) * 0.75
    rows[0::2] += 0.25 * padded[:-2]
    rows[1::2] += 0.25 * padded[2:]
    both = np.repeat(rows[:, 1:-1], 2, axis=1) * 0.75
    both[:, 0::2] += 0.25 * rows[:, :-2]
    both[:, 1::2] += 0.25 * rows[:, 2:]
    return np.asarray(both, dtype=np.float32)
