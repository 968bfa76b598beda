"""Lay photos without tie points onto each other by their sightings.

Where a photo stands is uncertain, but all its defects are wrong together: by a shift, and by a small turn. For a pair
of photos the shift is sought within their stated errors, among those that lay one sighting onto another of its kind;
the one that explains most of what both photos show wins, and is refined with the turn (iterated closest points, Besl
and McKay 1992; the turn by Kabsch 1976).

One pair may have little in common and be laid wrong. So the pairs with the best evidence make a tree over the photos
(a maximum spanning tree, Kruskal 1956), and every other pair starts from what the tree says of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from tenken.identity.marks import KINDS_APART_M, PhotoMarks, points_along
from tenken.identity.registration import Pair

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SCORING_SHARE = 0.05
"""Share of the shift's range within which a point counts as explained while shifts are compared."""

RESIDUAL_SHARE = 0.15
"""Share of the shift's range that may remain between two marks of one defect: height errors and relief."""

RESIDUAL_PX = 8.0
"""Ground resolutions that always may remain: how well masks and centre lines repeat from photo to photo."""

RESIDUAL_FACTOR = 4.0
"""Marks of one defect lie within this many median residuals of each other."""

LEAST_SHARE = 0.3
"""Share of what both photos show that must be explained for a pair to count as evidence. Detectors that find half of
the defects in each photo explain half."""

POINTS_PER_SIGHTING = 80
"""A sighting is laid onto others by about so many points along its line or outline."""

MOST_CANDIDATES = 80
MOST_TURN_RAD = np.radians(5.0)
ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Marks:
    """Points along the sightings of one photo, a struct of arrays."""

    xy_m: FloatArray
    """(n, 2)"""
    kind: IntArray
    """(n,) code of the kind."""
    owner: IntArray
    """(n,) which sighting a point is of."""
    weight_m: FloatArray
    """(n,) length of line that a point stands for."""

    def of(self, owner: int) -> FloatArray:
        """(m, 2) points of one sighting."""
        points: FloatArray = self.xy_m[self.owner == owner]
        return points

    @property
    def apart(self) -> FloatArray:
        """(n, 3) points, the kinds far from each other."""
        return np.column_stack([self.xy_m, self.kind * KINDS_APART_M])


@dataclass(frozen=True, slots=True)
class Alignment:
    """How to lay the second photo of a pair onto the first: ``turn @ xy + shift``."""

    turn: FloatArray
    """(2, 2) rotation."""
    shift_m: FloatArray
    near_m: float
    """How far apart two marks of the same defect may lie after it."""
    explained_m: float = 0.0
    """Length of line that lies on its like in the other photo."""
    share: float = 0.0
    """The same as a share of all that both photos show."""

    def lay(self, xy_m: FloatArray) -> FloatArray:
        """Move (n, 2) points of the second photo onto the first."""
        return np.asarray(xy_m @ self.turn.T + self.shift_m, dtype=np.float64)

    def after(self, other: "Alignment") -> "Alignment":
        """Return the alignment that does ``other`` first, then this one; what remains of both adds up."""
        shift_m = self.turn @ other.shift_m + self.shift_m
        return Alignment(self.turn @ other.turn, shift_m, self.near_m + other.near_m)

    def reversed(self) -> "Alignment":
        """Return the alignment that lays the first photo onto the second."""
        return replace(self, turn=self.turn.T, shift_m=-self.turn.T @ self.shift_m)


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """All lines of one photo's sightings as dense points: what the marks of other photos are laid onto."""

    by_owner: Mapping[int, FloatArray]
    """(n, 2) points of each sighting, so dense that the nearest point is as good as the nearest place."""
    tree: cKDTree
    """Of all points, (m, 3), the kinds far from each other."""

    @classmethod
    def of(cls, by_owner: Mapping[int, FloatArray], kinds: Mapping[int, int]) -> "Lines":
        """Index the lines of a photo; both by sighting number."""
        parts = [np.column_stack([xy, np.full(len(xy), kinds[n] * KINDS_APART_M)]) for n, xy in by_owner.items()]
        return cls(by_owner, cKDTree(np.concatenate(parts)))


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """What two photos show of the same ground.

    Coordinates count from a common origin near the flight, so that turning about it moves nothing far.
    """

    first: Marks
    second: Marks
    first_lines: Lines
    second_lines: Lines
    range_m: float
    """How far the photos may be shifted against each other."""
    resolution_m: float
    """The coarser of their ground resolutions."""

    @property
    def least_m(self) -> float:
        """Distance within which marks always count as the same."""
        return RESIDUAL_PX * self.resolution_m

    @property
    def most_m(self) -> float:
        """Distance beyond which marks never count as the same."""
        return max(self.least_m, RESIDUAL_SHARE * self.range_m)


def align_photos(overlaps: Mapping[Pair, Overlap]) -> dict[Pair, Alignment]:
    """Align all pairs of photos that share ground, the better ones first, so that they agree with each other.

    Pairs without evidence stay where their poses put them.
    """
    free = {pair: align(overlap) for pair, overlap in sorted(overlaps.items())}
    onto_root = _tree(free)
    aligned = {}
    for (first, second), overlap in sorted(overlaps.items()):
        to_first, to_second = onto_root.get(first), onto_root.get(second)
        if to_first is None or to_second is None or to_first[0] != to_second[0]:
            aligned[first, second] = _unmoved(overlap)
            continue
        expected = to_first[1].reversed().after(to_second[1])
        # What the pair itself shows may only correct what the tree leaves open.
        most_m = float(np.clip(expected.near_m, overlap.least_m, overlap.most_m))
        own = _refined(expected, overlap, most_m)
        aligned[first, second] = replace(expected, near_m=most_m) if _at_limit(own) else own
    return aligned


def align(overlap: Overlap) -> Alignment:
    """Lay one photo onto another by their marks alone."""
    scoring = max(overlap.least_m, SCORING_SHARE * overlap.range_m)
    best, most = _unmoved(overlap), -1.0
    for shift in _candidate_shifts(overlap):
        tried = Alignment(np.eye(2), shift, overlap.least_m)
        explained, _ = _explained(tried, overlap, scoring)
        # A larger shift must explain more: the candidates come sorted by size.
        if explained > most * (1 + 1e-6) + 1e-9:
            best, most = tried, explained
    refined = _refined(best, overlap, overlap.most_m)
    explained, share = _explained(refined, overlap, refined.near_m)
    return replace(refined, explained_m=explained, share=share)


def _tree(free: Mapping[Pair, Alignment]) -> dict[str, tuple[str, Alignment]]:
    """Give each photo its tree's root, and how to lay the photo onto that."""
    nothing = Alignment(np.eye(2), np.zeros(2), 0.0)
    onto_root: dict[str, tuple[str, Alignment]] = {}
    evident = [(pair, one) for pair, one in free.items() if one.share >= LEAST_SHARE and not _at_limit(one)]
    for (first, second), alignment in sorted(evident, key=lambda item: (-item[1].explained_m * item[1].share, item[0])):
        root_a, to_a = onto_root.setdefault(first, (first, nothing))
        root_b, to_b = onto_root.setdefault(second, (second, nothing))
        if root_a == root_b:
            continue
        # root b → second → first → root a
        bridge = to_a.after(alignment).after(to_b.reversed())
        for photo, (root, own) in list(onto_root.items()):
            if root == root_b:
                onto_root[photo] = root_a, bridge.after(own)
    return onto_root


def _at_limit(alignment: Alignment) -> bool:
    return bool(abs(np.arcsin(np.clip(alignment.turn[1, 0], -1, 1))) > 0.9 * MOST_TURN_RAD)


def _unmoved(overlap: Overlap) -> Alignment:
    return Alignment(np.eye(2), np.zeros(2), overlap.least_m)


def _candidate_shifts(overlap: Overlap) -> list[FloatArray]:
    """Shifts that lay a sighting onto another of its kind, the most telling pairs first; sorted by size."""
    first, second, range_m = overlap.first, overlap.second, overlap.range_m
    pairs = []
    for b in np.unique(second.owner).tolist():
        points_b = second.of(b)
        length_b = float(second.weight_m[second.owner == b].sum())
        for a in np.unique(first.owner[first.kind == second.kind[second.owner == b][0]]).tolist():
            points_a = overlap.first_lines.by_owner[a]
            if _gap(points_a, points_b) > range_m:
                continue
            length_a = float(first.weight_m[first.owner == a].sum())
            pairs.append((-min(length_a, length_b), abs(np.log(length_a / length_b)), a, b, points_a, points_b))
    pairs.sort(key=lambda pair: pair[:4])
    shifts = [np.zeros(2)] + [_closest_shift(pair[4], pair[5], range_m) for pair in pairs[:MOST_CANDIDATES]]
    return sorted((s for s in shifts if np.hypot(*s) <= range_m), key=lambda s: (round(float(np.hypot(*s)), 6), *s))


def _gap(first: FloatArray, second: FloatArray) -> float:
    """Distance of two point sets' bounding boxes."""
    low = np.maximum(first.min(axis=0), second.min(axis=0))
    high = np.minimum(first.max(axis=0), second.max(axis=0))
    return float(np.hypot(*np.maximum(0.0, low - high)))


def _closest_shift(first: FloatArray, second: FloatArray, range_m: float) -> FloatArray:
    """Iterate closest points, shift only."""
    tree, shift = cKDTree(first), np.zeros(2)
    for _ in range(ROUNDS):
        _, nearest = tree.query(second + shift)
        step = np.median(first[nearest] - second - shift, axis=0)
        shift = shift + step
        if np.hypot(*step) < 1e-4 or np.hypot(*shift) > range_m:
            break
    return shift


def _explained(alignment: Alignment, overlap: Overlap, near_m: float) -> tuple[float, float]:
    """Length of line in both photos that lies on its like in the other, and its share of all."""
    first, second = overlap.first, overlap.second
    onto_first = replace(second, xy_m=alignment.lay(second.xy_m)).apart
    onto_second = replace(first, xy_m=alignment.reversed().lay(first.xy_m)).apart
    explained = total = 0.0
    for marks, laid, lines in ((second, onto_first, overlap.first_lines), (first, onto_second, overlap.second_lines)):
        distance = lines.tree.query(laid, distance_upper_bound=near_m)[0]
        # 1 on the spot, falling to 0 at the limit and beyond.
        closeness = np.clip(1 - (distance / near_m) ** 2, 0.0, 1.0)
        explained += float((marks.weight_m * closeness).sum())
        total += float(marks.weight_m.sum())
    return explained, explained / total


def _refined(start: Alignment, overlap: Overlap, most_m: float) -> Alignment:
    """Improve turn and shift by the marks that lie close; the start where fewer than three do."""
    second, target = overlap.second, overlap.first_lines.tree
    goals = np.asarray(target.data)[:, :2]
    turn, shift, residual = start.turn, start.shift_m, overlap.least_m / RESIDUAL_FACTOR
    for _ in range(ROUNDS):
        laid = replace(second, xy_m=Alignment(turn, shift, 0.0).lay(second.xy_m)).apart
        distance, nearest = target.query(laid, distance_upper_bound=most_m)
        found = np.isfinite(distance)
        if found.sum() < 3:
            return replace(start, near_m=overlap.least_m)
        residual = float(np.median(distance[found]))
        close = found & (distance <= max(RESIDUAL_FACTOR * residual, overlap.least_m))
        turn, shift = _rigid(second.xy_m[close], goals[nearest[close]])
    return Alignment(turn, shift, float(np.clip(RESIDUAL_FACTOR * residual, overlap.least_m, most_m)))


def _rigid(source: FloatArray, goal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn and shift that lay points onto their goals with least squares."""
    middle_s, middle_g = source.mean(axis=0), goal.mean(axis=0)
    (xx, xy), (yx, yy) = (source - middle_s).T @ (goal - middle_g)
    angle = float(np.clip(np.arctan2(xy - yx, xx + yy), -MOST_TURN_RAD, MOST_TURN_RAD))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn, middle_g - turn @ middle_s


def overlap_of(first: PhotoMarks, second: PhotoMarks, range_m: float) -> Overlap | None:
    """Collect the marks in the ground that both photos may show; None when they have no kind in common there.

    ``range_m`` is how far the photos may be shifted against each other.
    """
    ground = first.footprint.buffer(range_m).intersection(second.footprint.buffer(range_m))
    shapely.prepare(ground)
    marks = [_marks(photo, ground) for photo in (first, second)]
    if marks[0] is None or marks[1] is None or not set(marks[0].kind.tolist()) & set(marks[1].kind.tolist()):
        return None
    resolution_m = max(first.view.gsd_mm, second.view.gsd_mm) / 1000
    dense = [Lines.of(_dense(photo), photo.kinds) for photo in (first, second)]
    return Overlap(marks[0], marks[1], dense[0], dense[1], range_m, resolution_m)


def _dense(photo: PhotoMarks) -> dict[int, FloatArray]:
    """All points of each sighting: along its line, or along its outline."""
    spacing_m = photo.view.gsd_mm / 1000
    outlines = {number: points_along(shapely.boundary(outline), spacing_m) for number, outline in photo.areas.items()}
    owners = np.unique(photo.lines.owner).tolist()
    return {**outlines, **{number: photo.lines.xy_m[photo.lines.owner == number] for number in owners}}


def _marks(photo: PhotoMarks, ground: shapely.Geometry) -> Marks | None:
    """Few points along each sighting that lie in common ground."""
    numbers, kinds, points, weights = [], [], [], []
    for number, dense in sorted(_dense(photo).items()):
        few = dense[:: max(1, len(dense) // POINTS_PER_SIGHTING)]
        inside = few[shapely.contains_xy(ground, few)]
        if len(few) < 2 or not len(inside):
            continue
        spacing_m = float(np.median(np.hypot(*np.diff(few, axis=0).T)))
        numbers.append(np.full(len(inside), number, dtype=np.int64))
        kinds.append(np.full(len(inside), photo.kinds[number], dtype=np.int64))
        points.append(inside)
        weights.append(np.full(len(inside), max(spacing_m, 1e-9)))
    return Marks(*(np.concatenate(part) for part in (points, kinds, numbers, weights))) if points else None
