"""A vertical face: a line in plan and a range of heights. Piers, abutments, girder webs, walls."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Point

from tenken.georeferencing.face import FaceKind, FloatArray, Frame, Hits

Side = Literal["left", "right", "both"]


@dataclass(frozen=True, slots=True, eq=False)
class VerticalFace:
    """A wall along a line. Chart: x is the chainage along the line, y the height; both in metres on the ground.

    Parameters
    ----------
    name
        Id of the asset.
    frame
        Metres on the ground around it.
    corners_m
        (k, 2) corners of the line, in the frame; the last equals the first where it goes all round.
    bottom_m, top_m
        Heights.
    side
        From which side of the line, as one walks along it, the face is seen.
    """

    name: str
    frame: Frame
    corners_m: FloatArray
    bottom_m: float
    top_m: float
    side: Side = "both"
    kind: FaceKind = "vertical"
    chart_scale: float = 1.0

    @property
    def starts_m(self) -> FloatArray:
        """(k,) chainage of each corner."""
        return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.corners_m, axis=0), axis=1))])

    @property
    def outline(self) -> MultiPolygon:
        """The rectangle of its length and heights."""
        return MultiPolygon([shapely.box(0.0, self.bottom_m, float(self.starts_m[-1]), self.top_m)])

    @property
    def bends_m(self) -> tuple[float, ...]:
        """Chainages of the inner corners, and of a ring's first."""
        return tuple(self.starts_m[0 if self.is_ring else 1 : -1].tolist())

    @property
    def is_ring(self) -> bool:
        """Whether it goes all round."""
        return bool(np.array_equal(self.corners_m[0], self.corners_m[-1]))

    @property
    def period_m(self) -> tuple[float, float] | None:
        """All round, where it is a ring."""
        return (float(self.starts_m[-1]), 0.0) if self.is_ring else None

    @property
    def mirrored(self) -> bool:
        """From the left of a line that one walks along, its beginning is on the right."""
        return self.side == "left"

    def meet(self, origin_m: FloatArray, directions: FloatArray, *, beyond: bool = False) -> Hits:
        """Find where rays meet the wall; `beyond` also above, below and past its two ends."""
        hits = self._nearest(origin_m, directions, beyond=False)
        if beyond:
            past = self._nearest(origin_m, directions, beyond=True)
            hits = hits.nearer(past.where(np.isnan(hits.reach)))
        if not self.is_ring:
            return hits
        length_m = float(self.starts_m[-1])
        middle = self._chainage(self.frame.local(origin_m)[:2])
        hits.chart_m[:, 0] = middle - length_m / 2 + np.mod(hits.chart_m[:, 0] - middle + length_m / 2, length_m)
        return hits

    def place(self, chart_m: FloatArray) -> FloatArray:
        """(n, 2) chainage and height to (n, 3) in the flight's CRS; chainages past the ends go on straight."""
        starts = self.starts_m
        x = np.mod(chart_m[:, 0], starts[-1]) if self.is_ring else chart_m[:, 0]
        piece = np.clip(np.searchsorted(starts, x, side="right") - 1, 0, len(starts) - 2)
        begin, end = self.corners_m[piece], self.corners_m[piece + 1]
        along = (end - begin) / (starts[piece + 1] - starts[piece])[:, None]
        xy = begin + along * (x - starts[piece])[:, None]
        return self.frame.grid(np.column_stack([xy, chart_m[:, 1]]))

    def _nearest(self, origin_m: FloatArray, directions: FloatArray, *, beyond: bool) -> Hits:
        hits = Hits.none(len(directions))
        for piece in range(len(self.corners_m) - 1):
            hits = hits.nearer(self._meet_piece(piece, origin_m, directions, beyond=beyond))
        return hits

    def _chainage(self, xy_m: FloatArray) -> float:
        """Chainage of the place on the line that is nearest to a point of the frame."""
        return float(LineString(self.corners_m).project(Point(xy_m)))

    def _meet_piece(self, piece: int, origin_m: FloatArray, directions: FloatArray, *, beyond: bool) -> Hits:
        begin, end = self.corners_m[piece], self.corners_m[piece + 1]
        length_m = float(np.linalg.norm(end - begin))
        along = (end - begin) / length_m
        right = np.array([along[1], -along[0]])
        origin, rays = self.frame.local(origin_m), self.frame.directions(directions)
        towards = rays[:, :2] @ right
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = ((begin - origin[:2]) @ right) / towards
        met = np.isfinite(reach) & (reach > 0.0)
        if self.side != "both":
            met &= (towards < 0.0) if self.side == "right" else (towards > 0.0)
        local = origin + rays * np.where(met, reach, np.nan)[:, None]
        place = (local[:, :2] - begin) @ along
        goes_on = beyond and not self.is_ring
        opens = goes_on and piece == 0, goes_on and piece == len(self.corners_m) - 2
        met &= (place >= (-np.inf if opens[0] else 0.0)) & (place <= (np.inf if opens[1] else length_m))
        if not beyond:
            met &= (local[:, 2] >= self.bottom_m) & (local[:, 2] <= self.top_m)
        normal = np.column_stack([-np.sign(towards)[:, None] * right, np.zeros(len(rays))])
        chart = np.column_stack([self.starts_m[piece] + place, local[:, 2]])
        return Hits(reach, self.frame.grid(local), normal, chart).where(met)
