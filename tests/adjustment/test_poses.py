"""Poses that agree: what the tie points say, within what the photos state."""

from dataclasses import replace

import numpy as np
import pytest

from flown_plane import LENS, NADIR, camera_over, disagreement_m, flown, misplaced, nudged, tied
from tenken.adjustment.block import rotation_about
from tenken.adjustment.flight import adjust_flight
from tenken.adjustment.headings import find_headings
from tenken.adjustment.poses import adjust_poses
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.georeferencing.surface import Plane


def test_photos_that_disagree_by_a_metre_agree_within_centimetres() -> None:
    true = flown()
    stated = misplaced(true, 3)
    adjusted = adjust_poses(stated, tied(true))
    assert adjusted.moved == frozenset(true)
    assert disagreement_m(stated, true) > 0.5
    assert disagreement_m(adjusted.placements, true) < 0.02


def test_the_flight_as_a_whole_stays_where_its_poses_put_it() -> None:
    true = flown()
    adjusted = adjust_poses(misplaced(true, 4), tied(true)).placements
    middle = np.array([[1000.0, 750.0]])
    off_m = [(adjusted[name].to_world(middle) - true[name].to_world(middle))[0, :2] for name in true]
    # Ten photos that are each off by 1 m: their mean is off by a third of that, and by what the angles add.
    assert np.linalg.norm(np.mean(off_m, axis=0)) < 1.0
    assert np.median(np.linalg.norm(off_m, axis=1)) < 1.0


def test_one_tie_in_five_may_be_wrong() -> None:
    true = flown()
    adjusted = adjust_poses(misplaced(true, 5), tied(true, wrong_share=0.2)).placements
    assert disagreement_m(adjusted, true) < 0.03


@pytest.mark.parametrize("off_m", [-1.5, 1.5])
def test_a_height_that_is_wrong_for_the_whole_flight_is_found(off_m: float) -> None:
    true = flown()
    stated = {name: replace(one, surface=Plane(off_m), height_error_m=2.0) for name, one in true.items()}
    adjusted = adjust_poses(stated, tied(true)).placements
    above_m = [one.camera.position_m[2] - one.surface.intersect(one.camera.position_m, np.array([[0, 0, -1.0]]))[0, 2]
               for one in adjusted.values()]  # fmt: skip
    assert np.median(above_m) == pytest.approx(20.0, rel=0.02)
    assert all(one.height_error_m < 1.0 for one in adjusted.values())


def test_a_height_error_never_grows() -> None:
    true = flown()
    stated = {name: replace(one, height_error_m=0.05) for name, one in true.items()}
    adjusted = adjust_poses(stated, tied(true)).placements
    assert all(one.height_error_m <= 0.05 for one in adjusted.values())


def test_a_lens_that_bends_is_found_and_bends_no_flight() -> None:
    bent = replace(LENS, k1=-0.03)
    true = flown(bent)
    adjusted = adjust_poses(misplaced(true, 6), tied(true)).placements
    lens = adjusted["00"].camera.lens
    assert lens.k1 == pytest.approx(-0.03, abs=0.004)
    assert disagreement_m(adjusted, true) < 0.02
    assert {one.camera.lens for one in adjusted.values()} == {lens}


def test_photos_without_ties_stay_as_they_are() -> None:
    true = flown()
    stated = {**misplaced(true, 7), "far": camera_over(900.0, 900.0)}
    adjusted = adjust_poses(stated, tied(true))
    assert adjusted.placements["far"] is stated["far"]
    assert "far" not in adjusted.moved
    assert adjust_poses(stated, []).moved == frozenset()


def test_two_groups_of_photos_are_adjusted_each_for_itself() -> None:
    true = flown()
    left = {name: one for name, one in true.items() if name[1] in "01"}
    right = {name: one for name, one in true.items() if name[1] in "34"}
    stated = misplaced({**left, **right}, 8)
    together = adjust_poses(stated, [*tied(left), *tied(right)]).placements
    alone = adjust_poses({name: stated[name] for name in left}, tied(left)).placements
    for name in left:
        assert together[name].camera.position_m == pytest.approx(alone[name].camera.position_m)


def test_the_order_of_photos_and_ties_matters_to_nobody() -> None:
    true = flown()
    stated, ties = misplaced(true, 9), tied(true)
    forward = adjust_poses(stated, ties).placements
    backward = adjust_poses(dict(reversed(stated.items())), ties[::-1]).placements
    for name in true:
        assert forward[name].camera.position_m == pytest.approx(backward[name].camera.position_m, abs=1e-6)


def test_an_adjusted_pose_says_so() -> None:
    true = flown()
    adjusted = adjust_flight({**misplaced(true, 3), "far": camera_over(900.0, 900.0)}, tied(true))
    assert adjusted["00"].pose_source == "exif+gimbal+ties"
    assert adjusted["far"].pose_source == "exif+gimbal"


@pytest.mark.parametrize("name", ["00", "03", "12"])
def test_a_picture_turned_by_half_is_found_by_its_neighbours(name: str) -> None:
    true = flown()
    turned = nudged(true[name], np.zeros(3), np.array([0.0, 0.0, 180.0]))
    stated = {**true, name: replace(turned, maybe_turned=True, doubts=("saved by a viewer",))}
    settled = adjust_flight(stated, tied(true))[name]
    assert not settled.maybe_turned
    assert "turned by 180°" in settled.doubts[-1]
    assert disagreement_m({**true, name: settled}, true) < 0.05


def test_a_picture_that_was_saved_but_not_turned_is_left_as_it_is() -> None:
    true = flown()
    settled = adjust_flight({**true, "01": replace(true["01"], maybe_turned=True)}, tied(true))["01"]
    assert not settled.maybe_turned
    assert settled.doubts == ()


def test_a_row_of_turned_pictures_is_settled_from_its_neighbours_on() -> None:
    true = flown()
    row = [name for name in true if name.startswith("1")]
    stated = dict(true)
    for name in row:
        stated[name] = replace(nudged(true[name], np.zeros(3), np.array([0.0, 0.0, 180.0])), maybe_turned=True)
    adjusted = adjust_flight(stated, tied(true))
    assert not any(adjusted[name].maybe_turned for name in row)
    assert disagreement_m(adjusted, true) < 0.05


def test_where_nobody_is_sure_nothing_is_settled() -> None:
    true = flown()
    stated = {name: replace(one, maybe_turned=True) for name, one in true.items()}
    assert all(one.maybe_turned for one in adjust_flight(stated, tied(true)).values())


def test_a_rotation_about_a_vector_is_a_rotation() -> None:
    turn = rotation_about(np.array([0.3, -0.2, 0.5]))
    assert turn @ turn.T == pytest.approx(np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1.0)
    assert rotation_about(np.array([0.0, 0.0, np.pi / 2])) @ [1, 0, 0] == pytest.approx([0, 1, 0])
    assert rotation_about(np.zeros(3)) == pytest.approx(np.eye(3))


def test_a_photo_whose_heading_nobody_knows_spoils_no_other() -> None:
    true = flown()
    stated = misplaced(true, 3)
    stated["02"] = nudged(stated["02"], np.zeros(3), np.array([0.0, 0.0, 90.0]))
    adjusted = adjust_poses(stated, tied(true))
    assert adjusted.moved == frozenset(true) - {"02"}
    others = {name: one for name, one in true.items() if name != "02"}
    assert disagreement_m(adjusted.placements, others) < 0.02


def heading_north(placement: PhotoPlacement) -> PhotoPlacement:
    """State no heading: the top of the picture is taken to be in the north."""
    camera = placement.camera
    unknown = replace(camera.accuracy, yaw_deg=180.0)
    return replace(placement, camera=replace(camera, rotation=NADIR, accuracy=unknown))


def test_headings_that_no_photo_states_follow_from_the_line_of_flight() -> None:
    true = flown()
    stated = {name: heading_north(one) for name, one in misplaced(true, 11).items()}
    adjusted = adjust_flight(stated, tied(true))
    assert disagreement_m(stated, true) > 5.0
    assert disagreement_m(adjusted, true) < 0.03
    middle = np.array([[1500.0, 750.0]])
    off_m = [(adjusted[name].to_world(middle) - true[name].to_world(middle))[0, :2] for name in true]
    assert np.median(np.linalg.norm(off_m, axis=1)) < 2.0


def test_one_photo_that_states_its_heading_is_enough() -> None:
    true = flown()
    stated = {name: heading_north(one) if name != "12" else one for name, one in true.items()}
    adjusted = adjust_flight(stated, tied(true))
    assert disagreement_m(adjusted, true) < 0.03
    assert all(one.camera.accuracy.yaw_deg < 10 for one in adjusted.values())


def test_photos_of_one_place_tell_no_common_heading() -> None:
    hovering = {name: camera_over(0.3 * number, 0.0, yaw_deg=40.0) for number, name in enumerate("abc")}
    stated = {name: heading_north(one) for name, one in hovering.items()}
    assert find_headings(stated, tied(hovering)) == stated
