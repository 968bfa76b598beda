"""Candidate grades: every class that the figures allow, never a better one for worse damage."""

import math
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon

from tenken.assessment.grade import DefectGrade, grade_defect
from tenken.assessment.spacing import crack_spacing_m
from tenken.assessment.standard_file import list_standards, load_standard
from tenken.identity.identify import Defect
from tenken.structure.segments import Segment

STANDARDS = {standard_id: load_standard(standard_id) for standard_id in list_standards()}
JAPAN = STANDARDS["japan-bridge-2019"]
FIELDS: dict[str, Any] = dict.fromkeys(Defect.__dataclass_fields__)


def crack(low_mm: float | None = None, high_mm: float | None = None, status: str = "measured", **fields: Any) -> Defect:
    width = {"width_low_mm": low_mm, "width_high_mm": high_mm, "width_status": status}
    return Defect(**{**FIELDS, "id": "d1", "kind": "crack", "score": 0.9, **width, **fields})


def corrosion(**fields: Any) -> Defect:
    return Defect(**{**FIELDS, "id": "d1", "kind": "corrosion", "score": 0.9, "area_m2": 1.0, **fields})


def segment(material: str | None, element: str | None = None, exposure: str | None = None) -> Segment:
    return Segment("B1", "B1", "B1", material, MultiPolygon([shapely.box(0, 0, 1, 1)]), {}, element, exposure)


def grade(
    defect: Defect,
    material: str | None = "RC",
    *,
    standard: str = "japan-bridge-2019",
    spacing_m: float | None = math.inf,
    corrosion_pct: float | None = None,
    element: str | None = None,
    exposure: str | None = None,
    crack_ratio_pct: tuple[float, float] | None = None,
) -> DefectGrade:
    return grade_defect(
        defect,
        segment(material, element, exposure),
        STANDARDS[standard],
        spacing_m=spacing_m,
        corrosion_pct=corrosion_pct,
        crack_ratio_pct=crack_ratio_pct,
        lang="en",
    )


@pytest.mark.parametrize(
    ("low_mm", "high_mm", "candidates"),
    [
        (0.05, 0.15, "b"),
        (0.15, 0.199, "b"),
        (0.15, 0.2, "bc"),
        (0.21, 0.29, "c"),
        (0.15, 0.35, "bcd"),
        (0.3, 0.3, "d"),
    ],
)
def test_an_interval_of_width_gives_every_class_that_it_touches(low_mm: float, high_mm: float, candidates: str) -> None:
    given_grade = grade(crack(low_mm, high_mm))
    assert given_grade.candidates == tuple(candidates)
    assert given_grade.grade == (candidates if len(candidates) == 1 else None)


def test_a_width_without_an_interval_counts_as_it_is() -> None:
    assert grade(crack(width_mm=0.25)).candidates == ("c",)


@pytest.mark.parametrize(
    ("material", "candidates"), [("RC", "b"), ("PC", "c"), (None, "bc")], ids=["RC", "PC", "unknown"]
)
def test_an_unknown_material_keeps_the_candidates_of_all(material: str | None, candidates: str) -> None:
    assert grade(crack(0.15, 0.15), material).candidates == tuple(candidates)


def test_an_unknown_material_is_said() -> None:
    assert "Material unknown: the candidates hold for RC, PC" in grade(crack(0.15, 0.15), None).reason


@pytest.mark.parametrize(
    ("spacing_m", "candidates", "says"),
    [
        (math.inf, "b", "No parallel crack within 3 m"),
        (0.8, "b", "Least spacing to a parallel crack 0.80 m"),
        (0.52, "bc", "borderline"),
        (0.2, "c", "0.20 m"),
        (None, "bc", "spacing is unknown"),
    ],
)
def test_spacing_chooses_the_column(spacing_m: float | None, candidates: str, says: str) -> None:
    given_grade = grade(crack(0.1, 0.1), spacing_m=spacing_m)
    assert given_grade.candidates == tuple(candidates)
    assert says in given_grade.reason


@pytest.mark.parametrize(
    ("defect", "candidates"),
    [
        (crack(status="unmeasured", gsd_mm=0.2), "bcd"),
        (crack(0.1, 0.25, status="unmeasured", gsd_mm=0.4), "bc"),
        (crack(status="below_limit", gsd_mm=0.2), "b"),
        (crack(status="below_limit", gsd_mm=10.0), "bcd"),
        (crack(None, 0.15, status="below_limit", gsd_mm=0.5), "b"),
        (crack(status="below_limit"), "bcd"),
    ],
)
def test_what_could_not_be_measured_keeps_every_class_that_is_possible(defect: Defect, candidates: str) -> None:
    assert grade(defect).candidates == tuple(candidates)


@pytest.mark.parametrize("defect", [crack(status="no_scale", width_mm=0.2), corrosion(area_m2=None)])
def test_without_a_scale_there_is_no_grade(defect: Defect) -> None:
    given_grade = grade(defect, "steel", corrosion_pct=3.0)
    assert given_grade.candidates == ()
    assert "without a known ground resolution" in given_grade.reason


@pytest.mark.parametrize(
    ("defect", "material", "says"),
    [
        (crack(0.3, 0.3), "steel", "Cracks in steel cannot be judged from pictures"),
        (corrosion(), "RC", "⑦ 剥離・鉄筋露出"),
        (crack(0.3, 0.3), "石", "no class for crack on material 石"),
        (corrosion(kind="graffiti"), "RC", "no class for graffiti"),
    ],
)
def test_what_the_standard_has_no_rule_for_gets_no_grade_and_a_reason(defect: Defect, material: str, says: str) -> None:
    given_grade = grade(defect, material, corrosion_pct=1.0)
    assert given_grade.candidates == ()
    assert says in given_grade.reason


@pytest.mark.parametrize(
    ("material", "share_pct", "candidates"),
    [
        ("steel", 0.5, "bd"),
        ("steel", 30.0, "bcde"),
        ("steel", 80.0, "ce"),
        ("steel", None, "bcde"),
        ("weathering_steel", 0.5, "abd"),
        (None, 0.5, "abd"),
    ],
)
def test_corrosion_keeps_both_depths_and_on_weathering_steel_also_none(
    material: str | None, share_pct: float | None, candidates: str
) -> None:
    given_grade = grade(corrosion(), material, corrosion_pct=share_pct)
    assert given_grade.candidates == tuple(candidates)
    assert "a person enters it" in given_grade.reason


def test_decks_follow_their_own_rule() -> None:
    given_grade = grade(crack(0.15, 0.15), element="deck", spacing_m=0.3)
    assert given_grade.candidates == ("d",)
    assert "⑪" in given_grade.reason
    assert "⑪" not in grade(crack(0.15, 0.15), element="girder").reason


def test_spalling_is_a_candidate_by_its_presence() -> None:
    assert grade(corrosion(kind="spalling")).candidates == ("c", "d", "e")


@pytest.mark.parametrize(
    ("kind", "candidates"),
    [
        ("spalling", "cde"), ("剥離・鉄筋露出", "cde"), ("exposed_rebar", "de"), ("rebar_exposure", "de"),
        ("鉄筋露出", "de"), ("leakage", "ce"), ("漏水", "ce"), ("efflorescence", "de"), ("遊離石灰", "de"),
    ],
)  # fmt: skip
def test_what_is_graded_by_its_presence_may_have_been_named_by_a_person(kind: str, candidates: str) -> None:
    assert grade(corrosion(kind=kind, area_m2=None)).candidates == tuple(candidates)


@pytest.mark.parametrize(
    ("material", "exposure", "candidates", "says"),
    [
        ("RC", "XC1", ("≤wmax",), "XC1: 0.4 mm"),
        ("RC", "xc４", (">wmax",), "XC2-XC4"),
        ("RC", None, ("≤wmax", ">wmax"), "Exposure class unknown: the candidates hold for X0, XC1, XC2, XC3, XC4, XD1"),
        ("RC", "海岸", ("≤wmax", ">wmax"), "Exposure class unknown"),
        ("RC", "XC3/XD1", (">wmax",), ""),
        ("PC", "XC4", (">wmax",), ""),
        ("PC", "XC4/XD1", ("≤wmax", ">wmax"), "decompression"),
        (None, "XC4", (">wmax",), "Material unknown: the candidates hold for RC, PC"),
        ("steel", "XC4", (), "no class for crack"),
    ],
)
def test_design_limits_go_by_the_exposure_class(
    material: str | None, exposure: str | None, candidates: tuple[str, ...], says: str
) -> None:
    given_grade = grade(crack(0.35, 0.35), material, standard="en-1992-1-1-crack-limits", exposure=exposure)
    assert given_grade.candidates == candidates
    assert says in given_grade.reason


@pytest.mark.parametrize(
    ("material", "element", "ratio_pct", "candidates", "says"),
    [
        ("asphalt", None, (12.0, 12.0), ("小",), "Cracked share of the grid in what was seen 12.0 %."),
        ("asphalt", None, (18.0, 22.0), ("小", "中"), "18.0-22.0 %, as the grid is laid"),
        ("asphalt", None, None, ("小", "中", "大"), "The cracked share of the grid is unknown."),
        ("RC", "deck", (45.0, 50.0), ("大",), "for information"),
        ("RC", "girder", (45.0, 50.0), (), "no class for crack"),
    ],
)
def test_pavement_goes_by_the_cracked_share(
    material: str, element: str | None, ratio_pct: tuple[float, float] | None, candidates: tuple[str, ...], says: str
) -> None:
    given_grade = grade(
        crack(0.3, 0.3), material, standard="japan-pavement-2016", element=element, crack_ratio_pct=ratio_pct
    )  # fmt: skip
    assert given_grade.candidates == candidates
    assert says in given_grade.reason


def test_a_defect_outside_of_all_segments_keeps_every_material_and_spacing() -> None:
    given_grade = grade_defect(crack(0.15, 0.15), None, JAPAN, spacing_m=None, corrosion_pct=None)
    assert (given_grade.segment_id, given_grade.candidates) == (None, ("b", "c", "d"))
    assert "材料が不明" in given_grade.reason


widths_mm = st.floats(0.0, 3.0)
spacings_m = st.one_of(st.floats(0.01, 3.0), st.just(math.inf))


CRACKED = [name for name, standard in STANDARDS.items() if standard.crack]
EXPOSURES = [None, "X0", "XC1", "XC2", "XC4", "XD1", "XS3", "XC3/XD2"]


@settings(max_examples=400, deadline=None)
@given(
    first=st.tuples(widths_mm, widths_mm),
    more_mm=st.floats(0.0, 1.0),
    spacing_m=spacings_m,
    denser=st.floats(0.1, 1.0),
    material=st.sampled_from(["RC", "PC", None]),
    element=st.sampled_from([None, "deck"]),
    exposure=st.sampled_from(EXPOSURES),
    standard=st.sampled_from(CRACKED),
)
def test_a_wider_or_denser_crack_never_grades_better(
    first: tuple[float, float],
    more_mm: float,
    spacing_m: float,
    denser: float,
    material: str | None,
    element: str | None,
    exposure: str | None,
    standard: str,
) -> None:
    low_mm, high_mm = sorted(first)
    order = STANDARDS[standard].grades.index

    def ends(wider_mm: float, closer: float) -> tuple[int, int]:
        found = grade(
            crack(low_mm + wider_mm, high_mm + wider_mm), material,
            standard=standard, spacing_m=spacing_m * closer, element=element, exposure=exposure,
        )  # fmt: skip
        return order(found.candidates[0]), order(found.candidates[-1])

    best, worst = ends(0.0, 1.0)
    for wider_mm, closer in ((more_mm, 1.0), (0.0, denser), (more_mm, denser)):
        then_best, then_worst = ends(wider_mm, closer)
        assert then_best >= best
        assert then_worst >= worst


@settings(max_examples=80, deadline=None)
@given(
    share_pct=st.floats(0, 100),
    more=st.floats(0, 1),
    material=st.sampled_from(["steel", "weathering_steel"]),
    standard=st.sampled_from([name for name in STANDARDS if STANDARDS[name].corrosion]),
)
def test_more_rust_never_grades_better(share_pct: float, more: float, material: str, standard: str) -> None:
    order = STANDARDS[standard].grades.index
    here = grade(corrosion(), material, standard=standard, corrosion_pct=share_pct)
    then = grade(
        corrosion(), material, standard=standard, corrosion_pct=share_pct + more * (100 - share_pct)
    )  # fmt: skip
    assert order(then.candidates[0]) >= order(here.candidates[0])
    assert order(then.candidates[-1]) >= order(here.candidates[-1])


@settings(max_examples=80, deadline=None)
@given(
    ratio=st.tuples(st.floats(0, 100), st.floats(0, 100)), more=st.floats(0, 1), element=st.sampled_from([None, "deck"])
)
def test_more_cracked_cells_never_grade_better(ratio: tuple[float, float], more: float, element: str | None) -> None:
    order = STANDARDS["japan-pavement-2016"].grades.index
    low_pct, high_pct = sorted(ratio)
    ends = []
    for low, high in ((low_pct, high_pct), (low_pct + more * (100 - low_pct), high_pct + more * (100 - high_pct))):
        found = grade(
            crack(0.3, 0.3), "asphalt",
            standard="japan-pavement-2016", element=element, crack_ratio_pct=(low, high),
        )  # fmt: skip
        ends.append((order(found.candidates[0]), order(found.candidates[-1])))
    assert ends[1][0] >= ends[0][0]
    assert ends[1][1] >= ends[0][1]


def test_every_shipped_standard_is_held_to_that() -> None:
    covered = {name for name, one in STANDARDS.items() if one.crack or one.corrosion or one.crack_grid}
    assert covered == set(STANDARDS)


@settings(max_examples=80, deadline=None)
@given(low_mm=widths_mm, high_mm=widths_mm, less=st.floats(0, 1), more=st.floats(0, 1))
def test_a_more_exact_width_never_adds_a_candidate(low_mm: float, high_mm: float, less: float, more: float) -> None:
    low_mm, high_mm = sorted((low_mm, high_mm))
    inside = sorted((low_mm + less * (high_mm - low_mm), low_mm + more * (high_mm - low_mm)))
    loose = grade(crack(low_mm, high_mm), spacing_m=None)
    exact = grade(crack(min(inside[0], high_mm), min(inside[1], high_mm)), spacing_m=0.3)
    assert set(exact.candidates) <= set(loose.candidates)


def line(*points: tuple[float, float]) -> LineString:
    return LineString(points)


LEVEL = line((0, 0), (2, 0))


@pytest.mark.parametrize(
    ("lines", "spacing_m"),
    [
        ([], math.inf),
        ([LEVEL], math.inf),
        ([LEVEL, line((0, 0.4), (2, 0.4))], 0.4),
        ([LEVEL, line((0, 0.4), (2, 0.4)), line((0, 0.6), (2, 0.6))], 0.2),
        ([LEVEL, line((2, 0.4), (0, 0.4))], 0.4),
        ([LEVEL, line((0.1, 0.3), (1.9, 0.5))], 0.4),
        ([LEVEL, line((1, -1), (1, 1))], math.inf),
        ([LEVEL, line((1, 0.1), (1, 2))], math.inf),
        ([LEVEL, line((2.2, 0.05), (4, 0.05))], math.inf),
        ([LEVEL, line((1, 0), (2, 0.3))], math.inf),
        ([LEVEL, line((0, 3.5), (2, 3.5))], math.inf),
    ],
    ids=[
        "none", "one", "two", "three", "drawn the other way", "nearly parallel", "crossing", "square to it",
        "one after the other", "branch", "far away",
    ],
)  # fmt: skip
def test_spacing_is_the_typical_distance_of_parallel_neighbours(lines: list[LineString], spacing_m: float) -> None:
    assert crack_spacing_m(lines) == pytest.approx(spacing_m, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(
    angle_deg=st.floats(-180, 180),
    gap_m=st.floats(0.05, 2.5),
    wander=st.lists(st.floats(-0.01, 0.01), min_size=9, max_size=9),
)
def test_spacing_does_not_depend_on_where_cracks_point(angle_deg: float, gap_m: float, wander: list[float]) -> None:
    points = [(0.25 * i, offset) for i, offset in enumerate(wander)]
    lines = [LineString([(x, y + shift) for x, y in points]) for shift in (0.0, gap_m)]
    turned = [shapely.affinity.rotate(one, angle_deg, origin=(0, 0)) for one in lines]
    assert crack_spacing_m(turned) == pytest.approx(gap_m, abs=0.012)
    assert crack_spacing_m(turned[::-1]) == crack_spacing_m(turned)
