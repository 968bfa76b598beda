"""A window of a surface model, and where rays meet it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_MOST_STEPS = 8192
_BISECTIONS = 40


@dataclass(frozen=True, slots=True, eq=False)
class RasterSurface:
    """A window of a surface model on a north-up grid in the flight's CRS.

    Parameters
    ----------
    heights_m
        (rows, columns) heights at cell centres, first row in the north; NaN where unknown.
    left_m, top_m
        Outer corner of the first cell.
    cell_m
        Size of a cell.
    """

    heights_m: FloatArray
    left_m: float
    top_m: float
    cell_m: float

    def height_at(self, xy_m: FloatArray) -> FloatArray:
        """(n,) bilinear heights at (n, 2) places; NaN outside and where a neighbouring cell is unknown."""
        rows, columns = self.heights_m.shape
        # In units of cells from the first cell's centre.
        x = (xy_m[:, 0] - self.left_m) / self.cell_m - 0.5
        y = (self.top_m - xy_m[:, 1]) / self.cell_m - 0.5
        inside = (x >= 0.0) & (x <= columns - 1) & (y >= 0.0) & (y <= rows - 1)
        x, y = np.where(inside, x, 0.0), np.where(inside, y, 0.0)
        left = np.minimum(x.astype(np.intp), max(columns - 2, 0))
        top = np.minimum(y.astype(np.intp), max(rows - 2, 0))
        right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        dx, dy = x - left, y - top
        z = self.heights_m
        north = z[top, left] * (1.0 - dx) + z[top, right] * dx
        south = z[bottom, left] * (1.0 - dx) + z[bottom, right] * dx
        return np.where(inside, north * (1.0 - dy) + south * dy, np.nan)

    def intersect(self, origin_m: FloatArray, directions: FloatArray) -> FloatArray:
        """March along the rays cell by cell to the first crossing, then bisect.

        A ray misses when it leaves the window, or goes under ground where heights are unknown: what it would
        have met there is not known.
        """
        start, end = self._reach(origin_m, directions)
        steps = self._steps(directions, start, end)
        above = np.full(len(directions), -1.0)
        hit_near, hit_far = np.full(len(directions), np.nan), np.full(len(directions), np.nan)
        active = np.isfinite(start) & np.isfinite(end) & (end >= start)
        was_above = np.zeros(len(directions), dtype=bool)
        for step in range(steps + 1):
            if not active.any():
                break
            index = np.flatnonzero(active)
            reach = start[index] + (end[index] - start[index]) * (step / steps)
            gap = self._gap(origin_m, directions[index], reach)
            under = gap <= 0.0
            crossed = under & was_above[index]
            hit_near[index[crossed]] = above[index[crossed]]
            hit_far[index[crossed]] = reach[crossed]
            was_above[index] = gap > 0.0
            above[index] = reach
            active[index[under]] = False
        return self._bisect(origin_m, directions, hit_near, hit_far)

    def normal(self, xyz_m: FloatArray) -> FloatArray:
        """Return (n, 3) upward unit normals from height differences over two cells to each side.

        One-sided at the rim; NaN where neither side is known.
        """
        slopes = []
        for axis in (0, 1):
            offset = np.zeros(2)
            offset[axis] = 2.0 * self.cell_m
            here = self.height_at(xyz_m[:, :2])
            ahead = (self.height_at(xyz_m[:, :2] + offset) - here) / offset[axis]
            behind = (here - self.height_at(xyz_m[:, :2] - offset)) / offset[axis]
            both = (ahead + behind) / 2.0
            one = np.where(np.isnan(ahead), behind, ahead)
            slopes.append(np.where(np.isnan(both), one, both))
        normals = np.column_stack([-slopes[0], -slopes[1], np.ones(len(xyz_m))])
        lengths: FloatArray = np.linalg.norm(normals, axis=1, keepdims=True)
        return normals / lengths

    def _reach(self, origin_m: FloatArray, directions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) nearest and farthest reach of each ray inside the box that holds all heights (slab method)."""
        rows, columns = self.heights_m.shape
        margin = self.cell_m / 2.0
        low = np.array([self.left_m + margin, self.top_m - rows * self.cell_m + margin, np.nan])
        high = np.array([self.left_m + columns * self.cell_m - margin, self.top_m - margin, np.nan])
        if np.isnan(self.heights_m).all():
            return np.full(len(directions), np.nan), np.full(len(directions), np.nan)
        low[2], high[2] = np.nanmin(self.heights_m) - 1e-3, np.nanmax(self.heights_m) + 1e-3
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            first, second = (low - origin_m) / directions, (high - origin_m) / directions
        # A ray along a slab's plane gives 0/0: it is inside, so that axis sets no bound.
        near = np.fmax.reduce(np.fmin(first, second), axis=1)
        far = np.fmin.reduce(np.fmax(first, second), axis=1)
        near = np.where(np.isnan(directions).any(axis=1), np.nan, near)
        return np.maximum(near, 0.0), far

    def _steps(self, directions: FloatArray, start: FloatArray, end: FloatArray) -> int:
        """Count the steps with which no ray passes over more than one cell at a time."""
        run = np.linalg.norm(directions[:, :2], axis=1) * (end - start)
        longest = np.nanmax(np.where(np.isfinite(run), run, 0.0), initial=0.0)
        return int(np.clip(np.ceil(longest / self.cell_m), 2, _MOST_STEPS))

    def _gap(self, origin_m: FloatArray, directions: FloatArray, reach: FloatArray) -> FloatArray:
        points = origin_m + directions * reach[:, None]
        return points[:, 2] - self.height_at(points[:, :2])

    def _bisect(self, origin_m: FloatArray, directions: FloatArray, near: FloatArray, far: FloatArray) -> FloatArray:
        for _ in range(_BISECTIONS):
            middle = (near + far) / 2.0
            # NaN counts as under ground: both ends are known, and the cell between them is.
            over = self._gap(origin_m, directions, middle) > 0.0
            near, far = np.where(over, middle, near), np.where(over, far, middle)
        return origin_m + directions * far[:, None]
