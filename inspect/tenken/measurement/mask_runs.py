"""Many masks in little memory: each as its runs of marked pixels, row by row.

A crack fills a hundredth of its box. As runs, a hundred thousand pieces of cracks take some hundred megabytes where
their crops would take ten gigabytes, and questions about all of them are answered with a few array operations.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, overload

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

PAINTED_AT_ONCE = 1 << 20
"""Pixels whose places are held at the same time while a mask is painted."""


@dataclass(frozen=True, slots=True)
class MaskRuns(Sequence[BoolArray]):
    """Masks of any sizes, as runs; a sequence of (h, w) bool crops, each drawn when it is asked for.

    Parameters
    ----------
    shape_px
        (n, 2) height and width of each mask.
    offset
        (n + 1,) where each mask's runs begin.
    row, start, stop
        (m,) row of each run, its first column and the one after its last; by row and column within a mask.
    """

    shape_px: IntArray
    offset: IntArray
    row: npt.NDArray[Any]
    start: npt.NDArray[Any]
    stop: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.shape_px)

    @overload
    def __getitem__(self, number: int) -> BoolArray: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[BoolArray]: ...

    def __getitem__(self, number: int | slice) -> BoolArray | Sequence[BoolArray]:
        if isinstance(number, slice):
            return [self[place] for place in range(*number.indices(len(self)))]
        place = range(len(self))[number]
        mask = np.zeros(tuple(self.shape_px[place].tolist()), dtype=bool)
        own = slice(int(self.offset[place]), int(self.offset[place + 1]))
        paint(mask, self.row[own], self.start[own], self.stop[own])
        return mask

    @classmethod
    def of(cls, masks: Iterable[BoolArray]) -> "MaskRuns":
        """Find the runs of (h, w) bool masks."""
        shapes: list[tuple[int, int]] = []
        parts: list[tuple[npt.NDArray[Any], ...]] = []
        for mask in masks:
            shapes.append((mask.shape[0], mask.shape[1]))
            parts.append(_runs_of(mask))
        shape = np.array(shapes, dtype=np.int64).reshape(-1, 2)
        offset = np.concatenate([[0], np.cumsum([len(part[0]) for part in parts])]).astype(np.int64)
        # Two bytes do for tiles of any sensible size.
        kind = np.min_scalar_type(max(255, int(shape.max(initial=0))))
        row, start, stop = (
            np.concatenate([part[place] for part in parts]).astype(kind) if parts else np.empty(0, dtype=kind)
            for place in range(3)
        )
        return cls(shape, offset, row, start, stop)

    @classmethod
    def concatenate(cls, parts: Sequence["MaskRuns"]) -> "MaskRuns":
        """Put the masks of several into one, in the order given."""
        counts = [np.diff(part.offset) for part in parts]
        return cls(
            np.concatenate([part.shape_px for part in parts]),
            np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64),
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("row", "start", "stop")),
        )

    def area_px(self) -> IntArray:
        """(n,) marked pixels of each mask."""
        total = np.zeros(len(self.start) + 1, dtype=np.int64)
        np.cumsum(self.stop.astype(np.int64) - self.start, out=total[1:])
        return total[self.offset[1:]] - total[self.offset[:-1]]


def paint(
    mask: BoolArray, row: npt.NDArray[Any], start: npt.NDArray[Any], stop: npt.NDArray[Any], scale: int = 1
) -> None:
    """Mark runs on an (h, w) mask of which one cell is ``scale`` pixels wide; rows and columns count in pixels.

    The mask lies in one piece in memory, row by row.
    """
    width = mask.shape[1]
    cells = mask.reshape(-1)
    for few in _batches(stop.astype(np.int64) - start):
        first, length = start[few].astype(np.int64), stop[few].astype(np.int64) - start[few]
        line = row[few].astype(np.int64) // scale * width
        if scale == 1:
            cells[spread(line + first, length)] = True
        else:
            cells[np.repeat(line, length) + spread(first, length) // scale] = True


def spread(first: IntArray, count: IntArray) -> IntArray:
    """Give ``first, first + 1, …`` for each count, one after the other."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    numbers: IntArray = np.arange(total) + np.repeat(first - (ends - count), count)
    return numbers


def _batches(length: IntArray) -> Iterator[slice]:
    """Cut runs into batches of about `PAINTED_AT_ONCE` pixels."""
    number = np.cumsum(length) // PAINTED_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(length)]
    yield from (slice(first, last) for first, last in pairwise(edges) if last > first)


def _runs_of(mask: BoolArray) -> tuple[npt.NDArray[Any], ...]:
    """Rows, first columns and the columns after the last, of the runs of one mask."""
    height, width = mask.shape
    flat = np.zeros((height, width + 1), dtype=bool)
    flat[:, 1:] = mask
    # A column of nothing between rows: a change is a run's start or its end, in turns.
    changes = np.flatnonzero(np.diff(np.append(flat.ravel(), False)))
    rows, starts = np.divmod(changes[0::2], width + 1)
    return rows, starts, changes[1::2] - rows * (width + 1)
