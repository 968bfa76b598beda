"""Which pictures to label next: unsure ones first, each of another look, each defect once; a task for CVAT."""

import csv
import io
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely
from PIL import Image
from shapely import MultiLineString, MultiPolygon, box
from typer.testing import CliRunner

from conftest import DemoFlight
from tenken.cli import app
from tenken.errors import FlightError, SettingsError
from tenken.imagery.picture import load_photo
from tenken.measurement.condition import StateShare
from tenken.measurement.find import PhotoDefect
from tenken.running.progress import Silence
from tenken_training.annotations.dataset import read_dataset
from tenken_training.suggestion.choosing import choose
from tenken_training.suggestion.cvat_task import annotations_xml
from tenken_training.suggestion.suggest import suggest
from tenken_training.suggestion.windows import Window, edges, look_of


def found(score: float, kind: str = "crack") -> PhotoDefect:
    line = MultiLineString([[(10, 10), (40, 12), (90, 60)]])
    outline = MultiPolygon([line.buffer(2)]) if kind == "crack" else MultiPolygon([box(20, 30, 80, 70)])
    return PhotoDefect(
        kind, score, outline, line if kind == "crack" else None, 100.0 if kind == "crack" else None,
        None, None, None, outline.area, 1, StateShare(0.2, 0.7, 0.1) if kind == "corrosion" else None,
    )  # fmt: skip


def window(
    name: str,
    *scores: float,
    look: tuple[float, float] = (0, 0),
    defects: frozenset[str] = frozenset(),
    disputed: frozenset[str] = frozenset(),
) -> Window:
    return Window(name, 0, 0, 100, 100, tuple(map(found, scores)), disputed, defects, np.array(look, dtype=float))


def test_the_least_sure_is_chosen_first() -> None:
    windows = [window("sure", 0.98, look=(0, 1)), window("unsure", 0.5, look=(1, 0)), window("noise", 0.06)]
    assert [choice.window.photo for choice in choose(windows, 3)] == ["unsure", "noise", "sure"]
    assert windows[1].unsure == 1.0


def test_a_hundred_specks_are_worth_no_more_than_five() -> None:
    assert window("specks", *[0.5] * 100).unsure == 5.0


def test_what_people_dispute_counts_as_unsure() -> None:
    windows = [
        window("quiet", 0.9, look=(0, 1)),
        window("rejected", 0.97, look=(1, 0), defects=frozenset({"a"}), disputed=frozenset({"a"})),
    ]
    first = choose(windows, 1)[0]
    assert (first.window.photo, first.why) == ("rejected", "disputed")


def test_two_photos_of_one_crack_make_one_picture() -> None:
    same = frozenset({"CR-1"})
    windows = [
        window("first", 0.5, look=(0, 1), defects=same),
        window("again", 0.45, look=(1, 0), defects=same),
        window("other", 0.9, look=(1, 1), defects=frozenset({"CR-2"})),
    ]
    assert [choice.window.photo for choice in choose(windows, 3)] == ["first", "other"]


def test_looks_that_were_shown_are_worth_less() -> None:
    windows = [
        window("wall", 0.5, look=(0, 0)),
        window("wall too", 0.5, look=(0.01, 0)),
        window("steel", 0.8, look=(5, 5)),
    ]
    choices = choose(windows, 3)
    assert [choice.window.photo for choice in choices] == ["wall", "steel", "wall too"]
    # Not the worth alone decides, and what decides falls with the rank.
    assert choices[1].worth < choices[2].worth
    gains = [choice.gain for choice in choices]
    assert gains == sorted(gains, reverse=True)
    assert gains[2] < 0.1 < gains[1]


def test_a_fifth_is_chosen_by_look_where_nothing_was_found() -> None:
    rng = np.random.default_rng(1)
    windows = [window(f"unsure {n}", 0.5, look=tuple(rng.normal(size=2))) for n in range(30)]
    windows += [window(f"empty {n}", look=tuple(rng.normal(size=2))) for n in range(30)]
    choices = choose(windows, 20)
    assert [choice.why for choice in choices].count("unlike") == 4
    assert len({choice.window.photo for choice in choices}) == 20


def test_nothing_to_choose_from_gives_nothing() -> None:
    assert choose([], 5) == []


@pytest.mark.parametrize(("length", "side"), [(4000, 1280), (300, 1280), (1281, 1280), (7, 2)])
def test_windows_cover_the_photo_once(length: int, side: int) -> None:
    cuts = edges(length, side)
    assert (cuts[0], cuts[-1]) == (0, length)
    assert all(after > before for before, after in pairwise(cuts))


def test_a_look_tells_rough_from_smooth_and_red_from_grey() -> None:
    rng = np.random.default_rng(2)
    smooth = np.full((200, 300, 3), 128, np.uint8)
    rough = np.clip(128 + rng.normal(0, 30, (200, 300, 1)), 0, 255).astype(np.uint8).repeat(3, axis=2)
    red = smooth * np.array([1.5, 0.6, 0.6])
    looks = [look_of(picture) for picture in (smooth, rough, red.astype(np.uint8))]
    assert len(looks[0]) == 11
    assert (looks[1][6:] > looks[0][6:]).all()
    assert looks[2][0] > looks[0][0]


def test_the_task_holds_cracks_as_lines_and_rust_with_its_state() -> None:
    written = annotations_xml([("a.jpg", 100, 80, [found(0.9), found(0.8, "corrosion")])], ("crack", "corrosion"))
    root = ElementTree.fromstring(written)  # noqa: S314 - our own
    assert root.findtext("version") == "1.1"
    assert [label.findtext("name") for label in root.iter("label")] == ["crack", "corrosion"]
    [image] = root.findall("image")
    assert (image.get("name"), image.get("width"), image.get("height")) == ("a.jpg", "100", "80")
    [line] = image.findall("polyline")
    assert line.get("points") == "10.00,10.00;40.00,12.00;90.00,60.00"
    [polygon] = image.findall("polygon")
    assert polygon.findtext("attribute") == "poor"
    assert annotations_xml([], ("crack",)) == annotations_xml([], ("crack",))


@pytest.fixture(scope="module")
def finished(small_demo: DemoFlight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "small.inspection"
    done = CliRunner().invoke(app, ["run", str(small_demo.images), "--out", str(out), "--quiet"])
    assert done.exit_code == 0, done.output
    return out


def test_a_run_becomes_a_folder_of_pictures_and_annotations(
    finished: Path, small_demo: DemoFlight, tmp_path: Path
) -> None:
    dest = tmp_path / "suggested"
    done = CliRunner().invoke(app, ["suggest", str(finished), "--count", "4", "--size", "320", "--dest", str(dest)])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(io.StringIO((dest / "suggested.csv").read_text(encoding="utf-8-sig"))))
    pictures = sorted((dest / "images").iterdir())
    assert 0 < len(rows) <= 4
    assert [path.name for path in pictures] == [row["image"] for row in rows]
    by_worth = [float(row["gain"]) for row in rows if row["why"] != "unlike"]
    assert by_worth == sorted(by_worth, reverse=True)
    assert f"--site {small_demo.images.parent.name}/images " in done.output
    images = ElementTree.parse(dest / "annotations.xml").findall("image")  # noqa: S314 - our own
    assert [image.get("name") for image in images] == [row["image"] for row in rows]
    # A picture is the photo's own window.
    row = rows[0]
    left, top, width, height = (int(row[name]) for name in ("left_px", "top_px", "width_px", "height_px"))
    window_px = load_photo(small_demo.images / row["photo"])[top : top + height, left : left + width]
    shown = np.asarray(Image.open(pictures[0]).convert("RGB"))
    assert shown.shape == window_px.shape
    assert np.abs(shown.astype(int) - window_px).mean() < 4
    frame = shapely.box(0, 0, width, height).buffer(1)
    for shape in images[0]:
        points = [tuple(map(float, point.split(","))) for point in str(shape.get("points")).split(";")]
        assert frame.covers(shapely.MultiPoint(points))


def test_what_to_do_with_the_pictures_is_told_in_japanese(finished: Path, tmp_path: Path) -> None:
    options = ["--count", "2", "--size", "320", "--dest", str(tmp_path / "task"), "--lang", "ja"]
    lines = CliRunner().invoke(app, ["suggest", str(finished), *options]).output.splitlines()
    assert [line for line in lines if re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", line) is None] == []
    assert "ラベルを付けるべき画像の選択 …" in lines
    assert any(line.endswith(f" 2 枚を {tmp_path / 'task'} に書き出した") for line in lines)
    assert lines[-1].startswith("取り込むには：inspect import EXPORT.zip --photos ")


def test_equal_runs_give_equal_tasks(finished: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        suggest(finished, tmp_path / name, Silence(), count=3, side_px=320)
    one, two = (sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_nobodys_work_is_written_over(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "annotations.xml").write_text("corrected", encoding="utf-8")
    with pytest.raises(SettingsError, match="--dest"):
        suggest(finished, tmp_path, Silence())
    assert (tmp_path / "annotations.xml").read_text(encoding="utf-8") == "corrected"


def test_photos_that_are_gone_are_asked_for(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(FlightError, match="--flight"):
        suggest(finished, tmp_path / "new", Silence(), flight=tmp_path / "elsewhere")
    assert not (tmp_path / "new").exists()


def test_the_task_comes_back_as_a_data_set(finished: Path, tmp_path: Path) -> None:
    suggest(finished, tmp_path / "task", Silence(), count=4, side_px=320)
    with_shapes = len(ElementTree.parse(tmp_path / "task" / "annotations.xml").findall("image/*"))  # noqa: S314 - our own
    command = ["import", str(tmp_path / "task"), "--out", str(tmp_path / "site"), "--no-model-checks"]
    refused = CliRunner().invoke(app, command)
    assert "the detector's own guesses" in refused.output
    # What CVAT exports may be put where the guesses were.
    export = ElementTree.parse(tmp_path / "task" / "annotations.xml")  # noqa: S314 - our own
    meta = export.find("meta")
    assert meta is not None
    ElementTree.SubElement(meta, "dumped").text = "2026-11-26 00:00:00.000000+00:00"
    export.write(tmp_path / "task" / "annotations.xml", encoding="utf-8")
    there = [*command, "--out", str(tmp_path / "there")]
    assert CliRunner().invoke(app, there).exit_code == 0
    # Or it lies elsewhere.
    (tmp_path / "task" / "annotations.xml").rename(tmp_path / "corrected.xml")
    command[1:2] = [str(tmp_path / "corrected.xml"), "--photos", str(tmp_path / "task" / "images")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "each must have been looked at" in done.output
    labels = [label for photo in read_dataset(tmp_path / "site").photos for label in photo.labels]
    assert with_shapes > 0
    assert len(labels) > 0
