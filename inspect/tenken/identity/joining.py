"""Which sightings are of the same defect.

Photos that the adjustment tied lie on each other within centimetres; what their tie points still disagree by is taken
out place by place. Photos without tie points (bare walls, pictures of other days) are laid onto each other by the
defects themselves. In each pair of photos that show the same ground, sightings that lie on each other are linked.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tenken.identity.alignment import align_photos, overlap_of
from tenken.identity.linking import Laying, Link, link_sightings
from tenken.identity.marks import PhotoMarks, View, place_of
from tenken.identity.registration import Pair, Registration
from tenken.measurement.measure import Sighting

SHIFT_SIGMAS = 2.0
"""How many standard deviations of their position errors two photos without ties may be shifted against each other."""

NO_POINTS = np.empty((0, 2))


def join_sightings(
    sightings: Sequence[Sighting], views: Mapping[str, View], registered: Mapping[Pair, Registration]
) -> list[list[int]]:
    """Group the sightings of each defect; numbers into ``sightings``, which must come in a fixed order.

    A sighting in a photo without a place stands alone.

    Parameters
    ----------
    sightings
        Of all photos.
    views
        What each placed photo shows.
    registered
        How tied photos lie on each other, by pair in the order of the names; absolute places.
    """
    by_photo: dict[str, list[int]] = {}
    for number, sighting in enumerate(sightings):
        if sighting.photo in views and place_of(sighting) is not None:
            by_photo.setdefault(sighting.photo, []).append(number)
    if not by_photo:
        return [[number] for number in range(len(sightings))]
    origin_m = np.array(views[min(by_photo)].footprint.centroid.coords[0])
    marks = {photo: PhotoMarks.of(views[photo], numbers, sightings, origin_m) for photo, numbers in by_photo.items()}
    links = [
        link
        for pair, laying in _layings(marks, _moved_to(registered, origin_m))
        for link in link_sightings(marks[pair[0]], marks[pair[1]], laying)
    ]
    return _groups(len(sightings), links)


def _moved_to(registered: Mapping[Pair, Registration], origin_m: np.ndarray) -> dict[Pair, Registration]:
    """Count places from a common origin."""
    return {
        pair: Registration(one.at_m - origin_m, one.shift_m, one.near_m) for pair, one in sorted(registered.items())
    }


def _layings(marks: Mapping[str, PhotoMarks], registered: Mapping[Pair, Registration]) -> Iterator[tuple[Pair, Laying]]:
    """Say of each pair of photos that may show common ground how the second is laid onto the first."""
    block, near_m = _blocks(registered)
    untied = {}
    for pair in _overlapping(marks, block):
        first, second = pair
        if pair in registered:
            yield pair, registered[pair]
        elif first in block and block[first] == block.get(second):
            # Both were adjusted to the same photos between them.
            yield pair, Registration(NO_POINTS, NO_POINTS, float(np.hypot(near_m[first], near_m[second])))
        else:
            untied[pair] = overlap_of(marks[first], marks[second], _range_m(marks[first].view, marks[second].view))
    yield from align_photos({pair: overlap for pair, overlap in untied.items() if overlap is not None}).items()


def _blocks(registered: Mapping[Pair, Registration]) -> tuple[dict[str, int], dict[str, float]]:
    """Give each tied photo the number of its block, and the median of what remains between it and its neighbours."""
    names = sorted({name for pair in registered for name in pair})
    number = {name: index for index, name in enumerate(names)}
    edges = np.array([(number[a], number[b]) for a, b in registered], dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(names), len(names)))
    labels = connected_components(graph, directed=False)[1] if names else np.empty(0, dtype=np.int64)
    remaining: dict[str, list[float]] = {}
    for pair, one in registered.items():
        for name in pair:
            remaining.setdefault(name, []).append(one.near_m)
    return dict(zip(names, labels.tolist(), strict=True)), {n: float(np.median(v)) for n, v in remaining.items()}


def _overlapping(marks: Mapping[str, PhotoMarks], block: Mapping[str, int]) -> list[Pair]:
    """Pairs of photos, in the order of their names, that may show common ground."""
    names = sorted(marks)
    if len(names) < 2:
        return []
    # Where photos were adjusted, what they may be off in common matters to no pair of them.
    reach = [
        marks[name].footprint.buffer(0.0 if name in block else SHIFT_SIGMAS * marks[name].view.position_error_m)
        for name in names
    ]
    first, second = shapely.STRtree(reach).query(reach, predicate="intersects")
    return [(names[i], names[j]) for i, j in sorted(zip(first.tolist(), second.tolist(), strict=True)) if i < j]


def _range_m(first: View, second: View) -> float:
    return SHIFT_SIGMAS * float(np.hypot(first.position_error_m, second.position_error_m))


def _groups(count: int, links: Sequence[Link]) -> list[list[int]]:
    first, second = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    groups: dict[int, list[int]] = {}
    for number, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(number)
    return list(groups.values())
