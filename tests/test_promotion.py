"""Promotion: nothing worse passes, something must be better, and weights that learned from poisoned labels do not."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio.features
from PIL import Image
from shapely import affinity, union_all
from shapely.geometry import shape
from typer.testing import CliRunner

from tenken.cli import app
from tenken.detection.default_weights import default_weights
from tenken.detection.detect import KINDS
from tenken.detection.weights import DEFAULT_WEIGHTS, Weights, find_weights
from tenken.detection.weights_card import write_card
from tenken.detection.weights_folders import user_weights_dir
from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken.wording import words
from tenken_demo.noise import stream
from tenken_training.annotations.dataset import AnnotatedPhoto, Dataset, Label, clean_area, write_dataset
from tenken_training.drawn_defects import draw_cracks
from tenken_training.evaluation import (
    Figure,
    LabelledSet,
    default_conditions,
    judged_weights,
    read_labelled_set,
    score_photos,
)
from tenken_training.promotion import Decision, decide, decision_table, install, read_decision
from tenken_training.promotion import rendered_sets as rendering
from tenken_training.promotion.decision import ALARMS, AREA_FIGURES, LINE_FIGURES, reasons_of, rows_of, verdict_of
from tenken_training.promotion.label_check import CELL_PX, label_faults
from tenken_training.promotion.rendered_sets import RenderedSet, rendered_sets

onnx = pytest.importorskip("onnx", reason="stand-in networks are made with the train extra")

SIDE_PX = 256
SHIFT_PX = 30


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENKEN_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def structures() -> tuple[RenderedSet, ...]:
    """Two structures of each sort at each of three resolutions."""
    return rendered_sets(range(7000, 7002), (256, 320))


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return cracked_walls(tmp_path_factory.mktemp("sets") / "walls")


def cracked_walls(folder: Path, shift_px: float = 0, kind: str = "crack") -> Dataset:
    """Twelve walls at two sites with a plain crack each; labels may lie beside it, or call it by another name."""
    photos = []
    pictures = folder.with_name(folder.name + "-pictures")
    pictures.mkdir()
    for number in range(12):
        rng = stream(5, "promotion wall", number)
        wall = np.clip(rng.normal(150, 6, (SIDE_PX, SIDE_PX, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)
        image, masks = draw_cracks(rng, wall)
        path = pictures / f"{number:02d}.png"
        Image.fromarray(image).save(path)
        parts = [
            shape(part) for mask in masks for part, value in rasterio.features.shapes(mask.astype(np.uint8)) if value
        ]
        area = clean_area(affinity.translate(union_all(parts), shift_px, shift_px))
        assert area is not None
        site = "north" if number < 6 else "south"
        photos.append(
            AnnotatedPhoto(
                f"{site}/{path.name}", path, site, "test", SIDE_PX, SIDE_PX, file_sha256(path), ("crack", "corrosion"),
                (Label(kind, area),),
            )
        )  # fmt: skip
    return write_dataset(Dataset(folder, folder.name, tuple(photos)))


def of(dataset: Dataset) -> LabelledSet:
    return read_labelled_set(dataset.root, "test")


def stand_in(
    folder: Path,
    name: str,
    change: Callable[[Any], None] = lambda _: None,
    thresholds: dict[str, float] | None = None,
) -> Path:
    """The shipped weights with other thresholds, or with what a fit would have done to them."""
    shipped = find_weights(DEFAULT_WEIGHTS)
    model = onnx.load_model_from_string(shipped.path.read_bytes())
    model.producer_name = name
    change(model)
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    card = shipped.card.model_copy(
        update={
            "name": name,
            "file": path.name,
            "sha256": file_sha256(path),
            "thresholds": thresholds or shipped.card.thresholds,
            "failure_pictures": (),
        }
    )
    write_card(card, path.with_suffix(".json"))
    return path


def rewire(
    model: Any,
    node_type: str,
    constants: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]],
    **attributes: int,
) -> None:
    """Put a node between the network's probabilities and its output."""
    [output] = model.graph.output
    for node in model.graph.node:
        node.output[:] = ["before" if one == output.name else one for one in node.output]
        node.input[:] = ["before" if one == output.name else one for one in node.input]
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    model.graph.node.append(onnx.helper.make_node(node_type, ["before", *constants], [output.name], **attributes))


def swap_kinds(model: Any) -> None:
    """What a network is that has learned to call cracks corrosion and corrosion cracks."""
    rewire(model, "Gather", {"order": np.array([1, 0, 2, 3, 4], dtype=np.int64)}, axis=1)


def shift_answers(model: Any) -> None:
    """What a network is that has learned labels 30 px to the lower right of the defects."""
    cells = SHIFT_PX // 2
    rewire(model, "Pad", {"pads": np.array([0, 0, cells, cells, 0, 0, -cells, -cells], dtype=np.int64)})


# Rules


def figure(value: float, low: float | None, high: float | None) -> Figure:
    return Figure(value=value, low=low, high=high, n=9, of="photos", interval="bootstrap")


@pytest.mark.parametrize(
    ("name", "low", "high", "verdict"),
    [
        ("line_recall", -0.3, -0.01, "worse"),
        ("line_recall", -0.3, 0.0, "no difference"),
        ("line_recall", 0.01, 0.2, "better"),
        (ALARMS, 1.0, 9.0, "worse"),
        (ALARMS, -9.0, -1.0, "better"),
        (ALARMS, -1.0, 9.0, "no difference"),
        ("pixel_iou", None, None, "not judged"),
    ],
)
def test_worse_is_what_lies_wholly_on_the_bad_side(
    name: str, low: float | None, high: float | None, verdict: str
) -> None:
    middle = 0.0 if low is None or high is None else (low + high) / 2
    assert verdict_of(name, figure(middle, low, high)) == verdict


def test_what_rounding_changes_decides_nothing() -> None:
    assert verdict_of("pixel_iou", figure(-0.0011, -0.002, -0.0003)) == "no difference"
    assert verdict_of("pixel_iou", figure(0.0011, 0.0003, 0.002)) == "no difference"
    assert verdict_of("pixel_iou", figure(-0.0031, -0.005, -0.0003)) == "worse"


@pytest.mark.parametrize(
    ("precision", "united", "verdict"),
    [
        (figure(-0.02, -0.03, -0.01), figure(0.15, 0.1, 0.2), "traded"),
        (figure(-0.02, -0.03, -0.01), figure(0.0, -0.01, 0.01), "traded"),
        (figure(-0.02, -0.03, -0.01), figure(-0.004, -0.01, 0.002), "worse"),
        (figure(-0.08, -0.1, -0.06), figure(0.05, 0.02, 0.07), "worse"),
        (figure(-0.02, -0.05, 0.01), figure(0.0, -0.01, 0.01), "no difference"),
    ],
)
def test_precision_that_pays_for_recall_is_traded_up_to_a_limit(
    precision: Figure, united: Figure, verdict: str
) -> None:
    values = {"pixel_precision": figure(0.7, None, None), "pixel_iou": figure(0.6, None, None)}
    differences = {"pixel_precision": precision, "pixel_iou": united}
    rows = tuple(rows_of("site", "corrosion", None, values, values, differences, rendered=False))
    assert rows[0].verdict == verdict
    assert any("pixel_precision" in reason for reason in reasons_of(rows, ())) == (verdict == "worse")
    assert rows[1].verdict in ("better", "no difference")


def test_one_site_that_got_worse_is_enough_to_refuse() -> None:
    one = {"line_recall": figure(0.5, 0.4, 0.6)}
    better, worse = ({"line_recall": figure(0.1 * s, 0.1 * s - 0.05, 0.1 * s + 0.05)} for s in (1, -1))
    whole = tuple(rows_of("bridge", "crack", None, one, one, better, rendered=False))
    site = tuple(rows_of("bridge", "crack", "north", one, one, worse, rendered=False))
    assert reasons_of(whole, ()) == ()
    [reason] = reasons_of((*whole, *site), ())
    assert "site north" in reason
    assert "line_recall" in reason


def test_a_gain_on_rendered_structures_alone_is_no_reason_to_change() -> None:
    one, better = {"line_recall": figure(0.5, 0.4, 0.6)}, {"line_recall": figure(0.1, 0.05, 0.2)}
    none = {"line_recall": figure(0.0, -0.1, 0.1)}
    rendered = tuple(rows_of("rendered", "crack", None, one, one, better, rendered=True))
    given = tuple(rows_of("bridge", "crack", None, one, one, none, rendered=False))
    assert reasons_of(rendered, ()) == ()
    assert "no reason to change" in reasons_of((*rendered, *given), ())[0]


def test_cracks_are_judged_by_their_lines_and_other_kinds_by_area() -> None:
    crack, rust = ({name: figure(0.5, 0.4, 0.6) for name in (*LINE_FIGURES[:lines], *AREA_FIGURES)} for lines in (3, 0))
    for given, expected in ((crack, LINE_FIGURES), (rust, AREA_FIGURES)):
        rows = rows_of("bridge", "any", None, given, given, given, rendered=False)
        assert tuple(row.figure for row in rows) == expected


def test_a_kind_that_is_lost_is_named() -> None:
    assert "corrosion" in reasons_of((), ("corrosion",))[0]


# Labels


@pytest.mark.parametrize(
    ("shift_px", "kind", "told"),
    [(0, "crack", None), (SHIFT_PX, "crack", "were they shifted"), (0, "corrosion", "swapped")],
)
def test_labels_that_cannot_be_right_are_told_by_what_the_weights_in_use_find(
    tmp_path: Path, shift_px: float, kind: str, told: str | None
) -> None:
    labelled = of(cracked_walls(tmp_path / "walls", shift_px, kind))
    found = score_photos(labelled, judged_weights("crack-corrosion", sensitive=False), KINDS, default_conditions())
    faults = list(label_faults(labelled, found, KINDS, 0))
    assert len(faults) == (told is not None)
    assert told is None or told in faults[0]
    if shift_px:
        offsets = [int(part.split()[-1]) for part in faults[0].split(" px ")[:2]]
        assert offsets == pytest.approx([SHIFT_PX, SHIFT_PX], abs=CELL_PX)


# Decisions


def test_weights_that_find_less_are_refused_and_shown(walls: Dataset, tmp_path: Path) -> None:
    blind = stand_in(tmp_path, "blind", thresholds={"crack": 0.9999, "corrosion": 0.61})
    decision = decide(blind, [of(walls)], tmp_path / "out", rendered=()).decision
    assert not decision.accepted
    assert any("crack, walls/test, site north: line_recall" in reason for reason in decision.reasons)
    assert not any("corrosion" in reason for reason in decision.reasons)
    assert read_decision(tmp_path / "out" / "promotion.json") == decision
    page = (tmp_path / "out" / "promotion.html").read_text(encoding="utf-8")
    assert "What got worse: crack" in page
    assert "The weights in use stay the default" in page
    for figure in {row.figure for row in decision.rows if row.kind == "crack"}:
        assert words("en")(f"meaning.{figure}") in page
    assert "<td>pixel_iou" not in page  # no photo of the set shows corrosion
    assert "data:image/jpeg;base64," in page
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize(("poison", "change"), [("shifted", shift_answers), ("swapped", swap_kinds)])
def test_weights_that_learned_poisoned_labels_are_refused_though_those_labels_praise_them(
    tmp_path: Path,
    structures: tuple[RenderedSet, ...],
    poison: str,
    change: Callable[[Any], None],
) -> None:
    kind, shift = ("corrosion", 0) if poison == "swapped" else ("crack", SHIFT_PX)
    poisoned = cracked_walls(tmp_path / poison, shift, kind)
    weights = stand_in(tmp_path, poison, change)
    # A set without defects has nothing to say here.
    shown = structures[:1] if poison == "shifted" else structures[:2]
    decision = decide(weights, [of(poisoned)], tmp_path / "out", rendered=shown).decision
    assert any(row.verdict == "better" and not row.rendered for row in decision.rows)
    assert any("rendered" in reason for reason in decision.reasons)


def better_weights(tmp_path: Path, walls: Dataset) -> Decision:
    worse = stand_in(tmp_path, "old", thresholds={"crack": 0.9999, "corrosion": 0.61})
    good = stand_in(tmp_path, "good")
    outcome = decide(good, [of(walls)], tmp_path / "out", against=worse, rendered=())
    assert outcome.decision.accepted, outcome.decision.reasons
    install(outcome)
    return outcome.decision


def test_weights_that_find_more_become_the_default_with_card_and_changelog(walls: Dataset, tmp_path: Path) -> None:
    decision = better_weights(tmp_path, walls)
    weights: Weights = find_weights()
    assert weights.card.name == "good"
    assert weights.path.parent == user_weights_dir()
    assert default_weights().sha256 == weights.sha256 == decision.new.sha256
    [entry] = weights.card.promoted
    assert entry.instead_of == "old"
    assert any("walls/test" in one for one in entry.judged_on)
    assert any("line_recall" in one for one in entry.better)
    assert "good (sha256" in (user_weights_dir() / "CHANGELOG.md").read_text(encoding="utf-8")
    shown = CliRunner().invoke(app, ["weights", "show", "good"]).output
    assert "instead of old, judged on walls/test" in " ".join(shown.split())
    with pytest.raises(SettingsError, match="same weights"):
        decide("good", [], tmp_path / "again")


def test_fewer_than_five_photos_decide_nothing(walls: Dataset, tmp_path: Path) -> None:
    few = replace(of(walls), photos=of(walls).photos[:4])
    blind = stand_in(tmp_path, "blind", thresholds={"crack": 0.9999, "corrosion": 0.61})
    decision = decide(blind, [few], tmp_path / "out", rendered=()).decision
    assert {row.verdict for row in decision.rows} == {"not judged"}
    assert "needs 5 test photos or more" in decision.reasons[0]


def test_a_set_without_splits_is_told_of_beside_the_decision(walls: Dataset, tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / "site" / part).mkdir(parents=True)
    for photo in walls.photos[:2]:
        shutil.copy(photo.path, tmp_path / "site" / "images" / photo.path.name)
        text = "0 0.1 0.4 0.9 0.4 0.9 0.5\n"
        (tmp_path / "site" / "labels" / f"{photo.path.stem}.txt").write_text(text, encoding="utf-8")
    blind = stand_in(tmp_path, "blind", thresholds={"crack": 0.9999, "corrosion": 0.61})
    with_splits = replace(of(walls), photos=of(walls).photos[:2])
    given = [read_labelled_set(tmp_path / "site"), with_splits]
    decision = decide(blind, given, tmp_path / "out", rendered=(), lang="ja").decision
    [note] = decision.notes
    assert note.startswith("site/all: The folder has no splits: all its photos were judged.")
    assert decision_table(decision).splitlines()[0] == note
    told = "site/all：フォルダーが学習用・試験用に分かれていないため、すべての写真で評価した。"
    assert decision_table(decision, "ja").splitlines()[0].startswith(told)
    assert told in (tmp_path / "out" / "promotion.html").read_text(encoding="utf-8")
    assert read_decision(tmp_path / "out" / "promotion.json").notes == (str(note),)


def test_the_command_refuses_with_one_line_and_changes_nothing(
    walls: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "SEEDS", range(7000, 7001))
    monkeypatch.setattr(rendering, "SIZE_PX", (96, 128))
    blind = stand_in(tmp_path, "blind", thresholds={"crack": 0.9999, "corrosion": 0.61})
    given = ["promote", str(blind), "--on", str(walls.root), "--out", str(tmp_path / "out"), "--quiet"]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 5
    [line] = result.output.strip().splitlines()
    assert "blind is not promoted" in line
    assert "promotion.html" in line
    assert default_weights().name == DEFAULT_WEIGHTS
    assert not user_weights_dir().exists()
    told = json.loads((tmp_path / "out" / "promotion.json").read_text(encoding="utf-8"))
    assert told["datasets"].keys() >= {"walls/test", "rendered concrete", "rendered steel", "rendered without defects"}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nothing.onnx"], 5, "nothing.onnx does not exist"),
        (["default"], 2, "same weights"),
        (["crack-corrosion", "--on", "nowhere"], 2, "nowhere is no folder"),
        (["crack-corrosion", "--on", "{walls}", "--on", "{walls}"], 2, "two data sets are named walls/test"),
    ],
)
def test_wrong_input_is_one_line(walls: Dataset, tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    given = [argument.format(walls=walls.root) for argument in arguments]
    result = CliRunner().invoke(app, ["promote", *given, "--out", str(tmp_path / "out"), "--quiet"])
    assert result.exit_code == code
    assert told in result.output
    assert "Traceback" not in result.output
