"""What a crack's centre line hangs together like: its ends, its junctions, its closed loops."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import MultiLineString

IntArray = npt.NDArray[np.int64]
Pattern = Literal["line", "branched", "network"]

JUNCTION_DECIMALS = 6
"""Lines meet where their end points are equal to this many decimals of a pixel."""

LEAST_JUNCTION_PX = 4.0
"""Junctions nearer than this along the line are one, however thin the crack: thinning splits a crossing so far."""

JUNCTION_WIDTHS = 2.0
"""Junctions nearer than so many crack widths along the line are one: a thick crossing is thinned to two T's."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The graph of a centre line.

    Parameters
    ----------
    ends
        Points where a line stops.
    junctions
        Places where three or more lines meet. Places joined by a line of less than `JUNCTION_WIDTHS` crack widths
        count as one: X crossings are traced as two T's.
    loops
        Closed loops that do not go through each other (the graph's cycle rank).
    parts
        Parts that do not hang together.
    """

    ends: int
    junctions: int
    loops: int
    parts: int

    @property
    def pattern(self) -> Pattern:
        """``network`` with a closed loop, else ``branched`` with a junction, else ``line``."""
        return pattern_of(self.junctions, self.loops)


def pattern_of(junctions: int, loops: int) -> Pattern:
    """Name the pattern of a crack: ``network`` with a closed loop, else ``branched`` with a junction, else ``line``."""
    if loops:
        return "network"
    return "branched" if junctions else "line"


@dataclass(frozen=True, slots=True)
class LineGraph:
    """Lines as a graph: they meet where their end points are equal.

    Parameters
    ----------
    nodes
        (m, 2) node at each line's start and stop.
    degree
        (n,) how many line ends meet at each node.
    parts
        How many parts do not hang together.
    part_of_line
        (m,) the part of each line.
    """

    nodes: IntArray
    degree: IntArray
    parts: int
    part_of_line: IntArray


def line_graph(lines: MultiLineString) -> LineGraph:
    """Find where lines meet."""
    ends = np.array([(part.coords[0][:2], part.coords[-1][:2]) for part in lines.geoms]).reshape(-1, 2)
    places, number = np.unique(ends.round(JUNCTION_DECIMALS), axis=0, return_inverse=True)
    nodes = number.reshape(-1, 2).astype(np.int64)
    parts, part_of_node = _connected(nodes, len(places))
    return LineGraph(nodes, np.bincount(nodes.ravel(), minlength=len(places)), parts, part_of_node[nodes[:, 0]])


def topology_of(lines: MultiLineString, width_px: float) -> Topology:
    """Count the ends, junctions and loops of a centre line whose lines meet in their end points.

    Parameters
    ----------
    lines
        In pixels.
    width_px
        Width of the crack's mask.
    """
    graph = line_graph(lines)
    short = np.array([line.length for line in lines.geoms]) <= max(LEAST_JUNCTION_PX, JUNCTION_WIDTHS * width_px)
    inner = short & (graph.degree[graph.nodes] >= 3).all(axis=1)
    places, place = _connected(graph.nodes[inner], len(graph.degree))
    outer = place[graph.nodes[~inner]]
    around = np.bincount(outer.ravel(), minlength=places)
    parts, _ = _connected(outer, places)
    return Topology(
        ends=int(np.count_nonzero(around == 1)),
        junctions=int(np.count_nonzero(around >= 3)),
        loops=len(outer) - places + parts,
        parts=parts,
    )


def _connected(edges: IntArray, nodes: int) -> tuple[int, IntArray]:
    """Count the connected parts of a graph, and give the part of each node."""
    links = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(nodes, nodes))
    count, part = connected_components(links, directed=False)
    return int(count), np.asarray(part, dtype=np.int64)
