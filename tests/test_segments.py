"""Segments: stations of assets, cells without assets, and which one a defect belongs to."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, MultiPolygon, Polygon
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry

from tenken.errors import SettingsError
from tenken.structure.assets import Asset
from tenken.structure.segments import Segment, assign, cuts_m, make_segments, station_name

NOWHERE = Polygon()
EAST_M, NORTH_M = 24730.0, -43533.0


def asset(geometry: Polygon | MultiPolygon | LineString | MultiLineString, width_m: float | None = None) -> Asset:
    if isinstance(geometry, Polygon):
        geometry = MultiPolygon([geometry])
    if isinstance(geometry, LineString):
        geometry = MultiLineString([geometry])
    return Asset("B1", "千鳥橋", "RC", "deck", geometry, width_m, {"占用物件": "ガス"})


def segment(segment_id: str, area: Polygon) -> Segment:
    return Segment(segment_id, None, segment_id, None, MultiPolygon([area]), {})


@pytest.mark.parametrize(
    ("length_m", "cuts"),
    [
        (9.0, [0, 9]),
        (10.0, [0, 10]),
        (12.4, [0, 12.4]),
        (12.5, [0, 10, 12.5]),
        (30.0, [0, 10, 20, 30]),
        (32.0, [0, 10, 20, 32]),
        (35.0, [0, 10, 20, 30, 35]),
    ],
)
def test_a_short_rest_joins_the_station_before(length_m: float, cuts: list[float]) -> None:
    assert cuts_m(length_m, 10.0) == cuts


@pytest.mark.parametrize(("chainage_m", "name"), [(0, "No.0+0"), (10, "No.0+10"), (20, "No.1+0"), (137.5, "No.6+17.5")])
def test_stations_are_named_as_surveyors_do(chainage_m: float, name: str) -> None:
    assert station_name(chainage_m) == name


def test_a_short_polygon_is_one_segment_with_all_that_the_asset_says() -> None:
    (only,) = make_segments([asset(shapely.box(0, 0, 8, 4))], NOWHERE)
    assert (only.segment_id, only.asset_id, only.name) == ("B1", "B1", "千鳥橋")
    assert (only.material, only.element, only.importance) == ("RC", "deck", {"占用物件": "ガス"})


def test_a_long_polygon_is_cut_across_its_long_axis_from_the_west() -> None:
    pieces = make_segments([asset(shapely.box(0, 0, 32, 6))], NOWHERE)
    assert [piece.segment_id for piece in pieces] == ["B1@00000.0", "B1@00010.0", "B1@00020.0"]
    assert [piece.name for piece in pieces] == [
        "千鳥橋 No.0+0 (0-10 m)", "千鳥橋 No.0+10 (10-20 m)", "千鳥橋 No.1+0 (20-32 m)"
    ]  # fmt: skip
    assert [tuple(round(edge) for edge in piece.geometry.bounds) for piece in pieces] == [
        (0, 0, 10, 6), (10, 0, 20, 6), (20, 0, 32, 6)
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    angle_deg=st.floats(-180, 180),
    length_m=st.floats(5, 90),
    width_m=st.floats(1, 4.9),
    segment_length_m=st.floats(4, 25),
)
def test_stations_fill_a_polygon_once_wherever_it_points(
    angle_deg: float, length_m: float, width_m: float, segment_length_m: float
) -> None:
    area = translate(rotate(shapely.box(0, 0, length_m, width_m), angle_deg), EAST_M, NORTH_M)
    pieces = make_segments([asset(area)], NOWHERE, segment_length_m=segment_length_m)
    areas = [piece.geometry.area for piece in pieces]
    assert sum(areas) == pytest.approx(area.area, rel=1e-6)
    assert shapely.union_all([piece.geometry for piece in pieces]).area == pytest.approx(area.area, rel=1e-6)
    assert max(areas) <= 1.25 * segment_length_m * width_m * (1 + 1e-6)
    assert len({piece.segment_id for piece in pieces}) == len(pieces)


def test_a_polygon_with_a_gap_keeps_both_parts() -> None:
    spans = MultiPolygon([shapely.box(0, 0, 10, 4), shapely.box(20, 0, 30, 4)])
    pieces = make_segments([asset(spans)], NOWHERE)
    assert [piece.segment_id for piece in pieces] == ["B1@00000.0", "B1@00020.0"]


def test_lines_become_bands_of_their_width_cut_by_chainage() -> None:
    pieces = make_segments([asset(LineString([(100, 0), (100, 25)]), width_m=8.0)], NOWHERE)
    assert [piece.name for piece in pieces] == [
        "千鳥橋 No.0+0 (0-10 m)", "千鳥橋 No.0+10 (10-20 m)", "千鳥橋 No.1+0 (20-25 m)"
    ]  # fmt: skip
    assert [piece.geometry.bounds for piece in pieces] == [
        (96, 0, 104, 10), (96, 10, 104, 20), (96, 20, 104, 25)
    ]  # fmt: skip


def test_a_line_without_width_is_five_metres_wide() -> None:
    (only,) = make_segments([asset(LineString([(0, 0), (10, 0)]))], NOWHERE)
    assert only.geometry.area == pytest.approx(50)


@settings(max_examples=40, deadline=None)
@given(turn_deg=st.floats(-80, 80), first_m=st.floats(8, 32))
def test_bands_of_a_bent_line_leave_no_gap_and_do_not_overlap(turn_deg: float, first_m: float) -> None:
    turn = math.radians(turn_deg)
    line = LineString([(0, 0), (first_m, 0), (first_m + 25 * math.cos(turn), 25 * math.sin(turn))])
    pieces = make_segments([asset(line, width_m=6.0)], NOWHERE)
    band = line.buffer(3.0, cap_style="flat", join_style="mitre")
    assert sum(piece.geometry.area for piece in pieces) == pytest.approx(band.area, abs=0.1)
    assert shapely.union_all([piece.geometry for piece in pieces]).area == pytest.approx(band.area, abs=0.1)


def test_parts_of_a_line_that_meet_count_on() -> None:
    line = MultiLineString([[(0, 0), (15, 0)], [(15, 0), (30, 0)]])
    assert len(make_segments([asset(line)], NOWHERE)) == 3


def test_without_assets_cells_lie_at_whole_multiples_and_cover_the_photos() -> None:
    shown = shapely.box(12, -3, 27, 8)
    cells = make_segments([], shown)
    assert sorted(cell.segment_id for cell in cells) == [
        "cell10_1_-1", "cell10_1_0", "cell10_2_-1", "cell10_2_0"
    ]  # fmt: skip
    assert all(edge % 10 == 0 for cell in cells for edge in cell.geometry.bounds)
    assert shapely.union_all([cell.geometry for cell in cells]).covers(shown)


def test_cells_that_the_photos_only_touch_are_left_out() -> None:
    assert len(make_segments([], shapely.box(10, 0, 20, 10))) == 1


@settings(max_examples=25, deadline=None)
@given(east_m=st.floats(-300, 300), north_m=st.floats(-300, 300))
def test_a_second_flight_over_the_same_ground_gets_the_same_cells(east_m: float, north_m: float) -> None:
    here = shapely.box(0, 0, 35, 35)
    there = shapely.box(east_m, north_m, east_m + 35, north_m + 35)
    alone = {cell.segment_id: cell.geometry for cell in make_segments([], here)}
    together = {cell.segment_id: cell.geometry for cell in make_segments([], shapely.union(here, there))}
    assert all(together[segment_id].equals(cell) for segment_id, cell in alone.items())


def test_photos_without_a_place_give_no_cells() -> None:
    assert make_segments([], NOWHERE) == ()


@pytest.mark.parametrize("length_m", [0.0, -1.0, math.nan])
def test_a_segment_length_must_be_positive(length_m: float) -> None:
    with pytest.raises(SettingsError, match="above 0"):
        make_segments([], shapely.box(0, 0, 1, 1), segment_length_m=length_m)


def test_too_many_cells_are_refused_before_they_are_made() -> None:
    with pytest.raises(SettingsError, match="give an assets file"):
        make_segments([], shapely.box(0, 0, 100_000, 100_000))


WEST, EAST = segment("west", shapely.box(0, 0, 10, 10)), segment("east", shapely.box(10, 0, 20, 10))


@pytest.mark.parametrize(
    ("geometry", "segment_id"),
    [
        (LineString([(8, 5), (14, 5)]), "east"),
        (shapely.box(4, 4, 11, 6), "west"),
        (LineString([(9, 5), (11, 5)]), "east"),
        (LineString([(10, 2), (10, 8)]), "east"),
        (shapely.box(30, 0, 31, 1), None),
        (None, None),
        (MultiPolygon(), None),
    ],
    ids=["longer part", "larger part", "tie", "on the border", "outside", "no place", "empty"],
)
def test_a_defect_belongs_where_most_of_it_lies_and_ties_go_to_the_smaller_id(
    geometry: BaseGeometry | None, segment_id: str | None
) -> None:
    assert assign([geometry], [WEST, EAST]) == [segment_id]
    assert assign([geometry], [EAST, WEST]) == [segment_id]


def test_without_defects_or_segments_nothing_is_assigned() -> None:
    assert assign([], [WEST]) == []
    assert assign([shapely.box(0, 0, 1, 1)], []) == [None]


def test_the_order_of_segments_does_not_matter() -> None:
    cells = list(make_segments([], shapely.box(0, 0, 60, 60)))
    chance = np.random.default_rng(3)
    lines = [LineString(ends) for ends in chance.uniform(0, 60, (100, 2, 2))]
    places = assign(lines, cells)
    assert assign(lines, cells[::-1]) == places
    assert None not in places
