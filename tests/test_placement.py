"""From a photo's pixel to its place on the ground, with an honest error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyproj import CRS, Geod, Transformer

from tenken.georeferencing.crs import flight_crs, to_grid
from tenken.georeferencing.locate import locate
from tenken.georeferencing.placement import (
    OrthomosaicPlacement,
    PhotoPlacement,
    Unplaced,
    place_orthomosaic,
    place_photo,
)
from tenken.georeferencing.surface import Plane, RasterFile, TakeOffPlane, parse_surface
from tenken.imagery.attitude import NADIR, Attitude, turn_about
from tenken.imagery.metadata import PhotoMetadata, read_metadata

FLIGHTS = Path(__file__).parents[2] / "shared" / "flights"
needs_flights = pytest.mark.skipif(not FLIGHTS.is_dir(), reason="needs the real flights in ../shared/flights")

LON, LAT = 140.1063, 35.6073
CRS_54N = CRS.from_epsg(32654)
WIDTH, HEIGHT, FOCAL = 4000, 3000, 3000.0
CENTRE = np.array([[WIDTH / 2, HEIGHT / 2]])
CORNERS = np.array([[0.0, 0.0], [WIDTH, 0.0], [WIDTH, HEIGHT], [0.0, HEIGHT]])
PHOTO = PhotoMetadata(
    make="DJI", model="FC9999", lon_deg=LON, lat_deg=LAT, altitude_m=90.0, relative_altitude_m=30.0,
    calibrated_focal_px=FOCAL, calibrated_centre_px=(WIDTH / 2, HEIGHT / 2), attitude=NADIR,
)  # fmt: skip


def placed(photo: PhotoMetadata = PHOTO, surface: TakeOffPlane | Plane | RasterFile | None = None) -> PhotoPlacement:
    placement = place_photo(photo, WIDTH, HEIGHT, CRS_54N, surface or TakeOffPlane())
    assert isinstance(placement, PhotoPlacement), placement
    return placement


def test_the_middle_of_a_nadir_photo_lies_under_the_camera_at_take_off_height() -> None:
    point = placed().to_world(CENTRE)[0]
    np.testing.assert_allclose(point, [*to_grid(CRS_54N, LON, LAT), 60.0], atol=1e-6)


@pytest.mark.parametrize(
    ("attitude", "azimuth_deg", "distance_m"),
    [
        (Attitude(0, -90, 0), 90.0, 10.0), (Attitude(90, -90, 0), 180.0, 10.0),
        (Attitude(0, -90, 180), 270.0, 10.0),
        (Attitude(-45, -90, 0), 45.0, 10.0), (Attitude(30, 0, 0, "body"), 120.0, 10.0),
    ],
    ids=str,
)  # fmt: skip
def test_a_pixel_to_the_right_lies_square_to_the_yaw_from_true_north(
    attitude: Attitude, azimuth_deg: float, distance_m: float
) -> None:
    location = locate(placed(replace(PHOTO, attitude=attitude)), CENTRE + np.array([1000.0, 0.0]))[0]
    assert location.lon_deg is not None
    azimuth, _, distance = Geod(ellps="WGS84").inv(LON, LAT, location.lon_deg, location.lat_deg)
    assert azimuth % 360.0 == pytest.approx(azimuth_deg, abs=0.01)
    # True metres on the ground, not the grid's; the ellipsoid is 60 m below.
    assert distance == pytest.approx(distance_m, abs=1e-3)


@pytest.mark.parametrize("pitch", [-90.0, -60.0, -45.0])
def test_an_oblique_photo_looks_ahead_of_itself(pitch: float) -> None:
    point = placed(replace(PHOTO, attitude=Attitude(0.0, pitch, 0.0))).to_world(CENTRE)[0]
    ahead = np.hypot(*(point[:2] - to_grid(CRS_54N, LON, LAT)))
    assert ahead == pytest.approx(30.0 / np.tan(np.radians(-pitch)), rel=1e-3, abs=1e-6)


@settings(deadline=None)
@given(
    st.floats(0, WIDTH), st.floats(0, HEIGHT), st.floats(-180, 180), st.floats(-90, -50),
    st.sampled_from([0.0, 180.0]),
    st.integers(1, 8),
)  # fmt: skip
def test_a_pixel_comes_back_from_the_ground(
    x: float, y: float, yaw: float, pitch: float, roll: float, orientation: int
) -> None:
    photo = replace(PHOTO, attitude=Attitude(yaw, pitch, roll), orientation=orientation)
    size = (HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT)
    placement = place_photo(photo, *size, CRS_54N, TakeOffPlane())
    assert isinstance(placement, PhotoPlacement)
    shown = np.array([[y, x]]) if orientation >= 5 else np.array([[x, y]])
    point = placement.to_world(shown)
    np.testing.assert_allclose(placement.to_photo(point), shown, atol=1e-5)


@pytest.mark.parametrize(
    ("surface", "changes", "height_m"),
    [
        (TakeOffPlane(), {}, 60.0),
        (TakeOffPlane(), {"altitude_m": None}, 0.0),
        (Plane(55.0), {}, 55.0),
        (Plane(55.0), {"relative_altitude_m": None}, 55.0),
        (Plane(-20.0), {"altitude_m": -5.0}, -20.0),
    ],
)
def test_heights_are_in_the_photos_own_datum(
    surface: TakeOffPlane | Plane, changes: dict[str, float | None], height_m: float
) -> None:
    assert placed(replace(PHOTO, **changes), surface).to_world(CENTRE)[0, 2] == height_m  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("surface", "changes", "reason"),
    [
        (TakeOffPlane(), {"relative_altitude_m": None}, "--surface plane:HEIGHT"),
        (TakeOffPlane(), {"relative_altitude_m": -2.0}, "above take-off"),
        (Plane(55.0), {"altitude_m": None}, "--surface plane"),
        (Plane(90.0), {}, "not below"),
        (TakeOffPlane(), {"lat_deg": None}, "no GPS position"),
    ],
)
def test_what_is_not_known_is_not_guessed(
    surface: TakeOffPlane | Plane, changes: dict[str, float | None], reason: str
) -> None:
    placement = place_photo(replace(PHOTO, **changes), WIDTH, HEIGHT, CRS_54N, surface)  # type: ignore[arg-type]
    assert isinstance(placement, Unplaced)
    assert reason in placement.reason


def test_ground_resolution_is_distance_times_pitch_over_focal_length() -> None:
    gsd, effective = placed().ground_resolution_mm(np.concatenate([CENTRE, CORNERS]))
    # On level ground under a nadir photo it is the same all over the picture.
    np.testing.assert_allclose([gsd, effective], 30.0 / FOCAL * 1000.0, rtol=1e-6)


@pytest.mark.parametrize("angle_deg", [0.0, 20.0, 30.0, 45.0])
def test_effective_resolution_grows_with_one_over_the_cosine(angle_deg: float) -> None:
    placement = placed(replace(PHOTO, attitude=Attitude(70.0, angle_deg - 90.0, 0.0)))
    gsd, effective = placement.ground_resolution_mm(CENTRE)
    cosine = np.cos(np.radians(angle_deg))
    assert gsd[0] == pytest.approx(30.0 / cosine / FOCAL * 1000.0, rel=1e-4)
    assert effective[0] == pytest.approx(gsd[0] / cosine, rel=1e-4)
    assert placement.incidence_deg(CENTRE)[0] == pytest.approx(angle_deg, abs=1e-5)


@pytest.mark.parametrize("attitude", [NADIR, Attitude(30.0, -60.0, 0.0)], ids=["nadir", "oblique"])
def test_the_stated_error_is_the_spread_of_places_over_possible_poses(attitude: Attitude) -> None:
    placement = placed(replace(PHOTO, attitude=attitude))
    pixel = np.array([[3200.0, 700.0]])
    nominal, accuracy = placement.camera, placement.camera.accuracy
    random = np.random.default_rng(7)
    places = []
    for _ in range(3000):
        turn = np.eye(3)
        for axis, sigma in (("z", accuracy.yaw_deg), ("x", accuracy.tilt_deg), ("y", accuracy.tilt_deg)):
            turn = turn_about(axis, random.normal(0.0, sigma)) @ turn  # type: ignore[arg-type]
        moved = random.normal(0.0, 1.0, 3) * [
            accuracy.horizontal_m / np.sqrt(2), accuracy.horizontal_m / np.sqrt(2), placement.height_error_m
        ]  # fmt: skip
        camera = replace(nominal, position_m=nominal.position_m + moved, rotation=turn @ nominal.rotation)
        places.append(replace(placement, camera=camera).to_world(pixel)[0, :2])
    spread = np.sqrt(np.var(places, axis=0).sum())
    assert placement.position_error_m(pixel)[0] == pytest.approx(spread, rel=0.06)


def test_less_knowledge_is_a_larger_error() -> None:
    pixel = np.array([[3200.0, 700.0]])
    rtk = replace(PHOTO, rtk_fixed=True, horizontal_error_m=0.03, vertical_error_m=0.05)
    errors = [
        float(placed(photo, surface).position_error_m(pixel)[0])
        for photo, surface in (
            (rtk, Plane(60.0)), (rtk, TakeOffPlane()), (PHOTO, TakeOffPlane()),
            (replace(PHOTO, attitude=Attitude(0.0, 0.0, 0.0, "body")), TakeOffPlane()),
            (replace(PHOTO, attitude=None), TakeOffPlane()),
        )
    ]  # fmt: skip
    assert errors == sorted(errors)
    assert len(set(errors)) == len(errors)


def test_the_footprint_of_a_nadir_photo_is_its_frame_on_the_ground() -> None:
    placement = placed(replace(PHOTO, attitude=Attitude(25.0, -90.0, 0.0)))
    footprint = placement.footprint()
    assert footprint is not None
    assert footprint.is_valid
    scale = placement.grid_scale
    assert footprint.area == pytest.approx(40.0 * 30.0 * scale**2, rel=1e-6)
    assert placement.to_photo(np.append(footprint.centroid.coords[0], 60.0)[None, :]) == pytest.approx(CENTRE)


@pytest.mark.parametrize(("pitch", "sees_ground"), [(-20.0, True), (-5.0, True), (60.0, False)])
def test_a_photo_with_the_horizon_shows_only_the_ground_in_front(pitch: float, sees_ground: bool) -> None:
    footprint = placed(replace(PHOTO, attitude=Attitude(0.0, pitch, 0.0))).footprint()
    assert (footprint is not None) is sees_ground
    if footprint is not None:
        assert footprint.is_valid
        north = np.array(footprint.exterior.coords)[:, 1] - to_grid(CRS_54N, LON, LAT)[1]
        assert north.min() > 0.0
        assert north.max() < 30.0 / np.cos(np.radians(85.0)) * 1.2


def write_raster(path: Path, crs: str | None, transform: Affine, values: npt.NDArray[np.generic]) -> Path:
    rows, columns = values.shape
    profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "crs": crs, "transform": transform}
    with rasterio.open(path, "w", width=columns, height=rows, nodata=0, **profile) as dataset:
        dataset.write(values, 1)
    return path


def test_a_level_dsm_is_the_same_as_a_plane(tmp_path: Path) -> None:
    easting, northing = to_grid(CRS_54N, LON, LAT)
    path = write_raster(
        tmp_path / "dsm.tif", "EPSG:32654", Affine(0.5, 0, easting - 40, 0, -0.5, northing + 40),
        np.full((160, 160), 60.0),
    )  # fmt: skip
    oblique = replace(PHOTO, attitude=Attitude(200.0, -75.0, 0.0))
    on_dsm, on_plane = placed(oblique, parse_surface(str(path))), placed(oblique, Plane(60.0))
    pixels = np.concatenate([CENTRE, CORNERS])
    np.testing.assert_allclose(on_dsm.to_world(pixels), on_plane.to_world(pixels), atol=1e-6)
    for ours, planes in zip(on_dsm.ground_resolution_mm(pixels), on_plane.ground_resolution_mm(pixels), strict=True):
        np.testing.assert_allclose(ours, planes, rtol=1e-6)
    np.testing.assert_allclose(on_dsm.position_error_m(pixels), on_plane.position_error_m(pixels), rtol=1e-6)
    assert on_dsm.doubts == ()


@pytest.mark.parametrize(("level_m", "outcome"), [(20.0, "different datums"), (95.0, "same height datum")])
def test_a_dsm_in_another_height_datum_is_noticed(tmp_path: Path, level_m: float, outcome: str) -> None:
    easting, northing = to_grid(CRS_54N, LON, LAT)
    path = write_raster(
        tmp_path / "dsm.tif", "EPSG:32654", Affine(1, 0, easting - 90, 0, -1, northing + 90),
        np.full((180, 180), level_m),
    )  # fmt: skip
    placement = place_photo(PHOTO, WIDTH, HEIGHT, CRS_54N, parse_surface(str(path)))
    assert outcome in (placement.reason if isinstance(placement, Unplaced) else placement.doubts[0])


def test_a_dsm_of_another_place_gives_a_reason(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "far.tif", "EPSG:32654", Affine(1, 0, 3e5, 0, -1, 3.5e6), np.full((9, 9), 5.0))
    placement = place_photo(PHOTO, WIDTH, HEIGHT, CRS_54N, parse_surface(str(path)))
    assert isinstance(placement, Unplaced)
    assert "far.tif shows nothing" in placement.reason


SURVEY_FOOT = 1200.0 / 3937.0


@pytest.mark.parametrize(
    ("crs", "lon_lat", "pixel", "rotation_deg", "flight_epsg"),
    [
        ("EPSG:32654", (LON, LAT), 0.05, 0.0, 32654),
        ("EPSG:6677", (LON, LAT), 0.05, 0.0, 6677),
        ("EPSG:6677", (LON, LAT), 0.05, 33.0, 6677),
        ("EPSG:4326", (LON, LAT), 5e-7, 0.0, 32654),
        ("EPSG:4326", (LON, LAT), 5e-7, -12.0, 32654),
        ("EPSG:3857", (LON, LAT), 0.05, 0.0, 32654),
        ("EPSG:2229", (-118.25, 34.05), 0.2, 0.0, 32611),
    ],
    ids=["UTM", "JGD2011 plane IX", "turned", "degrees", "turned, degrees", "Web Mercator", "US feet"],
)
def test_an_orthomosaic_lies_by_its_own_transform(
    tmp_path: Path,
    crs: str,
    lon_lat: tuple[float, float],
    pixel: float,
    rotation_deg: float,
    flight_epsg: int,
) -> None:
    into = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    corner = into.transform(*lon_lat)
    along, across = pixel * np.cos(np.radians(rotation_deg)), pixel * np.sin(np.radians(rotation_deg))
    transform = Affine(along, across, corner[0], across, -along, corner[1])
    values = np.full((200, 300), 9, dtype=np.uint8)
    values[:, 200:] = 0
    with rasterio.open(write_raster(tmp_path / "ortho.tif", crs, transform, values)) as dataset:
        placement = place_orthomosaic(dataset)
    assert isinstance(placement, OrthomosaicPlacement)
    assert placement.crs.to_epsg() == flight_epsg
    pixels = np.array([[0.0, 0.0], [150.5, 80.5], [299.5, 199.5]])
    points = placement.to_world(pixels)
    np.testing.assert_allclose(placement.to_photo(points), pixels, atol=1e-4)
    there = locate(placement, pixels)
    assert (there[0].lon_deg, there[0].lat_deg) == pytest.approx(lon_lat, abs=1e-8)
    assert there[0].height_m is None
    assert there[0].error_m == pytest.approx(0.5, abs=0.01)
    # What a pixel measures on the ground, against the ellipsoid's own distances.
    side = locate(placement, np.array([[100.0, 80.0], [200.0, 80.0], [100.0, 180.0]]))
    lons, lats = [one.lon_deg for one in side], [one.lat_deg for one in side]
    geod = Geod(ellps="WGS84")
    across, down = (geod.inv(lons[0], lats[0], lons[i], lats[i])[2] * 10.0 for i in (1, 2))
    gsd, effective = placement.ground_resolution_mm(np.array([[150.0, 130.0]]))
    if rotation_deg == 0.0 or crs != "EPSG:4326":
        assert sorted([across, down]) == pytest.approx([gsd[0], effective[0]], rel=1e-3)
    footprint = placement.footprint()
    assert footprint is not None
    whole = gsd[0] * effective[0] * 1e-6 * 300 * 200 * placement.grid_scale**2
    assert footprint.area == pytest.approx(whole * 2 / 3, rel=0.01), "the empty third is not shown"


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("crs", "transform", "reason"),
    [
        (None, Affine(1, 0, 5, 0, -1, 5), "no CRS"),
        ("EPSG:32654", Affine.identity(), "no transform"),
        ('LOCAL_CS["site",UNIT["metre",1]]', Affine(1, 0, 5, 0, -1, 5), "local"),
    ],
)
def test_an_orthomosaic_without_a_place_says_why(
    tmp_path: Path, crs: str | None, transform: Affine, reason: str
) -> None:
    path = write_raster(tmp_path / "ortho.tif", crs, transform, np.ones((4, 4), dtype=np.uint8))
    with rasterio.open(path) as dataset:
        placement = place_orthomosaic(dataset)
    assert isinstance(placement, Unplaced)
    assert reason in placement.reason


def test_a_pixel_in_the_sky_has_no_place() -> None:
    location = locate(placed(replace(PHOTO, attitude=Attitude(0.0, 20.0, 0.0))), np.array([[2000.0, 10.0]]))[0]
    assert (location.lon_deg, location.lat_deg, location.height_m, location.error_m) == (None,) * 4


@needs_flights
@pytest.mark.parametrize(
    ("photo", "surface", "pose", "reason"),
    [
        ("brighton_beach/images/DJI_0033.JPG", "plane", "exif+gimbal", None),
        ("seneca_sensefly/images/IMG_0486.jpg", "plane", "exif+body", None),
        ("garfield_sequoia/images/IMG_161122_163234_0000_RGB.JPG", "plane", None, "plane:HEIGHT"),
        ("garfield_sequoia/images/IMG_161122_163234_0000_RGB.JPG", "plane:240", "exif+body", None),
        ("caliterra/images/IMG_9354.jpg", "plane", None, "plane:HEIGHT"),
        ("caliterra/images/IMG_9354.jpg", "plane:250", "exif+assumed_nadir", None),
    ],
)
def test_real_photos_are_placed_or_say_what_is_missing(
    photo: str, surface: str, pose: str | None, reason: str | None
) -> None:
    metadata = read_metadata(FLIGHTS / photo)
    assert metadata.lon_deg is not None
    assert metadata.lat_deg is not None, "the position is known, placed or not"
    with Image.open(FLIGHTS / photo) as picture:
        size = picture.size
    crs = flight_crs([(metadata.lon_deg, metadata.lat_deg)])
    placement = place_photo(metadata, *size, crs, parse_surface(surface))
    if isinstance(placement, Unplaced):
        assert reason is not None
        assert reason in placement.reason
    else:
        assert placement.pose_source == pose
        footprint = placement.footprint()
        assert footprint is not None
        assert 1000.0 < footprint.area < 20000.0


@needs_flights
def test_the_real_surface_model_lies_as_far_below_the_camera_as_the_flight_was_high() -> None:
    flight = FLIGHTS / "brighton_beach"
    metadata = read_metadata(flight / "images" / "DJI_0033.JPG")
    surface = parse_surface(str(flight / "reference" / "dsm_10cm.tif"))
    placement = place_photo(metadata, 4000, 2250, CRS.from_epsg(32615), surface)
    assert isinstance(placement, PhotoPlacement)
    below_m = placement.camera.position_m[2] - placement.to_world(np.array([[2000.0, 1125.0]]))[0, 2]
    assert below_m == pytest.approx(38.0, abs=1.5)
    assert placement.doubts == ()
