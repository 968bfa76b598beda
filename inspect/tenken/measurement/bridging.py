"""Which ends of traced cracks belong together, across the gaps that detectors leave.

Two ends are bridged when both point at each other, over a gap that is small beside the cracks' widths and lengths,
and when neither has a better partner. An end that runs into the side of another crack is bridged to it when it all but
touches. A false join is worse than a gap: it makes one crack of two, and nobody sees it in the list. So the sideways
step is limited in pixels as well as by the angle, which keeps parallel cracks apart that end where another begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString
from shapely.ops import substring

from tenken.measurement.bridge_candidates import AllLines, Candidates, facing_ends, sides_ahead
from tenken.measurement.crack_ends import TracedCrack, free_ends


@dataclass(frozen=True, slots=True)
class Bridge:
    """The line that nobody saw between two cracks.

    Parameters
    ----------
    line
        From the end of the first crack to the second; straight.
    first, second
        Numbers of the cracks, which may be the same.
    into_side
        The second crack is met at its side, not at an end.
    """

    line: LineString
    first: int
    second: int
    into_side: bool


def find_bridges(cracks: Sequence[TracedCrack]) -> list[Bridge]:
    """Find the gaps to bridge between the cracks of one picture, and within them.

    Time grows nearly in proportion to the cracks. The bridges do not depend on the cracks' order.

    Returns
    -------
    Bridges in the order of their first points' coordinates; none crosses a crack or another bridge.
    """
    ends = free_ends(cracks)
    if not len(ends):
        return []
    lines = AllLines.of(cracks)
    found = _best_of_each_end(Candidates.concatenate(facing_ends(ends), sides_ahead(ends, lines)), len(ends))
    drawn = _without_crossings(found, lines.tree)
    bridges = [
        Bridge(line, int(ends.crack[end]), int(ends.crack[other] if other >= 0 else lines.crack[side]), bool(other < 0))
        for line, end, other, side in zip(drawn.lines, drawn.end, drawn.other_end, drawn.side, strict=True)
    ]
    return sorted(bridges, key=lambda bridge: sorted(bridge.line.coords))


def _best_of_each_end(candidates: Candidates, ends: int) -> Candidates:
    """Keep what is the best of all its ends. Equal ones are told apart by where they lie."""
    if not len(candidates.end):
        return candidates
    places = np.array([np.sort(shapely.get_coordinates(line), axis=0).ravel() for line in candidates.lines])
    ranked = candidates.kept(np.lexsort((*places.T, candidates.cost)))
    number = np.arange(len(ranked.end))
    best = np.full(ends, len(number))
    np.minimum.at(best, ranked.end, number)
    facing = ranked.other_end >= 0
    np.minimum.at(best, ranked.other_end[facing], number[facing])
    mutual = best[ranked.end] == number
    mutual[facing] &= best[ranked.other_end[facing]] == number[facing]
    return ranked.kept(mutual)


def _without_crossings(candidates: Candidates, tree: shapely.STRtree) -> Candidates:
    """Drop what crosses a crack, or a better bridge. Candidates are ranked."""
    inner = np.array([_inner(line) for line in candidates.lines])
    crossing = np.zeros(len(inner), dtype=bool)
    if len(inner):
        crossing[tree.query(inner, predicate="intersects")[0]] = True
        one, other = shapely.STRtree(inner).query(inner, predicate="intersects")
        for better, worse in sorted(zip(other.tolist(), one.tolist(), strict=True)):
            if better < worse and not crossing[better]:
                crossing[worse] = True
    return candidates.kept(~crossing)


def _inner(line: LineString) -> LineString:
    """Give the bridge without its very ends, which lie on the cracks that it joins."""
    off = min(0.5, line.length / 4)
    inner = substring(line, off, line.length - off)
    return inner if isinstance(inner, LineString) else line
