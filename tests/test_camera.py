"""Lens, attitude and coordinate system: from a pixel to the right direction and back."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pyproj import Geod

from tenken.errors import FlightError
from tenken.georeferencing.camera import Camera, PoseAccuracy, Unplaced, build_camera
from tenken.georeferencing.crs import flight_crs, grid_at, is_metric_grid, to_grid
from tenken.georeferencing.lens import Lens, choose_lens
from tenken.georeferencing.sensors import known_sensors
from tenken.imagery.attitude import NADIR, Attitude
from tenken.imagery.metadata import PhotoMetadata

Axis = npt.NDArray[np.float64]
NORTH, EAST, DOWN = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, -1.0])
ACCURACY = PoseAccuracy(2.0, 3.0, 2.5, 1.0)
CHIBA = PhotoMetadata(
    make="DJI", model="FC6310", lon_deg=140.1063, lat_deg=35.6073, altitude_m=60.0, relative_altitude_m=50.0,
    focal_length_mm=8.8, attitude=NADIR,
)  # fmt: skip


def nadir_camera(orientation: int = 1, lens: Lens | None = None, size: tuple[int, int] = (400, 300)) -> Camera:
    """Hold a camera 10 m above the origin, its stored picture 400 x 300 with the top to the north."""
    displayed = size[::-1] if orientation >= 5 else size
    return Camera(
        *displayed,
        orientation=orientation,
        lens=lens or Lens((300.0, 300.0), (200.0, 150.0)),
        position_m=np.array([0.0, 0.0, 10.0]),
        rotation=NADIR.rotation(),
        grid_scale=1.0,
        accuracy=ACCURACY,
        pose_source="exif+gimbal",
    )


@pytest.mark.parametrize(
    ("attitude", "looks", "top"),
    [
        (Attitude(0, -90, 0), DOWN, NORTH),
        (Attitude(90, -90, 0), DOWN, EAST),
        (Attitude(0, -90, 180), DOWN, -NORTH),
        (Attitude(0, -90, -180), DOWN, -NORTH),
        (Attitude(0, 0, 0), NORTH, -DOWN),
        (Attitude(90, 0, 0), EAST, -DOWN),
        (Attitude(90, -45, 0), (EAST + DOWN) / np.sqrt(2), (EAST - DOWN) / np.sqrt(2)),
        (Attitude(0, 30, 0), NORTH * np.cos(np.pi / 6) - DOWN / 2, -DOWN * np.cos(np.pi / 6) - NORTH / 2),
        (Attitude(0, 0, 90), NORTH, EAST),
        (Attitude(0, 0, 0, "body"), DOWN, NORTH),
        (Attitude(90, 0, 0, "body"), DOWN, EAST),
        (Attitude(0, 90, 0, "body"), NORTH, -DOWN),
        (Attitude(0, 45, 0, "body"), (NORTH + DOWN) / np.sqrt(2), (NORTH - DOWN) / np.sqrt(2)),
        (Attitude(0, 0, 30, "body"), DOWN * np.cos(np.pi / 6) - EAST / 2, NORTH),
    ],
    ids=str,
)
def test_each_convention_looks_where_its_maker_means(attitude: Attitude, looks: Axis, top: Axis) -> None:
    rotation = attitude.rotation()
    np.testing.assert_allclose(rotation @ [0, 0, 1], looks, atol=1e-12)
    np.testing.assert_allclose(rotation @ [0, -1, 0], top, atol=1e-12)


@given(st.floats(-180, 180), st.floats(-30, 30))
def test_a_gimbal_past_the_vertical_is_the_same_written_either_way(yaw: float, past: float) -> None:
    plain = Attitude(yaw, -90.0 - past, 0.0).rotation()
    flipped = Attitude(yaw + 180.0, -90.0 + past, 180.0).rotation()
    np.testing.assert_allclose(plain, flipped, atol=1e-12)


@given(st.floats(-180, 180), st.floats(-180, 180), st.floats(-180, 180), st.sampled_from(["gimbal", "body"]))
def test_every_attitude_is_a_rotation(yaw: float, pitch: float, roll: float, frame: str) -> None:
    rotation = Attitude(yaw, pitch, roll, frame).rotation()  # type: ignore[arg-type]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_the_picture_lies_on_the_ground_as_it_is_seen() -> None:
    camera = nadir_camera()
    rays = camera.rays(np.array([[200.0, 150.0], [400.0, 150.0], [200.0, 0.0]]))
    ground = rays / -rays[:, 2:] * 10.0
    expected = np.array([[0, 0], [200 / 30, 0], [0, 5]])
    np.testing.assert_allclose(ground[:, :2], expected, atol=1e-12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_moves_pixels_as_the_loader_moves_them(orientation: int) -> None:
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4)
    picture = Image.fromarray(stored)
    picture.getexif()[0x0112] = orientation
    displayed = np.asarray(ImageOps.exif_transpose(picture))
    plain, turned = nadir_camera(1, size=(4, 3)), nadir_camera(orientation, size=(4, 3))
    for row in range(displayed.shape[0]):
        for column in range(displayed.shape[1]):
            home_row, home_column = divmod(int(displayed[row, column]), 4)
            shown = np.array([[column + 0.5, row + 0.5]])
            home = np.array([[home_column + 0.5, home_row + 0.5]])
            np.testing.assert_allclose(turned.rays(shown), plain.rays(home), atol=1e-12)
            points = turned.position_m + 7.0 * turned.rays(shown)
            np.testing.assert_allclose(turned.project(points), shown, atol=1e-9)


@settings(deadline=None)
@given(
    st.floats(-0.3, 0.3), st.floats(-0.1, 0.1), st.floats(-0.003, 0.003), st.floats(-0.003, 0.003),
    st.floats(0, 4000), st.floats(0, 3000), st.integers(1, 8),
)  # fmt: skip
def test_a_pixel_comes_back_through_any_lens(
    k1: float, k2: float, p1: float, p2: float, x: float, y: float, orientation: int
) -> None:
    lens = Lens((3666.0, 3670.0), (2010.0, 1480.0), k1=k1, k2=k2, p1=p1, p2=p2)
    camera = nadir_camera(orientation, lens, size=(4000, 3000))
    shown = np.array([[y, x] if orientation >= 5 else [x, y]])
    ray = camera.rays(shown)
    assume(not np.isnan(ray).any())
    np.testing.assert_allclose(camera.project(camera.position_m + 20.0 * ray), shown, atol=1e-4)


def test_brown_conrady_distorts_as_its_formula_says() -> None:
    lens = Lens((1000.0, 1000.0), (500.0, 500.0), k1=-0.2, k2=0.1, k3=-0.02, p1=0.001, p2=-0.002)
    x, y = 0.3, -0.2
    r2 = x * x + y * y
    radial = 1 - 0.2 * r2 + 0.1 * r2**2 - 0.02 * r2**3
    expected = [x * radial + 2 * 0.001 * x * y - 0.002 * (r2 + 2 * x * x),
                y * radial + 0.001 * (r2 + 2 * y * y) + 2 * -0.002 * x * y]  # fmt: skip
    distorted = (lens.to_pixel(np.array([[x, y]])) - 500.0) / 1000.0
    np.testing.assert_allclose(distorted, np.array([expected]), atol=1e-12)


def test_points_behind_the_camera_and_beyond_the_lens_are_not_seen() -> None:
    folding = nadir_camera(lens=Lens((300.0, 300.0), (200.0, 150.0), k1=-0.3))
    seen = folding.project(np.array([[0.0, 0.0, 20.0], [500.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    assert np.isnan(seen[:2]).all()
    assert np.isfinite(seen[2]).all()


@pytest.mark.parametrize(
    ("metadata", "size", "focal_px", "source"),
    [
        (PhotoMetadata(calibrated_focal_px=3666.7, calibrated_centre_px=(2432, 1824)), (4864, 3648), 3666.7,
         "CalibratedFocalLength"),
        (PhotoMetadata(calibrated_focal_px=3666.7, calibrated_centre_px=(2432, 1824)), (2432, 1824), 1833.35,
         "CalibratedFocalLength"),
        (PhotoMetadata(calibrated_focal_px=2300.0, calibrated_centre_px=(2000, 1500)), (4000, 2250), 2300.0,
         "CalibratedFocalLength"),
        (PhotoMetadata(make="DJI", model="FC300S", focal_length_mm=3.61), (4000, 2250), 3.61 / 6.17 * 4000,
         "known sensor and FocalLength"),
        (PhotoMetadata(make="DJI", model="FC6310", focal_length_mm=8.8), (5472, 3078), 3648.0,
         "known sensor and FocalLength"),
        (PhotoMetadata(make="DJI", model="FC6310", focal_length_mm=8.8), (4864, 3648), 3648.0,
         "known sensor and FocalLength"),
        (PhotoMetadata(make="DJI", model="FC6310", focal_length_mm=8.8), (1368, 912), 912.0,
         "known sensor and FocalLength"),
        (PhotoMetadata(focal_length_mm=4.3, focal_plane_px_per_mm=645.4, exif_width_px=4000,
                       exif_height_px=3000), (3600, 2700), 4.3 * 645.4 * 0.9,
         "FocalPlaneResolution and FocalLength"),
        (PhotoMetadata(focal_length_mm=4.3, focal_plane_px_per_mm=2.8, focal_length_35mm=24.0), (4000, 3000),
         24.0 / np.hypot(36, 24) * 5000, "FocalLengthIn35mmFilm"),
        (PhotoMetadata(focal_length_35mm=24.0), (6000, 4000), 4000.0, "FocalLengthIn35mmFilm"),
        (PhotoMetadata(focal_length_35mm=20.0), (4000, 2250), 20.0 / np.hypot(36, 24) * 5000,
         "FocalLengthIn35mmFilm"),
    ],
    ids=["calibrated", "calibrated, halved", "calibrated 4:3, cut to 16:9", "16:9 of 4:3 keeps the width",
         "16:9 of 3:2 keeps the width", "4:3 of 3:2 keeps the height", "made smaller",
         "EXIF size left at the old",
         "implausible focal plane", "35 mm, 3:2", "35 mm by the full 4:3 diagonal"],
)  # fmt: skip
def test_the_focal_length_in_pixels_is_that_of_the_picture(
    metadata: PhotoMetadata, size: tuple[int, int], focal_px: float, source: str
) -> None:
    lens = choose_lens(metadata, *size)
    assert lens is not None
    assert lens.focal_px[0] == pytest.approx(focal_px, rel=1e-3)
    assert lens.source == source


def test_dji_dewarp_data_count_only_while_the_picture_is_not_dewarped() -> None:
    dewarp = (3678.87, 3671.84, 10.1, 27.29, -0.268652, 0.114663, 0.0000152688, -0.0000460707, -0.0350261)
    raw = PhotoMetadata(calibrated_focal_px=3666.7, dewarp=dewarp, dewarped=False)
    lens = choose_lens(raw, 4864, 3648)
    assert lens is not None
    assert (lens.focal_px, lens.k3) == ((3678.87, 3671.84), -0.0350261)
    assert lens.centre_px == pytest.approx((2442.1, 1851.29))
    done = choose_lens(replace(raw, dewarped=True), 4864, 3648)
    assert done is not None
    assert done.is_pinhole


def test_pix4d_lens_is_in_millimetres_with_three_radial_terms_first() -> None:
    metadata = PhotoMetadata(
        perspective_focal_mm=4.8, principal_point_mm=(3.0, 2.3),
        perspective_distortion=(0.1, -0.4, 0.4, 1e-4, 2e-4),
        focal_plane_px_per_mm=750.0, exif_width_px=4608, exif_height_px=3456, lens_model="perspective",
    )  # fmt: skip
    lens = choose_lens(metadata, 4608, 3456)
    assert lens is not None
    assert lens.focal_px == pytest.approx((3600.0, 3600.0))
    assert lens.centre_px == pytest.approx((2250.0, 1725.0))
    assert (lens.k1, lens.k2, lens.k3, lens.p1, lens.p2) == (0.1, -0.4, 0.4, 1e-4, 2e-4)


def test_every_sensor_has_square_pixels_and_a_source() -> None:
    for sensor in known_sensors().values():
        across, down = sensor.width_mm / sensor.width_px, sensor.height_mm / sensor.height_px
        assert across == pytest.approx(down, rel=0.03), sensor
        assert sensor.source


@pytest.mark.parametrize(
    ("positions", "epsg"),
    [
        ([(-91.99, 46.84)], 32615), ([(140.1, 35.6)], 32654), ([(-77.0, -12.5)], 32718),
        ([(179.9, 0.0)], 32660),
        ([(-179.9, 1.0), (179.9, 1.0), (179.8, 1.0)], 32660),
        ([(143.9, 40.0), (144.1, 40.0), (144.2, 40.0)], 32655),
    ],
)  # fmt: skip
def test_a_flight_lies_in_one_utm_zone_in_any_order(positions: list[tuple[float, float]], epsg: int) -> None:
    assert flight_crs(positions).to_epsg() == epsg
    assert flight_crs(reversed(positions)).to_epsg() == epsg
    assert is_metric_grid(flight_crs(positions))


def test_a_flight_without_positions_has_no_crs() -> None:
    with pytest.raises(FlightError, match="no photo has a GPS position"):
        flight_crs([])


@pytest.mark.parametrize(("lon", "lat"), [(-91.99, 46.84), (140.1, 35.6), (-77.0, -12.5), (138.1, 43.0)])
def test_yaw_from_true_north_is_turned_into_the_grid(lon: float, lat: float) -> None:
    crs = flight_crs([(lon, lat)])
    metadata = replace(CHIBA, lon_deg=lon, lat_deg=lat, attitude=Attitude(30.0, 0.0, 0.0))
    camera = build_camera(metadata, 5472, 3648, crs)
    assert isinstance(camera, Camera)
    there_lon, there_lat, _ = Geod(ellps="WGS84").fwd(lon, lat, 30.0, 100.0)
    step = np.subtract(to_grid(crs, there_lon, there_lat), to_grid(crs, lon, lat))
    ray = camera.rays(np.array([[2736.0, 1824.0]]))[0]
    # The arc's curvature in the grid leaves some 1e-5 over 100 m.
    np.testing.assert_allclose(ray[:2] * 100.0, step, atol=2e-3)
    assert np.hypot(*step) / 100.0 == pytest.approx(grid_at(crs, lon, lat)[0], abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "pose_source", "accuracy"),
    [
        ({}, "exif+gimbal", PoseAccuracy(2.0, 3.0, 2.5, 1.0)),
        ({"rtk_fixed": True, "horizontal_error_m": 0.02, "vertical_error_m": 0.03}, "rtk+gimbal",
         PoseAccuracy(0.02, 0.03, 2.5, 1.0)),
        ({"attitude": Attitude(5.0, 2.0, 1.0, "body"), "horizontal_error_m": 2.3}, "exif+body",
         PoseAccuracy(2.3, 3.0, 5.0, 3.0)),
        ({"attitude": None}, "exif+assumed_nadir", PoseAccuracy(2.0, 3.0, 180.0, 5.0)),
    ],
)  # fmt: skip
def test_a_pose_says_where_it_is_from_and_how_good(
    changes: dict[str, object], pose_source: str, accuracy: PoseAccuracy
) -> None:
    metadata = replace(CHIBA, **changes)  # type: ignore[arg-type]
    camera = build_camera(metadata, 5472, 3648, flight_crs([(140.1, 35.6)]))
    assert isinstance(camera, Camera)
    assert (camera.pose_source, camera.accuracy) == (pose_source, accuracy)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lon_deg": None}, "no GPS position"),
        ({"altitude_m": None, "relative_altitude_m": None}, "no altitude"),
        ({"model": "unheard of"}, "focal length in pixels is unknown"),
        ({"lens_model": "fisheye"}, "fisheye"),
    ],
)
def test_without_what_it_needs_there_is_a_reason_and_no_camera(changes: dict[str, object], reason: str) -> None:
    metadata = replace(CHIBA, **changes)  # type: ignore[arg-type]
    camera = build_camera(metadata, 5472, 3648, flight_crs([(140.1, 35.6)]))
    assert isinstance(camera, Unplaced)
    assert reason in camera.reason
