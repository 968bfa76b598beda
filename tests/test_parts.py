"""A defect that runs through several segments counts in each with what lies there."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from shapely import MultiLineString, MultiPolygon

from tenken.assessment.findings import assess
from tenken.assessment.parts import LEAST_LENGTH_M, parts_by_segment
from tenken.identity.identify import Defect
from tenken.measurement.measure import Sighting
from tenken.measurement.surface_widths import PlacedReadings
from tenken.measurement.width_statistics import Estimate
from tenken.structure.coverage import View
from tenken.structure.segments import Segment, assign

EMPTY: dict[str, Any] = dict.fromkeys(Defect.__dataclass_fields__)
NOTHING: dict[str, Any] = dict.fromkeys(Sighting.__dataclass_fields__)


def cell(name: str, west_m: float, east_m: float) -> Segment:
    return Segment(name, None, name, "RC", MultiPolygon([shapely.box(west_m, 0, east_m, 10)]), {})


THREE = (cell("a", 0, 10), cell("b", 10, 20), cell("c", 20, 30))


def crack(line: Sequence[tuple[float, float]], length_m: float | None = None, *, sightings: Any = ()) -> Defect:
    shape = MultiLineString([line])
    return Defect(
        **EMPTY
        | {
            "id": "CR-1", "kind": "crack", "score": 0.9, "sightings": sightings, "unseen_in": (),
            "centreline_m": shape, "outline_m": MultiPolygon([shape.buffer(0.01, cap_style="flat")]),
            "length_m": shape.length if length_m is None else length_m, "area_m2": 0.4, "gsd_mm": 0.1,
            "width_mm": 0.25, "width_low_mm": 0.22, "width_high_mm": 0.28, "width_status": "measured",
        }
    )  # fmt: skip


def rust(west_m: float, east_m: float) -> Defect:
    area = MultiPolygon([shapely.box(west_m, 4, east_m, 5)])
    return Defect(
        **EMPTY
        | {
            "id": "CO-1", "kind": "corrosion", "score": 0.9, "sightings": (), "unseen_in": (),
            "outline_m": area, "area_m2": area.area,
        }
    )  # fmt: skip


def read_in(width_at: list[tuple[float, float]]) -> Sighting:
    """A sighting with a reading every 5 mm; ``width_at`` are (x in metres, width in mm)."""
    x, width = np.array(width_at).T
    readings = PlacedReadings(
        xy_m=np.column_stack([x, np.full(len(x), 5.0)]),
        width_mm=width,
        error_mm=np.full(len(x), 0.005),
        shared_mm=0.005,
        scale_mm=0.05,
        typical=Estimate(float(np.median(width)), float(np.median(width)) - 0.02, float(np.median(width)) + 0.02),
        step_mm=5.0,
        is_measured=True,
        scale_off=0.0,
    )
    known = {
        "sighting_id": "s", "photo": "p.jpg", "kind": "crack", "score": 0.9, "gsd_mm": 0.1, "length_m": 1.0,
        "width_status": "measured", "width_mm": 0.2, "width_low_mm": 0.18, "width_high_mm": 0.22,
    }  # fmt: skip
    return Sighting(**NOTHING | known | {"readings": readings})


def cut(defect: Defect, segments: tuple[Segment, ...] = THREE) -> dict[str, Defect]:
    places = assign([defect.centreline_m or defect.outline_m], segments)
    found = parts_by_segment([defect], places, segments)
    return {segment_id: parts[0] for segment_id, parts in found.items()}


def test_a_crack_counts_in_each_segment_with_what_lies_there() -> None:
    parts = cut(crack([(7, 5), (22, 5)]))
    assert {name: part.length_m for name, part in parts.items()} == pytest.approx({"a": 3, "b": 10, "c": 2})
    assert all(part.id == "CR-1" for part in parts.values())
    for name, part in parts.items():
        assert part.centreline_m is not None
        assert part.centreline_m.length == pytest.approx(part.length_m), name


def test_a_length_on_a_sloped_surface_is_shared_out_as_it_lies_on_the_map() -> None:
    assert cut(crack([(5, 5), (25, 5)], length_m=24.0))["b"].length_m == pytest.approx(12.0)


def test_a_corroded_area_is_cut_at_the_border() -> None:
    parts = cut(rust(8, 11))
    assert {name: part.area_m2 for name, part in parts.items()} == pytest.approx({"a": 2, "b": 1})
    assert parts["b"].outline_m is not None
    assert parts["b"].outline_m.bounds == pytest.approx((10, 4, 11, 5))


def test_what_lies_in_one_segment_stays_as_it_is() -> None:
    inside = crack([(11, 5), (19, 5)])
    assert cut(inside) == {"b": inside}


def test_too_little_to_count_by_itself_counts_with_the_rest() -> None:
    just_over = crack([(8, 5), (10 + LEAST_LENGTH_M - 0.01, 5)])
    assert cut(just_over) == {"a": just_over}
    assert set(cut(crack([(8, 5), (10 + LEAST_LENGTH_M + 0.01, 5)]))) == {"a", "b"}


def test_what_lies_outside_of_all_segments_counts_with_the_rest() -> None:
    parts = cut(crack([(-4, 5), (14, 5)]))
    assert {name: part.length_m for name, part in parts.items()} == pytest.approx({"a": 14, "b": 4})


def test_where_segments_overlap_a_place_counts_once() -> None:
    over = (cell("deck", 0, 10), cell("pier", 4, 12))
    parts = cut(crack([(1, 5), (11, 5)]), over)
    assert {name: part.length_m for name, part in parts.items()} == pytest.approx({"deck": 9, "pier": 1})


@given(st.lists(st.tuples(st.integers(-5, 35), st.integers(-5, 15)), min_size=2, max_size=6, unique=True))
def test_the_parts_add_up_to_the_whole(points: list[tuple[int, int]]) -> None:
    whole = crack(points)
    parts = cut(whole)
    if parts:
        assert whole.length_m is not None
        assert math.fsum(part.length_m or 0 for part in parts.values()) == pytest.approx(whole.length_m, rel=1e-6)


def test_the_widest_place_counts_only_where_it_lies() -> None:
    widths = [(x, 0.35 if x > 12 else 0.15) for x in np.arange(8, 14, 0.005)]
    parts = cut(crack([(8, 5), (14, 5)], sightings=(read_in(widths),)))
    narrow, wide = parts["a"].width_largest, parts["b"].width_largest
    assert narrow is not None
    assert wide is not None
    assert narrow.width_mm is not None
    assert narrow.width_mm == pytest.approx(0.15, abs=0.03)
    assert wide.width_mm == pytest.approx(0.35, abs=0.03)


def test_a_part_too_narrow_for_a_number_has_only_an_interval() -> None:
    widths = [(x, 0.35 if x > 10 else 0.08) for x in np.arange(8, 14, 0.005)]
    part = cut(crack([(8, 5), (14, 5)], sightings=(read_in(widths),)))["a"]
    assert part.width_mm is None
    assert part.width_largest is not None
    assert part.width_largest.high_mm < 0.15


def test_without_readings_in_a_part_the_whole_cracks_width_stays() -> None:
    only_in_a = [(x, 0.2) for x in np.arange(8, 9.9, 0.005)]
    whole = crack([(8, 5), (14, 5)], sightings=(read_in(only_in_a),))
    parts = cut(whole)
    assert parts["b"].width_largest is None
    assert parts["b"].width_mm == whole.width_mm
    assert parts["a"].width_largest is not None


def test_segments_are_graded_and_ranked_by_their_parts() -> None:
    """The crack is wide in the west cell only: the east one, though it holds most of it, is graded by its own part."""
    widths = [(x, 0.35 if x < 10 else 0.15) for x in np.arange(8, 14, 0.005)]
    whole = crack([(8, 5), (14, 5)], sightings=(read_in(widths),))
    whole = replace(whole, width_largest=read_in(widths).readings.widths().largest)  # type: ignore[union-attr]
    views = [View("p.jpg", shapely.box(0, 0, 20, 10), 0.1, usable=True)]
    grades, findings = assess([whole], None, views, CRS.from_epsg(6677), lang="en", segment_length_m=10.0)
    west, east = sorted(findings, key=lambda one: one.segment.segment_id)
    assert grades["CR-1"].segment_id == east.segment.segment_id
    assert west.defect_ids == east.defect_ids == ("CR-1",)
    assert (west.crack_length_m, east.crack_length_m) == pytest.approx((2, 4))
    assert west.max_width_mm == pytest.approx(0.35, abs=0.03)
    assert east.max_width_mm == pytest.approx(0.15, abs=0.03)
    assert west.rank == 1
    assert max(west.grade_candidates) > max(east.grade_candidates)


def test_a_rejected_crack_counts_in_none_of_them() -> None:
    views = [View("p.jpg", shapely.box(0, 0, 20, 10), 0.1, usable=True)]
    _, findings = assess([crack([(8, 5), (14, 5)])], None, views, CRS.from_epsg(6677), rejected={"CR-1"})
    assert [finding.crack_length_m for finding in findings] == [0.0, 0.0]
