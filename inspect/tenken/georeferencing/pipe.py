"""A pipe: a line in space and a radius. Pipe bridges, exposed lines, round piers."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import MultiPolygon

from tenken.georeferencing.face import FaceKind, FloatArray, Frame, Hits

_UPRIGHT = 0.95
"""A pipe whose axis points up as steeply as this cosine has no crown: its northern side stands in for it."""
_SEAMS = 8
"""The seam lies at one of so many places around, so that it does not move with a camera's centimetres."""
_ALL_ROUND = 0.1
"""Length of the mean of the cameras' directions below which they stand all around."""


@dataclass(frozen=True, slots=True, eq=False)
class Pipe:
    """The outside of a pipe. Chart: x along the axis, y around it, unrolled; both in metres.

    y is 0 at the crown and grows to the left as one looks along the axis.

    Parameters
    ----------
    name
        Id of the asset.
    frame
        Metres on the ground around it.
    corners_m
        (k, 3) corners of the axis, in the frame.
    radius_m
        To the outside.
    seam_rad
        Where the chart begins and ends, as an angle from the crown to the left; -pi, the lowest line, unless photos
        look at that.
    """

    name: str
    frame: Frame
    corners_m: FloatArray
    radius_m: float
    seam_rad: float = -np.pi
    kind: FaceKind = "pipe"
    chart_scale: float = 1.0
    mirrored: bool = False

    @property
    def starts_m(self) -> FloatArray:
        """(k,) chainage of each corner."""
        return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.corners_m, axis=0), axis=1))])

    @property
    def outline(self) -> MultiPolygon:
        """The rectangle of its length and its circumference."""
        low = self.seam_rad * self.radius_m
        length_m = float(self.starts_m[-1])
        return MultiPolygon([shapely.box(0.0, low, length_m, low + 2.0 * np.pi * self.radius_m)])

    @property
    def bends_m(self) -> tuple[float, ...]:
        """Chainages of the inner corners."""
        return tuple(self.starts_m[1:-1].tolist())

    @property
    def period_m(self) -> tuple[float, float] | None:
        """Once around."""
        return 0.0, 2.0 * np.pi * self.radius_m

    def meet(self, origin_m: FloatArray, directions: FloatArray, *, beyond: bool = False) -> Hits:
        """Find where rays meet the pipe from outside; `beyond` also past its two ends."""
        origin, rays = self.frame.local(origin_m), self.frame.directions(directions)
        last = len(self.corners_m) - 2
        hits = Hits.none(len(directions))
        for piece in range(last + 1):
            opens = beyond and piece == 0, beyond and piece == last
            hits = hits.nearer(self._meet_piece(piece, origin, rays, opens))
        return hits

    def place(self, chart_m: FloatArray) -> FloatArray:
        """(n, 2) along and around to (n, 3) in the flight's CRS; chainages past the ends go on straight."""
        starts = self.starts_m
        piece = np.clip(np.searchsorted(starts, chart_m[:, 0], side="right") - 1, 0, len(starts) - 2)
        local = np.empty((len(chart_m), 3))
        for number in np.unique(piece).tolist():
            own = piece == number
            along, crown, left = self._axes(number)
            angle = chart_m[own, 1] / self.radius_m
            round_m = self.radius_m * (np.cos(angle)[:, None] * crown + np.sin(angle)[:, None] * left)
            local[own] = self.corners_m[number] + (chart_m[own, 0] - starts[number])[:, None] * along + round_m
        return self.frame.grid(local)

    def seen_from(self, positions_m: FloatArray) -> "Pipe":
        """Return the pipe with its seam on the side that (n, 3) cameras do not look at."""
        angles = []
        for position in self.frame.local(positions_m):
            middles = (self.corners_m[:-1] + self.corners_m[1:]) / 2.0
            nearest = int(np.argmin(np.linalg.norm(middles - position, axis=1)))
            _, crown, left = self._axes(nearest)
            offset = position - self.corners_m[nearest]
            angles.append(np.arctan2(offset @ left, offset @ crown))
        mean = complex(np.mean(np.exp(1j * np.array(angles)))) if angles else 0.0j
        if abs(mean) < _ALL_ROUND:
            return self
        step = 2.0 * np.pi / _SEAMS
        opposite = round((float(np.angle(mean)) - np.pi) / step) % _SEAMS
        return replace(self, seam_rad=step * (opposite - _SEAMS))

    def _meet_piece(self, piece: int, origin: FloatArray, rays: FloatArray, opens: tuple[bool, bool]) -> Hits:
        begin = self.corners_m[piece]
        length_m = float(np.linalg.norm(self.corners_m[piece + 1] - begin))
        along, crown, left = self._axes(piece)
        from_axis = (origin - begin) - ((origin - begin) @ along) * along
        across = rays - (rays @ along)[:, None] * along
        squared, half = (across**2).sum(axis=1), across @ from_axis
        rest = float(from_axis @ from_axis) - self.radius_m**2
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = (-half - np.sqrt(half**2 - squared * rest)) / squared
        met = np.isfinite(reach) & (reach > 0.0) & (rest > 0.0)
        local = origin + rays * np.where(met, reach, np.nan)[:, None]
        place = (local - begin) @ along
        met &= (place >= (-np.inf if opens[0] else 0.0)) & (place <= (np.inf if opens[1] else length_m))
        normal = (local - begin - place[:, None] * along) / self.radius_m
        angle = np.arctan2(normal @ left, normal @ crown)
        # Counted from the camera's own side, so that what it sees hangs together across the seam.
        camera = self.seam_rad + np.mod(np.arctan2(from_axis @ left, from_axis @ crown) - self.seam_rad, 2.0 * np.pi)
        angle = camera - np.pi + np.mod(angle - camera + np.pi, 2.0 * np.pi)
        chart = np.column_stack([self.starts_m[piece] + place, self.radius_m * angle])
        return Hits(reach, self.frame.grid(local), normal, chart).where(met)

    def _axes(self, piece: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give unit vectors along the axis, to the crown, and to the left of who looks along it."""
        along = self.corners_m[piece + 1] - self.corners_m[piece]
        along = along / np.linalg.norm(along)
        up = np.array([0.0, 1.0, 0.0]) if abs(along[2]) > _UPRIGHT else np.array([0.0, 0.0, 1.0])
        crown = up - (up @ along) * along
        crown = crown / np.linalg.norm(crown)
        return along, crown, np.cross(crown, along)
