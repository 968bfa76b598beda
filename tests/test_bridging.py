"""Gaps in one crack are bridged where direction and distance agree; neighbours are never joined."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, affinity

from drawn import draw_cracks, perfect_detector
from drawn_cracks import draw_mask, parallel_cracks, ragged, traced_cracks, wandering_crack, with_gaps
from tenken import find_defects
from tenken.measurement.bridging import find_bridges
from tenken.measurement.crack_ends import TracedCrack
from tenken.running.defect_json import defect_from_json, defect_to_json

WIDTH_PX = 5


def cracks(*lines: list[tuple[float, float]]) -> list[TracedCrack]:
    return [TracedCrack(MultiLineString([line]), WIDTH_PX) for line in lines]


def pairs(found: list[TracedCrack]) -> set[tuple[int, int]]:
    bridges = find_bridges(found)
    return {(min(one.first, one.second), max(one.first, one.second)) for one in bridges}


def test_ends_that_point_at_each_other_are_bridged() -> None:
    (bridge,) = find_bridges(cracks([(0, 0), (100, 0)], [(130, 0), (230, 0)]))
    assert sorted(bridge.line.coords) == [(100, 0), (130, 0)]
    assert not bridge.into_side


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("in line, but far apart", [(180, 0), (300, 0)]),
        ("beside each other, their ends staggered", [(120, 30), (250, 30)]),
        ("beside each other, overlapping", [(60, 30), (200, 30)]),
        ("near, but turning away", [(110, 5), (110, 120)]),
        ("near, but too short to have a direction", [(120, 0), (125, 0)]),
    ],
)
def test_other_ends_are_not(name: str, second: list[tuple[float, float]]) -> None:
    assert pairs(cracks([(0, 0), (100, 0)], second)) == set(), name


def test_cracks_of_very_different_width_are_two() -> None:
    thin, thick = cracks([(0, 0), (100, 0)], [(110, 0), (230, 0)])
    assert pairs([thin, TracedCrack(thick.lines, 4 * WIDTH_PX)]) == set()


def test_an_end_goes_to_its_best_partner_alone() -> None:
    found = cracks([(0, 0), (100, 0)], [(115, 0), (230, 0)], [(118, 6), (230, 40)])
    assert pairs(found) == {(0, 1)}


def test_no_bridge_crosses_another_crack() -> None:
    across = [(112.0, -60.0), (118.0, 60.0)]
    assert pairs(cracks([(0, 0), (100, 0)], [(130, 0), (230, 0)], across)) == set()


@pytest.mark.parametrize(("gap_px", "joined"), [(1, True), (4, False), (20, False)])
def test_an_end_that_all_but_touches_anothers_side_is_led_into_it(gap_px: float, joined: bool) -> None:
    image = draw_cracks(
        [LineString([(20, 200), (480, 200)]), LineString([(250, 203 + gap_px), (330, 380)])], WIDTH_PX, (500, 400)
    )
    found = find_defects(image, perfect_detector)
    if not joined:
        assert len(found) == 2
        return
    (defect,) = found
    assert (defect.ends, defect.junctions, defect.pattern) == (3, 1, "branched")


def test_a_bridged_crack_is_one_defect_that_tells_what_was_inferred() -> None:
    seen = [LineString([(20, 100), (200, 120)]), LineString([(230, 123.3), (480, 151)])]
    image = draw_cracks(seen, WIDTH_PX, (500, 300))
    (defect,) = find_defects(image, perfect_detector, tile_px=200)
    assert defect.inferred_px is not None
    assert defect.centreline_px is not None
    assert defect.inferred_px.length == pytest.approx(30, abs=4)
    assert defect.length_px == pytest.approx(LineString([(20, 100), (480, 151)]).length, rel=0.01)
    assert defect.centreline_px.covers(defect.inferred_px)
    assert len(defect.outline_px.geoms) == 2
    assert defect.outline_px.intersection(defect.inferred_px.interpolate(0.5, normalized=True)).is_empty
    assert defect.area_px == pytest.approx(sum(line.length for line in seen) * WIDTH_PX, rel=0.03)
    assert (defect.ends, defect.junctions, defect.loops, defect.pattern) == (2, 0, 0, "line")


def test_the_journal_keeps_what_was_inferred_and_how_a_crack_branches() -> None:
    image = draw_cracks([LineString([(20, 100), (200, 120)]), LineString([(230, 123.3), (480, 151)])], 5, (500, 300))
    (defect,) = find_defects(image, perfect_detector)
    back = defect_from_json(json.loads(json.dumps(defect_to_json(defect))))
    assert defect.inferred_px is not None
    assert back.inferred_px is not None
    assert back.inferred_px.equals_exact(defect.inferred_px, 0.01)
    assert (back.ends, back.junctions, back.loops, back.pattern) == (2, 0, 0, "line")


def test_a_crack_without_gaps_has_nothing_inferred() -> None:
    (defect,) = find_defects(draw_cracks([LineString([(20, 100), (400, 120)])], 5, (500, 300)), perfect_detector)
    assert defect.inferred_px is None


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), wander=st.booleans(), width_px=st.sampled_from([3, 5, 8]))
def test_cracks_30_px_apart_are_never_joined(seed: int, wander: bool, width_px: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [affinity.translate(line, 260, 260) for line in parallel_cracks(rng, 2, 30, 320, wander=wander)]
    seen = [with_gaps(rng, line, rng.uniform(2, 90), 1, 40)[0] for line in lines]
    # One piece of each: they overlap, or one ends where the other begins.
    pieces = [side[int(rng.integers(len(side)))] for side in seen]
    assert find_bridges(traced_cracks(ragged(rng, draw_mask(pieces, width_px, (520, 520))))) == []


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), gap_px=st.floats(2, 12))
def test_small_gaps_in_straight_cracks_are_bridged(seed: int, gap_px: float) -> None:
    rng = np.random.default_rng(seed)
    line = affinity.rotate(LineString([(40, 200), (360, 200)]), rng.uniform(0, 180))
    seen, taken = with_gaps(rng, line, gap_px, 2, 40)
    found = traced_cracks(ragged(rng, draw_mask(seen, WIDTH_PX, (400, 400))))
    assert len(taken) == 2
    # Ragged masks close the smallest gaps by themselves.
    assert len(pairs(found)) == len(found) - 1


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), order=st.randoms(use_true_random=False))
def test_bridges_do_not_depend_on_the_order_of_cracks(seed: int, order: random.Random) -> None:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(4):
        line = wandering_crack(rng, rng.uniform(0, 400, 2), rng.uniform(0, 360), 300)
        found += [TracedCrack(MultiLineString([piece]), WIDTH_PX) for piece in with_gaps(rng, line, 8, 3, 20)[0]]
    lines = [bridge.line.normalize().wkt for bridge in find_bridges(found)]
    assert lines
    order.shuffle(found)
    assert [bridge.line.normalize().wkt for bridge in find_bridges(found)] == lines
