"""One physical defect, one record: sightings of many photos are joined.

Each pair of photos that show the same ground is laid onto each other by their defects (`tenken.alignment`); then
sightings of the same kind that lie on each other are the same defect. One photo's two cracks never become one only
because they lie close: a sighting takes the partner that fits it best.

Nothing is summed over sightings: each place is taken from the best photo that shows it.
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

from tenken.alignment import Alignment, Marks, align, concatenate_marks

FloatArray = npt.NDArray[np.float64]

SHIFT_SIGMAS = 2.0
"""How many standard deviations of their position errors two photos may be shifted against each other."""

SAME_FRACTION = 0.5
"""Share of the smaller sighting, where both photos see, that must lie on the other."""

POINTS_PER_SIGHTING = 200
"""A sighting is compared by at most this many points along its line or outline."""

GRID_M = 1e-4
"""Unions snap to a tenth of a millimetre: without a grid GEOS may drop polygons whose edges nearly coincide."""

COMPARABLE_RESOLUTION = 1.5
"""A photo without a detection speaks against a defect only if its resolution is at most this many times as coarse."""

SHOWN_FRACTION = 0.5
"""Share of a defect that a photo's footprint must hold for the photo to show its place."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A defect as one photo shows it.

    Sizes on the surface and geometry in the flight's CRS (suffix ``_m``) are None without pose or surface.
    ``width_status`` is measured, estimated, unmeasured, below_limit or no_scale (cracks; None for other kinds).
    """

    sighting_id: str
    photo: str
    photo_sha256: str
    kind: str
    score: float
    outline_px: MultiPolygon
    centreline_px: MultiLineString | None
    length_px: float | None
    width_px: float | None
    gsd_mm: float | None
    outline_m: MultiPolygon | None
    centreline_m: MultiLineString | None
    length_m: float | None
    area_m2: float | None
    width_mm: float | None
    width_low_mm: float | None
    width_high_mm: float | None
    width_status: str | None
    position_error_m: float | None


@dataclass(frozen=True, slots=True)
class Defect:
    """One physical defect with all its sightings, the best first."""

    id: str
    kind: str
    score: float
    outline_m: MultiPolygon | None
    centreline_m: MultiLineString | None
    length_m: float | None
    width_mm: float | None
    width_low_mm: float | None
    width_high_mm: float | None
    width_status: str | None
    area_m2: float | None
    gsd_mm: float | None
    position_error_m: float | None
    sightings: tuple[Sighting, ...]
    unseen_in: tuple[str, ...]
    """Photos that show the place but in which nothing was detected there."""


@dataclass(frozen=True, slots=True)
class View:
    """What one photo shows of the surface, and how well; in the flight's CRS."""

    photo: str
    footprint: Polygon
    gsd_mm: float
    position_error_m: float
    usable: bool = True
    """Sharp and well exposed: only then does not finding a defect count against it."""


_Pair = tuple[View, View]


def identify(sightings: Sequence[Sighting], views: Mapping[str, View]) -> tuple[Defect, ...]:
    """Join the sightings of each physical defect into one record.

    The result does not depend on the order of sightings or photos.

    Parameters
    ----------
    sightings
        Of all photos.
    views
        Usable photos with a place, by name.

    Returns
    -------
    Defects ordered by kind and id.
    """
    ordered = sorted(sightings, key=lambda sighting: sighting.sighting_id)
    numbers_by_photo: dict[str, list[int]] = {}
    for number, sighting in enumerate(ordered):
        if sighting.photo in views and _shape(sighting) is not None:
            numbers_by_photo.setdefault(sighting.photo, []).append(number)
    points = [_points(sighting) for sighting in ordered]
    links = [
        link
        for first, second in _overlapping(numbers_by_photo, views)
        for link in _links(
            numbers_by_photo[first], numbers_by_photo[second], ordered, points, (views[first], views[second])
        )
    ]
    groups = _groups(len(ordered), links)
    defects = [_defect([ordered[number] for number in group], views) for group in groups]
    return tuple(sorted(defects, key=lambda defect: (defect.kind, defect.id)))


def _shape(sighting: Sighting) -> MultiLineString | MultiPolygon | None:
    return sighting.centreline_m if sighting.centreline_m is not None else sighting.outline_m


def _points(sighting: Sighting) -> FloatArray:
    shape = _shape(sighting)
    if shape is None:
        return np.empty((0, 2))
    lines = shape if isinstance(shape, MultiLineString) else shapely.boundary(shape)
    step = max(lines.length / POINTS_PER_SIGHTING, 1e-6)
    return np.asarray(shapely.get_coordinates(shapely.segmentize(shapely.force_2d(lines), step)), dtype=np.float64)


def _overlapping(photos: Mapping[str, list[int]], views: Mapping[str, View]) -> list[tuple[str, str]]:
    names = sorted(photos)
    if len(names) < 2:
        return []
    reach = [views[name].footprint.buffer(SHIFT_SIGMAS * views[name].position_error_m) for name in names]
    first, second = shapely.STRtree(reach).query(reach, predicate="intersects")
    return [(names[i], names[j]) for i, j in sorted(zip(first.tolist(), second.tolist(), strict=True)) if i < j]


def _links(
    first: list[int], second: list[int], sightings: Sequence[Sighting], points: Sequence[FloatArray], views: _Pair
) -> list[tuple[int, int]]:
    """Pairs of sightings of two photos that are the same defect."""
    view_a, view_b = views
    range_m = SHIFT_SIGMAS * float(np.hypot(view_a.position_error_m, view_b.position_error_m))
    ground = view_a.footprint.buffer(range_m).intersection(view_b.footprint.buffer(range_m))
    marks_a, marks_b = (_marks(numbers, sightings, points, ground) for numbers in (first, second))
    if marks_a is None or marks_b is None or not set(marks_a.kind) & set(marks_b.kind):
        return []
    alignment = align(marks_a, marks_b, range_m, max(view_a.gsd_mm, view_b.gsd_mm) / 1000)
    common = view_a.footprint.intersection(_laid(view_b.footprint, alignment))
    laid = {b: alignment.lay(points[b]) for b in set(marks_b.owner.tolist())}
    good = {}
    for a in sorted(set(marks_a.owner.tolist())):
        for b, points_b in sorted(laid.items()):
            if sightings[a].kind == sightings[b].kind and _boxes_meet(points[a], points_b, alignment.near_m):
                share, distance = _fit(points[a], points_b, common, alignment.near_m)
                if share >= SAME_FRACTION:
                    good[a, b] = -share, distance
    best_of: dict[int, tuple[int, int]] = {}
    for pair in sorted(good, key=lambda pair: (good[pair], pair)):
        for number in pair:
            best_of.setdefault(number, pair)
    return sorted(pair for pair in good if pair in (best_of[pair[0]], best_of[pair[1]]))


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


def _laid(footprint: Polygon, alignment: Alignment) -> shapely.Geometry:
    return shapely.make_valid(shapely.transform(footprint, alignment.lay))


def _boxes_meet(first: FloatArray, second: FloatArray, near_m: float) -> bool:
    apart = np.maximum(first.min(axis=0), second.min(axis=0)) - np.minimum(first.max(axis=0), second.max(axis=0))
    return bool((apart <= near_m).all())


def _fit(first: FloatArray, second: FloatArray, common: Polygon, near_m: float) -> tuple[float, float]:
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


def _defect(sightings: list[Sighting], views: Mapping[str, View]) -> Defect:
    best_first = tuple(sorted(sightings, key=_preference))
    best = best_first[0]
    outline, line = _union(best_first, views)
    width = min(best_first, key=lambda s: (_WIDTH_TRUST.get(s.width_status or "", len(_WIDTH_TRUST)), _preference(s)))
    unseen_in = _unseen_in(outline, best_first, views)
    seen_by = {sighting.photo: 0.0 for sighting in best_first}
    for sighting in best_first:
        seen_by[sighting.photo] = max(seen_by[sighting.photo], sighting.score)
    return Defect(
        id=f"{best.kind[:2].upper()}-{best.sighting_id[:10]}",
        kind=best.kind,
        score=sum(seen_by.values()) / (len(seen_by) + len(unseen_in)),
        outline_m=outline,
        centreline_m=line,
        length_m=_grown(best.length_m, best.centreline_m, line, "length"),
        width_mm=width.width_mm,
        width_low_mm=width.width_low_mm,
        width_high_mm=width.width_high_mm,
        width_status=width.width_status,
        area_m2=_grown(best.area_m2, best.outline_m, outline, "area"),
        gsd_mm=best.gsd_mm,
        position_error_m=best.position_error_m,
        sightings=best_first,
        unseen_in=unseen_in,
    )


_WIDTH_TRUST = {"measured": 0, "estimated": 1, "unmeasured": 2, "below_limit": 3, "no_scale": 4}


def _preference(sighting: Sighting) -> tuple[float, float, float, str]:
    """Sort key, best first: resolution in steps of a quarter, then how much of the defect is shown, then score."""
    resolution = round(np.log(sighting.gsd_mm) / np.log(1.25)) if sighting.gsd_mm else np.inf
    size = sighting.length_m or sighting.area_m2 or sighting.length_px or sighting.outline_px.area
    return float(resolution), -size, -sighting.score, sighting.sighting_id


def _union(
    best_first: Sequence[Sighting], views: Mapping[str, View]
) -> tuple[MultiPolygon | None, MultiLineString | None]:
    """Take each place from the best photo that shows it: later photos add only what earlier ones do not cover."""
    outlines: list[shapely.Geometry] = []
    lines: list[shapely.Geometry] = []
    covered: shapely.Geometry = Polygon()
    for photo in dict.fromkeys(sighting.photo for sighting in best_first):
        own = [sighting for sighting in best_first if sighting.photo == photo]
        outlines += [s.outline_m.difference(covered) for s in own if s.outline_m is not None]
        lines += [s.centreline_m.difference(covered) for s in own if s.centreline_m is not None]
        if photo in views:
            covered = covered.union(views[photo].footprint, grid_size=GRID_M)
    return _polygons(outlines), _lines(lines)


def _polygons(shapes: Sequence[shapely.Geometry]) -> MultiPolygon | None:
    if not shapes:
        return None
    parts = [part for part in shapely.get_parts(shapely.union_all(shapes, grid_size=GRID_M)) if part.geom_type == "Polygon" and part.area > 0]
    return MultiPolygon(parts) if parts else None


def _lines(shapes: Sequence[shapely.Geometry]) -> MultiLineString | None:
    parts = [part for shape in shapes for part in shapely.get_parts(shape) if part.geom_type == "LineString" and part.length > 0]
    return MultiLineString(parts) if parts else None


def _grown(
    value: float | None, own: shapely.Geometry | None, whole: shapely.Geometry | None, measure: str
) -> float | None:
    """Scale the best sighting's size to the union's: the size on the surface per size on the map stays its own."""
    if value is None or own is None or whole is None or getattr(own, measure) == 0:
        return value
    return value * float(getattr(whole, measure)) / float(getattr(own, measure))


def _unseen_in(
    outline: MultiPolygon | None, sightings: Sequence[Sighting], views: Mapping[str, View]
) -> tuple[str, ...]:
    """Photos whose footprint holds the place, at a comparable resolution, but in which nothing was found there."""
    best = sightings[0]
    if outline is None or best.gsd_mm is None:
        return ()
    seen_in = {sighting.photo for sighting in sightings}
    finest = COMPARABLE_RESOLUTION * best.gsd_mm
    return tuple(
        sorted(
            view.photo
            for view in views.values()
            if view.usable
            and view.photo not in seen_in
            and view.gsd_mm <= finest
            and view.footprint.buffer(-view.position_error_m).intersection(outline).area
            >= SHOWN_FRACTION * outline.area
        )
    )
