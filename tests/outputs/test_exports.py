"""Exports say in other programs' formats what ``inspection.gpkg`` says now, with the reviews, in equal bytes."""

import csv
import dataclasses
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow.parquet
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from shapely import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from typer.testing import CliRunner, Result

from tenken.cli import app
from tenken.exports.coco import CATEGORIES, solid_parts
from tenken.exports.formats import EXPORTERS, export_result
from tenken.exports.shapefile import LAYERS, MOST_BYTES, cut_text, short_names
from tenken.exports.shapefile_names import SHORT_NAMES
from tenken.inspection import Inspection
from tenken.outputs import Review, columns
from tenken.outputs.geopackage import write_layers

Leave = Callable[..., Path]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Inspection, dict[str, Review] | None], Path]:
    """GeoPackages, each written once."""
    shelf = tmp_path_factory.mktemp("packages")
    written: dict[str, Path] = {}

    def package(inspection: Inspection, reviews: dict[str, Review] | None) -> Path:
        content = repr((inspection, reviews))
        if content not in written:
            path = shelf / f"{len(written)}.gpkg"
            write_layers(path, inspection, "ja", reviews=reviews)
            written[content] = path
        return written[content]

    return package


@pytest.fixture
def leave(tmp_path: Path, packages: Callable[[Inspection, dict[str, Review] | None], Path]) -> Leave:
    """Leave a result in a folder as a run does, the photos being elsewhere now."""

    def leave_result(inspection: Inspection, name: str = "out", reviews: dict[str, Review] | None = None) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        shutil.copyfile(packages(inspection, reviews), folder / "inspection.gpkg")
        crs = None if inspection.crs is None else inspection.crs.to_string()
        record = {"flight": inspection.flight, "flight_path": str(tmp_path / "photos"), "crs": crs}
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
        return folder

    return leave_result


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def exported(folder: Path, to: str, **options: Any) -> Path:
    return export_result(folder, to, **options)[0]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("to", EXPORTERS)
def test_equal_results_give_equal_bytes_in_whatever_order_things_were_found(
    leave: Leave, bridge: Inspection, to: str
) -> None:
    turned = dataclasses.replace(bridge, defects=bridge.defects[::-1], findings=bridge.findings[::-1])
    first, second = exported(leave(bridge), to), exported(leave(turned, "turned"), to)
    assert files(first)
    assert files(first) == files(second)
    exported(first.parents[1], to)
    assert files(first) == files(second)


@pytest.mark.parametrize("to", EXPORTERS)
def test_what_a_person_rejected_is_left_out_unless_asked_for(leave: Leave, bridge: Inspection, to: str) -> None:
    folder = leave(bridge, reviews={"C-0001": Review("rejected", "型枠の目地")})
    content = b"".join(files(exported(folder, to)).values())
    whole = b"".join(files(exported(folder, to, dest=folder / "all", rejected=True)).values())
    assert b"C-0001" not in content
    assert b"C-0001" in whole
    assert b"C-0002" in content
    told = run(folder, "--to", to)
    assert "1 rejected left out (--all keeps them)" in told.output
    assert "left out (--all" not in run(folder, "--to", to, "--all").output


@pytest.mark.parametrize("to", EXPORTERS)
def test_a_folder_of_pictures_without_positions_can_be_exported(leave: Leave, bridge: Inspection, to: str) -> None:
    lost = dataclasses.replace(
        bridge, crs=None, findings=(), photos=bridge.photos[3:], defects=bridge.defects[3:], grades={}
    )  # fmt: skip
    assert files(exported(leave(lost), to))


def test_the_command_tells_where_things_are(leave: Leave, bridge: Inspection) -> None:
    folder = leave(bridge)
    told = run(folder, "--to", "csv")
    assert told.exit_code == 0
    assert f"Exported to {folder / 'exports' / 'csv'}" in told.output
    said = json.loads(run(folder, "--to", "shapefile", "--dest", folder / "shp", "--json").stdout)
    assert said["folder"] == str(folder / "shp")
    assert any("sightings left out" in note for note in said["notes"])


# COCO


# pycocotools 2.0.11 has not followed numpy's change of __array__.
pycoco = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def coco(folder: Path) -> COCO:
    return COCO(folder / "annotations.json")


@pycoco
def test_pycocotools_reads_every_sighting_with_its_outline(leave: Leave, bridge: Inspection) -> None:
    read = coco(exported(leave(bridge), "coco"))
    sightings = {s.sighting_id: s for defect in bridge.defects for s in defect.sightings}
    assert {one["file_name"] for one in read.imgs.values()} == {photo.photo for photo in bridge.photos}
    assert {one["sighting_id"] for one in read.anns.values()} == set(sightings)
    for annotation in read.anns.values():
        outline = sightings[annotation["sighting_id"]].outline_px
        mask = read.annToMask(annotation)
        assert mask.shape == (900, 1200)
        assert mask.sum() == pytest.approx(outline.area, rel=0.05)
        assert annotation["area"] == pytest.approx(outline.area, rel=2e-3)  # corners are written to 0.01 px
        left, top, width, height = annotation["bbox"]
        assert (left, top, left + width, top + height) == pytest.approx(outline.bounds, abs=0.02)
        assert read.cats[annotation["category_id"]]["name"] == annotation["kind"]


def test_a_crack_carries_its_centre_line_and_its_review(leave: Leave, bridge: Inspection) -> None:
    read = coco(exported(leave(bridge, reviews={"C-0001": Review("confirmed", "現地で確認")}), "coco"))
    (crack,) = (one for one in read.anns.values() if one["sighting_id"] == "v1")
    assert crack["centreline"] == [[120.0, 700.0, 300.0, 610.0, 420.0, 640.0, 640.0, 500.0]]
    assert (crack["review"], crack["review_note"]) == ("confirmed", "現地で確認")
    assert (crack["width_low_mm"], crack["width_high_mm"]) == (0.28, 0.36)


def test_the_category_is_what_a_person_says_it_is(leave: Leave, bridge: Inspection) -> None:
    read = coco(exported(leave(bridge, reviews={"C-0002": Review("changed", None, "遊離石灰")}), "coco"))
    (annotation,) = (one for one in read.anns.values() if one["defect_id"] == "C-0002")
    assert read.cats[annotation["category_id"]]["name"] == "efflorescence"
    assert annotation["kind"] == "crack"


def test_ids_do_not_change_when_photos_are_added(leave: Leave, bridge: Inspection) -> None:
    fewer = dataclasses.replace(bridge, defects=bridge.defects[1:2], photos=bridge.photos[:2])
    few, all_of_them = (
        coco(exported(leave(one, name), "coco")) for one, name in ((fewer, "fewer"), (bridge, "all"))
    )  # fmt: skip
    assert {a["sighting_id"]: a["id"] for a in few.anns.values()}.items() <= {
        a["sighting_id"]: a["id"] for a in all_of_them.anns.values()
    }.items()
    assert set(few.imgs) < set(all_of_them.imgs)
    assert {c["name"]: c["id"] for c in few.cats.values()} == {c["name"]: c["id"] for c in all_of_them.cats.values()}
    assert all(0 < number < 2**52 for number in all_of_them.anns)


def test_categories_keep_their_numbers(leave: Leave, bridge: Inspection) -> None:
    assert CATEGORIES == {
        "crack": 1, "corrosion": 2, "spalling": 3, "exposed_rebar": 4, "leakage": 5, "efflorescence": 6
    }  # fmt: skip
    odd = dataclasses.replace(
        bridge, defects=(dataclasses.replace(
            bridge.defects[0], sightings=(dataclasses.replace(bridge.defects[0].sightings[0], kind="graffiti"),)
        ),)
    )  # fmt: skip
    assert {c["name"]: c["id"] for c in coco(exported(leave(odd), "coco")).cats.values()} == CATEGORIES | {
        "graffiti": 7
    }


rings = st.lists(st.tuples(st.floats(5, 95), st.floats(5, 95), st.floats(0.5, 9)), min_size=0, max_size=6)


@given(rings)
def test_parts_without_holes_add_up_to_the_outline(holes: list[tuple[float, float, float]]) -> None:
    outline: BaseGeometry = shapely.box(0, 0, 100, 100)
    for x, y, radius in holes:
        outline = outline.difference(Point(x, y).buffer(radius))
    whole = [part for part in shapely.get_parts(outline) if isinstance(part, Polygon)]
    parts = [solid for part in whole for solid in solid_parts(part)]
    assert not any(part.interiors for part in parts)
    assert sum(part.area for part in parts) == pytest.approx(outline.area)
    assert shapely.union_all(parts).symmetric_difference(outline).area < 1e-6


@pycoco
def test_a_hole_stays_a_hole_in_the_mask(leave: Leave, bridge: Inspection) -> None:
    ring = MultiPolygon([Polygon(Point(400, 400).buffer(200).exterior, [Point(400, 400).buffer(100).exterior])])
    rust = bridge.defects[2]
    holed = dataclasses.replace(rust, sightings=(dataclasses.replace(rust.sightings[0], outline_px=ring),))
    read = coco(exported(leave(dataclasses.replace(bridge, defects=(holed,))), "coco"))
    (annotation,) = read.anns.values()
    mask = read.annToMask(annotation)
    assert mask[400, 400] == 0
    assert mask[400, 550] == 1
    assert mask.sum() == pytest.approx(ring.area, rel=0.01)


# GeoParquet


def test_geopandas_reads_every_layer_with_its_place(leave: Leave, bridge: Inspection) -> None:
    folder = exported(leave(bridge, reviews={"C-0001": Review("changed", "幅は0.4")}), "geoparquet")
    read = geopandas.read_parquet(folder / "defects.parquet").set_index("id")
    assert read.crs.to_epsg() == 6677
    written = {defect.id: defect for defect in bridge.defects}
    assert set(read.index) == set(written)
    for name, geometry in read.geometry.items():
        outline = written[name].outline_m
        assert geometry is None if outline is None else geometry.equals(outline)
    assert read.loc["C-0001", "review_note"] == "幅は0.4"
    assert np.isnan(read.loc["R-0001", "length_m"])
    assert set(geopandas.read_parquet(folder / "crack_lines.parquet").geom_type) == {"MultiLineString"}
    assert len(geopandas.read_parquet(folder / "segments.parquet")) == 3


def test_the_file_says_what_geoparquet_asks_for(leave: Leave, bridge: Inspection) -> None:
    folder = exported(leave(bridge), "geoparquet")
    for name in ("defects", "crack_lines", "sightings", "segments", "coverage", "photos"):
        schema = pyarrow.parquet.read_schema(folder / f"{name}.parquet")
        geo = json.loads(schema.metadata[b"geo"])
        assert geo["version"] == "1.1.0"
        column = geo["columns"][geo["primary_column"]]
        assert column["encoding"] == "WKB"
        assert column["geometry_types"] == ["MultiLineString" if name == "crack_lines" else "MultiPolygon"]
        assert column["crs"]["id"] == {"authority": "EPSG", "code": 6677}
        west, south, east, north = column["bbox"]
        assert west < east
        assert south < north


def test_whole_numbers_and_truths_keep_their_type_beside_nulls(leave: Leave, bridge: Inspection) -> None:
    segments = pyarrow.parquet.read_table(exported(leave(bridge), "geoparquet") / "segments.parquet")
    assert str(segments.schema.field("rank").type) == "int64"
    assert segments.column("rank").to_pylist() == [1, 2, None]
    assert segments.column("assessed").to_pylist() == [True, True, False]


def test_without_its_extra_geoparquet_names_the_pip_line(leave: Leave, bridge: Inspection) -> None:
    code = "import sys; sys.modules['pyarrow'] = None\nfrom tenken.cli import app\napp(sys.argv[1:])"
    command = [sys.executable, "-c", code, "export", str(leave(bridge)), "--to", "geoparquet"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 6
    assert 'pip install "tenken[geoparquet]"' in done.stderr
    assert "Traceback" not in done.stderr


# tables


def test_the_table_of_defects_opens_in_a_japanese_spreadsheet(leave: Leave, bridge: Inspection) -> None:
    path = exported(leave(bridge, reviews={"C-0002": Review("confirmed", "=1+1\n次回")}), "csv") / "defects.csv"
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfid,kind,score,")
    rows = {row["id"]: row for row in table(path)}
    assert list(rows) == ["C-0001", "C-0002", "C-0003", "R-0001"]
    assert rows["C-0001"]["photo"] == "第1日/橋 上面 001.jpg"
    assert rows["C-0001"]["taken_at"] == "2024-05-07T10:12:13"
    assert float(rows["C-0001"]["latitude"]) == pytest.approx(35.6073, abs=1e-3)
    assert float(rows["C-0001"]["longitude"]) == pytest.approx(140.1063, abs=1e-3)
    assert rows["C-0003"]["latitude"] == rows["C-0003"]["width_mm"] == ""
    assert rows["C-0002"]["review_note"] == "'=1+1\n次回"


def test_quantities_by_candidate_add_up_to_the_segments_own(leave: Leave, bridge: Inspection) -> None:
    rows = table(exported(leave(bridge), "csv") / "quantities.csv")
    assert [(row["segment_id"], row["kind"], row["grade_candidates"], row["defects"]) for row in rows] == [
        ("", "crack", "", "1"),
        ("s1", "corrosion", "", "1"),
        ("s1", "crack", "b-c-d", "1"),
        ("s1", "crack", "d", "1"),
    ]
    lengths = [d.length_m or 0 for d in bridge.defects if d.kind == "crack"]
    assert sum(float(row["length_m"] or 0) for row in rows) == pytest.approx(sum(lengths), abs=1e-3)
    assert rows[0]["length_m"] == ""
    assert rows[1]["segment"] == "千葉橋 第1径間"


# Shapefiles


LAYER_COLUMNS = {name: list(getattr(columns, name.upper())) for name in LAYERS}


@pytest.mark.parametrize("layer", LAYERS)
def test_every_column_has_a_short_name_of_its_own(layer: str) -> None:
    names = short_names(LAYER_COLUMNS[layer])
    assert set(LAYER_COLUMNS[layer]) <= set(SHORT_NAMES)
    assert all(len(short) <= 10 and short.isascii() for short in names.values())
    assert len({short.casefold() for short in names.values()}) == len(names)


def test_the_documentation_shows_every_short_name() -> None:
    text = (Path(__file__).parents[2] / "docs/exports.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"`(\w+)` \| `(\w{1,10})`", text))
    assert {(whole, short) for whole, short in SHORT_NAMES.items() if whole != short} <= shown


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=30, unique=True))
def test_columns_that_people_added_get_short_names_too(names: list[str]) -> None:
    given_names = short_names(["width_mm", *names])
    assert list(given_names) == list(dict.fromkeys(["width_mm", *names]))
    assert len({short.casefold() for short in given_names.values()}) == len(given_names)
    assert all(0 < len(short) <= 10 for short in given_names.values())


@given(st.text(max_size=300))
def test_a_text_is_cut_between_characters(text: str) -> None:
    short = cut_text(text)
    assert text.startswith(short)
    assert len(short.encode("utf-8")) <= MOST_BYTES
    if short != text:
        assert len(text[: len(short) + 1].encode("utf-8")) > MOST_BYTES


def test_shapefiles_say_the_same_in_short(leave: Leave, bridge: Inspection) -> None:
    folder = exported(leave(bridge, reviews={"C-0001": Review("confirmed", "確認済")}), "shapefile")
    for name in LAYERS:
        assert (folder / f"{name}.cpg").read_text(encoding="ascii") == "UTF-8"
        assert pyogrio.read_info(folder / f"{name}.shp")["encoding"] == "UTF-8"
        kind = pyogrio.read_info(folder / f"{name}.shp")["geometry_type"]
        assert kind == ("LineString" if name == "crack_lines" else "Polygon")
    defects = geopandas.read_file(folder / "defects.shp").set_index("id")
    assert defects.crs.to_epsg() == 6677
    assert defects.loc["C-0001", "w_mm"] == pytest.approx(0.32)
    assert defects.loc["C-0001", "rev_note"] == "確認済"
    assert np.isnan(defects.loc["R-0001", "w_mm"])
    assert defects.loc["C-0003"].geometry is None
    segments = geopandas.read_file(folder / "segments.shp").set_index("segment_id")
    assert segments.loc["s1", "name"] == "千葉橋 第1径間"
    assert list(segments["assessed"]) == [1, 1, 0]
    assert np.isnan(segments.loc["s3", "rank"])
    whole = {(row["shapefile"], row["short_name"]): row["column"] for row in table(folder / "field_names.csv")}
    assert whole["defects.shp", "wmax_mm"] == "width_largest_mm"
    assert set(defects.columns) - {"geometry"} <= {short for file, short in whole if file == "defects.shp"}


def test_what_a_shapefile_had_to_cut_is_said(leave: Leave, bridge: Inspection) -> None:
    long = "ひびわれは下面にも見られるため次回は高所作業車で確認する。" * 5
    folder = leave(bridge, reviews={"C-0001": Review("confirmed", long)})
    target, notes = export_result(folder, "shapefile")
    assert "defects.shp: review_note (rev_note) cut to 254 bytes in 1 rows; whole in inspection.gpkg" in notes
    cut = geopandas.read_file(target / "defects.shp").set_index("id").loc["C-0001", "rev_note"]
    assert cut == cut_text(long) == long[:84]


def test_the_tables_head_bears_the_day_of_the_photos(leave: Leave, bridge: Inspection) -> None:
    head = (exported(leave(bridge), "shapefile") / "defects.dbf").read_bytes()[1:4]
    assert (1900 + head[0], head[1], head[2]) == (2024, 5, 7)


# city platforms


def test_entities_follow_ngsi_ld(leave: Leave, bridge: Inspection) -> None:
    entities = json.loads((exported(leave(bridge), "ngsi") / "entities.jsonld").read_text(encoding="utf-8"))
    assert len(entities) == len(bridge.findings) + len(bridge.defects)
    ids = [entity["id"] for entity in entities]
    assert len(set(ids)) == len(ids)
    for entity in entities:
        assert entity["id"].startswith(f"urn:ngsi-ld:{entity['type']}:")
        own, core = entity["@context"]
        assert core.endswith("ngsi-ld-core-context.jsonld")
        for name, attribute in entity.items():
            if name in ("id", "type", "@context"):
                continue
            assert name == "location" or name in own
            assert attribute["type"] in ("Property", "Relationship", "GeoProperty")
            assert attribute.get("value", attribute.get("object")) is not None
            if attribute["type"] == "Relationship":
                assert attribute["object"] in ids
    (crack,) = (entity for entity in entities if entity["id"].endswith("C-0001"))
    assert crack["width_mm"] == {"type": "Property", "value": 0.32, "unitCode": "MMT"}
    assert crack["location"]["value"]["coordinates"] == pytest.approx([140.1063, 35.6073], abs=1e-3)
    assert "健全性の診断は" in crack["statement"]["value"]
    (unplaced,) = (entity for entity in entities if entity["id"].endswith("C-0003"))
    assert "location" not in unplaced


def test_nothing_that_orion_refuses_is_sent_as_plain_text(leave: Leave, bridge: Inspection) -> None:
    folder = leave(bridge, reviews={"C-0001": Review("confirmed", "山田が確認")})
    content = (exported(folder, "ngsi") / "ngsi-v2.json").read_text(encoding="utf-8")
    update = json.loads(content)
    assert update["actionType"] == "append"
    for entity in update["entities"]:
        assert re.fullmatch(r"[!-~]{1,256}", entity["id"])
        assert not re.search(r"[<>\"'=;()&?/#\s]", entity["id"])
        for name, attribute in entity.items():
            if name not in ("id", "type", "location") and isinstance(attribute["value"], str):
                harmless = not re.search(r"[<>\"'=;()]", attribute["value"])
                assert harmless or attribute["type"] == "TextUnrestricted"
    names = {entity["name"]["type"] for entity in update["entities"] if "name" in entity}
    assert names == {"Text", "TextUnrestricted"}  # one of the bridge's spans is called =HYPERLINK(…)
    assert "山田" not in content
    assert ".jpg" not in content


# what people do to a result


def test_columns_added_in_qgis_go_along(leave: Leave, bridge: Inspection) -> None:
    folder = leave(bridge)
    with closing(sqlite3.connect(folder / "inspection.gpkg")) as database:
        database.execute('ALTER TABLE segments ADD COLUMN "補修予定年度" INTEGER')
        database.commit()
    assert "補修予定年度" in geopandas.read_parquet(exported(folder, "geoparquet") / "segments.parquet").columns
    shapefile = exported(folder, "shapefile")
    assert {row["column"] for row in table(shapefile / "field_names.csv")} >= {"補修予定年度"}


def test_a_result_that_qgis_has_open_is_read_as_it_was_saved(leave: Leave, bridge: Inspection) -> None:
    folder = leave(bridge)
    with closing(sqlite3.connect(folder / "inspection.gpkg", isolation_level=None)) as elsewhere:
        elsewhere.execute("PRAGMA journal_mode = WAL")  # as QGIS does
        for (name,) in elsewhere.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            elsewhere.execute(f'DROP TRIGGER "{name}"')
        elsewhere.execute("UPDATE defects SET review = 'rejected' WHERE id = 'C-0001'")
        assert b"C-0001" not in (exported(folder, "csv") / "defects.csv").read_bytes()


def test_geojson_is_lon_lat_also_for_lines(leave: Leave, bridge: Inspection) -> None:
    folder = exported(leave(bridge), "geojson")
    lines = json.loads((folder / "crack_lines.geojson").read_text(encoding="utf-8"))
    assert {one["geometry"]["type"] for one in lines["features"]} == {"MultiLineString"}
    for feature in lines["features"]:
        for line in feature["geometry"]["coordinates"]:
            assert np.allclose(line, (140.1063, 35.6073), atol=1e-3)
    coverage = json.loads((folder / "coverage.geojson").read_text(encoding="utf-8"))
    assert "id" not in coverage["features"][0]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (
            ["{out}", "--to", "dxf"],
            "--to dxf: is not known; choose from coco, csv, geojson, geoparquet, ngsi, shapefile",
        ),
        (["{out}"], "give either --to (coco, csv, geojson, geoparquet, ngsi, shapefile) or --public"),
        (["{out}", "--to", "csv", "--public"], "give either --to"),
        (["{empty}", "--to", "csv"], "holds no finished run"),
        (["{out}", "--to", "csv", "--dest", "{notes}"], "is a file; give a folder"),
        (["{out}", "--to", "csv", "--dest", "{notes}/in"], "give another folder"),
        (["{out}", "--to", "csv", "--dest", "{out}"], "is the run's own folder"),
        (["{out}", "--to", "csv", "--dest", "{photos}/csv"], "lies among the photos"),
        (["{out}", "--to", "csv", "--dest", "{held}"], "close its files in other programs (QGIS?)"),
        (["{damaged}", "--to", "csv"], "cannot be read"),
        (["{older}", "--to", "csv"], "has no layer photos: run `inspect report"),
    ],
)
def test_errors_are_one_line_with_a_remedy(
    leave: Leave, bridge: Inspection, tmp_path: Path, arguments: list[str], remedy: str
) -> None:
    places = {name: tmp_path / name for name in ("out", "empty", "notes", "photos", "held", "damaged", "older")}
    leave(bridge)
    places["empty"].mkdir()
    places["notes"].write_text("x", encoding="utf-8")
    (places["held"] / "defects.csv").mkdir(parents=True)  # a file that cannot be replaced
    (leave(bridge, "damaged") / "inspection.gpkg").write_bytes(b"SQLite format 3\x00 and no more")
    with closing(sqlite3.connect(leave(bridge, "older") / "inspection.gpkg")) as database:
        database.execute("DELETE FROM gpkg_contents WHERE table_name = 'photos'")
        database.execute("DROP TABLE photos")
        database.commit()
    result = run(*(argument.format(**places) for argument in arguments))
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert remedy in line


def test_an_older_result_without_the_size_of_its_photos_says_what_to_do(leave: Leave, bridge: Inspection) -> None:
    folder = leave(bridge)
    with closing(sqlite3.connect(folder / "inspection.gpkg")) as database:
        database.execute("ALTER TABLE photos DROP COLUMN width_px")
        database.commit()
    result = run(folder, "--to", "coco")
    assert result.exit_code == 2
    assert f"run `inspect report {folder}` once" in result.stderr
    assert not (folder / "exports/coco").exists()
