"""GeoJSON as RFC 7946 wants it, and the repair list as a spreadsheet takes it."""

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from shapely import LinearRing, MultiPolygon, Polygon
from shapely.geometry import shape

from tenken.inspection import Inspection
from tenken.outputs import Review, write_geojson, write_segments_csv
from tenken.outputs.geojson import feature_collection
from tenken.outputs.layers import Layer
from tenken.outputs.segments_csv import safe_text


@pytest.fixture
def collections(tmp_path: Path, bridge: Inspection) -> dict[str, Any]:
    write_geojson(tmp_path, bridge, "ja")
    return {
        name: json.loads((tmp_path / f"{name}.geojson").read_text(encoding="utf-8")) for name in ("defects", "segments")
    }


def rings(collection: dict[str, Any]) -> list[tuple[int, list[list[float]]]]:
    return [
        (index, ring)
        for feature in collection["features"]
        if feature["geometry"] is not None
        for polygon in feature["geometry"]["coordinates"]
        for index, ring in enumerate(polygon)
    ]


def test_geojson_is_lon_lat_without_a_crs_member(collections: dict[str, Any]) -> None:
    for collection in collections.values():
        assert collection["type"] == "FeatureCollection"
        assert "crs" not in collection
        for _, ring in rings(collection):
            for lon_deg, lat_deg in ring:
                assert lon_deg == pytest.approx(140.1063, abs=0.001)
                assert lat_deg == pytest.approx(35.6073, abs=0.001)


def test_rings_are_closed_and_outer_ones_run_counter_clockwise(collections: dict[str, Any]) -> None:
    for collection in collections.values():
        assert rings(collection)
        for index, ring in rings(collection):
            assert ring[0] == ring[-1]
            assert LinearRing(ring).is_ccw == (index == 0)


def test_a_crack_keeps_its_shape_to_a_tenth_of_a_millimetre(collections: dict[str, Any], bridge: Inspection) -> None:
    back = Transformer.from_crs(4326, 6677, always_xy=True)
    written = {one["id"]: one["geometry"] for one in collections["defects"]["features"]}
    for defect in bridge.defects:
        if defect.outline_m is None:
            assert written[defect.id] is None
            continue
        degrees = shape(written[defect.id])
        assert isinstance(degrees, MultiPolygon)
        metres = MultiPolygon(
            [Polygon([back.transform(lon, lat) for lon, lat in part.exterior.coords]) for part in degrees.geoms]
        )
        assert metres.hausdorff_distance(defect.outline_m) < 0.0002


def test_every_defect_is_a_feature_even_without_a_place(collections: dict[str, Any]) -> None:
    ids = [one["id"] for one in collections["defects"]["features"]]
    assert ids == ["C-0001", "C-0002", "C-0003", "R-0001"]
    unplaced = collections["defects"]["features"][2]
    assert unplaced["geometry"] is None
    assert unplaced["properties"]["width_status"] == "no_scale"
    assert unplaced["properties"]["length_m"] is None


def test_the_web_map_tells_the_condition_of_rust(collections: dict[str, Any]) -> None:
    states = {one["id"]: one["properties"]["condition_state"] for one in collections["defects"]["features"]}
    assert states == {"C-0001": None, "C-0002": None, "C-0003": None, "R-0001": "severe"}
    areas = [one["properties"]["severe_corrosion_area_m2"] for one in collections["segments"]["features"]]
    assert areas == [0.4581, None, None]


def test_files_are_byte_equal_in_whatever_order_things_were_found(tmp_path: Path, bridge: Inspection) -> None:
    turned = dataclasses.replace(bridge, defects=bridge.defects[::-1], findings=bridge.findings[::-1])
    contents = []
    for number, inspection in enumerate((bridge, turned)):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_geojson(folder, inspection, "en", reviews={"C-0001": Review("confirmed", None)})
        write_segments_csv(folder / "segments.csv", inspection)
        contents.append({one.name: one.read_bytes() for one in folder.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {
        "defects.geojson", "defects.qml", "segments.geojson", "segments.qml", "segments.csv",
    }  # fmt: skip
    assert not any(b"\r" in content for name, content in contents[0].items() if name != "segments.csv")


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 50)), min_size=3, max_size=9, unique=True).map(Polygon))
def test_any_outline_gives_valid_rings_or_nothing(polygon: Polygon) -> None:
    if not polygon.is_valid or polygon.area < 1e-4:
        return
    here = Polygon([(24730 + x, -43533 + y) for x, y in polygon.exterior.coords])
    layer = Layer("x", "MultiPolygon", {"id": "text"}, ((MultiPolygon([here]), ("1",)),))
    (feature,) = json.loads(feature_collection(layer, CRS.from_epsg(6677), "id"))["features"]
    for part in feature["geometry"]["coordinates"]:
        assert LinearRing(part[0]).is_ccw
        assert Polygon(part[0], part[1:]).is_valid


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_the_repair_list_opens_in_a_japanese_spreadsheet(tmp_path: Path, bridge: Inspection) -> None:
    path = tmp_path / "segments.csv"
    write_segments_csv(path, bridge)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfsegment_id,asset_id,name,material,grade,rank,priority,reasons,")
    assert content.count(b"\n") == content.count(b"\r\n") == 4
    assert [row["name"] for row in table(path)][::2] == ["千葉橋 第1径間", "千葉橋 第3径間"]


def test_ranks_come_first_and_the_not_assessed_last(tmp_path: Path, bridge: Inspection) -> None:
    path = tmp_path / "segments.csv"
    write_segments_csv(path, dataclasses.replace(bridge, findings=bridge.findings[::-1]))
    listed = table(path)
    assert [(row["rank"], row["assessed"]) for row in listed] == [("1", "true"), ("2", "true"), ("", "false")]
    assert [row["crack_length_m"] for row in listed] == ["4.07", "0.0", ""]
    assert float(listed[0]["latitude"]) == pytest.approx(35.60732, abs=1e-5)


@pytest.mark.parametrize("name", ["=1+1", "+81", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1+1", "＝1+1"])
def test_no_name_becomes_a_formula(name: str) -> None:
    assert safe_text(name) == f"'{name}"


@pytest.mark.parametrize("name", ["千葉橋 第1径間", "No.3-4", "", "1=1"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert safe_text(name) == name
