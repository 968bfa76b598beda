"""Centre lines run to the ends, have no staircase and no spurs, and keep branches."""

import numpy as np
import numpy.typing as npt
import pytest
from rasterio.features import rasterize
from shapely import LineString, Point

from tenken.measurement.centreline import trace_centreline

BoolArray = npt.NDArray[np.bool_]


def drawn(*lines: LineString, width_px: float, size: tuple[int, int] = (420, 640)) -> BoolArray:
    shapes = [line.buffer(width_px / 2, cap_style="flat") for line in lines]
    mask: BoolArray = rasterize(shapes, size, dtype="uint8").astype(bool)
    return mask


@pytest.mark.parametrize("width_px", [1.5, 3, 6, 15])
@pytest.mark.parametrize("slope", [0.0, 0.1, 0.45, 0.62])
def test_length_is_true_at_any_angle(slope: float, width_px: float) -> None:
    line = LineString([(20, 20.4), (620, 20.4 + 600 * slope)])
    assert trace_centreline(drawn(line, width_px=width_px)).length == pytest.approx(line.length, rel=0.01, abs=2)


def test_the_line_lies_in_the_middle() -> None:
    line = LineString([(20, 60), (300, 200), (620, 230)])
    traced = trace_centreline(drawn(line, width_px=9))
    assert traced.hausdorff_distance(line) < 4.5  # half a width: at its ends it may run into a corner


def test_a_branch_stays_and_meets_the_trunk() -> None:
    trunk, branch = LineString([(20, 200), (620, 200)]), LineString([(300, 200), (500, 40)])
    traced = trace_centreline(drawn(trunk, branch, width_px=5))
    assert len(traced.geoms) == 3
    assert traced.length == pytest.approx(trunk.length + branch.length, rel=0.015)


def test_a_ragged_outline_grows_no_spurs() -> None:
    rng = np.random.default_rng(3)
    mask = drawn(LineString([(20, 200), (620, 210)]), width_px=11)
    for x in rng.integers(30, 610, 60):
        top = int(np.flatnonzero(mask[:, x])[0])
        mask[top - rng.integers(1, 4) : top, x] = True
    assert len(trace_centreline(mask).geoms) == 1


def test_a_ring_is_closed() -> None:
    mask = rasterize([Point(200, 200).buffer(150).boundary.buffer(3)], (420, 640), dtype="uint8").astype(bool)
    (ring,) = trace_centreline(mask).geoms
    assert ring.is_closed
    assert ring.length == pytest.approx(2 * np.pi * 150, rel=0.01)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (1, 7)])
def test_the_smallest_masks_are_no_trouble(shape: tuple[int, int]) -> None:
    assert trace_centreline(np.ones(shape, dtype=bool)).length <= 7


def test_a_pinhole_does_not_split_the_line() -> None:
    mask = drawn(LineString([(20, 200), (620, 200)]), width_px=9)
    mask[200, 300:302] = False
    assert len(trace_centreline(mask).geoms) == 1
