"""Crack widths on the surface: readings in photo pixels, each put on the surface where it was made.

A photo that looks at a face askew shortens it one way and not the other, and a crack that turns is shortened here and
not there. So each reading is put on the surface by itself: its chord's two ends, and of their distance the part that is
square to the crack.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon

from tenken.georeferencing.placement import Placement
from tenken.measurement.width_statistics import Estimate, largest, percentile
from tenken.measurement.widths import MEASURABLE_PX, WidthReadings, surely_above

FloatArray = npt.NDArray[np.float64]

LARGEST_OVER_MM = 20.0
"""Length over which the largest width is a mean: standards ask for the largest width, and not for a notch."""

ALONG_PX = 3.0
"""The crack's direction on the surface is taken from so far before a reading to so far behind."""


MASK_EDGE_PX = 1.0
"""How far a mask's breadth may fall short of the crack's: half a pixel at each side [P]."""

LEAST_TOLD_MM = 0.05
"""A lower end below this, the finest limit of the shipped standards (⑪ 床版ひびわれ), tells nothing of a width [P]."""


@dataclass(frozen=True, slots=True)
class StatedWidth:
    """A width in mm with its 90 % interval; no number, only the interval, unless it surely lies above two pixels."""

    width_mm: float | None
    low_mm: float
    high_mm: float


@dataclass(frozen=True, slots=True)
class SurfaceWidths:
    """A crack's widths on the surface: typical, wide (95 % of the crack are narrower) and the largest over 20 mm."""

    median: StatedWidth
    p95: StatedWidth
    largest: StatedWidth


@dataclass(frozen=True, slots=True, eq=False)
class PlacedReadings:
    """A crack's readings on the surface, a struct of arrays: where each was made, and how wide the crack is there."""

    xy_m: FloatArray
    """(n, 2) in the flight's CRS, in their order along the crack."""
    width_mm: FloatArray
    """(n,)"""
    error_mm: FloatArray
    """(n,) standard error of each, beside what they share."""
    shared_mm: float
    scale_mm: float
    """Of a pixel across the crack."""
    typical: Estimate
    """Median of the whole crack in mm: known better in pixels, where blur and width were told apart."""
    step_mm: float | None
    """From one reading to the next; None where there is one only."""
    is_measured: bool
    scale_off: float
    """Half width of the 90 % interval of the scale, as a share of it."""
    breadth: "Breadth | None" = None
    """Of the mask that they were read in, where it is known."""

    def widths(self) -> SurfaceWidths | None:
        """Return what the readings say of the crack; None where its mask contradicts them."""
        window = 1 if self.step_mm is None else max(1, round(LARGEST_OVER_MM / self.step_mm))
        widths = SurfaceWidths(
            self._stated(self.typical),
            self._stated(percentile(self.width_mm, self.error_mm, self.shared_mm)),
            self._stated(largest(self.width_mm, self.error_mm, self.shared_mm, window)),
        )
        return widths if self.breadth is None else within_mask(widths, self.breadth)

    def within(self, chosen: npt.NDArray[np.bool_]) -> SurfaceWidths | None:
        """Return what some of the readings say; the median stays the whole crack's.

        None where they do not reach over `LARGEST_OVER_MM`: then the widest place there is not known.
        """
        if self.step_mm is None or np.count_nonzero(chosen) * self.step_mm < LARGEST_OVER_MM:
            return None
        part = replace(self, xy_m=self.xy_m[chosen], width_mm=self.width_mm[chosen], error_mm=self.error_mm[chosen])
        return part.widths()

    def _stated(self, estimate: Estimate) -> StatedWidth:
        if not self.is_measured:
            # What is surely true of the median is of wider places too; more is not known of them.
            estimate = replace(estimate, low=min(estimate.low, self.typical.low))
        number = estimate.middle if surely_above(estimate, MEASURABLE_PX * self.scale_mm) else None
        return StatedWidth(number, estimate.low * max(0.0, 1 - self.scale_off), estimate.high * (1 + self.scale_off))


def place_readings(readings: WidthReadings, placement: Placement, scale_off: float) -> PlacedReadings | None:
    """Put readings on the surface.

    Parameters
    ----------
    readings
        In pixels of the photo that ``placement`` places.
    scale_off
        Half width of the 90 % interval of the scale, as a share of it; widens all intervals.

    Returns
    -------
    None where fewer than half of the readings meet the surface.
    """
    width_px, mm_per_px, middle_mm = _on_surface(readings, placement)
    met = np.isfinite(mm_per_px)
    if 2 * np.count_nonzero(met) < len(met):
        return None
    width_mm = (width_px * mm_per_px)[met]
    scale_mm = float(np.median(mm_per_px[met]))
    steps_mm = np.linalg.norm(np.diff(middle_mm[met], axis=0), axis=1)
    return PlacedReadings(
        xy_m=middle_mm[met][:, :2] * placement.grid_scale / 1000,
        width_mm=width_mm,
        error_mm=(np.array(readings.error_px) * mm_per_px)[met],
        shared_mm=readings.shared_error_px * scale_mm,
        scale_mm=scale_mm,
        typical=readings.median.times(float(np.median(width_mm) / np.median(width_px))),
        step_mm=float(np.median(steps_mm)) if len(steps_mm) else None,
        is_measured=readings.is_measured,
        scale_off=scale_off,
    )


def bounds_only(low_mm: float) -> bool:
    """Whether an interval with this lower end tells no more than how wide a crack is at most."""
    return low_mm < LEAST_TOLD_MM


def within_mask(widths: SurfaceWidths, breadth: "Breadth") -> SurfaceWidths | None:
    """Cut widths to the breadth of the mask that they were read in; None where they contradict it.

    Masks are drawn wider than cracks, so what is surely wider than its mask was read from something else: a shadow's
    edge, a kerb, the crack's neighbour.
    """
    if widths.median.low_mm > breadth.mean_mm:
        return None
    median = _cut(widths.median, breadth.mean_mm, widths.median.low_mm)
    p95, largest = (
        _cut(one, max(breadth.largest_mm, median.high_mm), widths.median.low_mm) for one in (widths.p95, widths.largest)
    )
    return SurfaceWidths(median, p95, largest)


@dataclass(frozen=True, slots=True)
class Breadth:
    """How broad a mask is on the surface, mm: on average along the crack, and where it is broadest."""

    mean_mm: float
    largest_mm: float

    @classmethod
    def of(cls, outline_px: MultiPolygon, length_px: float, mm_per_px: float) -> "Breadth":
        """Measure a mask; ``mm_per_px`` is the coarser axis of a pixel on the surface, with the error of the scale."""
        mean_px = outline_px.area / length_px
        largest_px = max(2 * shapely.maximum_inscribed_circle(part, 0.25).length for part in outline_px.geoms)
        mean_mm, largest_mm = ((px + MASK_EDGE_PX) * mm_per_px for px in (mean_px, max(mean_px, largest_px)))
        return cls(mean_mm, largest_mm)


def _cut(width: StatedWidth, most_mm: float, least_mm: float) -> StatedWidth:
    if width.high_mm <= most_mm:
        return width
    if width.low_mm > most_mm or (width.width_mm or 0.0) > most_mm:
        return StatedWidth(None, min(width.low_mm, least_mm), most_mm)
    return replace(width, high_mm=most_mm)


def _on_surface(readings: WidthReadings, placement: Placement) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give (n,) widths in pixels, (n,) mm across the crack for a pixel across it, and (n, 3) places in mm."""
    ends = shapely.get_coordinates(readings.chords_px).reshape(-1, 2, 2)
    middle, across = ends.mean(axis=1), ends[:, 1] - ends[:, 0]
    width_px = np.hypot(across[:, 0], across[:, 1])
    across = across / np.maximum(width_px, 1e-9)[:, None]
    along = np.stack([across[:, 1], -across[:, 0]], axis=1)
    # A chord's own length may be too short to tell directions by.
    reach = np.maximum(width_px / 2, ALONG_PX)[:, None]
    ground = np.array([placement.grid_scale, placement.grid_scale, 1.0])
    left, right, behind, ahead = (
        placement.to_world(middle + step * reach) / ground for step in (-across, across, -along, along)
    )
    course = (ahead - behind) / np.linalg.norm(ahead - behind, axis=1, keepdims=True)
    square_m = np.linalg.norm(np.cross(right - left, course), axis=1)
    return width_px, 1000 * square_m / (2 * reach[:, 0]), 1000 * (left + right) / 2
