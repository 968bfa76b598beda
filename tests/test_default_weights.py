"""The user's default weights: what is promoted, what a roll back returns to, what can be removed."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tenken.cli import app
from tenken.commands.weights import weights_app
from tenken.detection.default_weights import default_weights, make_default, read_history, roll_back
from tenken.detection.weights import DEFAULT_WEIGHTS, add_weights, find_weights, remove_weights
from tenken.detection.weights_card import write_card
from tenken.detection.weights_folders import user_weights_dir
from tenken.errors import WeightsError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has added two copies of the shipped weights, "north" and "south"."""
    monkeypatch.setenv("TENKEN_HOME", str(tmp_path / "home"))
    shipped = find_weights()
    for name in ("north", "south"):
        shutil.copyfile(shipped.path, tmp_path / f"{name}.onnx")
        add_weights(tmp_path / f"{name}.onnx")
    return tmp_path


def promote(name: str) -> None:
    make_default(name, find_weights(name).sha256, f"{name} instead of others")


def refusal(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["weights", *arguments])
    assert result.exit_code == 5
    assert "Traceback" not in result.output
    return result.output


def test_the_shipped_weights_are_the_default_until_others_are_promoted(home: Path) -> None:
    assert default_weights().name == DEFAULT_WEIGHTS
    promote("north")
    assert find_weights("default").card.name == "north"
    assert find_weights().path == user_weights_dir() / "north.onnx"
    assert default_weights().since is not None


def test_rolling_back_goes_through_all_promotions_to_the_shipped_weights(home: Path) -> None:
    promote("north")
    promote("south")
    assert [roll_back().name, roll_back().name] == ["north", DEFAULT_WEIGHTS]
    assert find_weights().card.name == DEFAULT_WEIGHTS
    with pytest.raises(WeightsError, match="nothing to roll back"):
        roll_back()
    assert [change.action for change in read_history()] == ["promoted", "promoted", "rolled back", "rolled back"]


def test_a_promotion_after_a_roll_back_is_rolled_back_to_what_was_then_the_default(home: Path) -> None:
    promote("north")
    promote("south")
    roll_back()
    promote("south")
    assert roll_back().name == "north"


def test_rolling_back_passes_over_removed_weights(home: Path) -> None:
    promote("north")
    promote("south")
    remove_weights("north")
    assert roll_back().name == DEFAULT_WEIGHTS


def test_what_may_be_removed(home: Path) -> None:
    promote("north")
    assert "inspect weights rollback" in refusal("remove", "north")
    assert "not in" in refusal("remove", DEFAULT_WEIGHTS)
    assert "not known" in refusal("remove", "east")
    assert CliRunner().invoke(weights_app, ["remove", "south"]).exit_code == 0
    assert not list(user_weights_dir().glob("south*"))


def test_a_default_that_is_gone_or_changed_names_the_remedy(home: Path) -> None:
    promote("north")
    card = find_weights("north").card
    write_card(card.model_copy(update={"name": "north", "sha256": "0" * 64}), user_weights_dir() / "north.json")
    with pytest.raises(WeightsError):
        find_weights()
    (user_weights_dir() / "north.json").unlink()
    with pytest.raises(WeightsError, match="inspect weights rollback"):
        find_weights()
    listed = CliRunner().invoke(weights_app, ["list"])
    assert "* north" in listed.stdout
    assert "gone" in listed.stdout
    assert CliRunner().invoke(weights_app, ["rollback"]).exit_code == 0
    assert find_weights().card.name == DEFAULT_WEIGHTS


def test_weights_that_were_exchanged_under_the_default_name_are_not_taken(home: Path) -> None:
    make_default("north", "1" * 64, "other bytes")
    with pytest.raises(WeightsError, match="not what was promoted"):
        find_weights()


def test_a_damaged_history_is_named_with_its_line(home: Path) -> None:
    promote("north")
    path = user_weights_dir() / "default.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + "{}\n", encoding="utf-8")
    with pytest.raises(WeightsError, match="line 2"):
        find_weights()


def test_the_list_says_since_when_and_the_changelog_why(home: Path) -> None:
    promote("north")
    listed = CliRunner().invoke(weights_app, ["list"]).stdout
    [line] = [line for line in listed.splitlines() if line.startswith("*")]
    assert "north" in line
    assert "default since 20" in line
    roll_back()
    changes = (user_weights_dir() / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changes.index("north instead of others") < changes.index("rolled back from north")


def test_added_weights_keep_the_card_beside_them(home: Path, tmp_path: Path) -> None:
    shipped = find_weights()
    folder = tmp_path / "made"
    folder.mkdir()
    shutil.copyfile(shipped.path, folder / "bridge.onnx")
    (folder / "worst.jpg").write_bytes(b"picture")
    update = {"name": "bridge", "file": "bridge.onnx", "failure_pictures": ("worst.jpg",)}
    write_card(shipped.card.model_copy(update=update), folder / "bridge.json")
    added = add_weights(folder / "bridge.onnx", "viaduct")
    assert added.card.thresholds == shipped.card.thresholds
    assert added.card.objects == shipped.card.objects
    assert (user_weights_dir() / added.card.failure_pictures[0]).read_bytes() == b"picture"
    card = json.loads((user_weights_dir() / "viaduct.json").read_text(encoding="utf-8"))
    assert (card["name"], card["file"]) == ("viaduct", "viaduct.onnx")
