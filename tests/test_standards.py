"""Standards as data: their boundaries, what they may hold, and how mistakes in them are told."""

import string
from pathlib import Path

import pytest

import tenken
from tenken.assessment.reasons import SENTENCES, TERMS, Reason, Term, render, render_all
from tenken.assessment.standards import CorrosionRule, CrackRule, Standard, list_standards, load_standard
from tenken.errors import SettingsError


def crack_rule(standard: Standard, code: str, material: str) -> CrackRule:
    return next(rule for rule in standard.crack if rule.code == code and material in rule.materials)


def cell(rule: CrackRule, width_mm: float, spacing_m: float) -> str:
    rows, columns = rule.width_rows(width_mm, width_mm), rule.spacing_columns(spacing_m)
    return "/".join(sorted({grade for r in rows for c in columns for grade in rule.cells[r][c]}))


def test_what_ships() -> None:
    assert list_standards() == (
        "aashto-element-cracks", "astm-d610-equivalent", "iso-4628-3-equivalent", "japan-bridge-2019"
    )  # fmt: skip


@pytest.mark.parametrize("standard_id", list_standards())
def test_shipped_standards_say_where_they_come_from_and_hold_no_diagnosis(standard_id: str) -> None:
    standard = load_standard(standard_id)
    assert standard.id == standard_id
    assert standard.source
    assert standard.edition
    assert not {"I", "II", "III", "IV", "CS4"} & set(standard.grades)
    rules = [*standard.crack, *standard.corrosion, *standard.presence]
    assert all(rule.evidence for rule in rules)
    # Only numbers read in the standard's own text count as verified.
    assert all(not rule.verified or set(rule.evidence) == {"V"} for rule in rules)


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


def by_share(rule: CorrosionRule, share_pct: float) -> str:
    return "/".join(grade for row in rule.share_rows(share_pct) for grade in rule.cells[row])


@pytest.mark.parametrize(
    ("share_pct", "d610", "ri"),
    [
        (0.0, "10", "Ri0"), (0.01, "10", "Ri1"), (0.02, "9", "Ri1"), (0.05, "8", "Ri1"), (0.3, "7", "Ri2"),
        (0.5, "6", "Ri2"), (1.0, "6", "Ri3"), (3.0, "5", "Ri4"), (8.0, "4", "Ri4"), (10.0, "4", "Ri5"),
        (16.0, "3", "Ri5"), (33.0, "2", "Ri5"), (50.0, "1", "Ri5"), (50.1, "0", "Ri5"),
    ],
)  # fmt: skip
def test_rusted_area_equivalents(share_pct: float, d610: str, ri: str) -> None:
    assert by_share(load_standard("astm-d610-equivalent").corrosion[0], share_pct) == d610
    assert by_share(load_standard("iso-4628-3-equivalent").corrosion[0], share_pct) == ri


def shipped_text(standard_id: str) -> str:
    folder = Path(str(tenken.__file__)).parent / "assessment" / "standards"
    return (folder / f"{standard_id}.toml").read_text(encoding="utf-8")


def test_a_users_own_standard_is_read_from_a_file(tmp_path: Path) -> None:
    own = tmp_path / "千葉市.toml"
    own.write_text(shipped_text("japan-bridge-2019").replace("below_mm = 0.3", "below_mm = 0.35"), encoding="utf-8")
    rule = load_standard(own).crack[0]
    assert (cell(rule, 0.34, 1.0), cell(rule, 0.35, 1.0)) == ("c", "d")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('aggregate = "worst"', 'aggregate = "mean"', "aggregate: "),
        ("version = 1", "version = 1\ncolour = 'red'", "colour: "),
        ("below_mm = 0.3 }", "below_mm = 0.1 }", "widths: limits must go up"),
        ("{ below_mm = 0.3 }, {}]", "{ below_mm = 0.3 }, { below_mm = 1.0 }]", "the last one none"),
        ('["c", "d"], ["d", "e"]]', '["c", "d"]]', "cells must have 3 rows of 2"),
        ('["c", "d"], ["d", "e"]]', '["c", "d"], ["d", "f"]]', "cell 'f' must name some of"),
        ('[["b", "c"], ["c", "d"]', '[["d", "c"], ["c", "d"]', "must not get better"),
        ('["a", "b", "c", "d", "e"]', '["a", "b", "c", "d", "e", "IV"]', "only a person may give"),
        ('id = "japan-bridge-2019"', "id = ", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_key(tmp_path: Path, old: str, new: str, says: str) -> None:
    own = tmp_path / "own.toml"
    text = shipped_text("japan-bridge-2019")
    assert old in text
    own.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_standard(own)
    assert says in str(refused.value)
    assert "own.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


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
