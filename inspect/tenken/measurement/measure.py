"""From pixels to metres: a defect's sizes on the surface, with errors, and how far the width can be trusted."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Polygon

from tenken.georeferencing.placement import Placement
from tenken.measurement.condition import StateShare
from tenken.measurement.find import LINEAR_KINDS, PhotoDefect
from tenken.measurement.surface_widths import Breadth, PlacedReadings, StatedWidth, SurfaceWidths, place_readings
from tenken.measurement.width_statistics import NORMAL_90

FloatArray = npt.NDArray[np.float64]

ESTIMATED_FROM_R = 0.67
UNMEASURED_FROM_R = 0.33
"""Limits of r = width / effective ground resolution between estimated, unmeasured and below_limit (DESIGN 8);
from r = 2 on a width is measured, which `tenken.measurement.surface_widths` decides by giving a number."""

SMALLEST_CRACK_R = ESTIMATED_FROM_R
"""The smallest crack a photo can show, in effective ground resolutions (DESIGN 8)."""

WIDEST_CRACK_MM = 50.0
"""What is surely wider is a joint, a kerb or a shadow, or the scale is wrong: no width is stated for it [P]."""

COORDINATE_DECIMALS_PX = 2


@dataclass(frozen=True, slots=True)
class Sighting:
    """A defect as one photo shows it.

    Sizes on the surface and geometry in the flight's CRS (suffix ``_m``) are None without pose or surface.
    ``width_status`` is measured, estimated, unmeasured, below_limit or no_scale (cracks; None for other kinds).
    ``width_mm`` is the median along the crack; 95 % of it are narrower than ``width_p95``, and ``width_largest`` is the
    largest mean over 20 mm. ``chords_px`` shows where the width was read: lines across the crack, as long as it is
    wide there. ``length_m`` includes ``inferred_length_m``, gaps that were bridged but not seen (``inferred_px``).
    ``pattern`` is line, branched or network. ``state_share`` is None where the condition state is not known, and for
    kinds without one.
    """

    sighting_id: str
    photo: str
    photo_sha256: str
    kind: str
    score: float
    outline_px: MultiPolygon
    centreline_px: MultiLineString | None
    length_px: float | None
    width_px: float | None
    gsd_mm: float | None
    outline_m: MultiPolygon | None
    centreline_m: MultiLineString | None
    length_m: float | None
    area_m2: float | None
    width_mm: float | None
    width_low_mm: float | None
    width_high_mm: float | None
    width_status: str | None
    position_error_m: float | None
    state_share: StateShare | None = None
    width_p95: StatedWidth | None = None
    width_largest: StatedWidth | None = None
    chords_px: MultiLineString | None = None
    inferred_px: MultiLineString | None = None
    inferred_length_m: float | None = None
    pattern: str | None = None
    readings: PlacedReadings | None = field(default=None, compare=False, repr=False)
    """Where the width was read on the surface, for the widths of a part of the crack."""
    face: str | None = None
    """The face of the structure in whose chart geometry (suffix ``_m``) is; None for the flight's CRS, in plan."""


class Surfaces(Protocol):
    """What a photo's pixels show: one surface, or faces of a structure and the ground behind them."""

    def on_facet(self, xy_px: FloatArray) -> Placement | None:
        """Return the placement on what most of (n, 2) pixels show; None where that has no place."""
        ...


def sight(defect: PhotoDefect, photo: str, photo_sha256: str, placement: Surfaces | None) -> Sighting:
    """Measure a defect of one photo on the surface.

    Parameters
    ----------
    defect
        In full-photo pixels.
    photo, photo_sha256
        The photo's name and hash; part of the sighting's id.
    placement
        Where the photo's pixels lie; None without pose or surface, then sizes on the surface are None too.
    """
    middle = _points_along(defect)
    facet = placement.on_facet(middle) if placement is not None else None
    outline_m = _outline_on_surface(defect.outline_px, facet)
    line_m = _line_on_surface(defect.centreline_px, facet)
    placed = facet if outline_m is not None or line_m is not None else None
    scale = placed.grid_scale if placed is not None else 1.0
    # The interval must also hold when the photo was taken nearer or farther than its pose says.
    scale_off = NORMAL_90 * (finite_median(placed.scale_error(middle)) or 0.0) if placed is not None else 0.0
    readings = None
    if placed is not None and defect.readings is not None:
        readings = place_readings(defect.readings, placed, scale_off)
    gsd_mm = finite_median(placed.ground_resolution_mm(middle)[1]) if placed is not None else None
    if readings is not None and gsd_mm is not None and (masked_px := _masked_length_px(defect)) > 0:
        readings = replace(readings, breadth=Breadth.of(defect.outline_px, masked_px, gsd_mm * (1 + scale_off)))
    widths = readings.widths() if readings is not None else None
    if widths is not None and widths.median.low_mm > WIDEST_CRACK_MM:
        readings = widths = None
    status = _width_status(defect, placed, widths)
    return Sighting(
        sighting_id=_sighting_id(defect, photo_sha256),
        photo=photo,
        photo_sha256=photo_sha256,
        kind=defect.kind,
        score=defect.score,
        outline_px=defect.outline_px,
        centreline_px=defect.centreline_px,
        length_px=defect.length_px,
        width_px=defect.width_px,
        gsd_mm=gsd_mm,
        outline_m=outline_m,
        centreline_m=line_m,
        length_m=_length_3d(line_m) / scale if line_m is not None else None,
        area_m2=outline_m.area / scale**2 if outline_m is not None else None,
        width_mm=widths.median.width_mm if widths is not None else None,
        width_low_mm=widths.median.low_mm if widths is not None else None,
        width_high_mm=widths.median.high_mm if widths is not None else None,
        width_status=status,
        position_error_m=finite_median(placed.position_error_m(middle)) if placed is not None else None,
        state_share=defect.state_share,
        width_p95=widths.p95 if widths is not None else None,
        width_largest=widths.largest if widths is not None else None,
        chords_px=defect.readings.chords_px if defect.readings is not None else None,
        inferred_px=defect.inferred_px,
        inferred_length_m=_length_on_surface(defect.inferred_px, facet),
        pattern=defect.pattern,
        readings=readings,
        face=placed.on_face if placed is not None else None,
    )


def _width_status(defect: PhotoDefect, placed: Placement | None, widths: SurfaceWidths | None) -> str | None:
    if defect.kind not in LINEAR_KINDS:
        return None
    if placed is None:
        return "no_scale"
    if widths is None or defect.width_low_px is None or defect.width_high_px is None:
        return "unmeasured"
    if widths.median.width_mm is not None:
        return "measured"
    r = (defect.width_low_px + defect.width_high_px) / 2
    if r >= ESTIMATED_FROM_R:
        return "estimated"
    return "unmeasured" if r >= UNMEASURED_FROM_R else "below_limit"


def _masked_length_px(defect: PhotoDefect) -> float:
    """Length of the centre line that lies in the mask: gaps that were bridged have none."""
    if defect.centreline_px is None:
        return 0.0
    return float(defect.centreline_px.length - (defect.inferred_px.length if defect.inferred_px is not None else 0.0))


def _sighting_id(defect: PhotoDefect, photo_sha256: str) -> str:
    outline = shapely.to_wkt(defect.outline_px, rounding_precision=COORDINATE_DECIMALS_PX)
    return hashlib.sha256(f"{photo_sha256} {defect.kind} {outline}".encode()).hexdigest()[:16]


def _points_along(defect: PhotoDefect) -> FloatArray:
    """Pixels that stand for the defect: vertices of its centre line, or of its outline and middle."""
    if defect.centreline_px is not None:
        return np.asarray(shapely.get_coordinates(defect.centreline_px), dtype=np.float64)
    middle = shapely.get_coordinates(shapely.point_on_surface(defect.outline_px))
    return np.vstack([middle, shapely.get_coordinates(defect.outline_px)])


def _outline_on_surface(outline: MultiPolygon, placement: Placement | None) -> MultiPolygon | None:
    if placement is None:
        return None
    polygons = []
    for polygon in outline.geoms:
        shell = _ring_on_surface(polygon.exterior.coords, placement)
        if shell is None:
            continue
        holes = [_ring_on_surface(ring.coords, placement) for ring in polygon.interiors]
        polygons.append(Polygon(shell, [hole for hole in holes if hole is not None]))
    valid = shapely.make_valid(MultiPolygon(polygons), method="structure", keep_collapsed=False)
    parts = [part for part in shapely.get_parts(valid) if part.geom_type == "Polygon" and part.area > 0]
    return MultiPolygon(parts) if parts else None


def _ring_on_surface(coords: object, placement: Placement) -> FloatArray | None:
    xyz_m = placement.to_world(np.asarray(coords, dtype=np.float64)[:, :2])
    hit = xyz_m[np.isfinite(xyz_m).all(axis=1)]
    return hit[:, :2] if len(hit) >= 4 else None


def _line_on_surface(line: MultiLineString | None, placement: Placement | None) -> MultiLineString | None:
    """Return the line with heights; where rays miss the surface the line is cut."""
    if line is None or placement is None:
        return None
    parts: list[LineString] = []
    for part in line.geoms:
        xyz_m = placement.to_world(np.asarray(part.coords, dtype=np.float64)[:, :2])
        hit = np.asarray(np.isfinite(xyz_m).all(axis=1))
        runs = np.split(np.arange(len(hit)), np.flatnonzero(np.diff(hit)) + 1)
        parts += [LineString(xyz_m[run]) for run in runs if len(run) >= 2 and hit[run[0]]]
    return MultiLineString(parts) if parts else None


def _length_3d(line: MultiLineString) -> float:
    steps = (np.diff(shapely.get_coordinates(part, include_z=True), axis=0) for part in line.geoms)
    return float(sum(np.sqrt((step**2).sum(axis=1)).sum() for step in steps))


def _length_on_surface(line: MultiLineString | None, placement: Placement | None) -> float | None:
    """Give metres along a line on the surface; 0 where there is none to measure, None without a place."""
    if placement is None:
        return None
    line_m = _line_on_surface(line, placement)
    return 0.0 if line_m is None else _length_3d(line_m) / placement.grid_scale


def finite_median(values: FloatArray) -> float | None:
    """Return the median of what is finite; None where nothing is."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else None
