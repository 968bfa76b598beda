"""A structure's own faces: vertical faces, undersides and pipes, each with a chart, a flat map of its own in metres.

What lies on a face is measured, joined and counted in its chart, never in plan view: a vertical crack on a pier has no
length in plan. Only what is written for maps is brought back.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString, MultiPoint, MultiPolygon
from shapely.geometry.base import BaseGeometry

FloatArray = npt.NDArray[np.float64]

FaceKind = Literal["vertical", "underside", "pipe"]

PLAN_MARGIN_M = 0.05
"""What is written for maps of a face that a plan shows as a line is a band that reaches so far to each side."""
_PLAN_POINTS = 9


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Where rays meet a face, a struct of arrays; NaN where they miss it."""

    reach: FloatArray
    """(n,) in lengths of the ray's direction."""
    xyz_m: FloatArray
    """(n, 3) in the flight's CRS."""
    normal: FloatArray
    """(n, 3) unit normals out of the structure; a unit is a metre on the ground in every direction."""
    chart_m: FloatArray
    """(n, 2) in the face's chart."""

    @classmethod
    def none(cls, count: int) -> "Hits":
        """Return misses only."""
        nothing = np.full((count, 3), np.nan)
        return cls(nothing[:, 0], nothing, nothing, nothing[:, :2])

    def nearer(self, other: "Hits") -> "Hits":
        """Return for each ray the nearer of two places."""
        first = ~(other.reach < self.reach) & np.isfinite(self.reach)
        return Hits(
            np.where(first, self.reach, other.reach),
            np.where(first[:, None], self.xyz_m, other.xyz_m),
            np.where(first[:, None], self.normal, other.normal),
            np.where(first[:, None], self.chart_m, other.chart_m),
        )

    def where(self, kept: npt.NDArray[np.bool_]) -> "Hits":
        """Return the same with misses wherever ``kept`` is false."""
        return Hits(
            np.where(kept, self.reach, np.nan),
            *(np.where(kept[:, None], values, np.nan) for values in (self.xyz_m, self.normal, self.chart_m)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Metres on the ground around a face: grids stretch lengths, and a face is as long as it is on the ground."""

    anchor_m: FloatArray
    """(2,) origin, easting and northing in the flight's CRS."""
    grid_scale: float
    """Grid metres per metre on the ground."""

    def local(self, xyz_m: FloatArray) -> FloatArray:
        """(n, 3) or (3,) from the flight's CRS."""
        local: FloatArray = (xyz_m - np.array([*self.anchor_m, 0.0])) / self._stretch
        return local

    def directions(self, rays: FloatArray) -> FloatArray:
        """(n, 3) directions from the flight's CRS."""
        return rays / self._stretch

    def grid(self, local_m: FloatArray) -> FloatArray:
        """(n, 3) back into the flight's CRS."""
        place: FloatArray = local_m * self._stretch + np.array([*self.anchor_m, 0.0])
        return place

    @property
    def _stretch(self) -> FloatArray:
        return np.array([self.grid_scale, self.grid_scale, 1.0])


class Face(Protocol):
    """A face of a structure. Heights are in the datum of `tenken.georeferencing.faces_in_view`."""

    @property
    def name(self) -> str:
        """Id of the asset."""
        ...

    @property
    def kind(self) -> FaceKind:
        """What it is."""
        ...

    @property
    def outline(self) -> MultiPolygon:
        """All of it, in its chart."""
        ...

    @property
    def chart_scale(self) -> float:
        """Chart metres per metre on the ground."""
        ...

    @property
    def bends_m(self) -> tuple[float, ...]:
        """Chainages at which it bends; of a ring also where it begins."""
        ...

    @property
    def mirrored(self) -> bool:
        """Whether who looks at it sees the chart's x run from right to left."""
        ...

    @property
    def period_m(self) -> tuple[float, float] | None:
        """How far the chart goes until it comes back to the same place, where the face goes all round."""
        ...

    def meet(self, origin_m: FloatArray, directions: FloatArray, *, beyond: bool = False) -> Hits:
        """Find where rays meet the face from outside.

        Where the face goes all round, the places that one camera sees hang together: they may lie up to half a period
        outside of the outline.

        Parameters
        ----------
        origin_m, directions
            (3,) and (n, 3) in the flight's CRS.
        beyond
            Also where its plane, or its pipe, goes on beyond its ends: a defect may stand out by a pose's error.
        """
        ...

    def place(self, chart_m: FloatArray) -> FloatArray:
        """(n, 2) places of the chart to (n, 3) in the flight's CRS."""
        ...


def plan_area(face: Face, shape: MultiPolygon) -> MultiPolygon:
    """Give the band in plan view above (or below) an area of a face; of an underside the area itself."""
    if face.kind == "underside":
        return shape
    bands = [
        _hull(face, (west, south, east, north)).buffer(PLAN_MARGIN_M, cap_style="square", join_style="mitre")
        for part in shape.geoms
        for west, south, east, north in _unbent(face, part.bounds)
    ]
    return MultiPolygon([part for part in shapely.get_parts(shapely.union_all(bands)) if part.geom_type == "Polygon"])


def plan_line(face: Face, line: MultiLineString) -> MultiLineString:
    """Give a line of a face in plan view; one that a plan shows as a point becomes a short line along the face."""
    parts = []
    for part in line.geoms:
        chart = shapely.get_coordinates(part)
        seen = LineString(face.place(chart)[:, :2])
        if seen.length < 2 * PLAN_MARGIN_M:
            x, y = (chart.min(axis=0) + chart.max(axis=0)) / 2
            ends = np.array([[x - PLAN_MARGIN_M, y], [x + PLAN_MARGIN_M, y]])
            if face.kind != "underside":
                seen = LineString(face.place(ends)[:, :2])
        if seen.length > 0:
            parts.append(seen)
    return MultiLineString(parts)


def height_at(face: Face, shape: BaseGeometry) -> tuple[float, float, float]:
    """Give the chart's x and y of a place on a shape, and its height."""
    point = shapely.point_on_surface(shape)
    place = face.place(np.array([[point.x, point.y]]))[0]
    return float(point.x), float(point.y), float(place[2])


def _unbent(face: Face, bounds: tuple[float, float, float, float]) -> list[tuple[float, float, float, float]]:
    """Cut bounds at the face's bends."""
    west, south, east, north = bounds
    round_m = face.period_m[0] if face.period_m is not None else 0.0
    bends = sorted({bend + turn * round_m for bend in face.bends_m for turn in (-1, 0, 1)})
    cuts = [west, *(bend for bend in bends if west < bend < east), east]
    return [(a, south, b, north) for a, b in pairwise(cuts)]


def _hull(face: Face, bounds: tuple[float, float, float, float]) -> BaseGeometry:
    west, south, east, north = bounds
    x, y = np.meshgrid(np.linspace(west, east, 2), np.linspace(south, north, _PLAN_POINTS))
    places = face.place(np.column_stack([x.ravel(), y.ravel()]))[:, :2]
    return MultiPoint(places).convex_hull
