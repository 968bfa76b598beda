"""The console in Japanese, and a run whose flight and results were moved together."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conftest import DemoFlight
from tenken.cli import app
from tenken.exports.public_review import REVIEW_FILE
from tenken.inspection import SkippedRecord
from tenken.notes import Note, said
from tenken.outputs.reviews import Review, counted_defects

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def finished(small_demo: DemoFlight, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run in Japanese of a flight with a text file, two damaged photos and a copy; its folder and its result."""
    base = tmp_path_factory.mktemp("japanese")
    flight = base / "flight"
    shutil.copytree(small_demo.images, flight)
    (flight / "a.txt").write_text("x", encoding="utf-8")
    first = min(flight.glob("*.JPG"))
    shutil.copy(first, flight / "copy.jpg")
    (flight / "y.jpg").write_bytes(first.read_bytes()[: first.stat().st_size // 3])
    (flight / "z.jpg").write_bytes(first.read_bytes()[: first.stat().st_size // 2])
    shutil.copy(small_demo.surface, base / "surface.tif")
    shutil.copy(small_demo.assets, base / "assets.geojson")
    inputs = ("--surface", base / "surface.tif", "--assets", base / "assets.geojson")
    return base, run("run", flight, "--out", base / "results", *inputs, "--tile", "256", "--lang", "ja")


def test_a_japanese_run_tells_everything_in_japanese(finished: tuple[Path, Result]) -> None:
    _, result = finished
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if line.strip()]
    assert [line for line in lines if not JAPANESE.search(line)] == []
    assert "ファイルの読み取り …" in lines
    assert any(line.startswith("写真 3 枚を点検。人が判断する損傷候補：") for line in lines)


def test_damaged_photos_are_told_before_files_that_never_were_photos(finished: tuple[Path, Result]) -> None:
    _, result = finished
    lines = result.output.splitlines()
    start = next(number for number, line in enumerate(lines) if line == "処理できなかったファイル：4 件")
    damaged, *others = lines[start + 1 : start + 4]
    assert re.match(r"  2 件（例 y\.jpg）：画像(が壊れている|として読めない).*メモリーカードからコピーし直す", damaged)
    assert sorted(others) == ["  1 件（例 a.txt）：画像ではない（.txt）", others[1]]
    assert any("と同じ画像" in line for line in others)


def test_layers_and_report_are_japanese_and_run_json_stays_english(finished: tuple[Path, Result]) -> None:
    base, _ = finished
    with closing(sqlite3.connect(base / "results/inspection.gpkg")) as package:
        told = dict(package.execute("SELECT key, value FROM run WHERE key LIKE 'skipped.%'").fetchall())
    assert told["skipped.a.txt"] == "画像ではない（.txt）"
    page = (base / "results/report.html").read_text(encoding="utf-8")
    assert "画像ではない（.txt）" in page
    assert "写真（縮小・位置は概略）" in page  # all corners of the photos meet the surface, so they lie below the map
    record = json.loads((base / "results/run.json").read_text(encoding="utf-8"))
    reasons = {one["path"]: one["reason"] for one in record["skipped"]}
    assert reasons["a.txt"] == "not a picture (.txt)"
    assert list(reasons) == sorted(reasons)


def test_info_and_locate_speak_japanese_and_their_json_does_not_change(finished: tuple[Path, Result]) -> None:
    base, _ = finished
    told = run("info", base / "flight", "--lang", "ja").output
    assert [line for line in told.splitlines() if not JAPANESE.search(line)] == []
    photo = min((base / "flight").glob("DJI*.JPG"))
    assert "経度" in run("locate", photo, "100,100", "--lang", "ja").output
    english, japanese = (run("info", base / "flight", "--json", "--lang", lang).stdout for lang in ("en", "ja"))
    assert english == japanese


def test_a_copied_pair_is_checked_and_reported_from_its_own_photos(
    finished: tuple[Path, Result], tmp_path: Path
) -> None:
    base, _ = finished
    copy = tmp_path / "copy"
    shutil.copytree(base, copy)
    changed = min((copy / "flight").glob("DJI*.JPG"))
    changed.write_bytes(changed.read_bytes() + b"x")
    assert run("verify", base / "results").exit_code == 0
    result = run("verify", copy / "results")
    assert result.exit_code == 2
    assert f"{changed}：実行後に変更されている" in result.output
    result = run("verify", copy / "results", "--lang", "en", "--flight", base / "flight")
    assert result.exit_code == 0
    assert f"photos ({base / 'flight'}), weights and results are what the run recorded" in result.output
    # Another flight at the same way from the results is not taken for it.
    shutil.rmtree(copy / "flight")
    (copy / "flight").mkdir()
    assert run("verify", copy / "results").exit_code == 0


def test_a_report_of_a_moved_pair_needs_nothing_of_the_old_place(
    finished: tuple[Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, _ = finished
    moved = tmp_path / "moved"
    shutil.copytree(base, moved)
    record_path = moved / "results/run.json"
    text = record_path.read_text(encoding="utf-8")
    record_path.write_text(text.replace(base.as_posix(), "/nowhere"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = run("report", Path("moved/results"), "--lang", "en")
    assert result.exit_code == 0, result.output
    record = json.loads(record_path.read_text(encoding="utf-8"))
    assert record["counts"]["units_kept_from_before"] == record["counts"]["units"]
    assert record["settings"]["assets"] == (moved / "assets.geojson").as_posix()


def test_a_public_copy_says_that_no_defect_was_confirmed(finished: tuple[Path, Result], tmp_path: Path) -> None:
    base, _ = finished
    out = tmp_path / "results"
    shutil.copytree(base / "results", out)
    asked = ("export", out, "--public", "--with-defects", "--flight", base / "flight")
    assert run(*asked).exit_code == 2
    review = out / REVIEW_FILE
    rows = review.read_text(encoding="utf-8-sig").splitlines()
    names = rows[0].split(",")
    decided = [rows[0]]
    for row in rows[1:]:
        cells = dict(zip(names, row.split(","), strict=True)) | {"decision": "publish", "looked_at_by": "検査員"}
        decided.append(",".join(cells[name] for name in names))
    review.write_text("\n".join(decided) + "\n", encoding="utf-8-sig")
    result = run(*asked)
    assert result.exit_code == 0, result.output
    assert "公開した損傷は 0 件" in result.output
    assert run(*asked, "--quiet").output == ""
    with closing(sqlite3.connect(out / "inspection.gpkg")) as package:
        (unreviewed,) = package.execute("SELECT count(*) FROM defects WHERE coalesce(review, '') = ''").fetchone()
    assert f"未確認 {unreviewed} 件" in result.output
    assert run("export", out, "--to", "csv", "--quiet").output == ""


def test_a_note_is_english_for_errors_and_json_and_japanese_where_asked() -> None:
    note = Note.of("note.not_placed", why=Note.of("note.no_gps"))
    assert note == "not placed: it states no GPS position"
    assert said(note, "ja") == "位置づけ不可：GPS 位置の記録がない"
    assert said(note, "en") == json.loads(json.dumps(note))
    both = Note.joined([Note.of("note.blurred", blur="0.70", limit="0.60"), note])
    assert said(both, "ja") == "不鮮明（0.70、上限 0.60）；位置づけ不可：GPS 位置の記録がない"
    assert said("plain", "ja") == "plain"


def test_a_second_copy_of_a_photo_is_no_lost_photo() -> None:
    assert SkippedRecord("a.jpg", Note.of("note.empty_file")).is_lost_photo
    assert not SkippedRecord("a.jpg", Note.of("note.same_picture", other="b.jpg")).is_lost_photo
    assert not SkippedRecord("a.txt", Note.of("note.not_a_picture", ending=".txt")).is_lost_photo


def test_what_a_person_rejected_is_not_counted(finished: tuple[Path, Result], tmp_path: Path) -> None:
    base, _ = finished
    moved = tmp_path / "moved"
    shutil.copytree(base, moved)
    with closing(sqlite3.connect(moved / "results/inspection.gpkg")) as package:
        (everything,) = package.execute("SELECT count(*) FROM defects").fetchone()
        for (name,) in package.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            package.execute(f'DROP TRIGGER "{name}"')  # call functions that only GIS programs bring along
        package.execute("UPDATE defects SET review = 'rejected' WHERE rowid = (SELECT min(rowid) FROM defects)")
        package.commit()
    result = run("report", moved / "results", "--lang", "en")
    assert result.exit_code == 0, result.output
    assert "(1 more rejected by a person)" in result.output
    page = (moved / "results/report.html").read_text(encoding="utf-8")
    headline = re.search(r"<dt>Defect candidates</dt><dd><b>(\d+)</b><span>([^<]*)</span>", page)
    assert headline is not None
    assert int(headline[1]) == everything - 1
    assert "1 rejected, not counted" in headline[2]
    assert counted_defects([], {"x": Review("rejected", None)}) == ([], 0)
