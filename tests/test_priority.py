"""The repair list: order, reasons, and what must never be in it."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely import MultiLineString, MultiPolygon

import tenken
from tenken.assessment.appraisal import certainty_of, segment_candidates
from tenken.assessment.findings import assess
from tenken.assessment.grade import DefectGrade, Finding
from tenken.assessment.importance import importance_of, load_priority_rules, people_below
from tenken.assessment.standard_file import load_standard
from tenken.errors import AssetsError, SettingsError
from tenken.identity.identify import Defect
from tenken.measurement.condition import StateShare
from tenken.outputs.reviews import Review, as_reviewed
from tenken.settings import Lang
from tenken.structure.coverage import View

CHIBA = CRS.from_epsg(6677)
FIELDS: dict[str, Any] = dict.fromkeys(Defect.__dataclass_fields__)
RULES = load_priority_rules()


def crack(defect_id: str, x_m: float, width_mm: float = 0.25, y_m: float = 5.0, length_m: float = 2.0) -> Defect:
    line = MultiLineString([[(x_m, y_m), (x_m + length_m, y_m)]])
    return Defect(
        **FIELDS
        | {
            "id": defect_id, "kind": "crack", "score": 0.9, "sightings": (), "unseen_in": (),
            "centreline_m": line, "outline_m": MultiPolygon([line.buffer(0.01)]), "length_m": length_m,
            "width_mm": width_mm, "width_low_mm": width_mm, "width_high_mm": width_mm,
            "width_status": "measured", "area_m2": 0.02, "gsd_mm": 0.1,
        }
    )  # fmt: skip


def patch(defect_id: str, x_m: float, side_m: float, kind: str = "corrosion") -> Defect:
    area = MultiPolygon([shapely.box(x_m, 1, x_m + side_m, 1 + side_m)])
    return Defect(
        **FIELDS
        | {
            "id": defect_id, "kind": kind, "score": 0.9, "sightings": (), "unseen_in": (),
            "outline_m": area, "area_m2": area.area,
        }
    )  # fmt: skip


def photo(west_m: float, east_m: float, **fields: Any) -> View:
    return View("a.jpg", shapely.box(west_m, 0, east_m, 10), 0.1, **{"usable": True, **fields})


def assets(path: Path, areas: list[shapely.Polygon], **columns: list[str]) -> Path:
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(area) for area in areas], dtype=object),
        [np.array(values, dtype=object) for values in columns.values()],
        list(columns),
        geometry_type="Polygon",
        crs="EPSG:6677",
    )
    return path


def listed(
    defects: list[Defect], views: list[View], path: Path | None = None, *, lang: Lang = "en", **settings: Any
) -> tuple[dict[str, DefectGrade], tuple[Finding, ...]]:
    return assess(defects, path, views, CHIBA, lang=lang, **settings)


@pytest.fixture
def two_spans(tmp_path: Path) -> Path:
    """Two RC spans of 10 m x 10 m, A in the west and B in the east."""
    spans = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)]
    return assets(tmp_path / "spans.gpkg", spans, asset_id=["A", "B"], material=["RC", "RC"])


def test_the_worse_span_comes_first_with_every_factor_shown(two_spans: Path) -> None:
    grades, findings = listed([crack("d1", 2, 0.15), crack("d2", 12, 0.4)], [photo(0, 20)], two_spans)
    assert [(f.segment.segment_id, f.rank, f.grade) for f in findings] == [("B", 1, "d"), ("A", 2, "b")]
    assert {grade.segment_id for grade in grades.values()} == {"A", "B"}
    text = " ".join(findings[0].reasons)
    for shown in ("Candidates for the segment: d.", "Worst candidate d2 (crack)", "Width 0.40 mm",
                  "crack d 2.00 m", "Severity 0.75", "Certainty 0.90 (weight 1.00)", "Importance 0.75",
                  "Extent 0.51", "rank 1"):  # fmt: skip
        assert shown in text


def test_dense_cracks_grade_worse_than_the_same_crack_alone(two_spans: Path) -> None:
    pair = [crack("d1", 2, y_m=5.0), crack("d2", 2, y_m=5.3)]
    _, findings = listed([*pair, crack("d3", 12)], [photo(0, 20)], two_spans)
    assert {f.segment.segment_id: f.grade for f in findings} == {"A": "d", "B": "c"}


@pytest.mark.parametrize(
    ("candidates", "worst", "states"),
    [
        ([("b",)], ("b",), ("b",)),
        ([("b", "c"), ("c",)], ("c",), ("b", "c")),
        ([("b", "c", "d"), ("c",)], ("c", "d"), ("b", "c", "d")),
        ([("b",), ("d", "e")], ("d", "e"), ("b", "d", "e")),
        ([], (), ()),
    ],
)
def test_a_segments_candidates_are_all_that_its_worst_defect_can_have(
    candidates: list[tuple[str, ...]], worst: tuple[str, ...], states: tuple[str, ...]
) -> None:
    standard = load_standard("japan-bridge-2019")
    assert segment_candidates(candidates, standard) == worst
    assert segment_candidates(candidates, standard.model_copy(update={"aggregate": "quantities"})) == states


def test_aashto_gives_quantities_per_state(two_spans: Path) -> None:
    _, findings = listed(
        [crack("d1", 1, 0.2, y_m=2, length_m=3), crack("d2", 1, 0.5, y_m=8), crack("d3", 5, 0.6, y_m=5)],
        [photo(0, 20)], two_spans, standard="aashto-element-cracks",
    )  # fmt: skip
    assert (findings[0].grade, findings[0].grade_candidates) == (None, ("CS1", "CS2"))
    assert "Quantities: crack CS2 4.00 m, crack CS1 3.00 m." in findings[0].reasons


def test_a_road_goes_by_the_cracked_share_of_what_was_seen(tmp_path: Path) -> None:
    path = assets(tmp_path / "road.gpkg", [shapely.box(0, 0, 10, 10)], asset_id=["R"], material=["アスファルト舗装"])
    # Half of 200 cells was seen; 10 rows of cells have a crack over that whole half: 60 % of it.
    cracks = [crack(f"d{i}", 0, y_m=0.3 + i, length_m=5.0) for i in range(10)]
    _, findings = listed(cracks, [photo(0, 5)], path, standard="japan-pavement-2016")
    assert (findings[0].grade, findings[0].assessed) == ("中", True)
    assert "Cracked share of the grid in what was seen 30.0 %." in " ".join(findings[0].reasons)
    _, findings = listed(cracks, [photo(0, 0.2)], path, standard="japan-pavement-2016")
    assert findings[0].grade_candidates == ("小", "中", "大")


def test_what_was_not_seen_is_not_assessed_and_comes_last(two_spans: Path) -> None:
    _, findings = listed([], [photo(0, 10.3)], two_spans)
    assert [(f.segment.segment_id, f.rank, f.assessed) for f in findings] == [
        ("A", 1, True),
        ("B", None, False),
    ]
    assert findings[1].priority is None
    assert findings[1].corrosion_pct is None
    assert findings[1].reasons[0].startswith("Not assessed: 3 %")


@pytest.mark.parametrize("fields", [{"usable": False}, {"square_on": False}])
def test_bad_photos_do_not_make_a_segment_assessed(two_spans: Path, fields: dict[str, bool]) -> None:
    _, findings = listed([], [photo(0, 20, **fields)], two_spans)
    assert [finding.assessed for finding in findings] == [False, False]
    assert "too coarse, blurred or oblique" in findings[0].reasons[0]


def test_damage_that_was_found_is_ranked_even_where_little_was_seen(two_spans: Path) -> None:
    _, findings = listed([crack("d1", 12)], [photo(0, 10.3)], two_spans)
    assert [(f.segment.segment_id, f.rank) for f in findings] == [("B", 1), ("A", 2)]
    assert findings[0].reasons[-1] == "Only 3 % of the segment was seen well enough."


def test_nothing_found_is_no_grade_and_states_what_could_not_show(two_spans: Path) -> None:
    _, findings = listed([], [photo(0, 20)], two_spans)
    assert {(finding.grade, finding.grade_candidates, finding.priority) for finding in findings} == {(None, (), 0.0)}
    assert "this does not mean sound: at 0.1 mm/px cracks under 0.067 mm do not show." in findings[0].reasons[0]


def test_corrosion_is_a_share_of_the_area_seen_and_overlaps_count_once(tmp_path: Path) -> None:
    girder = assets(tmp_path / "a.gpkg", [shapely.box(0, 0, 10, 10)], asset_id=["G"], material=["steel"])
    twice = [patch("d1", 1, 2), patch("d2", 1, 2)]
    grades, (finding,) = listed(twice, [photo(0, 5)], girder)
    assert finding.seen_fraction == pytest.approx(0.5)
    assert finding.corrosion_pct == pytest.approx(4 / 50 * 100)
    assert grades["d1"].candidates == ("b", "d")
    assert "Corrosion on 8 % of the area seen." in grades["d1"].reason


def test_severe_corrosion_is_told_beside_the_whole_and_moves_no_grade_and_no_rank(two_spans: Path) -> None:
    plain = [patch("d1", 1, 2), patch("d2", 4, 1), patch("d3", 12, 2)]
    told = [
        replace(plain[0], state_share=StateShare(0.5, 0.25, 0.25)),
        replace(plain[1], state_share=StateShare(0.0, 0.0, 1.0)),
        plain[2],
    ]
    grades, (first, second) = listed(told, [photo(0, 20)], two_spans)
    assert (first.corrosion_area_m2, first.severe_corrosion_area_m2) == (5.0, 2.0)
    assert (second.corrosion_area_m2, second.severe_corrosion_area_m2) == (4.0, None)
    (said,) = (reason for reason in first.reasons if "severe" in reason)
    assert "2.000 m²" in said
    assert not any("severe" in reason for reason in second.reasons)
    without_grades, without = listed(plain, [photo(0, 20)], two_spans)
    assert grades == without_grades
    assert [(f.segment.segment_id, f.rank, f.priority, f.grade_candidates) for f in without] == [
        (f.segment.segment_id, f.rank, f.priority, f.grade_candidates) for f in (first, second)
    ]


def test_importance_decides_between_equal_damage(tmp_path: Path) -> None:
    spans = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)]
    path = assets(tmp_path / "a.gpkg", spans, asset_id=["A", "B"], material=["RC", "RC"], 緊急輸送道路=["無", "一次"])
    _, findings = listed([crack("d1", 2), crack("d2", 12)], [photo(0, 20)], path)
    assert [finding.segment.segment_id for finding in findings] == ["B", "A"]
    assert any("緊急輸送道路) 一次 → 1.00" in reason for reason in findings[0].reasons)


@pytest.mark.parametrize(
    ("inputs", "score", "people"),
    [
        ({}, 0.75, True),
        ({"路下条件": "鉄道"}, 0.8125, True),
        ({"路下条件": "河川"}, 0.725, False),
        ({"路下条件": "河川・市道"}, 0.8, True),
        ({"路下条件": "River"}, 0.725, False),
        ({"路下条件": "月面"}, 0.75, True),
        ({"代替路の有無": "false"}, 0.8, True),
        ({"緊急輸送道路": "第１次"}, 0.825, True),
    ],
)
def test_importance_inputs_are_read_in_both_languages(inputs: dict[str, str], score: float, people: bool) -> None:
    assert importance_of(inputs, RULES.importance)[0] == pytest.approx(score)
    assert people_below(inputs, RULES.importance) is people


@pytest.mark.parametrize(("below", "first"), [("歩道", "A"), ("河川", "B"), ("", "A")])
def test_what_can_fall_on_people_comes_before_every_score(tmp_path: Path, below: str, first: str) -> None:
    spans = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)]
    path = assets(tmp_path / "a.gpkg", spans, asset_id=["A", "B"], material=["RC", "RC"], 路下条件=[below, "河川"])
    dense = [crack(f"d{i}", 11, 2.0, y_m=1 + 0.2 * i, length_m=8) for i in range(40)]
    _, findings = listed([patch("s1", 2, 1, "spalling"), *dense], [photo(0, 20)], path, lang="ja")
    assert findings[0].segment.segment_id == first
    assert any("人の上に落下" in reason for finding in findings for reason in finding.reasons) == (first == "A")


def test_equal_segments_are_ordered_by_id_and_the_input_order_does_not_matter(two_spans: Path) -> None:
    defects = [crack("d2", 12), crack("d1", 2)]
    _, findings = listed(defects, [photo(0, 20)], two_spans)
    assert [finding.segment.segment_id for finding in findings] == ["A", "B"]
    assert listed(defects[::-1], [photo(0, 20)], two_spans)[1] == findings


def test_sure_candidates_come_before_a_doubtful_one_of_the_same_grade(two_spans: Path) -> None:
    doubtful = replace(crack("d1", 2, 0.4, length_m=5), score=0.4)
    sure = [replace(crack(f"d{i}", 12, 0.4, y_m=i, length_m=1), score=0.95) for i in range(2, 7)]
    _, findings = listed([doubtful, *sure], [photo(0, 20)], two_spans)
    assert [f.segment.segment_id for f in findings] == ["B", "A"]
    # One doubtful e stands for less than five sure d's.
    assert 1.0 * certainty_of([(1.0, 0.65)]) < 0.75 * certainty_of([(0.75, 0.95)] * 5)
    # A person's word makes it certain: of equal grades and extent the confirmed one leads.
    alone = [replace(crack("d1", 2, 0.4), score=0.4), replace(crack("d2", 12, 0.4), score=0.9)]
    confirmed = as_reviewed(alone, {"d1": Review("confirmed", None)})
    assert [f.segment.segment_id for f in listed(alone, [photo(0, 20)], two_spans)[1]] == ["B", "A"]
    _, findings = listed(confirmed, [photo(0, 20)], two_spans)
    assert [f.segment.segment_id for f in findings] == ["A", "B"]
    assert any("the worst candidate was confirmed" in reason for reason in findings[0].reasons)


def test_what_a_person_rejected_makes_nothing_certain() -> None:
    (kept,) = as_reviewed([replace(crack("d1", 2), score=0.4)], {"d1": Review("rejected", None, "corrosion")})
    assert (kept.score, kept.kind) == (0.4, "crack")


candidates = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)), min_size=1, max_size=6)


@given(candidates=candidates, more=st.floats(0.0, 1.0), surer=st.floats(0.0, 1.0), another=candidates)
def test_severer_surer_and_more_candidates_never_lower_severity_and_certainty_together(
    candidates: list[tuple[float, float]], more: float, surer: float, another: list[tuple[float, float]]
) -> None:
    def factor(these: list[tuple[float, float]], weight: float) -> float:
        return float(max(severity for severity, _ in these) * certainty_of(these) ** weight)

    severity, score = candidates[0]
    worse = [(severity + more * (1 - severity), score), *candidates[1:]]
    sure = [(severity, score + surer * (1 - score)), *candidates[1:]]
    for weight in (0.4, 0.5, 0.6, 1.0):
        for changed in (worse, sure, candidates + another):
            assert factor(changed, weight) >= factor(candidates, weight) - 1e-3


def test_a_rank_that_hangs_on_a_weight_is_shown_as_a_range(tmp_path: Path) -> None:
    spans = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(20, 0, 30, 10)]
    path = assets(
        tmp_path / "a.gpkg", spans, asset_id=["A", "B", "C"], material=["RC"] * 3,
        路下条件=["鉄道", "農地", "農地"], 代替路の有無=["無", "有", "有"], 緊急輸送道路=["一次", "無", "無"],
    )  # fmt: skip
    near_tie = [crack("d1", 1, 0.25, length_m=1), crack("d2", 11, 0.4, length_m=1)]
    _, findings = listed([*near_tie, crack("d3", 21, 0.1)], [photo(0, 30)], path)
    ranges = {finding.segment.segment_id: finding.rank_range for finding in findings}
    assert ranges["C"] == (3, 3)
    for finding in findings:
        assert finding.rank is not None
        assert finding.rank_range is not None
        assert finding.rank_range[0] <= finding.rank <= finding.rank_range[1]


damage = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0.05, 1.0), st.floats(1, 9)), min_size=1, max_size=8
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(damage=damage, worse_mm=st.floats(0.0, 1.0))
def test_a_wider_crack_never_lowers_its_segments_priority(
    damage: list[tuple[int, float, float]], worse_mm: float
) -> None:
    defects = [crack(f"d{i}", 10 * cell + 1, width, y_m=y) for i, (cell, width, y) in enumerate(damage)]
    wider = [crack("d0", 10 * damage[0][0] + 1, damage[0][1] + worse_mm, y_m=damage[0][2]), *defects[1:]]
    views = [photo(0, 40)]
    segment_id = f"cell10_{damage[0][0]}_0"

    def priority(these: list[Defect]) -> float:
        return next(f.priority or 0.0 for f in listed(these, views)[1] if f.segment.segment_id == segment_id)

    assert priority(wider) >= priority(defects)


def test_cells_stand_in_for_assets() -> None:
    grades, findings = listed([crack("d1", 12)], [photo(0, 20)])
    assert [finding.segment.segment_id for finding in findings] == ["cell10_1_0", "cell10_0_0"]
    assert grades["d1"].candidates == ("c", "d")


def test_defects_without_a_place_are_kept_without_a_segment() -> None:
    lost = replace(crack("d1", 2), centreline_m=None, outline_m=None, width_status="no_scale")
    grades, findings = listed([lost], [photo(0, 10)])
    assert (grades["d1"].segment_id, grades["d1"].candidates) == (None, ())
    assert findings[0].defect_ids == ()


def test_a_flight_without_positions_has_grades_and_no_segments() -> None:
    lost = replace(crack("d1", 2), centreline_m=None, outline_m=None, width_status="no_scale")
    grades, findings = assess([lost], None, [], None, lang="ja")
    assert list(grades) == ["d1"]
    assert findings == ()


def test_assets_of_another_place_are_refused(tmp_path: Path) -> None:
    path = assets(tmp_path / "a.gpkg", [shapely.box(200_000, 0, 200_010, 10)], asset_id=["A"])
    with pytest.raises(AssetsError, match="200 km away"):
        listed([], [photo(0, 20)], path)


@pytest.mark.parametrize("standard", ["japan-bridge-2019", "aashto-element-cracks", "astm-d610-equivalent"])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_no_diagnosis_is_ever_given(two_spans: Path, standard: str, lang: Lang) -> None:
    defects = [crack("d1", 2, 3.0), crack("d2", 2, 3.0, y_m=5.1), patch("d3", 11, 9)]
    grades, findings = listed(defects, [photo(0, 20)], two_spans, standard=standard, lang=lang)
    given_out = {grade for g in grades.values() for grade in g.candidates}
    given_out |= {grade for finding in findings for grade in finding.grade_candidates}
    assert not given_out & {"I", "II", "III", "IV", "E1", "E2", "CS4"}
    assert not any("CS4" in reason or "健全性の診断" in reason for f in findings for reason in f.reasons)


def test_reasons_follow_the_language(two_spans: Path) -> None:
    _, findings = listed([crack("d1", 2)], [photo(0, 20)], two_spans, lang="ja")
    assert findings[0].reasons[1].startswith("最も重い候補 d1（ひびわれ）：候補 c（橋梁定期点検要領")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("severity = 1.0", "severity = -1.0", "weights.severity"),
        ("certainty = 1.0", "certainty = 1.5", "weights.certainty"),
        ("ungraded", "unrated", "severity."),
        ('"P"', "P", "cannot be read"),
    ],
)
def test_a_mistake_in_the_weights_is_told_with_file_and_key(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (Path(str(tenken.__file__)).parent / "assessment" / "priority_weights.toml").read_text(encoding="utf-8")
    own = tmp_path / "weights.toml"
    own.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_priority_rules(own)
    assert says in str(refused.value)
    assert "weights.toml" in str(refused.value)


def test_exponents_and_floors_keep_a_priority_between_0_and_100(two_spans: Path) -> None:
    worst = [crack(f"d{i}", 0.5, 5.0, y_m=0.5 + 0.1 * i, length_m=9) for i in range(90)]
    _, findings = listed(worst, [photo(0, 20)], two_spans)
    assert findings[0].grade == "e"
    assert findings[0].priority is not None
    assert 0 < findings[0].priority <= 100
    assert math.isclose(findings[0].crack_length_m, 810)
