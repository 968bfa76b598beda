"""What was seen of each segment: by a usable photo, too coarsely, only by unusable photos, or not at all."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon, STRtree
from shapely.geometry.base import BaseGeometry

from tenken.structure.segments import CoveragePatch, Segment, Status

LEAST_SEEN = 0.05
"""A segment of which less was seen counts as not seen: so much may be a neighbour, at the accuracy of GPS."""
_GRID_M = 0.001
"""Overlays snap to a millimetre, which keeps slivers out and GEOS right where edges nearly coincide."""
_SLIVER = 1e-4
"""Parts below this share of their segment come from rounding (0.01 m² of 100 m²)."""


@dataclass(frozen=True, slots=True)
class View:
    """What a photo, or an orthomosaic, shows of the surface, and how well."""

    photo: str
    footprint: Polygon | MultiPolygon
    """In the flight's CRS."""
    effective_resolution_mm: float | None
    """Of the photo's middle, in mm per pixel, the incidence angle taken into account; None when unknown."""
    usable: bool
    """Sharp and well exposed."""
    square_on: bool = True
    """Looks at the surface at an angle at which cracks can be judged."""
    face: str | None = None
    """The face of the structure in whose chart the footprint is; None for the flight's CRS, in plan."""


def cover(
    segments: Sequence[Segment], views: Sequence[View], *, max_resolution_mm: float | None = None
) -> dict[str, tuple[CoveragePatch, ...]]:
    """Divide each segment by how well it was seen.

    Parameters
    ----------
    segments, views
        In one CRS. The order of the views does not matter.
    max_resolution_mm
        Coarsest effective resolution that counts as seen, mm per pixel. None: any that is known. Which cracks
        a photo can show depends on it (0.67 pixels and wider), so a user who looks for 0.2 mm gives 0.3.

    Returns
    -------
    Patches by segment id, best status first; a status without area has no patch.
    """
    ordered = sorted(views, key=lambda view: (_resolution_mm(view), view.photo))
    # A footprint that reaches the horizon can cross itself.
    valid = shapely.make_valid(np.array([view.footprint for view in ordered], dtype=object))
    footprints = shapely.set_precision(valid, _GRID_M)
    shapely.prepare(footprints)
    areas = np.array([segment.geometry for segment in segments], dtype=object)
    nearby: dict[int, list[int]] = defaultdict(list)
    if len(areas) and len(footprints):
        which, where = STRtree(footprints).query(areas, predicate="intersects")
        for segment, view in sorted(zip(which.tolist(), where.tolist(), strict=True)):
            nearby[segment].append(view)
    return {
        segment.segment_id: _patches(segment, [(ordered[j], footprints[j]) for j in nearby[i]], max_resolution_mm)
        for i, segment in enumerate(segments)
    }


def area_of(views: Sequence[View]) -> BaseGeometry:
    """Give the union of what photos show, usable or not."""
    valid = shapely.make_valid(np.array([view.footprint for view in views], dtype=object))
    return shapely.union_all(valid, grid_size=_GRID_M)


def seen_fraction(segment: Segment, patches: Sequence[CoveragePatch]) -> float:
    """Give the share of the segment's area that was seen, 0..1."""
    seen_m2 = sum(patch.geometry.area for patch in patches if patch.status == "seen")
    return min(1.0, round(seen_m2 / segment.geometry.area, 6))


def seen_areas(coverage: Mapping[str, Sequence[CoveragePatch]]) -> dict[str, MultiPolygon]:
    """Give what was seen of each segment of which something was."""
    return {
        segment_id: patch.geometry
        for segment_id, patches in coverage.items()
        for patch in patches
        if patch.status == "seen"
    }


def _patches(
    segment: Segment, views: Sequence[tuple[View, BaseGeometry]], max_resolution_mm: float | None
) -> tuple[CoveragePatch, ...]:
    by_status: dict[Status, list[tuple[View, BaseGeometry]]] = {
        "seen": [], "too_coarse": [], "unusable_photo": []
    }  # fmt: skip
    for view, footprint in views:
        by_status[_status(view, max_resolution_mm)].append((view, footprint))
    whole: BaseGeometry = shapely.set_precision(segment.geometry, _GRID_M)
    left = whole
    sliver_m2 = _SLIVER * segment.geometry.area
    patches = []
    for status, showing in by_status.items():
        taken: list[BaseGeometry] = []
        photos = 0
        resolution_mm = None
        for view, footprint in showing:
            if shapely.covers(footprint, whole):
                photos, common = photos + 1, left
            elif shapely.area(shapely.intersection(whole, footprint, grid_size=_GRID_M)) > sliver_m2:
                photos, common = photos + 1, _polygons(shapely.intersection(left, footprint, grid_size=_GRID_M), 0.0)
            else:
                continue
            if shapely.area(common) > sliver_m2:
                taken.append(common)
                resolution_mm = view.effective_resolution_mm
                # Edges that collapse on the grid may be left as lines, which the next overlay refuses.
                left = _polygons(shapely.difference(left, footprint, grid_size=_GRID_M), 0.0)
        if taken:
            area = _polygons(shapely.union_all(taken, grid_size=_GRID_M), sliver_m2)
            patches.append(CoveragePatch(segment.segment_id, status, photos, area, resolution_mm))
    rest = _polygons(left, sliver_m2)
    if not rest.is_empty:
        patches.append(CoveragePatch(segment.segment_id, "not_seen", 0, rest))
    return tuple(patches)


def _status(view: View, max_resolution_mm: float | None) -> Status:
    if not (view.usable and view.square_on):
        return "unusable_photo"
    if view.effective_resolution_mm is None:
        return "too_coarse"
    if max_resolution_mm is not None and view.effective_resolution_mm > max_resolution_mm:
        return "too_coarse"
    return "seen"


def _resolution_mm(view: View) -> float:
    return np.inf if view.effective_resolution_mm is None else view.effective_resolution_mm


def _polygons(geometry: BaseGeometry, sliver_m2: float) -> MultiPolygon:
    parts = shapely.get_parts(geometry)
    return MultiPolygon([part for part in parts if part.geom_type == "Polygon" and part.area > sliver_m2])
