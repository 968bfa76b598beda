"""Weights: each file is what its card says, and nothing that could run code is opened unasked."""

import importlib.util
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tenken.commands.weights import weights_app
from tenken.detection.detect import KINDS, load_detector
from tenken.detection.openvino_engine import import_openvino, onnx_contents
from tenken.detection.weights import DEFAULT_WEIGHTS, add_weights, find_weights, list_weights
from tenken.detection.weights_card import read_card
from tenken.errors import WeightsError
from tenken.hashing import file_sha256

CHECKPOINT = Path(__file__).resolve().parents[2] / "shared" / "weights" / "first-crack-corrosion.pt"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of weights that TENKEN_WEIGHTS names, with a copy of the shipped ones called "bridge"."""
    shipped = find_weights()
    shutil.copyfile(shipped.path, tmp_path / "bridge.onnx")
    change_card(tmp_path / "bridge.json", shipped.card.model_dump(mode="json"), name="bridge", file="bridge.onnx")
    monkeypatch.setenv("TENKEN_WEIGHTS", str(tmp_path))
    return tmp_path


def change_card(path: Path, card: dict[str, Any] | None = None, /, **changes: Any) -> None:
    card = card or json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(card | changes), encoding="utf-8")


def refusal(name_or_path: str | Path) -> str:
    """Message with which the weights are refused; it must be one line."""
    with pytest.raises(WeightsError) as caught:
        find_weights(name_or_path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_default_weights_are_shipped_and_undamaged() -> None:
    weights = find_weights("default")
    assert weights.card.name == DEFAULT_WEIGHTS
    assert weights.sha256 == file_sha256(weights.path)
    assert weights.card.classes == KINDS == onnx_contents(weights.path).classes
    assert weights.path.stat().st_size < 8e6


def test_the_shipped_card_says_where_the_weights_come_from_and_where_they_fail() -> None:
    card = find_weights().card
    assert card.licence == "AGPL-3.0-only"
    assert card.source is not None
    assert card.recipe
    assert card.known_failures
    assert set(card.summary) == {"en", "ja"}
    assert all(data.licence for data in card.training_data)
    assert all(metric.conditions for metric in card.metrics)


def test_the_shipped_network_carries_no_date_and_no_paths() -> None:
    model = import_openvino().Core().read_model(str(find_weights().path))
    assert set(model.rt_info["framework"]) == {
        "author", "imgsz", "license", "names", "output_stride", "stride", "task"
    }  # fmt: skip


def test_weights_are_found_by_name_and_by_file(folder: Path) -> None:
    by_name, by_file = find_weights("bridge"), find_weights(folder / "bridge.onnx")
    assert by_name.path.samefile(by_file.path)
    assert {card.name for card in list_weights()} >= {"bridge", DEFAULT_WEIGHTS}


def test_an_unknown_name_is_answered_with_the_known_ones(folder: Path) -> None:
    assert folder.exists()
    message = refusal("bride")
    assert "'bride'" in message
    assert "bridge" in message
    assert DEFAULT_WEIGHTS in message


def test_damaged_weights_are_refused(folder: Path) -> None:
    path = folder / "bridge.onnx"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    for given in ("bridge", path):
        message = refusal(given)
        assert "damaged" in message
        assert "bridge.onnx" in message


def test_a_card_without_its_weights_is_refused(folder: Path) -> None:
    (folder / "bridge.onnx").unlink()
    assert "missing" in refusal("bridge")
    assert "does not exist" in refusal(folder / "bridge.onnx")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": "pier"}, "pier"),
        ({"thresholds": {"crack": 0.3}}, "corrosion"),
        ({"thresholds": {"crack": 0.3, "corrosion": 1.5}}, "thresholds.corrosion"),
        ({"sha256": "abc"}, "sha256"),
        ({"file": "../bridge.onnx"}, "file"),
        ({"tile_px": 100}, "tile_px"),
    ],
)
def test_a_card_with_a_fault_is_refused_and_the_fault_named(folder: Path, changes: dict[str, Any], named: str) -> None:
    change_card(folder / "bridge.json", **changes)
    message = refusal("bridge")
    assert "bridge.json" in message
    assert named in message


def test_a_broken_card_hides_no_other_weights(folder: Path) -> None:
    (folder / "bridge.json").write_text("{", encoding="utf-8")
    assert find_weights().card.name == DEFAULT_WEIGHTS


def test_an_onnx_file_needs_no_card(tmp_path: Path) -> None:
    path = shutil.copyfile(find_weights().path, tmp_path / "橋梁 1.onnx")
    assert find_weights(path).card.classes == KINDS
    assert load_detector(path) is not None


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_text("not a network", encoding="utf-8")
    assert "notes.onnx" in refusal(path)


def test_an_unknown_checkpoint_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "downloaded.pt"
    path.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert "inspect weights add" in refusal(path)
    with pytest.raises(WeightsError, match="--trust"):
        add_weights(path, folder=tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_checkpoint_is_trusted_when_a_card_names_it_as_source(folder: Path) -> None:
    path = folder / "site.pt"
    path.write_bytes(b"a checkpoint")
    change_card(folder / "bridge.json", source={"file": "site.pt", "sha256": file_sha256(path)})
    assert find_weights(path).card.name == "bridge"


def test_added_weights_are_known_by_their_new_name(folder: Path) -> None:
    mine = folder / "mine"
    added = add_weights(folder / "bridge.onnx", "pier", folder=mine)
    assert added.path == mine / "pier.onnx"
    assert added.card.classes == KINDS
    assert read_card(mine / "pier.json") == added.card
    assert add_weights(mine / "pier.onnx", folder=mine) == added


@pytest.mark.parametrize("name", ["../pier", "a b", ""])
def test_a_name_that_is_no_file_name_is_not_added(folder: Path, name: str) -> None:
    source = folder / ("bridge.onnx" if name else ".onnx")
    with pytest.raises(WeightsError):
        add_weights(source, name, folder=folder / "mine")


def test_a_name_that_is_taken_is_not_given_again(folder: Path) -> None:
    other = folder / "other.onnx"
    other.write_bytes((folder / "bridge.onnx").read_bytes() + b"\x00")
    with pytest.raises(WeightsError, match="taken"):
        add_weights(other, "bridge", folder=folder / "mine")


def test_commands_list_show_and_verify(folder: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(weights_app, ["list"])
    assert listed.exit_code == 0
    assert f"* {DEFAULT_WEIGHTS}" in listed.stdout
    shown = runner.invoke(weights_app, ["show", "bridge"])
    assert find_weights("bridge").sha256 in shown.stdout
    assert "ひびわれ" in shown.stdout
    card = json.loads(runner.invoke(weights_app, ["show", "bridge", "--json"]).stdout)
    assert card == json.loads((folder / "bridge.json").read_text(encoding="utf-8"))
    assert runner.invoke(weights_app, ["verify"]).exit_code == 0


def test_verify_looks_at_all_weights_before_it_fails(folder: Path) -> None:
    (folder / "bridge.onnx").write_bytes(b"damaged")
    result = CliRunner().invoke(weights_app, ["verify"])
    assert isinstance(result.exception, WeightsError)
    assert "FAULT  bridge" in result.stdout
    assert f"ok     {DEFAULT_WEIGHTS}" in result.stdout


@pytest.mark.skipif(
    not CHECKPOINT.exists() or importlib.util.find_spec("ultralytics") is None,
    reason="needs ../shared/weights/first-crack-corrosion.pt and the train extra",
)
@pytest.mark.filterwarnings("ignore")
def test_the_first_weights_come_out_of_the_export_byte_by_byte(tmp_path: Path) -> None:
    from tenken_training.export_yolo import export

    shipped = find_weights("first-crack-corrosion")
    assert shipped.card.source is not None
    made_with = dict(tool.split() for tool in shipped.card.source.made_with.split(", "))
    if other := {tool: version(tool) for tool in made_with if version(tool) != made_with[tool]}:
        pytest.skip(f"the shipped weights were made with other versions than {other}")
    assert export(CHECKPOINT, shipped.card.name, tmp_path).sha256 == shipped.sha256


@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="needs the train extra")
@pytest.mark.filterwarnings("ignore")
def test_the_shipped_weights_come_out_of_their_checkpoint_byte_by_byte(tmp_path: Path) -> None:
    from tenken_training.export_pixels import export_pixels

    shipped = find_weights()
    assert shipped.card.source is not None
    checkpoint = Path(__file__).resolve().parents[1] / "training" / "checkpoints" / shipped.card.source.file
    assert file_sha256(checkpoint) == shipped.card.source.sha256
    made_with = dict(tool.split() for tool in shipped.card.source.made_with.split(", "))
    if other := {tool: version(tool) for tool in made_with if version(tool) != made_with[tool]}:
        pytest.skip(f"the shipped weights were made with other versions than {other}")
    assert file_sha256(export_pixels(checkpoint, tmp_path / "again.onnx")) == shipped.sha256
