"""Coverage: what was seen well enough, and what was not."""

from itertools import pairwise

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon

from tenken.structure.coverage import View, cover, seen_areas, seen_fraction
from tenken.structure.segments import Segment

FIELD = Segment("B1", None, "B1", None, MultiPolygon([shapely.box(0, 0, 10, 10)]), {})


def view(
    west_m: float = 0.0,
    east_m: float = 10.0,
    *,
    resolution_mm: float | None = 0.3,
    usable: bool = True,
    square_on: bool = True,
    photo: str = "a.jpg",
) -> View:
    return View(photo, shapely.box(west_m, -5, east_m, 15), resolution_mm, usable, square_on)


def shares(views: list[View], **settings: float) -> dict[str, float]:
    """Area in m² by status."""
    patches = cover([FIELD], views, **settings)["B1"]
    return {patch.status: round(patch.geometry.area, 3) for patch in patches}


@pytest.mark.parametrize(
    ("views", "areas_m2"),
    [
        ([], {"not_seen": 100}),
        ([view()], {"seen": 100}),
        ([view(0, 4)], {"seen": 40, "not_seen": 60}),
        ([view(usable=False)], {"unusable_photo": 100}),
        ([view(square_on=False)], {"unusable_photo": 100}),
        ([view(resolution_mm=None)], {"too_coarse": 100}),
        ([view(0, 6), view(4, 10, photo="b.jpg")], {"seen": 100}),
        ([view(0, 6), view(usable=False, photo="b.jpg")], {"seen": 60, "unusable_photo": 40}),
        ([view(20, 30)], {"not_seen": 100}),
        ([view(10, 20)], {"not_seen": 100}),
    ],
)
def test_a_place_counts_by_the_best_photo_that_shows_it(views: list[View], areas_m2: dict[str, float]) -> None:
    assert shares(views) == areas_m2


@pytest.mark.parametrize(("limit_mm", "status"), [(0.2, "too_coarse"), (0.3, "seen"), (0.5, "seen")])
def test_coarser_than_the_setting_is_not_seen(limit_mm: float, status: str) -> None:
    assert shares([view(resolution_mm=0.3)], max_resolution_mm=limit_mm) == {status: 100}


def test_a_patch_states_its_photos_and_the_resolution_all_of_it_was_seen_with() -> None:
    views = [
        view(resolution_mm=0.9, photo="far.jpg"),
        view(0, 5, resolution_mm=0.3, photo="near.jpg"),
        view(20, 30, photo="elsewhere.jpg"),
    ]
    (patch,) = cover([FIELD], views)["B1"]
    assert (patch.photos, patch.resolution_mm) == (2, 0.9)


@pytest.mark.parametrize("east_m", [4.0, 10.0, 0.0])
def test_seen_fraction_is_the_share_of_the_area(east_m: float) -> None:
    patches = cover([FIELD], [view(-1, east_m)])["B1"]
    assert seen_fraction(FIELD, patches) == pytest.approx(east_m / 10)


def test_slivers_between_footprints_that_nearly_meet_are_no_gaps() -> None:
    views = [view(0, 5), view(5.0004, 10, photo="b.jpg")]
    assert shares(views) == {"seen": 100}


boxes = st.tuples(st.floats(-5, 12), st.floats(-5, 12), st.floats(0.5, 12), st.floats(0.5, 12), st.floats(-90, 90))


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.tuples(boxes, st.sampled_from([None, 0.2, 0.8]), st.booleans()), max_size=8),
    seed=st.randoms(use_true_random=False),
)
def test_patches_fill_a_segment_once_and_the_photos_order_does_not_matter(places: list[tuple], seed) -> None:  # type: ignore[no-untyped-def,type-arg]
    views = [
        View(
            f"{number}.jpg",
            shapely.affinity.rotate(shapely.box(x, y, x + width, y + height), angle),
            resolution_mm,
            usable,
        )
        for number, ((x, y, width, height, angle), resolution_mm, usable) in enumerate(places)
    ]
    patches = cover([FIELD], views, max_resolution_mm=0.5)["B1"]
    assert sum(patch.geometry.area for patch in patches) == pytest.approx(100, abs=0.1)
    assert len({patch.status for patch in patches}) == len(patches)
    seed.shuffle(views)
    again = cover([FIELD], views, max_resolution_mm=0.5)["B1"]
    assert [shapely.to_wkb(patch.geometry) for patch in again] == [shapely.to_wkb(p.geometry) for p in patches]


@settings(max_examples=30, deadline=None)
@given(places=st.lists(boxes, min_size=1, max_size=6))
def test_another_photo_never_makes_less_seen(places: list[tuple[float, ...]]) -> None:
    views = [
        View(f"{i}.jpg", shapely.affinity.rotate(shapely.box(x, y, x + w, y + h), angle), 0.3, True)
        for i, (x, y, w, h, angle) in enumerate(places)
    ]
    fractions = [seen_fraction(FIELD, cover([FIELD], views[:count])["B1"]) for count in range(len(views) + 1)]
    assert all(later >= earlier - 1e-3 for earlier, later in pairwise(fractions))


def test_only_seen_areas_are_given() -> None:
    hidden = Segment("B2", None, "B2", None, MultiPolygon([shapely.box(50, 0, 60, 10)]), {})
    areas = seen_areas(cover([FIELD, hidden], [view(0, 4)]))
    assert list(areas) == ["B1"]
    assert areas["B1"].area == pytest.approx(40)


def test_a_footprint_that_crosses_itself_does_not_stop_the_run() -> None:
    bow_tie = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    assert shares([View("a.jpg", bow_tie, 0.3, True)]) == {"seen": 50, "not_seen": 50}
