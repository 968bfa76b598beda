"""Standards as data: their boundaries, what they may hold, and how mistakes in them are told."""

import math
import re
import string
from pathlib import Path

import pytest

from tenken.assessment.reasons import SENTENCES, TERMS, Reason, Term, render, render_all
from tenken.assessment.standard_file import list_standards, load_standard, standard_text
from tenken.assessment.standards import CorrosionRule, CrackRule, Standard
from tenken.errors import SettingsError


def crack_rule(standard: Standard, code: str, material: str) -> CrackRule:
    return next(rule for rule in standard.crack if rule.code == code and material in rule.materials)


def cell(rule: CrackRule, width_mm: float, spacing_m: float) -> str:
    rows, columns = rule.width_rows(width_mm, width_mm), rule.spacing_columns(spacing_m)
    return "/".join(sorted({grade for r in rows for c in columns for grade in rule.cells[r][c]}))


def test_what_ships() -> None:
    assert list_standards() == (
        "aashto-element-cracks", "astm-d610-equivalent", "en-1992-1-1-crack-limits", "iso-4628-3-equivalent",
        "japan-bridge-2019", "japan-pavement-2016",
    )  # fmt: skip


@pytest.mark.parametrize("standard_id", list_standards())
def test_shipped_standards_say_where_they_come_from_and_hold_no_diagnosis(standard_id: str) -> None:
    standard = load_standard(standard_id)
    assert standard.id == standard_id
    assert standard.source
    assert standard.edition
    assert not {"I", "II", "III", "IV", "CS4"} & set(standard.grades)
    assert all(rule.evidence for rule in standard.rules)
    # Only numbers read in the standard's own text count as verified.
    assert all(not rule.verified or set(rule.evidence) == {"V"} for rule in standard.rules)


@pytest.mark.parametrize(
    ("material", "width_mm", "wide", "dense"),
    [
        ("RC", 0.05, "b", "c"),
        ("RC", 0.1999, "b", "c"),
        ("RC", 0.2, "c", "d"),
        ("RC", 0.2999, "c", "d"),
        ("RC", 0.3, "d", "e"),
        ("RC", 5.0, "d", "e"),
        ("PC", 0.0999, "b", "c"),
        ("PC", 0.1, "c", "d"),
        ("PC", 0.1999, "c", "d"),
        ("PC", 0.2, "d", "e"),
    ],
)
def test_japan_member_cracks_by_width_and_spacing(material: str, width_mm: float, wide: str, dense: str) -> None:
    rule = crack_rule(load_standard("japan-bridge-2019"), "⑥", material)
    assert (cell(rule, width_mm, 0.8), cell(rule, width_mm, 0.3)) == (wide, dense)


@pytest.mark.parametrize(
    ("spacing_m", "grades"),
    [(0.44, "c"), (0.45, "b/c"), (0.5, "b/c"), (0.55, "b/c"), (0.56, "b"), (float("inf"), "b")],
)
def test_spacing_near_half_a_metre_is_borderline(spacing_m: float, grades: str) -> None:
    assert cell(crack_rule(load_standard("japan-bridge-2019"), "⑥", "RC"), 0.1, spacing_m) == grades


@pytest.mark.parametrize(
    ("material", "width_mm", "state"),
    [
        ("RC", 0.304, "CS1"),
        ("RC", 0.305, "CS2"),
        ("RC", 1.27, "CS2"),
        ("RC", 1.271, "CS3"),
        ("PC", 0.101, "CS1"),
        ("PC", 0.102, "CS2"),
        ("PC", 0.229, "CS2"),
        ("PC", 0.23, "CS3"),
    ],
)
def test_aashto_crack_states(material: str, width_mm: float, state: str) -> None:
    standard = load_standard("aashto-element-cracks")
    (rule,) = (rule for rule in standard.crack if material in rule.materials)
    assert cell(rule, width_mm, float("inf")) == state


@pytest.mark.parametrize(
    ("width_mm", "spacing_m", "grades"),
    [
        (0.05, 2.0, "b"),
        (0.051, 2.0, "c"),
        (0.1, 2.0, "c"),
        (0.101, 2.0, "d"),
        (0.199, 2.0, "d"),
        (0.2, 2.0, "d/e"),
        (0.05, 1.06, "b"),
        (0.05, 1.0, "b/c"),
        (0.05, 0.94, "c"),
        (0.05, 0.56, "c"),
        (0.05, 0.55, "c/d"),
        (0.05, 0.26, "c/d"),
        (0.05, 0.25, "c/d/e"),
        (0.05, 0.14, "c/d/e"),
    ],
)
def test_japan_deck_cracks_by_width_and_spacing(width_mm: float, spacing_m: float, grades: str) -> None:
    assert cell(crack_rule(load_standard("japan-bridge-2019"), "⑪", "RC"), width_mm, spacing_m) == grades


@pytest.mark.parametrize(
    ("material", "exposure", "limit_mm"),
    [
        ("RC", "X0", 0.4),
        ("RC", "XC1", 0.4),
        ("RC", "XC2", 0.3),
        ("RC", "XC4", 0.3),
        ("RC", "XD3", 0.3),
        ("RC", "XS1", 0.3),
        ("PC", "X0", 0.2),
        ("PC", "XC1", 0.2),
        ("PC", "XC3", 0.2),
        ("PC", "XD1", None),
        ("PC", "XS3", None),
    ],
)
def test_en_1992_limits_by_material_and_exposure(material: str, exposure: str, limit_mm: float | None) -> None:
    standard = load_standard("en-1992-1-1-crack-limits")
    (rule,) = (r for r in standard.crack if material in r.materials and exposure in (r.exposures or ()))
    if limit_mm is None:  # decompression: no width says whether it is kept
        assert {cell(rule, width_mm, math.inf) for width_mm in (0.01, 5.0)} == {">wmax/≤wmax"}
        return
    assert cell(rule, limit_mm, math.inf) == "≤wmax"
    assert cell(rule, limit_mm + 0.001, math.inf) == ">wmax"


def by_share(rule: CorrosionRule, share_pct: float) -> str:
    return "/".join(grade for row in rule.share_rows(share_pct) for grade in rule.cells[row])


@pytest.mark.parametrize(
    ("ratio_pct", "levels"),
    [
        ((0.0, 0.0), "小"),
        ((19.9, 19.9), "小"),
        ((20.0, 20.0), "中"),
        ((39.9, 39.9), "中"),
        ((40.0, 40.0), "大"),
        ((18.0, 22.0), "小/中"),
        ((15.0, 60.0), "小/中/大"),
    ],
)
def test_pavement_level_by_cracked_share(ratio_pct: tuple[float, float], levels: str) -> None:
    for rule in load_standard("japan-pavement-2016").crack_grid:
        assert "/".join(grade for row in rule.share_rows(*ratio_pct) for grade in rule.cells[row]) == levels


@pytest.mark.parametrize(
    ("share_pct", "d610", "ri"),
    [
        (0.0, "10", "Ri0"), (0.001, "10", "Ri1"), (0.01, "10", "Ri1"), (0.011, "9", "Ri1"), (0.03, "9", "Ri1"),
        (0.031, "8", "Ri1"), (0.05, "8", "Ri1"), (0.051, "8", "Ri2"), (0.1, "8", "Ri2"), (0.101, "7", "Ri2"),
        (0.3, "7", "Ri2"), (0.301, "6", "Ri2"), (0.5, "6", "Ri2"), (0.501, "6", "Ri3"), (1.0, "6", "Ri3"),
        (1.001, "5", "Ri4"), (3.0, "5", "Ri4"), (3.001, "4", "Ri4"), (8.0, "4", "Ri4"), (8.001, "4", "Ri5"),
        (10.0, "4", "Ri5"), (10.001, "3", "Ri5"), (16.0, "3", "Ri5"), (16.001, "2", "Ri5"), (33.0, "2", "Ri5"),
        (33.001, "1", "Ri5"), (50.0, "1", "Ri5"), (50.001, "0", "Ri5"), (100.0, "0", "Ri5"),
    ],
)  # fmt: skip
def test_rusted_area_equivalents(share_pct: float, d610: str, ri: str) -> None:
    assert by_share(load_standard("astm-d610-equivalent").corrosion[0], share_pct) == d610
    assert by_share(load_standard("iso-4628-3-equivalent").corrosion[0], share_pct) == ri


def test_a_users_own_standard_is_read_from_a_file(tmp_path: Path) -> None:
    own = tmp_path / "千葉市.toml"
    own.write_text(standard_text("japan-bridge-2019").replace("below_mm = 0.3", "below_mm = 0.35"), encoding="utf-8")
    rule = load_standard(own).crack[0]
    assert (cell(rule, 0.34, 1.0), cell(rule, 0.35, 1.0)) == ("c", "d")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('aggregate = "worst"', 'aggregate = "mean"', 9, "aggregate cannot be 'mean' (input should be 'worst' or"),
        ("version = 1", "version = 1\ncolour = 'red'", 4, "colour is not known; take it out, or use one of id, "),
        ("spacing_tolerance_m = 0.05", "spacing_tolerance = 0.05", 20, "did you mean spacing_tolerance_m?"),
        ("below_mm = 0.3 }", "below = 0.3 }", 18, "crack 1: widths 2: below is not known; did you mean below_mm?"),
        ('edition = "平成31年3月 (2019)"', "", 1, "edition is missing; add edition = …"),
        ('code = "⑦"', "", 79, "presence 1: code is missing; add code = …"),
        ("below_mm = 0.3 }", "below_mm = 0.1 }", 18, "widths 2 has limits that must go up from class to class"),
        ("below_mm = 0.3 }", "below_mm = -1 }", 18, "widths 2: below_mm cannot be -1 (input should be greater"),
        ("{ below_mm = 0.3 }, {}]", "{ below_mm = 0.3 }, { below_mm = 1.0 }]", 18, "and a last class {} without"),
        ('["c", "d"], ["d", "e"]]', '["c", "d"]]', 21, "crack 1: cells must have 3 rows of 2"),
        ('["c", "d"], ["d", "e"]]', '["c", "d"], ["d", "f"]]', 21, "cells 3 has 'f', which must name some of"),
        ('[["b", "c"], ["c", "d"]', '[["d", "c"], ["c", "d"]', 21, "must not get better"),
        ('["d", "d", "d", "d e"],', '["d", "d", "d", "b"],', 47, "crack 3: cells must not get better"),
        ('["a", "b", "c", "d", "e"]', '["a", "b", "c", "d", "e", "IV"]', 8, "only a person may give"),
        ('id = "japan-bridge-2019"', "id = ", 2, "not valid TOML"),
        ('candidates = "d e"', 'candidates = "d e', 99, "not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_line_and_remedy(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    own = tmp_path / "own.toml"
    text = standard_text("japan-bridge-2019")
    assert old in text
    own.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_standard(own)
    assert re.search(rf"own\.toml, line {line}[:,]", str(refused.value))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_grid_of_cells_must_be_defined_and_a_standard_must_hold_a_rule(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    text = standard_text("japan-pavement-2016")
    begin, end = text.index("[grid]"), text.index("[[crack_grid]]")
    for wrong, says in (
        (text[:begin] + text[end:], "line 13: crack_grid 1 asks for a grid; add a table"),
        (text[:end], "line 1: holds no rule; add a"),
        (text.replace("= 100.0", "= 50.0"), "line 16: grid: several_cracks_pct must not be below one_crack_pct"),
    ):
        own.write_text(wrong, encoding="utf-8")
        with pytest.raises(SettingsError) as refused:
            load_standard(own)
        assert says in str(refused.value)


def test_a_standard_saved_by_a_windows_editor_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_bytes(standard_text("japan-bridge-2019").replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_standard(own) == load_standard("japan-bridge-2019")
    own.write_bytes(standard_text("japan-bridge-2019").encode("cp932", errors="replace"))
    with pytest.raises(SettingsError, match=r"own\.toml: is not UTF-8 .*; save it as UTF-8"):
        load_standard(own)


def test_an_unknown_standard_is_answered_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"choose from aashto-element-cracks, .*japan-bridge-2019"):
        load_standard("japan")
    with pytest.raises(SettingsError, match=r"gone\.toml: cannot be read"):
        load_standard("gone.toml")


@pytest.mark.parametrize("code", SENTENCES)
def test_each_reason_says_the_same_figures_in_both_languages(code: str) -> None:
    japanese, english = (
        sorted(field for _, field, _, _ in string.Formatter().parse(text) if field) for text in SENTENCES[code]
    )
    assert japanese == english


def test_reasons_use_the_official_terms() -> None:
    official = {"crack": "ひびわれ", "corrosion": "腐食", "spalling": "剥離", "efflorescence": "遊離石灰"}
    assert {key: TERMS[key][0] for key in official} == official
    reason = Reason("no_rule", {"standard": "X", "kind": Term("crack"), "material": Term("steel")})
    assert render(reason, "ja") == "X には材料「鋼」のひびわれの区分がないため、評価区分なし。"
    assert render(reason, "en") == "No grade: X has no class for crack on material steel."
    assert render_all([reason, reason], "en").count(". No grade") == 1
