"""Detection over a whole flight: units of work in parallel, each recorded in the journal as it is done."""

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio

from tenken.detection.model import Model
from tenken.detection.tiles import IntArray, tile_windows
from tenken.errors import FlightError
from tenken.imagery.flight import Flight, Orthomosaic, Skipped
from tenken.imagery.photo_quality import PhotoQuality
from tenken.imagery.picture import RasterPicture
from tenken.journal import Journal, unit_key
from tenken.measurement.find import PhotoDefect, describe_defects
from tenken.notes import Note
from tenken.outputs.geopackage import start_geopackage
from tenken.running.progress import Progress
from tenken.running.units import blocks_of, inspect_block, inspect_photo, read_blocks, read_photo_outcome
from tenken.settings import Settings
from tenken.thread_pool import thread_pool


@dataclass(frozen=True, slots=True)
class TileGrid:
    """How pictures are cut into tiles."""

    tile_px: int
    overlap: float

    @classmethod
    def of(cls, settings: Settings) -> "TileGrid":
        """Take the grid from the settings."""
        return cls(settings.tile_px, settings.overlap)

    def windows(self, width_px: int, height_px: int) -> IntArray:
        """(n, 4) tiles of a picture of this size."""
        return tile_windows(width_px, height_px, tile_px=self.tile_px, overlap=self.overlap)


@dataclass(frozen=True, slots=True)
class FlightOutcome:
    """What detection gave: defects and quality by photo, and what had to be skipped."""

    defects: Mapping[str, tuple[PhotoDefect, ...]]
    quality: Mapping[str, PhotoQuality]
    skipped: tuple[Skipped, ...]
    keys: frozenset[str]
    """Journal rows that this outcome is made of."""
    kept_units: int
    """Units that an earlier run had done."""
    units: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of work and what its result depends on."""

    key: str
    name: str
    tiles: int
    work: Callable[[], dict[str, Any]]


def detect_flight(
    flight: Flight,
    folder: Path,
    model: Model,
    grid: TileGrid,
    workers: int,
    progress: Progress,
    *,
    fresh: bool = False,
) -> FlightOutcome:
    """Detect in every photo, or every block of the orthomosaic, that the journal does not hold already.

    Raises
    ------
    FlightError
        When not a single photo could be decoded.
    """
    if flight.orthomosaic is not None:
        return _detect_orthomosaic(flight.orthomosaic, folder, model, grid, workers, progress, fresh=fresh)
    units = [
        Unit(
            _key(photo.sha256, model, grid),
            photo.name,
            len(grid.windows(photo.width_px, photo.height_px)),
            lambda photo=photo: inspect_photo(  # type: ignore[misc]
                photo, grid.windows(photo.width_px, photo.height_px), model.detector, progress.advance
            ),
        )
        for photo in flight.photos
    ]
    contents, kept = _work_off(units, folder, workers, progress, fresh=fresh)
    outcomes = {unit.name: read_photo_outcome(contents[unit.key]) for unit in units}
    unread = [Skipped(name, outcome.skipped) for name, outcome in outcomes.items() if outcome.skipped is not None]
    if len(unread) == len(outcomes):
        raise FlightError(f"{flight.name}: no photo can be decoded (first: {unread[0].path}: {unread[0].reason})")
    return FlightOutcome(
        {name: outcome.defects for name, outcome in outcomes.items() if outcome.skipped is None},
        {name: outcome.quality for name, outcome in outcomes.items() if outcome.quality is not None},
        tuple(sorted([*flight.skipped, *unread], key=lambda skipped: skipped.path)),
        frozenset(contents),
        kept,
        len(units),
    )


def _detect_orthomosaic(
    orthomosaic: Orthomosaic,
    folder: Path,
    model: Model,
    grid: TileGrid,
    workers: int,
    progress: Progress,
    *,
    fresh: bool,
) -> FlightOutcome:
    with rasterio.open(orthomosaic.path) as dataset:
        picture = RasterPicture(dataset)
        blocks = blocks_of(grid.windows(picture.width_px, picture.height_px))
        units = [
            Unit(
                _key(orthomosaic.sha256, model, grid, block=block[0].tolist()),
                f"{orthomosaic.name} {block[0, 0]},{block[0, 1]}",
                len(block),
                lambda block=block: inspect_block(  # type: ignore[misc]
                    picture, block, model.detector, progress.advance
                ),
            )
            for block in blocks
        ]
        contents, kept = _work_off(units, folder, workers, progress, fresh=fresh)
        pieces = read_blocks([contents[unit.key] for unit in units])
        defects = tuple(describe_defects(picture, pieces))
    return FlightOutcome({orthomosaic.name: defects}, {}, (), frozenset(contents), kept, len(units))


def _work_off(
    units: list[Unit], folder: Path, workers: int, progress: Progress, *, fresh: bool
) -> tuple[dict[str, Any], int]:
    """Do what the journal lacks; return every unit's content by key, and how many were kept."""
    package = folder / "inspection.gpkg"
    if not package.exists():
        start_geopackage(package)
    with Journal(package) as journal:
        done = {} if fresh else journal.read(unit.key for unit in units)
        todo = [unit for unit in units if unit.key not in done]
        kept = len(units) - len(todo)
        if kept:
            progress.note(Note.of("console.kept", kept=kept, total=len(units)))
        if todo:
            progress.start("detect", sum(unit.tiles for unit in todo))
        with thread_pool(workers) as pool:
            _record_as_done(pool, todo, journal)
        return journal.read(unit.key for unit in units), kept


def _record_as_done(pool: Executor, todo: list[Unit], journal: Journal) -> None:
    # Ctrl+C, or a fault in one unit: what is done stands in the journal, what has not begun is let go.
    futures: dict[Future[dict[str, Any]], Unit] = {pool.submit(unit.work): unit for unit in todo}
    for future in as_completed(futures):
        unit = futures[future]
        journal.write(unit.key, unit.name, future.result())


def _key(picture_sha256: str, model: Model, grid: TileGrid, block: list[int] | None = None) -> str:
    return unit_key(
        picture=picture_sha256,
        # A detector that does not say when its answers change is asked again every time.
        detector=model.fingerprint or uuid.uuid4().hex,
        tile_px=grid.tile_px,
        overlap=grid.overlap,
        block=block,
    )
