"""The report as a person uses it, in a real Chromium: offline, by mouse, by keyboard, on paper."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest

from tenken.inspection import Inspection
from tenken.outputs import write_crops, write_report
from tenken.outputs.reviews import Review
from tenken.wording import words

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
LoadWindow = Callable[[str, int, int, int, int], npt.NDArray[np.uint8]]
A4_PT = (595, 842)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One browser for all tests."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: apt install chromium")
    with playwright.sync_playwright() as running:
        # In containers the sandbox is not to be had; the page is our own.
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Opened:
    """An open report and everything that it asked for or complained about."""

    page: "Page"
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def shown(self) -> set[str]:
        """Ids of the defects whose cards are shown."""
        return set(self.page.eval_on_selector_all(".card:not([hidden])", "all => all.map(one => one.id.slice(2))"))

    @property
    def marked(self) -> set[str]:
        """Ids of the defects that the map shows."""
        return set(self.page.eval_on_selector_all("#mapview a:not(.off)", "all => all.map(one => one.dataset.id)"))

    @property
    def focused(self) -> str:
        """Id of what the keyboard acts on; of a mark on the map its defect's id."""
        return str(self.page.evaluate("document.activeElement.dataset.id || document.activeElement.id"))

    def wait_for(self, condition: str) -> None:
        """Wait some frames until something is true; the page's policy forbids Playwright's own way, which evaluates."""
        self.page.evaluate(
            f"""new Promise((done, fail) => {{
              let frames = 300;
              const look = () => ({condition}) ? done() : frames-- ? requestAnimationFrame(look) : fail("never true");
              look();
            }})"""
        )

    def seen(self, selector: str) -> bool:
        """Whether an element stands in the window."""
        return bool(
            self.page.eval_on_selector(
                selector,
                "one => { const at = one.getBoundingClientRect(); return at.top < innerHeight && at.bottom > 0 }",
            )
        )


@pytest.fixture
def lang() -> str:
    """Japanese, except where a test asks for both languages."""
    return "ja"


both_languages = pytest.mark.parametrize("lang", ["ja", "en"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reports lie: nobody writes to them, so that each is made once."""
    return tmp_path_factory.mktemp("報告 1")


@pytest.fixture
def report(folder: Path, bridge: Inspection, concrete: LoadWindow, lang: str) -> Path:
    path = folder / lang / "report.html"
    if path.exists():
        return path
    path.parent.mkdir()
    crops = write_crops(path.parent / "crops", bridge, concrete)
    write_report(path, bridge, crops, lang, {"C-0002": Review("confirmed", "現地で確認")})
    return path


@pytest.fixture
def opened(browser: "Browser", report: Path) -> Iterator[Opened]:
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    opened = Opened(page)
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("console", lambda message: opened.complaints.append(message.text))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.goto(report.as_uri())
    yield opened
    page.close()
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("data:", report.as_uri()))] == []


def middle_of(opened: Opened, selector: str) -> tuple[float, float]:
    box = opened.page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@both_languages
def test_it_opens_from_a_file_without_any_request_and_every_picture_is_drawn(opened: Opened, lang: str) -> None:
    assert opened.page.title().startswith(words(lang)("report.title"))
    assert opened.page.evaluate("document.documentElement.lang") == lang
    opened.page.evaluate("for (const one of document.images) one.loading = 'eager'")
    sizes = opened.page.evaluate(
        "Promise.all([...document.images].map(one => one.decode().then(() => one.naturalWidth)))"
    )
    assert len(sizes) == 5
    assert min(sizes) > 100


def test_first_part_reason_and_photo_are_at_hand_without_a_click(opened: Opened) -> None:
    assert opened.seen("#first .picture")
    opened.page.click("#first article a[href='#d-C-0001']")
    opened.wait_for("document.activeElement.id === 'd-C-0001'")
    assert opened.seen("#d-C-0001 .picture img")


def test_a_defect_on_the_map_leads_to_its_picture_and_back(opened: Opened) -> None:
    opened.page.locator("#mapview").scroll_into_view_if_needed()
    x, y = middle_of(opened, "#mapview a[data-id=R-0001] .dot")
    opened.page.mouse.click(x + 5, y)
    opened.wait_for("document.activeElement.id === 'd-R-0001'")
    assert opened.page.url.endswith("#d-R-0001")
    assert opened.seen("#d-R-0001 .picture")
    opened.page.click("#d-R-0001 [data-show]")
    opened.wait_for("document.activeElement.dataset.id === 'R-0001'")
    assert opened.seen("#mapview")
    opened.page.keyboard.press("Enter")
    opened.wait_for("document.activeElement.id === 'd-R-0001'")


@both_languages
def test_filters_act_on_cards_map_counts_and_address(opened: Opened) -> None:
    page = opened.page
    everything = {"C-0001", "C-0002", "C-0003", "R-0001"}
    assert opened.shown == everything
    assert opened.marked == everything - {"C-0003"}
    page.check("#filters [name=kind][value=crack]")
    assert opened.shown == everything - {"R-0001"}
    assert opened.marked == {"C-0001", "C-0002"}
    # Counts say what a choice would give: of grade d there are two cracks, and rust stays on offer.
    assert page.locator("[data-count='grade:d']").first.text_content() == "2"
    assert page.locator("[data-count='kind:corrosion']").text_content() == "1"
    page.select_option("#filters [name=width]", "estimated")
    assert opened.shown == {"C-0002"}
    assert page.locator("#shown").text_content() in ("1 / 4 件", "1 of 4")
    assert page.url.split("#")[1] == "show?kind=crack&width=estimated"
    page.click("#filters [type=reset]")
    opened.wait_for("document.querySelectorAll('.card[hidden]').length === 0")
    page.select_option("#filters [name=review]", "confirmed")
    assert opened.shown == {"C-0002"}
    page.select_option("#filters [name=review]", "")
    page.select_option("#filters [name=segment]", "-")
    assert opened.shown == {"C-0003"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("show?kind=corrosion", {"R-0001"}),
        ("show?grade=d&score=0.5", {"C-0001", "C-0002"}),
        ("show?text=C-0003", {"C-0003"}),
        ("show?kind=spalling", {"C-0001", "C-0002", "C-0003", "R-0001"}),
    ],
)
def test_a_shared_address_shows_the_same_selection(opened: Opened, report: Path, address: str, shown: set[str]) -> None:
    opened.page.goto("about:blank")
    opened.page.goto(f"{report.as_uri()}#{address}")
    assert opened.shown == shown


def test_an_address_of_a_hidden_defect_shows_it(opened: Opened) -> None:
    opened.page.check("#filters [name=kind][value=corrosion]")
    opened.page.evaluate("location.hash = 'd-C-0002'")
    opened.wait_for("document.activeElement.id === 'd-C-0002'")
    assert "C-0002" in opened.shown


def test_everything_can_be_reached_by_keyboard_with_the_focus_visible(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert opened.focused == "first"
    page.locator("#mapview").focus()
    page.keyboard.press("n")
    assert opened.focused == "C-0001"
    page.keyboard.press("n")
    page.keyboard.press("n")
    assert opened.focused == "R-0001"
    page.keyboard.press("p")
    assert opened.focused == "C-0002"
    assert "C-0002" in (page.locator("#maptip").text_content() or "")
    before = page.get_attribute("#mapview", "viewBox")
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#mapview", "viewBox") != before
    page.keyboard.press("0")
    assert page.get_attribute("#mapview", "viewBox") == before
    page.locator("#d-C-0001 .picture").focus()
    page.keyboard.press("Enter")
    assert page.locator("#enlarged").is_visible()
    page.keyboard.press("ArrowRight")
    assert "C-0002" in (page.locator("#enlarged-what").text_content() or "")
    page.keyboard.press("Escape")
    assert not page.locator("#enlarged").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@both_languages
def test_every_control_has_a_name(opened: Opened) -> None:
    nameless = opened.page.eval_on_selector_all(
        "button, a[href]:not(#mapview a), input, select, img",
        "all => all.filter(one => !(one.textContent.trim() || one.getAttribute('aria-label') || one.alt"
        " || one.labels?.length)).map(one => one.outerHTML)",
    )
    assert nameless == []
    landmarks = opened.page.eval_on_selector_all("main, nav, header.top, footer, [role=search]", "all => all.length")
    assert landmarks == 5


def test_the_map_moves_by_wheel_and_drag_only_when_it_is_meant(opened: Opened) -> None:
    page = opened.page
    page.locator("#mapview").scroll_into_view_if_needed()
    whole = page.get_attribute("#mapview", "viewBox")
    x, y = middle_of(opened, "#mapview")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    assert page.get_attribute("#mapview", "viewBox") == whole
    page.locator("#mapview").focus()
    page.mouse.wheel(0, -200)
    opened.wait_for(f"document.getElementById('mapview').getAttribute('viewBox') !== '{whole}'")
    near = page.get_attribute("#mapview", "viewBox")
    page.mouse.down()
    page.mouse.move(x + 60, y + 30, steps=3)
    page.mouse.up()
    assert page.get_attribute("#mapview", "viewBox") != near
    assert "#d-" not in page.url


def test_two_fingers_enlarge_the_map_and_one_still_scrolls_the_page(browser: "Browser", report: Path) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True)
    page = context.new_page()
    page.goto(report.as_uri())
    page.locator("#mapview").scroll_into_view_if_needed()
    box = page.locator("#mapview").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *apart_px: float) -> None:
        points = [{"x": x + away, "y": y, "id": number} for number, away in enumerate(apart_px)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    whole = width_m(page)
    fingers("touchStart", -30, 30)
    for away in (40, 60, 80, 90):
        fingers("touchMove", -away, away)
    fingers("touchEnd")
    assert width_m(page) == pytest.approx(whole / 3, rel=0.15)
    assert page.evaluate("getComputedStyle(document.getElementById('mapview')).touchAction") == "pan-y"
    context.close()


def width_m(page: "Page") -> float:
    """Width of what the map shows."""
    return float((page.get_attribute("#mapview", "viewBox") or "").split()[2])


@pytest.mark.parametrize(("scheme", "darkest"), [("light", 200), ("dark", 0)])
def test_a_telephone_needs_no_sideways_scrolling_in_light_and_dark(
    opened: Opened, report: Path, browser: "Browser", scheme: Any, darkest: int
) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 700}, color_scheme=scheme, has_touch=True)
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    for behind in ("body", ".card .picture"):
        colour = page.evaluate(f"getComputedStyle(document.querySelector('{behind}')).backgroundColor")
        red = int(colour.removeprefix("rgb(").split(",")[0])
        assert darkest <= red <= darkest + 60, behind
    page.close()


@both_languages
def test_it_prints_on_a4_a_page_for_each_segment_with_the_sentence_on_every_page(
    tmp_path: Path, opened: Opened, lang: str
) -> None:
    opened.page.pdf(path=tmp_path / "print.pdf", prefer_css_page_size=True, print_background=True)
    with pypdfium2.PdfDocument(tmp_path / "print.pdf") as document:
        pages = [page.get_textpage().get_text_range() for page in document]
        sizes = {tuple(map(round, document.get_page_size(number))) for number in range(len(document))}
    assert sizes == {A4_PT}
    text = words(lang)
    for page in pages:
        assert squeezed(words("ja")("statement")) in squeezed(page)
        assert squeezed(text("statement")) in squeezed(page)
    segment = [number for number, page in enumerate(pages) if "C-0001" in page and squeezed("s1") in page]
    note = squeezed(text("details.unlocated_note"))
    unplaced = [number for number, page in enumerate(pages) if note in squeezed(page)]
    assert segment
    assert unplaced
    assert set(segment).isdisjoint(unplaced)
    # What is folded on the screen is unfolded on paper.
    assert "ab" * 16 in squeezed("".join(pages))
    assert len(pages) <= 6


def squeezed(text: str) -> str:
    """Text without spaces: where a line breaks does not matter."""
    return "".join(text.split())
