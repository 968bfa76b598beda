"""Masks kept as runs are the masks they were made of, and share the pixels they share."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tenken.measurement.mask_runs import MaskRuns, paint
from tenken.measurement.shared_pixels import MaskPairs, near_pixels, shared_pixels

BoolArray = npt.NDArray[np.bool_]
MARGIN = 60


def random_masks(seed: int, count: int = 8) -> list[BoolArray]:
    rng = np.random.default_rng(seed)
    return [rng.random(rng.integers(1, 40, 2)) < rng.choice([0.02, 0.3, 0.8, 1]) for _ in range(count)]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_masks_come_back_as_they_were(seed: int) -> None:
    masks = random_masks(seed)
    runs = MaskRuns.concatenate([MaskRuns.of(masks[:3]), MaskRuns.of([]), MaskRuns.of(masks[3:])])
    assert len(runs) == len(masks)
    assert all(np.array_equal(back, mask) for back, mask in zip(runs, masks, strict=True))
    assert runs.area_px().tolist() == [np.count_nonzero(mask) for mask in masks]


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (1, 1)])
def test_the_smallest_masks_are_no_trouble(shape: tuple[int, int]) -> None:
    (back,) = MaskRuns.of([np.ones(shape, dtype=bool)])
    assert back.shape == shape
    assert back.all()


def test_a_coarser_mask_marks_every_cell_that_a_run_touches() -> None:
    mask = np.zeros((3, 4), dtype=bool)
    paint(mask, np.array([0, 5]), np.array([2, 11]), np.array([9, 12]), scale=3)
    assert mask.tolist() == [[True, True, True, False], [False, False, False, True], [False] * 4]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_shared_pixels_are_those_that_both_masks_mark_inside_the_window(seed: int) -> None:
    masks, rng = random_masks(seed), np.random.default_rng(seed)
    left_top = rng.integers(-5, 40, (len(masks), 2))
    first, second = np.array([(i, j) for i in range(len(masks)) for j in range(len(masks))]).T
    corner = rng.integers(-10, 40, (len(first), 2))
    window = np.hstack([corner, corner + rng.integers(1, 60, (len(first), 2))])
    pairs = MaskPairs(MaskRuns.of(masks), left_top, first, second, window)
    counts = [*shared_pixels(pairs), near_pixels(pairs)]

    def drawn(number: int, pair: int) -> BoolArray:
        whole, inside = np.zeros((2, 200, 200), dtype=bool)
        (x, y), (left, top, right, bottom) = left_top[number] + MARGIN, window[pair] + MARGIN
        whole[y : y + masks[number].shape[0], x : x + masks[number].shape[1]] = masks[number]
        inside[top:bottom, left:right] = whole[top:bottom, left:right]
        return inside

    for pair, (i, j) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        one, other = drawn(i, pair), drawn(j, pair)
        near = ndimage.binary_dilation(one, np.ones((3, 3))) & other
        truth = [np.count_nonzero(part) for part in (one, other, one & other, near)]
        assert [count[pair] for count in counts] == truth
