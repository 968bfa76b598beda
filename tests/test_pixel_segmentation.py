"""Objects from pixels: what hangs together is one object, and its mask, score and state are those of its pixels."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from tenken.detection.detect import CONDITION_STATES, KINDS, Detections
from tenken.detection.pixel_segmentation import (
    CONNECTED,
    ObjectRule,
    PixelDecoder,
    components_of,
    decode_pixels,
    doubled,
    margin_px,
    without_margin,
)

Plane = npt.NDArray[np.float32]

RULE = ObjectRule(connect=0.25, low=0.5, smallest_px=0.0, calibration=(0.0, 1.0, 0.0, 0.0), min_score=0.0)
"""Every object counts; its score is the mean probability of its pixels."""

ZERO = np.float32(0)
probabilities = st.sampled_from([np.float32(value) for value in (0.0, 0.1, 0.3, 0.45, 0.6, 0.95)])
planes = arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=probabilities)


def plane(height: int = 16, width: int = 16) -> Plane:
    return np.zeros((height, width), np.float32)


def decode(crack: Plane, shape_px: tuple[int, int] | None = None, rule: ObjectRule = RULE) -> Detections:
    """Objects of one plane of cracks."""
    shape_px = shape_px or (2 * crack.shape[0], 2 * crack.shape[1])
    return decode_pixels(crack[None], shape_px, ("crack",), [rule])


def whole_masks(found: Detections, shape_px: tuple[int, int]) -> list[npt.NDArray[np.bool_]]:
    """Each mask in the whole picture."""
    masks = []
    for (left, top, right, bottom), crop in zip(found.xyxy_px.astype(int), found.masks or [], strict=True):
        assert 0 <= left < right <= shape_px[1]
        assert 0 <= top < bottom <= shape_px[0]
        mask = np.zeros(shape_px, np.bool_)
        mask[top:bottom, left:right] = crop
        masks.append(mask)
    return masks


# What is one object


def test_a_picture_without_defects_gives_nothing() -> None:
    found = decode(plane())
    assert len(found) == 0
    assert not found.saturated


def test_what_touches_nothing_else_is_one_object() -> None:
    crack = plane()
    crack[3, 2:9] = 0.9
    crack[10:13, 12] = 0.9
    assert len(decode(crack)) == 2


def test_pixels_that_meet_at_a_corner_hang_together() -> None:
    assert len(decode(np.eye(12, dtype=np.float32) * 0.9)) == 1


def test_a_crack_that_fades_stays_one_crack_and_its_faint_part_is_not_its_mask() -> None:
    crack = plane()
    crack[4, 2:6] = crack[4, 9:13] = 0.9
    crack[4, 6:9] = 0.3
    found = decode(crack)
    assert len(found) == 1
    assert not whole_masks(found, (32, 32))[0][:, 14:16].any()


def test_a_crack_that_breaks_off_is_two() -> None:
    crack = plane()
    crack[4, 2:6] = crack[4, 9:13] = 0.9
    crack[4, 6:9] = 0.2
    assert len(decode(crack)) == 2


def test_what_is_faint_everywhere_is_no_object() -> None:
    assert len(decode(np.full((8, 8), 0.45, np.float32))) == 0


@pytest.mark.parametrize(("pixels", "count"), [(3, 0), (4, 1), (5, 1)])
def test_smaller_ones_than_the_smallest_are_left_out(pixels: int, count: int) -> None:
    crack = plane()
    crack[4, 2 : 2 + pixels] = 0.9
    rule = ObjectRule(RULE.connect, RULE.low, 8.0, RULE.calibration, RULE.min_score)
    assert len(decode(crack, rule=rule)) == count


def test_a_crack_and_rust_at_one_place_are_both_found() -> None:
    both = np.full((2, 8, 8), 0.9, np.float32)
    found = decode_pixels(both, (16, 16), KINDS, [RULE, RULE])
    assert list(found.label) == list(KINDS)


def test_many_small_objects_are_never_cut_short() -> None:
    crack = plane(80, 80)
    crack[::2, ::2] = 0.9
    found = decode(crack)
    assert len(found) == 40 * 40
    assert not found.saturated


@given(planes)
def test_components_are_those_connected_pixels_that_have_a_mask(probability: Plane) -> None:
    components = components_of(probability, RULE.connect, RULE.low)
    assert np.array_equal(components.numbers > 0, probability > RULE.low)
    connected, count = ndimage.label(probability > RULE.connect, structure=CONNECTED)
    kept = {int(number) for number in connected[probability > RULE.low]}
    assert len(components.windows) == len(kept) <= count
    for number in range(1, len(components.windows) + 1):
        inside = components.numbers == number
        assert len(np.unique(connected[inside])) == 1
        assert components.mean[number - 1] == pytest.approx(probability[inside].mean(), rel=1e-6)
        assert components.peak[number - 1] == probability[inside].max()


# Masks


@given(planes, st.integers(0, 1), st.integers(0, 1))
def test_masks_are_the_probable_pixels_up_to_the_tiles_border(
    probability: Plane, less_height: int, less_width: int
) -> None:
    shape_px = (2 * probability.shape[0] - less_height, 2 * probability.shape[1] - less_width)
    rule = ObjectRule(connect=0.05, low=0.5, smallest_px=0.0, calibration=RULE.calibration, min_score=0.0)
    found = decode(probability, shape_px, rule)
    together = np.zeros(shape_px, np.bool_)
    for mask in whole_masks(found, shape_px):
        together |= mask
    expected = doubled(probability) > 0.5
    blocks = expected.reshape(probability.shape[0], 2, probability.shape[1], 2)
    lost = (probability > 0.5) & ~blocks.any(axis=(1, 3))
    expected = (expected | lost.repeat(2, axis=0).repeat(2, axis=1))[: shape_px[0], : shape_px[1]]
    # A pixel between two objects, each too weak there by itself, belongs to neither.
    assert not (together & ~expected).any()
    connected, _ = ndimage.label(probability > 0.05, structure=CONNECTED)
    alone = len(np.unique(connected[probability > 0.5])) <= 1
    if alone:
        assert np.array_equal(together, expected)


@given(planes)
def test_boxes_fit_their_masks_tightly(probability: Plane) -> None:
    for mask in decode(probability).masks or []:
        assert mask[0].any()
        assert mask[-1].any()
        assert mask[:, 0].any()
        assert mask[:, -1].any()


def test_what_lies_in_the_padding_is_not_seen() -> None:
    crack = plane(16, 16)
    crack[12:, :] = 0.9
    assert len(decode(crack, (24, 32))) == 0


@given(planes)
def test_doubling_keeps_the_mean_and_makes_nothing_higher_or_lower(probability: Plane) -> None:
    twice = doubled(probability)
    assert twice.shape == (2 * probability.shape[0], 2 * probability.shape[1])
    assert twice.mean() == pytest.approx(probability.mean(), abs=1e-5)
    assert twice.min() >= probability.min() - 1e-6
    assert twice.max() <= probability.max() + 1e-6


@given(st.floats(0, 1, width=32))
def test_doubling_keeps_what_is_the_same_everywhere(value: float) -> None:
    assert doubled(np.full((3, 5), value, np.float32)) == pytest.approx(value, abs=1e-6)


def test_doubling_is_linear_between_pixels() -> None:
    ramp = np.arange(6, dtype=np.float32)[None].repeat(2, axis=0)
    assert doubled(ramp)[0, 1:-1] == pytest.approx(np.arange(10) / 2 + 0.25)


@pytest.mark.parametrize("probability", [0.51, 0.6, 0.68, 0.9])
def test_a_line_of_one_output_pixel_keeps_its_mask(probability: float) -> None:
    """Doubling shares three quarters of it with the sound pixels beside it: a hairline must not vanish for that."""
    crack = plane()
    crack[4, 2:12] = probability
    [mask] = decode(crack).masks or []
    assert mask.any(axis=0).all()
    assert mask.shape[1] >= 20 - 2


# Scores


@given(st.floats(0.51, 0.98), st.floats(0.001, 0.01))
def test_the_score_rises_with_the_probability(probability: float, more: float) -> None:
    crack = plane()
    crack[3:6, 2:9] = probability
    surer = np.where(crack > 0, crack + np.float32(more), ZERO).astype(np.float32)
    assert decode(surer).score[0] > decode(crack).score[0]


def test_scores_are_calibrated_by_mean_peak_and_extent() -> None:
    crack = plane()
    crack[3, 2:10] = (0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.9)
    rule = ObjectRule(0.25, 0.5, 0.0, (-2.0, 0.5, 0.25, 0.125), 0.0)
    mean = (7 * 0.6 + 0.9) / 8
    linear = -2 + 0.5 * np.log(mean / (1 - mean)) + 0.25 * np.log(9) + 0.125 * np.log(16)
    assert decode(crack, rule=rule).score == pytest.approx([1 / (1 + np.exp(-linear))], abs=1e-5)


@given(planes, st.floats(0, 0.99))
def test_a_higher_lowest_score_only_takes_objects_away(probability: Plane, least: float) -> None:
    stricter = ObjectRule(RULE.connect, RULE.low, 0.0, RULE.calibration, least)
    every, some = decode(probability), decode(probability, rule=stricter)
    assert some.score.tolist() == [score for score in every.score.tolist() if score > least]
    assert every.score.tolist() == sorted(every.score.tolist(), reverse=True)


# Condition states


def with_states(rng: np.random.Generator, corrosion: Plane) -> Plane:
    """(5, h, w): no crack, this corrosion, and random states that add up to 1."""
    states = rng.dirichlet((1, 1, 1), corrosion.shape).transpose(2, 0, 1)
    return np.concatenate([np.zeros((1, *corrosion.shape)), corrosion[None], states]).astype(np.float32)


@given(planes, st.integers(0, 99))
def test_shares_of_states_are_the_mean_over_the_object_and_add_up_to_1(corrosion: Plane, seed: int) -> None:
    output = with_states(np.random.default_rng(seed), corrosion)
    shape_px = (2 * corrosion.shape[0], 2 * corrosion.shape[1])
    found = decode_pixels(output, shape_px, KINDS, [RULE, RULE])
    if not len(found):
        return
    assert found.state_share is not None
    assert found.state_share.sum(axis=1) == pytest.approx(1, abs=1e-5)
    components = components_of(corrosion, RULE.connect, RULE.low)
    inside = [components.numbers == number + 1 for number in range(len(components.windows))]
    means = [output[2:][:, each].mean(axis=1) for each in inside]
    for share in found.state_share:
        assert min(np.abs(share - mean).max() for mean in means) < 1e-5


def test_cracks_have_no_state() -> None:
    output = with_states(np.random.default_rng(1), plane(8, 8))
    output[0, 2:6, 2:6] = 0.9
    found = decode_pixels(output, (16, 16), KINDS, [RULE, RULE])
    assert found.state_share is not None
    assert np.isnan(found.state_share).all()


def rusty_output() -> Plane:
    """Two patches of rust: the left one fair, the right one severe."""
    corrosion = plane(16, 16)
    corrosion[4:9, 2:6] = corrosion[4:9, 10:14] = 0.9
    output = with_states(np.random.default_rng(1), corrosion)
    output[2:] = 0.05
    output[2, :, :8] = output[4, :, 8:] = 0.9
    return framed_planes(output, (31, 30))


def framed_planes(planes: Plane, shape_px: tuple[int, int]) -> Plane:
    """What a network gives for a small picture: its planes with a margin that says nothing."""
    top, left = (margin_px(side) // 2 for side in shape_px)
    return np.pad(planes, ((0, 0), (top, top), (left, left)))


def test_states_of_pixels_agree_with_the_detections() -> None:
    decoder, output = PixelDecoder(KINDS, [RULE, RULE]), rusty_output()
    states = decoder.states((output,), (31, 30))
    found = decoder.decode((output,), (31, 30))
    assert states is not None
    corroded = np.logical_or.reduce(whole_masks(found, (31, 30)))
    assert np.array_equal(states > 0, corroded)
    assert set(np.unique(states[:, :15]).tolist()) == {0, 1}
    assert set(np.unique(states[:, 15:]).tolist()) == {0, CONDITION_STATES.index("severe") + 1}
    assert found.state_share is not None
    assert sorted(found.state_share.argmax(axis=1).tolist()) == [0, 2]


def test_a_network_without_states_tells_none() -> None:
    assert PixelDecoder(KINDS, [RULE, RULE]).states((rusty_output()[:2],), (32, 32)) is None


# Borders


@given(st.integers(1, 700), st.integers(1, 70))
@settings(max_examples=40)
def test_a_small_tile_gets_its_mirror_image_around_it(height: int, width: int) -> None:
    tile = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    framed = PixelDecoder(KINDS, [RULE, RULE]).pad(tile)
    top, left = margin_px(height), margin_px(width)
    assert (framed.shape[0] % 32, framed.shape[1] % 32) == (0, 0)
    assert left == 64
    assert top % 2 == 0
    assert height + 2 * top <= max(640, height)
    assert np.array_equal(framed[top : top + height, left : left + width], tile)
    assert np.array_equal(framed[top : top + height, left - 1], tile[:, 0])
    assert np.array_equal(framed[top : top + height, left + width], tile[:, -1])


def test_a_full_tile_is_left_as_it_is() -> None:
    tile = np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8)
    assert np.array_equal(PixelDecoder(KINDS, [RULE, RULE]).pad(tile), tile)


@pytest.mark.parametrize("shape_px", [(31, 30), (125, 416), (530, 640), (640, 640)])
def test_the_margin_is_cut_off_again(shape_px: tuple[int, int]) -> None:
    tile = np.random.default_rng(0).integers(0, 256, (*shape_px, 3), dtype=np.uint8)
    framed = PixelDecoder(KINDS, [RULE, RULE]).pad(tile)
    planes = framed.transpose(2, 0, 1)[:, ::2, ::2].astype(np.float32)
    assert np.array_equal(without_margin(planes, shape_px), tile.transpose(2, 0, 1)[:, ::2, ::2])
