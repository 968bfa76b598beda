"""Echoes: a crop is looked at anew with its labels, and a fit that goes on draws the same ones."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("ultralytics", reason="training needs the train extra")

import torch

from tenken_demo.noise import stream
from tenken_training.echoes import CUT_PX, KEPT_BATCHES, batches_for, echoed, looked_at_anew
from tenken_training.network import Batch, collate
from tenken_training.view import Labelled

SIZE_PX = 64
ECHOES = 3
CROPS = 4


def crop(number: int) -> Labelled:
    """A grey crop whose red is brighter where a crack is, blue where rust is, green where nothing is known."""
    made = Labelled.blank(SIZE_PX)
    rng = stream(1, "crop", number)
    numbers, state, ignore = made.crack_numbers, made.state, made.ignore
    at = rng.integers(8, SIZE_PX - 24, (3, 2))
    for plane, (row, column) in zip((numbers, state, ignore[0]), at.tolist(), strict=True):
        plane[row : row + 16, column : column + 10] = 1
    shown = np.stack([numbers > 0, ignore[0], state > 0], axis=-1)
    return made.with_image((60 + 120 * shown).astype(np.uint8))


def batch(number: int) -> Batch:
    return collate([crop(number * CROPS + place) for place in range(CROPS)])


def steps_from(first: int, last: int) -> list[Batch]:
    steps = range(first, last)
    return list(echoed((batch(number) for number in batches_for(steps, ECHOES)), steps, ECHOES, 7, "cpu"))


def equal(one: Batch, other: Batch) -> bool:
    pairs = ((one.image, other.image), (one.crack, other.crack), (one.state, other.state), (one.ignore, other.ignore))
    return all(torch.equal(first, second) for first, second in pairs)


def test_each_batch_is_used_for_so_many_steps() -> None:
    made: list[int] = []

    def source() -> Iterator[Batch]:
        for number in batches_for(range(9), ECHOES):
            made.append(number)
            yield batch(number)

    for step, _ in enumerate(echoed(source(), range(9), ECHOES, 7, "cpu")):
        assert made == list(range(step // ECHOES + 1))


def test_labels_stay_on_what_they_label_and_light_changes() -> None:
    for seed in range(12):
        seen = looked_at_anew(batch(seed), stream(seed, "look"))
        assert seen.image.shape == (CROPS, 3, SIZE_PX - CUT_PX, SIZE_PX - CUT_PX)
        for place in range(CROPS):
            for band, label in enumerate((seen.crack[place], seen.ignore[place, 0], seen.state[place] > 0)):
                band_of: npt.NDArray[np.float32] = seen.image[place, band].numpy()
                ground = np.median(seen.image[place].numpy()) if not label.all() else 0
                lighter = band_of > ground * 1.8
                assert np.mean(lighter == label.numpy().astype(bool)) > 0.99


def test_looks_are_mirrored_and_turned_and_mostly_stay_upright() -> None:
    square = collate([crop(0)])
    square.image[:] = 0
    square.image[..., : SIZE_PX // 2, :] = 200
    upright = 0
    for seed in range(60):
        image = looked_at_anew(square, stream(seed, "turn")).image[0].mean(dim=0)
        upright += int(image[0].mean() > image[-1].mean() + 50)
    assert 30 < upright < 55


def test_a_step_draws_from_several_batches_and_never_twice_the_same() -> None:
    drawn = steps_from(30, 36)
    assert not any(equal(drawn[0], other) for other in drawn[1:])


def test_going_on_gives_the_steps_that_would_have_been() -> None:
    far = ECHOES * (KEPT_BATCHES + 2)
    whole = steps_from(0, far + 4)
    for start in (1, 5, far):
        assert all(equal(one, other) for one, other in zip(whole[start:], steps_from(start, far + 4), strict=True))


def test_the_last_batches_only_are_made_again() -> None:
    numbers = batches_for(range(ECHOES * 1000, ECHOES * 1000 + 1), ECHOES)
    assert list(numbers) == list(range(1000 - KEPT_BATCHES + 1, 1001))
    assert list(batches_for(range(2), ECHOES)) == [0]
