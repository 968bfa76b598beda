"""The demo flight's truth is true: its photos, metadata, map files and masks agree with each other."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
import shapely
from PIL import Image
from pyproj import Transformer
from scipy.ndimage import label, map_coordinates

from tenken.errors import FlightError, SettingsError
from tenken_demo import (
    DemoTruth,
    TrueDefect,
    TruePhoto,
    TrueSighting,
    make_demo_flight,
    photo_masks,
    read_truth,
)

FloatArray = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five photos of 2000 x 1500 px, about 1.07 mm/px."""
    folder = tmp_path_factory.mktemp("flight")
    make_demo_flight(folder, photos=5, width_px=2000, height_px=1500)
    return folder


@pytest.fixture(scope="module")
def truth(flight: Path) -> DemoTruth:
    return read_truth(flight)


@pytest.fixture(scope="module")
def small_flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of 500 x 375 px."""
    folder = tmp_path_factory.mktemp("small")
    make_demo_flight(folder, photos=2, width_px=500, height_px=375)
    return folder


@pytest.fixture(scope="module")
def other_bridge(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    """Six very small photos, a full pass, with another seed."""
    return make_demo_flight(tmp_path_factory.mktemp("other"), seed=2, width_px=320, height_px=240)


def linear_grey(flight: Path, photo: str) -> FloatArray:
    """Linear light of a photo, 0..1 (inverse of the sRGB tone curve)."""
    with Image.open(flight / "images" / photo) as picture:
        encoded = np.asarray(picture.convert("L"), dtype=np.float64) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def pinhole(truth: DemoTruth, photo: TruePhoto, xyz_m: FloatArray) -> FloatArray:
    """Grid coordinates to pixels, written anew from the definition of a pinhole camera."""
    ground_m = (xyz_m - np.array(photo.camera_xyz_m)) / np.array([truth.grid_scale, truth.grid_scale, 1.0])
    right, down, ahead = np.array(photo.camera_to_grid).T @ ground_m.T
    x_px = photo.width_px / 2 + photo.focal_px * right / ahead
    return np.column_stack([x_px, photo.height_px / 2 + photo.focal_px * down / ahead])


def sightings(truth: DemoTruth, kind: str) -> Iterator[tuple[TruePhoto, TrueDefect, TrueSighting]]:
    photos = {photo.photo: photo for photo in truth.photos}
    for defect in truth.defects:
        if defect.kind == kind:
            for sighting in defect.sightings:
                yield photos[sighting.photo], defect, sighting


def across(grey: FloatArray, line_px: FloatArray, reach_px: float) -> tuple[FloatArray, FloatArray]:
    """Offsets (m,) in pixels and grey values (n, m) square to a polyline."""
    along = line_px[1:] - line_px[:-1]
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.linalg.norm(along, axis=1)[:, None]
    middle = (line_px[1:] + line_px[:-1]) / 2
    offset = np.arange(-reach_px, reach_px + 0.01, 0.1)
    places = middle[:, None, :] + normal[:, None, :] * offset[None, :, None] - 0.5
    return offset, map_coordinates(grey, [places[..., 1], places[..., 0]], order=1, mode="nearest")


def visible_path(truth: DemoTruth, flight_photo: TruePhoto, defect: TrueDefect) -> FloatArray:
    """Project a crack's main line into a photo and keep what is at least 20 px inside."""
    assert defect.centreline_m is not None
    main = max(defect.centreline_m.geoms, key=lambda part: part.length)
    path_px = pinhole(truth, flight_photo, shapely.get_coordinates(main, include_z=True))
    inside = ((path_px > 20) & (path_px < np.array([flight_photo.width_px, flight_photo.height_px]) - 20)).all(axis=1)
    return path_px[inside]


def test_cracks_are_dark_where_the_true_pose_puts_them(flight: Path, truth: DemoTruth) -> None:
    checked = 0
    for photo, defect, _ in sightings(truth, "crack"):
        path_px = visible_path(truth, photo, defect)
        # Below 0.4 px a crack drowns in the concrete's grain, as it does in reality.
        if len(path_px) < 30 or (defect.width_median_mm or 0) / photo.ground_resolution_mm < 0.4:
            continue
        offset, profile = across(linear_grey(flight, photo.photo), path_px, 9)
        level = np.median(profile, axis=0)
        assert abs(offset[np.argmin(level)]) <= 0.5, (defect.id, photo.photo)
        assert level.min() < 0.92 * np.median(level[np.abs(offset) > 7]), (defect.id, photo.photo)
        checked += 1
    assert checked >= 15


@pytest.mark.parametrize("defect_id", ["C07", "C10"])
def test_wide_cracks_are_as_wide_in_the_picture_as_in_the_truth(flight: Path, truth: DemoTruth, defect_id: str) -> None:
    for photo, defect, sighting in sightings(truth, "crack"):
        if defect.id != defect_id or sighting.visible_fraction < 0.4:
            continue
        offset, profile = across(linear_grey(flight, photo.photo), visible_path(truth, photo, defect), 14)
        background = np.median(profile[:, np.abs(offset) > 9], axis=1)[:, None]
        half = (background + np.min(profile, axis=1)[:, None]) / 2
        width_px = np.median(np.sum(profile < half, axis=1) * 0.1)
        assert width_px == pytest.approx(sighting.width_px, rel=0.12), photo.photo


@pytest.mark.parametrize("defect_id", ["C01", "C05", "C06"])
def test_thin_cracks_take_away_light_in_proportion_to_their_width(
    flight: Path, truth: DemoTruth, defect_id: str
) -> None:
    widths_px, true_px = [], []
    for photo, defect, sighting in sightings(truth, "crack"):
        path_px = visible_path(truth, photo, defect)
        if defect.id != defect_id or len(path_px) < 60:
            continue
        offset, profile = across(linear_grey(flight, photo.photo), path_px, 6)
        level = np.median(profile, axis=0)
        background = np.median(level[np.abs(offset) > 3.5])
        darkness = np.clip(1 - level[np.abs(offset) <= 3.5] / background, 0, None)
        # The inside reflects 0.02, the concrete 0.34: a full pixel of crack takes away about nine tenths.
        widths_px.append(darkness.sum() * 0.1 / 0.9)
        true_px.append(sighting.width_px or 0.0)
    assert np.mean(widths_px) == pytest.approx(np.mean(true_px), rel=0.25)


def test_rust_is_rust_coloured_inside_its_outline_and_paint_coloured_around_it(flight: Path, truth: DemoTruth) -> None:
    for photo in truth.photos:
        with Image.open(flight / "images" / photo.photo) as picture:
            rgb = np.asarray(picture, dtype=np.float64)
        for mask in photo_masks(truth, photo.photo, kinds=("corrosion",)):
            left, top, right, bottom = mask.xyxy_px
            inside = rgb[top:bottom, left:right][mask.mask]
            assert np.mean(inside[:, 0] > 1.25 * inside[:, 2]) > 0.9, (mask.defect_id, photo.photo)
            outside = rgb[top:bottom, left:right][~mask.mask]
            assert np.median(outside[:, 0]) < 1.1 * np.median(outside[:, 2]), (mask.defect_id, photo.photo)


def test_pixels_of_the_truth_agree_with_its_places_on_the_map(truth: DemoTruth) -> None:
    for kind in ("crack", "corrosion", "distractor"):
        for photo, defect, sighting in sightings(truth, kind):
            rings = shapely.get_parts(shapely.boundary(defect.outline_m))
            ring_px = [pinhole(truth, photo, shapely.get_coordinates(ring, include_z=True)) for ring in rings]
            whole = shapely.MultiLineString(ring_px)
            seen = shapely.get_coordinates(sighting.outline_px)
            border = np.atleast_1d(shapely.distance(whole, shapely.points(seen)))
            clipped = (seen < 0.01).any(axis=1) | (seen > np.array([photo.width_px, photo.height_px]) - 0.01).any(
                axis=1
            )
            if defect.surface == "deck":
                # A millionth of a metre on the map and a thousandth of a pixel in the photo are rounded away.
                assert border[~clipped].max(initial=0) < 0.02, (defect.id, photo.photo)
            assert 0 < sighting.visible_fraction <= 1


def test_every_defect_is_seen_and_most_are_seen_more_than_once(other_bridge: DemoTruth) -> None:
    truth = other_bridge
    defects = [defect for defect in truth.defects if defect.kind != "distractor"]
    cracks = [defect for defect in defects if defect.kind == "crack"]
    rust = [defect for defect in defects if defect.kind == "corrosion"]
    assert len(cracks) >= 8
    assert len(rust) >= 5
    assert sum(len(defect.sightings) >= 2 for defect in defects) > 0.7 * len(defects)
    widths_mm = [defect.width_median_mm or 0 for defect in cracks]
    assert min(widths_mm) == pytest.approx(0.3, abs=0.01)
    assert max(widths_mm) == pytest.approx(6.0, abs=0.01)
    areas_m2 = [defect.area_m2 for defect in rust]
    assert min(areas_m2) == pytest.approx(5e-4, rel=0.3)
    assert max(areas_m2) == pytest.approx(0.1, rel=0.3)


def test_crack_areas_are_their_widths_along_their_length(truth: DemoTruth) -> None:
    for defect in truth.defects:
        if defect.kind == "crack" and defect.centreline_m is not None:
            lines = zip(defect.centreline_m.geoms, defect.widths_mm, strict=True)
            steps = [
                (
                    np.linalg.norm(np.diff(shapely.get_coordinates(line), axis=0), axis=1),
                    np.array(width) / 1000,
                )
                for line, width in lines
            ]
            length_m = sum(step.sum() for step, _ in steps) / truth.grid_scale
            area_m2 = sum((step * (width[1:] + width[:-1]) / 2).sum() for step, width in steps)
            assert defect.length_m == pytest.approx(length_m, rel=1e-4)
            assert defect.area_m2 == pytest.approx(area_m2, rel=0.06)


def test_metadata_read_like_a_drones(flight: Path, truth: DemoTruth) -> None:
    to_grid = Transformer.from_crs(4326, truth.epsg, always_xy=True)
    for photo in truth.photos:
        path = flight / "images" / photo.photo
        with Image.open(path) as picture:
            assert picture.size == (photo.width_px, photo.height_px)
            exif = picture.getexif()
        detail, gps = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
        assert (exif[0x010F], exif[0x0110], exif[0x0112]) == ("DJI", "M3E", 1)
        assert "Tenken" in exif[0x0131]
        assert "not a photograph" in exif[0x010E]
        assert (float(detail[0x920A]), detail[0xA405]) == (29.9, 162)
        assert re.fullmatch(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", detail[0x9003])
        packet = path.read_bytes().decode("utf-8", errors="replace")
        xmp = dict(re.findall(r'drone-dji:(\w+)="([^"]*)"', packet))
        latitude_deg, longitude_deg = float(xmp["GpsLatitude"]), float(xmp["GpsLongitude"])
        assert re.fullmatch(r"[+-]\d+\.\d{9}", xmp["GpsLatitude"])
        for tag, expected in ((2, latitude_deg), (4, longitude_deg)):
            degrees, minutes, seconds = (float(value) for value in gps[tag])
            assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(expected, abs=5e-8)
        assert (gps[1], gps[3], gps[5]) == ("N", "E", b"\x00")
        assert float(gps[6]) == pytest.approx(float(xmp["AbsoluteAltitude"]), abs=0.001)
        assert float(xmp["CalibratedFocalLength"]) == photo.focal_px
        assert xmp["RtkFlag"] == "50"
        apart = abs((float(xmp["FlightYawDegree"]) - float(xmp["GimbalYawDegree"]) + 180) % 360 - 180)
        assert apart > 20
        written_m = np.array([*to_grid.transform(longitude_deg, latitude_deg), float(xmp["AbsoluteAltitude"])])
        error_m = np.abs(written_m - np.array(photo.camera_xyz_m))
        assert (error_m < 4 * np.array([0.01, 0.01, 0.02])).all()
        assert error_m.max() > 0.0005


def test_written_gimbal_angles_point_where_the_camera_looked(flight: Path, truth: DemoTruth) -> None:
    axes = np.array([photo.camera_to_grid for photo in truth.photos])
    assert np.allclose(axes.transpose(0, 2, 1) @ axes, np.eye(3), atol=1e-9)
    assert np.allclose(np.linalg.det(axes), 1.0)
    convergence_deg = (140.1063 - 141.0) * np.sin(np.radians(35.6073))
    for photo, turned in zip(truth.photos, axes, strict=True):
        packet = (flight / "images" / photo.photo).read_bytes().decode("utf-8", errors="replace")
        xmp = dict(re.findall(r'drone-dji:(\w+)="([^"]*)"', packet))
        up_in_picture = -turned[:, 1]
        heading_deg = np.degrees(np.arctan2(up_in_picture[0], up_in_picture[1])) + convergence_deg
        written_deg = float(xmp["GimbalYawDegree"]) + float(xmp["GimbalRollDegree"])
        assert abs((heading_deg - written_deg + 180) % 360 - 180) < 0.3
        tilt_deg = np.degrees(np.arccos(-turned[2, 2]))
        assert tilt_deg == pytest.approx(90 + float(xmp["GimbalPitchDegree"]), abs=0.25)


def test_assets_are_rfc_7946(flight: Path) -> None:
    collection = json.loads((flight / "assets.geojson").read_text(encoding="utf-8"))
    assert set(collection) == {"type", "features"}
    materials = set()
    for feature in collection["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        polygon = shapely.Polygon(ring)
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        assert polygon.distance(shapely.Point(140.1063, 35.6073)) < 1e-4
        assert all(round(value, 9) == value for place in ring for value in place)
        materials.add(feature["properties"]["material"])
        assert {"asset_id", "name", "material", "element", "under", "detour"} <= set(feature["properties"])
    assert materials == {"RC", "steel"}


def test_defects_lie_on_their_assets_and_on_the_surface_model(flight: Path, truth: DemoTruth) -> None:
    to_grid = Transformer.from_crs(4326, truth.epsg, always_xy=True)
    collection = json.loads((flight / "assets.geojson").read_text(encoding="utf-8"))
    assets = {
        feature["properties"]["asset_id"]: shapely.Polygon(
            [to_grid.transform(*place) for place in feature["geometry"]["coordinates"][0]]
        )
        for feature in collection["features"]
    }
    with rasterio.open(flight / "surface.tif") as surface:
        assert surface.crs.to_epsg() == truth.epsg
        for defect in truth.defects:
            place = shapely.point_on_surface(shapely.force_2d(defect.outline_m))
            holders = {name for name, asset in assets.items() if asset.buffer(0.001).covers(place)}
            assert holders & set(defect.asset_ids) or defect.what == "expansion joint"
            (height_m,) = next(surface.sample([(place.x, place.y)]))
            assert height_m == pytest.approx(truth.surface_height_m[defect.surface], abs=1e-4)
            assert shapely.get_coordinates(defect.outline_m, include_z=True)[0, 2] == pytest.approx(height_m, abs=1e-4)


def test_masks_cover_their_outlines_and_keep_thin_cracks_whole(truth: DemoTruth) -> None:
    seen = {(defect.id, sighting.photo): sighting for defect in truth.defects for sighting in defect.sightings}
    for photo in truth.photos:
        masks = photo_masks(truth, photo.photo)
        assert {mask.kind for mask in masks} <= {"crack", "corrosion"}
        for mask in masks:
            left, top, right, bottom = mask.xyxy_px
            sighting = seen[mask.defect_id, photo.photo]
            assert mask.mask.shape == (bottom - top, right - left)
            assert 0 <= left < right <= photo.width_px
            assert 0 <= top < bottom <= photo.height_px
            if mask.kind == "corrosion" and sighting.outline_px.area > 400:
                assert mask.mask.sum() == pytest.approx(sighting.outline_px.area, rel=0.02)
            elif sighting.centreline_px is not None:
                pieces = label(mask.mask, np.ones((3, 3)))[1]
                expected = len(shapely.get_parts(shapely.line_merge(shapely.node(sighting.centreline_px))))
                assert pieces <= expected


def test_distractors_are_masks_only_when_asked_for(truth: DemoTruth) -> None:
    name = truth.photos[2].photo
    assert all(mask.kind == "distractor" for mask in photo_masks(truth, name, kinds=("distractor",)))
    assert len(photo_masks(truth, name, kinds=("distractor",))) >= 3


def test_equal_seeds_give_equal_bytes_with_any_number_of_threads(
    small_flight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    told: list[tuple[str, int, int]] = []
    make_demo_flight(
        tmp_path,
        photos=2,
        width_px=500,
        height_px=375,
        progress=lambda stage, done, total: told.append((stage, done, total)),
    )
    assert told == [("scene", 0, 1), ("scene", 1, 1), ("photos", 0, 2), ("photos", 1, 2), ("photos", 2, 2)]
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) == 5
    for file in files:
        assert (tmp_path / file).read_bytes() == (small_flight / file).read_bytes(), file


def test_another_seed_gives_another_bridge_with_the_same_kinds_of_defects(
    truth: DemoTruth, other_bridge: DemoTruth
) -> None:
    first, second = truth, other_bridge
    assert [defect.id for defect in first.defects] == [defect.id for defect in second.defects]
    crack, other = first.defects[0], second.defects[0]
    assert crack.outline_m != other.outline_m
    assert crack.width_median_mm == pytest.approx(other.width_median_mm)


def test_size_of_the_photos_changes_the_resolution_and_nothing_else(small_flight: Path, truth: DemoTruth) -> None:
    small = read_truth(small_flight)
    for coarse, fine in zip(small.photos, truth.photos, strict=False):
        assert coarse.camera_xyz_m == fine.camera_xyz_m
        assert coarse.ground_resolution_mm == pytest.approx(4 * fine.ground_resolution_mm, rel=1e-6)
    for coarse_defect, fine_defect in zip(small.defects, truth.defects, strict=True):
        assert coarse_defect.outline_m == fine_defect.outline_m
        assert coarse_defect.widths_mm == fine_defect.widths_mm


def test_truth_is_read_back_as_written_and_unknown_keys_are_refused(small_flight: Path, tmp_path: Path) -> None:
    text = (small_flight / "truth.json").read_text(encoding="utf-8")
    record = json.loads(text)
    record["guess"] = 1
    (tmp_path / "truth.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(FlightError, match=r"truth\.json: guess"):
        read_truth(tmp_path)
    with pytest.raises(FlightError, match="make the demo flight again"):
        read_truth(tmp_path / "nowhere")


def test_outlines_are_valid_polygons(truth: DemoTruth) -> None:
    for defect in truth.defects:
        assert defect.outline_m.is_valid, defect.id
        assert all(sighting.outline_px.is_valid for sighting in defect.sightings), defect.id


@pytest.mark.parametrize(("photos", "width_px"), [(0, 500), (1, 10)])
def test_a_flight_without_pictures_is_refused(tmp_path: Path, photos: int, width_px: int) -> None:
    with pytest.raises(SettingsError, match="at least 1 photo"):
        make_demo_flight(tmp_path / "none", photos=photos, width_px=width_px, height_px=400)
    assert not (tmp_path / "none").exists()
