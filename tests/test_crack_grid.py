"""Cracked share of the road's 0.5 m grid: as counted on the sheet in the field, and never less for more cracks."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, MultiPolygon

from tenken.assessment.crack_grid import crack_ratio_pct
from tenken.assessment.standards import Grid

GRID = Grid(cell_m=0.5, one_crack_pct=60, several_cracks_pct=100)
LANE = MultiPolygon([shapely.box(0, 0, 20, 3)])
"""20 m of a 3 m lane: 240 cells."""
CELL_PCT = 100 / 240


def line(*points: tuple[float, float]) -> LineString:
    return LineString(points)


def ratio(*cracks: LineString | MultiLineString, seen: MultiPolygon = LANE) -> tuple[float, float]:
    given_pct = crack_ratio_pct(cracks, seen, LANE, GRID)
    assert given_pct is not None
    return given_pct


def test_a_sound_lane_has_no_cracked_share() -> None:
    assert ratio() == (0.0, 0.0)


def test_one_crack_through_a_cell_counts_three_fifths_of_it() -> None:
    # Wherever the sheet lies, this one crosses 40 cells; 40 cells of 240 at 60 % are 10 %.
    assert ratio(line((0, 1.3), (20, 1.3))) == pytest.approx((10.0, 10.0))


def test_two_cracks_in_a_cell_count_it_whole() -> None:
    pair = line((0, 1.3), (20, 1.3)), line((0, 1.4), (20, 1.4))
    assert ratio(*pair) == pytest.approx((40 * CELL_PCT, 40 * CELL_PCT), abs=1e-3)


def test_cracks_in_different_rows_of_cells_count_each_for_itself() -> None:
    assert ratio(line((0, 0.6), (20, 0.6)), line((0, 2.1), (20, 2.1))) == pytest.approx((20.0, 20.0))


def test_a_net_of_one_connected_crack_counts_as_several() -> None:
    net = MultiLineString([[(5.1, 1.1), (5.4, 1.1)], [(5.25, 1.05), (5.25, 1.45)], [(5.1, 1.4), (5.4, 1.4)]])
    least_pct, _ = ratio(net)
    assert least_pct == pytest.approx(CELL_PCT, abs=1e-3)


def test_a_straight_crack_from_corner_to_corner_is_one() -> None:
    least_pct, most_pct = ratio(line((5.0, 1.0), (5.5, 1.5)))
    assert most_pct == pytest.approx(2 * 0.6 * CELL_PCT, abs=1e-3)
    assert least_pct == pytest.approx(0.6 * CELL_PCT, abs=1e-3)


def test_where_the_sheet_lies_gives_a_range() -> None:
    # Along an edge of the sheet a wandering crack lies in two rows of cells, half a cell further in one.
    wander = line(*((0.25 * i, 1.5 + (0.1 if i % 2 else -0.1)) for i in range(81)))
    least_pct, most_pct = ratio(wander)
    assert least_pct == pytest.approx(10.0)
    assert most_pct == pytest.approx(20.0)


def test_a_corner_that_is_cut_is_no_crack_in_the_cell() -> None:
    assert ratio(line((5.0, 1.02), (5.02, 1.0)))[1] == 0.0


def test_only_what_was_seen_counts() -> None:
    half = MultiPolygon([shapely.box(0, 0, 10, 3)])
    crack = line((0, 1.3), (20, 1.3))
    assert ratio(crack, seen=half) == pytest.approx((10.0, 10.0))
    assert crack_ratio_pct([crack], MultiPolygon(), LANE, GRID) is None


@settings(max_examples=60)
@given(angle_deg=st.floats(-180, 180), east_m=st.floats(-1e5, 1e5))
def test_the_grid_lies_along_the_road_wherever_it_leads(angle_deg: float, east_m: float) -> None:
    turn = [math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))]

    def laid(xy_m: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(xy_m @ np.array([turn, [-turn[1], turn[0]]]) + (east_m, -43533.0))

    cracks = [line((0, 1.3), (20, 1.31)), line((3, 0.2), (9, 2.7))]
    road = shapely.transform(LANE, laid)
    there = crack_ratio_pct([shapely.transform(crack, laid) for crack in cracks], road, road, GRID)
    assert there == pytest.approx(ratio(*cracks), abs=0.5)


points = st.tuples(st.floats(0, 20), st.floats(0, 3))
cracks_of_a_lane = st.lists(
    st.lists(points, min_size=2, max_size=5, unique=True).map(LineString), min_size=0, max_size=6
)


@settings(max_examples=80)
@given(cracks=cracks_of_a_lane, more=st.lists(points, min_size=2, max_size=4, unique=True), grown=st.integers(0, 5))
def test_more_or_longer_cracks_never_lessen_the_share(
    cracks: list[LineString], more: list[tuple[float, float]], grown: int
) -> None:
    before = ratio(*cracks)
    added = ratio(*cracks, LineString(more))
    assert added[0] >= before[0]
    assert added[1] >= before[1]
    if cracks:
        which = grown % len(cracks)
        longer = LineString([*cracks[which].coords, more[0]])
        after = ratio(*[longer if i == which else crack for i, crack in enumerate(cracks)])
        assert after[0] >= before[0]
        assert after[1] >= before[1]


def test_many_cracks_take_memory_and_time_in_proportion() -> None:
    generator = np.random.default_rng(3)
    starts = generator.uniform((0, 0), (1000, 8), (4000, 2))
    cracks = [line(tuple(start), tuple(start + generator.uniform(-2, 2, 2))) for start in starts]
    road = MultiPolygon([shapely.box(0, 0, 1000, 8)])
    given_pct = crack_ratio_pct(cracks, road, road, GRID)
    assert given_pct is not None
    assert 0 < given_pct[0] <= given_pct[1] < 100
    assert math.isfinite(given_pct[1])
