"""What QGIS itself makes of package and project: started once, it prints what it found (``qgis_facts.py``)."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tenken.inspection import Inspection
from tenken.journal import Journal
from tenken.outputs import Review, carry_reviews, read_reviews, write_crops, write_layers
from tenken.outputs.grades import STATE_COLOURS, grade_colour, kind_colour
from tenken.outputs.layers import all_layers
from tenken.outputs.qgis.project import ProjectFiles, write_project
from tenken.outputs.qgis.relations import RELATIONS
from tenken.wording import words

QGIS_PYTHON = Path("/usr/bin/python3")
"""Where Debian's QGIS has its Python."""
FACTS = Path(__file__).with_name("qgis_facts.py")
MAPPED = {"crack_lines", "defects", "sightings", "segments", "coverage", "photos"}
TABLES = {"segment_photos", "run"}
Facts = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not QGIS_PYTHON.exists()
    or subprocess.run([QGIS_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False).returncode != 0,
    reason="QGIS with its Python is not installed here (Debian: python3-qgis)",
)


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory,
    bridge: Inspection,
    concrete: Callable[[str, int, int, int, int], npt.NDArray[np.uint8]],
) -> Facts:
    """Give what QGIS found in the results in Japanese and in English, and where they lie."""
    root = tmp_path_factory.mktemp("qgis")
    folders = {lang: root / f"点検 結果#1 {lang}" for lang in ("ja", "en")}
    for photo in bridge.photos:
        (root / "写真" / photo.photo).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(concrete(photo.photo, 0, 0, 1200, 900)).save(root / "写真" / photo.photo)
    for lang, folder in folders.items():
        folder.mkdir()
        crops = write_crops(folder / "crops", bridge, concrete)
        package = folder / "inspection.gpkg"
        write_layers(package, bridge, lang, crops=crops, flight_folder="../写真")
        with Journal(package) as journal:
            journal.write("key", "photo", {"found": 1})
        write_project(folder / "inspection.qgz", bridge, lang, ProjectFiles("inspection.gpkg", "../写真"))
    environment = {
        # Without a UTF-8 locale Qt cannot name files in Japanese.
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(root),
        "XDG_RUNTIME_DIR": str(root),
    }
    done = subprocess.run(
        [QGIS_PYTHON, FACTS, *folders.values()],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    facts: Facts = json.loads(done.stdout)
    return {"log": facts["log"], **{lang: facts["folders"][str(one)] for lang, one in folders.items()}, "at": folders}


@pytest.fixture(params=["ja", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_nothing_is_reported_as_wrong(found: Facts) -> None:
    assert found["log"] == []
    assert [found[lang]["project"]["map_errors"] for lang in ("ja", "en")] == [[], []]


def test_the_package_offers_its_layers_and_no_journal(found: Facts, lang: str) -> None:
    assert set(found[lang]["package"]["offered"]) == MAPPED | TABLES


@pytest.mark.parametrize("way", ["package", "project"])
def test_every_layer_is_valid_styled_and_named_in_the_language(found: Facts, lang: str, way: str) -> None:
    text = words(lang)
    layers = found[lang][way]["layers"]
    assert {name for name, one in layers.items() if one["valid"]} == MAPPED | TABLES
    for name in MAPPED:
        assert layers[name]["renderer"] == "categorizedSymbol"
        assert layers[name]["crs"] == "EPSG:6677"
        assert layers[name]["legend"]
    assert {name for name, one in layers.items() if one["labels"]} == {"crack_lines", "defects", "segments"}
    scaled = {name: one["from_scale"] for name, one in layers.items() if one["from_scale"]}
    assert scaled["sightings"] < scaled["photos"] < scaled["defects"] == scaled["crack_lines"] < scaled["coverage"]
    assert text.kind("crack") + " d" in layers["crack_lines"]["legend"]
    assert any(label.startswith(text.kind("corrosion")) for label in layers["defects"]["legend"])
    for one in layers.values():
        assert all(alias == text(f"column.{name}") for name, alias in one["aliases"].items() if name != "fid")


def test_each_layer_of_the_package_has_one_style(found: Facts, lang: str) -> None:
    styles = {name: one["styles"] for name, one in found[lang]["package"]["layers"].items()}
    assert styles == {name: [words(lang)(f"layer.{name}")] for name in MAPPED | TABLES}


@pytest.mark.parametrize("way", ["package", "project"])
def test_people_enter_the_review_and_nothing_else(found: Facts, lang: str, way: str) -> None:
    text = words(lang)
    layers = found[lang][way]["layers"]
    assert {name: one["editable"] for name, one in layers.items() if name == "defects"} == {
        "defects": ["review", "review_kind", "review_note"]
    }
    assert {name for name, one in layers.items() if not one["read_only"]} == {"defects"}
    states = [text(f"review.{state}") for state in ("none", "confirmed", "rejected", "changed")]
    assert layers["defects"]["values"]["review"] == states
    kinds = layers["defects"]["values"]["review_kind"]
    assert {text.kind(kind) for kind in ("spalling", "exposed_rebar", "efflorescence")} < set(kinds)
    assert len(kinds) == len(set(kinds))
    assert layers["defects"]["editors"]["review_note"] == "TextEdit"
    assert layers["defects"]["values"]["kind"][1:] == [text.kind("crack"), text.kind("corrosion")]


@pytest.mark.parametrize("way", ["package", "project"])
def test_a_form_has_every_column_in_tabs(found: Facts, bridge: Inspection, lang: str, way: str) -> None:
    for layer in all_layers(bridge):
        shown = found[lang][way]["layers"][layer.name]
        assert shown["tabs"]
        assert set(layer.fields) <= set(shown["in_form"])
    related = {one.id for one in RELATIONS} & set(found[lang][way]["layers"]["defects"]["in_form"])
    assert related == ({"defect_sightings"} if way == "project" else set())


def test_all_relations_hold_and_lead_from_segments_to_defects_sightings_and_photos(found: Facts, lang: str) -> None:
    relations = found[lang]["project"]["relations"]
    assert {one: relations[one]["valid"] for one in relations} == {one.id: True for one in RELATIONS}
    assert {one: relations[one]["name"] for one in relations} == {
        one.id: words(lang)(f"relation.{one.id}") for one in RELATIONS
    }
    assert relations["segment_defects"]["rows"] == {"s1": 3, "s2": 0, "s3": 0}
    assert relations["defect_sightings"]["rows"] == {"C-0001": 2, "C-0002": 1, "C-0003": 1, "R-0001": 1}
    assert relations["defect_line"]["rows"] == {"C-0001": 1, "C-0002": 1, "C-0003": 0, "R-0001": 0}
    assert relations["photo_sightings"]["rows"]["第1日/橋 上面 001.jpg"] == 3
    assert relations["segment_photos"]["rows"] == {"s1": 3, "s2": 2, "s3": 0}
    assert relations["photo_segments"]["rows"]["第1日/橋 上面 003.jpg"] == 2


@pytest.mark.parametrize("way", ["package", "project"])
def test_pictures_and_photos_are_found_from_wherever_the_folder_lies(found: Facts, lang: str, way: str) -> None:
    defects = {one["key"]: one for one in found[lang][way]["features"]["defects"]}
    assert len(defects) == 4
    for one in defects.values():
        assert Path(one["files"]["crop"]).is_file()
        assert Path(one["files"]["photo"]).is_file()
        assert [Path(path).is_file() for path in one["actions"]] == [True]
    tip = defects["C-0001"]["tip"]
    assert "%231" in tip  # the folder's "#", which would end an address
    assert "/crops/C-0001.jpg" in tip
    assert "0.32" in tip
    assert words(lang)("statement") in tip
    assert words(lang)("column.area_m2") not in defects["C-0003"]["tip"]


def test_labels_tell_grade_and_size(found: Facts, lang: str) -> None:
    labels = {one["key"]: one["label"] for one in found[lang]["project"]["features"]["crack_lines"]}
    assert labels["C-0001"].endswith("d  0.32 mm")
    assert labels["C-0002"].endswith("b-c-d  0.15–0.34 mm")


def test_the_project_opens_on_the_data_in_groups_with_themes(found: Facts, bridge: Inspection, lang: str) -> None:
    text = words(lang)
    project = found[lang]["project"]
    assert project["read"] is True
    assert bridge.flight in project["title"]
    assert project["crs"] == "EPSG:6677"
    west, south, east, north = project["extent"]
    bounds = [finding.segment.geometry.bounds for finding in bridge.findings]
    assert west < min(one[0] for one in bounds) < max(one[2] for one in bounds) < east
    assert south < min(one[1] for one in bounds) < max(one[3] for one in bounds) < north
    assert east - west < 1.3 * 18
    assert project["groups"] == {
        text("qgis.group.defects"): [text(f"layer.{one}") for one in ("crack_lines", "defects", "sightings")],
        text("qgis.group.structure"): [text("layer.segments")],
        text("qgis.group.seen"): [text("layer.coverage"), text("layer.photos")],
        text("qgis.group.tables"): [text("layer.segment_photos"), text("layer.run")],
    }
    assert project["shown"] == [f"tenken_layer_{one}" for one in (
        "crack_lines", "defects", "segments", "coverage", "photos")]  # fmt: skip
    assert len(project["themes"]) == 4
    assert all(project["themes"].values())
    assert project["variables"] == {"flight_folder": "../写真"}


def near(picture: npt.NDArray[np.int64], colour: str, tolerance: int) -> int:
    """Count the pixels within a distance of a colour, channel by channel."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(picture - wanted).max(axis=-1) <= tolerance).sum())


def pixels(path: Path) -> npt.NDArray[np.int64]:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"), dtype=np.int64)


def test_the_map_shows_kinds_and_grades_in_their_colours(found: Facts, lang: str) -> None:
    drawn = pixels(found["at"][lang] / "map.png")
    for colour in (kind_colour("crack"), STATE_COLOURS["severe"], grade_colour("d")):
        assert near(drawn, colour, 16) > 200
    assert near(drawn, "#ffffff", 0) < 0.95 * drawn.shape[0] * drawn.shape[1]


def test_the_form_shows_the_picture_of_the_defect(found: Facts, lang: str) -> None:
    assert found[lang]["project"]["form_tabs"] == [
        words(lang)(f"form.{one}") for one in ("review", "photos", "grade", "size", "provenance")
    ]
    shown = pixels(found["at"][lang] / "form.png")
    assert near(shown, "#a8a8a8", 10) > 10_000  # the concrete of the picture
    outline = (shown[..., 1] > shown[..., 0] + 60) & (shown[..., 2] > shown[..., 0] + 60)
    assert outline.sum() > 100


def test_a_rejected_candidate_fades_with_its_line(found: Facts, lang: str) -> None:
    before, after = (pixels(found["at"][lang] / name) for name in ("map.png", "reviewed.png"))
    assert near(after, kind_colour("crack"), 12) < 0.8 * near(before, kind_colour("crack"), 12)


def test_what_is_entered_in_qgis_is_kept_by_the_next_run(found: Facts, bridge: Inspection, lang: str) -> None:
    assert found[lang]["project"]["reviewed"] is True
    reviews = read_reviews(found["at"][lang] / "inspection.gpkg")
    carried, lost = carry_reviews(reviews, bridge.defects)
    assert carried == {"C-0002": Review("rejected", "型枠の目地")}
    assert lost == ()
