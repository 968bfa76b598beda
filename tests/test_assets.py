"""Assets files as road administrators have them: any CRS, Japanese columns, old Shapefiles."""

import contextlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import CRS, Transformer

from tenken.errors import AssetsError
from tenken.structure.assets import Asset, near_assets, read_assets
from tenken.structure.segments import make_segments

CHIBA = CRS.from_epsg(6677)
EAST_M, NORTH_M = 24730.677, -43533.516
"""140.1063 E, 35.6073 N in EPSG:6677."""


def square(east_m: float = EAST_M, north_m: float = NORTH_M, side_m: float = 10.0) -> shapely.Polygon:
    return shapely.box(east_m, north_m, east_m + side_m, north_m + side_m)


def write(
    path: Path,
    geometries: list[Any],
    columns: Mapping[str, list[Any]] | None = None,
    *,
    crs: str | None = "EPSG:6677",
    geometry_type: str = "Polygon",
    **options: Any,
) -> Path:
    columns = columns or {}
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(g) for g in geometries], dtype=object),
        [np.array(values, dtype=object if isinstance(values[0], str | None) else None) for values in columns.values()],
        list(columns),
        geometry_type=geometry_type,
        crs=crs,
        **options,
    )
    return path


def geojson(path: Path, *features: dict[str, Any], **members: Any) -> Path:
    rows = [{"type": "Feature", "properties": {}, **feature} for feature in features]
    text = json.dumps({"type": "FeatureCollection", "features": rows, **members}, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path


def in_degrees(geometry: Any) -> Any:
    to_degrees = Transformer.from_crs(CHIBA, CRS.from_epsg(4326), always_xy=True)
    return shapely.transform(geometry, lambda xy: np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])))


@pytest.mark.parametrize("name", ["bridges.gpkg", "bridges.shp", "橋 梁.geojson"])
def test_every_format_gives_the_same_assets(tmp_path: Path, name: str) -> None:
    crs = "EPSG:4326" if name.endswith("geojson") else "EPSG:6677"
    area = in_degrees(square()) if crs == "EPSG:4326" else square()
    path = write(tmp_path / name, [area], {"asset_id": ["B1"], "name": ["千鳥橋"], "material": ["RC"]}, crs=crs)

    (asset,) = read_assets(path, CHIBA)

    assert (asset.asset_id, asset.name, asset.material) == ("B1", "千鳥橋", "RC")
    assert asset.geometry.symmetric_difference(square()).area < 1e-3


@pytest.mark.parametrize(
    ("word", "material"),
    [
        ("鉄筋コンクリート", "RC"),
        ("ＲＣ", "RC"),
        ("pc", "PC"),
        ("鋼", "steel"),
        ("耐候性鋼", "weathering_steel"),
        ("アスファルト", "asphalt"),
        ("不明", None),
        ("コンクリート", None),
        ("", None),
        ("石", "石"),
    ],
)
def test_materials_are_understood_in_both_languages_and_others_kept(
    tmp_path: Path, word: str, material: str | None
) -> None:
    path = write(tmp_path / "a.gpkg", [square()], {"材料": [word]})
    assert read_assets(path, CHIBA)[0].material == material


@pytest.mark.parametrize(("word", "element"), [("床版", "deck"), ("主桁", "girder"), ("親柱", "親柱"), ("", None)])
def test_elements_are_understood_and_others_kept(tmp_path: Path, word: str, element: str | None) -> None:
    path = write(tmp_path / "a.gpkg", [square()], {"部材": [word]})
    assert read_assets(path, CHIBA)[0].element == element


@pytest.mark.parametrize("column", ["exposure", "露出クラス"])
def test_the_exposure_class_reaches_every_segment(tmp_path: Path, column: str) -> None:
    path = write(tmp_path / "a.gpkg", [square()], {column: ["XC4"]})
    segments = make_segments(read_assets(path, CHIBA), shapely.Polygon(), segment_length_m=4.0)
    assert len(segments) > 1
    assert {segment.exposure for segment in segments} == {"XC4"}


@pytest.mark.parametrize(
    "names",
    [
        ("路下条件", "代替路の有無", "自専道/一般道", "緊急輸送道路", "占用物件"),
        ("under", "detour", "road_class", "emergency_route", "utilities"),
    ],
)
@pytest.mark.parametrize("suffix", ["gpkg", "shp"])
def test_importance_inputs_survive_even_names_cut_by_shapefiles(
    tmp_path: Path, names: tuple[str, ...], suffix: str
) -> None:
    columns = {name: [f"値{i}"] for i, name in enumerate(names)}
    with pytest.warns(RuntimeWarning) if suffix == "shp" else contextlib.nullcontext():
        path = write(tmp_path / f"a.{suffix}", [square()], columns)
    assert read_assets(path, CHIBA)[0].importance == {
        "路下条件": "値0",
        "代替路の有無": "値1",
        "自専道/一般道": "値2",
        "緊急輸送道路": "値3",
        "占用物件": "値4",
    }


@pytest.mark.parametrize("keep_cpg", [True, False])
@pytest.mark.parametrize("encoding", ["CP932", "UTF-8"])
def test_japanese_shapefiles_are_read_whether_they_state_their_encoding_or_not(
    tmp_path: Path, encoding: str, keep_cpg: bool
) -> None:
    path = write(tmp_path / "a.shp", [square()], {"橋梁名": ["千鳥橋（上り）"], "材質": ["鋼"]}, encoding=encoding)
    if not keep_cpg:
        path.with_suffix(".cpg").unlink()
        table = bytearray(path.with_suffix(".dbf").read_bytes())
        table[29] = 0
        path.with_suffix(".dbf").write_bytes(table)
    (asset,) = read_assets(path, CHIBA)
    assert (asset.name, asset.material) == ("千鳥橋（上り）", "steel")


def test_lines_keep_their_width_and_numbers_become_text_without_decimals(tmp_path: Path) -> None:
    line = shapely.LineString([(EAST_M, NORTH_M), (EAST_M + 30, NORTH_M)])
    path = write(
        tmp_path / "a.gpkg", [line], {"id": [12.0], "幅員": [8.5]}, geometry_type="LineString"
    )  # fmt: skip
    (asset,) = read_assets(path, CHIBA)
    assert (asset.asset_id, asset.name, asset.width_m) == ("12", "12", 8.5)
    assert asset.geometry.length == pytest.approx(30)


def test_without_ids_features_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [square(), square(EAST_M + 20)])
    assert [asset.asset_id for asset in read_assets(path, CHIBA)] == ["asset-1", "asset-2"]


def test_a_crossed_outline_is_mended_and_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bow_tie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    path = write(tmp_path / "a.gpkg", [shapely.affinity.translate(bow_tie, EAST_M, NORTH_M)])
    with caplog.at_level(logging.WARNING):
        (asset,) = read_assets(path, CHIBA)
    assert asset.geometry.is_valid
    assert asset.geometry.area == pytest.approx(50)
    assert "feature 1" in caplog.text


def test_one_of_several_layers_is_named_as_qgis_does(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write(path, [square()], {"name": ["床版"]}, layer="decks")
    write(path, [square()], {"name": ["橋脚"]}, layer="piers", append=True)
    assert read_assets(Path(f"{path}|layername=piers"), CHIBA)[0].name == "橋脚"
    with pytest.raises(AssetsError, match=r"decks, piers.*\|layername=decks"):
        read_assets(path, CHIBA)
    with pytest.raises(AssetsError, match="no layer 'roads'"):
        read_assets(Path(f"{path}|layername=roads"), CHIBA)


def _metres_as_degrees(folder: Path) -> Path:
    return geojson(folder / "a.geojson", {"geometry": shapely.geometry.mapping(square())})


def _degrees_as_metres(folder: Path) -> Path:
    return write(folder / "a.gpkg", [in_degrees(square())])


def _exchanged(folder: Path) -> Path:
    swapped = shapely.transform(in_degrees(square()), lambda xy: xy[:, ::-1])
    return geojson(folder / "a.geojson", {"geometry": shapely.geometry.mapping(swapped)})


def _no_prj(folder: Path) -> Path:
    path = write(folder / "a.shp", [square()])
    path.with_suffix(".prj").unlink()
    return path


def _no_geometry(folder: Path) -> Path:
    good = {"geometry": shapely.geometry.mapping(in_degrees(square()))}
    return geojson(folder / "a.geojson", good, {"geometry": None})


def _point(folder: Path) -> Path:
    return geojson(folder / "a.geojson", {"geometry": {"type": "Point", "coordinates": [140.1, 35.6]}})


def _flat_polygon(folder: Path) -> Path:
    flat = shapely.Polygon([(140.1, 35.6), (140.2, 35.6), (140.1, 35.6), (140.1, 35.6)])
    return geojson(folder / "a.geojson", {"geometry": shapely.geometry.mapping(flat)})


def _same_ids(folder: Path) -> Path:
    return write(folder / "a.gpkg", [square(), square()], {"asset_id": ["B1", "B1"]})


def _missing_id(folder: Path) -> Path:
    return write(folder / "a.gpkg", [square(), square()], {"asset_id": ["B1", None]})


def _wide(folder: Path) -> Path:
    return write(folder / "a.gpkg", [square()], {"width_m": ["8.5 m"]})


def _empty(folder: Path) -> Path:
    return geojson(folder / "a.geojson")


def _text(folder: Path) -> Path:
    (folder / "a.geojson").write_text("not a map", encoding="utf-8")
    return folder / "a.geojson"


def _nothing_in_it(folder: Path) -> Path:
    (folder / "a.gpkg").write_bytes(b"")
    return folder / "a.gpkg"


def _missing(folder: Path) -> Path:
    return folder / "a.gpkg"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_metres_as_degrees, "feature 1 has coordinates that are no degrees"),
        (_degrees_as_metres, "feature 1 has coordinates that look like degrees"),
        (_exchanged, "feature 1 has coordinates that are no degrees.*longitude first"),
        (_no_prj, "no coordinate reference system; put a .prj"),
        (_no_geometry, "feature 2 has no geometry"),
        (_point, "feature 1 is a Point; assets must be polygons or lines"),
        (_flat_polygon, "feature 1 is a polygon without area"),
        (_same_ids, "features 1 and 2 have the same id 'B1'"),
        (_missing_id, "feature 2 has no id"),
        (_wide, "feature 1 has width '8.5 m'"),
        (_empty, "holds no features"),
        (_text, "cannot be read as GeoJSON"),
        (_nothing_in_it, "cannot be read as GeoJSON"),
        (_missing, "no such file"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_with_file_and_remedy(tmp_path: Path, make: Any, says: str) -> None:
    path = make(tmp_path)
    with pytest.raises(AssetsError, match=says) as refused:
        read_assets(path, CHIBA)
    assert path.name in str(refused.value)
    assert "\n" not in str(refused.value)


def asset_at(east_m: float, north_m: float) -> Asset:
    return Asset("B1", "B1", None, None, shapely.MultiPolygon([square(east_m, north_m)]), None, {})


def test_assets_with_exchanged_axes_lie_far_from_the_photos_and_are_refused() -> None:
    with pytest.raises(AssetsError, match=r"97 km away from the photos; check the file's CRS"):
        near_assets((asset_at(NORTH_M, EAST_M),), square(), Path("a.gpkg"))


def test_of_a_citys_file_only_the_assets_at_hand_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    here, there = asset_at(EAST_M + 50, NORTH_M), asset_at(EAST_M + 5000, NORTH_M)
    with caplog.at_level(logging.WARNING):
        assert near_assets((here, there), square(), Path("city.gpkg")) == (here,)
    assert "1 of 2 assets" in caplog.text
