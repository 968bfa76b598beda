"""Make the README's pictures again, from the results of ``inspect demo``: what they show is what the code makes.

Run: ``python docs/make_pictures.py tenken-demo/results``. Needs Chromium or Chrome, which Tenken itself does not.

The report's picture is the report as a browser shows it, with its map, its repair list and three defects; the
sections between them are hidden. The defect's picture is the one in ``crops/``, unchanged.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
WIDTH_PX, HEIGHT_PX = 1100, 2400
"""Window of the browser, CSS pixels; what is empty at the bottom is cut off."""
SCALE = 1.5
QUALITY = 60
MARGIN_PX = 40

SHOWN = """<style>
nav, .statement:not(.lead), .note, #maphelp, #list .small, #unassessed, #photos, #limits, #provenance, .filters,
#details h2, #details .segment > :not(.cards), #details .card:not({chosen}), .seenin, .tomap, .skip, footer {{
  display: none !important
}}
#mapview {{ height: 430px !important }}
#details {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem; align-items: start; margin-top: 1.2rem }}
.card {{ content-visibility: visible !important }}
#details .segment, #details .cards {{ display: contents }}
body {{ padding-bottom: 0 !important }}
</style></head>"""
"""Hides all but header, headlines, map, repair list and a few cards, and sets these side by side."""


def main() -> None:
    """Write ``report.jpg`` and ``defect.jpg``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="folder that `inspect demo` left")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    chosen = shown_defects(arguments.results)
    picture = cut_below(photograph(only_parts(arguments.results / "report.html", chosen)))
    picture.save(arguments.out / "report.jpg", quality=QUALITY, optimize=True, progressive=True)
    shutil.copyfile(arguments.results / "crops" / f"{chosen[0]}.jpg", arguments.out / "defect.jpg")


def shown_defects(results: Path) -> tuple[str, str, str]:
    """Ids of the longest crack, of the one that the detector was surest of among the others, of the largest rust."""
    collection = json.loads((results / "defects.geojson").read_text(encoding="utf-8"))
    found = sorted((one["properties"] for one in collection["features"]), key=lambda one: str(one["id"]))
    cracks = [one for one in found if one["kind"] == "crack"]
    longest = max(cracks, key=lambda one: one["length_m"] or 0.0)
    surest = max((one for one in cracks if one is not longest), key=lambda one: one["score"])
    largest = max((one for one in found if one["kind"] == "corrosion"), key=lambda one: one["area_m2"] or 0.0)
    return longest["id"], surest["id"], largest["id"]


def only_parts(report: Path, defects: tuple[str, ...]) -> str:
    """Give the report's HTML with a style that hides the rest."""
    html = report.read_text(encoding="utf-8")
    # The report allows itself only its own styles.
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    chosen = ", ".join(f"#d-{defect}" for defect in defects)
    return html.replace("</head>", SHOWN.format(chosen=chosen), 1).replace(' loading="lazy" decoding="async"', "")


def photograph(html: str) -> Image.Image:
    """Let a browser without a window draw the page."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"no browser found ({', '.join(BROWSERS)}): install Chromium or Chrome")
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder) / "page.html", Path(folder) / "page.png"
        page.write_text(html, encoding="utf-8")
        subprocess.run(
            [
                browser,
                "--headless=new",
                "--disable-gpu",
                # In containers the sandbox is not to be had; the page is our own.
                "--no-sandbox",
                "--hide-scrollbars",
                f"--user-data-dir={Path(folder) / 'profile'}",
                f"--window-size={WIDTH_PX},{HEIGHT_PX}",
                f"--force-device-scale-factor={SCALE}",
                "--virtual-time-budget=4000",
                f"--screenshot={picture}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        with Image.open(picture) as opened:
            return opened.convert("RGB")


def cut_below(picture: Image.Image) -> Image.Image:
    """Cut off the empty paper at the bottom."""
    pixels = np.asarray(picture)
    drawn = np.flatnonzero((pixels != pixels[-1:, :1]).any(axis=(1, 2)))
    return picture.crop((0, 0, picture.width, min(picture.height, int(drawn[-1]) + MARGIN_PX)))


if __name__ == "__main__":
    main()
