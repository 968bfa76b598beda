"""Which sightings are of one physical defect.

The photos are laid onto each other by their defects (`tenken.identity.alignment`); then sightings of the same kind that
lie on each other are the same defect. One photo's two cracks never become one only because they lie close: a sighting
takes the partner that fits it best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely import LineString, MultiLineString, MultiPolygon, Polygon

from tenken.identity.alignment import Alignment, Lines, Marks, Overlap, Pair, align_photos, concatenate_marks
from tenken.measurement.measure import Sighting

FloatArray = npt.NDArray[np.float64]

SHIFT_SIGMAS = 2.0
"""How many standard deviations of their position errors two photos may be shifted against each other."""

SAME_FRACTION = 0.5
"""Share of the smaller sighting, where both photos see, that must lie on the other."""

POINTS_PER_SIGHTING = 80
"""A sighting is laid onto others by at most this many points along its line or outline."""

LINE_SPACING_PX = 2.0
"""Distance of the points that stand for the lines it is laid onto, in ground resolutions."""

MOST_LINE_POINTS = 4000


@dataclass(frozen=True, slots=True)
class View:
    """What one photo shows of the surface, and how well; in the flight's CRS."""

    photo: str
    footprint: Polygon
    gsd_mm: float
    position_error_m: float
    usable: bool = True
    """Sharp and well exposed: only then does not finding a defect count against it."""


def join_sightings(sightings: Sequence[Sighting], views: Mapping[str, View]) -> list[list[int]]:
    """Group the sightings of each defect; numbers into ``sightings``, which must come in a fixed order.

    A sighting in a photo without a place stands alone.
    """
    shapes = [_shape(sighting) for sighting in sightings]
    placed = [shape for shape in shapes if shape is not None]
    origin = np.array(placed[0].centroid.coords[0][:2]) if placed else np.zeros(2)
    by_photo: dict[str, list[int]] = {}
    for number, sighting in enumerate(sightings):
        if sighting.photo in views and shapes[number] is not None:
            by_photo.setdefault(sighting.photo, []).append(number)
    seen = {photo: _Seen.of(views[photo], numbers, sightings, shapes, origin) for photo, numbers in by_photo.items()}
    overlaps = {}
    for pair in _overlapping(seen):
        overlap = _overlap(seen[pair[0]], seen[pair[1]])
        if overlap is not None:
            overlaps[pair] = overlap
    links = [
        link
        for pair, alignment in align_photos(overlaps).items()
        for link in _links(overlaps[pair], alignment, seen[pair[0]].footprint, seen[pair[1]].footprint)
    ]
    return _groups(len(sightings), links)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What one photo shows, counted from the common origin."""

    view: View
    footprint: Polygon
    kinds: Mapping[int, int]
    """Code of the kind of each sighting."""
    points: Mapping[int, FloatArray]
    """(n, 2) few points along each sighting."""
    lines: Lines

    @classmethod
    def of(
        cls,
        view: View,
        numbers: Sequence[int],
        sightings: Sequence[Sighting],
        shapes: Sequence[MultiLineString | MultiPolygon | None],
        origin: FloatArray,
    ) -> "_Seen":
        drawn = {number: shape for number in numbers if (shape := shapes[number]) is not None}
        kinds = {number: _code(sightings[number].kind) for number in drawn}
        dense_m = LINE_SPACING_PX * view.gsd_mm / 1000
        return cls(
            view,
            shapely.transform(view.footprint, lambda xy: xy - origin),
            kinds,
            {number: _points(shape, 0.0, POINTS_PER_SIGHTING) - origin for number, shape in drawn.items()},
            Lines.of({n: _points(shape, dense_m, MOST_LINE_POINTS) - origin for n, shape in drawn.items()}, kinds),
        )


def _shape(sighting: Sighting) -> MultiLineString | MultiPolygon | None:
    return sighting.centreline_m if sighting.centreline_m is not None else sighting.outline_m


def _points(shape: MultiLineString | MultiPolygon, spacing_m: float, most: int) -> FloatArray:
    """Return (n, 2) points along a line or outline, at most about ``most``."""
    lines = shape if isinstance(shape, MultiLineString) else shapely.boundary(shape)
    parts = [p for p in shapely.get_parts(shapely.force_2d(lines)) if isinstance(p, LineString) and p.length > 0]
    spacing = max(spacing_m, sum(part.length for part in parts) / most, 1e-6)
    return np.concatenate([_along(part, spacing) for part in parts])


def _along(part: LineString, spacing: float) -> FloatArray:
    """Return (n, 2) points at even distances along a line, both ends among them."""
    count = max(2, int(part.length / spacing) + 1)
    points = shapely.line_interpolate_point(part, np.linspace(0, 1, count), normalized=True)
    return np.asarray(shapely.get_coordinates(points), dtype=np.float64)


def _overlapping(seen: Mapping[str, _Seen]) -> list[Pair]:
    names = sorted(seen)
    if len(names) < 2:
        return []
    reach = [seen[name].footprint.buffer(SHIFT_SIGMAS * seen[name].view.position_error_m) for name in names]
    first, second = shapely.STRtree(reach).query(reach, predicate="intersects")
    return [(names[i], names[j]) for i, j in sorted(zip(first.tolist(), second.tolist(), strict=True)) if i < j]


def _overlap(first: _Seen, second: _Seen) -> Overlap | None:
    """Collect the marks in the ground that both photos may show; None when they have no kind in common there."""
    range_m = SHIFT_SIGMAS * float(np.hypot(first.view.position_error_m, second.view.position_error_m))
    ground = first.footprint.buffer(range_m).intersection(second.footprint.buffer(range_m))
    shapely.prepare(ground)
    marks = [_marks(photo, ground) for photo in (first, second)]
    if marks[0] is None or marks[1] is None or not set(marks[0].kind.tolist()) & set(marks[1].kind.tolist()):
        return None
    resolution_m = max(first.view.gsd_mm, second.view.gsd_mm) / 1000
    return Overlap(marks[0], marks[1], first.lines, second.lines, range_m, resolution_m)


def _marks(photo: _Seen, ground: shapely.Geometry) -> Marks | None:
    parts = []
    for number, points in photo.points.items():
        inside = points[shapely.contains_xy(ground, points)]
        if len(inside):
            spacing = float(np.hypot(*np.diff(points[:2], axis=0)[0]))
            parts.append((number, photo.kinds[number], inside, max(spacing, 1e-9) * len(inside)))
    return concatenate_marks(parts) if parts else None


def _code(kind: str) -> int:
    """Return a number for a kind that does not hang on which kinds there are."""
    return int.from_bytes(kind.encode("utf-8")[:4], "big") % 9973


def _links(overlap: Overlap, alignment: Alignment, footprint_a: Polygon, footprint_b: Polygon) -> list[tuple[int, int]]:
    """Pairs of sightings of two photos that are the same defect."""
    common = footprint_a.intersection(shapely.make_valid(shapely.transform(footprint_b, alignment.lay)))
    shapely.prepare(common)
    lines_a = {a: overlap.first_lines.by_owner[a] for a in np.unique(overlap.first.owner).tolist()}
    lines_b = {b: alignment.lay(overlap.second_lines.by_owner[b]) for b in np.unique(overlap.second.owner).tolist()}
    kinds = dict(zip(overlap.first.owner.tolist(), overlap.first.kind.tolist(), strict=True))
    kinds |= dict(zip(overlap.second.owner.tolist(), overlap.second.kind.tolist(), strict=True))
    good = {}
    for a, points_a in lines_a.items():
        for b, points_b in lines_b.items():
            if kinds[a] == kinds[b] and _boxes_meet(points_a, points_b, alignment.near_m):
                share, distance = _fit(points_a, points_b, common, alignment.near_m)
                if share >= SAME_FRACTION:
                    good[a, b] = -share, distance
    best_of: dict[int, tuple[int, int]] = {}
    for pair in sorted(good, key=lambda pair: (good[pair], pair)):
        for number in pair:
            best_of.setdefault(number, pair)
    return sorted(pair for pair in good if pair in (best_of[pair[0]], best_of[pair[1]]))


def _boxes_meet(first: FloatArray, second: FloatArray, near_m: float) -> bool:
    apart = np.maximum(first.min(axis=0), second.min(axis=0)) - np.minimum(first.max(axis=0), second.max(axis=0))
    return bool((apart <= near_m).all())


def _fit(first: FloatArray, second: FloatArray, common: shapely.Geometry, near_m: float) -> tuple[float, float]:
    """Share of the smaller one that lies on the other, where both photos see, and the mean distance there."""
    inside_a = first[shapely.contains_xy(common, first)]
    inside_b = second[shapely.contains_xy(common, second)]
    if not len(inside_a) or not len(inside_b):
        return 0.0, np.inf
    to_b = cKDTree(second).query(inside_a)[0]
    to_a = cKDTree(first).query(inside_b)[0]
    shares = [(float((distance <= near_m).mean()), float(distance.mean())) for distance in (to_a, to_b)]
    return max(shares, key=lambda share: (share[0], -share[1]))


def _groups(count: int, links: Sequence[tuple[int, int]]) -> list[list[int]]:
    if not count:
        return []
    first, second = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    groups: dict[int, list[int]] = {}
    for number, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(number)
    return list(groups.values())
