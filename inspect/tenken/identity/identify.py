"""One physical defect, one record: what is kept of all its sightings.

Nothing is summed over sightings: each place is taken from the best photo that shows it. A photo that shows the place,
and in which nothing was found there, counts against the defect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import LineString, MultiLineString, MultiPolygon

from tenken.identity.continuing import CrackPart, find_continuations
from tenken.identity.joining import join_sightings
from tenken.identity.marks import View
from tenken.identity.registration import Pair, Registration
from tenken.measurement.condition import StateShare, mean_state_share
from tenken.measurement.measure import Sighting
from tenken.measurement.surface_widths import StatedWidth

GRID_M = 1e-4
"""Unions snap to a tenth of a millimetre: without a grid GEOS may drop polygons whose edges nearly coincide."""

COMPARABLE_RESOLUTION = 1.5
"""A photo without a detection speaks against a defect only if its resolution is at most this many times as coarse."""

SHOWN_FRACTION = 0.5
"""Share of a defect that a photo's footprint must hold for the photo to show its place."""


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
    state_share: StateShare | None = None
    """Mean over the sightings that tell, by their area; None where none does, and for kinds without one."""
    width_p95: StatedWidth | None = None
    width_largest: StatedWidth | None = None
    """Like ``width_mm`` of the sighting whose width can be trusted most; see `Sighting`."""
    inferred_length_m: float | None = None
    """Part of ``length_m`` that the best photo does not show: gaps between pieces of one crack."""
    pattern: str | None = None
    """``line``, ``branched`` or ``network``, of the sighting that shows most of it; None without a centre line."""
    face: str | None = None
    """The face of the structure in whose chart geometry is; None for the flight's CRS, in plan."""

    @property
    def condition_state(self) -> str | None:
        """``fair``, ``poor`` or ``severe``, whichever has the most area; of equal ones the worse."""
        return self.state_share.condition_state if self.state_share is not None else None

    @property
    def condition_state_score(self) -> float | None:
        """Share of the area that is in that state, 0..1."""
        return self.state_share.condition_state_score if self.state_share is not None else None


def identify(
    sightings: Sequence[Sighting],
    views: Mapping[str, View],
    registered: Mapping[Pair, Registration] | None = None,
    face_views: Mapping[str, Mapping[str, View]] | None = None,
) -> tuple[Defect, ...]:
    """Join the sightings of each physical defect into one record.

    The result does not depend on the order of sightings or photos. A defect lies on one face, or on the ground.

    Parameters
    ----------
    sightings
        Of all photos.
    views
        Usable photos with a place on the ground, by name.
    registered
        How photos with tie points lie on each other; see `tenken.identity.registration.register`.
    face_views
        The same as ``views`` for each face of the structure, by its name.

    Returns
    -------
    Defects ordered by kind and id.
    """
    ordered = sorted(sightings, key=lambda sighting: sighting.sighting_id)
    defects = [
        defect
        for face in sorted({one.face for one in ordered}, key=lambda one: one or "")
        for defect in _on_one_face(
            [one for one in ordered if one.face == face],
            views if face is None else (face_views or {}).get(face, {}),
            (registered or {}) if face is None else {},
        )
    ]
    return tuple(sorted(defects, key=lambda defect: (defect.kind, defect.id)))


def _on_one_face(
    ordered: Sequence[Sighting], views: Mapping[str, View], registered: Mapping[Pair, Registration]
) -> list[Defect]:
    shown = [
        _Shown.of([ordered[number] for number in group], views) for group in join_sightings(ordered, views, registered)
    ]
    witnesses = _Witnesses.of(views)
    return [_defect(one, witnesses) for one in _continued(shown, views)]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What all photos together show of one defect."""

    best_first: tuple[Sighting, ...]
    outline_m: MultiPolygon | None
    line_m: MultiLineString | None
    unseen_m: tuple[LineString, ...] = ()
    """Lines between its parts that no photo shows."""

    @classmethod
    def of(cls, sightings: Sequence[Sighting], views: Mapping[str, View]) -> "_Shown":
        best_first = tuple(sorted(sightings, key=_preference))
        return cls(best_first, *_union(best_first, views))

    def part(self) -> CrackPart | None:
        """Return it as a part of a crack that may go on; None where it has no line on the map."""
        best = self.best_first[0]
        if self.line_m is None or self.outline_m is None or best.gsd_mm is None:
            return None
        width_m = self.outline_m.area / self.line_m.length
        photos = frozenset(sighting.photo for sighting in self.best_first)
        return CrackPart(best.kind, self.line_m, width_m, best.gsd_mm / 1000, photos)


def _continued(shown: Sequence[_Shown], views: Mapping[str, View]) -> list[_Shown]:
    """Put together what goes on from photo to photo."""
    parts = {number: part for number, one in enumerate(shown) if (part := one.part()) is not None}
    found = find_continuations(parts)
    if not found:
        return list(shown)
    edges = np.array([(one.first, one.second) for one in found], dtype=np.int64)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(shown), len(shown)))
    labels = connected_components(graph, directed=False)[1].tolist()
    whole: dict[int, list[int]] = {}
    for number, label in enumerate(labels):
        whole.setdefault(label, []).append(number)
    continued = []
    for label, members in whole.items():
        if len(members) == 1:
            continued.append(shown[members[0]])
            continue
        sightings = [sighting for number in members for sighting in shown[number].best_first]
        gaps = tuple(one.line_m for one in found if labels[one.first] == label)
        continued.append(replace(_Shown.of(sightings, views), unseen_m=gaps))
    return continued


def _defect(shown: _Shown, witnesses: "_Witnesses") -> Defect:
    best_first, outline, line = shown.best_first, shown.outline_m, shown.line_m
    best = best_first[0]
    width = by_width_trust(best_first)[0]
    unseen_in = witnesses.unseen_in(outline, best_first)
    seen_by = {sighting.photo: 0.0 for sighting in best_first}
    for sighting in best_first:
        seen_by[sighting.photo] = max(seen_by[sighting.photo], sighting.score)
    length_m = _grown(best.length_m, best.centreline_m, line, "length")
    unseen_m = sum(gap.length for gap in shown.unseen_m)
    return Defect(
        id=f"{best.kind[:2].upper()}-{best.sighting_id[:10]}",
        kind=best.kind,
        score=sum(seen_by.values()) / (len(seen_by) + len(unseen_in)),
        outline_m=outline,
        centreline_m=_lines([*([] if line is None else [line]), *shown.unseen_m]),
        length_m=None if length_m is None else length_m + unseen_m,
        width_mm=width.width_mm,
        width_low_mm=width.width_low_mm,
        width_high_mm=width.width_high_mm,
        width_status=width.width_status,
        area_m2=_grown(best.area_m2, best.outline_m, outline, "area"),
        gsd_mm=best.gsd_mm,
        position_error_m=best.position_error_m,
        sightings=best_first,
        unseen_in=unseen_in,
        state_share=mean_state_share((sighting.state_share, _area(sighting)) for sighting in best_first),
        width_p95=width.width_p95,
        width_largest=width.width_largest,
        inferred_length_m=None if best.inferred_length_m is None else best.inferred_length_m + unseen_m,
        pattern=max(best_first, key=lambda one: (one.length_m or one.length_px or 0.0, one.sighting_id)).pattern,
        face=best.face,
    )


_WIDTH_TRUST = {"measured": 0, "estimated": 1, "unmeasured": 2, "below_limit": 3, "no_scale": 4}


def by_width_trust(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Sort sightings of a defect, the one whose width can be trusted most first."""
    return sorted(sightings, key=lambda s: (_WIDTH_TRUST.get(s.width_status or "", len(_WIDTH_TRUST)), _preference(s)))


def _area(sighting: Sighting) -> float:
    """Area on the surface; without a place, where a defect has but one sighting, in pixels."""
    return sighting.area_m2 if sighting.area_m2 is not None else sighting.outline_px.area


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
    covering: list[shapely.Geometry] = []
    for photo in dict.fromkeys(sighting.photo for sighting in best_first):
        own = [sighting for sighting in best_first if sighting.photo == photo]
        outlines += [left for s in own if (left := _beyond(s.outline_m, covering)) is not None]
        lines += [left for s in own if (left := _beyond(s.centreline_m, covering)) is not None]
        if photo in views:
            covering.append(views[photo].footprint)
    return _polygons(outlines), _lines(lines)


def _beyond(shape: shapely.Geometry | None, covering: Sequence[shapely.Geometry]) -> shapely.Geometry | None:
    """Return what of a shape lies in none of the footprints; None where nothing does."""
    for footprint in covering:
        if shape is None or shapely.covers(footprint, shape):
            return None
        shape = shapely.difference(shape, footprint)
    return shape


def _polygons(shapes: Sequence[shapely.Geometry]) -> MultiPolygon | None:
    if not shapes:
        return None
    parts = [
        part
        for part in shapely.get_parts(shapely.union_all(shapes, grid_size=GRID_M))
        if part.geom_type == "Polygon" and part.area > 0
    ]
    return MultiPolygon(parts) if parts else None


def _lines(shapes: Sequence[shapely.Geometry]) -> MultiLineString | None:
    parts = [
        part
        for shape in shapes
        for part in shapely.get_parts(shape)
        if part.geom_type == "LineString" and part.length > 0
    ]
    return MultiLineString(parts) if parts else None


def _grown(
    value: float | None, own: shapely.Geometry | None, whole: shapely.Geometry | None, measure: str
) -> float | None:
    """Scale the best sighting's size to the union's: the size on the surface per size on the map stays its own."""
    if value is None or own is None or whole is None or getattr(own, measure) == 0:
        return value
    return value * float(getattr(whole, measure)) / float(getattr(own, measure))


@dataclass(frozen=True, slots=True, eq=False)
class _Witnesses:
    """Usable photos and the ground that each surely shows."""

    views: tuple[View, ...]
    tree: shapely.STRtree

    @classmethod
    def of(cls, views: Mapping[str, View]) -> "_Witnesses":
        usable = tuple(views[name] for name in sorted(views) if views[name].usable)
        return cls(usable, shapely.STRtree([view.footprint.buffer(-view.position_error_m) for view in usable]))

    def unseen_in(self, outline: MultiPolygon | None, sightings: Sequence[Sighting]) -> tuple[str, ...]:
        """Photos that hold the place, at a comparable resolution, but in which nothing was found there."""
        best = sightings[0]
        if outline is None or best.gsd_mm is None:
            return ()
        seen_in = {sighting.photo for sighting in sightings}
        finest = COMPARABLE_RESOLUTION * best.gsd_mm
        return tuple(
            self.views[number].photo
            for number in sorted(self.tree.query(outline, predicate="intersects").tolist())
            if self.views[number].photo not in seen_in
            and self.views[number].gsd_mm <= finest
            and self.tree.geometries[number].intersection(outline).area >= SHOWN_FRACTION * outline.area
        )
