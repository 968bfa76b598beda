"""The sightings of one photo as shapes on the surface that can be laid onto those of another photo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Polygon

from tenken.measurement.measure import Sighting

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

KINDS_APART_M = 1e6
"""Third coordinate by kind, so that a nearest point is always of the same kind."""

LINE_SPACING_PX = 4.0
"""Distance of the points that stand for a line, in ground resolutions."""

MOST_LINE_POINTS = 2000


@dataclass(frozen=True, slots=True)
class View:
    """What one photo shows of a surface, and how well; in the flight's CRS, or the chart of a face."""

    photo: str
    footprint: Polygon | MultiPolygon
    gsd_mm: float
    position_error_m: float
    usable: bool = True
    """Sharp and well exposed: only then does not finding a defect count against it."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Points along the lines of one photo's cracks, a struct of arrays."""

    xy_m: FloatArray
    """(n, 2)"""
    kind: IntArray
    """(n,) code of the kind."""
    owner: IntArray
    """(n,) which sighting a point is of."""

    def moved(self, xy_m: FloatArray) -> "Lines":
        """Return the same points elsewhere."""
        return Lines(xy_m, self.kind, self.owner)

    def chosen(self, chosen: npt.NDArray[np.bool_]) -> "Lines":
        """Return some of the points."""
        return Lines(self.xy_m[chosen], self.kind[chosen], self.owner[chosen])

    def __len__(self) -> int:
        return len(self.xy_m)

    @property
    def apart(self) -> FloatArray:
        """(n, 3) points, the kinds far from each other."""
        return np.column_stack([self.xy_m, self.kind * KINDS_APART_M])


@dataclass(frozen=True, slots=True, eq=False)
class PhotoMarks:
    """What one photo shows, counted from a common origin near the flight."""

    view: View
    footprint: Polygon | MultiPolygon
    lines: Lines
    areas: Mapping[int, MultiPolygon]
    """Outlines of the sightings that have no line, by number."""
    kinds: Mapping[int, int]
    """Code of the kind of each sighting."""

    @classmethod
    def of(
        cls, view: View, numbers: Sequence[int], sightings: Sequence[Sighting], origin_m: FloatArray
    ) -> "PhotoMarks":
        """Collect what a photo shows; ``numbers`` count into ``sightings``."""
        kinds = {number: kind_code(sightings[number].kind) for number in numbers}
        areas, parts = {}, []
        for number in numbers:
            line, outline = sightings[number].centreline_m, sightings[number].outline_m
            if line is not None:
                points = points_along(line, LINE_SPACING_PX * view.gsd_mm / 1000) - origin_m
                parts.append(Lines(points, *(np.full(len(points), value) for value in (kinds[number], number))))
            elif outline is not None:
                areas[number] = shapely.transform(outline, lambda xy: xy - origin_m)
        footprint = shapely.transform(view.footprint, lambda xy: xy - origin_m)
        shapely.prepare(footprint)
        return cls(view, footprint, _together(parts), areas, kinds)


def place_of(sighting: Sighting) -> MultiLineString | MultiPolygon | None:
    """Return where a sighting lies: its line or else its outline; None without a place."""
    return sighting.centreline_m if sighting.centreline_m is not None else sighting.outline_m


def points_along(shape: MultiLineString, spacing_m: float) -> FloatArray:
    """Return (n, 2) points along a line at even distances, the ends of its parts among them."""
    parts = [p for p in shapely.get_parts(shapely.force_2d(shape)) if isinstance(p, LineString) and p.length > 0]
    spacing = max(spacing_m, sum(part.length for part in parts) / MOST_LINE_POINTS, 1e-6)
    return np.concatenate([np.empty((0, 2)), *(_along(part, spacing) for part in parts)])


def kind_code(kind: str) -> int:
    """Return a number for a kind that does not hang on which kinds there are."""
    return int.from_bytes(kind.encode("utf-8")[:4], "big") % 9973


def _along(part: LineString, spacing: float) -> FloatArray:
    count = max(2, int(part.length / spacing) + 1)
    points = shapely.line_interpolate_point(part, np.linspace(0, 1, count), normalized=True)
    return np.asarray(shapely.get_coordinates(points), dtype=np.float64)


def _together(parts: Sequence[Lines]) -> Lines:
    if not parts:
        return Lines(np.empty((0, 2)), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    return Lines(
        np.concatenate([part.xy_m for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.owner for part in parts]),
    )
