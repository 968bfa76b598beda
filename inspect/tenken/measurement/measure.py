"""From pixels to metres: a defect's sizes on the surface, with errors, and how far the width can be trusted."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Polygon

from tenken.georeferencing.placement import Placement
from tenken.measurement.condition import StateShare
from tenken.measurement.find import LINEAR_KINDS, PhotoDefect
from tenken.measurement.profiles import NORMAL_90

FloatArray = npt.NDArray[np.float64]

ESTIMATED_FROM_R = 0.67
UNMEASURED_FROM_R = 0.33
"""Limits of r = width / effective ground resolution between estimated, unmeasured and below_limit (DESIGN 8);
from r = 2 on a width is measured, which `tenken.measurement.profiles` decides by giving a number."""

SMALLEST_CRACK_R = ESTIMATED_FROM_R
"""The smallest crack a photo can show, in effective ground resolutions (DESIGN 8)."""

WIDEST_CRACK_MM = 50.0
"""What is surely wider is a joint, a kerb or a shadow, or the scale is wrong: no width is stated for it [P]."""

COORDINATE_DECIMALS_PX = 2
ACROSS_POINTS = 33
"""Points along a crack at which the scale across it is taken."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A defect as one photo shows it.

    Sizes on the surface and geometry in the flight's CRS (suffix ``_m``) are None without pose or surface.
    ``width_status`` is measured, estimated, unmeasured, below_limit or no_scale (cracks; None for other kinds).
    ``state_share`` is None where the condition state is not known, and for kinds without one.
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


def sight(defect: PhotoDefect, photo: str, photo_sha256: str, placement: Placement | None) -> Sighting:
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
    across_mm = _scale_across_mm(defect.centreline_px, placed)
    wide_mm = across_mm if _is_plausible(defect, across_mm) else None
    # The interval must also hold when the photo was taken nearer or farther than its pose says.
    scale_off = NORMAL_90 * (finite_median(placed.scale_error(middle)) or 0.0) if placed is not None else 0.0
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
        gsd_mm=finite_median(placed.ground_resolution_mm(middle)[1]) if placed is not None else None,
        outline_m=outline_m,
        centreline_m=line_m,
        length_m=_length_3d(line_m) / scale if line_m is not None else None,
        area_m2=outline_m.area / scale**2 if outline_m is not None else None,
        width_mm=_times(defect.width_px, wide_mm),
        width_low_mm=_times(_times(defect.width_low_px, wide_mm), max(0.0, 1 - scale_off)),
        width_high_mm=_times(_times(defect.width_high_px, wide_mm), 1 + scale_off),
        width_status=_width_status(defect, across_mm) if defect.kind in LINEAR_KINDS else None,
        position_error_m=finite_median(placed.position_error_m(middle)) if placed is not None else None,
        state_share=defect.state_share,
    )


def _width_status(defect: PhotoDefect, across_mm: float | None) -> str:
    if across_mm is None:
        return "no_scale"
    if not _is_plausible(defect, across_mm):
        return "unmeasured"
    if defect.width_px is not None:
        return "measured"
    if defect.width_low_px is None or defect.width_high_px is None:
        return "unmeasured"
    r = (defect.width_low_px + defect.width_high_px) / 2
    if r >= ESTIMATED_FROM_R:
        return "estimated"
    return "unmeasured" if r >= UNMEASURED_FROM_R else "below_limit"


def _is_plausible(defect: PhotoDefect, across_mm: float | None) -> bool:
    """Whether what was read can be a crack's width at all."""
    low_px = defect.width_low_px
    return low_px is None or across_mm is None or low_px * across_mm <= WIDEST_CRACK_MM


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


def _scale_across_mm(line: MultiLineString | None, placement: Placement | None) -> float | None:
    """Millimetres on the surface per photo pixel, across the line, so that tilt counts only where it foreshortens."""
    if line is None or placement is None:
        return None
    part = max(line.geoms, key=lambda piece: piece.length)
    at = np.linspace(0, 1, ACROSS_POINTS)[1:-1]
    centre = shapely.get_coordinates(shapely.line_interpolate_point(part, at, normalized=True))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(part, np.minimum(1, at + 0.02), normalized=True))
    along = ahead - centre
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    # Five pixels to each side: far more than rounding, far less than the surface's relief.
    left, right = placement.to_world(centre - 5 * normal), placement.to_world(centre + 5 * normal)
    distance_m = np.sqrt(((right - left) ** 2).sum(axis=1)) / 10 / placement.grid_scale
    return _times(finite_median(distance_m), 1000.0)


def finite_median(values: FloatArray) -> float | None:
    """Return the median of what is finite; None where nothing is."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else None


def _times(value: float | None, factor: float | None) -> float | None:
    return None if value is None or factor is None else value * factor
