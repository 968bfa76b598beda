"""What rays meet: level planes and surface models from files of every kind."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.warp import reproject

from tenken.errors import SettingsError
from tenken.georeferencing.crs import to_grid
from tenken.georeferencing.raster_surface import RasterSurface
from tenken.georeferencing.surface import Plane, RasterFile, TakeOffPlane, parse_surface

FloatArray = npt.NDArray[np.float64]

UTM = CRS.from_epsg(32654)
EASTING, NORTHING = to_grid(UTM, 140.1063, 35.6073)
LEFT, TOP = round(EASTING) - 50.0, round(NORTHING) + 50.0
COS, SIN = np.cos(np.radians(25.0)), np.sin(np.radians(25.0))
DOWN = np.array([0.0, 0.0, -1.0])


def slope(xy_m: FloatArray) -> FloatArray:
    """Heights of a slope: 1 in 10 up to the east, 1 in 5 up to the north, 20 m in the middle."""
    heights: FloatArray = 20.0 + 0.1 * (xy_m[..., 0] - LEFT - 50.0) + 0.2 * (xy_m[..., 1] - TOP + 50.0)
    return heights


def slope_surface(cell_m: float = 0.5, size_m: float = 100.0) -> RasterSurface:
    count = round(size_m / cell_m)
    x = LEFT + (np.arange(count) + 0.5) * cell_m
    y = TOP - (np.arange(count) + 0.5) * cell_m
    return RasterSurface(slope(np.stack(np.meshgrid(x, y), axis=-1)), LEFT, TOP, cell_m)


def write_dsm(path: Path, crs: str, transform: Affine, heights: FloatArray, **options: object) -> Path:
    profile = {
        "driver": "GTiff",
        "count": 1,
        "dtype": "float64",
        "crs": crs,
        "transform": transform,
    } | options
    rows, columns = heights.shape
    unit = profile.pop("unit", "")
    with rasterio.open(path, "w", width=columns, height=rows, **profile) as dataset:
        dataset.write(heights, 1)
        if unit:
            dataset.units = (unit,)
    return path


def box_around_middle(half_m: float) -> tuple[float, float, float, float]:
    return EASTING - half_m, NORTHING - half_m, EASTING + half_m, NORTHING + half_m


def test_a_plane_is_met_from_above_only() -> None:
    rays = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    met = Plane(5.0).intersect(np.array([10.0, 20.0, 15.0]), rays)
    np.testing.assert_allclose(met[:2], [[10, 20, 5], [20, 20, 5]])
    assert np.isnan(met[2:]).all()


@given(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8), st.floats(30.0, 60.0))
def test_a_slope_is_met_where_geometry_says(east: float, north: float, height: float) -> None:
    surface = slope_surface()
    origin = np.array([LEFT + 50.0, TOP - 50.0, height])
    ray = np.array([[east, north, -1.0]])
    reach = (height - 20.0) / (1.0 + 0.1 * east + 0.2 * north)
    expected = origin + ray[0] * reach
    met = surface.intersect(origin, ray)[0]
    inside = (np.abs(expected[:2] - [LEFT + 50.0, TOP - 50.0]) < 49.5).all()
    if inside:
        np.testing.assert_allclose(met, expected, atol=1e-6)
    elif (np.abs(expected[:2] - [LEFT + 50.0, TOP - 50.0]) > 50.0).any():
        assert np.isnan(met).all()


def test_the_normal_of_a_slope_stands_square_to_it_up_to_the_rim() -> None:
    places = np.array([[LEFT + 50.0, TOP - 50.0, 20.0], [LEFT + 0.5, TOP - 0.5, 0.0]])
    expected = np.array([-0.1, -0.2, 1.0]) / np.sqrt(1.05)
    np.testing.assert_allclose(slope_surface().normal(places), [expected, expected], atol=1e-9)


def test_the_nearer_wall_hides_the_ground_behind_it() -> None:
    heights = np.zeros((40, 40))
    heights[:, 20:22] = 10.0
    surface = RasterSurface(heights, 0.0, 40.0, 1.0)
    met = surface.intersect(np.array([5.0, 20.0, 12.0]), np.array([[1.0, 0.0, -0.35]]))[0]
    assert 19.5 < met[0] < 20.5
    assert 6.0 < met[2] < 8.0


@pytest.mark.parametrize("step", ["under the camera", "on the way"])
def test_what_is_not_known_is_a_miss_and_what_lies_beyond_a_gap_in_the_air_is_met(step: str) -> None:
    heights = np.zeros((40, 40))
    heights[:, 10:15] = np.nan
    surface = RasterSurface(heights, 0.0, 40.0, 1.0)
    if step == "under the camera":
        met = surface.intersect(np.array([12.0, 20.0, 10.0]), DOWN[None, :])
        assert np.isnan(met).all()
    else:
        met = surface.intersect(np.array([5.0, 20.0, 10.0]), np.array([[2.0, 0.0, -1.0]]))
        np.testing.assert_allclose(met, [[25.0, 20.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize("height", [-5.0, 0.0])
def test_a_camera_under_the_ground_sees_nothing(height: float) -> None:
    surface = RasterSurface(np.zeros((9, 9)), 0.0, 9.0, 1.0)
    rays = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
    assert np.isnan(surface.intersect(np.array([4.0, 4.0, height - 1.0]), rays)).all()


@pytest.mark.parametrize("kind", ["utm", "degrees", "rotated", "another zone", "feet of height"])
def test_a_dsm_gives_the_same_heights_in_any_georeference(tmp_path: Path, kind: str) -> None:
    fine = slope_surface(0.25)
    home = Affine(0.25, 0.0, LEFT, 0.0, -0.25, TOP)
    path, unit = tmp_path / "地表 モデル.tif", ""
    if kind in ("utm", "feet of height"):
        unit = "ft" if kind == "feet of height" else ""
        write_dsm(path, "EPSG:32654", home, fine.heights_m / (0.3048 if unit else 1.0), unit=unit)
    else:
        crs, transform = {
            "degrees": ("EPSG:4326", Affine(3e-6, 0.0, 140.1057, 0.0, -3e-6, 35.6078)),
            "rotated": (
                "EPSG:32654",
                Affine(0.3 * COS, 0.3 * SIN, LEFT, 0.3 * SIN, -0.3 * COS, TOP - 40.0),
            ),
            "another zone": ("EPSG:6677", Affine(0.3, 0.0, 24675.0, 0.0, -0.3, -43480.0)),
        }[kind]
        heights = np.full((400, 400), np.nan)
        reproject(
            fine.heights_m,
            heights,
            src_transform=home,
            src_crs="EPSG:32654",
            src_nodata=np.nan,
            dst_transform=transform,
            dst_crs=crs,
            dst_nodata=np.nan,
            resampling=Resampling.bilinear,
        )
        write_dsm(path, crs, transform, heights, nodata=np.nan)
    window = RasterFile(path).window(UTM, box_around_middle(15.0))
    assert window is not None
    places = np.array([EASTING, NORTHING]) + np.array([[0.0, 0.0], [10.0, 5.0], [-8.0, 12.0]])
    np.testing.assert_allclose(window.height_at(places), slope(places), atol=0.02)


def test_no_height_invented_next_to_nodata(tmp_path: Path) -> None:
    heights = slope_surface().heights_m.copy()
    heights[:, 100:] = -9999.0
    path = write_dsm(tmp_path / "half.tif", "EPSG:32654", Affine(0.5, 0, LEFT, 0, -0.5, TOP), heights, nodata=-9999.0)
    window = RasterFile(path).window(UTM, box_around_middle(20.0))
    assert window is not None
    assert np.nanmin(window.heights_m) > 0.0
    assert np.isnan(window.heights_m).any()


def test_beside_a_turned_dsm_without_nodata_nothing_is_known(tmp_path: Path) -> None:
    turned = Affine(0.5 * COS, 0.5 * SIN, LEFT, 0.5 * SIN, -0.5 * COS, TOP)
    path = write_dsm(tmp_path / "turned.tif", "EPSG:32654", turned, np.full((100, 100), 7.0))
    window = RasterFile(path).window(UTM, box_around_middle(500.0))
    assert window is not None
    known = ~np.isnan(window.heights_m)
    np.testing.assert_allclose(window.heights_m[known], 7.0)
    assert known.sum() * window.cell_m**2 == pytest.approx(50.0 * 50.0, rel=0.02)


def test_only_the_window_is_read_and_coarser_when_it_is_large(tmp_path: Path) -> None:
    path = write_dsm(tmp_path / "dsm.tif", "EPSG:32654", Affine(0.5, 0, LEFT, 0, -0.5, TOP), slope_surface().heights_m)
    small = RasterFile(path).window(UTM, box_around_middle(5.0))
    coarse = RasterFile(path).window(UTM, box_around_middle(100.0), most_cells=50)
    assert small is not None
    assert max(small.heights_m.shape) <= 22
    assert coarse is not None
    assert max(coarse.heights_m.shape) <= 52
    assert RasterFile(path).window(UTM, (0.0, 0.0, 10.0, 10.0)) is None


@pytest.mark.parametrize(
    ("text", "surface"),
    [("plane", TakeOffPlane()), ("plane:158.5", Plane(158.5)), ("plane:-3", Plane(-3.0))],
)
def test_surface_settings(text: str, surface: object) -> None:
    assert parse_surface(text) == surface


@pytest.mark.parametrize("text", ["plane:", "plane:high", "plane:nan", "gone.tif", ""])
def test_a_surface_that_is_none_names_the_remedy(text: str) -> None:
    with pytest.raises(SettingsError, match=r"plane:HEIGHT|for example") as raised:
        parse_surface(text)
    assert "\n" not in str(raised.value)


def test_rasters_that_cannot_be_surfaces_are_refused_by_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.tif"
    text.write_text("no raster", encoding="utf-8")
    feet = write_dsm(tmp_path / "feet.tif", "EPSG:2229", Affine(1, 0, 6e6, 0, -1, 2e6), np.ones((4, 4)))
    fathoms = write_dsm(
        tmp_path / "fathoms.tif", "EPSG:32654", Affine(1, 0, LEFT, 0, -1, TOP), np.ones((4, 4)), unit="fathom"
    )
    for path, why in ((text, "cannot be read"), (feet, "map is in feet"), (fathoms, "'fathom'")):
        with pytest.raises(SettingsError, match=why) as raised:
            parse_surface(str(path))
        assert path.name in str(raised.value)
