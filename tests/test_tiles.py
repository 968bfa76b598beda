"""Tiles cover every pixel, keep their size, and follow the overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenken.detection.tiles import tile_windows
from tenken.errors import SettingsError

sizes = st.integers(1, 2500)


@given(width=sizes, height=sizes, tile=st.integers(64, 900), overlap=st.floats(0, 0.6), x=sizes, y=sizes)
def test_every_pixel_lies_in_a_tile_wherever_the_grid_starts(
    width: int, height: int, tile: int, overlap: float, x: int, y: int
) -> None:
    windows = tile_windows(width, height, tile_px=tile, overlap=overlap, origin_px=(x, y))
    for low, high, length in ((windows[:, 0], windows[:, 2], width), (windows[:, 1], windows[:, 3], height)):
        covered = np.zeros(length, dtype=bool)
        for start, end in {*zip(low.tolist(), high.tolist(), strict=True)}:
            covered[start:end] = True
        assert covered.all()
        assert low.min() == 0
        assert high.max() == length
        assert set((high - low).tolist()) == {min(tile, length)}


def test_neighbours_repeat_at_least_the_overlap() -> None:
    lefts = np.unique(tile_windows(4000, 640, tile_px=640, overlap=0.2)[:, 0])
    assert (np.diff(lefts) <= 512).all()


@pytest.mark.parametrize(("tile", "overlap"), [(0, 0.2), (640, -0.1), (640, 1.0)])
def test_a_grid_that_cannot_cover_is_refused(tile: int, overlap: float) -> None:
    with pytest.raises(SettingsError):
        tile_windows(1000, 1000, tile_px=tile, overlap=overlap)
