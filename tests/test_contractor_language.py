"""The commands of those who retrain, in Japanese: what they print, their pages, and files that do not change."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from shapely import LineString
from typer.testing import CliRunner, Result

from annotation_files import HEIGHT, WIDTH, photo, write_json
from drawn import draw_cracks
from tenken.cli import app
from tenken.commands.trained import main_figures, retrained_text
from tenken.detection.weights import find_weights
from tenken.notes import said
from tenken.settings import Lang
from tenken.wording import catalogue, padded
from tenken_training.annotations.findings import ORDER
from tenken_training.annotations.photo import SPLITS, Drawn
from tenken_training.epochs import epoch_line
from tenken_training.evaluation import Evaluation, Figure, Subject, default_conditions, read_evaluation
from tenken_training.evaluation.figures import RULES
from tenken_training.evaluation.report import FIGURES
from tenken_training.evaluation.results import Comparison, KindFigures
from tenken_training.promotion import Decision, decision_table, read_decision, write_decision
from tenken_training.promotion import rendered_sets as rendering
from tenken_training.promotion.decision import Verdict, reasons_of, rows_of
from tenken_training.promotion.report import write_page
from tenken_training.retraining import Retrained
from tenken_training.retraining.blending import Choice
from tenken_training.retraining.scores import Scores
from tenken_training.retraining.validation import retraining_line

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
SIDE_PX = 160


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def english(text: str) -> list[str]:
    """Lines in which nothing is Japanese."""
    return [line for line in text.splitlines() if line.strip() and not JAPANESE.search(line)]


def texts(page: str) -> str:
    """What a page shows, a line for each element."""
    body = re.sub(r"<(style|head)>.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", "\n", body)


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "nowhere", "--out", "set"),
        ("train", "nowhere"),
        ("evaluate", "default", "nowhere"),
        ("promote", "default"),
        ("suggest", "nowhere"),
        *(("weights", one) for one in ("list", "show", "verify", "rollback")),
        *(("weights", one, "x.onnx") for one in ("add", "remove", "export")),
    ],
)
def test_a_language_that_is_not_known_is_one_line(arguments: tuple[str, ...]) -> None:
    result = run(*arguments, "--lang", "xx")
    assert result.exit_code == 2
    assert result.output == "inspect: --lang xx: give ja or en\n"


def test_what_figures_checks_and_verdicts_are_called_is_in_the_catalogue() -> None:
    asked = {f"{group}.{name}" for group in ("measure", "meaning") for name in (*FIGURES, "calibration_error")}
    asked |= {f"counted.{rule.of}" for rule in RULES} | {f"check.{check}" for check in ORDER}
    asked |= {f"verdict.{verdict}" for verdict in get_args(Verdict)}
    asked |= {f"dataset.{one.name}" for one in rendering.rendered_sets(range(1))}
    asked |= {f"import.drawn_{drawn}" for drawn in get_args(Drawn)} | {f"import.split_{split}" for split in SPLITS}
    assert asked <= set(catalogue())


def test_a_japanese_system_is_answered_in_japanese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert run("weights", "verify", "default").output.startswith("正常   default")
    assert run("weights", "verify", "default", "--lang", "en").output.startswith("ok     default")


def test_columns_are_counted_as_a_terminal_shows_them() -> None:
    assert padded("腐食", 6) == "腐食  "
    assert padded("幅 px", 6, right=True) == " 幅 px"
    assert padded("crack", 3) == "crack"


# Importing


def labelled_photos(folder: Path) -> Path:
    """Two photos of one site, one label outside the picture, one of no area."""
    for number in range(2):
        photo(folder / "北橋", f"{number}.png", number)
        shapes = [[[10, 10], [90, 12], [90, 16], [10, 14]], [[300, 20], [400, 22], [400, 26], [300, 24]]]
        content = {
            "imagePath": f"{number}.png",
            "imageWidth": WIDTH,
            "imageHeight": HEIGHT,
            "shapes": [{"label": "ひびわれ", "shape_type": "polygon", "points": points} for points in shapes],
        }
        write_json(folder / "北橋" / f"{number}.json", content)
    return folder


def test_an_import_tells_its_table_and_notes_in_japanese_and_writes_the_same_files(tmp_path: Path) -> None:
    source = labelled_photos(tmp_path / "in")
    results = {
        lang: run("import", source, "--out", tmp_path / lang / "set", "--no-model-checks", "--lang", lang)
        for lang in ("ja", "en")
    }
    told = results["ja"].output
    assert results["ja"].exit_code == 0, told
    assert english(told) == []
    lines = told.splitlines()
    for line in (
        "写真の切り出しと複写 …",
        "set：labelme から写真 2 枚",
        "確認するもの（contact-sheet.jpg に画像、checks.csv に全件）：",
        f"データセット：{tmp_path / 'ja' / 'set'}",
    ):
        assert line in lines
    assert any(line.startswith("  ひびわれ  ") and line.endswith("  面 4") for line in lines)
    assert any("outside" in line and line.endswith("写真の中の部分だけを残した") for line in lines)
    assert any(line.startswith("注意：現場が一つだけ（北橋）") for line in lines)
    assert "look at (contact-sheet.jpg" in results["en"].output
    one, other = (
        {
            path.relative_to(tmp_path / lang): path.read_bytes()
            for path in (tmp_path / lang).rglob("*")
            if path.is_file()
        }
        for lang in ("ja", "en")
    )
    assert one == other


# Training


def test_a_retraining_tells_its_progress_and_its_end_in_japanese(tmp_path: Path) -> None:
    row = {
        "epoch": 3.0,
        "val_site_crack_f1": 0.5,
        "val_site_crack_recall": 0.4,
        "val_site_crack_precision": 0.6,
        "val_site_corrosion_f1": 0.7,
        "val_replay_score": 0.8,
    }
    note = retraining_line(row, 9)
    assert note.startswith("epoch 3 of at most 9; new site: crack recall 0.40, precision 0.60; ")
    assert said(note, "ja") == (
        "エポック 3（最大 9）；新しい現場：ひびわれの再現率 0.40、適合率 0.60；新しい現場：腐食のF1 0.70；"
        "これまでの現場 0.80"
    )
    start = find_weights()
    choice = Choice(0.25, tmp_path / "x.pt", Scores({}, 0.75, 0.85, kept=False), (0.5, 0.86))
    made = Retrained(start.card, tmp_path / "x.onnx", start, choice, None)
    told = retrained_text(made, tmp_path, (tmp_path / "kasori",), "ja")
    assert english(told) == []
    assert f"試験用の写真がないため、{start.card.name} より良くなったかどうかはわからない。" in told.splitlines()
    assert "学習後のネットワーク 25%、学習前 75% の混合" in told
    assert "新しい現場 0.500 → 0.750、これまでの現場 0.860 → 0.850" in told
    assert told.endswith(f"次のコマンド：inspect promote {tmp_path / 'x.onnx'} --on {tmp_path / 'kasori'}")
    unchanged = Retrained(
        start.card, start.path, start, Choice(0, tmp_path, Scores({}, 0.5, 0.86, kept=True), (0.5, 0.86)), None
    )
    assert "重みは学習前のままである" in retrained_text(unchanged, tmp_path, (), "ja")
    assert "腐食       画素の IoU" in main_figures(start.card, "ja")


def figure(value: float, low: float | None = None, high: float | None = None) -> Figure:
    return Figure(value=value, low=low, high=high, n=9, of="photos", interval="bootstrap")


def retrained_on(photos: int, tmp_path: Path, *, bounds: bool = True) -> Retrained:
    """Weights that find more cracks, and less of the corrosion, than those they began with."""
    differences = {
        "crack": {
            "line_recall": figure(0.25, 0.125, 0.375),
            "line_precision": figure(-0.0625, -0.125, 0.03125),
            "line_f1": figure(0.15, 0.05, 0.25),
        },
        "corrosion": {"pixel_iou": figure(-0.25, -0.375, -0.125)},
    }
    if not bounds:
        differences = {
            kind: {name: figure(one.value or 0.0) for name, one in figures.items()}
            for kind, figures in differences.items()
        }
    evaluation = Evaluation(
        weights=Subject(name="kasori", sha256="1" * 64, thresholds={}),
        dataset="kasori/test",
        dataset_sha256="2" * 64,
        layout="dataset",
        photos=photos,
        photos_without_label=0,
        megapixels=12.0,
        seconds=1.0,
        conditions=default_conditions(),
        kinds={
            "crack": KindFigures(
                figures={"line_recall": figure(0.75), "line_precision": figure(0.625), "line_f1": figure(0.68)}
            ),
            "corrosion": KindFigures(figures={"pixel_iou": figure(0.5)}),
        },
        comparison=Comparison(
            against=Subject(name="crack-corrosion", sha256="3" * 64, thresholds={}), figures=differences
        ),
    )
    start = find_weights()
    choice = Choice(0.25, tmp_path / "x.pt", Scores({}, 0.75, 0.85, kept=False), (0.5, 0.86))
    return Retrained(start.card, tmp_path / "x.onnx", start, choice, evaluation)


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_start_stands_beside_the_new_weights_with_what_so_many_photos_can_tell(tmp_path: Path) -> None:
    made = retrained_on(12, tmp_path)
    lines = squeezed(retrained_text(made, tmp_path, (), "en"))
    for line in (
        "kasori beside crack-corrosion, on 12 photos for testing that neither training nor thresholds have seen "
        "(95 % intervals of the difference):",
        "crack line recall 0.500 to 0.750 +0.250 (+0.125 to +0.375) better",
        "crack line precision 0.688 to 0.625 -0.062 (-0.125 to +0.031) no clear difference",
        "corrosion pixel iou 0.750 to 0.500 -0.250 (-0.375 to -0.125) worse",
        "crack: 12 photos, the same for both: a difference to crack-corrosion in line_f1 below 0.10 proves nothing.",
    ):
        assert line in lines
    told = retrained_text(made, tmp_path, (), "ja")
    assert english(told) == []
    for line in (
        "ひびわれ 中心線の再現率 0.500 → 0.750 +0.250 (+0.125～+0.375) 良くなった",
        "ひびわれ 中心線の適合率 0.688 → 0.625 -0.062 (-0.125～+0.031) はっきりした差なし",
        "腐食 画素の IoU 0.750 → 0.500 -0.250 (-0.375～-0.125) 悪くなった",
        "ひびわれ：写真 12 枚（両方とも同じ写真）：中心線のF1 の crack-corrosion との差が 0.10 未満であれば、"
        "差があるとはいえない。",
    ):
        assert line in squeezed(told)


@pytest.mark.parametrize(
    ("lang", "nothing", "open_row"),
    [
        ("en", "Too few test photos (4 photos): these figures prove nothing", "no interval"),
        ("ja", "試験用の写真が少なすぎ（写真 4 枚）、良くなったとも悪くなったともいえない。", "区間なし"),
    ],
)
def test_fewer_than_five_test_photos_prove_nothing_in_one_line(
    tmp_path: Path, lang: Lang, nothing: str, open_row: str
) -> None:
    lines = squeezed(retrained_text(retrained_on(4, tmp_path, bounds=False), tmp_path, (), lang))
    assert sum(line.startswith(nothing) for line in lines) == 1
    assert sum(line.endswith(f" {open_row}") for line in lines) == 4
    more = squeezed(retrained_text(retrained_on(5, tmp_path), tmp_path, (), lang))
    assert not any(line.startswith(nothing) or line.endswith(f" {open_row}") for line in more)


def test_an_epoch_of_a_recipe_is_told_in_japanese() -> None:
    row = dict.fromkeys(("train_crack_bce", "train_crack_dice", "train_corrosion_bce", "train_corrosion_dice"), 0.1)
    row |= {"epoch": 2.0, "train_state": 0.1, "val_crack_recall": 0.5, "val_crack_precision": 0.6, "val_crack_iou": 0.4}
    row |= {"val_corrosion_iou": 0.3, "val_f1_fair": 0.2, "val_f1_poor": 0.1, "val_f1_severe": 0.0}
    told = said(epoch_line(row, 5), "ja")
    assert told.startswith("エポック 2 / 5：損失 ")
    assert told.endswith("ひびわれの再現率 0.50、適合率 0.60、IoU 0.40；腐食の IoU 0.30、状態の区分 0.20/0.10/0.00")


# Evaluating


def test_an_evaluation_and_its_page_are_japanese_and_its_json_is_not(tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / "walls" / "test" / part).mkdir(parents=True)
    crack = LineString([(20, 60), (140, 70)])
    wall = draw_cracks([crack], 5, (SIDE_PX, SIDE_PX))
    Image.fromarray(wall).save(tmp_path / "walls" / "test" / "images" / "0.png")
    corners = np.asarray(crack.buffer(2.5, cap_style="flat").exterior.coords) / SIDE_PX
    text = "0 " + " ".join(f"{value:.6f}" for value in corners.ravel())
    (tmp_path / "walls" / "test" / "labels" / "0.txt").write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    result = run("evaluate", "crack-corrosion", tmp_path / "walls", "--out", out, "--resamples", "5", "--lang", "ja")
    assert result.exit_code == 0, result.output
    assert english(result.output) == []
    lines = result.output.splitlines()
    assert lines[0] == "写真での評価 …"
    assert any(line.startswith("crack-corrosion：walls/test での評価。写真 1 枚、") for line in lines)
    assert "ひびわれ（確信度 > 0.707）" in lines
    assert any(
        line.startswith("中心線の再現率  ") and line.endswith("  ラベルのひびわれ延長のうち、検出した割合")
        for line in lines
    )
    assert lines[-1] == f"ページ：{out / 'evaluation.html'}"
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert '<html lang="ja">' in page
    shown = texts(page)
    assert "ラベルのひびわれ延長のうち、検出した割合" in shown
    # What is left are names, numbers and units.
    assert re.findall(r"[A-Za-z]{2,}[ ,]+[A-Za-z]{2,}[ ,]+[A-Za-z]{2,}", shown) == []
    notes = read_evaluation(out / "evaluation.json").notes
    assert notes == ("Labelled: crack. Of other kinds nothing is known in these photos.",)


# Promoting


def test_a_refusal_gives_its_reasons_in_japanese_and_keeps_them_in_english(tmp_path: Path) -> None:
    new, old = {"line_recall": figure(0.4)}, {"line_recall": figure(0.8)}
    worse = {"line_recall": figure(-0.4, -0.5, -0.3)}
    rows = (
        *rows_of("walls/test", "crack", "north", new, old, worse, rendered=False),
        *rows_of("rendered concrete", "crack", None, new, old, worse, rendered=True),
    )
    weights = [Subject(name=name, sha256="0" * 64, thresholds={}) for name in ("new", "old")]
    reasons = reasons_of(rows, ("corrosion",))
    decision = Decision(
        new=weights[0], old=weights[1], datasets={"rendered concrete": "0" * 64}, rows=rows, reasons=reasons
    )
    told = decision_table(decision, "ja")
    assert english(told) == []
    for line in (
        "同じ写真での new と old の比較（差の 95 % 区間）：",
        "  ひびわれ、walls/test、現場 north",
        "new は既定にできない：",
        "  - 腐食をまったく検出しなくなる：新しい重みが対象としていない",
        "  - ひびわれ、レンダリングしたコンクリート：中心線の再現率 0.800 → 0.400、差 -0.400（-0.500～-0.300）",
        "  - 指定した写真では、区間を超えて改善したものがない：替える理由がない",
    ):
        assert line in told.splitlines()
    write_page(tmp_path / "promotion.html", decision, [], "ja")
    shown = texts((tmp_path / "promotion.html").read_text(encoding="utf-8"))
    assert "既定にできない理由" in shown
    assert "悪化" in shown
    assert re.findall(r"[A-Za-z]{2,}[ ,]+[A-Za-z]{2,}[ ,]+[A-Za-z]{2,}", shown) == []
    write_decision(decision, tmp_path / "promotion.json")
    assert read_decision(tmp_path / "promotion.json") == decision
    assert "腐食" not in (tmp_path / "promotion.json").read_text(encoding="utf-8")


def test_the_promotion_of_a_dry_run_is_told_in_japanese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "SEEDS", range(7000, 7001))
    monkeypatch.setattr(rendering, "RESOLUTIONS_MM", (1.2,))
    monkeypatch.setattr(rendering, "SIZE_PX", (96, 128))
    out = tmp_path / "out"
    result = run("promote", "crack-corrosion", "--dry-run", "--out", out, "--lang", "ja")
    assert result.exit_code == 0, result.output
    assert english(result.output) == []
    assert "crack-corrosion は既定にできる。" in result.output.splitlines()
    assert "判定せず" in result.output
    assert f"画像つきのページ：{out / 'promotion.html'}" in result.output
    assert "<h1>crack-corrosion は既定にできる</h1>" in (out / "promotion.html").read_text(encoding="utf-8")


# Weights


def test_weights_are_listed_shown_and_checked_in_japanese() -> None:
    assert "ひびわれ、腐食" in run("weights", "list", "--lang", "ja").output
    shown = run("weights", "show", "--lang", "ja").output
    for line in ("ライセンス    AGPL-3.0-only", "学習データ", "成績", "既知の弱点"):
        assert line in shown.splitlines()
    assert "ひびわれ 中心線の再現率" in shown
    assert run("weights", "verify", "default", "--lang", "ja").output.startswith("正常   default")
    english_card, japanese_card = (run("weights", "show", "--json", "--lang", lang).stdout for lang in ("en", "ja"))
    assert english_card == japanese_card
