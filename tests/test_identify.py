"""Sightings of one defect become one record; two defects stay two; nothing hangs on the order."""

from dataclasses import replace
from itertools import permutations
from random import Random

import numpy as np
import pytest
from shapely import LineString, MultiLineString, MultiPolygon, affinity, box

from tenken.identity.identify import identify
from tenken.identity.marks import View
from tenken.measurement.condition import StateShare
from tenken.measurement.measure import Sighting

GSD_MM = 1.0


def sighting(
    photo: str, line: LineString, *, kind: str = "crack", score: float = 0.8, gsd_mm: float = GSD_MM, name: str = ""
) -> Sighting:
    outline = MultiPolygon([line.buffer(0.002)])
    return Sighting(
        sighting_id=name or f"{photo}-{line.centroid.x:.3f}-{line.centroid.y:.3f}",
        photo=photo,
        photo_sha256=photo * 8,
        kind=kind,
        score=score,
        outline_px=outline,
        centreline_px=None,
        length_px=None,
        width_px=None,
        gsd_mm=gsd_mm,
        outline_m=outline,
        centreline_m=MultiLineString([line]) if kind == "crack" else None,
        length_m=line.length if kind == "crack" else None,
        area_m2=outline.area,
        width_mm=4.0,
        width_low_mm=3.5,
        width_high_mm=4.5,
        width_status="measured",
        position_error_m=0.02,
    )


def view(photo: str, left: float, right: float, *, error_m: float = 0.02, gsd_mm: float = GSD_MM) -> View:
    return View(photo, box(left, 0, right, 2), gsd_mm, error_m)


def wandering(left: float, right: float, y: float, seed: int = 0) -> LineString:
    rng = np.random.default_rng(seed)
    x = np.linspace(left, right, 40)
    return LineString(np.column_stack([x, y + np.cumsum(rng.normal(0, 0.01, 40))]))


VIEWS = {"a": view("a", 0, 3), "b": view("b", 1, 4), "c": view("c", 2, 5)}


def test_one_crack_in_three_photos_is_one_defect() -> None:
    crack = wandering(2.1, 2.9, 1)
    shifted = [affinity.translate(crack, dx, dy) for dx, dy in ((0, 0), (0.03, -0.02), (-0.02, 0.03))]
    (defect,) = identify([sighting(p, line) for p, line in zip("abc", shifted, strict=True)], VIEWS)
    assert len(defect.sightings) == 3
    assert defect.length_m == pytest.approx(crack.length)
    assert defect.unseen_in == ()


def test_parallel_cracks_closer_than_the_position_error_stay_two() -> None:
    first, second = wandering(2.1, 2.9, 1, seed=1), wandering(2.1, 2.9, 1.04, seed=2)
    moved = [affinity.translate(line, 0.03, 0.03) for line in (first, second)]
    found = identify(
        [sighting("a", first), sighting("a", second), sighting("b", moved[0]), sighting("b", moved[1])], VIEWS
    )
    assert sorted(len(defect.sightings) for defect in found) == [2, 2]


def test_views_of_a_long_crack_are_one_line_and_not_a_sum() -> None:
    crack = LineString([(0.5, 0.8), (4.5, 1.2)])
    parts = [LineString(crack.intersection(VIEWS[photo].footprint).coords) for photo in "abc"]
    found = identify([sighting(p, line) for p, line in zip("abc", parts, strict=True)], VIEWS)
    assert len(found) == 1
    assert found[0].length_m == pytest.approx(crack.length, rel=0.01)


def test_kinds_are_not_mixed() -> None:
    crack = wandering(2.1, 2.9, 1)
    assert len(identify([sighting("a", crack), sighting("b", crack, kind="corrosion")], VIEWS)) == 2


def test_a_photo_that_shows_the_place_and_not_the_crack_counts_against_it() -> None:
    crack = wandering(2.1, 2.9, 1)
    (defect,) = identify([sighting("a", crack), sighting("b", crack)], VIEWS)
    assert defect.unseen_in == ("c",)
    assert defect.score == pytest.approx(0.8 * 2 / 3)


def test_a_coarse_or_unusable_photo_does_not_count_against_it() -> None:
    crack = wandering(2.1, 2.9, 1)
    views = {**VIEWS, "b": view("b", 1, 4, gsd_mm=5.0), "c": replace(VIEWS["c"], usable=False)}
    (defect,) = identify([sighting("a", crack)], views)
    assert defect.unseen_in == ()


def test_the_finest_photo_comes_first() -> None:
    crack = wandering(2.1, 2.9, 1)
    (defect,) = identify([sighting("a", crack, gsd_mm=2.0), sighting("b", crack, gsd_mm=1.0)], VIEWS)
    assert [one.photo for one in defect.sightings] == ["b", "a"]
    assert defect.gsd_mm == 1.0


def test_a_sighting_without_a_place_is_a_defect_of_its_own() -> None:
    crack = wandering(2.1, 2.9, 1)
    unplaced = replace(sighting("z", crack), outline_m=None, centreline_m=None, length_m=None, gsd_mm=None)
    (defect,) = identify([unplaced], {})
    assert defect.outline_m is None
    assert defect.length_m is None


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_photos_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(7)
    truth = [wandering(x, x + 0.5, y, seed=int(10 * x + 100 * y)) for x in (1.2, 2.1, 3.2) for y in (0.4, 1.0, 1.6)]
    shift = {photo: rng.normal(0, 0.01, 2) for photo in VIEWS}
    sightings = [
        sighting(photo, affinity.translate(line, *shift[photo]))
        for photo, place in VIEWS.items()
        for line in truth
        if place.footprint.contains(line)
    ]
    shuffled = sightings.copy()
    Random(seed).shuffle(shuffled)  # noqa: S311 - a shuffle, no secret
    assert identify(shuffled, VIEWS) == identify(sightings, VIEWS)
    assert len(identify(sightings, VIEWS)) == 9


def rust(photo: str, area_m2: float, share: StateShare | None) -> Sighting:
    return replace(
        sighting(photo, LineString([(2.1, 1), (2.9, 1)]), kind="corrosion"), area_m2=area_m2, state_share=share
    )


def test_the_condition_of_rust_is_the_mean_over_the_photos_that_tell_by_their_area() -> None:
    told = [rust("a", 3.0, StateShare(1, 0, 0)), rust("b", 1.0, StateShare(0, 0.2, 0.8)), rust("c", 9.0, None)]
    (defect,) = identify(told, VIEWS)
    assert defect.state_share == pytest.approx((0.75, 0.05, 0.2))
    assert (defect.condition_state, defect.condition_state_score) == ("fair", 0.75)


def test_the_order_of_photos_does_not_touch_the_condition() -> None:
    told = [
        rust("a", 0.1, StateShare(0.1, 0.2, 0.7)),
        rust("b", 0.7, StateShare(0.3, 0.3, 0.4)),
        rust("c", 1e-9, StateShare(1 / 3, 1 / 3, 1 / 3)),
    ]
    (first,) = identify(told, VIEWS)
    assert first.condition_state == "severe"
    for order in permutations(told):
        assert identify(order, VIEWS) == (first,)


def test_without_a_place_the_condition_is_that_of_the_only_photo() -> None:
    unplaced = replace(rust("z", 1.0, StateShare(0.1, 0.6, 0.3)), outline_m=None, area_m2=None, gsd_mm=None)
    (defect,) = identify([unplaced], {})
    assert (defect.condition_state, defect.condition_state_score) == ("poor", 0.6)


def test_a_condition_that_no_photo_tells_is_not_known() -> None:
    (defect,) = identify([rust("a", 1.0, None), rust("b", 2.0, None)], VIEWS)
    assert (defect.state_share, defect.condition_state, defect.condition_state_score) == (None, None, None)


def test_nothing_in_nothing_out() -> None:
    assert identify([], {}) == ()
