"""The QGIS project of a run: whole after each run, movable, and never written over a person's own."""

import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely import LineString

from conftest import DemoFlight
from drawn import draw_cracks, perfect_detector
from tenken import Detections, Settings, inspect_flight
from tenken.imagery.flight import Flight
from tenken.journal import Journal
from tenken.outputs.geopackage import start_geopackage
from tenken.outputs.qgis.project import ProjectFiles
from tenken.running.map_project import project_files
from tenken.running.verification import verify_run


class Notes:
    """Keeps what a run tells."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def start(self, stage: str, total: int) -> None: ...

    def advance(self, steps: int = 1) -> None: ...

    def note(self, text: str) -> None:
        self.told.append(text)


def finds_nothing(_tile: npt.NDArray[np.uint8]) -> Detections:
    """Stand for a detector where what it finds does not matter."""
    return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.str_))


def inspected(demo: DemoFlight, out: Path, lang: Literal["ja", "en"] = "ja", notes: Notes | None = None) -> Path:
    settings = Settings(tile_px=256, assets=demo.assets, surface=demo.surface, lang=lang)
    inspect_flight(demo.images, out, settings, detector=finds_nothing, progress=notes)
    return out / "inspection.qgz"


def project_in(path: Path) -> ET.Element:
    with zipfile.ZipFile(path) as archive:
        return ET.fromstring(archive.read("inspection.qgs").decode("utf-8").partition("\n")[2])  # noqa: S314


@pytest.fixture(scope="module")
def finished(small_demo: DemoFlight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a finished run."""
    out = tmp_path_factory.mktemp("finished")
    inspected(small_demo, out)
    return out


def test_a_second_run_writes_the_same_project(small_demo: DemoFlight, finished: Path) -> None:
    notes = Notes()
    before = (finished / "inspection.qgz").read_bytes()
    inspected(small_demo, finished, notes=notes)
    assert (finished / "inspection.qgz").read_bytes() == before
    assert notes.told == []
    assert "点検支援" in (project_in(finished / "inspection.qgz").findtext("title") or "")


def test_links_to_the_photos_lead_there_from_the_results(small_demo: DemoFlight, finished: Path) -> None:
    folder = project_in(finished / "inspection.qgz").findtext("properties/Variables/variableValues/value")
    assert folder is not None
    assert not Path(folder).is_absolute()
    assert (finished / folder).resolve() == small_demo.images.resolve()


def test_a_project_that_a_person_saved_is_kept(small_demo: DemoFlight, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "out")
    (tmp_path / "out/inspection.qgz").write_bytes(b"with my own background map")
    notes = Notes()
    project = project_in(inspected(small_demo, tmp_path / "out", "en", notes))
    assert (tmp_path / "out/inspection_saved.qgz").read_bytes() == b"with my own background map"
    assert len([told for told in notes.told if "inspection_saved.qgz" in told]) == 1
    assert (project.findtext("title") or "").startswith("Inspection")


def test_a_missing_project_is_a_fault_and_a_saved_one_is_none(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "out")
    path = tmp_path / "out/inspection.qgz"
    before = verify_run(tmp_path / "out")
    path.write_bytes(b"saved in QGIS")
    assert verify_run(tmp_path / "out") == before
    path.unlink()
    assert set(verify_run(tmp_path / "out")) - set(before) == {f"{path}: is missing"}


def test_an_orthomosaic_is_the_ground_of_its_map(tmp_path: Path) -> None:
    path = tmp_path / "街路 ortho.tif"
    image = np.moveaxis(draw_cracks([LineString([(100, 120), (700, 500)])], 6, (800, 600)), -1, 0)
    profile = {"driver": "GTiff", "width": 800, "height": 600, "count": 3, "dtype": "uint8", "crs": "EPSG:6677"}
    with rasterio.open(path, "w", transform=from_origin(24730, -43533, 0.002, 0.002), **profile) as dataset:
        dataset.write(image)
    inspect_flight(path, tmp_path / "out", Settings(tile_px=256), detector=perfect_detector)
    ground = project_in(tmp_path / "out/inspection.qgz").findall("projectlayers/maplayer")[-1]
    assert ground.findtext("datasource") == "../街路 ortho.tif"
    assert (tmp_path / "out" / str(ground.findtext("datasource"))).samefile(path)
    assert ground.findtext("srs/spatialrefsys/authid") == "EPSG:6677"


def test_results_on_another_drive_have_no_way_to_the_photos(
    small_demo: DemoFlight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_drive(*_: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")  # as Windows says

    monkeypatch.setattr("tenken.running.map_project.os.path.relpath", other_drive)
    flight = Flight(small_demo.images, (), None, ())
    assert project_files(flight, tmp_path, "inspection.gpkg") == ProjectFiles("inspection.gpkg", None, None)


def test_a_package_says_that_its_journal_is_no_layer(tmp_path: Path) -> None:
    package = tmp_path / "x.gpkg"
    start_geopackage(package)
    for _ in range(2):
        with Journal(package) as journal:
            journal.write("key", "photo", {})
    with closing(sqlite3.connect(package)) as database:
        listed = database.execute("SELECT table_name, data_type FROM gpkg_contents ORDER BY table_name").fetchall()
    assert listed == [("run", "attributes"), ("tenken_journal", "tenken-journal")]
