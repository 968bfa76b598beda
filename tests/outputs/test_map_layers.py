"""The GeoPackage: what others may rely on, and what QGIS finds in it."""

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import CRS

from tenken.inspection import Inspection
from tenken.outputs import Review, carry_reviews, read_reviews, write_layers
from tenken.outputs.layers import all_layers
from tenken.outputs.qgis.widgets import NULL
from tenken.outputs.reviews import EarlierReview, keep_lost_reviews
from tenken.wording import words

PROMISED = {
    "defects": "id kind score segment_id length_m width_mm width_low_mm width_high_mm width_status area_m2 "
    "gsd_mm position_error_m grade grade_candidates standard sightings photo photo_sha256 weights_sha256 "
    "review review_note",
    "segments": "segment_id asset_id name material grade rank priority reasons defects crack_length_m "
    "max_width_mm corrosion_area_m2 corrosion_pct seen_fraction assessed",
    "sightings": "sighting_id defect_id photo kind score outline_px centreline_px length_px width_px gsd_mm",
    "photos": "photo sha256 camera gsd_mm smallest_crack_mm usable reason",
    "crack_lines": "defect_id",
    "coverage": "segment_id",
}
TABLES = ("segment_photos", "run")
GEOMETRY = dict.fromkeys(PROMISED, "MultiPolygon") | {"crack_lines": "MultiLineString"}


@pytest.fixture
def written(tmp_path: Path, bridge: Inspection) -> Path:
    path = tmp_path / "点検 結果.gpkg"
    write_layers(path, bridge, "ja", crops={"C-0001": "crops/C-0001.jpg"})
    return path


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


@pytest.mark.parametrize("layer", sorted(PROMISED))
def test_a_layer_starts_with_the_promised_columns_and_holds_one_geometry_type(written: Path, layer: str) -> None:
    info = pyogrio.read_info(written, layer=layer)
    promised = PROMISED[layer].split()
    assert list(info["fields"])[: len(promised)] == promised
    assert info["geometry_type"] == GEOMETRY[layer]
    assert CRS.from_user_input(info["crs"]) == CRS.from_epsg(6677)


def test_every_defect_has_a_row_and_only_placed_ones_a_geometry(written: Path) -> None:
    assert rows(written, "SELECT id, geom IS NOT NULL FROM defects ORDER BY id") == [
        ("C-0001", 1),
        ("C-0002", 1),
        ("C-0003", 0),
        ("R-0001", 1),
    ]


def test_what_is_unknown_is_null_and_neither_zero_nor_empty(written: Path) -> None:
    unplaced = "SELECT segment_id, length_m, width_mm, area_m2, gsd_mm, position_error_m, grade, review FROM defects"
    assert rows(written, f"{unplaced} WHERE id = 'C-0003'") == [(None,) * 8]
    unseen = "SELECT rank, priority, grade, crack_length_m, corrosion_area_m2, corrosion_pct FROM segments"
    assert rows(written, f"{unseen} WHERE segment_id = 's3'") == [(None,) * 6]
    assert rows(written, "SELECT crack_length_m, assessed FROM segments WHERE segment_id = 's2'") == [(0.0, 1)]
    for layer in PROMISED:
        _, _, _, columns = pyogrio.raw.read(written, layer=layer)
        texts = [value for column in columns if column.dtype == object for value in column]
        assert "" not in texts


def test_an_estimated_width_carries_its_interval_and_all_candidates(written: Path) -> None:
    query = (
        "SELECT width_mm, width_low_mm, width_high_mm, width_status, grade, grade_candidates FROM defects "
        "WHERE id = 'C-0002'"
    )
    assert rows(written, query) == [(None, 0.15, 0.34, "estimated", None, "b-c-d")]


def test_rust_has_a_condition_state_and_cracks_have_none(written: Path) -> None:
    shares = "fair_share, poor_share, severe_share"
    query = f"SELECT id, condition_state, condition_state_score, {shares} FROM defects ORDER BY id"  # noqa: S608
    assert rows(written, query) == [
        ("C-0001", None, None, None, None, None),
        ("C-0002", None, None, None, None, None),
        ("C-0003", None, None, None, None, None),
        ("R-0001", "severe", 0.739, 0.061, 0.2, 0.739),
    ]
    in_photos = "SELECT condition_state, condition_state_score FROM sightings WHERE kind = 'corrosion'"
    assert rows(written, in_photos) == [("severe", 0.739)]
    of_segments = "SELECT corrosion_area_m2, severe_corrosion_area_m2 FROM segments ORDER BY segment_id"
    assert rows(written, of_segments) == [(0.62, 0.4581), (0.0, None), (None, None)]


def test_a_sighting_can_be_drawn_in_its_photo(written: Path, bridge: Inspection) -> None:
    ((outline, centreline),) = rows(written, "SELECT outline_px, centreline_px FROM sightings WHERE sighting_id = 'v5'")
    (truth,) = next(one for one in bridge.defects if one.id == "C-0003").sightings
    assert shapely.from_wkt(outline).symmetric_difference(truth.outline_px).area < 5
    assert truth.centreline_px is not None
    assert shapely.from_wkt(centreline).equals_exact(truth.centreline_px.geoms[0], 0.01)


def test_a_flight_without_positions_keeps_all_layers_and_invents_no_place(tmp_path: Path, bridge: Inspection) -> None:
    unplaced = tuple(one for one in bridge.defects if one.outline_m is None)
    photos = tuple(dataclasses.replace(one, footprint=None) for one in bridge.photos)
    bare = dataclasses.replace(bridge, crs=None, defects=unplaced, grades={}, findings=(), photos=photos)
    path = tmp_path / "x.gpkg"
    write_layers(path, bare, "en")
    assert {name for name, _ in pyogrio.list_layers(path)} == {*PROMISED, *TABLES, "layer_styles"}
    assert rows(path, "SELECT DISTINCT srs_id FROM gpkg_geometry_columns") == [(-1,)]
    assert rows(path, "SELECT count(*), count(geom) FROM defects") == [(1, 0)]
    assert rows(path, "SELECT count(*) FROM segments") == [(0,)]


def test_an_empty_result_still_has_every_layer(tmp_path: Path, bridge: Inspection) -> None:
    empty = dataclasses.replace(bridge, defects=(), grades={}, findings=(), photos=(), skipped=())
    path = tmp_path / "x.gpkg"
    write_layers(path, empty, "ja")
    for layer in PROMISED:
        info = pyogrio.read_info(path, layer=layer)
        assert (info["features"], info["geometry_type"]) == (0, GEOMETRY[layer])


def test_the_run_table_tells_weights_standard_and_skipped_files(written: Path) -> None:
    run = dict(rows(written, "SELECT key, value FROM run"))
    assert run["weights_sha256"] == "cd" * 32
    assert run["standard_verified"] == "false"
    assert run["setting.tile_px"] == "640"
    assert run["skipped.メモ.txt"] == "写真ではない"


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_each_layer_and_table_has_exactly_one_default_style(tmp_path: Path, bridge: Inspection, lang: str) -> None:
    path = tmp_path / "x.gpkg"
    write_layers(path, bridge, lang)
    styles = rows(path, "SELECT f_table_name, f_geometry_column, f_table_schema, useAsDefault FROM layer_styles")
    places = {**dict.fromkeys(PROMISED, "geom"), **dict.fromkeys(TABLES, "")}
    assert sorted(styles) == sorted((layer, column, "", 1) for layer, column in places.items())


def test_a_program_that_lists_the_layers_can_say_what_they_are(written: Path) -> None:
    listed = dict(rows(written, "SELECT table_name, description FROM gpkg_contents WHERE table_name != 'layer_styles'"))
    assert listed == {name: words("ja")(f"layer.{name}") for name in (*PROMISED, *TABLES)}


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_style_names_every_column_and_lets_people_edit_the_review_only(
    tmp_path: Path, bridge: Inspection, lang: str
) -> None:
    path = tmp_path / "x.gpkg"
    write_layers(path, bridge, lang)
    text = words(lang)
    for layer, qml in rows(path, "SELECT f_table_name, styleQML FROM layer_styles"):
        root = ET.fromstring(qml)  # noqa: S314
        columns = list(pyogrio.read_info(path, layer=layer)["fields"])
        assert [alias.get("name") for alias in root.iter("alias")] == [text(f"column.{one}") for one in columns]
        editable = {one.get("name") for one in root.findall("editable/field") if one.get("editable") == "1"}
        assert editable == ({"review", "review_kind", "review_note"} if layer == "defects" else set())


def test_the_legend_has_a_symbol_for_every_defect_kind_and_grade(written: Path) -> None:
    ((qml,),) = rows(written, "SELECT styleQML FROM layer_styles WHERE f_table_name = 'defects'")
    shown = {one.get("value") for one in ET.fromstring(qml).iter("category")}  # noqa: S314
    look = "kind || coalesce(' ' || grade_worst, '') || coalesce(' ' || condition_state, '')"
    present = {value for (value,) in rows(written, f"SELECT {look} FROM defects")}  # noqa: S608
    assert "corrosion severe" in present
    assert present <= shown


@pytest.mark.parametrize(("lang", "terms"), [("ja", ["軽度", "中度", "重度"]), ("en", ["fair", "poor", "severe"])])
def test_condition_states_stand_in_words_in_forms_and_map_tips(
    tmp_path: Path, bridge: Inspection, lang: str, terms: list[str]
) -> None:
    path = tmp_path / "x.gpkg"
    write_layers(path, bridge, lang)
    styles = dict(rows(path, "SELECT f_table_name, styleQML FROM layer_styles"))
    for layer in ("defects", "sightings"):
        root = ET.fromstring(styles[layer])  # noqa: S314
        options = root.findall("fieldConfiguration/field[@name='condition_state']//Option[@value]")
        assert [(one.get("name"), one.get("value")) for one in options] == list(
            zip(["–", *terms], [NULL, "fair", "poor", "severe"], strict=True)
        )
    tip = ET.fromstring(styles["defects"]).findtext("mapTip")  # noqa: S314
    assert tip is not None
    assert all(f"'{term}'" in tip for term in terms)


def test_what_people_entered_comes_back_and_is_kept(tmp_path: Path, written: Path, bridge: Inspection) -> None:
    with closing(sqlite3.connect(written)) as database:
        database.create_function("ST_IsEmpty", 1, lambda blob: blob is None)
        for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0.0)
        database.execute("UPDATE defects SET review = 'rejected', review_note = '目地' WHERE id = 'C-0002'")
        database.execute("UPDATE defects SET review = '' WHERE id = 'C-0001'")
        database.commit()
    reviews = read_reviews(written)
    assert {one: earlier.review for one, earlier in reviews.items()} == {"C-0002": Review("rejected", "目地")}
    carried, lost = carry_reviews(reviews, bridge.defects)
    assert lost == ()
    again = tmp_path / "again.gpkg"
    write_layers(again, bridge, "ja", reviews=carried)
    assert read_reviews(again) == reviews


def test_a_review_follows_the_sightings_when_ids_change(bridge: Inspection) -> None:
    first, second = bridge.defects[:2]
    sighting_ids = frozenset(one.sighting_id for one in first.sightings)
    earlier = {"an older id": EarlierReview(Review("confirmed", None), sighting_ids)}
    assert carry_reviews(earlier, [first, second]) == ({first.id: Review("confirmed", None)}, ())


def test_a_review_without_a_defect_is_kept_in_a_table(tmp_path: Path, bridge: Inspection) -> None:
    earlier = {"gone": EarlierReview(Review("rejected", "影"), frozenset({"x"}))}
    carried, lost = carry_reviews(earlier, bridge.defects)
    assert carried == {}
    path = tmp_path / "lost.csv"
    keep_lost_reviews(path, earlier, lost)
    keep_lost_reviews(path, earlier, lost)
    assert path.read_text(encoding="utf-8-sig").splitlines() == [
        "id,review,review_note,review_kind",
        *["gone,rejected,影,"] * 2,
    ]


def test_a_geopackage_that_is_only_a_journal_has_no_reviews(tmp_path: Path) -> None:
    path = tmp_path / "journal.gpkg"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE units (name TEXT)")
    assert read_reviews(path) == {}


def test_which_photo_shows_which_segment_can_be_looked_up(written: Path) -> None:
    links = rows(written, "SELECT segment_id, photo, share FROM segment_photos ORDER BY fid")
    first, second, third = (f"第1日/橋 上面 00{number}.jpg" for number in (1, 2, 3))
    # 6 m wide photos, the second 0.8 m and the third 5 m farther along spans of 6 m
    assert links == [
        ("s1", first, 1.0),
        ("s1", second, pytest.approx(5.2 / 6, abs=1e-4)),
        ("s1", third, pytest.approx(1 / 6, abs=1e-4)),
        ("s2", third, pytest.approx(5 / 6, abs=1e-4)),
        ("s2", second, pytest.approx(0.8 / 6, abs=1e-4)),
    ]


def test_layers_do_not_depend_on_the_order_in_which_things_were_found(bridge: Inspection) -> None:
    turned = dataclasses.replace(
        bridge, defects=bridge.defects[::-1], photos=bridge.photos[::-1], findings=bridge.findings[::-1],
        skipped=bridge.skipped[::-1],
    )  # fmt: skip
    for one, other in zip(all_layers(bridge), all_layers(turned), strict=True):
        assert one == other


def test_nan_is_no_figure(bridge: Inspection) -> None:
    odd = dataclasses.replace(bridge.defects[0], length_m=float("nan"), width_high_mm=float(np.inf))
    layer = next(one for one in all_layers(dataclasses.replace(bridge, defects=(odd,))) if one.name == "defects")
    assert layer.column("length_m") == (None,)
    assert layer.column("width_high_mm") == (None,)
