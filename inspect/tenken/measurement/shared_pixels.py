"""How many pixels masks share, for many pairs of masks at once.

Each pair's window is laid out as one long line, row after row, and the windows of all pairs behind each other. Runs
of pixels become intervals on that line, and shared pixels the length that two sets of intervals have in common.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tenken.measurement.mask_runs import IntArray, MaskRuns, spread

RUNS_AT_ONCE = 1 << 18
"""Runs that are compared at the same time: more only cost memory."""


@dataclass(frozen=True, slots=True)
class MaskPairs:
    """Pairs of masks, each with a window; pixels outside do not count.

    Parameters
    ----------
    masks
        n masks.
    left_top_px
        (n, 2) where each lies.
    first, second
        (p,) the pairs, by number.
    window_px
        (p, 4) left, top, right, bottom of the window of each pair.
    """

    masks: MaskRuns
    left_top_px: IntArray
    first: IntArray
    second: IntArray
    window_px: IntArray

    def some(self, chosen: npt.NDArray[np.bool_]) -> "MaskPairs":
        """Give the pairs of a mask."""
        return MaskPairs(self.masks, self.left_top_px, self.first[chosen], self.second[chosen], self.window_px[chosen])


def shared_pixels(pairs: MaskPairs) -> tuple[IntArray, IntArray, IntArray]:
    """Count the pixels of the first mask, of the second, and of both, each (p,)."""
    counts = np.zeros((3, len(pairs.first)), dtype=np.int64)
    for few, line_a, line_b, width in _laid_out(pairs):
        shared = _covered(line_a, line_b.stop) - _covered(line_a, line_b.start)
        sums = ((line_a, line_a.stop - line_a.start), (line_b, line_b.stop - line_b.start), (line_b, shared))
        for place, (line, pixels) in enumerate(sums):
            counts[place, few] = np.bincount(line.pair, weights=pixels, minlength=len(width))
    return counts[0], counts[1], counts[2]


def near_pixels(pairs: MaskPairs) -> IntArray:
    """(p,) pixels of the second mask that lie at most one pixel, straight or diagonal, from one of the first."""
    counts = np.zeros(len(pairs.first), dtype=np.int64)
    for few, line_a, line_b, width in _laid_out(pairs):
        row = width[line_a.pair]
        grown = _merged(*(np.concatenate([at - row, at, at + row]) for at in (line_a.start - 1, line_a.stop + 1)))
        near = _covered(grown, line_b.stop) - _covered(grown, line_b.start)
        counts[few] = np.bincount(line_b.pair, weights=near, minlength=len(width))
    return counts


def _laid_out(pairs: MaskPairs) -> Iterator[tuple[slice, "_Line", "_Line", IntArray]]:
    """Give pairs in batches: which they are, either mask on the line, and the length of a row."""
    masks, left_top_px = pairs.masks, pairs.left_top_px
    runs_a, runs_b = _runs_inside(pairs, pairs.first), _runs_inside(pairs, pairs.second)
    for few in _batches(runs_a.count + runs_b.count):
        window = pairs.window_px[few]
        # A margin of one pixel on all sides keeps grown runs in their row.
        width = window[:, 2] - window[:, 0] + 2
        size = width * (window[:, 3] - window[:, 1] + 2)
        origin = np.cumsum(size) - size + width + 1 - window[:, 0] - window[:, 1] * width
        line_a = _on_the_line(masks, left_top_px[pairs.first[few]], runs_a.cut(few), window, origin, width)
        line_b = _on_the_line(masks, left_top_px[pairs.second[few]], runs_b.cut(few), window, origin, width)
        yield few, line_a, line_b, width


@dataclass(frozen=True, slots=True)
class _Runs:
    """First run and number of runs, for each of many masks."""

    first: IntArray
    count: IntArray

    def cut(self, few: slice) -> "_Runs":
        return _Runs(self.first[few], self.count[few])


@dataclass(frozen=True, slots=True)
class _Line:
    """Intervals on the line, in rising order and apart, and the pair of each."""

    pair: IntArray
    start: IntArray
    stop: IntArray


def _runs_inside(pairs: MaskPairs, numbers: IntArray) -> _Runs:
    """Find each mask's runs in the rows of its window: runs lie in the order of their masks and rows."""
    masks = pairs.masks
    tallest = int(masks.shape_px[:, 0].max(initial=0)) + 1
    row_of_all = np.repeat(np.arange(len(masks)) * tallest, np.diff(masks.offset)) + masks.row
    rows = np.clip(pairs.window_px[:, 1::2] - pairs.left_top_px[numbers, 1:], 0, masks.shape_px[numbers, :1])
    first, last = np.searchsorted(row_of_all, (numbers * tallest)[:, None] + rows).T
    return _Runs(first, np.maximum(last - first, 0))


def _batches(runs: IntArray) -> Iterator[slice]:
    number = np.cumsum(runs) // RUNS_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(runs)]
    yield from (slice(start, stop) for start, stop in pairwise(edges) if stop > start)


def _on_the_line(
    masks: MaskRuns, left_top_px: IntArray, runs: _Runs, window_px: IntArray, origin: IntArray, width: IntArray
) -> _Line:
    """Lay the runs inside the windows out on the line; pixel (0, 0) of the picture would lie at the origin."""
    pair = np.repeat(np.arange(len(runs.count)), runs.count)
    place = spread(runs.first, runs.count)
    x0, y0 = left_top_px.T
    start = np.maximum(masks.start[place] + x0[pair], window_px[pair, 0])
    stop = np.minimum(masks.stop[place] + x0[pair], window_px[pair, 2])
    at = origin[pair] + (masks.row[place] + y0[pair]) * width[pair]
    inside = stop > start
    return _Line(pair[inside], (at + start)[inside], (at + stop)[inside])


def _covered(line: _Line, place: IntArray) -> IntArray:
    """Length of the line before each place that lies in one of the intervals."""
    if not len(line.start):
        return np.zeros(len(place), dtype=np.int64)
    length = line.stop - line.start
    before = np.cumsum(length) - length
    number = np.maximum(np.searchsorted(line.start, place, side="right") - 1, 0)
    return np.asarray(before[number] + np.clip(place - line.start[number], 0, length[number]))


def _merged(start: IntArray, stop: IntArray) -> _Line:
    """Put intervals that overlap into one; the pairs are forgotten."""
    none = np.empty(0, dtype=np.int64)
    if not len(start):
        return _Line(none, start, stop)
    order = np.argsort(start, kind="stable")
    start, reach = start[order], np.maximum.accumulate(stop[order])
    opens = np.append(True, start[1:] > reach[:-1])
    return _Line(none, start[opens], reach[np.append(np.flatnonzero(opens)[1:] - 1, len(reach) - 1)])
