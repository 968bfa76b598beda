"""Where a detector has more to show than it may, finer tiles show it."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from shapely import LineString

from drawn import draw_cracks, perfect_detector
from tenken import Detections
from tenken.detection.tiles import tile_windows
from tenken.imagery.picture import ArrayPicture
from tenken.measurement.assemble import whole_masks
from tenken.measurement.tiled_detection import LEAST_TILE_PX, detect_tiles, finer_tiles

SIZE = (900, 700)


class Limited:
    """A detector that is right, but may show only so many objects, the largest first, as a network's head may."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, tile: npt.NDArray[np.uint8], /) -> Detections:
        self.shapes.append(tile.shape[:2])
        found = perfect_detector(tile)
        masks = list(found.masks or [])
        best = sorted(range(len(found)), key=lambda number: -np.count_nonzero(masks[number]))[: self.most]
        return Detections(
            found.xyxy_px[best],
            found.score[best],
            found.label[best],
            [masks[number] for number in best],
            saturated=len(found) > self.most,
        )


class LimitedAhead(Limited):
    """The same, reading all tiles ahead."""

    def detect_many(self, tiles: Iterable[npt.NDArray[np.uint8]]) -> Iterator[Detections]:
        yield from [self(tile) for tile in list(tiles)]


def alligator() -> npt.NDArray[np.uint8]:
    """Many small cracks: short lines on a grid of 40 px, each at its own angle; and a long one below."""
    rng = np.random.default_rng(4)
    lines = []
    for x in range(30, 880, 40):
        for y in range(30, 600, 40):
            step = 12 * np.array([np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)])
            lines.append(LineString([np.array([x, y]) - step, np.array([x, y]) + step]))
    return draw_cracks([*lines, LineString([(20, 650), (880, 660)])], 4, SIZE)


ALLIGATOR = alligator()


def wholes(detector: Limited, *, overlap: float = 0.2) -> list[tuple[int, int, int]]:
    windows = tile_windows(*SIZE, tile_px=640, overlap=overlap)
    pieces = detect_tiles(ArrayPicture(ALLIGATOR), windows, detector)
    return [(whole.left_px, whole.top_px, int(np.count_nonzero(whole.mask))) for whole in whole_masks(pieces)]


@pytest.mark.parametrize("kind", [Limited, LimitedAhead])
@pytest.mark.parametrize("most", [25, 60])
def test_nothing_is_lost_where_the_detector_may_show_only_a_few(kind: type[Limited], most: int) -> None:
    assert wholes(kind(most)) == wholes(Limited(10_000))


def test_only_what_is_saturated_is_looked_at_again() -> None:
    enough = Limited(10_000)
    wholes(enough)
    assert len(enough.shapes) == len(tile_windows(*SIZE, tile_px=640, overlap=0.2))


def test_the_least_tile_gives_what_it_can() -> None:
    none_fits = Limited(0)
    assert wholes(none_fits) == []
    assert min(min(shape) for shape in none_fits.shapes) == LEAST_TILE_PX


def test_progress_counts_the_tiles_that_were_asked_for() -> None:
    told = []
    windows = tile_windows(*SIZE, tile_px=640, overlap=0.2)
    detect_tiles(ArrayPicture(ALLIGATOR), windows, Limited(25), on_tile=lambda: told.append(1))
    assert len(told) == len(windows)


@pytest.mark.parametrize("window", [(0, 0, 640, 640), (100, 50, 484, 434), (0, 0, 640, 200), (7, 9, 520, 333)])
def test_finer_tiles_cover_their_tile_and_overlap(window: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = window
    seen = np.zeros((bottom - top, right - left), dtype=int)
    for x0, y0, x1, y1 in finer_tiles(window):
        assert left <= x0 < x1 <= right
        assert top <= y0 < y1 <= bottom
        seen[y0 - top : y1 - top, x0 - left : x1 - left] += 1
    assert seen.min() >= 1
    assert (seen > 1).mean() > 0.1


def test_a_small_tile_is_not_cut() -> None:
    assert finer_tiles((0, 0, 170, 150)) == []
