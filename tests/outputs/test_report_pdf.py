"""The report for the archive: the same content, on every page who diagnoses, searchable, equal for equal input."""

import dataclasses
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from typer.testing import CliRunner

from tenken.cli import app
from tenken.errors import MissingExtraError, SettingsError
from tenken.inspection import Inspection
from tenken.outputs import japanese_font, report_content, write_crops
from tenken.outputs.japanese_font import FontFace, find_font
from tenken.outputs.pdf_page import ArchivePage
from tenken.outputs.report_pdf import NO_DATE, write_pdf
from tenken.outputs.report_pictures import Background
from tenken.outputs.reviews import Review
from tenken.wording import words

LoadWindow = Callable[[str, int, int, int, int], npt.NDArray[np.uint8]]


@pytest.fixture(scope="module")
def font() -> FontFace:
    try:
        return find_font()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["ja", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reports lie: each is made once."""
    return tmp_path_factory.mktemp("報告 1")


@pytest.fixture
def path(folder: Path, bridge: Inspection, concrete: LoadWindow, lang: str, font: FontFace) -> Path:
    path = folder / f"{lang}.pdf"
    if not path.exists():
        crops = write_crops(folder / "crops", bridge, concrete)
        write_pdf(path, bridge, crops, lang, {"C-0002": Review("confirmed", "現地で確認")}, font)
    return path


def texts(path: Path) -> list[str]:
    """Text of each page, without spaces: where a line breaks does not matter."""
    with pypdfium2.PdfDocument(path) as document:
        return ["".join(page.get_textpage().get_text_range().split()) for page in document]


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_every_page_is_a4_numbered_and_says_who_diagnoses(path: Path, lang: str) -> None:
    with pypdfium2.PdfDocument(path) as document:
        assert {
            (round(width), round(height)) for width, height in map(document.get_page_size, range(len(document)))
        } == {(595, 842)}
    pages = texts(path)
    for number, page in enumerate(pages, start=1):
        assert squeezed(words("ja")("statement")) in page
        assert squeezed(words(lang)("statement")) in page
        assert f"{number}/{len(pages)}" in page


def test_it_holds_what_the_page_holds(path: Path, lang: str) -> None:
    text, shown = words(lang), "".join(texts(path))
    for part in (
        "flight_042 千葉橋 <上り>", "0.32 mm (0.28–0.36 mm)", "0.15–0.34 mm", "c / d", "第1日/橋 上面 003.jpg",
        "ぶれ 3.1 px",
        "303 px × 2.4 px", "途中まで <EOF>", "cd" * 32, "現地で確認", text("review.confirmed"), text("limit.6"),
        text("report.unverified_long"), text("not_assessed.note"), text("clean.note"), text("details.unlocated_note"),
        text("width_status.estimated"), text("card.unseen_in", count=1),
    ):  # fmt: skip
        assert squeezed(part) in shown, part


def test_each_defect_has_its_picture_and_each_part_its_bookmark(path: Path, lang: str) -> None:
    text = words(lang)
    with pypdfium2.PdfDocument(path) as document:
        pictures = [
            len(list(page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=4))) for page in document
        ]
        bookmarks = {one.get_title(): one.get_dest().get_index() for one in document.get_toc()}
    # One at the top, the three of the segment, the one without a place.
    assert sum(pictures) == 5
    parts = ["first", "map", "list", "not_assessed"]
    for title in [*(text(f"report.{part}") for part in parts), "1. 千葉橋 第1径間", text("details.unlocated")]:
        assert [one for one in bookmarks if one.startswith(title)], title
    assert pictures[bookmarks["1. 千葉橋 第1径間"]] >= 2
    assert "C-0001" in texts(path)[bookmarks["1. 千葉橋 第1径間"]]


def test_an_orthomosaic_lies_below_the_map_on_paper_too(
    tmp_path: Path, bridge: Inspection, font: FontFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    footprint = bridge.photos[0].footprint
    assert footprint is not None
    jpeg = io.BytesIO()
    Image.new("RGB", (60, 45), (250, 0, 250)).save(jpeg, "jpeg")
    background = Background(jpeg.getvalue(), *footprint.bounds)
    monkeypatch.setattr(report_content, "map_background", lambda *_: background)
    write_pdf(tmp_path / "report.pdf", bridge, {}, "ja", None, font)
    with pypdfium2.PdfDocument(tmp_path / "report.pdf") as document:
        pixels = np.asarray(document[0].render(scale=1).to_pil().convert("RGB"), dtype=int)
    magenta = (pixels[..., 0] > 200) & (pixels[..., 1] < 120) & (pixels[..., 2] > 150)
    assert magenta.sum() > 1000


def test_its_font_is_inside_and_it_calls_itself_pdf_a(path: Path, lang: str) -> None:
    content = path.read_bytes()
    assert b"/FontFile" in content
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>" in content
    assert f"<rdf:li>{lang}</rdf:li>".encode() in content


def test_equal_input_gives_an_equal_file(tmp_path: Path, bridge: Inspection, font: FontFace) -> None:
    turned = dataclasses.replace(bridge, defects=bridge.defects[::-1], photos=bridge.photos[::-1])
    for name, inspection in (("a.pdf", bridge), ("b.pdf", turned)):
        write_pdf(tmp_path / name, inspection, {}, "ja", None, font)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_a_flight_without_positions_has_a_pdf_without_a_map(
    tmp_path: Path, bridge: Inspection, lang: str, font: FontFace
) -> None:
    unplaced = tuple(one for one in bridge.defects if one.outline_m is None)
    photos = tuple(dataclasses.replace(one, footprint=None, taken_at=None) for one in bridge.photos)
    bare = dataclasses.replace(bridge, crs=None, defects=unplaced, grades={}, findings=(), photos=photos)
    write_pdf(tmp_path / "report.pdf", bare, {}, lang, None, font)
    shown = "".join(texts(tmp_path / "report.pdf"))
    assert squeezed(words(lang)("not_assessed.all")) in shown
    assert "C-0003" in shown
    assert str(NO_DATE.year) not in shown


def test_japanese_breaks_between_characters_but_not_before_a_full_stop(font: FontFace) -> None:
    page = ArchivePage(font, ("一",), "題", "ja", NO_DATE)
    page.add_page()
    lines = page.wrapped("ひびわれの幅は不明。次の区間（橋脚）も未評価。", 10, 10 * 3.6)
    assert len(lines) > 1
    assert "".join(lines) == "ひびわれの幅は不明。次の区間（橋脚）も未評価。"
    assert not [line for line in lines if line[0] in "。、）" or line.endswith("（")]
    assert page.wrapped("crack width unknown", 10, 25) == ["crack width", "unknown"]
    assert "".join(page.wrapped("ab" * 32, 10, 25)) == "ab" * 32


def test_a_sign_that_the_font_lacks_is_shown_as_missing_and_not_left_out(tmp_path: Path, font: FontFace) -> None:
    page = ArchivePage(font, ("一",), "題", "ja", NO_DATE)
    page.add_page()
    page.text_block("橋\U0001f309 ≤ 1")
    page.output(str(tmp_path / "signs.pdf"))
    [shown] = texts(tmp_path / "signs.pdf")
    assert "橋〓" in shown or "橋?" in shown
    assert "≤1" in shown or "≦1" in shown


def test_without_a_japanese_font_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(japanese_font, "font_folders", lambda: (tmp_path,))
    with pytest.raises(MissingExtraError, match=r"no Japanese font.*--font"):
        find_font()


def test_a_font_of_this_machine_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, font: FontFace
) -> None:
    (tmp_path / "deep").mkdir()
    there = tmp_path / "deep" / "ipaexg.ttf"
    one_face(font, there)
    (tmp_path / "aaa.ttf").write_bytes(there.read_bytes())
    monkeypatch.setattr(japanese_font, "font_folders", lambda: (tmp_path,))
    assert find_font() == FontFace(there, 0)


def one_face(font: FontFace, path: Path, **changes: int) -> None:
    """Write a small font from a face, with Japanese characters."""
    with TTFont(font.path, fontNumber=font.number) as whole:
        for name, value in changes.items():
            setattr(whole["OS/2"], name, value)
        whole.save(path)


def test_a_font_that_may_not_be_embedded_is_not(tmp_path: Path, font: FontFace) -> None:
    one_face(font, tmp_path / "locked.ttf", fsType=2)
    with pytest.raises(SettingsError, match=r"locked\.ttf: not a font that can write Japanese and may be embedded"):
        find_font(tmp_path / "locked.ttf")


def test_wrong_fonts_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.ttf: no such file"):
        find_font(tmp_path / "none.ttf")
    (tmp_path / "text.ttf").write_text("no font")
    with pytest.raises(SettingsError, match=r"text\.ttf: not a font"):
        find_font(tmp_path / "text.ttf")


def test_the_command_asks_for_what_the_pdf_needs_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = CliRunner().invoke(app, ["report", str(tmp_path), "--font", "x.ttf"])
    assert result.exit_code == 2
    assert "add --pdf" in result.output
    monkeypatch.setattr(japanese_font, "font_folders", lambda: (tmp_path,))
    result = CliRunner().invoke(app, ["report", str(tmp_path), "--pdf"])
    assert result.exit_code == 6
    assert result.output.count("\n") == 1
    monkeypatch.setitem(sys.modules, "fpdf", None)
    result = CliRunner().invoke(app, ["report", str(tmp_path), "--pdf"])
    assert result.exit_code == 6
    assert 'pip install "tenken[pdf]"' in result.output
