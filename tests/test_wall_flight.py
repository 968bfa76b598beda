"""A flight along a wall, end to end: every crack is one record, with its place and length on the wall."""

import json
import re
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyogrio
import pytest
import shapely
from typer.testing import CliRunner

from drawn import perfect_detector
from tenken import Detections, Settings, inspect_flight
from tenken.cli import app
from tenken.identity.identify import Defect
from tenken.inspection import Inspection
from tenken.running.progress import Silence
from wall_flight import CRACKS, HEIGHT_M, LENGTH_M, WallFlight, make_wall_flight, write_wall

SURE_M = 0.12
"""Three times the stated noise of a pose, 2 cm and 0.05 degrees at 8 m, in one direction."""


class Oracle:
    """`perfect_detector`, whose answers a run may keep."""

    fingerprint = "dark"

    def __call__(self, tile: npt.NDArray[np.uint8], /) -> Detections:
        return perfect_detector(tile)


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> WallFlight:
    return make_wall_flight(tmp_path_factory.mktemp("flown"))


@pytest.fixture(scope="module")
def out(flight: WallFlight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def found(flight: WallFlight, out: Path) -> Inspection:
    settings = Settings(assets=flight.assets, lang="en")
    return inspect_flight(flight.images, out, settings, detector=Oracle())


def found_before(out: Path, folder: Path) -> Path:
    """A results folder that holds what was found, so that nothing is detected again."""
    again = folder / "again"
    again.mkdir()
    shutil.copy(out / "inspection.gpkg", again)
    return again


def the_crack(found: Inspection, name: str) -> Defect:
    """The record that lies where the true crack is."""
    there = CRACKS[name].buffer(SURE_M)
    (defect,) = [
        one
        for one in found.defects
        if one.centreline_m is not None and one.centreline_m.intersection(there).length > 0.9 * one.centreline_m.length
    ]
    return defect


def test_every_crack_is_one_record_on_the_wall(found: Inspection) -> None:
    assert len(found.defects) == len(CRACKS)
    assert {defect.face for defect in found.defects} == {"A1"}
    assert all(photo.usable and photo.placed for photo in found.photos)
    # What photos of a wall have in common does not lie on the ground: no pose is adjusted to it.
    assert {photo.pose_source for photo in found.photos} == {"rtk+gimbal"}


@pytest.mark.parametrize("name", CRACKS)
def test_a_crack_has_its_place_length_and_all_its_photos(found: Inspection, name: str) -> None:
    true, defect = CRACKS[name], the_crack(found, name)
    # Drawn with round ends: half its width of 25 mm longer at each.
    assert defect.length_m == pytest.approx(true.length + 0.025, rel=0.01, abs=0.025)
    assert defect.centreline_m is not None
    assert shapely.hausdorff_distance(defect.centreline_m, true, densify=0.1) < SURE_M
    assert len({sighting.photo for sighting in defect.sightings}) >= 2
    assert defect.position_error_m is not None
    assert defect.position_error_m < 3.0


def test_stations_of_the_wall_hold_their_parts(found: Inspection) -> None:
    """The wall is cut at 10 and 20 m; the slanting crack crosses 10 m, the level one 20 m."""
    by_name = {one.segment.name: one for one in found.findings}
    assert sorted(by_name) == [
        "A1橋台 side No.0+0 (0-10 m)",
        "A1橋台 side No.0+10 (10-20 m)",
        "A1橋台 side No.1+0 (20-24 m)",
    ]
    lengths = [by_name[name].crack_length_m for name in sorted(by_name)]
    slanting = CRACKS["slanting"].length
    assert lengths == pytest.approx([3.0 + slanting * 1.5 / 4, slanting * 2.5 / 4 + 6.0, 2.0], abs=0.15)
    assert sum(lengths) == pytest.approx(sum(one.length_m or 0 for one in found.defects), abs=1e-3)
    assert [len(by_name[name].defect_ids) for name in sorted(by_name)] == [2, 2, 1]


def test_what_was_seen_counts_on_the_wall(found: Inspection) -> None:
    """Photos show 8 x 6 m of it, from 3 m on and 3 m short of the end: nearly all."""
    assert all(finding.assessed for finding in found.findings)
    assert all(finding.seen_fraction > 0.8 for finding in found.findings)
    seen = sum(
        patch.geometry.area for finding in found.findings for patch in finding.coverage if patch.status == "seen"
    )
    assert seen == pytest.approx(LENGTH_M * HEIGHT_M, rel=0.1)


def test_on_maps_a_crack_lies_at_the_wall_with_its_place_on_it(
    found: Inspection, flight: WallFlight, out: Path
) -> None:
    wall = json.loads(flight.assets.read_text(encoding="utf-8"))["features"][0]["geometry"]["coordinates"]
    line = shapely.LineString(wall)
    features = json.loads((out / "defects.geojson").read_text(encoding="utf-8"))["features"]
    assert len(features) == len(CRACKS)
    for feature in features:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        assert shape.distance(line) < 1e-6  # degrees: 0.1 m
    told = {one["id"]: one["properties"] for one in features}
    upright = told[the_crack(found, "upright").id]
    assert upright["face"] == "A1"
    assert upright["face_x_m"] == pytest.approx(5.0, abs=SURE_M)
    assert 1.2 < upright["face_y_m"] < 4.2
    assert upright["height_m"] == pytest.approx(upright["face_y_m"])
    assert upright["length_m"] == pytest.approx(3.0, abs=0.05)


def test_every_layer_of_the_package_is_valid_and_of_one_type(found: Inspection, out: Path) -> None:
    for name, geometry_type, count in (
        ("defects", "MultiPolygon", len(CRACKS)),
        ("crack_lines", "MultiLineString", len(CRACKS)),
        ("sightings", "MultiPolygon", sum(len(defect.sightings) for defect in found.defects)),
        ("segments", "MultiPolygon", 3),
        ("photos", "MultiPolygon", 6),
    ):
        meta, _, wkb, _ = pyogrio.raw.read(out / "inspection.gpkg", layer=name)
        shapes = shapely.from_wkb(wkb)
        assert meta["geometry_type"] == geometry_type
        assert len(shapes) == count
        assert all(shape.is_valid and shape.geom_type == geometry_type for shape in shapes), name


def test_the_report_draws_the_wall_and_leads_from_it_to_the_records(found: Inspection, out: Path) -> None:
    report = (out / "report.html").read_text(encoding="utf-8")
    (drawn,) = re.findall(r'<figure class="elevation".*?</figure>', report, flags=re.DOTALL)
    assert "A1橋台 side" in drawn
    assert "Chainage 0 to 24.0 m from left to right, height 0.0 to 6.0 m" in drawn
    for defect in found.defects:
        assert f'<a href="#d-{defect.id}"' in drawn
    assert drawn.count('href="#segment-') == 3
    assert "A1: x " in report


@pytest.mark.browser
@pytest.mark.usefixtures("found")
def test_in_a_browser_the_drawing_follows_the_filters_and_opens_a_record(found: Inspection, out: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if chromium is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    upright = the_crack(found, "upright").id
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto((out / "report.html").as_uri())
        marks = page.locator(".elevation a[data-id]:not(.off)")
        assert marks.count() == len(CRACKS)
        page.locator(f'.elevation a[data-id="{upright}"]').focus()
        page.keyboard.press("Enter")
        assert page.url.endswith(f"#d-{upright}")
        page.locator("input[type=search]").fill(upright)
        assert marks.evaluate_all("all => all.map(one => one.dataset.id)") == [upright]
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
        browser.close()


def test_a_place_on_the_wall_is_told_for_a_pixel(flight: WallFlight) -> None:
    call = ["locate", str(flight.images / "DJI_0001.JPG"), "480,360", "--assets", str(flight.assets)]
    (place,) = json.loads(CliRunner().invoke(app, [*call, "--json"], catch_exceptions=False).output)
    # The camera stands before chainage 3, 3 m up, to 0.1 m and 3 degrees.
    assert place["face"] == "A1"
    assert (place["face_x_m"], place["face_y_m"]) == pytest.approx((3.0, 3.0), abs=1.2)
    assert place["height_m"] == place["face_y_m"]
    assert "A1: x " in CliRunner().invoke(app, call, catch_exceptions=False).output


@pytest.mark.usefixtures("found")
def test_faces_that_no_photo_shows_are_told(flight: WallFlight, out: Path, tmp_path: Path) -> None:
    """Heights above sea level, though the run counts from take-off: the wall stands over the drone."""

    class Notes(Silence):
        told: ClassVar[list[str]] = []

        def note(self, text: str) -> None:
            self.told.append(text)

    settings = Settings(assets=write_wall(tmp_path / "high.geojson", 下端高=40.0, 上端高=46.0), lang="en")
    lost = inspect_flight(flight.images, found_before(out, tmp_path), settings, detector=Oracle(), progress=Notes())
    assert any("No photo shows any of the faces" in note and "high.geojson" in note for note in Notes.told)
    assert all(not finding.assessed for finding in lost.findings)


def test_another_number_of_workers_gives_the_same_bytes(
    flight: WallFlight, out: Path, found: Inspection, tmp_path: Path
) -> None:
    settings = Settings(assets=flight.assets, lang="en")
    inspect_flight(flight.images, tmp_path, settings, detector=Oracle(), workers=1)
    for name in ("defects.geojson", "segments.geojson", "segments.csv"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


@pytest.mark.usefixtures("found")
def test_without_the_wall_in_the_assets_nothing_lies_on_it(flight: WallFlight, out: Path, tmp_path: Path) -> None:
    plain = inspect_flight(flight.images, found_before(out, tmp_path), Settings(lang="en"), detector=Oracle())
    assert all(defect.face is None for defect in plain.defects)
    assert plain.faces == {}
