"""Whether a set's labels lie on what they name: labels as wrong as those that were trained on would praise the result.

The weights in use are asked, not the new ones: what they find is right more often than not, even on a structure on
which they find little. Two faults show in it. When labels are shifted, what is found lies at the same offset from the
labels in photo after photo. When kinds are swapped, what is found on labels of one kind is mostly of another kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from tenken.notes import Note
from tenken_training.evaluation import LabelledSet
from tenken_training.evaluation.intervals import LEVEL, resamples
from tenken_training.evaluation.photo_score import PhotoScore
from tenken_training.evaluation.truth import painted

CELL_PX = 4
"""Offsets are told to this."""
REACH_PX = 64
"""Largest offset that is looked for."""
LEAST_OFFSET_PX = 8.0
"""Smaller ones come from how wide people draw."""
FACTOR = 2.0
"""What is found agrees so many times better with shifted or other labels than with the labels themselves."""
LEAST_FOUND = 0.02
"""Part of the labelled area that must be met at all: a few stray pixels prove nothing."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Agreement:
    """How well finds and labels of one photo agree.

    Parameters
    ----------
    by_offset
        (2 r + 1, 2 r + 1) shared cells when labels are moved back by so many cells down and across.
    by_kind
        (kinds,) shared cells of the labels with finds of each kind.
    labelled
        Cells that are labelled.
    """

    by_offset: FloatArray
    by_kind: FloatArray
    labelled: float


def label_faults(labelled: LabelledSet, scores: Sequence[PhotoScore], kinds: Sequence[str], seed: int) -> Iterator[str]:
    """Say which labels cannot be right, a line each.

    Parameters
    ----------
    labelled, scores
        A set, and what the weights in use find in it.
    kinds
        Kinds that these weights know and the set labels.
    seed
        Of the resamples.
    """
    photos: dict[str, list[_Agreement]] = {kind: [] for kind in kinds}
    by_name = {photo.name: photo for photo in labelled.photos}
    for score in scores:
        _, truth = labelled.load(by_name[score.photo])
        found = {
            kind: painted(
                [defect.outline_px for defect in score.defects if defect.kind == kind], truth.height_px, truth.width_px
            )
            for kind in kinds
        }
        for kind in kinds:
            if (region := truth.region(kind)).any():
                photos[kind].append(_agreement(region, found[kind], [found[one] for one in kinds]))
    for kind, seen in photos.items():
        draws = resamples(len(seen), count=500, seed=seed)
        if len(draws):
            yield from _shift(kind, labelled.name, seen, draws)
            yield from _swap(kind, labelled.name, seen, draws, kinds)


def _agreement(
    region: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_], all_found: Sequence[npt.NDArray[np.bool_]]
) -> _Agreement:
    label = _cells(region)
    reach = REACH_PX // CELL_PX
    # Correlation over all offsets at once; the rim is padded so that nothing comes round from the other side.
    shape = tuple(scipy.fft.next_fast_len(side + reach) for side in label.shape)
    product = scipy.fft.rfft2(label, shape) * np.conj(scipy.fft.rfft2(_cells(found), shape))
    correlation = scipy.fft.irfft2(product, shape)
    steps = np.arange(-reach, reach + 1)
    return _Agreement(
        by_offset=np.maximum(correlation[np.ix_(steps % shape[0], steps % shape[1])], 0),
        by_kind=np.array([float((label * _cells(one)).sum()) for one in all_found]),
        labelled=float(label.sum()),
    )


def _cells(mask: npt.NDArray[np.bool_]) -> FloatArray:
    """Cover of cells of `CELL_PX`, 0..1."""
    height, width = (max(-(-side // CELL_PX), 1) for side in mask.shape)
    return np.asarray(
        cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA), dtype=np.float64
    )


def _shift(kind: str, name: str, seen: Sequence[_Agreement], draws: npt.NDArray[np.int64]) -> Iterator[str]:
    table = np.stack([one.by_offset for one in seen])
    total = table.sum(axis=0)
    reach = total.shape[0] // 2
    row, column = np.unravel_index(int(total.argmax()), total.shape)
    down, across = (int(place) - reach for place in (row, column))
    if np.hypot(down, across) * CELL_PX < LEAST_OFFSET_PX:
        return
    there, here = table[:, row, column], table[:, reach, reach]
    if _clearly(there, here, [one.labelled for one in seen], draws):
        yield Note.of(
            "promotion.shifted",
            kind=Note.kinds([kind]),
            name=name,
            across=abs(across) * CELL_PX,
            side=Note.of("promotion.right" if across > 0 else "promotion.left"),
            down=abs(down) * CELL_PX,
            end=Note.of("promotion.below" if down > 0 else "promotion.above"),
        )


def _swap(
    kind: str, name: str, seen: Sequence[_Agreement], draws: npt.NDArray[np.int64], kinds: Sequence[str]
) -> Iterator[str]:
    table = np.stack([one.by_kind for one in seen])
    own = kinds.index(kind)
    for other, told in enumerate(kinds):
        if other != own and _clearly(table[:, other], table[:, own], [one.labelled for one in seen], draws):
            yield Note.of("promotion.swapped", kind=Note.kinds([kind]), name=name, told=Note.kinds([told]))


def _clearly(one: FloatArray, other: FloatArray, labelled: Sequence[float], draws: npt.NDArray[np.int64]) -> bool:
    """Whether one is `FACTOR` times the other, over resampled photos too, and not next to nothing."""
    if one.sum() < LEAST_FOUND * sum(labelled):
        return False
    lead = draws @ (one - FACTOR * other)
    return bool(np.quantile(lead, (1 - LEVEL) / 2) > 0)
