"""A small bridge, inspected by hand: every case that an output must be able to show."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pyproj import CRS
from shapely import LineString, MultiLineString, MultiPolygon, Polygon, box
from shapely.affinity import translate

from tenken.assessment.grade import DefectGrade, Finding
from tenken.identity.identify import Defect
from tenken.inspection import Inspection, PhotoRecord, SkippedRecord
from tenken.measurement.condition import StateShare
from tenken.measurement.measure import Sighting
from tenken.structure.segments import CoveragePatch, Segment

EAST_M, NORTH_M = 24730.0, -43533.0
"""A corner of the bridge on EPSG:6677, near 140.1063 E 35.6073 N."""
PHOTO_PX = (1200, 900)
GSD_MM = 5.0


def photo_to_map(xy_px: tuple[float, float], shift_m: float = 0.0) -> tuple[float, float]:
    """Place a pixel: the photo's left bottom corner stands on the bridge's corner, x to the east."""
    x, y = xy_px
    return EAST_M + shift_m + x * GSD_MM / 1000, NORTH_M + (PHOTO_PX[1] - y) * GSD_MM / 1000


def sighting(
    name: str,
    photo: str,
    kind: str,
    shape_px: list[tuple[float, float]],
    *,
    placed: bool = True,
    width_mm: tuple[float | None, float, float] | None = None,
    status: str | None = None,
    state_share: StateShare | None = None,
) -> Sighting:
    """Give a sighting; cracks by their centre line, other kinds by their outline, in photo pixels."""
    is_crack = kind == "crack"
    line_px = MultiLineString([shape_px]) if is_crack else None
    outline_px = LineString(shape_px).buffer(3, cap_style="flat") if is_crack else Polygon(shape_px)
    assert isinstance(outline_px, Polygon)
    on_map = [photo_to_map(point) for point in shape_px]
    outline_m = LineString(on_map).buffer(0.015, cap_style="flat") if is_crack else Polygon(on_map)
    assert isinstance(outline_m, Polygon)
    measured, low, high = width_mm or (None, None, None)
    return Sighting(
        sighting_id=name,
        photo=photo,
        photo_sha256="ab" * 32,
        kind=kind,
        score=0.87654321,
        outline_px=MultiPolygon([outline_px]),
        centreline_px=line_px,
        length_px=LineString(shape_px).length if is_crack else None,
        width_px=2.4 if is_crack else None,
        gsd_mm=GSD_MM if placed else None,
        outline_m=MultiPolygon([outline_m]) if placed else None,
        centreline_m=MultiLineString([on_map]) if placed and is_crack else None,
        length_m=LineString(on_map).length if placed and is_crack else None,
        area_m2=outline_m.area if placed else None,
        width_mm=measured,
        width_low_mm=low,
        width_high_mm=high,
        width_status=("no_scale" if not placed else status) if is_crack else None,
        position_error_m=1.2345 if placed else None,
        state_share=state_share,
    )


def defect(identity: str, *sightings: Sighting, unseen_in: tuple[str, ...] = ()) -> Defect:
    """Join sightings of one defect, the first is the best."""
    best = sightings[0]
    return Defect(
        id=identity,
        kind=best.kind,
        score=best.score,
        outline_m=best.outline_m,
        centreline_m=best.centreline_m,
        length_m=best.length_m,
        width_mm=best.width_mm,
        width_low_mm=best.width_low_mm,
        width_high_mm=best.width_high_mm,
        width_status=best.width_status,
        area_m2=best.area_m2,
        gsd_mm=best.gsd_mm,
        position_error_m=best.position_error_m,
        sightings=sightings,
        unseen_in=unseen_in,
        state_share=best.state_share,
    )


def photo(name: str, *, shift_m: float = 0.0, placed: bool = True, reason: str = "") -> PhotoRecord:
    """Give a photo of the deck, or one without a position."""
    width_m, height_m = (size * GSD_MM / 1000 for size in PHOTO_PX)
    footprint = box(EAST_M + shift_m, NORTH_M, EAST_M + shift_m + width_m, NORTH_M + height_m)
    return PhotoRecord(
        photo=name,
        path=Path("flight") / name,
        sha256="ab" * 32,
        camera="DJI FC6310",
        taken_at="2024-05-07T10:12:13" if placed else None,
        width_px=PHOTO_PX[0],
        height_px=PHOTO_PX[1],
        gsd_mm=GSD_MM if placed else None,
        smallest_crack_mm=GSD_MM * 0.67 if placed else None,
        usable=not reason,
        reason=reason,
        pose_source="exif+gimbal" if placed else "",
        footprint=footprint if placed else None,
        detections=3,
    )


CRACK_PX = [(120.0, 700.0), (300.0, 610.0), (420.0, 640.0), (640.0, 500.0)]
BRANCH_PX = [(700.0, 200.0), (760.0, 420.0), (740.0, 600.0)]
RUST_PX = [(860.0, 480.0), (1010.0, 450.0), (1040.0, 600.0), (900.0, 660.0)]
HIDDEN_PX = [(200.0, 300.0), (500.0, 260.0)]


def findings(defects: dict[str, tuple[str, ...]]) -> tuple[Finding, ...]:
    """Give three spans: one with damage, one clean where it was seen, one that nobody saw."""
    span = box(EAST_M, NORTH_M, EAST_M + 6, NORTH_M + 4.5)

    def segment(identity: str, name: str, number: int) -> Segment:
        shape = MultiPolygon([translate(span, 6.0 * number)])
        return Segment(identity, "121002-017", name, "RC", shape, {"route": "一般県道 <24>"})

    def patch(one: Segment, status: str, left: float, right: float) -> CoveragePatch:
        west, south, _, north = one.geometry.bounds
        part = MultiPolygon([box(west + 6 * left, south, west + 6 * right, north)])
        return CoveragePatch(one.segment_id, status, int(status == "seen"), part)  # type: ignore[arg-type]

    first = segment("s1", "千葉橋 第1径間", 0)
    second = segment("s2", "=HYPERLINK(第2径間)", 1)
    third = segment("s3", "千葉橋 第3径間", 2)
    return (
        Finding(
            first, 1, 71.25, None, ("c", "d"), ("最大幅 0.32 mm、RC <0.3 以上>", "腐食あり"), defects["s1"],
            4.07, 0.32, 0.62, 2.3, 0.9, True,
            (patch(first, "seen", 0, 0.9), patch(first, "too_coarse", 0.9, 1)), (1, 2), 0.45806,
        ),
        Finding(
            second, 2, 12.0, "a", ("a",), (), (), 0.0, None, 0.0, 0.0, 0.6, True,
            (patch(second, "seen", 0, 0.6), patch(second, "not_seen", 0.6, 1)),
        ),
        Finding(
            third, None, None, None, (), ("どの写真にも写っていない",), (), 0.0, None, 0.0, None, 0.0, False,
            (patch(third, "not_seen", 0, 1),),
        ),
    )  # fmt: skip


@pytest.fixture(scope="session")
def bridge() -> Inspection:
    """Give a deck of three spans with cracks, rust, and a crack in a photo without a position."""
    best, other = "第1日/橋 上面 001.jpg", "第1日/橋 上面 002.jpg"
    defects = (
        defect(
            "C-0002",
            sighting("v3", best, "crack", BRANCH_PX, width_mm=(None, 0.15, 0.34), status="estimated"),
        ),
        defect(
            "C-0001",
            sighting("v1", best, "crack", CRACK_PX, width_mm=(0.32, 0.28, 0.36), status="measured"),
            sighting("v2", other, "crack", CRACK_PX, status="unmeasured"),
            unseen_in=("第1日/橋 上面 003.jpg",),
        ),
        defect("R-0001", sighting("v4", best, "corrosion", RUST_PX, state_share=StateShare(0.0612, 0.2, 0.7388))),
        defect("C-0003", sighting("v5", "位置なし.jpg", "crack", HIDDEN_PX, placed=False)),
    )
    grades = {
        "C-0001": DefectGrade("C-0001", "s1", "d", ("d",), "mlit", "幅 0.28–0.36 mm"),
        "C-0002": DefectGrade("C-0002", "s1", None, ("b", "c", "d"), "mlit", "幅 0.15–0.34 mm"),
        "R-0001": DefectGrade("R-0001", "s1", None, (), "mlit", "板厚は写真から不明"),
    }
    return Inspection(
        flight="flight_042 千葉橋 <上り>",
        crs=CRS.from_epsg(6677),
        photos=(
            photo(best),
            photo(other, shift_m=0.8),
            photo("第1日/橋 上面 003.jpg", shift_m=5.0, reason="ぶれ 3.1 px"),
            photo("位置なし.jpg", placed=False),
        ),
        skipped=(
            SkippedRecord("メモ.txt", "写真ではない"),
            SkippedRecord("壊れ.jpg", "途中まで <EOF>"),
        ),
        defects=defects,
        grades=grades,
        findings=findings({"s1": ("C-0001", "C-0002", "R-0001")}),
        settings={"tile_px": 640, "overlap": 0.2, "assets": None, "lang": "ja"},
        versions={"tenken": "0.1.0", "gdal": "3.9"},
        weights_name="first-crack-corrosion",
        weights_sha256="cd" * 32,
        standard="mlit",
        standard_verified=False,
    )


@pytest.fixture(scope="session")
def concrete() -> Callable[[str, int, int, int, int], npt.NDArray[np.uint8]]:
    """Give windows of photos of mottled concrete with the bridge's cracks and rust on it."""
    grain = np.random.default_rng(5).normal(0, 9, (PHOTO_PX[1], PHOTO_PX[0], 1))
    picture = np.clip(168 + grain + np.zeros(3), 0, 255)
    for shape in (CRACK_PX, BRANCH_PX, HIDDEN_PX):
        for (x0, y0), (x1, y1) in pairwise(shape):
            steps = np.linspace(0, 1, 1000)
            rows, columns = (y0 + steps * (y1 - y0)).astype(int), (x0 + steps * (x1 - x0)).astype(int)
            picture[rows, columns] = (60, 58, 55)
            picture[rows + 1, columns] = (96, 94, 90)
    picture[500:600, 900:1000] = picture[500:600, 900:1000] * (0.8, 0.5, 0.3)
    photographed = picture.astype(np.uint8)

    def window(_photo: str, x0: int, y0: int, x1: int, y1: int) -> npt.NDArray[np.uint8]:
        assert 0 <= x0 < x1 <= PHOTO_PX[0]
        assert 0 <= y0 < y1 <= PHOTO_PX[1]
        return photographed[y0:y1, x0:x1]

    return window
