"""Widths come from grey values: right from three pixels on, no number for a hairline, refused where no crack is."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage
from shapely import LineString

from tenken.imagery.picture import luminance
from tenken.measurement.profiles import WidthReading, read_width, sample_profiles

SIDE, FINE = 160, 8


def rendered(
    width_px: float, *, slope: float = 0.3, dark: float = 0.1, bright: float = 0.4, blur_px: float = 0.7, seed: int = 0
) -> tuple[npt.NDArray[np.float32], LineString]:
    """Render a straight crack with sub-pixel edges in linear light; give it with its centre line."""
    fine = (np.arange(SIDE * FINE) + 0.5) / FINE
    x, y = np.meshgrid(fine, fine)
    offset = np.abs((y - SIDE / 2) - slope * (x - SIDE / 2)) / np.hypot(1, slope)
    grey = np.where(offset < width_px / 2, dark, bright).reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    noise = np.random.default_rng(seed).normal(0, 0.01, grey.shape)
    noisy = (ndimage.gaussian_filter(grey, blur_px) + noise).astype(np.float32)
    ends = [(5, SIDE / 2 + slope * (5 - SIDE / 2)), (SIDE - 5, SIDE / 2 + slope * (SIDE / 2 - 5))]
    return noisy, LineString(ends)


def reading(grey: npt.NDArray[np.float32], line: LineString, reach_px: float = 20) -> WidthReading | None:
    return read_width([sample_profiles(grey, line, reach_px)])


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("width_px", [3.0, 4.5, 6.0, 10.0])
def test_the_interval_holds_the_true_width(width_px: float, slope: float) -> None:
    read = reading(*rendered(width_px, slope=slope))
    assert read is not None
    assert read.low_px <= width_px <= read.high_px
    assert read.width_px == pytest.approx(width_px, abs=0.6)


@pytest.mark.parametrize("blur_px", [0.6, 0.8, 1.0])
@pytest.mark.parametrize("width_px", [0.3, 0.6, 1.0, 1.5])
def test_a_hairline_gets_an_interval_and_no_number(width_px: float, blur_px: float) -> None:
    read = reading(*rendered(width_px, blur_px=blur_px))
    assert read is not None
    assert read.width_px is None
    assert read.low_px <= width_px <= read.high_px


def test_a_wider_crack_reads_wider() -> None:
    widths = [read.width_px for w in (4, 5, 6, 8) if (read := reading(*rendered(w))) and read.width_px]
    assert len(widths) == 4
    assert widths == sorted(widths)


def test_the_reading_does_not_hang_on_brightness() -> None:
    one, other = (reading(*rendered(5, dark=f * 0.1, bright=f * 0.4)) for f in (1, 2))
    assert one is not None
    assert other is not None
    assert one.width_px == pytest.approx(other.width_px, abs=0.15)


def test_a_shadow_edge_is_no_crack() -> None:
    _, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    grey = ndimage.gaussian_filter(np.where(y < 80, 0.4, 0.1), 0.8).astype(np.float32)
    assert reading(grey, LineString([(5, 80), (155, 80)])) is None


def test_plain_ground_has_no_width() -> None:
    grey = np.random.default_rng(1).normal(0.4, 0.01, (SIDE, SIDE)).astype(np.float32)
    assert reading(grey, LineString([(5, 80), (155, 80)])) is None


def test_luminance_is_linear_light() -> None:
    grey = luminance(np.array([[[0, 0, 0], [188, 188, 188], [255, 255, 255]]], dtype=np.uint8))
    assert grey[0] == pytest.approx([0.0, 0.503, 1.0], abs=0.005)
