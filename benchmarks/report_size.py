"""How heavy the report is, and how quick in a browser, with many defects.

Run: ``python benchmarks/report_size.py --defects 5000``. Needs playwright (extra ``test``) and Chromium.
Defects, photos and pictures are made up, as large as those of real flights; the report is the real one.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page, sync_playwright
from pyproj import CRS
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon, box

from tenken.assessment.grade import DefectGrade, Finding
from tenken.identity.identify import Defect
from tenken.inspection import Inspection, PhotoRecord
from tenken.measurement.measure import Sighting
from tenken.outputs import write_crops, write_report
from tenken.outputs.japanese_font import find_font
from tenken.outputs.report_pdf import write_pdf
from tenken.structure.segments import CoveragePatch, Segment

PHOTO_PX = (4000, 3000)
GSD_M = 0.001
SEGMENT_M = 10.0
A_SEGMENT, SIGHTINGS = 12, 3
"""Defects in a segment, and photos that show each."""
PICTURES = 40
"""Different pictures of defects; the others are copies of these."""
REPEATS = 5
GRADES = ("b", "c", "d", "e")


def main() -> None:
    """Make the report and print what it weighs and how long it takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--defects", type=int, default=5000)
    parser.add_argument("--keep", type=Path, help="leave the report in this folder")
    parser.add_argument("--pdf", action="store_true", help="also report.pdf, which holds every picture")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        inspection = made_up(arguments.defects)
        crops = pictures(folder / "crops", inspection)
        start = time.perf_counter()
        write_report(folder / "report.html", inspection, crops, "en")
        print(f"written in           {time.perf_counter() - start:8.2f} s")
        print(f"report.html          {(folder / 'report.html').stat().st_size / 1e6:8.1f} MB")
        if arguments.pdf:
            start = time.perf_counter()
            write_pdf(folder / "report.pdf", inspection, crops, "en", None, find_font())
            print(f"PDF written in       {time.perf_counter() - start:8.2f} s")
            print(f"report.pdf           {(folder / 'report.pdf').stat().st_size / 1e6:8.1f} MB")
        print(f"{'':20s} {'clock':>9} {'main thread':>12}")
        for name, (clock, busy) in in_a_browser(folder / "report.html").items():
            print(f"{name:20s} {clock:6.0f} ms {busy:9.0f} ms")


def made_up(count: int) -> Inspection:
    """Give an inspection of a strip of road with ``count`` cracks and patches of rust."""
    generator = np.random.default_rng(7)
    segments = [_segment(index) for index in range(-(-count // A_SEGMENT))]
    defects = tuple(_defect(index, generator) for index in range(count))
    grades = {
        one.id: DefectGrade(
            one.id,
            segments[index // A_SEGMENT].segment_id,
            GRADES[index % 4],
            (GRADES[index % 4],),
            "japan-bridge-2019",
            "Candidate by largest width (mean over 20 mm), least spacing to a parallel crack 0.31 m.",
        )
        for index, one in enumerate(defects)
    }
    findings = tuple(
        Finding(
            one, index + 1, 90 - index / 10, "e", ("e",),
            ("Candidates for the segment: e.", "Severity 1.00 (weight 0.50).", "Stays first."),
            tuple(defect.id for defect in defects[index * A_SEGMENT : (index + 1) * A_SEGMENT]),
            9.5, 2.4, 0.3, 1.2, 0.9, True,
            (CoveragePatch(one.segment_id, "seen", 3, one.geometry),),
        )
        for index, one in enumerate(segments)
    )  # fmt: skip
    return Inspection(
        "made_up", CRS.from_epsg(6677), tuple(_photo(index) for index in range(len(segments))), (), defects, grades,
        findings, {"tile_px": 640}, {"tenken": "0"}, "made-up", "cd" * 32, "japan-bridge-2019", False,
    )  # fmt: skip


def pictures(folder: Path, inspection: Inspection) -> dict[str, str]:
    """Draw some pictures on grain as noisy as concrete, and copy them for the others."""
    grain = np.clip(np.random.default_rng(3).normal(150, 14, (PHOTO_PX[1], PHOTO_PX[0], 1)), 0, 255).astype(np.uint8)

    def window(_: str, x0: int, y0: int, x1: int, y1: int) -> npt.NDArray[np.uint8]:
        return np.repeat(grain[y0:y1, x0:x1], 3, axis=2)

    drawn = list(write_crops(folder, replace(inspection, defects=inspection.defects[:PICTURES]), window).values())
    crops = {}
    for index, one in enumerate(inspection.defects):
        crops[one.id] = f"{folder.name}/{one.id}.jpg"
        if index >= PICTURES:
            shutil.copyfile(folder.parent / drawn[index % len(drawn)], folder.parent / crops[one.id])
    return crops


def in_a_browser(report: Path) -> dict[str, tuple[float, float]]:
    """Give medians of what a person waits for: milliseconds by the clock, and of the page's main thread."""
    browser_path = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if browser_path is None:
        raise SystemExit("no Chromium found: install it (Debian: apt install chromium)")
    times: dict[str, list[tuple[float, float]]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for _ in range(REPEATS):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            for name, measured in _timed(page, report).items():
                times.setdefault(name, []).append(measured)
            page.close()
        browser.close()
    return {
        name: (statistics.median(clock for clock, _ in values), statistics.median(busy for _, busy in values))
        for name, values in times.items()
    }


ACTS = {
    "filter by kind": "document.querySelector('[name=kind]').click()",
    "filter undone": "document.querySelector('[name=kind]').click()",
    "filter by text": "type('4999')",
    "text cleared": "type('')",
    "map zoomed": "document.querySelector('[data-zoom=in]').click()",
}
FRAME = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
TYPE = """text => {
  const field = document.getElementById("filters").elements.text;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}"""


def _timed(page: Page, report: Path) -> dict[str, tuple[float, float]]:
    """Load the report, then act; each until the next frame is drawn."""
    session = page.context.new_cdp_session(page)
    # Thread time: what other programs do meanwhile does not count.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy_ms() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")

    page.goto(report.as_uri())
    page.evaluate(FRAME)
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    found = {"loaded and drawn": (float(ready), busy_ms())}
    for name, act in ACTS.items():
        before = busy_ms()
        clock = page.evaluate(
            f"""async () => {{
              const type = {TYPE};
              const start = performance.now();
              {act};
              await {FRAME};
              return performance.now() - start;
            }}"""
        )
        found[name] = (float(clock), busy_ms() - before)
    return found


def _segment(index: int) -> Segment:
    shape = box(24000 + SEGMENT_M * index, -43000, 24000 + SEGMENT_M * (index + 1), -43000 + 6)
    return Segment(f"S-{index:04d}", "road-1", f"No.{index}", "RC", MultiPolygon([shape]), {})


def _photo(index: int) -> PhotoRecord:
    left = 24000 + SEGMENT_M * index
    return PhotoRecord(
        _name(index), Path("flight") / _name(index), f"{index:064x}", "M3E", "2026-05-07T10:12:13", *PHOTO_PX,
        GSD_M * 1000, 0.67, True, "", "rtk+gimbal", box(left, -43000, left + 4, -42997), 9,
    )  # fmt: skip


def _name(index: int) -> str:
    return f"DJI_{index:04d}.JPG"


def _defect(index: int, generator: np.random.Generator) -> Defect:
    segment = index // A_SEGMENT
    corner_m = np.array([24000 + SEGMENT_M * segment + generator.uniform(0, 7), -43000 + generator.uniform(0.5, 5)])
    crack = index % 5 != 0
    steps = np.cumsum(generator.normal([0.12, 0.02], 0.05, (24, 2)), axis=0)
    line_px = LineString(1000 + steps / GSD_M * 0.6)
    line_m = LineString(corner_m + steps)
    outline_m = line_m.buffer(0.004, quad_segs=1) if crack else Point(corner_m).buffer(0.2)
    outline_px = line_px.buffer(5, quad_segs=1) if crack else Point(1500, 1400).buffer(160)
    assert isinstance(outline_m, Polygon)
    assert isinstance(outline_px, Polygon)
    sightings = tuple(
        Sighting(
            f"{index}-{number}", _name(segment + number), "ab" * 32, "crack" if crack else "corrosion", 0.87,
            MultiPolygon([outline_px]), MultiLineString([line_px]) if crack else None, 900.0, 2.4, GSD_M * 1000,
            MultiPolygon([outline_m]), MultiLineString([line_m]) if crack else None, 2.1, 0.1,
            0.5 if crack else None, 0.4, 0.6, "measured" if crack else None, 0.3,
        )
        for number in range(SIGHTINGS)
    )  # fmt: skip
    best = sightings[0]
    return Defect(
        f"{'CR' if crack else 'CO'}-{index:010x}", best.kind, float(generator.uniform(0.3, 1)), best.outline_m,
        best.centreline_m, 2.1 if crack else None, best.width_mm, 0.4, 0.6, best.width_status, 0.1, best.gsd_mm, 0.3,
        sightings, (_name(segment + 5),),
    )  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUTF8", "1")
    main()
