"""A run leaves what it promises; equal input gives equal bytes, however it was interrupted or shared out."""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyogrio
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely import LineString

from conftest import DemoFlight
from drawn import draw_cracks, draw_rust, perfect_detector, stating_detector
from tenken import Detections, Settings, inspect_flight
from tenken.hashing import file_sha256
from tenken.running.verification import verify_run

SETTINGS = Settings(tile_px=128)
EQUAL = ("defects.geojson", "segments.geojson", "segments.csv")


def settings_of(demo: DemoFlight) -> Settings:
    return Settings(tile_px=128, assets=demo.assets, surface=demo.surface)


@pytest.fixture(scope="module")
def finished(small_demo: DemoFlight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run with the shipped weights."""
    out = tmp_path_factory.mktemp("finished")
    inspect_flight(small_demo.images, out, settings_of(small_demo))
    return out


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in EQUAL}


def test_a_run_leaves_all_its_files(finished: Path) -> None:
    left = {path.name for path in finished.iterdir()}
    assert {
        "inspection.gpkg",
        "inspection.qgz",
        *EQUAL,
        "report.html",
        "run.json",
        "crops",
        "defects.qml",
        "segments.qml",
    } <= left
    assert list((finished / "crops").glob("*.jpg"))


def test_every_layer_can_be_read(finished: Path) -> None:
    layers = dict(pyogrio.list_layers(finished / "inspection.gpkg").tolist())
    spatial = {"defects", "crack_lines", "sightings", "segments", "photos", "coverage"}
    assert spatial <= {name for name, kind in layers.items() if kind}
    assert {"run", "layer_styles"} <= {name for name, kind in layers.items() if not kind}
    for name in layers:
        assert pyogrio.read_info(finished / "inspection.gpkg", layer=name)["features"] >= 0


def test_geojson_is_rfc_7946(finished: Path) -> None:
    for name in ("defects.geojson", "segments.geojson"):
        collection = json.loads((finished / name).read_text(encoding="utf-8"))
        assert collection["type"] == "FeatureCollection"
        assert "crs" not in collection
        assert collection["features"]
        for feature in collection["features"]:
            for polygon in (feature["geometry"] or {"coordinates": []})["coordinates"]:
                for number, ring in enumerate(polygon):
                    assert ring[0] == ring[-1]
                    assert len(ring) >= 4
                    x, y = (np.array(ring)[:, :2] - ring[0][:2]).T
                    signed = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
                    assert (signed > 0) == (number == 0)
                    assert 140 < ring[0][0] < 141
                    assert 35 < ring[0][1] < 36


def test_the_repair_list_opens_in_a_spreadsheet(finished: Path) -> None:
    raw = (finished / "segments.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert rows[0]["segment_id"]
    assert "点検橋" in rows[0]["name"]


@pytest.mark.parametrize("workers", [1, 3])
def test_results_do_not_depend_on_workers(small_demo: DemoFlight, finished: Path, tmp_path: Path, workers: int) -> None:
    inspect_flight(small_demo.images, tmp_path, settings_of(small_demo), workers=workers)
    assert contents(tmp_path) == contents(finished)


def test_a_second_run_keeps_what_was_done(small_demo: DemoFlight, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "out")
    inspect_flight(small_demo.images, tmp_path / "out", settings_of(small_demo))
    counts = json.loads((tmp_path / "out/run.json").read_text(encoding="utf-8"))["counts"]
    assert counts["units_kept_from_before"] == counts["units"] == 3
    assert contents(tmp_path / "out") == contents(finished)


def test_fresh_does_everything_again(small_demo: DemoFlight, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "out")
    inspect_flight(small_demo.images, tmp_path / "out", settings_of(small_demo), fresh=True)
    counts = json.loads((tmp_path / "out/run.json").read_text(encoding="utf-8"))["counts"]
    assert counts["units_kept_from_before"] == 0
    assert contents(tmp_path / "out") == contents(finished)


class Notes:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def start(self, stage: str, total: int) -> None:
        """Not of interest."""

    def advance(self, steps: int = 1) -> None:
        """Not of interest."""

    def note(self, text: str) -> None:
        """Remember."""
        self.notes.append(text)


def test_changed_settings_are_named_and_only_what_they_touch_is_done_again(
    small_demo: DemoFlight, finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path / "out")
    notes = Notes()
    changed = Settings(tile_px=128, assets=small_demo.assets, surface=small_demo.surface, lang="ja")
    inspect_flight(small_demo.images, tmp_path / "out", changed, progress=notes)
    assert "changed since the last run: lang: en → ja" in notes.notes
    assert "3 of 3 parts were done before and are kept" in notes.notes


def test_a_new_photo_is_the_only_one_inspected(small_demo: DemoFlight, finished: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(small_demo.images, images)
    last = max(images.iterdir())
    aside = tmp_path / last.name
    last.rename(aside)
    inspect_flight(images, tmp_path / "out", settings_of(small_demo))
    aside.rename(last)
    notes = Notes()
    inspect_flight(images, tmp_path / "out", settings_of(small_demo), progress=notes)
    assert "2 of 3 parts were done before and are kept" in notes.notes
    assert contents(tmp_path / "out") == contents(finished)


def journal_rows(out: Path) -> int:
    path = out / "inspection.gpkg"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        try:
            return int(database.execute("SELECT count(*) FROM tenken_journal").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "before anything was done": lambda out: (out / "inspection.gpkg").exists(),
    "after the first photo": lambda out: journal_rows(out) >= 1,
    "after the second photo": lambda out: journal_rows(out) >= 2,
    "while pictures are written": lambda out: (out / "crops").is_dir(),
    "while layers are written": lambda out: (out / "new-inspection.gpkg").exists(),
    "while maps are written": lambda out: (out / "defects.geojson").exists(),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    small_demo: DemoFlight, finished: Path, tmp_path: Path, moment: str
) -> None:
    command = [sys.executable, "-m", "tenken", "run", str(small_demo.images), "--out", str(tmp_path), "--tile", "128"]
    command += ["--assets", str(small_demo.assets), "--surface", small_demo.surface, "--lang", "en", "--workers", "1"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while running.poll() is None and not MOMENTS[moment](tmp_path):
        time.sleep(0.002)
    running.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    running.wait()
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path) == contents(finished)
    assert not (tmp_path / "new-inspection.gpkg").exists()


def test_what_people_entered_in_the_map_is_kept(small_demo: DemoFlight, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "out")
    package = tmp_path / "out/inspection.gpkg"
    with closing(sqlite3.connect(package)) as database:
        # The spatial index's triggers call functions that only GIS programs bring along.
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'defects'")
        for (name,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        chosen = database.execute("SELECT id FROM defects ORDER BY id").fetchone()[0]
        database.execute("UPDATE defects SET review = 'rejected', review_note = '影' WHERE id = ?", (chosen,))
        database.commit()
    inspect_flight(small_demo.images, tmp_path / "out", settings_of(small_demo))
    with closing(sqlite3.connect(package)) as database:
        kept = database.execute("SELECT review, review_note FROM defects WHERE id = ?", (chosen,)).fetchone()
    assert kept == ("rejected", "影")


def test_a_run_can_be_verified(small_demo: DemoFlight, finished: Path, tmp_path: Path) -> None:
    assert verify_run(finished) == []
    shutil.copytree(finished, tmp_path / "out")
    shutil.copytree(small_demo.images, tmp_path / "images")
    (tmp_path / "out/segments.csv").write_text("changed", encoding="utf-8")
    with (tmp_path / "images/DJI_0002.JPG").open("ab") as stream:
        stream.write(b" ")
    faults = verify_run(tmp_path / "out", tmp_path / "images")
    assert len(faults) == 2
    assert any("segments.csv: was changed" in fault for fault in faults)
    assert any("DJI_0002.JPG: was changed" in fault for fault in faults)


def test_originals_are_never_touched(small_demo: DemoFlight, tmp_path: Path) -> None:
    shutil.copytree(small_demo.images, tmp_path / "images")
    before = {path: (file_sha256(path), path.stat().st_mtime_ns) for path in (tmp_path / "images").iterdir()}
    inspect_flight(tmp_path / "images", settings=SETTINGS, detector=perfect_detector)
    assert {path: (file_sha256(path), path.stat().st_mtime_ns) for path in (tmp_path / "images").iterdir()} == before
    assert (tmp_path / "images.inspection/report.html").exists()


def test_an_orthomosaic_is_inspected_window_by_window(tmp_path: Path) -> None:
    path = tmp_path / "街路 ortho.tif"
    line = LineString([(100, 120), (1700, 1130)])
    image = np.moveaxis(draw_cracks([line], 6, (1800, 1250)), -1, 0)
    profile = {"driver": "GTiff", "width": 1800, "height": 1250, "count": 3, "dtype": "uint8", "crs": "EPSG:6677"}
    with rasterio.open(path, "w", transform=from_origin(24730, -43533, 0.002, 0.002), **profile) as dataset:
        dataset.write(image)
    inspection = inspect_flight(path, tmp_path / "out", Settings(tile_px=256), detector=perfect_detector)
    (defect,) = inspection.defects
    assert inspection.crs is not None
    assert inspection.crs.to_epsg() == 6677
    assert defect.length_m == pytest.approx(line.length * 0.002, rel=0.005)
    assert defect.width_mm == pytest.approx(12, abs=1)
    assert defect.outline_m is not None
    assert defect.outline_m.bounds[0] == pytest.approx(24730 + 0.2, abs=0.02)


class Stating:
    """Tells the condition of rust, and that its answers stay the same."""

    fingerprint = "stating 1"

    def __call__(self, tile: npt.NDArray[np.uint8], /) -> Detections:
        """Everything dark is corrosion."""
        return stating_detector(tile)


@pytest.fixture
def rusty(tmp_path: Path) -> Path:
    """An orthomosaic, 2 mm per pixel, with two patches of rust: 60 % severe, and all fair."""
    path = tmp_path / "rusty.tif"
    patches = [(100, 100, 500, 300, 0), (500, 100, 1100, 300, 2), (1300, 600, 1500, 800, 0)]
    image = np.moveaxis(draw_rust(patches, (1800, 1250)), -1, 0)
    profile = {"driver": "GTiff", "width": 1800, "height": 1250, "count": 3, "dtype": "uint8", "crs": "EPSG:6677"}
    with rasterio.open(path, "w", transform=from_origin(24730, -43533, 0.002, 0.002), **profile) as dataset:
        dataset.write(image)
    return path


def test_rust_carries_its_condition_into_map_and_repair_list(rusty: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    inspect_flight(rusty, out, Settings(tile_px=100, overlap=0, lang="en"), detector=Stating())
    written = json.loads((out / "defects.geojson").read_text(encoding="utf-8"))["features"]
    columns = ("condition_state", "condition_state_score", "fair_share", "poor_share", "severe_share")
    assert {tuple(one["properties"][column] for column in columns) for one in written} == {
        ("severe", 0.6, 0.4, 0.0, 0.6),
        ("fair", 1.0, 1.0, 0.0, 0.0),
    }
    rows = list(csv.DictReader((out / "segments.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert sum(float(row["severe_corrosion_area_m2"] or 0) for row in rows) == pytest.approx(0.48, abs=1e-3)
    assert "an estimated 0.480 m² is in severe condition" in rows[0]["reasons"]


def test_a_condition_is_kept_for_a_second_run_and_not_taken_from_rows_that_know_none(
    rusty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenken import journal

    def units_kept() -> int:
        inspect_flight(rusty, tmp_path / "out", Settings(tile_px=100), detector=Stating())
        return int(json.loads((tmp_path / "out/run.json").read_text("utf-8"))["counts"]["units_kept_from_before"])

    with monkeypatch.context() as before:
        before.setattr(journal, "FORMAT", 1)
        assert units_kept() == 0
    assert units_kept() == 0
    first = contents(tmp_path / "out")
    assert units_kept() > 0
    assert contents(tmp_path / "out") == first


def test_a_photo_without_a_position_still_tells_the_condition_of_rust(tmp_path: Path) -> None:
    from PIL import Image

    images = tmp_path / "images"
    images.mkdir()
    rust = draw_rust([(100, 100, 200, 300, 0), (200, 100, 400, 300, 1)], (800, 600))
    Image.fromarray(rust).save(images / "a.png")
    Image.fromarray(draw_cracks([LineString([(50, 60), (700, 300)])], 6, (800, 600))).save(images / "b.png")

    def by_size(tile: npt.NDArray[np.uint8]) -> Detections:
        return stating_detector(tile) if tile[100:200, 100:200].mean() < 80 else perfect_detector(tile)

    inspection = inspect_flight(images, tmp_path / "out", Settings(tile_px=800), detector=by_size)
    assert {(one.kind, one.condition_state, one.condition_state_score) for one in inspection.defects} == {
        ("corrosion", "poor", 0.667),
        ("crack", None, None),
    }


def test_photos_without_a_position_are_inspected_in_pixels(tmp_path: Path) -> None:
    from PIL import Image

    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(draw_cracks([LineString([(50, 60), (700, 300)])], 6, (800, 600))).save(images / "a.jpg", quality=95)
    inspection = inspect_flight(images, tmp_path / "out", SETTINGS, detector=perfect_detector)
    (defect,) = inspection.defects
    assert defect.outline_m is None
    assert defect.length_m is None
    assert defect.width_mm is None
    assert defect.width_status == "no_scale"
    assert defect.sightings[0].width_px == pytest.approx(6, abs=0.5)
    assert "states no position" in inspection.photos[0].reason
    collection = json.loads((tmp_path / "out/defects.geojson").read_text(encoding="utf-8"))
    assert [feature["geometry"] for feature in collection["features"]] == [None]


def test_a_package_that_is_open_in_qgis_is_not_replaced(
    small_demo: DemoFlight, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenken import journal
    from tenken.errors import SettingsError

    monkeypatch.setattr(journal, "LOCK_WAIT_S", 0.1)
    shutil.copytree(finished, tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out/inspection.gpkg", isolation_level=None)) as elsewhere:
        elsewhere.execute("PRAGMA journal_mode = WAL")  # as QGIS does
        elsewhere.execute("SELECT count(*) FROM tenken_journal").fetchall()
        with pytest.raises(SettingsError, match="close it in QGIS"):
            inspect_flight(small_demo.images, tmp_path / "out", settings_of(small_demo))
    inspect_flight(small_demo.images, tmp_path / "out", settings_of(small_demo))
    assert contents(tmp_path / "out") == contents(finished)


def test_two_runs_do_not_write_into_one_folder(small_demo: DemoFlight, tmp_path: Path) -> None:
    from tenken.errors import SettingsError
    from tenken.running.results import locked_folder

    with locked_folder(tmp_path), pytest.raises(SettingsError, match="another run"):
        inspect_flight(small_demo.images, tmp_path, SETTINGS, detector=perfect_detector)


def test_the_flight_itself_is_no_place_for_results(small_demo: DemoFlight) -> None:
    from tenken.errors import SettingsError

    with pytest.raises(SettingsError, match="originals are never written to"):
        inspect_flight(small_demo.images, small_demo.images, SETTINGS, detector=perfect_detector)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_folder_linked_into_itself_ends(small_demo: DemoFlight, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(small_demo.images, images)
    (images / "again").symlink_to(images, target_is_directory=True)
    inspection = inspect_flight(images, tmp_path / "out", SETTINGS, detector=perfect_detector)
    assert len(inspection.photos) == 3
