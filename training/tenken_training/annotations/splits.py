"""Which photos train, choose and test: whole sites, never parts of one, so that a figure tells of a new structure."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenken.errors import SettingsError
from tenken.notes import Note
from tenken_training.annotations.photo import SPLITS, Split

FILLED: tuple[Split, Split] = ("test", "val")
"""In this order; the rest trains."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A photo to be put into a split.

    Parameters
    ----------
    name
        Unique; neighbours in the air are neighbours by name.
    site
        What it shows.
    split
        Where it must be; None where that is free.
    """

    name: str
    site: str
    split: Split | None = None


def assign_splits(
    photos: Sequence[Placed],
    pairs: Sequence[tuple[int, int]],
    *,
    val: float,
    test: float,
    seed: int = 0,
) -> tuple[list[Split], list[str]]:
    """Put photos into splits by site.

    Parameters
    ----------
    photos
        All of the data set, also those that are there already (with their split).
    pairs
        Numbers of photos that are near-duplicates.
    val, test
        Wanted shares of the photos.
    seed
        Another seed draws other sites.

    Returns
    -------
    The split of each photo, and what a person must be told.

    Raises
    ------
    SettingsError
        When near-duplicates are bound to different splits.
    """
    notes: list[str] = []
    unions = _Unions(len(photos))
    by_site: dict[str, list[int]] = defaultdict(list)
    for number, photo in enumerate(photos):
        by_site[photo.site].append(number)
    free_sites = {site for site, members in by_site.items() if all(photos[one].split is None for one in members)}
    alone = len(by_site) == 1 and len(free_sites) == 1
    for site in by_site:
        if not alone and site in free_sites:
            unions.join_all(by_site[site])
    for one, other in pairs:
        if photos[one].site != photos[other].site and not unions.same(one, other):
            notes.append(Note.of("import.nearly_same", one=photos[one].name, other=photos[other].name))
        unions.join(one, other)
    groups = unions.groups()
    homes = {site: _home(photos, members) for site, members in by_site.items() if site not in free_sites}
    bound = [_bound_split(photos, group, homes) for group in groups]
    if alone:
        drawn = _blocks(groups, photos, val, test)
        notes.append(Note.of("import.one_site", site=photos[0].site))
    else:
        drawn = _draw_groups(groups, bound, photos, val, test, seed)
    result: list[Split] = ["train"] * len(photos)
    for group, split in zip(groups, drawn, strict=True):
        for number in group:
            result[number] = split
    missing = [split for split in ("val", "test") if split not in result and len(photos) > 2]
    notes += [Note.of("import.empty_split", split=Note.of(f"import.split_{split}")) for split in missing]
    return result, notes


def _home(photos: Sequence[Placed], members: Sequence[int]) -> Split | None:
    """Give the split that all placed photos of a site are in; None where they are in several."""
    found = {photos[number].split for number in members} - {None}
    return found.pop() if len(found) == 1 else None


def _bound_split(photos: Sequence[Placed], group: Sequence[int], homes: Mapping[str, Split | None]) -> Split | None:
    by_split: dict[Split, str] = {}
    for number in group:
        photo = photos[number]
        split = photo.split or homes.get(photo.site)
        if split is not None:
            by_split.setdefault(split, photo.name)
    if len(by_split) > 1:
        (one, first), (other, second) = sorted(by_split.items())[:2]
        raise SettingsError(
            f"{first} ({one}) and {second} ({other}) are nearly the same photo, or hang together by such: a test of "
            "what was trained on proves nothing; remove one, or import without --keep-splits or into a new data set"
        )
    if not by_split and any(photos[number].site in homes for number in group):
        return "train"  # a new photo of a site that is in several splits already
    return next(iter(by_split), None)


def _draw_groups(
    groups: Sequence[Sequence[int]],
    bound: Sequence[Split | None],
    photos: Sequence[Placed],
    val: float,
    test: float,
    seed: int,
) -> list[Split]:
    """Fill test, then val, with groups in an order drawn by the seed; what would overfill them trains."""
    result = list(bound)
    sizes = Counter[Split]()
    for group, split in zip(groups, bound, strict=True):
        if split is not None:
            sizes[split] += len(group)
    free = sorted((n for n, split in enumerate(bound) if split is None), key=lambda n: _drawn(photos, groups[n], seed))
    wanted = {"test": test * len(photos), "val": val * len(photos)}
    for split in FILLED:
        for number in list(free):
            # Something must be left to train with.
            trains = sizes["train"] > 0 or len(free) > 1
            room = wanted[split] - sizes[split]
            if trains and room > 0 and (len(groups[number]) <= 1.5 * room or _is_smallest(groups, free, number)):
                if sizes[split] and len(groups[number]) > 1.5 * room:
                    continue
                result[number] = split
                sizes[split] += len(groups[number])
                free.remove(number)
    return [split or "train" for split in result]


def _is_smallest(groups: Sequence[Sequence[int]], free: Sequence[int], number: int) -> bool:
    return len(groups[number]) == min(len(groups[one]) for one in free) and len(free) > 1


def _drawn(photos: Sequence[Placed], group: Sequence[int], seed: int) -> bytes:
    first = min(photos[number].site for number in group)
    return hashlib.sha256(f"{seed} {first} {min(photos[n].name for n in group)}".encode()).digest()


def _blocks(groups: Sequence[Sequence[int]], photos: Sequence[Placed], val: float, test: float) -> list[Split]:
    """Split the photos of one site in the order of their names: first to train with, last to test."""
    order = sorted(range(len(groups)), key=lambda number: min(photos[one].name for one in groups[number]))
    total, passed = len(photos), 0
    result: list[Split] = ["train"] * len(groups)
    for number in order:
        middle = (passed + len(groups[number]) / 2) / total
        passed += len(groups[number])
        result[number] = "train" if middle < 1 - val - test else "val" if middle < 1 - test else "test"
    return result


class _Unions:
    """Sets of numbers that are joined step by step."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._parent[second] = first

    def join_all(self, members: Sequence[int]) -> None:
        for member in members[1:]:
            self.join(members[0], member)

    def same(self, one: int, other: int) -> bool:
        return self.root(one) == self.root(other)

    def groups(self) -> list[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self._parent)):
            found[self.root(number)].append(number)
        return list(found.values())


def split_of(text: str | None) -> Split | None:
    """Give the split that a text names, if it does."""
    return next((split for split in SPLITS if split == text), None)
