"""Lines with a width on a surface: how cracks wander, branch and form a net, and how wide they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import Voronoi
from shapely import LineString, MultiPolygon

FloatArray = npt.NDArray[np.float64]

SPACING_M = 0.004
"""Distance of the vertices: finer detail than this does not show at the demo's ground resolution."""


@dataclass(frozen=True, slots=True)
class WideLine:
    """A polyline in u, v (n, 2) metres with its width (n,) in metres at each vertex."""

    uv_m: FloatArray
    width_m: FloatArray

    def outline(self) -> list[Any]:
        """List what it covers: a quadrilateral a segment and a disc at each vertex, to be united."""
        start, end = self.uv_m[:-1], self.uv_m[1:]
        along = end - start
        normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.linalg.norm(along, axis=1)[:, None]
        half = self.width_m[:, None] / 2
        corners = np.stack(
            [
                start + normal * half[:-1],
                end + normal * half[1:],
                end - normal * half[1:],
                start - normal * half[:-1],
            ],
            axis=1,
        )
        discs = shapely.buffer(shapely.points(self.uv_m[1:-1]), half[1:-1, 0], quad_segs=3)
        return [*np.asarray(shapely.polygons(corners)), *np.asarray(discs)]


def resampled(uv_m: FloatArray, spacing_m: float = SPACING_M) -> FloatArray:
    """Set a polyline's vertices at equal distances of about `spacing_m`."""
    line = LineString(uv_m)
    count = max(int(np.ceil(line.length / spacing_m)), 2) + 1
    points = shapely.line_interpolate_point(line, np.linspace(0, 1, count), normalized=True)
    return np.asarray(shapely.get_coordinates(points), dtype=np.float64)


def wander(rng: np.random.Generator, start: Sequence[float], end: Sequence[float], roughness: float) -> FloatArray:
    """Lay a fractal path by midpoint displacement; `roughness` is its first sideways step / its length."""
    begin, finish = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    chord = finish - begin
    length = float(np.linalg.norm(chord))
    levels = max(int(np.ceil(np.log2(length / SPACING_M))), 2)
    offset = np.zeros(2**levels + 1)
    step = roughness * length
    for level in range(levels):
        stride = 2 ** (levels - level)
        middle = (offset[:-1:stride] + offset[stride::stride]) / 2
        offset[stride // 2 :: stride] = middle + rng.normal(0, step, len(middle))
        # A Hurst exponent of 0.78: rough like a crack around aggregate, not like a random walk.
        step *= 0.5**0.78
    normal = np.array([-chord[1], chord[0]]) / length
    return resampled(begin + np.linspace(0, 1, len(offset))[:, None] * chord + offset[:, None] * normal)


def width_along(
    rng: np.random.Generator, count: int, width_mm: float, *, variation: float = 0.18, tapered: bool = True
) -> FloatArray:
    """(count,) width in metres along a crack of median `width_mm`: slow changes, thinner at its ends."""
    slow = gaussian_filter1d(rng.standard_normal(count), max(count / 14, 1.0), mode="reflect")
    slow /= max(float(np.abs(slow).max()), 1e-9)
    quick = gaussian_filter1d(rng.standard_normal(count), 1.0, mode="reflect")
    profile = np.exp(variation * slow + 0.12 * quick)
    if tapered:
        from_end = np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.06 * count)
        profile *= np.clip(0.35 + 0.65 * from_end, 0.35, 1.0)
    return np.asarray(profile / np.median(profile) * width_mm / 1000, dtype=np.float64)


def crack(
    rng: np.random.Generator,
    start: Sequence[float],
    end: Sequence[float],
    width_mm: float,
    *,
    roughness: float = 0.03,
) -> list[WideLine]:
    """One crack from a point to another."""
    path = wander(rng, start, end, roughness)
    return [WideLine(path, width_along(rng, len(path), width_mm))]


def branched(
    rng: np.random.Generator,
    stem: tuple[Sequence[float], Sequence[float]],
    width_mm: float,
    branches: Sequence[tuple[float, Sequence[float], float]],
) -> list[WideLine]:
    """Draw a crack with branches: (place along the stem 0..1, end point, width in mm) each."""
    lines = crack(rng, *stem, width_mm)
    trunk = lines[0].uv_m
    for place, end, branch_mm in branches:
        lines += crack(rng, trunk[round(place * (len(trunk) - 1))], end, branch_mm, roughness=0.05)
    return lines


def net(
    rng: np.random.Generator,
    centre: Sequence[float],
    size_m: tuple[float, float],
    cell_m: float,
    width_mm: float,
) -> list[WideLine]:
    """Map cracking: the borders of Voronoi cells inside an ellipse, each wandering a little."""
    middle, radii = np.asarray(centre), np.asarray(size_m) / 2
    columns, rows = (int(np.ceil(4 * radius / cell_m)) for radius in radii)
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) * cell_m
    seeds = grid - grid.mean(axis=0) + rng.uniform(-0.42, 0.42, grid.shape) * cell_m
    cells = Voronoi(seeds)
    lines = []
    for first, second in sorted(tuple(sorted(ridge)) for ridge in cells.ridge_vertices):
        if first < 0:
            continue
        start, end = cells.vertices[first], cells.vertices[second]
        long_enough = np.linalg.norm(end - start) > 2 * SPACING_M
        inside = max(np.linalg.norm(start / radii), np.linalg.norm(end / radii)) < 1.0
        if long_enough and inside:
            path = wander(rng, middle + start, middle + end, 0.06)
            local_mm = width_mm * rng.uniform(0.6, 1.5)
            lines.append(WideLine(path, width_along(rng, len(path), local_mm, tapered=False)))
    return lines


def covered(lines: Sequence[WideLine]) -> MultiPolygon:
    """Unite what wide lines cover, in u, v metres, valid and to 0.01 mm."""
    united = shapely.union_all([part for line in lines for part in line.outline()])
    return as_multipolygon(shapely.set_precision(shapely.simplify(united, 2e-5), 1e-5))


def as_multipolygon(geometry: shapely.Geometry) -> MultiPolygon:
    """Keep the polygons of a geometry and leave the rest out."""
    parts = [part for part in shapely.get_parts(shapely.get_parts(geometry)) if part.geom_type == "Polygon"]
    return MultiPolygon([part for part in parts if not part.is_empty])
