"""Rendered flights over a plane with known defects, whose stated poses are off by a known noise.

Each photo is a picture of one painted plane through its true camera (with its own exposure, blur, noise and JPEG); what
it states is that camera moved and turned by lot. Sightings are what a detector might give of the true defects: wobbling
by a pixel or two, cut short, torn, sometimes missing. For `benchmarks/identity.py` and the tests.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS
from shapely import LineString, MultiLineString, MultiPolygon, Polygon, affinity

from tenken.adjustment.block import rotation_about
from tenken.georeferencing.camera import Camera, PoseAccuracy
from tenken.georeferencing.lens import Lens
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.georeferencing.surface import Plane
from tenken.measurement.bridging import find_bridges
from tenken.measurement.crack_ends import TracedCrack
from tenken.measurement.find import PhotoDefect
from tenken_demo.noise import field_noise, stream

FloatArray = npt.NDArray[np.float64]

EPSG = 6677
ORIGIN_M = np.array([24700.0, -43500.0])
TEXTURE_MM = 5.0
WIDTH_PX, HEIGHT_PX, FOCAL_PX = 2000, 1500, 2000.0
HEIGHT_M = 10.0
NADIR = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
"""Picture's right is east, its down is south, forward is down."""

MOST_STEP_SHARE = 0.8
"""Photos in a row overlap by a fifth at least, or nobody could say that their cracks are one."""

APART_PX = 30.0
"""Least distance of two marks of one kind, in pixels of a photo."""
MASK_PX = 6.0
"""Width of a crack's mask."""

MISSED, TORN = 0.1, 0.1
"""Shares of sightings that the detector does not give, or gives in two pieces."""


@dataclass(frozen=True, slots=True)
class TrueMark:
    """A defect on the plane."""

    number: int
    kind: str
    shape: LineString | Polygon


@dataclass(frozen=True, slots=True, eq=False)
class RenderedPhoto:
    """A photo as a run would get it, and what is true about it."""

    name: str
    grey: npt.NDArray[np.uint8]
    stated: PhotoPlacement
    true: PhotoPlacement
    defects: tuple[PhotoDefect, ...]
    truth: tuple[int, ...]
    """Number of the true mark of each of ``defects``."""


def paint_plane(seed: int, width_m: float, height_m: float, contrast: float) -> npt.NDArray[np.float32]:
    """(h, w) grey plane around 0.55: stains of many sizes, and coarse sand."""
    shape = (round(height_m * 1000 / TEXTURE_MM), round(width_m * 1000 / TEXTURE_MM))
    plane = np.full(shape, 0.55, dtype=np.float32)
    for number, (sigma_px, weight) in enumerate(((1.2, 0.35), (4.0, 0.3), (16.0, 0.45), (80.0, 0.8))):
        plane += field_noise(stream(seed, "plane", number), shape, sigma_px) * np.float32(weight * contrast)
    return plane


def scatter_marks(rng: np.random.Generator, width_m: float, height_m: float, count: int) -> list[TrueMark]:
    """Wandering cracks of 0.3 to 12 m, some side by side, and patches of rust.

    None of a kind comes nearer to another than `APART_PX`: what touches is one object in a picture.
    """
    marks: list[TrueMark] = []
    frame = shapely.box(0.2, 0.2, width_m - 0.2, height_m - 0.2)

    def put(kind: str, shape: shapely.Geometry) -> bool:
        inside = shapely.intersection(shape, frame)
        if not isinstance(inside, LineString | Polygon) or max(inside.length, 4 * inside.area) < 0.2:
            return False
        if any(mark.kind == kind and mark.shape.distance(inside) < APART_PX * TEXTURE_MM / 1000 for mark in marks):
            return False
        marks.append(TrueMark(len(marks), kind, inside))
        return True

    for _ in range(40 * count):
        if len(marks) >= count:
            break
        at = rng.uniform([0.5, 0.5], [width_m - 0.5, height_m - 0.5])
        if rng.random() < 0.3:
            angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
            radius = rng.uniform(0.05, 0.35) * np.exp(rng.normal(0, 0.2, 24))
            put(
                "corrosion", Polygon(at + np.column_stack([np.cos(angles), np.sin(angles)]) * radius[:, None]).buffer(0)
            )
        else:
            line = _wander(rng, at, float(np.exp(rng.uniform(np.log(0.3), np.log(12.0)))))
            if put("crack", line) and rng.random() < 0.4:
                put("crack", affinity.translate(line, *rng.uniform(-0.4, 0.4, 2)))
    return marks


def _wander(rng: np.random.Generator, at: FloatArray, length_m: float) -> LineString:
    step_m = 0.02
    count = max(int(length_m / step_m), 4)
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.12, count)) * 0.5
    return LineString(at + np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]) * step_m, axis=0))


def render_flight(
    seed: int,
    *,
    position_sigma_m: float,
    angle_sigma_deg: float,
    views: int,
    contrast: float = 0.06,
    size_m: tuple[float, float] = (32.0, 12.0),
    marks: int = 60,
) -> tuple[list[RenderedPhoto], list[TrueMark]]:
    """Render a flight along the plane's length, of which every place is in about ``views`` photos.

    ``position_sigma_m`` is of the distance east and north together, as poses state it; the height has as much.
    """
    rng = stream(seed, "rendered flight")
    width_m, height_m = size_m
    true_marks = scatter_marks(rng, width_m, height_m, marks)
    plane = paint_plane(seed, width_m, height_m, contrast)
    _draw(plane, true_marks)
    footprint_m = WIDTH_PX / FOCAL_PX * HEIGHT_M, HEIGHT_PX / FOCAL_PX * HEIGHT_M
    rows = 2 if views < 8 else 3
    along_m = footprint_m[0] * min(MOST_STEP_SHARE, rows / views)
    accuracy = PoseAccuracy(position_sigma_m, position_sigma_m, angle_sigma_deg, angle_sigma_deg)
    photos: list[RenderedPhoto] = []
    for row in range(rows):
        y = height_m / 2 + (row - (rows - 1) / 2) * (height_m - footprint_m[1]) / max(rows - 1, 1)
        for x in np.arange(footprint_m[0] / 2, width_m - footprint_m[0] / 2 + 1e-6, along_m):
            at = np.array([x, y, HEIGHT_M]) + rng.normal(0, [0.3, 0.3, 0.2])
            turned = np.radians(np.array([*rng.normal(0, 3, 2), rng.normal(0, 5) + 180 * (row % 2)]))
            true = _placement(at, rotation_about(turned) @ NADIR, accuracy)
            shift = rng.normal(0, 1, 3) * position_sigma_m / np.array([np.sqrt(2), np.sqrt(2), 1])
            wrong = rotation_about(np.radians(rng.normal(0, angle_sigma_deg, 3))) @ true.camera.rotation
            stated = _placement(at + shift, wrong, accuracy)
            seen = _sightings(rng, true, true_marks)
            photos.append(
                RenderedPhoto(
                    f"photo_{len(photos):03d}.jpg",
                    _picture(rng, plane, true),
                    stated,
                    true,
                    tuple(defect for defect, _ in seen),
                    tuple(number for _, number in seen),
                )
            )
    return photos, true_marks


def _placement(at_m: FloatArray, rotation: FloatArray, accuracy: PoseAccuracy) -> PhotoPlacement:
    lens = Lens((FOCAL_PX, FOCAL_PX), (WIDTH_PX / 2, HEIGHT_PX / 2), focal_error=0.005, source="rendered")
    position = np.array([*(ORIGIN_M + at_m[:2]), at_m[2]])
    camera = Camera(WIDTH_PX, HEIGHT_PX, 1, lens, position, rotation, 1.0, accuracy, "exif+gimbal")
    return PhotoPlacement(CRS.from_epsg(EPSG), camera, Plane(0.0), accuracy.vertical_m)


def _draw(plane: npt.NDArray[np.float32], marks: list[TrueMark]) -> None:
    for mark in marks:
        xy = np.round(shapely.get_coordinates(mark.shape) * [1, -1] * 1000 / TEXTURE_MM + [0, len(plane)]).astype(int)
        if mark.kind == "crack":
            cv2.polylines(plane, [xy.reshape(-1, 1, 2)], False, 0.25, 1)
        else:
            stained = plane.copy()
            cv2.fillPoly(stained, [xy.reshape(-1, 1, 2)], 0.3)
            plane[:] = 0.4 * plane + 0.6 * stained


def _picture(rng: np.random.Generator, plane: npt.NDArray[np.float32], true: PhotoPlacement) -> npt.NDArray[np.uint8]:
    """Take a grey picture of the plane with the true camera: exposure, blur, noise, JPEG."""
    corners_px = np.array([[0, 0], [WIDTH_PX, 0], [WIDTH_PX, HEIGHT_PX], [0, HEIGHT_PX]], dtype=np.float64)
    ground_m = true.to_world(corners_px)[:, :2] - ORIGIN_M
    texture_px = ground_m * [1, -1] * 1000 / TEXTURE_MM + [0, len(plane)]
    bend = cv2.getPerspectiveTransform((texture_px - 0.5).astype(np.float32), (corners_px - 0.5).astype(np.float32))
    taken = cv2.warpPerspective(plane, bend, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    taken = np.asarray(cv2.GaussianBlur(taken, (0, 0), float(rng.uniform(0.5, 1.1))), dtype=np.float32)
    fall = np.linspace(-1, 1, WIDTH_PX, dtype=np.float32)[None, :] * np.float32(rng.normal(0, 0.05))
    taken = (taken * np.float32(rng.uniform(0.85, 1.15)) + fall) * 255
    taken += rng.normal(0, 2.5, (HEIGHT_PX, WIDTH_PX)).astype(np.float32)
    coded = cv2.imencode(".jpg", np.clip(taken, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def _sightings(rng: np.random.Generator, true: PhotoPlacement, marks: list[TrueMark]) -> list[tuple[PhotoDefect, int]]:
    """Give what a detector makes of the marks in one photo, and the number of the mark of each."""
    frame = shapely.box(2, 2, WIDTH_PX - 2, HEIGHT_PX - 2)
    lines: list[tuple[LineString, int]] = []
    found: list[tuple[PhotoDefect, int]] = []
    for mark in marks:
        whole = shapely.transform(
            mark.shape, lambda xy: true.to_photo(np.column_stack([xy + ORIGIN_M, np.zeros(len(xy))]))
        )
        missed, torn = rng.random() < MISSED, rng.random() < TORN
        for part in shapely.get_parts(shapely.intersection(whole, frame)):
            if missed:
                continue
            if isinstance(part, LineString) and part.length > 30:
                lines += [(piece, mark.number) for piece in _crack_pieces(rng, part, whole, torn)]
            elif isinstance(part, Polygon) and part.area > 150:
                found.append((_rust_sighting(rng, part), mark.number))
    return found + _bridged(lines)


def _crack_pieces(rng: np.random.Generator, line: LineString, whole: shapely.Geometry, torn: bool) -> list[LineString]:
    """Trace a crack with a wobble; its own faint ends are missed, not those that the picture's border makes."""
    trimmed = [
        rng.uniform(0.0, 0.06) if shapely.Point(end).distance(shapely.boundary(whole)) < 1.0 else 0.0
        for end in (line.coords[0], line.coords[-1])
    ]
    bounds = [(trimmed[0], 1 - trimmed[1])]
    if torn and line.length > 150:
        middle, gap = rng.uniform(0.3, 0.7), rng.uniform(10, 60) / line.length
        bounds = [(trimmed[0], middle), (middle + gap, 1 - trimmed[1])]
    pieces = []
    for low, high in bounds:
        count = max(int(line.length * (high - low) / 8), 2)
        points = shapely.line_interpolate_point(line, np.linspace(low, high, count), normalized=True)
        wobble = rng.normal(0, 1.0, 2) + np.cumsum(rng.normal(0, 0.25, (count, 2)), axis=0) * 0.5
        pieces.append(LineString(shapely.get_coordinates(points) + wobble))
    return pieces


def _bridged(lines: list[tuple[LineString, int]]) -> list[tuple[PhotoDefect, int]]:
    """Put pieces together as Tenken does within one photo, rightly or wrongly."""
    bridges = find_bridges([TracedCrack(MultiLineString([line]), MASK_PX) for line, _ in lines])
    whole = {number: [number] for number in range(len(lines))}
    for bridge in bridges:
        first, second = (next(r for r, own in whole.items() if n in own) for n in (bridge.first, bridge.second))
        if first != second:
            whole[first] += whole.pop(second)
    return [
        (_crack(MultiLineString([lines[number][0] for number in own])), lines[root][1]) for root, own in whole.items()
    ]


def _crack(line: MultiLineString) -> PhotoDefect:
    grown = [part for part in shapely.get_parts(shapely.buffer(line, MASK_PX / 2)) if isinstance(part, Polygon)]
    return _defect("crack", MultiPolygon(grown), line, line.length)


def _rust_sighting(rng: np.random.Generator, patch: Polygon) -> PhotoDefect:
    grown = patch.buffer(float(rng.normal(0, 0.06) * np.sqrt(patch.area)))
    parts = [part for part in shapely.get_parts(grown) if isinstance(part, Polygon) and part.area > 0]
    moved = affinity.translate(max(parts or [patch], key=lambda part: part.area), *rng.normal(0, 1.5, 2))
    return _defect("corrosion", MultiPolygon([moved]), None, None)


def _defect(kind: str, outline: MultiPolygon, line: MultiLineString | None, length_px: float | None) -> PhotoDefect:
    return PhotoDefect(
        kind=kind, score=0.8, outline_px=outline, centreline_px=line, length_px=length_px, area_px=outline.area,
        width_px=None, width_low_px=None, width_high_px=None, pieces=1,
    )  # fmt: skip
