"""Cracks that go on from one photo to the next where no photo shows both parts.

Photos that overlap by a hand's breadth, or a detector that stops short of a picture's border, leave two ends that point
at each other. They are joined by the rules for gaps within one photo (`tenken.measurement.bridging`), and only where no
photo shows both sides: there those rules have been asked already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import KDTree
from shapely import LineString, MultiLineString

from tenken.measurement.bridge_candidates import MOST_GAP_PX
from tenken.measurement.bridging import find_bridges
from tenken.measurement.crack_ends import TracedCrack


@dataclass(frozen=True, slots=True)
class CrackPart:
    """A crack as the photos of one group show it.

    Parameters
    ----------
    kind
        Only like kinds are joined.
    line_m
        Centre line on the map.
    width_m
        Of its mask: area over length.
    resolution_m
        Ground resolution of its best photo.
    photos
        Those that show it.
    """

    kind: str
    line_m: MultiLineString
    width_m: float
    resolution_m: float
    photos: frozenset[str]


@dataclass(frozen=True, slots=True)
class Continuation:
    """Two parts that are one crack, and the line between them that nobody saw."""

    first: int
    second: int
    line_m: LineString


def find_continuations(parts: Mapping[int, CrackPart]) -> list[Continuation]:
    """Find which parts go on in which others.

    Parameters
    ----------
    parts
        By any number.
    """
    found: list[Continuation] = []
    for kind in sorted({part.kind for part in parts.values()}):
        own = {number: part for number, part in sorted(parts.items()) if part.kind == kind}
        found += _of_one_kind(own)
    return found


def _of_one_kind(parts: Mapping[int, CrackPart]) -> list[Continuation]:
    # The rules count in pixels, which differ from photo to photo: those of the flight as a whole.
    pixel_m = float(np.median([part.resolution_m for part in parts.values()]))
    numbers = _with_ends_near(parts, MOST_GAP_PX * pixel_m)
    if not numbers:
        return []
    origin_m = shapely.get_coordinates(parts[numbers[0]].line_m)[0]
    traced = [
        TracedCrack(_in_pixels(parts[number].line_m, origin_m, pixel_m), max(parts[number].width_m / pixel_m, 1.0))
        for number in numbers
    ]
    continuations = []
    for bridge in find_bridges(traced):
        first, second = sorted((numbers[bridge.first], numbers[bridge.second]))
        if first == second or bridge.into_side or parts[first].photos & parts[second].photos:
            continue
        line_m = shapely.transform(bridge.line, lambda xy: xy * pixel_m + origin_m)
        continuations.append(Continuation(first, second, line_m))
    return continuations


def _with_ends_near(parts: Mapping[int, CrackPart], gap_m: float) -> list[int]:
    """Numbers of the parts that have an end no farther than a gap from an end of another one."""
    lines, owner = shapely.get_parts([part.line_m for part in parts.values()], return_index=True)
    xy_m = np.stack([shapely.get_coordinates(shapely.get_point(lines, end)) for end in (0, -1)], axis=1).reshape(-1, 2)
    owner = np.repeat(owner, 2)
    first, second = KDTree(xy_m).query_pairs(gap_m, output_type="ndarray").reshape(-1, 2).T
    others = owner[first] != owner[second]
    numbers = np.array(list(parts))
    near: list[int] = np.unique(numbers[np.concatenate([owner[first[others]], owner[second[others]]])]).tolist()
    return near


def _in_pixels(line: MultiLineString, origin_m: Sequence[float], pixel_m: float) -> MultiLineString:
    flat = shapely.force_2d(line)
    return shapely.transform(flat, lambda xy: (xy - np.asarray(origin_m)[:2]) / pixel_m)
