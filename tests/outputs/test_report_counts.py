"""What the report counts, and says once: candidates that a person rejected, photos, reasons."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tenken.inspection import Inspection
from tenken.notes import Note
from tenken.outputs import write_report
from tenken.outputs.report_content import report_content
from tenken.outputs.reviews import Review


def test_rejected_candidates_are_counted_nowhere_and_still_shown(tmp_path: Path, bridge: Inspection) -> None:
    before = report_content(bridge, {}, tmp_path, "en")
    reviews = {"C-0001": Review("rejected", None), "R-0001": Review("changed", None, "ひびわれ")}
    after = report_content(bridge, {}, tmp_path, "en", reviews)
    assert int(after.headlines[0].value) == int(before.headlines[0].value) - 1
    assert after.headlines[0].detail == "crack 3 · 1 rejected, not counted"
    assert (before.found[0].counted, after.found[0].counted) == (3, 2)
    assert len(after.cards) == len(before.cards)


def test_a_segment_with_nothing_but_rejected_candidates_is_not_on_the_repair_list(
    tmp_path: Path, bridge: Inspection
) -> None:
    reviews = {identity: Review("rejected", "影") for identity in ("C-0001", "C-0002", "R-0001")}
    content = report_content(bridge, {}, tmp_path, "ja", reviews)
    assert content.found == ()
    assert "s1" in {one.segment_id for one in content.clean}
    assert {card.id for one in content.detailed for card in one.cards} == set(reviews)


def test_a_photo_that_shows_a_defect_in_pieces_is_listed_once(tmp_path: Path, bridge: Inspection) -> None:
    crack = bridge.defects[0]
    best = crack.sightings[0]
    pieces = (*crack.sightings, replace(best, sighting_id="piece 2"), replace(best, sighting_id="piece 3"))
    inspection = replace(bridge, defects=(replace(crack, sightings=pieces), *bridge.defects[1:]))
    card = next(one for one in report_content(inspection, {}, tmp_path, "en").cards if one.id == crack.id)
    photos = [one.photo for one in card.sightings]
    assert len(photos) == len(set(photos)) == card.photos
    shown = next(one for one in card.sightings if one.photo == best.photo)
    assert shown.figures.endswith(" · 2 more pieces in this photo")


def test_a_reason_that_leads_a_segment_is_not_said_again_below_it(tmp_path: Path, bridge: Inspection) -> None:
    worst = bridge.grades["C-0001"].reason
    first = replace(
        bridge.findings[0], grade=None, grade_candidates=(), reasons=(f"最も重い候補 C-0001（ひびわれ）：{worst}",)
    )
    write_report(tmp_path / "r.html", replace(bridge, findings=(first, *bridge.findings[1:])), {}, "ja")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    opening = re.search(r'<section id="first".*?</section>', page, re.DOTALL)
    assert opening is not None
    assert opening[0].count(worst) == 1


@pytest.mark.parametrize(
    ("lang", "reason"), [("ja", "不鮮明（0.70、上限 0.60）"), ("en", "blurred (0.70, at most 0.60)")]
)
def test_what_is_said_of_a_photo_follows_the_reports_language(
    tmp_path: Path, bridge: Inspection, lang: str, reason: str
) -> None:
    photo = replace(bridge.photos[0], usable=False, reason=Note.of("note.blurred", blur="0.70", limit="0.60"))
    content = report_content(replace(bridge, photos=(photo, *bridge.photos[1:])), {}, tmp_path, lang)
    assert reason in [one.reason for one in content.photos]
