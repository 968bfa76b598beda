"""Calibration: scores say how often such an object is right, and thresholds weigh what is found against alarms."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("cv2", reason="training needs the train extra")

from tenken.detection.detect import KINDS
from tenken.detection.openvino_engine import OpenVinoEngine
from tenken.detection.pixel_segmentation import components_of
from tenken.detection.weights import find_weights
from tenken.errors import SettingsError
from tenken_training.calibrate import (
    CONNECT,
    LOWS,
    MOST_LOST,
    SMALLEST_PX,
    Calibration,
    Picture,
    Seen,
    choose,
    look_at,
)
from tenken_training.rasters import write_jpeg, write_png

CRACK = KINDS.index("crack")
SIDE = 64

Plane = npt.NDArray[np.float32]


def seen(
    crack: Plane, label: npt.NDArray[np.bool_] | None = None, *, unknown: bool = False, sound: bool = False
) -> Seen:
    """What a network says of cracks in one picture; nothing of corrosion."""
    probability = np.zeros((2, SIDE, SIDE), np.float16)
    probability[CRACK] = crack
    labels, left_out = np.zeros((2, SIDE, SIDE), bool), np.zeros((2, SIDE, SIDE), bool)
    if label is not None:
        labels[CRACK] = label
    left_out[CRACK] = unknown & ~labels[CRACK]
    return Seen(probability, labels, left_out, (sound, sound))


def line(probability: float, row: int = 20, length: int = 40) -> Plane:
    """A crack of two output pixels across the picture."""
    crack = np.zeros((SIDE, SIDE), np.float32)
    crack[row : row + 2, 10 : 10 + length] = probability
    return crack


def cracked(probability: float, length: int = 40) -> Seen:
    """A labelled crack that the network sees so surely."""
    return seen(line(probability, length=length), line(1, length=length) > 0)


def sound(probability: float) -> Seen:
    """A picture without defects in which the network sees a crack."""
    return seen(line(probability, row=40), sound=True)


def mixed() -> list[Seen]:
    """Sure cracks that are right, faint ones of which half are, and alarms that are fainter than most cracks."""
    rng = np.random.default_rng(5)
    return [
        *(cracked(value) for value in rng.uniform(0.75, 0.97, 30)),
        *(cracked(value) for value in rng.uniform(0.6, 0.75, 8)),
        *(sound(value) for value in rng.uniform(0.55, 0.8, 12)),
        *(seen(line(0), sound=True) for _ in range(40)),
    ]


def score_of(calibration: Calibration, crack: Plane) -> float:
    rule = calibration.rule
    return float(components_of(crack, rule.connect, rule.low).score(rule.calibration)[0])


def test_surer_objects_get_higher_scores() -> None:
    chosen = choose(CRACK, "crack", mixed())
    scores = [score_of(chosen, line(probability)) for probability in (0.65, 0.75, 0.85, 0.95)]
    assert scores == sorted(scores)
    assert scores[-1] > 0.9
    assert scores[0] < 0.7


def test_scores_are_right_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    probabilities = rng.uniform(0.62, 0.98, 400)
    right = rng.random(400) < (probabilities - 0.6) / 0.4
    pictures = [cracked(p) if true else sound(p) for p, true in zip(probabilities, right, strict=True)]
    chosen = choose(CRACK, "crack", pictures)
    scores = np.array([score_of(chosen, line(probability)) for probability in probabilities])
    for low, high in ((0.0, 0.33), (0.33, 0.67), (0.67, 1.0)):
        inside = (scores > low) & (scores <= high)
        assert scores[inside].mean() == pytest.approx(right[inside].mean(), abs=0.1)


def test_the_threshold_gives_up_some_cracks_for_fewer_alarms_but_not_many() -> None:
    pictures = mixed()
    quiet = choose(CRACK, "crack", pictures)
    alarms = [
        score_of(quiet, one.probability[CRACK].astype(np.float32))
        for one in pictures
        if one.sound[CRACK] and one.probability.any()
    ]
    cracks = [score_of(quiet, one.probability[CRACK].astype(np.float32)) for one in pictures if not one.sound[CRACK]]
    assert np.mean(np.array(alarms) > quiet.threshold) < 0.6
    assert np.mean(np.array(cracks) > quiet.threshold) > 1 - MOST_LOST - 0.05


@pytest.mark.parametrize(("pictures", "let_through"), [(13000, True), (6100, False), (60, False)])
def test_one_alarm_is_allowed_where_one_more_would_still_be_within_the_rate(pictures: int, let_through: bool) -> None:
    # A picture of 64 output pixels each way has 0.0164 megapixels: 13000 have 213, 6100 have 100, 60 have 1.
    cracks = [cracked(value) for value in np.linspace(0.64, 0.97, 200)]
    faint = [seen(line(0.62)), seen(line(0.63))] * 20  # wrong, beside real defects: faint objects score low
    sure = sound(0.66)
    chosen = choose(CRACK, "crack", [*cracks, *faint, sure, *[seen(line(0), sound=True)] * pictures])
    assert (score_of(chosen, line(0.66)) > chosen.threshold) is let_through


def test_a_photo_of_rust_is_sound_where_cracks_are_counted(tmp_path: Path) -> None:
    write_jpeg(tmp_path / "rust.jpg", np.full((64, 64, 3), 120, np.uint8))
    write_png(tmp_path / "states.png", np.full((64, 64), 2, np.uint8))
    engine = OpenVinoEngine(find_weights("crack-corrosion").path, precision="f32")
    looked = look_at(engine, Picture(tmp_path / "rust.jpg", "corrosion", 1.0, tmp_path / "states.png"))
    assert looked.sound == (True, False)
    assert look_at(engine, Picture(tmp_path / "rust.jpg", "surface", 1.0)).sound == (True, True)


def test_without_alarms_everything_right_is_kept() -> None:
    pictures = [cracked(value) for value in np.linspace(0.65, 0.97, 30)] + [seen(line(0), sound=True)] * 10
    chosen = choose(CRACK, "crack", pictures)
    assert all(score_of(chosen, one.probability[CRACK].astype(np.float32)) > chosen.threshold for one in pictures[:30])


def test_where_nothing_is_known_an_object_counts_neither_way() -> None:
    known = choose(CRACK, "crack", mixed())
    claims = [seen(line(probability, row=50), unknown=True) for probability in (0.6, 0.8, 0.97) * 10]
    with_claims = choose(CRACK, "crack", mixed() + claims)
    assert with_claims.rule == known.rule
    assert with_claims.threshold == known.threshold


def test_the_pixel_limit_is_the_highest_whose_masks_fit_the_labels() -> None:
    halo = line(0.9)
    halo[18:24, 10:50] = np.maximum(halo[18:24, 10:50], 0.45)
    chosen = choose(CRACK, "crack", [seen(halo, line(1) > 0)] * 5 + [sound(0.7)] * 2)
    assert chosen.rule.low == max(limit for limit in LOWS if 0.45 < limit < 0.9)
    assert chosen.rule.connect == pytest.approx(chosen.rule.low * CONNECT)
    assert chosen.rule.smallest_px == SMALLEST_PX["crack"]


def test_a_network_that_finds_nothing_is_not_calibrated() -> None:
    with pytest.raises(SettingsError, match="more epochs"):
        choose(CRACK, "crack", [seen(line(0.1), line(1) > 0)] * 3)


def test_thresholds_stay_where_a_person_can_move_them() -> None:
    for pictures in ([cracked(0.99)] * 20 + [sound(0.6)] * 20, [cracked(0.65)] * 3 + [sound(0.9)] * 20):
        assert 0.05 <= choose(CRACK, "crack", pictures).threshold <= 0.95
