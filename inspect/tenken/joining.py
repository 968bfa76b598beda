"""Which sightings are of one physical defect.

The photos are laid onto each other by their defects (`tenken.alignment`); then sightings of the same kind that lie on
each other are the same defect. One photo's two cracks never become one only because they lie close: a sighting takes
the partner that fits it best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely import MultiLineString, MultiPolygon, Polygon

from tenken.alignment import Alignment, Marks, Overlap, Pair, align_photos, concatenate_marks
from tenken.measure import Sighting

FloatArray = npt.NDArray[np.float64]

SHIFT_SIGMAS = 2.0
"""How many standard deviations of their position errors two photos may be shifted against each other."""

SAME_FRACTION = 0.5
"""Share of the smaller sighting, where both photos see, that must lie on the other."""

POINTS_PER_SIGHTING = 200
"""A sighting is compared by at most this many points along its line or outline."""


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
    points = [_points(shape) - origin for shape in shapes]
    by_photo: dict[str, list[int]] = {}
    for number, sighting in enumerate(sightings):
        if sighting.photo in views and shapes[number] is not None:
            by_photo.setdefault(sighting.photo, []).append(number)
    footprints = {photo: shapely.transform(views[photo].footprint, lambda xy: xy - origin) for photo in by_photo}
    overlaps = {}
    for pair in _overlapping(by_photo, footprints, views):
        overlap = _overlap(pair, by_photo, footprints, views, sightings, points)
        if overlap is not None:
            overlaps[pair] = overlap
    links = [
        link
        for pair, alignment in align_photos(overlaps).items()
        for link in _links(overlaps[pair], alignment, footprints[pair[0]], footprints[pair[1]], points)
    ]
    return _groups(len(sightings), links)


def _shape(sighting: Sighting) -> MultiLineString | MultiPolygon | None:
    return sighting.centreline_m if sighting.centreline_m is not None else sighting.outline_m


def _points(shape: MultiLineString | MultiPolygon | None) -> FloatArray:
    if shape is None:
        return np.empty((0, 2))
    lines = shape if isinstance(shape, MultiLineString) else shapely.boundary(shape)
    step = max(lines.length / POINTS_PER_SIGHTING, 1e-6)
    return np.asarray(shapely.get_coordinates(shapely.segmentize(shapely.force_2d(lines), step)), dtype=np.float64)


def _overlapping(
    by_photo: Mapping[str, list[int]], footprints: Mapping[str, Polygon], views: Mapping[str, View]
) -> list[Pair]:
    names = sorted(by_photo)
    if len(names) < 2:
        return []
    reach = [footprints[name].buffer(SHIFT_SIGMAS * views[name].position_error_m) for name in names]
    first, second = shapely.STRtree(reach).query(reach, predicate="intersects")
    return [(names[i], names[j]) for i, j in sorted(zip(first.tolist(), second.tolist(), strict=True)) if i < j]


def _overlap(
    pair: Pair,
    by_photo: Mapping[str, list[int]],
    footprints: Mapping[str, Polygon],
    views: Mapping[str, View],
    sightings: Sequence[Sighting],
    points: Sequence[FloatArray],
) -> Overlap | None:
    """Collect the marks in the ground that both photos may show; None when they have no kind in common there."""
    view_a, view_b = views[pair[0]], views[pair[1]]
    range_m = SHIFT_SIGMAS * float(np.hypot(view_a.position_error_m, view_b.position_error_m))
    ground = footprints[pair[0]].buffer(range_m).intersection(footprints[pair[1]].buffer(range_m))
    marks = [_marks(by_photo[photo], sightings, points, ground) for photo in pair]
    if marks[0] is None or marks[1] is None or not set(marks[0].kind.tolist()) & set(marks[1].kind.tolist()):
        return None
    return Overlap(marks[0], marks[1], range_m, max(view_a.gsd_mm, view_b.gsd_mm) / 1000)


def _marks(
    numbers: Sequence[int], sightings: Sequence[Sighting], points: Sequence[FloatArray], ground: shapely.Geometry
) -> Marks | None:
    parts = []
    for number in numbers:
        inside = points[number][shapely.contains_xy(ground, points[number])]
        if len(inside):
            shape = _shape(sightings[number])
            length = shape.length * len(inside) / len(points[number]) if shape is not None else 0.0
            parts.append((number, _code(sightings[number].kind), inside, max(length, 1e-9)))
    return concatenate_marks(parts) if parts else None


def _code(kind: str) -> int:
    """Return a number for a kind that does not hang on which kinds there are."""
    return int.from_bytes(kind.encode("utf-8")[:4], "big") % 9973


def _links(
    overlap: Overlap, alignment: Alignment, footprint_a: Polygon, footprint_b: Polygon, points: Sequence[FloatArray]
) -> list[tuple[int, int]]:
    """Pairs of sightings of two photos that are the same defect."""
    kinds = dict(zip(overlap.first.owner.tolist(), overlap.first.kind.tolist(), strict=True))
    kinds |= dict(zip(overlap.second.owner.tolist(), overlap.second.kind.tolist(), strict=True))
    common = footprint_a.intersection(shapely.make_valid(shapely.transform(footprint_b, alignment.lay)))
    laid = {b: alignment.lay(points[b]) for b in sorted(set(overlap.second.owner.tolist()))}
    good = {}
    for a in sorted(set(overlap.first.owner.tolist())):
        for b, points_b in laid.items():
            if kinds[a] == kinds[b] and _boxes_meet(points[a], points_b, alignment.near_m):
                share, distance = _fit(points[a], points_b, common, alignment.near_m)
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
