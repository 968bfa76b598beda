"""Which photos of a flight are compared: those that show much of the same ground."""

from collections.abc import Mapping

import numpy as np
import shapely
from shapely import Polygon

MOST_NEIGHBOURS = 10
"""A photo is compared with so many others, those with the most common ground; the rest hang together through them."""

LEAST_COMMON = 0.1
"""Share of the smaller footprint that two photos must have in common by their stated poses."""


def neighbours(footprints: Mapping[str, Polygon]) -> list[tuple[str, str]]:
    """Give the pairs of photos to compare, each in the order of the names; sorted.

    Parameters
    ----------
    footprints
        What each photo shows of the surface by its stated pose, grown by how far that may be wrong.
    """
    names = sorted(footprints)
    shapes = np.array([footprints[name] for name in names], dtype=object)
    if len(names) < 2:
        return []
    tree = shapely.STRtree(shapes)
    first, second = tree.query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    common = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    share = common / np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    enough = share >= LEAST_COMMON
    first, second, share = first[enough], second[enough], share[enough]
    chosen: set[tuple[int, int]] = set()
    order = np.lexsort((second, first, -share))
    for number in range(len(names)):
        own = order[(first[order] == number) | (second[order] == number)][:MOST_NEIGHBOURS]
        chosen.update(zip(first[own].tolist(), second[own].tolist(), strict=True))
    return [(names[a], names[b]) for a, b in sorted(chosen)]
