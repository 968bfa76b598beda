"""Faces in an assets file: in Japanese and English words, in plan and in space, and what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import CRS, Transformer
from shapely import LineString, Point, Polygon

from tenken.errors import AssetsError
from tenken.georeferencing.pipe import Pipe
from tenken.georeferencing.underside import Underside
from tenken.georeferencing.vertical_face import VerticalFace
from tenken.structure.assets import Asset, read_assets
from tenken.structure.segments import Segment, make_segments

CHIBA = CRS.from_epsg(6677)
EAST_M, NORTH_M = 24730.677, -43533.516


def there(*points: tuple[float, ...]) -> list[list[float]]:
    """Metres from a point in Chiba to longitude and latitude, heights as they are."""
    to_degrees = Transformer.from_crs(CHIBA, CRS.from_epsg(4326), always_xy=True)
    return [[*to_degrees.transform(EAST_M + x, NORTH_M + y), *z] for x, y, *z in points]


def line(*points: tuple[float, ...]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": there(*points)}


def area(*points: tuple[float, ...]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [there(*points, points[0])]}


def point(*at: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": there(at)[0]}


WALL = line((0, 0), (24, 0))
SLAB = area((0, 0), (20, 0), (20, 8), (0, 8))


def file_with(folder: Path, *features: tuple[dict[str, Any], dict[str, Any]]) -> Path:
    rows = [
        {"type": "Feature", "geometry": geometry, "properties": {"asset_id": f"F{number}", **columns}}
        for number, (geometry, columns) in enumerate(features, 1)
    ]
    path = folder / "faces.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}, ensure_ascii=False), encoding="utf-8")
    return path


def only(folder: Path, geometry: dict[str, Any], **columns: Any) -> Asset:
    (asset,) = read_assets(file_with(folder, (geometry, columns)), CHIBA)
    return asset


def segments(folder: Path, geometry: dict[str, Any], **columns: Any) -> tuple[Segment, ...]:
    return make_segments([only(folder, geometry, **columns)], shapely.Point(), lang="ja")


@pytest.mark.parametrize(
    "columns",
    [
        {"face": "vertical", "bottom_m": 1, "top_m": 7.5},
        {"面": "側面", "下端高": "1", "上端高": "7.5"},
        {"Face": "WALL", "bottom_m": "１", "top_m": "7.5"},
    ],
)
def test_a_vertical_face_is_read_in_both_languages(tmp_path: Path, columns: dict[str, Any]) -> None:
    face = only(tmp_path, WALL, **columns).face
    assert isinstance(face, VerticalFace)
    assert (face.bottom_m, face.top_m, face.side) == (1.0, 7.5, "both")
    # Grids stretch: on the ground the line is as long as its grid length over the scale there.
    assert face.starts_m[-1] == pytest.approx(24.0 / face.frame.grid_scale, abs=1e-6)
    assert face.frame.grid_scale == pytest.approx(0.9999, abs=2e-4)


def test_heights_come_from_a_line_drawn_in_space(tmp_path: Path) -> None:
    face = only(tmp_path, line((0, 0, 2.0), (24, 0, 9.0)), face="vertical").face
    assert isinstance(face, VerticalFace)
    assert (face.bottom_m, face.top_m) == (2.0, 9.0)
    told = only(tmp_path, line((0, 0, 2.0), (24, 0, 2.0)), face="vertical", top_m=6.0).face
    assert isinstance(told, VerticalFace)
    assert (told.bottom_m, told.top_m) == (2.0, 6.0)


def test_a_wall_may_be_drawn_as_a_polygon_that_stands_upright(tmp_path: Path) -> None:
    standing = area((0, 0, 1), (12, 0, 1), (12, 0, 6), (0, 0, 6))
    face = only(tmp_path, standing, face="側面").face
    assert isinstance(face, VerticalFace)
    assert face.outline.bounds == pytest.approx((0, 1, 12, 6), abs=0.01)


def test_a_pier_drawn_as_a_polygon_is_a_face_all_round_seen_from_outside(tmp_path: Path) -> None:
    clockwise = area((0, 0), (0, 2), (4, 2), (4, 0))
    face = only(tmp_path, clockwise, face="vertical", bottom_m=0, top_m=8).face
    assert isinstance(face, VerticalFace)
    assert face.is_ring
    assert face.side == "right"
    assert face.starts_m[-1] == pytest.approx(12.0, abs=0.01)
    # Who goes round has the outside on the right.
    assert shapely.is_ccw(LineString(face.corners_m))


def test_an_underside_lies_level_or_as_its_corners_do(tmp_path: Path) -> None:
    level = only(tmp_path, SLAB, face="下面", 面高=6.5).face
    assert isinstance(level, Underside)
    assert level.height_m == 6.5
    sloped = only(tmp_path, area((0, 0, 6), (20, 0, 6.4), (20, 8, 6.4), (0, 8, 6)), face="underside").face
    assert isinstance(sloped, Underside)
    middle = sloped.place(np.array([[EAST_M + 10, NORTH_M + 4]]))[0]
    assert middle[2] == pytest.approx(6.2)


def test_a_pipe_has_an_axis_and_a_diameter(tmp_path: Path) -> None:
    face = only(tmp_path, line((0, 0), (30, 0)), face="管", 面高=5.0, 管径=1.2).face
    assert isinstance(face, Pipe)
    assert face.radius_m == pytest.approx(0.6)
    rising = only(tmp_path, line((0, 0, 5), (3, 0, 9)), face="pipe", radius_m=0.4).face
    assert isinstance(rising, Pipe)
    assert rising.starts_m[-1] == pytest.approx(5.0, abs=0.001)


def test_a_round_pier_is_a_point(tmp_path: Path) -> None:
    face = only(tmp_path, point(3, 4), face="円柱", bottom_m=0, top_m=9, diameter_m=2).face
    assert isinstance(face, Pipe)
    assert face.outline.area == pytest.approx(2 * np.pi * 9)
    assert only(tmp_path, point(3, 4, 1.0), face="円柱", top_m=9, diameter_m=2).face is not None


def test_what_says_nothing_of_faces_is_seen_from_above_as_before(tmp_path: Path) -> None:
    path = file_with(tmp_path, (SLAB, {"face": ""}), (SLAB, {"face": "平面"}), (SLAB, {"face": None}), (WALL, {}))
    assert [asset.face for asset in read_assets(path, CHIBA)] == [None] * 4


def test_a_shapefile_with_heights_is_read(tmp_path: Path) -> None:
    import pyogrio

    path = tmp_path / "walls.shp"
    standing = LineString([(EAST_M, NORTH_M, 1.0), (EAST_M + 12, NORTH_M, 6.0)])
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(standing, output_dimension=3)], dtype=object),
        [np.array(["側面"], dtype=object)],
        ["face"],
        geometry_type="LineString Z",
        crs="EPSG:6677",
    )
    (asset,) = read_assets(path, CHIBA)
    assert isinstance(asset.face, VerticalFace)
    assert (asset.face.bottom_m, asset.face.top_m) == (1.0, 6.0)


def test_faces_are_cut_by_chainage_and_named_by_it_and_the_face(tmp_path: Path) -> None:
    cut = segments(tmp_path, WALL, face="側面", name="A1橋台", bottom_m=0, top_m=6)
    assert [one.name for one in cut] == [
        "A1橋台 側面 No.0+0 (0-10 m)",
        "A1橋台 側面 No.0+10 (10-20 m)",
        "A1橋台 側面 No.1+0 (20-24 m)",
    ]
    assert {one.face for one in cut} == {"F1"}
    assert [one.geometry.bounds for one in cut[:2]] == [(0, 0, 10, 6), (10, 0, 20, 6)]
    round_about = segments(tmp_path, line((0, 0), (30, 0)), face="管", name="水管橋", 面高=5.0, 管径=1.0)
    assert len(round_about) == 3
    assert round_about[0].geometry.area == pytest.approx(10 * np.pi)
    (named,) = segments(tmp_path, line((0, 0), (8, 0)), face="側面", name="P1起点側面", bottom_m=0, top_m=6)
    assert named.name == "P1起点側面"


@pytest.mark.parametrize(
    ("geometry", "columns", "says"),
    [
        (WALL, {"face": "斜面"}, r"has face '斜面'; give vertical \(側面\), underside \(下面\), pipe \(管\)"),
        (WALL, {"face": "vertical"}, "without bottom_m; fill bottom_m and top_m"),
        (WALL, {"face": "vertical", "bottom_m": 2}, "without top_m"),
        (line((0, 0, 2), (9, 0, 2)), {"face": "vertical"}, "without top_m"),
        (WALL, {"face": "vertical", "bottom_m": 8, "top_m": 2}, r"its bottom \(8 m\) is not below its top"),
        (WALL, {"face": "vertical", "bottom_m": "2 m", "top_m": 8}, "has bottom_m '2 m'; give metres"),
        (WALL, {"face": "vertical", "bottom_m": 1, "top_m": 8, "side": "上"}, "has side '上'; give both"),
        (point(0, 0), {"face": "vertical", "bottom_m": 1, "top_m": 8}, "and a Point; draw a line"),
        (WALL, {"face": "underside", "height_m": 6}, "is an underside and no polygon"),
        (SLAB, {"face": "underside"}, "without height_m"),
        (area((0, 0, 0), (9, 0, 0), (9, 4, 6), (0, 4, 6)), {"face": "underside"}, "no level or slightly sloped plane"),
        (WALL, {"face": "pipe", "height_m": 5}, "without radius_m or diameter_m"),
        (WALL, {"face": "pipe", "radius_m": 0.5}, "without height_m; fill that of its axis"),
        (WALL, {"face": "pipe", "height_m": 5, "diameter_m": -1}, "has diameter_m '-1'"),
        (SLAB, {"face": "pipe", "height_m": 5, "radius_m": 1}, "and a Polygon; draw its axis"),
        (
            {"type": "MultiLineString", "coordinates": [there((0, 0), (5, 0)), there((9, 3), (12, 3))]},
            {"face": "vertical", "bottom_m": 1, "top_m": 8},
            "2 pieces that do not join",
        ),
        (None, {"face": "vertical", "bottom_m": 1, "top_m": 8}, "feature 1 has no geometry"),
    ],
)
def test_a_wrong_face_is_refused_in_one_line_with_its_feature_and_a_remedy(
    tmp_path: Path, geometry: Any, columns: dict[str, Any], says: str
) -> None:
    path = file_with(tmp_path, (geometry, columns))
    with pytest.raises(AssetsError, match=says) as refused:
        read_assets(path, CHIBA)
    text = str(refused.value)
    assert "faces.geojson: feature 1" in text
    assert "\n" not in text


def test_the_plan_of_a_face_lies_where_it_is_drawn(tmp_path: Path) -> None:
    plan = only(tmp_path, WALL, face="vertical", bottom_m=0, top_m=6).geometry
    assert plan.distance(Point(EAST_M + 12, NORTH_M)) == 0
    assert plan.area == pytest.approx(24.1 * 0.1, rel=0.01)
    slab = only(tmp_path, SLAB, face="underside", height_m=6).geometry
    assert slab.symmetric_difference(Polygon(shapely.box(EAST_M, NORTH_M, EAST_M + 20, NORTH_M + 8))).area < 0.01
