"""Run a detector over a picture's tiles; where it had more to show than it may, over finer ones."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing

import numpy as np
import numpy.typing as npt

from tenken.detection.detect import KINDS, Detections, Detector
from tenken.detection.engine import STRIDE_PX
from tenken.errors import SettingsError
from tenken.imagery.picture import Picture
from tenken.measurement.assemble import Pieces, concatenate, pieces_of_tile

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""

LEAST_TILE_PX = 128
"""Shortest side of a finer tile: in less, a detector sees too little around a defect."""

FINER_OVERLAP = 0.2
"""Share of a finer tile that its neighbour repeats."""


def detect_tiles(
    picture: Picture,
    windows: npt.NDArray[np.int64],
    detector: Detector,
    *,
    classes: Sequence[str] = KINDS,
    min_score: float = 0.0,
    on_tile: Callable[[], None] | None = None,
) -> Pieces:
    """Run the detector over tiles; tiles without data are passed over.

    Where the answer is saturated (`Detections.saturated`: alligator cracking has more parts than a detector's head
    may give), the tile is taken again as four finer ones that overlap, and these as finer ones yet, down to
    `LEAST_TILE_PX`; what the finer tiles show stands in place of the coarser one's answer.

    A detector that has ``detect_many`` may read a few tiles ahead.

    Parameters
    ----------
    picture, windows
        (n, 4) left, top, right, bottom of the tiles in the picture.
    detector, classes, min_score
        As `tenken.measurement.find.find_defects` takes them.
    on_tile
        Is told of each of the windows once, not of the finer tiles.

    Raises
    ------
    SettingsError
        When the detector's answer cannot be used.
    """
    parts: list[Pieces] = []
    told = on_tile or _nobody
    coming: list[Window] = [(left, top, right, bottom) for left, top, right, bottom in windows.tolist()]
    while coming:
        finer: list[Window] = []
        with closing(_answers(picture, coming, detector, told)) as answers:
            for window, detections in answers:
                quarters = finer_tiles(window) if detections.saturated else []
                finer += quarters
                if not quarters:
                    parts.append(pieces_of_tile(detections, window, classes, min_score))
        coming, told = finer, _nobody
    return concatenate(parts)


def finer_tiles(window: Window) -> list[Window]:
    """Cut a tile into four that overlap; into two where it is narrow, into none where it is small.

    The sides are multiples of what networks step by, so that few sizes occur, whatever the tile.
    """
    left, top, right, bottom = window
    columns, rows = _halves(left, right), _halves(top, bottom)
    tiles = [(x0, y0, x1, y1) for y0, y1 in rows for x0, x1 in columns]
    return tiles if len(tiles) > 1 else []


def _halves(start: int, stop: int) -> list[tuple[int, int]]:
    side = -(-(stop - start) // (2 - FINER_OVERLAP) // STRIDE_PX)
    side = int(side) * STRIDE_PX
    if side < LEAST_TILE_PX or side >= stop - start:
        return [(start, stop)]
    return [(start, start + side), (stop - side, stop)]


def _answers(
    picture: Picture, windows: Iterable[Window], detector: Detector, told: Callable[[], None]
) -> Generator[tuple[Window, Detections], None, None]:
    """Give each tile that holds data with its detections, in order; say when a tile is done."""
    under_way: deque[Window] = deque()

    def tiles() -> Iterator[npt.NDArray[np.uint8]]:
        for window in windows:
            if picture.has_data(window):
                under_way.append(window)
                yield np.ascontiguousarray(picture.read(window))
            else:
                told()

    with closing(_detections(detector, tiles())) as answers:
        for detections in answers:
            if not under_way:
                raise SettingsError("the detector's detect_many gave more answers than it was given tiles")
            yield under_way.popleft(), detections
            told()
    if under_way:
        raise SettingsError(f"the detector's detect_many left {len(under_way)} tiles without an answer")


def _detections(detector: Detector, tiles: Iterable[npt.NDArray[np.uint8]]) -> Generator[Detections, None, None]:
    """Give a detector's answers in the order of the tiles; closed early, it leaves nothing under way."""
    many = getattr(detector, "detect_many", None)
    yield from map(detector, tiles) if many is None else many(tiles)


def _nobody() -> None:
    """Tell nobody."""
