"""With a detector that is right in every tile, the whole pipeline gives the truth back: once, in place, in size."""

from pathlib import Path

import pytest

from conftest import DemoFlight
from tenken import Inspection, Settings, inspect_flight
from tenken_demo.oracle import OracleDetector
from tenken_demo.scoring import DefectScore, DemoScore, score_demo


@pytest.fixture(scope="module")
def inspection(demo: DemoFlight, tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    """The demo flight inspected with the oracle."""
    settings = Settings(assets=demo.assets, surface=demo.surface)
    out = tmp_path_factory.mktemp("out")
    return inspect_flight(demo.images, out, settings, detector=OracleDetector(demo.truth, demo.images))


@pytest.fixture(scope="module")
def score(demo: DemoFlight, inspection: Inspection) -> DemoScore:
    return score_demo(demo.truth, inspection.defects)


def visible(score: DemoScore) -> list[DefectScore]:
    """Those that one photo shows whole."""
    return [one for one in score.defects if max(s.visible_fraction for s in one.defect.sightings) > 0.99]


def test_every_defect_is_found_once_and_nothing_else(score: DemoScore) -> None:
    assert {one.defect.id: len(one.records) for one in score.defects} == dict.fromkeys(
        (one.defect.id for one in score.defects), 1
    )
    assert score.false_alarms == ()


def test_every_large_enough_defect_lies_in_its_place(score: DemoScore) -> None:
    demanded = [one for one in score.defects if one.required]
    assert len(demanded) >= 7
    assert [one.defect.id for one in demanded if not one.in_place] == []


def test_lengths_are_true(score: DemoScore) -> None:
    cracks = [one for one in visible(score) if one.defect.kind == "crack"]
    assert len(cracks) >= 7
    for one in cracks:
        # Thin cracks taper off below a pixel at their ends.
        assert one.records[0].length_m == pytest.approx(one.defect.length_m, rel=0.04), one.defect.id


def test_a_crack_through_all_photos_is_one_line(score: DemoScore) -> None:
    (long,) = [one for one in score.defects if one.defect.id == "C01"]
    assert {s.photo for s in long.records[0].sightings} == {s.photo for s in long.defect.sightings}
    assert long.records[0].length_m == pytest.approx(long.defect.length_m, rel=0.02)


def test_rust_areas_are_true(score: DemoScore) -> None:
    patches = [one for one in visible(score) if one.defect.kind == "corrosion" and one.required]
    assert len(patches) >= 4
    for one in patches:
        assert one.records[0].area_m2 == pytest.approx(one.defect.area_m2, rel=0.1), one.defect.id


def test_width_intervals_hold_the_truth_and_hairlines_get_no_number(score: DemoScore) -> None:
    for one in score.defects:
        record = one.records[0]
        if one.defect.kind != "crack" or record.width_low_mm is None or record.width_high_mm is None:
            continue
        # The map cracking and the branched cracks have several widths; their median must lie inside. A photo that shows
        # a part of a crack shows that part's width.
        assert one.defect.width_median_mm is not None
        assert record.gsd_mm is not None
        parts = {s.photo: s.width_px * record.gsd_mm for s in one.defect.sightings if s.width_px is not None}
        true_mm = parts.get(record.sightings[0].photo, one.defect.width_median_mm)
        assert record.width_low_mm - 0.2 <= true_mm <= record.width_high_mm + 0.2, one.defect.id
        if one.best_px < 1.5:
            assert record.width_mm is None
            assert record.width_status != "measured"


def test_no_photo_counts_against_a_defect_that_it_shows(score: DemoScore) -> None:
    for one in score.defects:
        assert not {s.photo for s in one.defect.sightings if s.visible_fraction > 0.5} & set(one.records[0].unseen_in)


def test_what_was_not_seen_is_not_called_sound(inspection: Inspection) -> None:
    unseen = [finding for finding in inspection.findings if not finding.assessed]
    assert unseen
    for finding in unseen:
        assert finding.rank is None
        assert finding.grade is None


def test_ranks_count_from_one(inspection: Inspection) -> None:
    ranks = [finding.rank for finding in inspection.findings if finding.rank is not None]
    assert ranks == list(range(1, len(ranks) + 1))


def test_without_a_surface_model_the_deck_still_fits(demo: DemoFlight, tmp_path: Path) -> None:
    found = inspect_flight(demo.images, tmp_path, Settings(), detector=OracleDetector(demo.truth, demo.images))
    on_deck = [one for one in score_demo(demo.truth, found.defects).defects if one.defect.surface == "deck"]
    assert [one.defect.id for one in on_deck if len(one.records) != 1] == []
