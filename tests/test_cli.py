"""The command line: quick help, one-line errors, exit codes, and the commands around a run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conftest import DemoFlight
from tenken.cli import app
from tenken.errors import MissingExtraError
from tenken.outputs.japanese_font import find_font


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_help_needs_nothing_heavy() -> None:
    heavy = "torch ultralytics openvino rasterio shapely numpy scipy skimage pyproj pydantic tenken_training rich"
    code = f"import sys, tenken.cli; print([name for name in '{heavy}'.split() if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_inspecting_needs_neither_torch_nor_training(small_demo: DemoFlight, tmp_path: Path) -> None:
    code = (
        "import sys; from tenken import Settings, inspect_flight;"
        f"inspect_flight({str(small_demo.images)!r}, {str(tmp_path)!r}, Settings(tile_px=256));"
        "print([name for name in ('torch', 'ultralytics', 'tenken_training') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    ["run", "info", "locate", "report", "export", "verify", "demo", "evaluate", "train", "weights", "standards"],
)
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output
    assert run(command, "-h").output == result.output


def test_training_without_its_extra_names_the_pip_line() -> None:
    code = (
        "import sys; sys.modules['ultralytics'] = None\n"
        "from tenken.cli import app\napp(['train', '--recipe', 'nothing.toml'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 6
    assert 'pip install "tenken[train]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_tells_where_to_look(small_demo: DemoFlight, tmp_path: Path) -> None:
    result = run("run", small_demo.images, "--out", tmp_path, "--tile", "256", "--lang", "en")
    assert result.exit_code == 0
    assert "report.html" in result.output
    assert "inspection.qgz" in result.output


def test_a_run_speaks_json(small_demo: DemoFlight, tmp_path: Path) -> None:
    result = run("run", small_demo.images, "--out", tmp_path, "--tile", "256", "--json")
    assert json.loads(result.stdout)["counts"]["photos"] == 3


def test_a_quiet_run_says_nothing(small_demo: DemoFlight, tmp_path: Path) -> None:
    assert run("run", small_demo.images, "--out", tmp_path, "--tile", "256", "--quiet").output == ""


@pytest.mark.parametrize(
    ("arguments", "exit_code", "remedy"),
    [
        (["run", "{missing}"], 3, "check the spelling"),
        (["run", "{empty}"], 3, "give the folder that holds"),
        (["run", "{images}", "--tile", "3"], 2, "--tile"),
        (["run", "{images}", "--overlap", "2"], 2, "--overlap"),
        (["run", "{images}", "--min-score", "7"], 2, "--min-score"),
        (["run", "{images}", "--lang", "fr"], 2, "ja or en"),
        (["run", "{images}", "--standard", "none"], 2, "japan-bridge-2019"),
        (["run", "{images}", "--surface", "moon"], 2, "--surface"),
        (["run", "{images}", "--assets", "{missing}"], 4, "missing"),
        (["run", "{images}", "--assets", "{notes}"], 4, "notes.txt"),
        (["run", "{images}", "--weights", "nobody"], 5, "first-crack-corrosion"),
        (["run", "{images}", "--engine", "abacus"], 2, "--engine abacus"),
        (["run", "{images}", "--precision", "int4"], 2, "--precision int4"),
        (["run", "{images}", "--out", "{notes}"], 2, "is a file"),
        (["run"], 2, ""),
        (["run", "{images}", "--no-such-option"], 2, ""),
        (["info", "{empty}"], 3, ""),
        (["locate", "{missing}", "1,1"], 3, ""),
        (["locate", "{photo}", "here"], 2, "column,row"),
        (["report", "{empty}"], 2, "inspect run"),
        (["verify", "{empty}"], 2, "inspect run"),
    ],
)
def test_errors_are_one_line_with_a_remedy_and_an_exit_code(
    small_demo: DemoFlight, tmp_path: Path, arguments: list[str], exit_code: int, remedy: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    places = {
        "missing": tmp_path / "missing",
        "empty": tmp_path / "empty",
        "notes": tmp_path / "notes.txt",
        "images": small_demo.images,
        "photo": small_demo.images / "DJI_0001.JPG",
    }
    given = [argument.format(**places) for argument in arguments]
    if given[0] == "run" and "{images}" in arguments and "--out" not in given:
        given += ["--out", str(tmp_path / "out")]
    result = run(*given)
    assert result.exit_code == exit_code, result.output
    assert remedy in result.output
    assert "Traceback" not in result.output
    if remedy:
        assert len(result.output.strip().splitlines()) <= 3
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("report.html"))


def test_strict_refuses_skipped_photos_after_the_work_is_done(small_demo: DemoFlight, tmp_path: Path) -> None:
    import shutil

    images = tmp_path / "images"
    shutil.copytree(small_demo.images, images)
    (images / "broken.jpg").write_bytes(b"")
    result = run("run", images, "--out", tmp_path / "out", "--tile", "256", "--strict")
    assert result.exit_code == 7
    assert "broken.jpg" in result.output
    assert (tmp_path / "out/report.html").exists()


def test_a_finished_run_is_reported_in_another_language_and_standard(small_demo: DemoFlight, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("run", small_demo.images, "--out", out, "--tile", "256", "--lang", "en")
    result = run("report", out, "--lang", "ja", "--standard", "aashto-element-cracks")
    assert result.exit_code == 0, result.output
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["standard"]["id"] == "aashto-element-cracks"
    assert record["counts"]["units_kept_from_before"] == 3
    assert "AIによる損傷候補" in (out / "report.html").read_text(encoding="utf-8")
    assert run("verify", out).exit_code == 0


def test_a_pdf_is_made_when_asked_for_and_does_not_outlive_its_results(small_demo: DemoFlight, tmp_path: Path) -> None:
    try:
        find_font()
    except MissingExtraError as error:
        pytest.skip(str(error))
    out = tmp_path / "out"
    run("run", small_demo.images, "--out", out, "--tile", "256", "--lang", "en")
    result = run("report", out, "--pdf")
    assert result.exit_code == 0, result.output
    assert "report.pdf" in result.output
    made = (out / "report.pdf").read_bytes()
    assert made.startswith(b"%PDF-")
    result = run("report", out, "--standard", "aashto-element-cracks")
    assert result.exit_code == 0, result.output
    (kept,) = out.glob("report_*.pdf")
    assert f"report.pdf of the earlier result is kept as {kept.name}" in result.output
    assert kept.read_bytes() == made
    assert not (out / "report.pdf").exists()


def test_info_tells_what_a_flight_can_show(small_demo: DemoFlight) -> None:
    result = run("info", small_demo.images)
    assert "3 photos" in result.output
    assert "mm per pixel" in result.output
    assert "smallest crack" in result.output
    listed = json.loads(run("info", small_demo.images, "--json").stdout)
    assert len(listed["photos"]) == 3
    assert all(photo["placed"] for photo in listed["photos"])


def test_locate_agrees_with_the_truth(demo: DemoFlight) -> None:
    from pyproj import Transformer

    crack = next(defect for defect in demo.truth.defects if defect.id == "C07")
    seen = next(sighting for sighting in crack.sightings if sighting.visible_fraction > 0.99)
    assert seen.centreline_px is not None
    assert crack.centreline_m is not None
    pixel, place = seen.centreline_px.centroid, crack.centreline_m.centroid
    result = run("locate", demo.images / seen.photo, f"{pixel.x},{pixel.y}", "--surface", demo.surface, "--json")
    (found,) = json.loads(result.stdout)
    x, y = Transformer.from_crs(4326, demo.truth.epsg, always_xy=True).transform(found["lon"], found["lat"])
    off = ((x - place.x) ** 2 + (y - place.y) ** 2) ** 0.5
    assert off < 0.06
    assert off < found["error_m"]


def test_python_dash_m_and_the_checkout_script_are_the_same_command() -> None:
    root = Path(__file__).parents[1]
    for command in ([sys.executable, "-m", "tenken", "--help"], [sys.executable, str(root / "cli.py"), "--help"]):
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
        assert "inspect demo" in done.stdout


def test_source_roots_hide_nothing_of_the_standard_library() -> None:
    root = Path(__file__).parents[1]
    for name in ("inspect", "training", "datasets", "weights", "notebooks"):
        assert not (root / name / "__init__.py").exists()
