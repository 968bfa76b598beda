"""Another standard changes the grades and what follows from them, and nothing else; the first one brings all back."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyogrio.raw
import pytest
import shapely
from typer.testing import CliRunner

from conftest import DemoFlight
from tenken import Settings, inspect_flight
from tenken.assessment.standard_file import list_standards
from tenken.cli import app

FOLLOW_GRADES = {
    "defects": {"grade", "grade_candidates", "grade_worst", "grade_reason", "standard"},
    "crack_lines": {"grade_candidates", "grade_worst"},
    "segments": {
        "grade", "grade_candidates", "grade_worst", "standard",
        "rank", "rank_first", "rank_last", "priority", "reasons",
    },
}  # fmt: skip
"""Columns that a standard may change. No other column of any layer may differ."""
KEYS = {"defects": "id", "crack_lines": "defect_id", "segments": "segment_id", "sightings": "sighting_id"}
KEYS |= {"photos": "photo", "coverage": "segment_id"}
ABOUT_THE_RUN = ("run.json", "inspection.gpkg")
"""Hold the time of writing; their content is compared."""


@pytest.fixture(scope="module")
def graded(small_demo: DemoFlight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by the Japanese bridge guideline."""
    out = tmp_path_factory.mktemp("graded")
    settings = Settings(tile_px=128, assets=small_demo.assets, surface=small_demo.surface, lang="en")
    inspect_flight(small_demo.images, out, settings)
    return out


def regrade(out: Path, standard: str) -> None:
    result = CliRunner().invoke(app, ["report", str(out), "--standard", standard, "--quiet"])
    assert result.exit_code == 0, result.output


def rows(out: Path, layer: str) -> dict[tuple[str, bytes], dict[str, Any]]:
    """Rows of a layer by key and geometry."""
    meta, _, geometries, columns = pyogrio.raw.read(out / "inspection.gpkg", layer=layer)
    names = list(meta["fields"])
    values = [dict(zip(names, row, strict=True)) for row in zip(*[column.tolist() for column in columns], strict=True)]
    return {
        (row[KEYS[layer]], b"" if wkb is None else shapely.to_wkb(shapely.from_wkb(wkb))): row
        for row, wkb in zip(values, geometries, strict=True)
    }


def same(a: Any, b: Any) -> bool:
    return bool(a == b or (a != a and b != b))  # NaN stands for null


def files(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in ABOUT_THE_RUN
    }


@pytest.mark.parametrize("standard", [name for name in list_standards() if name != "japan-bridge-2019"])
def test_another_standard_changes_only_grades_and_what_follows(graded: Path, tmp_path: Path, standard: str) -> None:
    out = tmp_path / "out"
    shutil.copytree(graded, out)
    regrade(out, standard)
    changed = set()
    for layer in KEYS:
        before, after = rows(graded, layer), rows(out, layer)
        assert before.keys() == after.keys()
        for key, row in before.items():
            changed |= {(layer, name) for name, value in row.items() if not same(value, after[key][name])}
    assert changed
    assert {(layer, name) for layer, name in changed if name not in FOLLOW_GRADES.get(layer, set())} == set()
    kept = json.loads((out / "run.json").read_text(encoding="utf-8"))["counts"]
    assert kept["units_kept_from_before"] == kept["units"]  # nothing was detected again
    crops = [name for name in files(graded) if name.startswith("crops/")]
    assert crops
    assert {name: files(out)[name] for name in crops} == {name: files(graded)[name] for name in crops}


def test_the_first_standard_brings_every_byte_back(graded: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(graded, out)
    regrade(out, "japan-bridge-2019")
    before_all = files(out)  # addresses of the photos are relative, and this folder lies elsewhere
    regrade(out, "aashto-element-cracks")
    assert files(out) != before_all
    regrade(out, "japan-bridge-2019")
    after_all = files(out)
    assert {name for name in before_all if before_all[name] != after_all.get(name)} == set()
    assert before_all.keys() == after_all.keys()
    for layer in KEYS:
        before, after = rows(graded, layer), rows(out, layer)
        assert before.keys() == after.keys()
        assert all(same(value, after[key][name]) for key, row in before.items() for name, value in row.items())


def enter(out: Path, kind: str | None, review: str = "changed") -> str:
    """Enter a review, and perhaps another kind, for a defect as in QGIS; give its id."""
    with closing(sqlite3.connect(out / "inspection.gpkg")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')  # call functions that only GIS programs bring along
        (chosen,) = database.execute(
            "SELECT id FROM defects WHERE segment_id LIKE 'DEMO-D%' ORDER BY id"
        ).fetchone()  # of the deck, which is of reinforced concrete
        database.execute("UPDATE defects SET review = ?, review_kind = ? WHERE id = ?", (review, kind, chosen))
        database.commit()
    return str(chosen)


@pytest.mark.parametrize(
    ("entered", "candidates"),
    [
        ("spalling", "c-d-e"),
        ("剥離・鉄筋露出", "c-d-e"),
        ("鉄筋露出", "d-e"),
        ("漏水", "c-e"),
        ("efflorescence", "d-e"),
    ],
)
def test_a_defect_is_graded_as_the_kind_that_a_person_entered(
    graded: Path, tmp_path: Path, entered: str, candidates: str
) -> None:
    out = tmp_path / "out"
    shutil.copytree(graded, out)
    chosen = enter(out, entered)
    regrade(out, "japan-bridge-2019")
    (row,) = (row for row in rows(out, "defects").values() if row["id"] == chosen)
    assert (row["grade_candidates"], row["review"], row["review_kind"]) == (candidates, "changed", entered)
    (before,) = (row for row in rows(graded, "defects").values() if row["id"] == chosen)
    assert row["kind"] == before["kind"]  # what the software took it for stays on record


def test_what_a_person_rejected_counts_in_no_segment_and_stays_on_record(graded: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(graded, out)
    chosen = enter(out, None, "rejected")
    regrade(out, "japan-bridge-2019")
    (row,) = (row for row in rows(out, "defects").values() if row["id"] == chosen)
    assert row["review"] == "rejected"
    assert row["grade_candidates"]
    counted = {
        segment: {one["segment_id"]: one["defects"] for one in rows(folder, "segments").values()}
        for segment, folder in (("before", graded), ("after", out))
    }
    fewer = {name for name, count in counted["before"].items() if counted["after"][name] == count - 1}
    assert fewer == {row["segment_id"]}
    assert all(counted["after"][n] == count for n, count in counted["before"].items() if n not in fewer)
