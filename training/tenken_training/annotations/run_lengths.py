"""Masks as run lengths: COCO's two kinds, CVAT's and Label Studio's, decoded with every length checked first."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]

MOST_PIXELS = 400_000_000
_MOST_RUNS = 50_000_000


def coco_text_counts(text: str) -> list[int]:
    """Unpack COCO's compressed counts: base 32, five bits a character, from the third on as differences.

    The format is that of ``pycocotools`` (``rleToString`` in its ``maskApi.c``).

    Raises
    ------
    ValueError
        When the text is no such code.
    """
    counts: list[int] = []
    value, shift = 0, 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise ValueError(f"{character!r} stands in no compressed mask")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise ValueError("the compressed mask ends within a number")
    return counts


def coco_counts_text(counts: Sequence[int]) -> str:
    """Pack counts as `coco_text_counts` reads them."""
    characters = []
    for number, count in enumerate(counts):
        value = count - (counts[number - 2] if number > 2 else 0)
        more = True
        while more:
            code = value & 31
            value >>= 5
            more = value != (-1 if code & 16 else 0)
            characters.append(chr(48 + (code | 32 if more else code)))
    return "".join(characters)


def coco_mask(counts: Sequence[int], height_px: int, width_px: int) -> BoolArray:
    """(h, w) of runs down the columns, the first of them empty.

    Raises
    ------
    ValueError
        When the runs do not fill the picture exactly.
    """
    return np.asarray(_runs(counts, height_px * width_px).reshape(width_px, height_px).T)


def cvat_mask(counts: Sequence[int], height_px: int, width_px: int) -> BoolArray:
    """(h, w) of runs along the rows of a mask's box, the first of them empty.

    Raises
    ------
    ValueError
        When the runs do not fill the box exactly.
    """
    return _runs(counts, height_px * width_px).reshape(height_px, width_px)


def _runs(counts: Sequence[int], pixels: int) -> BoolArray:
    if not 0 < pixels <= MOST_PIXELS:
        raise ValueError(f"{pixels} pixels are no mask")
    if len(counts) > _MOST_RUNS or any(count < 0 for count in counts):
        raise ValueError("a run of negative length")
    if sum(counts) != pixels:
        raise ValueError(f"runs of {sum(counts)} pixels in all do not fill {pixels}")
    filled = np.arange(len(counts)) % 2 == 1
    return np.asarray(np.repeat(filled, np.asarray(counts, dtype=np.int64)))


def brush_mask(code: Sequence[int], height_px: int, width_px: int) -> BoolArray:
    """(h, w) of a Label Studio brush: bytes of a bit stream that holds red, green, blue and opacity of each pixel.

    The stream starts with the number of values (32 bits), the bits of a value less 1 (5), and four lengths less 1 (4
    bits each). Then come runs: a bit that says whether all values are the same, 2 bits that choose one of the lengths,
    the run less 1 in so many bits, and one value, or one for each place.

    Raises
    ------
    ValueError
        When the bytes are no such stream, or of another size.
    """
    if not all(isinstance(one, int) and 0 <= one < 256 for one in code):
        raise ValueError("a brush is made of bytes, 0 to 255")
    stream = _Bits(np.unpackbits(np.asarray(code, dtype=np.uint8)))
    count = stream.take(32)
    if count != height_px * width_px * 4 or count > 4 * MOST_PIXELS:
        raise ValueError(f"a brush of {count} values is not of {width_px} x {height_px} px")
    bits = stream.take(5) + 1
    lengths = [stream.take(4) + 1 for _ in range(4)]
    values = np.zeros(count, np.uint8)
    at = 0
    while at < count:
        same = stream.take(1)
        run = stream.take(lengths[stream.take(2)]) + 1
        if at + run > count:
            raise ValueError("a run leaves the picture")
        if same:
            values[at : at + run] = stream.take(bits) & 255
        else:
            values[at : at + run] = stream.take_many(run, bits)
        at += run
    return np.asarray(values.reshape(height_px, width_px, 4)[..., 3] >= 128)


class _Bits:
    """Reads numbers from a stream of bits, the highest first."""

    def __init__(self, bits: npt.NDArray[np.uint8]) -> None:
        self._bits = bits
        self._at = 0

    def take(self, count: int) -> int:
        chunk = self._bits[self._at : self._at + count]
        if len(chunk) < count:
            raise ValueError("the brush ends within a run")
        self._at += count
        value = 0
        for bit in chunk.tolist():
            value = value << 1 | bit
        return value

    def take_many(self, count: int, bits: int) -> npt.NDArray[np.uint8]:
        chunk = self._bits[self._at : self._at + count * bits]
        if len(chunk) < count * bits:
            raise ValueError("the brush ends within a run")
        self._at += count * bits
        weights = 1 << np.arange(bits - 1, -1, -1, dtype=np.int64)
        return np.asarray((chunk.reshape(count, bits).astype(np.int64) @ weights) & 255, dtype=np.uint8)
