"""What of each defect lies in which segment: a crack through three segments counts in each with its part of it.

A defect keeps one record, whose segment is the one that holds most of it. Length, area and width, and with them grade
and rank of a segment, are those of what lies there.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import shapely
from shapely import MultiLineString, MultiPolygon, STRtree
from shapely.geometry.base import BaseGeometry

from tenken.identity.identify import Defect, by_width_trust
from tenken.structure.segments import Segment

LEAST_LENGTH_M = 0.05
"""Less of a crack in another segment than that which holds most of it counts there with the rest [P]."""
LEAST_AREA_M2 = 0.0001
"""The same for areas, which are small where they are counted at all [P]."""
_GRID_M = 0.0001
"""Overlays of outlines snap to a tenth of a millimetre, which keeps GEOS right where edges nearly coincide."""

Cut = Callable[[Any], Any]
"""From a geometry, or an array of them, to what is left of it."""


def parts_by_segment(
    defects: Sequence[Defect], places: Sequence[str | None], segments: Sequence[Segment]
) -> dict[str, list[Defect]]:
    """Cut defects at the borders of segments.

    Where segments overlap a place counts once, in the segment that holds more of the defect. What lies outside of all
    segments, and too little to count by itself, counts in the defect's own segment: the parts add up to the whole.

    Parameters
    ----------
    defects
        Any number, with or without a place.
    places
        Id of the segment that holds most of each; None for those in no segment, which are left out.
    segments
        All of them.

    Returns
    -------
    By segment id the defects as far as they lie there, under their own ids, in the order given.
    """
    found: dict[str, list[Defect]] = defaultdict(list)
    areas = np.array([segment.geometry for segment in segments], dtype=object)
    tree = STRtree(areas)
    for defect, home in zip(defects, places, strict=True):
        if home is None:
            continue
        shape = _place(defect)
        near = [] if shape is None else sorted(tree.query(shape, predicate="intersects").tolist())
        reached = {segments[i].segment_id: segments[i].geometry for i in near}
        if shape is None or set(reached) <= {home}:
            found[home].append(defect)
            continue
        for segment_id, part in _cut(defect, shape, home, reached).items():
            found[segment_id].append(part)
    return found


def _cut(defect: Defect, whole: BaseGeometry, home: str, reached: Mapping[str, MultiPolygon]) -> dict[str, Defect]:
    is_line = shapely.get_dimensions(whole) == 1
    least = LEAST_LENGTH_M if is_line else LEAST_AREA_M2
    shared = {one: _size(shapely.intersection(whole, area)) for one, area in reached.items()}
    areas: dict[str, BaseGeometry] = {}
    claimed: BaseGeometry = reached[home]
    for segment_id in sorted(set(reached) - {home}, key=lambda one: (-round(shared[one], 6), one)):
        area = shapely.difference(reached[segment_id], claimed, grid_size=_GRID_M)
        if _size(shapely.intersection(whole, area)) >= least:
            areas[segment_id] = area
            claimed = shapely.union(claimed, area, grid_size=_GRID_M)
    elsewhere = shapely.union_all(list(areas.values()), grid_size=_GRID_M)
    if not areas or _size(shapely.difference(whole, elsewhere)) == 0:
        return {home: defect}
    cuts: dict[str, Cut] = {home: partial(_beyond, elsewhere)}
    cuts |= {one: partial(shapely.intersection, area) for one, area in areas.items()}
    sizes = {one: _size(cut(whole)) for one, cut in cuts.items()}
    # Where a line lies on itself the whole is longer than its parts.
    return {one: _part(defect, cut, sizes[one] / sum(sizes.values())) for one, cut in cuts.items()}


def _beyond(taken: BaseGeometry, shape: Any) -> Any:
    return shapely.difference(shape, taken)


def _part(defect: Defect, cut: Cut, share: float) -> Defect:
    """Give a defect as far as a cut leaves it, with its share of the sizes."""
    part = replace(
        defect,
        outline_m=None if defect.outline_m is None else _polygons(cut(shapely.make_valid(defect.outline_m))),
        centreline_m=None if defect.centreline_m is None else _lines(cut(defect.centreline_m)),
        length_m=_share(defect.length_m, share),
        area_m2=_share(defect.area_m2, share),
        inferred_length_m=_share(defect.inferred_length_m, share),
    )
    # The widths from the readings that lie there; where there are none the whole crack's stay.
    for sighting in by_width_trust(defect.sightings):
        if sighting.readings is None:
            continue
        there = ~np.asarray(shapely.is_empty(cut(shapely.points(sighting.readings.xy_m))), dtype=np.bool_)
        widths = sighting.readings.within(there)
        if widths is not None:
            return replace(
                part,
                # The whole's middle says nothing of a part that is too narrow for a number.
                width_mm=None if widths.largest.width_mm is None else sighting.width_mm,
                width_low_mm=sighting.width_low_mm,
                width_high_mm=sighting.width_high_mm,
                width_status=sighting.width_status,
                width_p95=widths.p95,
                width_largest=widths.largest,
            )
    return part


def _place(defect: Defect) -> BaseGeometry | None:
    return defect.centreline_m if defect.centreline_m is not None else defect.outline_m


def _size(shape: BaseGeometry) -> float:
    """Length of lines, area of polygons."""
    lines = [part.length for part in shapely.get_parts(shape) if part.geom_type == "LineString"]
    return float(shape.area or sum(lines))


def _share(value: float | None, share: float) -> float | None:
    return None if value is None else value * share


def _lines(shape: BaseGeometry) -> MultiLineString | None:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "LineString" and part.length > 0]
    return MultiLineString(parts) if parts else None


def _polygons(shape: BaseGeometry) -> MultiPolygon | None:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    return MultiPolygon(parts) if parts else None
