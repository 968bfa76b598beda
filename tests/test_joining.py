"""Sightings of photos that tie points laid onto each other."""

from collections.abc import Sequence

import numpy as np
import pytest
from shapely import LineString, MultiPolygon, affinity, box

from tenken.adjustment.features import OVERVIEW_PX, find_features
from tenken.adjustment.flight import StatedPhoto, adjust_flight, pairs_to_compare, tie
from tenken.identity.continuing import CrackPart, find_continuations
from tenken.identity.identify import Defect, identify
from tenken.identity.marks import View
from tenken.identity.registration import Pair, Registration, register
from tenken.measurement.measure import Sighting, sight
from tenken_demo.rendered_plane import RenderedPhoto, render_flight
from test_identify import sighting

GROUND = {"a": box(0, 0, 4, 3), "b": box(1, 0, 5, 3), "c": box(2, 0, 6, 3)}
VIEWS = {photo: View(photo, ground, 1.0, 2.0) for photo, ground in GROUND.items()}


def tied(
    pairs: Sequence[Pair], shift_m: tuple[float, float] = (0.0, 0.0), near_m: float = 0.01
) -> dict[Pair, Registration]:
    """Registrations whose second photo lies off by a constant."""
    at_m = np.stack(np.meshgrid(np.linspace(0, 6, 13), np.linspace(0, 3, 7)), axis=-1).reshape(-1, 2)
    return {pair: Registration(at_m, np.tile(shift_m, (len(at_m), 1)), near_m) for pair in pairs}


def groups(defects: Sequence[Defect]) -> list[list[str]]:
    return sorted(sorted(one.photo for one in defect.sightings) for defect in defects)


def test_parallel_cracks_closer_than_the_photos_agree_stay_two() -> None:
    cracks = [LineString([(2, y), (3.5, y)]) for y in (1.0, 1.03)]
    seen = [sighting(photo, affinity.translate(c, 0, 0.012 * (photo == "b"))) for photo in "ab" for c in cracks]
    defects = identify(seen, VIEWS, tied([("a", "b")], near_m=0.05))
    assert groups(defects) == [["a", "b"], ["a", "b"]]
    assert sorted(round(d.centreline_m.centroid.y, 2) for d in defects if d.centreline_m) == [1.0, 1.03]


def test_a_crack_whose_partner_was_missed_does_not_take_its_neighbours() -> None:
    first, second = (LineString([(2, y), (3.5, y)]) for y in (1.0, 1.03))
    seen = [sighting("a", first), sighting("a", second), sighting("b", first)]
    assert groups(identify(seen, VIEWS, tied([("a", "b")], near_m=0.05))) == [["a"], ["a", "b"]]


def test_what_ties_disagree_by_is_taken_out_where_the_defect_is() -> None:
    crack = LineString([(2, 1), (3.5, 1.2)])
    seen = [sighting("a", crack), sighting("b", affinity.translate(crack, 0.4, -0.3))]
    assert groups(identify(seen, VIEWS, tied([("a", "b")], shift_m=(-0.4, 0.3)))) == [["a", "b"]]
    assert groups(identify(seen, VIEWS, tied([("a", "b")]))) == [["a"], ["b"]]


def test_rust_of_two_photos_is_one_by_its_area() -> None:
    patch = box(2.0, 1.0, 2.6, 1.5)

    def rust(photo: str, shape: MultiPolygon) -> Sighting:
        from dataclasses import replace

        return replace(sighting(photo, LineString([(2, 1), (2.6, 1)]), kind="corrosion"), outline_m=shape)

    seen = [rust("a", MultiPolygon([patch])), rust("b", MultiPolygon([patch.buffer(-0.05)]))]
    assert groups(identify(seen, VIEWS, tied([("a", "b")]))) == [["a", "b"]]
    apart = [seen[0], rust("b", MultiPolygon([affinity.translate(patch, 0.7, 0)]))]
    assert groups(identify(apart, VIEWS, tied([("a", "b")]))) == [["a"], ["b"]]


def test_photos_tied_through_a_third_need_no_ties_of_their_own() -> None:
    crack = LineString([(2.5, 1), (3.5, 1.2)])
    seen = [sighting("a", crack), sighting("c", crack)]
    assert groups(identify(seen, VIEWS, tied([("a", "b"), ("b", "c")]))) == [["a", "c"]]


def test_a_crack_that_goes_on_where_no_photo_shows_both_sides_is_one() -> None:
    left, right = LineString([(0.5, 1), (1.9, 1.02)]), LineString([(1.93, 1.02), (3.5, 1.04)])
    views = {"l": View("l", box(0, 0, 1.9, 3), 1.0, 0.02), "r": View("r", box(1.93, 0, 5, 3), 1.0, 0.02)}
    (defect,) = identify([sighting("l", left), sighting("r", right)], views)
    assert groups([defect]) == [["l", "r"]]
    assert defect.length_m == pytest.approx(left.length + 0.03 + right.length, rel=0.01)


def test_ends_that_one_photo_shows_both_are_left_to_that_photo() -> None:
    def part(x: float, photos: str) -> CrackPart:
        line = sighting("a", LineString([(x, 1), (x + 1.4, 1)])).centreline_m
        assert line is not None
        return CrackPart("crack", line, 0.004, 0.001, frozenset(photos))

    assert len(find_continuations({4: part(0.5, "a"), 7: part(1.93, "b")})) == 1
    assert find_continuations({4: part(0.5, "ab"), 7: part(1.93, "b")}) == []
    assert find_continuations({4: part(0.5, "a"), 7: part(2.6, "b")}) == []  # too far
    assert find_continuations({}) == []


@pytest.fixture(scope="module")
def flight() -> tuple[list[RenderedPhoto], tuple[Defect, ...], dict[str, int]]:
    """Ten rendered photos whose poses are off by 2 m and 3 degrees, adjusted and joined as a run does."""
    import cv2

    photos, _ = render_flight(3, position_sigma_m=2.0, angle_sigma_deg=3.0, views=4, marks=40)
    stated = {photo.name: one for photo in photos if (one := StatedPhoto.of(photo.stated)) is not None}
    size = OVERVIEW_PX, round(OVERVIEW_PX * 0.75)
    features = {
        photo.name: find_features(
            np.asarray(cv2.resize(photo.grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), 2000 / OVERVIEW_PX
        )
        for photo in photos
    }
    found = [tie((a, stated[a], features[a]), (b, stated[b], features[b])) for a, b in pairs_to_compare(stated)]
    ties = [one for one in found if one is not None]
    placements = adjust_flight({photo.name: photo.stated for photo in photos}, ties)
    sightings, truth = [], {}
    for photo in photos:
        for number, (defect, mark) in enumerate(zip(photo.defects, photo.truth, strict=True)):
            seen = sight(defect, photo.name, f"{photo.name}{number}", placements[photo.name])
            sightings.append(seen)
            truth[seen.sighting_id] = mark
    views = {
        name: View(name, footprint, 5.0, 2.0)
        for name, one in placements.items()
        if (footprint := one.footprint()) is not None
    }
    registered = register(placements, ties, dict.fromkeys(views, 0.005))
    joined = identify(sightings, views, registered)
    assert identify(sightings[::-1], dict(reversed(views.items())), registered) == joined
    return photos, joined, truth


def test_no_record_of_a_rendered_flight_holds_two_defects(
    flight: tuple[list[RenderedPhoto], tuple[Defect, ...], dict[str, int]],
) -> None:
    _, defects, truth = flight
    for defect in defects:
        assert len({truth[one.sighting_id] for one in defect.sightings}) == 1


def test_nearly_every_defect_of_a_rendered_flight_has_one_record(
    flight: tuple[list[RenderedPhoto], tuple[Defect, ...], dict[str, int]],
) -> None:
    _, defects, truth = flight
    records: dict[int, int] = {}
    for defect in defects:
        mark = truth[defect.sightings[0].sighting_id]
        records[mark] = records.get(mark, 0) + 1
    assert sum(count == 1 for count in records.values()) >= 0.95 * len(records)
    assert sum(len(defect.sightings) > 2 for defect in defects) >= 5
