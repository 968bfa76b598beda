"""Faces of a structure: a camera before a wall, under a deck, beside a pipe knows places, sizes and angles there."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, MultiPolygon

from seen_faces import (
    FOCAL_PX,
    HEIGHT_PX,
    ORIGIN_M,
    WIDTH_PX,
    before,
    camera_at,
    may_see,
    pipe,
    seen_by,
    slab,
    wall,
)
from tenken.georeferencing.camera import PoseAccuracy
from tenken.georeferencing.face import Face, plan_area, plan_line
from tenken.identity.identify import identify
from tenken.identity.marks import View
from tenken.measurement.find import PhotoDefect
from tenken.measurement.measure import sight

EAST, NORTH = ORIGIN_M.tolist()
MIDDLE = np.array([[WIDTH_PX / 2, HEIGHT_PX / 2]])
SOUTH = camera_at((6.0, -8.0, 4.0), yaw_deg=0.0)
"""Eight metres before the wall, square to it."""
BELOW = camera_at((10.0, 4.0, 1.0), yaw_deg=0.0, pitch_deg=90.0)
"""Five metres under the slab, looking straight up."""
BESIDE = camera_at((10.0, -6.5, 5.0), yaw_deg=0.0)
"""Six metres beside the pipe, at the height of its axis."""

FACES: dict[str, Face] = {"wall": wall(), "bent wall": wall((0, 0), (6, 0), (9, 3)), "slab": slab(), "pipe": pipe()}


def drawn(camera: object, face: Face, line_m: list[tuple[float, float]]) -> PhotoDefect:
    """A crack of the face as a detector would trace it in the photo, in pixels."""
    placed = before(camera, face)  # type: ignore[arg-type]
    dense = shapely.get_coordinates(shapely.segmentize(LineString(line_m), 0.05))
    px = placed.to_photo(np.column_stack([dense, np.zeros(len(dense))]))
    line = MultiLineString([px])
    return PhotoDefect(
        kind="crack",
        score=1.0,
        outline_px=MultiPolygon([line.buffer(3.0, cap_style="flat")]),
        centreline_px=line,
        length_px=line.length,
        width_px=None,
        width_low_px=None,
        width_high_px=None,
        area_px=6.0 * line.length,
        pieces=1,
    )


@pytest.mark.parametrize("name", FACES)
def test_a_place_of_the_chart_is_seen_where_it_is_and_found_again(name: str) -> None:
    face = FACES[name]
    camera = {"slab": BELOW, "pipe": BESIDE}.get(name, SOUTH)
    placed = before(camera, face)
    px = np.array([[300.0, 400.0], [1000.0, 700.0], [1500.0, 760.0]])
    chart = placed.to_world(px)
    met = np.isfinite(chart[:, 0])
    assert met[1:].all()
    assert placed.to_photo(chart[met]) == pytest.approx(px[met], abs=1e-6)
    xyz_m = face.place(chart[met][:, :2])
    towards = xyz_m - camera.position_m
    rays = camera.rays(px)[met]
    assert np.cross(towards, rays) == pytest.approx(np.zeros_like(towards), abs=1e-6)


def test_a_wall_is_mapped_by_chainage_and_height() -> None:
    placed = before(SOUTH, wall())
    assert placed.to_world(MIDDLE)[0] == pytest.approx([6.0, 4.0, 0.0])
    # A picture's pixel is 8 m / 2000 px = 4 mm there; up in the picture is up on the wall.
    right, up = (placed.to_world(MIDDLE + np.array(step))[0] for step in ((100, 0), (0, -100)))
    assert right == pytest.approx([6.4, 4.0, 0.0])
    assert up == pytest.approx([6.0, 4.4, 0.0])


def test_a_crack_keeps_its_length_on_every_face() -> None:
    """A vertical crack has no length in plan, one around a pipe none along it: on the face they have."""
    cases: list[tuple[object, Face, list[tuple[float, float]], float]] = [
        (SOUTH, wall(), [(6, 2), (6, 5)], 3.0),
        (SOUTH, wall(), [(4, 2), (7, 6)], 5.0),
        (SOUTH, FACES["bent wall"], [(5, 3), (7, 3)], 2.0),
        (BELOW, slab(), [(EAST + 9, NORTH + 3), (EAST + 12, NORTH + 5)], np.hypot(3, 2)),
        (BESIDE, pipe(), [(8, -np.pi / 4), (11, -np.pi / 4)], 3.0),
        (BESIDE, pipe(), [(10, -0.6), (10, -1.0)], 0.4),
    ]
    for camera, face, line_m, length_m in cases:
        seen = seen_by(camera, face)  # type: ignore[arg-type]
        sighting = sight(drawn(camera, face, line_m), "p.jpg", "0" * 64, seen)
        assert sighting.face == face.name
        assert sighting.length_m == pytest.approx(length_m, rel=2e-3), (face.name, line_m)


def test_an_area_is_that_on_the_face() -> None:
    """A square metre of a wall seen askew, and a patch round the side of a pipe."""
    askew = camera_at((0.0, -8.0, 6.0), yaw_deg=35.0, pitch_deg=-10.0)
    for camera, face, box in (
        (askew, wall(), (5.0, 3.0, 6.0, 4.0)),
        (BESIDE, pipe(), (9.0, -1.1, 11.0, -0.5)),
    ):
        placed = before(camera, face)
        ring = shapely.get_coordinates(shapely.segmentize(shapely.box(*box), 0.05))
        px = placed.to_photo(np.column_stack([ring, np.zeros(len(ring))]))
        rust = replace(drawn(camera, face, [(0, 0), (1, 0)]), kind="corrosion", centreline_px=None)
        rust = replace(rust, outline_px=MultiPolygon([shapely.Polygon(px)]))
        expected = (box[2] - box[0]) * (box[3] - box[1])
        assert sight(rust, "p.jpg", "0" * 64, seen_by(camera, face)).area_m2 == pytest.approx(expected, rel=2e-3)


@given(st.floats(-60, 60), st.floats(4, 20))
def test_the_effective_resolution_is_that_over_the_cosine_of_the_angle(angle_deg: float, away_m: float) -> None:
    """From stand-off `away_m` along the ray: pitch x distance / focal, and / cos on the long axis."""
    turn = np.radians(angle_deg)
    at = 6.0 - away_m * np.sin(turn), -away_m * np.cos(turn), 4.0
    placed = before(camera_at(at, yaw_deg=angle_deg), wall())
    assert placed.to_world(MIDDLE)[0] == pytest.approx([6.0, 4.0, 0.0], abs=1e-6)
    square, effective = placed.ground_resolution_mm(MIDDLE)
    assert square[0] == pytest.approx(1000 * away_m / FOCAL_PX, rel=1e-3)
    assert effective[0] == pytest.approx(1000 * away_m / FOCAL_PX / np.cos(turn), rel=1e-3)
    assert placed.incidence_deg(MIDDLE)[0] == pytest.approx(abs(angle_deg), abs=1e-4)


def test_a_stand_off_error_moves_what_is_seen_askew_and_not_what_lies_straight_ahead() -> None:
    accuracy = PoseAccuracy(horizontal_m=0.5, vertical_m=1e-9, yaw_deg=1e-9, tilt_deg=1e-9)
    level_m = 0.5 / np.sqrt(2)
    for angle_deg in (0.0, 30.0, 45.0):
        turn = np.radians(angle_deg)
        at = 6.0 - 8.0 * np.sin(turn), -8.0 * np.cos(turn), 4.0
        placed = before(camera_at(at, yaw_deg=angle_deg, accuracy=accuracy), wall())
        # Along the wall the error itself, and from square to it as much as the ray runs along.
        expected = level_m * np.hypot(1.0, np.tan(turn))
        assert placed.position_error_m(MIDDLE)[0] == pytest.approx(expected, rel=1e-6)
        assert placed.scale_error(MIDDLE)[0] == pytest.approx(level_m / (8.0 * np.cos(turn)), rel=1e-6)


def test_stated_errors_hold_what_wrong_poses_do() -> None:
    """Places of poses wrong by lot scatter by as much as the stated 1 sigma."""
    accuracy = PoseAccuracy(horizontal_m=0.3, vertical_m=0.2, yaw_deg=1.0, tilt_deg=0.7)
    rng = np.random.default_rng(3)
    px = np.array([[1600.0, 400.0]])
    true = before(camera_at((4.0, -8.0, 4.0), yaw_deg=20.0, accuracy=accuracy), wall())
    off = []
    for _ in range(600):
        shift = rng.normal(0, 1, 3) * [0.3 / np.sqrt(2), 0.3 / np.sqrt(2), 0.2]
        at = np.array([4.0, -8.0, 4.0]) + shift
        # In the photo's own axes: a tilt about the line of sight's horizontal, and a roll about it.
        camera = camera_at(
            (at[0], at[1], at[2]),
            yaw_deg=20.0 + rng.normal(0, 1.0),
            pitch_deg=rng.normal(0, 0.7),
            roll_deg=rng.normal(0, 0.7),
        )
        off.append(before(camera, wall()).to_world(px)[0] - true.to_world(px)[0])
    scatter = np.sqrt((np.array(off)[:, :2] ** 2).sum(axis=1).mean())
    assert true.position_error_m(px)[0] == pytest.approx(scatter, rel=0.1)


def test_the_nearest_face_is_what_a_pixel_shows() -> None:
    near, far = wall((4, -3), (8, -3), name="near"), wall(name="far")
    view = seen_by(SOUTH, far, near)
    shown = view.numbers(np.array([[1000.0, 750.0], [60.0, 750.0]]))
    assert [view.faces[number].name for number in shown.tolist()] == ["near", "far"]
    by_name = {one.face.name: one.footprint() for one in view.placements}
    hidden = shapely.box(3.0, 1.0, 9.0, 7.0)  # behind the near wall, as seen from 8 m
    assert by_name["far"] is not None
    assert by_name["far"].intersection(hidden).area < 0.1 * hidden.area
    assert by_name["near"] is not None
    assert by_name["near"].area == pytest.approx(4 * 3.75, rel=0.1)  # 5 m away the picture is 3.75 m high


def test_the_ground_hides_what_stands_in_it_and_is_seen_beside() -> None:
    """A wall that is founded 2 m deep, seen from above at a slant; before it lies the ground."""
    camera = camera_at((6.0, -9.0, 6.0), yaw_deg=0.0, pitch_deg=-35.0)
    view = seen_by(camera, wall(bottom_m=-2.0))
    (placed,) = view.placements
    on_wall = placed.footprint()
    assert on_wall is not None
    assert on_wall.bounds[1] == pytest.approx(0.0, abs=0.35)  # cells of a 33rd of the picture
    ground = view.ground_footprint()
    assert ground is not None
    assert ground.bounds[3] - ORIGIN_M[1] == pytest.approx(0.0, abs=0.5)
    low = sight(drawn(camera, wall(bottom_m=-2.0), [(5, 0.5), (7, 0.5)]), "p.jpg", "0" * 64, view)
    assert low.face == "W"


def test_a_photo_of_a_pipe_before_the_sky_is_one_of_the_pipe() -> None:
    """The pipe takes a fifth of the picture; the rest is sky, and ground as far as the horizon."""
    view = seen_by(BESIDE, pipe())
    assert (view.shown >= 0).mean() < 0.3
    assert view.main is view.placements[0]
    assert view.share > 0.5
    down = seen_by(camera_at((6.0, -6.0, 12.0), yaw_deg=0.0, pitch_deg=-60.0), wall(top_m=2.5))
    assert down.main is down.ground
    assert down.share < 0.2


def test_a_photo_of_the_ground_does_not_see_walls_edge_on() -> None:
    above = camera_at((6.0, -2.0, 20.0), yaw_deg=0.0, pitch_deg=-90.0)
    assert may_see(above, wall(bottom_m=0.0, top_m=1.0)) is None
    assert may_see(camera_at((6.0, 4.0, 20.0), yaw_deg=0.0, pitch_deg=-90.0), slab()) is None


@pytest.mark.parametrize(("side", "seen"), [("right", True), ("left", False), ("both", True)])
def test_a_face_is_seen_from_its_own_side(side: str, seen: bool) -> None:
    """The wall runs east: its right-hand side is the south, where the camera stands."""
    assert (may_see(SOUTH, wall(side=side)) is not None) == seen  # type: ignore[arg-type]
    north = camera_at((6.0, 8.0, 4.0), yaw_deg=180.0)
    assert (may_see(north, wall(side=side)) is not None) == (side != "right")  # type: ignore[arg-type]


def test_a_slope_of_the_deck_is_taken_into_account() -> None:
    placed = before(BELOW, slab(rise=(0.02, 0.0)))
    (x, y, _), height_m = placed.to_world(MIDDLE)[0], slab(rise=(0.02, 0.0)).place(placed.to_world(MIDDLE)[:, :2])[0, 2]
    assert (x - ORIGIN_M[0], y - ORIGIN_M[1]) == pytest.approx((10.0, 4.0))
    assert height_m == pytest.approx(6.2)


def test_pipes_are_unrolled_from_the_crown() -> None:
    """The south side of a pipe that runs east lies to the right: at minus a quarter of the circumference."""
    placed = before(BESIDE, pipe())
    assert placed.to_world(MIDDLE)[0] == pytest.approx([10.0, -np.pi / 4, 0.0])
    crown = pipe().place(np.array([[3.0, 0.0]]))[0]
    assert crown == pytest.approx([ORIGIN_M[0] + 3.0, ORIGIN_M[1], 5.5])


def test_what_lies_across_a_pipes_seam_hangs_together() -> None:
    """From below, across the lowest line, where the chart ends: no outline may span the whole circumference."""
    under = camera_at((10.0, 0.0, 1.0), yaw_deg=0.0, pitch_deg=90.0)
    seen = sight(
        drawn(under, pipe(), [(9.0, -np.pi / 2), (11.0, -np.pi / 2)]), "p.jpg", "0" * 64, seen_by(under, pipe())
    )
    assert seen.length_m == pytest.approx(2.0, rel=1e-3)
    assert seen.outline_m is not None
    assert seen.outline_m.bounds[3] - seen.outline_m.bounds[1] < 0.1
    footprint = before(under, pipe()).footprint()
    assert footprint is not None
    # Both ends of the chart are seen.
    assert footprint.bounds[1] == pytest.approx(-np.pi / 2)
    assert footprint.bounds[3] == pytest.approx(np.pi / 2)


@pytest.mark.parametrize(("at", "seam_rad"), [((5, 0, 1), -2 * np.pi), ((5, 0, 9), -np.pi), ((5, -6, 5), -1.5 * np.pi)])
def test_a_pipes_seam_lies_where_no_camera_looks(at: tuple[float, float, float], seam_rad: float) -> None:
    """From below it lies on the crown, from above below, from the south on the north."""
    assert pipe().seen_from(np.array([[EAST + at[0], NORTH + at[1], at[2]]])).seam_rad == pytest.approx(seam_rad)


def test_a_round_pier_is_an_upright_pipe() -> None:
    pier = pipe((6.0, 0.0, 0.0), (6.0, 0.0, 8.0), radius_m=1.0)
    seen = sight(drawn(SOUTH, pier, [(2.0, np.pi), (5.0, np.pi)]), "p.jpg", "0" * 64, seen_by(SOUTH, pier))
    assert seen.length_m == pytest.approx(3.0, rel=1e-3)


def test_a_pier_drawn_all_round_is_measured_across_its_first_corner() -> None:
    ring = wall((0, 0), (4, 0), (4, 2), (0, 2), (0, 0), side="right")
    corner = camera_at((-5.0, -5.0, 4.0), yaw_deg=45.0)
    seen = sight(drawn(corner, ring, [(-0.5, 4.0), (0.5, 4.0)]), "p.jpg", "0" * 64, seen_by(corner, ring))
    assert seen.length_m == pytest.approx(1.0, rel=2e-3)


def test_in_plan_a_wall_is_a_band_and_a_crack_on_it_a_line_that_can_be_drawn() -> None:
    area = plan_area(wall(), MultiPolygon([shapely.box(2, 1, 5, 3)]))
    assert area.is_valid
    assert area.bounds == pytest.approx(
        (ORIGIN_M[0] + 1.95, ORIGIN_M[1] - 0.05, ORIGIN_M[0] + 5.05, ORIGIN_M[1] + 0.05)
    )
    upright = plan_line(wall(), MultiLineString([[(3, 1), (3, 4)]]))
    assert upright.is_valid
    assert upright.length == pytest.approx(0.1)
    assert upright.centroid.coords[0] == pytest.approx((ORIGIN_M[0] + 3, ORIGIN_M[1]))


def test_in_plan_a_patch_of_a_pipe_lies_on_its_side() -> None:
    side = plan_area(pipe(), MultiPolygon([shapely.box(2, -np.pi / 4 - 0.1, 5, -np.pi / 4 + 0.1)]))
    west, south, east, north = side.bounds
    assert (west, east) == pytest.approx((ORIGIN_M[0] + 1.95, ORIGIN_M[0] + 5.05))
    assert south == pytest.approx(ORIGIN_M[1] - 0.55)
    assert north == pytest.approx(ORIGIN_M[1] - 0.44, abs=0.01)


@pytest.mark.parametrize(
    ("face", "stations", "line_m", "length_m"),
    [
        (wall(), [((x, -8.0, 4.0), 0.0, 0.0) for x in (3.0, 5.0, 8.0)], [(2.5, 4.0), (7.5, 4.5)], 5.025),
        (
            slab(), [((x, 4.0, 1.0), 0.0, 90.0) for x in (8.0, 10.0, 12.0)],
            [(EAST + 8, NORTH + 4), (EAST + 12, NORTH + 4)], 4.0,
        ),
        (pipe(), [((x, -6.5, 5.0), 0.0, 0.0) for x in (8.0, 10.0, 12.0)], [(8.0, -0.8), (12.0, -0.7)], 4.001),
        # One camera from the south, one from above: both see the line between.
        (pipe(), [((10, -6.5, 5.0), 0.0, 0.0), ((10, -0.5, 12.0), 0.0, -90.0)], [(9.0, -0.4), (11.0, -0.4)], 2.0),
    ],
)  # fmt: skip
def test_a_crack_of_a_face_is_one_record_whoever_sees_it(
    face: Face, stations: list[tuple[tuple[float, float, float], float, float]], line_m: list[tuple[float, float]],
    length_m: float,
) -> None:  # fmt: skip
    sightings, views = [], {}
    for number, (at, yaw_deg, pitch_deg) in enumerate(stations):
        camera, name = camera_at(at, yaw_deg=yaw_deg, pitch_deg=pitch_deg), f"{number}.jpg"
        view = seen_by(camera, face)
        (placed,) = view.placements
        footprint = placed.footprint()
        assert footprint is not None
        inside = shapely.intersection(LineString(line_m), footprint)
        sightings.append(sight(drawn(camera, face, [*inside.coords]), name, f"{number}" * 64, view))
        views[name] = View(name, footprint, 4.0, 0.05)
    (defect,) = identify(sightings, {}, None, {face.name: views})
    assert defect.face == face.name
    assert len(defect.sightings) == len(stations)
    assert defect.length_m == pytest.approx(length_m, rel=0.01)
    # On the ground, or on another face, the same numbers are another place.
    elsewhere = replace(sightings[0], face=None, sighting_id="0")
    assert len(identify([*sightings, elsewhere], views, None, {face.name: views})) == 2
