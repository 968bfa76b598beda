"""Seeded noise that shapes and colours are made of."""

import zlib

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import gaussian_filter

Float32Array = npt.NDArray[np.float32]


def stream(seed: int, name: str, index: int = 0) -> np.random.Generator:
    """Give each thing drawn a random stream of its own: adding one thing leaves the others as they were."""
    return np.random.default_rng((seed, zlib.crc32(name.encode("utf-8")), index))


def periodic_noise(rng: np.random.Generator, size: int, sigma: tuple[float, float] | float) -> Float32Array:
    """(size, size) smooth noise with mean 0 and deviation 1 that continues across its borders.

    `sigma` is the Gaussian's deviation in cells, one for both axes or (rows, columns).
    """
    sigma_rows, sigma_columns = (sigma, sigma) if isinstance(sigma, int | float) else sigma
    white = rng.standard_normal((size, size), dtype=np.float32)
    rows = np.exp(-2 * (np.pi * sigma_rows * scipy.fft.fftfreq(size)) ** 2)
    columns = np.exp(-2 * (np.pi * sigma_columns * scipy.fft.rfftfreq(size)) ** 2)
    gain = (rows[:, None] * columns[None, :]).astype(np.float32)
    smooth: Float32Array = scipy.fft.irfft2(scipy.fft.rfft2(white) * gain, s=(size, size))
    return _standardised(smooth)


def field_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Float32Array:
    """Smooth noise with mean 0 and deviation 1; `sigma` in cells.

    Smooth noise needs few cells: it is made with a cell of a quarter of `sigma` and enlarged linearly.
    """
    step = max(int(sigma / 4), 1)
    rows, columns = (length // step + 2 for length in shape)
    small = gaussian_filter(rng.standard_normal((rows, columns), dtype=np.float32), sigma / step, mode="reflect")
    for axis, length in enumerate(shape):
        place = np.arange(length) / step
        low = place.astype(int)
        part = (place - low).astype(np.float32)
        part = part[:, None] if axis == 0 else part[None, :]
        small = np.take(small, low, axis) * (1 - part) + np.take(small, low + 1, axis) * part
    return _standardised(small)


def pooled(tile: Float32Array, factor: int) -> Float32Array:
    """Mean of each factor x factor block: the same texture at a coarser resolution."""
    rows, columns = (length // factor for length in tile.shape)
    blocks = tile[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    means: Float32Array = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def tiled(tile: Float32Array, shape: tuple[int, int], shift: tuple[int, int] = (0, 0)) -> Float32Array:
    """Lay a periodic tile over a larger raster."""
    rows = (np.arange(shape[0]) + shift[0]) % tile.shape[0]
    columns = (np.arange(shape[1]) + shift[1]) % tile.shape[1]
    laid: Float32Array = tile[rows[:, None], columns[None, :]]
    return laid


def _standardised(values: Float32Array) -> Float32Array:
    standardised: Float32Array = ((values - values.mean()) / values.std()).astype(np.float32)
    return standardised
