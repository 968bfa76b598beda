"""Photos that show nearly the same: found by a hash of how a photo looks, not of its bytes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dctn

from tenken.imagery.picture import load_overview

NEAR_BITS = 6
"""Photos whose hashes differ in no more of the 64 bits are near-duplicates: saved anew, resized, a little brighter."""
_SIDE_PX, _BLOCK = 32, 8


def perceptual_hash(path: Path) -> int:
    """Hash of how a photo looks: signs of its 8 x 8 lowest frequencies about their median, 64 bits.

    The usual "pHash" (Zauner, 2010): grey, 32 x 32, discrete cosine transform.

    Raises
    ------
    FlightError
        When the photo cannot be read.
    """
    grey, _ = load_overview(path, 512)
    return hash_of(grey)


def hash_of(grey: npt.NDArray[np.uint8]) -> int:
    """Hash of an (h, w) grey picture."""
    small = Image.fromarray(grey).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.LANCZOS)
    low = dctn(np.asarray(small, dtype=np.float64), norm="ortho")[:_BLOCK, :_BLOCK].ravel()
    # The mean brightness says nothing, and would move the median.
    bits = low > np.median(low[1:])
    bits[0] = False
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def near_pairs(hashes: Sequence[int], most_bits: int = NEAR_BITS) -> list[tuple[int, int]]:
    """Pairs of numbers whose hashes differ in at most so many bits, in order."""
    words = np.array([[code >> 8 * byte & 255 for byte in range(8)] for code in hashes], dtype=np.uint8).reshape(-1, 8)
    pairs = []
    for number in range(len(words) - 1):
        differing = np.bitwise_count(words[number + 1 :] ^ words[number]).sum(axis=1)
        pairs += [(number, number + 1 + int(other)) for other in np.flatnonzero(differing <= most_bits)]
    return pairs
