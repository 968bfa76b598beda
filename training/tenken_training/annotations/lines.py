"""Cracks that were drawn as lines: moved onto the dark ridge beside them, and given the width that is measured there.

The width is the product's own (`tenken.measurement`): read from grey values across the line, not from a pen.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiPolygon, Polygon, affinity

from tenken.imagery.picture import luminance
from tenken.measurement import blurred_box
from tenken.measurement.find import BANK_PX, MOST_REACH_PX, OFF_LINE_PX
from tenken.measurement.profiles import STEP_ACROSS_PX, Profiles, averaged, centred, sample_profiles, valleys
from tenken.measurement.widths import READABLE_SHARE, WidthReadings, looks_like_a_crack, read_widths
from tenken_training.annotations.photo import clean_area

FloatArray = npt.NDArray[np.float64]

SNAP_PX = 10.0
"""How far beside the crack a line may be drawn."""
ASSUMED_WIDTH_PX = 3.0
"""Width of a crack whose own cannot be measured."""
LEAST_WIDTH_PX = 1.0
"""A label narrower than a pixel would have no pixels."""
WIDEST_PX = 60.0
"""How far to each side a first look reaches."""
STATIONS_PX = 4.0
"""A label's width may change over this length."""
_BEND = 0.15
"""What a step of a pixel sideways costs, in darkness of the ground."""
_OFF = 0.01
"""What a pixel off the drawn line costs likewise: of two equal cracks the nearer is meant."""
LOOKED_AT_PX = 12.0
"""Shorter lines tell no width."""
MARGIN_PX = 140
"""What is read around a line."""


@dataclass(frozen=True, slots=True)
class MeasuredLine:
    """A crack's area and centre line.

    Parameters
    ----------
    area
        As wide as measured, at least `LEAST_WIDTH_PX`.
    line
        On the dark ridge.
    width_px
        Median along the line.
    assumed
        The width is `ASSUMED_WIDTH_PX`, because none could be read.
    """

    area: Polygon | MultiPolygon
    line: LineString
    width_px: float
    assumed: bool


def measure_line(image: npt.NDArray[np.uint8], line: LineString) -> MeasuredLine | None:
    """Make an area of a drawn crack.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB, the photo.
    line
        As drawn, in the photo's pixels.

    Returns
    -------
    None where the line has no length inside the photo.
    """
    height, width = image.shape[:2]
    frame = shapely.box(0, 0, width, height)
    if line.length < 1 or not line.intersects(frame):
        return None
    grey, left, top = _surroundings(image, line)
    drawn = affinity.translate(line, -left, -top)
    snapped = snap_to_ridge(grey, drawn)
    readings = _readings(grey, snapped)
    if readings is None:
        area, middle = _assumed(drawn), drawn
        width_px = ASSUMED_WIDTH_PX
    else:
        area, middle = _swollen(snapped, readings)
        width_px = readings.median.middle
    inside = shapely.intersection(affinity.translate(area, left, top), frame)
    clean = clean_area(inside)
    if clean is None:
        return None
    return MeasuredLine(clean, affinity.translate(middle, left, top), float(width_px), readings is None)


def _surroundings(image: npt.NDArray[np.uint8], line: LineString) -> tuple[npt.NDArray[np.float32], int, int]:
    """Cut out linear light around a line; beyond the photo its rim goes on, so that cracks are read up to the rim."""
    height, width = image.shape[:2]
    left, top = (int(edge - MARGIN_PX) for edge in line.bounds[:2])
    right, bottom = (int(edge + MARGIN_PX) for edge in line.bounds[2:])
    x0, y0 = int(np.clip(left, 0, width - 1)), int(np.clip(top, 0, height - 1))
    x1, y1 = int(np.clip(right, x0 + 1, width)), int(np.clip(bottom, y0 + 1, height))
    rim = [(min(y0 - top, MARGIN_PX), min(max(0, bottom - y1), MARGIN_PX))]
    rim += [(min(x0 - left, MARGIN_PX), min(max(0, right - x1), MARGIN_PX))]
    return np.pad(luminance(image[y0:y1, x0:x1]), rim, mode="edge"), x0 - rim[1][0], y0 - rim[0][0]


def _assumed(line: LineString) -> shapely.Geometry:
    return line.buffer(ASSUMED_WIDTH_PX / 2)


def snap_to_ridge(grey: npt.NDArray[np.float32], line: LineString) -> LineString:
    """Move a line sideways, by at most `SNAP_PX`, onto the darkest smooth path along it.

    The path of least light through the profiles across the line, by dynamic programming; the line's ends stay where
    they are along it. Where no profile lies inside the picture, the line stays as it is.

    Parameters
    ----------
    grey
        (h, w) linear light, 0..1.
    line
        In the array's pixels.
    """
    profiles = sample_profiles(grey, line, SNAP_PX)
    if len(profiles) < 2:
        return line
    offsets_px = _best_offsets(profiles)
    moved = profiles.xy_px + profiles.across * offsets_px[:, None]
    first, last = (np.asarray(line.coords[end]) for end in (0, -1))
    # The outermost profiles stand a step inside the line's ends.
    start, end = first + profiles.across[0] * offsets_px[0], last + profiles.across[-1] * offsets_px[-1]
    path = LineString(np.vstack([start, moved, end]))
    return LineString(shapely.simplify(path, 0.2).coords)


def _best_offsets(profiles: Profiles) -> FloatArray:
    step = max(1, round(0.5 / STEP_ACROSS_PX))
    light = profiles.light[:, ::step]
    bank = np.maximum(np.median(light, axis=1, keepdims=True), 1e-3)
    offsets_px = (np.arange(light.shape[1]) - light.shape[1] // 2) * step * STEP_ACROSS_PX
    cost = light / bank + _OFF * np.abs(offsets_px)
    best = cost[0]
    came_from = np.zeros(cost.shape, dtype=np.int64)
    shifts = np.arange(-3, 4)
    columns = np.arange(cost.shape[1])
    for row in range(1, len(cost)):
        before = np.clip(columns[None] + shifts[:, None], 0, len(columns) - 1)
        paths = best[before] + _BEND * np.abs(shifts)[:, None] * step * STEP_ACROSS_PX
        chosen = paths.argmin(axis=0)
        came_from[row] = before[chosen, columns]
        best = paths[chosen, columns] + cost[row]
    path = [int(best.argmin())]
    for row in range(len(cost) - 1, 0, -1):
        path.append(int(came_from[row, path[-1]]))
    return np.asarray(offsets_px[path[::-1]], dtype=np.float64)


def valley_width_px(image: npt.NDArray[np.uint8], line: LineString) -> float | None:
    """Width of the dark valley along a line at half its depth, quickly; None where there is no valley.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB.
    line
        In its pixels.
    """
    if line.length < LOOKED_AT_PX:
        return None
    grey, left, top = _surroundings(image, line)
    profiles = sample_profiles(grey, affinity.translate(line, -left, -top), WIDEST_PX)
    if len(profiles) < 2:
        return None
    found = valleys(averaged(centred(profiles, SNAP_PX)))
    readable = looks_like_a_crack(found)
    return float(np.median(found.half_width_px[readable])) if readable.mean() >= READABLE_SHARE else None


def _readings(grey: npt.NDArray[np.float32], line: LineString) -> WidthReadings | None:
    """Read the width, with a reach that suits a first look at how wide the valley is."""
    look = sample_profiles(grey, line, WIDEST_PX)
    if len(look) < 2:
        look = sample_profiles(grey, line, blurred_box.REACH_PX)
    if len(look) < 2:
        return None
    half_px = valleys(averaged(centred(look, SNAP_PX))).half_width_px
    expected_px = float(np.nanmedian(half_px)) if np.isfinite(half_px).any() else ASSUMED_WIDTH_PX
    reach = float(np.clip(0.75 * expected_px + BANK_PX, blurred_box.REACH_PX, MOST_REACH_PX))
    return read_widths([sample_profiles(grey, line, reach)], 0.5 * expected_px + OFF_LINE_PX)


def _swollen(line: LineString, readings: WidthReadings) -> tuple[shapely.Geometry, LineString]:
    """Lay a line into the middle between the crack's flanks, and give it the width that was read along it."""
    chords = shapely.get_parts(readings.chords_px)
    middles = shapely.centroid(chords)
    at = shapely.line_locate_point(line, middles)
    order = np.argsort(at)
    at, widths = at[order], np.maximum(shapely.length(chords)[order], LEAST_WIDTH_PX)
    aside = shapely.get_coordinates(middles)[order] - _along(line, at)
    # One stray reading must make neither bulge nor kink.
    widths = np.clip(widths, 0.4 * np.median(widths), 2.5 * np.median(widths))
    aside = np.clip(aside, -np.median(widths) / 2 - 1, np.median(widths) / 2 + 1)
    stations = np.linspace(0, line.length, max(2, round(line.length / STATIONS_PX) + 1))
    shift = np.stack([np.interp(stations, at, aside[:, axis]) for axis in (0, 1)], axis=1)
    points = _along(line, stations) + shift
    half = np.interp(stations, at, widths) / 2
    stretches = [
        LineString([one, other]).buffer(float(half[number] + half[number + 1]) / 2, quad_segs=4)
        for number, (one, other) in enumerate(pairwise(points))
        if (one != other).any()
    ]
    return shapely.union_all(stretches), LineString(shapely.simplify(LineString(points), 0.1).coords)


def _along(line: LineString, at: FloatArray) -> FloatArray:
    return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(line, at)), dtype=np.float64)
