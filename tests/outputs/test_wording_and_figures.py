"""Words in both languages, and figures that claim no more than is known."""

import dataclasses
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tenken.outputs
import tenken_training
from tenken.errors import SettingsError
from tenken.inspection import Inspection
from tenken.measurement.surface_widths import StatedWidth
from tenken.outputs import columns
from tenken.outputs.crops import scale_bar
from tenken.outputs.figures import percent_text, stated_width_text, width_status_text, width_text
from tenken.outputs.grades import GRADE_COLOURS, severity, worst_grade
from tenken.wording import LANGUAGES, catalogue, words

ASKED = re.compile(r"""\b(?:t|text|title|Note\.of)\(\s*["'](\w+\.[\w.]+)["']""")
PACKAGE = Path(tenken.outputs.__file__).parent


def test_both_languages_say_everything_with_the_same_placeholders() -> None:
    for key, entry in catalogue().items():
        assert entry.ja.strip(), key
        assert entry.en.strip(), key
        assert sorted(re.findall(r"{\w+}", entry.ja)) == sorted(re.findall(r"{\w+}", entry.en)), key


def test_every_phrase_that_code_and_templates_ask_for_exists() -> None:
    training = Path(tenken_training.__file__).parent
    sources = [
        path for folder in (PACKAGE.parent, training) for end in ("py", "j2") for path in folder.rglob(f"*.{end}")
    ]
    asked = {key for source in sources for key in ASKED.findall(source.read_text(encoding="utf-8"))}
    assert len(asked) > 100
    assert asked <= set(catalogue())


LAYERS = ["DEFECTS", "CRACK_LINES", "SIGHTINGS", "SEGMENTS", "PHOTOS", "COVERAGE", "RUN"]


@pytest.mark.parametrize("layer", LAYERS)
def test_every_column_has_a_name_in_words(layer: str) -> None:
    assert {f"column.{name}" for name in getattr(columns, layer)} <= set(catalogue())


@pytest.mark.parametrize(
    ("kind", "term"),
    [
        ("crack", "ひびわれ"),
        ("corrosion", "腐食"),
        ("spalling", "剥離・鉄筋露出"),
        ("efflorescence", "遊離石灰"),
    ],
)
def test_official_terms_are_exact(kind: str, term: str) -> None:
    assert words("ja").kind(kind) == term


def test_the_statement_on_every_page_is_the_agreed_one() -> None:
    assert words("ja")("statement") == "AIによる損傷候補。健全性の診断は知識と技能を有する者が行う。"


def test_a_kind_without_a_word_stands_for_itself() -> None:
    assert [words(lang).kind("spider_web") for lang in LANGUAGES] == ["spider_web", "spider_web"]


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"'fr' .* ja, en"):
        words("fr")


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("measured", "0.32 mm (0.28–0.36 mm)"),
        ("estimated", "0.28–0.36 mm"),
        ("unmeasured", "≤ 0.36 mm"),
        ("below_limit", "≤ 0.36 mm"),
        ("no_scale", "–"),
        (None, "–"),
    ],
)
def test_one_width_stands_only_if_measured(bridge: Inspection, status: str | None, shown: str) -> None:
    crack = next(one for one in bridge.defects if one.id == "C-0001")
    assert width_text(dataclasses.replace(crack, width_status=status)) == shown


@pytest.mark.parametrize(("low_mm", "shown"), [(0.0, "≤ 116 mm"), (0.04, "≤ 116 mm"), (0.86, "0.86–116 mm")])
def test_an_interval_from_nothing_says_only_at_most(bridge: Inspection, low_mm: float, shown: str) -> None:
    crack = next(one for one in bridge.defects if one.id == "C-0001")
    vague = dataclasses.replace(crack, width_status="estimated", width_low_mm=low_mm, width_high_mm=116.0)
    assert width_text(vague) == stated_width_text(StatedWidth(None, low_mm, 116.0)) == shown
    told = {"≤": "not measurable in these photos"}.get(shown[0], "estimated: a range only")
    assert width_status_text(vague, words("en")).startswith(told)


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_part_is_never_written_as_nothing_or_all(share: float) -> None:
    assert percent_text(share) not in ("0 %", "100 %")


@given(st.floats(0.01, 100), st.floats(20, 500))
def test_a_scale_bar_fits_and_has_a_round_length(mm_per_px: float, room_px: float) -> None:
    length_px, label = scale_bar(mm_per_px, room_px)
    assert 0.39 * room_px <= length_px <= room_px * 1.0001
    number, unit = label.split()
    length_mm = float(number) * {"mm": 1, "cm": 10, "m": 1000}[unit]
    assert length_mm == pytest.approx(length_px * mm_per_px, rel=1e-5)
    assert f"{float(number):.0e}"[0] in "125"


@pytest.mark.parametrize(
    ("candidates", "worst"),
    [(("b", "d", "c"), "d"), (("CS1", "CS3"), "CS3"), (("10", "9"), "9"), (("x", "y"), "y"), ((), None)],
)
def test_the_worst_candidate_leads(candidates: tuple[str, ...], worst: str | None) -> None:
    assert worst_grade(None, candidates) == worst


STANDARDS = sorted((PACKAGE.parent / "assessment" / "standards").glob("*.toml"))


@pytest.mark.parametrize("path", STANDARDS, ids=lambda path: path.stem)
def test_shipped_standards_grow_darker_with_severity(path: Path) -> None:
    grades = tomllib.loads(path.read_text(encoding="utf-8"))["grades"]
    levels = [severity(grade) for grade in grades]
    assert levels[0] == 0
    assert levels[-1] == len(GRADE_COLOURS) - 1
    assert all(one is not None and other is not None and one <= other for one, other in pairwise(levels))
