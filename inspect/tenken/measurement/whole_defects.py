"""Whole defects of a picture: outlined, traced, and put together across the gaps that the detector left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon, affinity

from tenken.measurement.assemble import WholeMask
from tenken.measurement.bridging import Bridge, find_bridges
from tenken.measurement.centreline import trace_centreline
from tenken.measurement.condition import StateShare
from tenken.measurement.crack_ends import TracedCrack
from tenken.measurement.outline import outline_of
from tenken.measurement.topology import Topology, topology_of

AT_NODE_PX = 0.5
"""A bridge that meets a line nearer than this to its end is led to the end: no line is cut that short."""


@dataclass(frozen=True, slots=True)
class WholeDefect:
    """A defect in picture pixels.

    Parameters
    ----------
    kind, score, state_share
        Of all its pieces, weighted with their marked pixels.
    weight_px
        The sum of those.
    left_px, top_px
        Corner of the box of what was seen.
    outline_px, area_px
        What was seen.
    seen_px
        Centre lines of what was seen, which meet in their end points; empty for kinds without one.
    inferred_px
        The bridges between them; empty where nothing was bridged.
    pieces
        How many were put together.
    """

    kind: str
    score: float
    state_share: StateShare | None
    weight_px: int
    left_px: int
    top_px: int
    outline_px: MultiPolygon
    area_px: float
    seen_px: MultiLineString
    inferred_px: MultiLineString
    pieces: int

    @property
    def centreline_px(self) -> MultiLineString:
        """All lines, seen and inferred."""
        return MultiLineString([*self.seen_px.geoms, *self.inferred_px.geoms])

    @property
    def mask_width_px(self) -> float:
        """Mean width of the mask: area over length."""
        return self.area_px / self.seen_px.length

    @property
    def topology(self) -> Topology:
        """How the lines hang together, bridges included."""
        return topology_of(self.centreline_px, self.mask_width_px)


def trace_whole(whole: WholeMask, *, linear: bool) -> WholeDefect:
    """Outline a mask, and trace its centre line where its kind has one."""
    line = _to_picture(trace_centreline(whole.mask), whole) if linear else MultiLineString()
    return WholeDefect(
        kind=whole.kind,
        score=whole.score,
        state_share=whole.state_share,
        weight_px=whole.weight_px,
        left_px=whole.left_px,
        top_px=whole.top_px,
        outline_px=_to_picture(outline_of(whole.mask), whole),
        area_px=float(np.count_nonzero(whole.mask)) * whole.scale**2,
        seen_px=line,
        inferred_px=MultiLineString(),
        pieces=whole.pieces,
    )


def bridge_gaps(wholes: Iterable[WholeDefect]) -> list[WholeDefect]:
    """Put defects that have a centre line together where their ends belong together, kind by kind.

    Returns
    -------
    By place (top, left), as they are in the picture.
    """
    found: list[WholeDefect] = []
    lines: dict[str, list[WholeDefect]] = {}
    for whole in wholes:
        # A mark of a single pixel has no line, and nothing to bridge.
        (found if whole.seen_px.is_empty else lines.setdefault(whole.kind, [])).append(whole)
    for cracks in lines.values():
        bridges = find_bridges([TracedCrack(crack.seen_px, crack.mask_width_px) for crack in cracks])
        links = np.array([(bridge.first, bridge.second) for bridge in bridges], dtype=np.int64).reshape(-1, 2)
        graph = coo_array((np.ones(len(links)), links.T), shape=(len(cracks), len(cracks)))
        count, group = connected_components(graph, directed=False)
        members: list[list[WholeDefect]] = [[] for _ in range(count)]
        for crack, number in zip(cracks, group.tolist(), strict=True):
            members[number].append(crack)
        across: list[list[Bridge]] = [[] for _ in range(count)]
        for bridge in bridges:
            across[group[bridge.first]].append(bridge)
        found += [_joined(few, gaps) if gaps else few[0] for few, gaps in zip(members, across, strict=True)]
    return sorted(found, key=lambda whole: (whole.top_px, whole.left_px, whole.kind, -whole.score))


def _joined(wholes: Sequence[WholeDefect], bridges: Sequence[Bridge]) -> WholeDefect:
    """Make one defect of several."""
    weights = [whole.weight_px for whole in wholes]
    seen: list[LineString] = [line for whole in wholes for line in whole.seen_px.geoms]
    inferred = []
    for bridge in bridges:
        line = bridge.line
        if bridge.into_side:
            seen, line = _led_into_side(seen, line)
        inferred.append(line)
    seen.sort(key=lambda line: line.coords[0])
    outline = shapely.union_all([whole.outline_px for whole in wholes])
    return WholeDefect(
        kind=wholes[0].kind,
        score=float(np.average([whole.score for whole in wholes], weights=weights)),
        state_share=None,
        weight_px=sum(weights),
        left_px=min(whole.left_px for whole in wholes),
        top_px=min(whole.top_px for whole in wholes),
        outline_px=MultiPolygon([part for part in shapely.get_parts(outline) if isinstance(part, Polygon)]),
        area_px=sum(whole.area_px for whole in wholes),
        seen_px=MultiLineString(seen),
        inferred_px=MultiLineString(inferred),
        pieces=sum(whole.pieces for whole in wholes),
    )


def _led_into_side(lines: Sequence[LineString], bridge: LineString) -> tuple[list[LineString], LineString]:
    """Cut the line that a bridge runs into where they meet, so that lines meet in their end points."""
    met = Point(bridge.coords[-1])
    number = int(np.argmin(shapely.distance(lines, met)))
    line = lines[number]
    along = line.project(met)
    for end, place in ((0, 0.0), (-1, line.length)):
        if abs(along - place) < AT_NODE_PX:
            return list(lines), LineString([bridge.coords[0], line.coords[end]])
    coords = np.asarray(line.coords)
    before = np.searchsorted(np.cumsum(np.hypot(*np.diff(coords, axis=0).T)), along) + 1
    corner = np.asarray(met.coords)
    halves = (np.vstack([coords[:before], corner]), np.vstack([corner, coords[before:]]))
    # A vertex that lies where the bridge meets the line would make a step of no length.
    cut = [LineString(half[np.append(True, np.any(np.diff(half, axis=0) != 0, axis=1))]) for half in halves]
    return [*lines[:number], *cut, *lines[number + 1 :]], bridge


Geometry = TypeVar("Geometry", MultiPolygon, MultiLineString)


def _to_picture(geometry: Geometry, whole: WholeMask) -> Geometry:
    return affinity.affine_transform(geometry, [whole.scale, 0, 0, whole.scale, whole.left_px, whole.top_px])
