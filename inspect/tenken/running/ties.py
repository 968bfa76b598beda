"""Tie points over a whole flight: features of the photos in parallel, matches kept in the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from tenken.adjustment.features import read_features
from tenken.adjustment.flight import StatedPhoto, pairs_to_compare, place_features, reach_m
from tenken.adjustment.tie_points import PlacedFeatures, TiePoints, match
from tenken.errors import FlightError, MissingExtraError
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.imagery.flight import Flight
from tenken.journal import Journal, unit_key
from tenken.notes import Note
from tenken.running.progress import Progress
from tenken.thread_pool import thread_pool

DECIMALS_PX = 1


@dataclass(frozen=True, slots=True)
class TiedFlight:
    """The tie points of a flight, and the journal's rows that hold them."""

    ties: tuple[TiePoints, ...]
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A photo and the neighbours that it is compared with."""

    key: str
    photo: str
    others: tuple[str, ...]


def tie_flight(
    flight: Flight,
    placements: Mapping[str, PhotoPlacement],
    folder: Path,
    workers: int,
    progress: Progress,
    *,
    fresh: bool = False,
) -> TiedFlight:
    """Find the tie points of all photos that may show common ground, which the journal does not hold already.

    Where OpenCV cannot be loaded there are none, and a note says so.

    Parameters
    ----------
    flight
        The photos.
    placements
        Stated poses of those that have one.
    folder
        Where the run writes; it holds the journal.
    workers
        Photos at a time.
    progress
        Told what happens.
    fresh
        Do everything again.
    """
    stated = {name: one for name, placement in placements.items() if (one := StatedPhoto.of(placement)) is not None}
    units = _units(flight, stated)
    if not units:
        return TiedFlight((), frozenset())
    with Journal(folder / "inspection.gpkg") as journal:
        done = {} if fresh else journal.read(unit.key for unit in units)
        todo = [unit for unit in units if unit.key not in done]
        if todo:
            try:
                done.update(_work_off(flight, stated, todo, journal, workers, progress))
            except MissingExtraError as error:
                progress.note(Note.of("console.no_ties", error=str(error)))
                return TiedFlight((), frozenset())
    ties = [tie for unit in units for tie in _read(unit, done[unit.key])]
    return TiedFlight(tuple(sorted(ties, key=lambda tie: (tie.first, tie.second))), frozenset(done))


def _units(flight: Flight, stated: Mapping[str, StatedPhoto]) -> list[_Unit]:
    sha256 = {photo.name: photo.sha256 for photo in flight.photos}
    others: dict[str, list[str]] = {}
    for first, second in pairs_to_compare(stated):
        others.setdefault(first, []).append(second)
    return [
        _Unit(
            unit_key(
                what="ties",
                photos=[(sha256[name], *_pose_of(stated[name])) for name in (photo, *neighbours)],
            ),
            photo,
            tuple(neighbours),
        )
        for photo, neighbours in sorted(others.items())
    ]


def _pose_of(photo: StatedPhoto) -> tuple[str, float, bool]:
    """Return what ties depend on besides the picture: where its features may lie."""
    shape = shapely.to_wkt(photo.footprint, rounding_precision=3)
    return shape, round(photo.error_m, 3), photo.placement.maybe_turned


def _work_off(
    flight: Flight,
    stated: Mapping[str, StatedPhoto],
    todo: Sequence[_Unit],
    journal: Journal,
    workers: int,
    progress: Progress,
) -> dict[str, Any]:
    paths = {photo.name: photo.path for photo in flight.photos}
    needed = sorted({name for unit in todo for name in (unit.photo, *unit.others)})
    progress.start("tie", len(needed) + len(todo))
    contents: dict[str, Any] = {}
    with thread_pool(workers) as pool:
        features: dict[str, PlacedFeatures | None] = {}
        placed = pool.map(lambda name: _placed(name, paths[name], stated[name]), needed)
        for name, found in zip(needed, placed, strict=True):
            features[name] = found
            progress.advance()
        for unit, content in zip(todo, pool.map(lambda unit: _tie_unit(unit, stated, features), todo), strict=True):
            contents[unit.key] = content
            journal.write(unit.key, f"ties of {unit.photo}", content)
            progress.advance()
    return contents


def _placed(name: str, path: Path, photo: StatedPhoto) -> PlacedFeatures | None:
    try:
        return place_features(name, photo, read_features(path))
    except FlightError:  # damaged since it was read; the run's other stages say so
        return None


def _tie_unit(
    unit: _Unit, stated: Mapping[str, StatedPhoto], features: Mapping[str, PlacedFeatures | None]
) -> dict[str, Any]:
    """Match a photo with its neighbours; plain data for the journal."""
    found: dict[str, Any] = {}
    own = features[unit.photo]
    for other in unit.others:
        theirs = features[other]
        if own is None or theirs is None:
            continue
        ties = match(own, theirs, reach_m(stated[unit.photo], stated[other]))
        if ties is not None:
            found[other] = [_rounded(ties.first_px), _rounded(ties.second_px)]
    return found


def _rounded(xy_px: npt.NDArray[np.float64]) -> list[float]:
    values: list[float] = np.round(xy_px, DECIMALS_PX).ravel().tolist()
    return values


def _read(unit: _Unit, content: Mapping[str, Any]) -> list[TiePoints]:
    """Read back what `_tie_unit` gave; what a run uses is always this, whether it was kept or is new."""
    return [
        TiePoints(unit.photo, other, *(np.array(side, dtype=np.float64).reshape(-1, 2) for side in sides))
        for other, sides in sorted(content.items())
    ]
