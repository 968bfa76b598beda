"""What people enter in QGIS becomes labels and known false alarms in the photos' own pixels."""

import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin
from scipy import ndimage
from shapely import LineString, MultiLineString, MultiPolygon, affinity

from conftest import DemoFlight
from drawn import draw_cracks, perfect_detector
from tenken import Detections, Settings, inspect_flight
from tenken.errors import FlightError, SettingsError
from tenken.exports.result import FinishedResult, read_result
from tenken.hashing import file_sha256
from tenken_training.annotations.dataset import AnnotatedPhoto, Dataset
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.importing import Imported, import_annotations


def colour_detector(tile: npt.NDArray[np.uint8]) -> Detections:
    """Call what is dark a crack and what is red corrosion."""
    values = tile.astype(int)
    found = []
    for kind, mask in (("crack", values.max(axis=2) < 70), ("corrosion", values[..., 0] - values[..., 2] > 60)):
        labels, _ = ndimage.label(mask, np.ones((3, 3)))
        for number, (y, x) in enumerate(ndimage.find_objects(labels), start=1):
            part = labels[y, x] == number
            if part.sum() >= 90:
                found.append((kind, [x.start, y.start, x.stop, y.stop], part))
    return Detections(
        np.array([box for _, box, _ in found], dtype=float).reshape(-1, 4),
        np.full(len(found), 0.9),
        np.array([kind for kind, _, _ in found]),
        [part for _, _, part in found],
    )


@pytest.fixture(scope="module")
def inspected(small_demo: DemoFlight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished inspection, not reviewed."""
    out = tmp_path_factory.mktemp("inspected")
    settings = Settings(tile_px=512, surface=small_demo.surface, lang="en")
    inspect_flight(small_demo.images, out, settings, detector=colour_detector)
    return out


@pytest.fixture
def results(inspected: Path, tmp_path: Path) -> Path:
    """A copy of it, to be edited."""
    return Path(shutil.copytree(inspected, tmp_path / "results"))


def edit(results: Path, statement: str, values: tuple[Any, ...] = ()) -> None:
    """Change the package as QGIS does, without its index."""
    with closing(sqlite3.connect(results / "inspection.gpkg")) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f'DROP TRIGGER "{name}"')
        assert database.execute(statement, values).rowcount > 0
        database.execute("DELETE FROM gpkg_ogr_contents")  # how many rows there are; the triggers would keep it right
        database.commit()


def draw(results: Path, layer: str, shape: shapely.Geometry, kind: str | None = None, redrawn: str = "") -> None:
    """Draw a new feature, or a defect's outline anew."""
    column = geometry_column(results, layer)
    packed = blob(shape, read_result(results))
    if redrawn:
        edit(results, f'UPDATE {layer} SET "{column}" = ? WHERE id = ?', (packed, redrawn))  # noqa: S608
        return
    edit(results, f'INSERT INTO {layer} ("{column}") VALUES (?)', (packed,))  # noqa: S608
    if kind:
        edit(results, "UPDATE defects SET review_kind = ? WHERE id IS NULL", (kind,))


def blob(shape: shapely.Geometry, result: FinishedResult) -> bytes:
    """A geometry as a GeoPackage holds it."""
    assert result.crs is not None
    return b"GP\x00\x01" + struct.pack("<i", result.crs.to_epsg() or 0) + shapely.to_wkb(shape, byte_order=1)


def geometry_column(results: Path, layer: str) -> str:
    with closing(sqlite3.connect(results / "inspection.gpkg")) as database:
        [(name,)] = database.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchall()
    return str(name)


def sightings(result: FinishedResult) -> dict[str, list[dict[str, Any]]]:
    """Sightings by defect."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in result.records("sightings"):
        found.setdefault(str(row["defect_id"]), []).append(dict(row))
    return found


def defect_in(result: FinishedResult, kind: str, fits: Callable[[list[dict[str, Any]]], bool]) -> str:
    """First defect of a kind whose sightings are as wanted."""
    return next(one for one, rows in sorted(sightings(result).items()) if rows[0]["kind"] == kind and fits(rows))


def in_two_photos(rows: list[dict[str, Any]]) -> bool:
    return len(rows) == 2 and rows[0]["photo"] != rows[1]["photo"]


def review(results: Path, defect: str, word: str | None, kind: str | None = None) -> None:
    edit(results, "UPDATE defects SET review = ?, review_kind = ? WHERE id = ?", (word, kind, defect))


def imported(results: Path, **options: Any) -> Imported:
    return import_annotations(results, results.parent / "set", ImportOptions(tile_px=0, **options))


def photo_of(dataset: Dataset, name: str) -> AnnotatedPhoto:
    [found] = [photo for photo in dataset.photos if photo.name.endswith(name.replace(".JPG", ".jpg"))]
    return found


def test_confirmed_is_a_label_rejected_a_known_false_alarm(results: Path) -> None:
    result = read_result(results)
    good = defect_in(result, "crack", in_two_photos)
    bad = defect_in(result, "corrosion", lambda rows: len(rows) >= 2)
    review(results, good, "confirmed")
    review(results, bad, "rejected")
    dataset = imported(results).dataset
    seen = sightings(result)
    assert {photo.name.rsplit("/")[-1] for photo in dataset.photos} == {
        row["photo"].replace("JPG", "jpg") for row in (*seen[good], *seen[bad])
    }
    for row in seen[good]:
        photo = photo_of(dataset, row["photo"])
        outline = shapely.from_wkt(row["outline_px"])
        [label] = [one for one in photo.labels if not one.ignore and one.area.intersects(outline)]
        assert label.kind == "crack"
        assert label.area.symmetric_difference(shapely.make_valid(outline)).area < 0.5
    for row in seen[bad]:
        photo = photo_of(dataset, row["photo"])
        outline = shapely.from_wkt(row["outline_px"])
        assert any(one.kind == "corrosion" and one.area.intersects(outline) for one in photo.absent)
        assert not any(one.kind == "corrosion" and not one.ignore for one in photo.labels)


def test_what_nobody_looked_at_counts_neither_way_and_other_photos_are_left_out(results: Path) -> None:
    result = read_result(results)
    good = defect_in(result, "crack", lambda rows: len(rows) == 1)
    review(results, good, "confirmed")
    outcome = imported(results)
    [photo] = outcome.dataset.photos
    others = [
        row for row in result.records("sightings") if photo.parent is None and row["defect_id"] != good
        and photo.name.endswith(str(row["photo"]).replace("JPG", "jpg"))
    ]  # fmt: skip
    assert others
    for row in others:
        outline = shapely.make_valid(shapely.from_wkt(str(row["outline_px"])))
        assert any(one.ignore and one.kind == row["kind"] and one.area.intersects(outline) for one in photo.labels)
    assert photo.kinds == ("corrosion", "crack")
    assert any("nothing was reviewed in 2 photos: not used" in note for note in outcome.notes)


def test_another_kind_is_a_label_of_that_and_a_false_alarm_of_the_first(results: Path) -> None:
    result = read_result(results)
    one = defect_in(result, "crack", lambda rows: len(rows) == 1)
    review(results, one, "changed", "剥離・鉄筋露出")
    [photo] = imported(results).dataset.photos
    [label] = [label for label in photo.labels if label.kind == "spalling"]
    [absent] = photo.absent
    assert absent.kind == "crack"
    assert absent.area.equals(label.area)
    assert "spalling" not in photo.kinds, "nobody looked for it elsewhere in the photo"


def test_a_redrawn_outline_is_taken_back_into_each_photo(results: Path) -> None:
    result = read_result(results)
    one = defect_in(result, "corrosion", in_two_photos)
    layer = result.layers["defects"]
    old = dict(zip(layer.column("id"), (shape for shape, _ in layer.rows), strict=True))[one]
    assert isinstance(old, MultiPolygon)
    wider = MultiPolygon([shapely.box(*affinity.scale(old, 2, 2).bounds)])
    draw(results, "defects", wider, redrawn=one)
    review(results, one, "changed")
    dataset = imported(results).dataset
    [best] = [row["photo"] for row in result.records("defects") if row["id"] == one]
    for row in sightings(result)[one]:
        seen = shapely.from_wkt(row["outline_px"])
        labels = [label for label in photo_of(dataset, row["photo"]).labels if not label.ignore]
        [label] = labels
        across, down = seen.bounds[2] - seen.bounds[0], seen.bounds[3] - seen.bounds[1]
        grown = label.area.area / (across * down)
        if row["photo"] == best:
            assert 3 < grown < 5.5, "twice as wide and as high"
        assert grown > 1
        assert label.area.centroid.distance(seen.centroid) < max(across, down) / 2


def test_what_was_drawn_on_the_map_is_labelled_in_every_photo_that_shows_it(results: Path) -> None:
    result = read_result(results)
    layer = result.layers["photos"]
    footprints = dict(zip(layer.column("photo"), (shape for shape, _ in layer.rows), strict=True))
    shared = shapely.intersection_all([footprints["DJI_0001.JPG"], footprints["DJI_0002.JPG"]])
    middle = shared.centroid
    spot = MultiPolygon([middle.buffer(0.12)])
    draw(results, "defects", spot, "腐食")
    line = LineString([(middle.x - 0.3, middle.y + 0.3), (middle.x + 0.3, middle.y + 0.35)])
    draw(results, "crack_lines", MultiLineString([line]))
    outcome = imported(results)
    for name in ("DJI_0001.JPG", "DJI_0002.JPG"):
        labels = [label for label in photo_of(outcome.dataset, name).labels if not label.ignore]
        assert sorted(label.kind for label in labels) == ["corrosion", "crack"]
        [rust] = [label for label in labels if label.kind == "corrosion"]
        # 0.24 m at about 4.5 mm a pixel
        assert np.sqrt(4 * rust.area.area / np.pi) == pytest.approx(240 / 4.5, rel=0.25)
        [crack] = [label for label in labels if label.kind == "crack"]
        assert crack.drawn == "line"
        assert crack.line is not None
        assert crack.line.length == pytest.approx(600 / 4.5, rel=0.3)
    assert {one.check for one in outcome.findings} == {"added"}


def test_the_results_and_the_photos_stay_as_they_are(results: Path, small_demo: DemoFlight) -> None:
    review(results, defect_in(read_result(results), "crack", in_two_photos), "confirmed")
    before = {path: file_sha256(path) for folder in (results, small_demo.images) for path in folder.rglob("*.*")}
    imported(results)
    assert {path: file_sha256(path) for path in before} == before


def test_what_cannot_be_used_is_named(results: Path, tmp_path: Path) -> None:
    def refused(match: str) -> None:
        with pytest.raises(SettingsError, match=match):
            imported(results)
        assert not (results.parent / "set").exists()

    refused("nobody reviewed anything in it")
    one = defect_in(read_result(results), "crack", in_two_photos)
    review(results, one, "maybe")
    refused(rf"inspection\.gpkg, defects, {one}: review is 'maybe', not one of confirmed, changed, rejected")
    review(results, one, "confirmed")
    draw(results, "defects", MultiPolygon([shapely.box(0, 0, 1, 1)]))
    refused(r"defects, drawn at 0\.5,0\.5: has no kind; choose one under review_kind")
    edit(results, "UPDATE defects SET review_kind = '腐食' WHERE id IS NULL")
    refused(r"drawn at 0\.5,0\.5: no photo shows this place")
    edit(results, "DELETE FROM defects WHERE id IS NULL")
    with pytest.raises(SettingsError, match="is no folder"):
        imported(results, photos=tmp_path / "gone")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE sightings SET outline_px = 'x'", r"sightings, \w+: outline_px is no shape in a photo"),
        ("UPDATE sightings SET outline_px = 'POINT (1 1)'", r"sightings, \w+: outline_px is no outline"),
        (
            "UPDATE sightings SET outline_px = 'POLYGON ((1e300 0, 1e300 1, 5 5, 1e300 0))'",
            r"sightings, \w+: outline_px is no shape in a photo",
        ),
        ("UPDATE sightings SET photo = 'gone.jpg'", r"sightings, \w+: photo gone\.jpg is not in the layer photos"),
        ("UPDATE photos SET width_px = NULL", "the run kept no size of it"),
        ("UPDATE defects SET review_kind = 'きず'", r'classes that are not known: きず\. .*"きず" = "\.\.\."'),
    ],
)
def test_a_damaged_package_is_named_with_its_place(results: Path, statement: str, message: str) -> None:
    review(results, defect_in(read_result(results), "crack", in_two_photos), "confirmed")
    edit(results, statement)
    with pytest.raises(SettingsError, match=message):
        imported(results)
    assert not (results.parent / "set").exists()


def refusal(results: Path) -> str | None:
    """The message that results are refused with; None where they are taken."""
    try:
        imported(results)
    except (SettingsError, FlightError) as error:
        return str(error)
    shutil.rmtree(results.parent / "set")
    return None


def test_a_package_with_broken_bytes_is_told_and_leaves_nothing(results: Path) -> None:
    review(results, defect_in(read_result(results), "crack", in_two_photos), "rejected")
    package = results / "inspection.gpkg"
    whole, rng = package.read_bytes(), np.random.default_rng(1)
    refused = 0
    for number in range(8):
        broken = bytearray(whole[: len(whole) // 2] if number == 0 else whole)
        for _ in range(200):
            broken[int(rng.integers(len(broken)))] = int(rng.integers(256))
        package.write_bytes(bytes(broken))
        message = refusal(results)
        refused += message is not None
        assert "\n" not in (message or "")
        assert not (results.parent / "set").exists()
    assert refused >= 4


def test_photos_that_changed_since_are_refused(results: Path, small_demo: DemoFlight, tmp_path: Path) -> None:
    review(results, defect_in(read_result(results), "crack", in_two_photos), "rejected")
    moved = Path(shutil.copytree(small_demo.images, tmp_path / "flight"))
    assert len(imported(results, photos=moved).dataset.photos) == 2
    shutil.rmtree(results.parent / "set")
    for path in moved.glob("*.JPG"):
        path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(SettingsError, match="is not the photo that was inspected"):
        imported(results, photos=moved)


def test_an_orthomosaic_is_reviewed_like_photos(tmp_path: Path) -> None:
    path = tmp_path / "mosaic.tif"
    cracks = [LineString([(60, 60), (400, 120)]), LineString([(80, 250), (420, 260)])]
    picture = draw_cracks(cracks, 5, (500, 320))
    transform = from_origin(24000.0, -43000.0, 0.002, 0.002)
    with rasterio.open(
        path, "w", driver="GTiff", width=500, height=320, count=3, dtype="uint8", crs="EPSG:6677", transform=transform
    ) as dataset:
        dataset.write(np.moveaxis(picture, -1, 0))
    results = tmp_path / "results"
    inspect_flight(path, results, Settings(tile_px=512, lang="en"), detector=perfect_detector)
    result = read_result(results)
    rows = result.records("sightings")
    first, second = sorted(rows, key=lambda row: shapely.from_wkt(str(row["outline_px"])).bounds[1])
    review(results, str(first["defect_id"]), "confirmed")
    review(results, str(second["defect_id"]), "rejected")
    spot = shapely.box(24000.2, -43000.4, 24000.3, -43000.36)
    draw(results, "defects", MultiPolygon([spot]), "腐食")
    [one] = imported(results).dataset.photos
    labels = {label.kind: label for label in one.labels if not label.ignore}
    assert sorted(labels) == ["corrosion", "crack"]
    assert labels["corrosion"].area.symmetric_difference(shapely.box(100, 180, 150, 200)).area < 2
    assert labels["crack"].area.intersects(cracks[0])
    assert [absent.area.intersects(cracks[1]) for absent in one.absent] == [True]
