"""The report: complete, offline, honest about what was not seen, and well-formed for browsers and readers."""

import base64
import dataclasses
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_bounds

from tenken.inspection import Inspection
from tenken.outputs import report_pictures, write_crops, write_report
from tenken.outputs.report_pictures import embedded_pictures, linked_originals, map_background
from tenken.outputs.reviews import Review
from tenken.wording import words

LoadWindow = Callable[[str, int, int, int, int], npt.NDArray[np.uint8]]
VOID = {"meta", "img", "input", "br", "path", "link", "hr"}


class Page(HTMLParser):
    """The page's elements, texts, and whether its tags nest."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.misnested: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)
            if self.open[-1] not in ("style", "script"):
                self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


@pytest.fixture(params=["ja", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(tmp_path: Path, bridge: Inspection, concrete: LoadWindow, lang: str) -> Page:
    crops = write_crops(tmp_path / "crops", bridge, concrete)
    write_report(tmp_path / "report.html", bridge, crops, lang)
    return Page((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_tags_nest_ids_are_unique_and_links_lead_somewhere(page: Page) -> None:
    assert page.misnested == []
    assert page.open == []
    ids = Counter(page.values("id"))
    assert [one for one, count in ids.items() if count > 1] == []
    targets = [href[1:] for href in page.values("href") if href.startswith("#")]
    named = [one for value in page.values("aria-labelledby") + page.values("aria-describedby") for one in value.split()]
    assert len(targets) > 10
    assert set(targets + named) <= set(ids)


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    assert all(one.startswith("data:image/jpeg;base64,") for one in page.values("src"))
    assert all(one.startswith("#") for one in page.values("href"))
    assert re.findall(r"https?:|@import|url\((?!#)|fetch\(|XMLHttp|WebSocket", page.source) == []


def test_the_security_policy_allows_this_style_and_script_only(page: Page) -> None:
    (policy,) = (one["content"] for _, one in page.elements if one.get("http-equiv"))
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        digest = hashlib.sha256("".join(page.texts[tag]).encode("utf-8")).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode('ascii')}'" in policy
    # The policy would silently drop these.
    assert page.values("style") == []
    assert [name for _, one in page.elements for name in one if name.startswith("on")] == []


def test_every_page_says_who_diagnoses(page: Page, lang: str) -> None:
    statement = words(lang)("statement")
    foot = re.findall(r'@bottom-left { content: "([^"]+)"', "".join(page.texts["style"]))
    assert foot == [statement if lang == "ja" else rf"{words('ja')('statement')} \A {statement}"]
    official = words("ja")("statement")
    chapters = [one for _, one in page.elements if one.get("class") == "segment" or one.get("id") == "photos"]
    assert page.text.count(statement) >= len(chapters) + 2
    assert page.text.count(official) >= len(chapters) + 2


def test_every_defect_has_a_card_with_its_picture(page: Page, bridge: Inspection) -> None:
    cards = {one["id"] for tag, one in page.elements if tag == "article" and one.get("class") == "card"}
    assert cards == {f"d-{defect.id}" for defect in bridge.defects}
    pictures = [one["data-picture"] for tag, one in page.elements if tag == "button" and "data-picture" in one]
    # The severest of the first segments stands at the top as well.
    assert Counter(pictures) == Counter([*(defect.id for defect in bridge.defects), "C-0001"])
    assert len(page.values("src")) == len(pictures)


def test_the_map_shows_what_has_a_place_and_only_that(page: Page) -> None:
    assert {one["data-id"] for tag, one in page.elements if tag == "a" and "data-id" in one} == {
        "C-0001", "C-0002", "R-0001",
    }  # fmt: skip
    assert [one["data-show"] for _, one in page.elements if "data-show" in one] == [
        "C-0001",
        "C-0002",
        "R-0001",
    ]


def test_what_was_not_seen_is_listed_as_not_assessed(page: Page, lang: str) -> None:
    text = words(lang)
    after = page.text.split(text("not_assessed.note"))[1].split(text("details.unlocated"))[0]
    assert "千葉橋 第3径間" in after
    assert "どの写真にも写っていない" in after


def test_what_was_seen_without_a_candidate_stands_apart_and_is_not_called_sound(page: Page, lang: str) -> None:
    text = words(lang)
    clean = page.text.split(text("clean.note"))[1].split(text("report.not_assessed"))[0]
    assert f"=HYPERLINK(第2径間) {text('coverage.seen')} 60 %" in clean
    assert "千葉橋 第1径間" not in clean


def test_a_defect_without_place_stands_under_its_photo_in_pixels(page: Page, lang: str) -> None:
    below = page.text.split(words(lang)("details.unlocated_note"))[1]
    assert below.index("位置なし.jpg") < below.index("C-0003") < below.index("303 px × 2.4 px")


def test_widths_carry_their_interval_and_say_how_they_were_had(page: Page, lang: str) -> None:
    for shown in ("0.32 mm (0.28–0.36 mm)", "0.15–0.34 mm", "b / c / d", "± 1.2 m"):
        assert shown in page.text
    for status in ("measured", "estimated", "no_scale"):
        assert words(lang)(f"width_status.{status}") in page.text


def test_rust_shows_its_condition_state_with_its_score_and_says_that_this_is_no_grade(page: Page, lang: str) -> None:
    shown = {
        "ja": "重度 0.74 (軽度 6 % · 中度 20 % · 重度 74 %)",
        "en": "severe 0.74 (fair 6 % · poor 20 % · severe 74 %)",
    }
    label = words(lang)("figure.condition_state")
    assert label in ("腐食の状態（損傷程度ではない）", "condition state (no grade)")
    assert page.text.count(label) == 1
    assert shown[lang] in page.text.split(label)[1][:80]


def test_located_defects_have_latitude_and_longitude(page: Page, bridge: Inspection, lang: str) -> None:
    label = words(lang)("figure.degrees")
    shown = [one.strip() for one in page.texts["dd"] if re.fullmatch(r"\d+\.\d{6}, \d+\.\d{6}", one.strip())]
    located = [one.outline_m.representative_point() for one in bridge.defects if one.outline_m is not None]
    assert len(shown) == page.text.count(label) == len(located) < len(bridge.defects)
    # Plane rectangular coordinates, zone IX: origin 36 N, 139 deg 50 min E; a degree of latitude has 110.98 km.
    for text, place in zip(sorted(shown), sorted(located, key=lambda one: (round(one.y, 1), one.x)), strict=True):
        lat_deg, lon_deg = map(float, text.split(", "))
        assert lat_deg == pytest.approx(36 + place.y / 110_980, abs=2e-3)
        assert lon_deg == pytest.approx(139 + 50 / 60 + place.x / 90_300, abs=2e-3)


def test_the_repair_list_says_how_ties_are_broken(page: Page, lang: str) -> None:
    told = {
        "ja": "優先度が同じ区間は、最大ひびわれ幅の大きい順",
        "en": "Of equal priority, the segment with the widest crack",
    }
    assert told[lang] in page.text


def test_photos_that_show_the_place_without_the_defect_are_named(page: Page, lang: str) -> None:
    heading = words(lang)("card.unseen_in", count=1)
    assert page.text.split(heading)[1].split()[0:2] == ["第1日/橋", "上面"]


def test_skipped_files_and_provenance_are_there(page: Page, lang: str) -> None:
    for shown in (
        "メモ.txt",
        "途中まで <EOF>",
        "ぶれ 3.1 px",
        "cd" * 32,
        "first-crack-corrosion",
        "tenken 0.1.0",
    ):
        assert shown in page.text
    assert words(lang)("report.unverified_long") in page.text
    assert words(lang)("limit.1") in page.text


def test_names_are_text_and_never_markup(page: Page) -> None:
    assert "<上り>" in page.text
    assert "<上り>" not in page.source
    assert "<EOF>" not in page.source


def test_no_soundness_is_claimed(page: Page) -> None:
    for claim in ("健全である", "損傷なし", "異常なし", "no defects", "No defects", "is sound", "are sound"):
        assert claim not in page.text


def test_a_flight_without_positions_has_a_report_without_a_map(tmp_path: Path, bridge: Inspection, lang: str) -> None:
    unplaced = tuple(one for one in bridge.defects if one.outline_m is None)
    photos = tuple(dataclasses.replace(one, footprint=None) for one in bridge.photos)
    bare = dataclasses.replace(bridge, crs=None, defects=unplaced, grades={}, findings=(), photos=photos)
    write_report(tmp_path / "report.html", bare, {}, lang)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert words(lang)("map.none") in page.text
    assert "svg" not in {tag for tag, _ in page.elements}
    assert "d-C-0003" in page.values("id")


def test_an_inspection_that_found_nothing_says_that_this_is_no_proof(
    tmp_path: Path, bridge: Inspection, lang: str
) -> None:
    write_report(tmp_path / "r.html", dataclasses.replace(bridge, defects=(), grades={}), {}, lang)
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.misnested == []
    assert words(lang)("details.none") in page.text


def test_pictures_beyond_the_limit_are_named_instead(
    tmp_path: Path, bridge: Inspection, concrete: LoadWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = write_crops(tmp_path / "crops", bridge, concrete)
    first = (tmp_path / crops["C-0001"]).stat().st_size
    monkeypatch.setattr(report_pictures, "EMBEDDED_BYTES", int(first * report_pictures.DATA_URI_OVERHEAD) + 10)
    write_report(tmp_path / "report.html", bridge, crops, "en")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len(set(page.values("src"))) == 1
    assert [one for one in page.values("href") if not one.startswith("#")] == [
        "crops/C-0002.jpg", "crops/R-0001.jpg", "crops/C-0003.jpg",
    ]  # fmt: skip
    assert words("en")("card.some_not_embedded", count=1, total=4) in page.text


def test_equal_input_gives_an_equal_report(tmp_path: Path, bridge: Inspection) -> None:
    turned = dataclasses.replace(bridge, defects=bridge.defects[::-1], photos=bridge.photos[::-1])
    for name, inspection in (("a.html", bridge), ("b.html", turned)):
        write_report(tmp_path / name, inspection, {}, "ja")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_it_opens_with_the_first_segment_its_reason_and_its_picture(page: Page, lang: str) -> None:
    text = words(lang)
    opening = page.text.split(text("report.first"))[2].split(text("map.help"))[0]
    lead = f"{text.kind('crack')} · 2.93 m · 0.32 mm (0.28–0.36 mm)"
    assert opening.index("千葉橋 第1径間") < opening.index("最大幅 0.32 mm") < opening.index(lead)
    order = [one.get("id") for tag, one in page.elements if tag == "section" and "id" in one]
    assert order[:3] == ["first", "map", "list"]


def test_defects_named_in_a_reason_are_links_to_their_record(tmp_path: Path, bridge: Inspection) -> None:
    reason = "最も重い候補 C-0001（ひびわれ）、X-0001 は別の橋"
    findings = tuple(dataclasses.replace(one, reasons=(reason,)) if one.defect_ids else one for one in bridge.findings)
    write_report(tmp_path / "r.html", dataclasses.replace(bridge, findings=findings), {}, "ja")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert '最も重い候補 <a href="#d-C-0001">C-0001</a>（ひびわれ）、X-0001 は別の橋' in html


def test_what_people_entered_stands_on_the_card(tmp_path: Path, bridge: Inspection, lang: str) -> None:
    reviews = {"R-0001": Review("rejected", "汚れ <確認済>")}
    write_report(tmp_path / "r.html", bridge, {}, lang, reviews)
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    card = page.text.split(f"{words(lang).kind('corrosion')} R-0001")[1]
    assert words(lang)("review.rejected") in card
    assert "汚れ <確認済>" in card
    by_id = {one["id"]: one["data-review"] for tag, one in page.elements if tag == "article" and "data-review" in one}
    assert by_id == {"d-C-0001": "-", "d-C-0002": "-", "d-C-0003": "-", "d-R-0001": "rejected"}


def test_what_a_person_rejected_comes_last_in_its_segment_and_another_kind_is_named(
    tmp_path: Path, bridge: Inspection, lang: str
) -> None:
    write_report(tmp_path / "plain.html", bridge, {}, lang)
    before = _cards_in(tmp_path / "plain.html")
    reviews = {before[0]: Review("rejected", None), before[1]: Review("changed", None, "遊離石灰")}
    write_report(tmp_path / "r.html", bridge, {}, lang, reviews)
    after = _cards_in(tmp_path / "r.html")
    assert after != before
    assert sorted(after) == sorted(before)
    assert after.index(before[0]) > after.index(before[1])
    text = words(lang)
    assert f"{text('review.changed')}: {text.kind('efflorescence')}" in (tmp_path / "r.html").read_text(
        encoding="utf-8"
    )


def _cards_in(path: Path) -> list[str]:
    page = Page(path.read_text(encoding="utf-8"))
    return [one["id"].removeprefix("d-") for tag, one in page.elements if tag == "article" and "data-review" in one]


def test_the_severest_of_each_segment_is_embedded_before_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = {}
    for name in ("a1", "a2", "b1"):
        crops[name] = f"{name}.jpg"
        Image.new("RGB", (40, 30)).save(tmp_path / crops[name])
    size = (tmp_path / "a1.jpg").stat().st_size
    monkeypatch.setattr(report_pictures, "EMBEDDED_BYTES", int(2.5 * size * report_pictures.DATA_URI_OVERHEAD))
    found = embedded_pictures([["a1", "a2"], ["b1"]], crops, tmp_path)
    assert list(found) == ["a1", "b1"]
    assert (found["a1"].width_px, found["a1"].height_px) == (40, 30)


@pytest.mark.parametrize(
    ("photos_in", "link"),
    [
        ("flight/images", "../flight/images/%E6%A9%8B%201.jpg"),
        ("flight.inspection", "../flight.inspection/%E6%A9%8B%201.jpg"),
        ("../card", "../../card/%E6%A9%8B%201.jpg"),
        ("../../elsewhere", None),
    ],
)
def test_originals_are_linked_where_they_lie_near(
    tmp_path: Path, bridge: Inspection, photos_in: str, link: str | None
) -> None:
    home = tmp_path / "a/b"
    path = (home / photos_in / "橋 1.jpg").resolve()
    photo = dataclasses.replace(bridge.photos[0], photo="橋 1.jpg", path=path)
    assert linked_originals([photo], home / "flight.inspection").get("橋 1.jpg") == link


def test_an_orthomosaic_lies_below_its_map(tmp_path: Path, bridge: Inspection) -> None:
    assert map_background(bridge.photos, bridge.crs) is None
    footprint = bridge.photos[0].footprint
    assert footprint is not None
    left, bottom, right, top = footprint.bounds
    path = tmp_path / "ortho.tif"
    bands = np.zeros((3, 90, 120), np.uint8)
    bands[0, :, 60:] = 250  # the eastern half is red
    profile = {"driver": "GTiff", "width": 120, "height": 90, "count": 3, "dtype": "uint8", "crs": bridge.crs}
    with rasterio.open(path, "w", **profile, transform=from_bounds(left, bottom, right, top, 120, 90)) as dataset:
        dataset.write(bands)
    whole = dataclasses.replace(bridge.photos[0], path=path, pose_source="orthomosaic transform")
    background = map_background((whole,), bridge.crs)
    assert background is not None
    assert (background.left_m, background.top_m) == (left, top)
    with Image.open(io.BytesIO(background.jpeg)) as picture:
        pixels = np.asarray(picture, dtype=int)
    assert pixels[:, -1, 0].min() > 200 > 50 > pixels[:, 0, 0].max()
    write_report(tmp_path / "r.html", dataclasses.replace(bridge, photos=(whole,)), {}, "en")
    (image,) = (one for tag, one in Page((tmp_path / "r.html").read_text(encoding="utf-8")).elements if tag == "image")
    assert image["href"].startswith("data:image/jpeg;base64,")
    path.unlink()
    assert map_background((whole,), bridge.crs) is None
