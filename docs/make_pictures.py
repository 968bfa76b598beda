"""Make the documentation's pictures again, from the results of ``inspect demo``: what they show is what the code makes.

Run: ``python docs/make_pictures.py tenken-demo/results``. Needs Chromium or Chrome, and ``pip install "tenken[test]"``.
The results are reported again in both languages, the last one English; nothing is detected again.

``report.ja.jpg`` and ``report.jpg`` are the report's first screens, ``segment.ja.jpg`` and ``segment.jpg`` its first
segment, ``report-pdf.jpg`` pages of the PDF, ``defect.jpg`` is a picture in ``crops/``, unchanged.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pypdfium2
from PIL import Image
from playwright.sync_api import Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
LANGUAGES = {"ja": ".ja", "en": ""}
"""Languages, and what stands in their pictures' names."""
WIDTH_PX, HEIGHT_PX = 1100, 1720
"""Window of the browser, CSS pixels."""
SCALE = 1.4
QUALITY = 62
PDF_PAGES, PDF_SCALE = (0, 1, 2), 1.1


def main() -> None:
    """Write all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder that `inspect demo` left")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for lang, mark in LANGUAGES.items():
        again = [sys.executable, "-m", "tenken", "report", str(arguments.results), "--lang", lang, "--pdf", "--quiet"]
        subprocess.run(again, check=True)
        photograph_report(arguments.results / "report.html", arguments.out, mark)
    photograph_pdf(arguments.results / "report.pdf", arguments.out / "report-pdf.jpg")
    longest = longest_crack(arguments.results)
    shutil.copyfile(arguments.results / "crops" / f"{longest}.jpg", arguments.out / "defect.jpg")


def photograph_report(report: Path, folder: Path, mark: str) -> None:
    """Let a browser without a window draw the report's first screens, and its first segment."""
    browser_path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser_path is None:
        raise SystemExit(f"no browser found ({', '.join(BROWSERS)}): install Chromium or Chrome")
    with sync_playwright() as playwright:
        # In containers the sandbox is not to be had; the page is our own.
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--hide-scrollbars"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, device_scale_factor=SCALE)
        page.goto(report.resolve().as_uri())
        draw_everything(page)
        save(page.screenshot(), folder / f"report{mark}.jpg")
        save(page.locator("#details .segment").first.screenshot(), folder / f"segment{mark}.jpg")
        browser.close()


def draw_everything(page: Page) -> None:
    """Wait for all pictures; those outside the window would be left for later."""
    page.evaluate("for (const one of document.images) one.loading = 'eager'")
    page.evaluate("Promise.all([...document.images].map(one => one.decode()))")


def photograph_pdf(path: Path, out: Path) -> None:
    """Set the first pages side by side."""
    with pypdfium2.PdfDocument(path) as document:
        pages = [document[number].render(scale=PDF_SCALE).to_pil() for number in PDF_PAGES]
    gap = 12
    sheet = Image.new(
        "RGB", (sum(page.width + gap for page in pages) + gap, pages[0].height + 2 * gap), (120, 124, 128)
    )
    for number, page in enumerate(pages):
        sheet.paste(page, (gap + number * (page.width + gap), gap))
    sheet.save(out, quality=QUALITY, optimize=True, progressive=True)


def longest_crack(results: Path) -> str:
    """Id of the longest crack."""
    collection = json.loads((results / "defects.geojson").read_text(encoding="utf-8"))
    found = sorted((one["properties"] for one in collection["features"]), key=lambda one: str(one["id"]))
    return str(max((one for one in found if one["kind"] == "crack"), key=lambda one: one["length_m"] or 0.0)["id"])


def save(png: bytes, out: Path) -> None:
    """Keep a screenshot as a JPEG."""
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").save(out, quality=QUALITY, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
