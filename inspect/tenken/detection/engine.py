"""Engines and decoders, and the detector that is made of one of each.

An engine computes a network; it knows nothing of cracks. A decoder makes detections of what a network gives; it knows
nothing of processors. So every network runs on every engine, and all engines give the same defects but for
rounding.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tenken.detection.detect import Detections
from tenken.errors import SettingsError

Tile = npt.NDArray[np.uint8]
Outputs = tuple[npt.NDArray[np.float32], ...]
"""What a network gives, in its own order, each with the batch as its first axis."""

STRIDE_PX = 32
"""Height and width of every network's input are multiples of this."""


class Pending(Protocol):
    """A batch under way."""

    def outputs(self) -> Outputs:
        """Wait for the batch; the arrays are valid until `release`."""
        ...

    def release(self) -> None:
        """Let the engine use the arrays again, also when nobody waited for them."""
        ...


class Engine(Protocol):
    """Something that computes a network. May be used from several threads at once."""

    name: str
    """What computes, and how exactly: two engines of one name give the same bits on one machine."""
    batch: int
    """Tiles of one size that are best computed together."""
    ahead: int
    """Batches that are best under way at the same time."""

    def start(self, tiles: Tile, /) -> Pending:
        """Start on (b, h, w, 3) uint8 RGB, height and width multiples of `STRIDE_PX`."""
        ...


class Decoder(Protocol):
    """Makes detections of what a network gives for one tile."""

    classes: tuple[str, ...]

    def pad(self, tile: Tile, /) -> Tile:
        """Extend a tile as the network was trained to see borders; `decode` cuts off again what this added."""
        ...

    def decode(self, outputs: Outputs, shape_px: tuple[int, int], /) -> Detections:
        """Give the detections of one tile, of this height and width without its padding."""
        ...

    def states(self, outputs: Outputs, shape_px: tuple[int, int], /) -> npt.NDArray[np.uint8] | None:
        """(h, w) 0 sound, 1 fair, 2 poor, 3 severe corrosion; None from a network that does not tell."""
        ...


class Segmenter:
    """A detector: an engine and a decoder.

    Can be called from several threads. The answer depends neither on the number of callers nor on what else
    is computed at the same time.

    Parameters
    ----------
    engine, decoder
        For the same network.
    fingerprint
        Changes whenever the answers do.
    """

    def __init__(self, engine: Engine, decoder: Decoder, fingerprint: str = "") -> None:
        self.engine, self.decoder, self.fingerprint = engine, decoder, fingerprint
        self.classes = decoder.classes
        self._lock = threading.Lock()
        self._under_way = 0

    def __call__(self, image: Tile, /) -> Detections:
        """Find defects in one tile, (h, w, 3) uint8 RGB of any size."""
        [found] = self.detect_many([image])
        return found

    def detect_many(self, tiles: Iterable[Tile]) -> Iterator[Detections]:
        """Find defects in many tiles, in their order; a few tiles are read ahead.

        All callers together read ahead as far as one alone would, so that memory does not grow with their product.
        """
        under_way: deque[tuple[Pending, list[tuple[int, int]]]] = deque()
        try:
            for batch in self._batches(tiles):
                stacked = np.stack([self.decoder.pad(tile) for tile in batch])
                under_way.append((self.engine.start(stacked), [tile.shape[:2] for tile in batch]))
                if self._count(1) >= self.engine.ahead:
                    yield from self._finish(*under_way.popleft())
            while under_way:
                yield from self._finish(*under_way.popleft())
        finally:
            # Left early: what is under way must be over before another caller gets it.
            for pending, _ in under_way:
                self._count(-1)
                pending.release()

    def condition_states(self, image: Tile, /) -> npt.NDArray[np.uint8] | None:
        """State of every pixel: 0 sound, 1 fair, 2 poor, 3 severe corrosion; None when the network tells none."""
        pending = self.engine.start(self.decoder.pad(check_tile(image))[None])
        try:
            return self.decoder.states(tuple(output[0] for output in pending.outputs()), image.shape[:2])
        finally:
            pending.release()

    def _batches(self, tiles: Iterable[Tile]) -> Iterator[list[Tile]]:
        """Neighbours of one size together; the order stays."""
        batch: list[Tile] = []
        for tile in map(check_tile, tiles):
            if batch and (len(batch) == self.engine.batch or tile.shape != batch[0].shape):
                yield batch
                batch = []
            batch.append(tile)
        if batch:
            yield batch

    def _finish(self, pending: Pending, shapes_px: Sequence[tuple[int, int]]) -> list[Detections]:
        try:
            outputs = pending.outputs()
            return [
                self.decoder.decode(tuple(output[place] for output in outputs), shape_px)
                for place, shape_px in enumerate(shapes_px)
            ]
        finally:
            self._count(-1)
            pending.release()

    def _count(self, change: int) -> int:
        """Count the batches that all callers of `detect_many` have under way."""
        with self._lock:
            self._under_way += change
            return self._under_way


def padded(tile: Tile, **fill: Any) -> Tile:
    """Extend a tile to the right and downwards to multiples of `STRIDE_PX`; `fill` is as `numpy.pad` takes it."""
    below, right = -tile.shape[0] % STRIDE_PX, -tile.shape[1] % STRIDE_PX
    if not below and not right:
        return np.ascontiguousarray(tile)
    return np.asarray(np.pad(tile, ((0, below), (0, right), (0, 0)), **fill))


def check_tile(image: npt.NDArray[Any]) -> Tile:
    """Give the tile back when it is one.

    Raises
    ------
    SettingsError
        When it is not (h, w, 3) uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise SettingsError(f"a tile must be (h, w, 3) uint8 RGB, got {image.shape} {image.dtype}")
    return image
