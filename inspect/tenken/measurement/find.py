"""Find the defects of one picture: tiles, detector, assembly, centre lines, widths in pixels."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops
from shapely import LineString, MultiLineString, MultiPolygon, affinity

from tenken.detection.detect import KINDS, Detections, Detector
from tenken.detection.tiles import tile_windows
from tenken.errors import SettingsError
from tenken.imagery.picture import ArrayPicture, Picture, RasterPicture, luminance
from tenken.measurement.assemble import Pieces, WholeMask, concatenate, pieces_of_tile, whole_masks
from tenken.measurement.centreline import trace_centreline
from tenken.measurement.condition import StateShare
from tenken.measurement.outline import outline_of
from tenken.measurement.profiles import WidthReading, read_width, sample_profiles

LINEAR_KINDS = frozenset({"crack"})
"""Kinds that have a centre line, a length and a width; the others have an area."""

BANK_PX = 8.0
"""How far a width profile reaches beyond the mask, to see undamaged surface on both sides."""

MOST_REACH_PX = 120.0
"""Longest profile to each side: wider marks are no cracks."""

STRETCH_PX = 300.0
"""Length of line whose surroundings are read at a time."""


@dataclass(frozen=True, slots=True)
class PhotoDefect:
    """A defect in one picture, in full-picture pixels (x = column, y = row; the first pixel's centre is 0.5, 0.5).

    ``centreline_px`` and ``length_px`` are None for kinds without a centre line. ``width_px`` is a number only for
    cracks of at least two pixels whose grey values show a crack; the 90 % interval may be there without it.
    ``state_share`` is None for kinds without a condition state, and where the detector tells none.
    """

    kind: str
    score: float
    outline_px: MultiPolygon
    centreline_px: MultiLineString | None
    length_px: float | None
    width_px: float | None
    width_low_px: float | None
    width_high_px: float | None
    area_px: float
    pieces: int
    state_share: StateShare | None = None


def find_defects(
    image: npt.NDArray[np.uint8] | Any,
    detector: Detector,
    *,
    tile_px: int = 640,
    overlap: float = 0.2,
    origin_px: tuple[int, int] = (0, 0),
    classes: Sequence[str] = KINDS,
    min_score: float = 0.0,
) -> list[PhotoDefect]:
    """Find whole defects in a picture with any detector.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB, or an open rasterio dataset, which is read tile by tile.
    detector
        Callable from a tile (h, w, 3) uint8 to its `Detections`.
    tile_px, overlap, origin_px
        The tile grid; see `tenken.detection.tiles.tile_windows`. The defects don't depend on where it starts.
    classes
        Kinds that integer labels count into.
    min_score
        Detections below are dropped before tiles are put together.

    Returns
    -------
    One `PhotoDefect` for each defect, ordered by place.

    Raises
    ------
    SettingsError
        When the picture, the grid or the detector's answer cannot be used.
    """
    picture = as_picture(image)
    windows = tile_windows(picture.width_px, picture.height_px, tile_px=tile_px, overlap=overlap, origin_px=origin_px)
    pieces = detect_tiles(picture, windows, detector, classes=classes, min_score=min_score)
    return describe_defects(picture, pieces)


def as_picture(image: npt.NDArray[np.uint8] | Any) -> Picture:
    """Wrap an array or an open rasterio dataset as a `Picture`; a `Picture` stays itself."""
    if isinstance(image, np.ndarray):
        return ArrayPicture(image)
    if isinstance(image, ArrayPicture | RasterPicture):
        return image
    return RasterPicture(image)


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

    A detector that has ``detect_many`` may read a few tiles ahead.

    Raises
    ------
    SettingsError
        When the detector's answer cannot be used.
    """
    under_way: deque[tuple[int, int, int, int]] = deque()
    told = on_tile or (lambda: None)

    def tiles() -> Iterator[npt.NDArray[np.uint8]]:
        for left, top, right, bottom in windows.tolist():
            if picture.has_data((left, top, right, bottom)):
                under_way.append((left, top, right, bottom))
                yield np.ascontiguousarray(picture.read((left, top, right, bottom)))
            else:
                told()

    parts = []
    with closing(_detections(detector, tiles())) as answers:
        for detections in answers:
            if not under_way:
                raise SettingsError("the detector's detect_many gave more answers than it was given tiles")
            parts.append(pieces_of_tile(detections, under_way.popleft(), classes, min_score))
            told()
    if under_way:
        raise SettingsError(f"the detector's detect_many left {len(under_way)} tiles without an answer")
    return concatenate(parts)


def _detections(detector: Detector, tiles: Iterable[npt.NDArray[np.uint8]]) -> Generator[Detections, None, None]:
    """Give a detector's answers in the order of the tiles; closed early, it leaves nothing under way."""
    many = getattr(detector, "detect_many", None)
    yield from map(detector, tiles) if many is None else many(tiles)


def describe_defects(picture: Picture, pieces: Pieces) -> list[PhotoDefect]:
    """Put pieces together and measure each defect in pixels."""
    return [_describe(picture, whole) for whole in whole_masks(pieces)]


def _describe(picture: Picture, whole: WholeMask) -> PhotoDefect:
    area_px = float(np.count_nonzero(whole.mask)) * whole.scale**2
    outline = _to_picture(outline_of(whole.mask), whole)
    if whole.kind not in LINEAR_KINDS:
        return PhotoDefect(
            whole.kind, whole.score, outline, None, None, None, None, None, area_px, whole.pieces, whole.state_share
        )
    line = _to_picture(trace_centreline(whole.mask), whole)
    if line.is_empty:  # a mark of a single pixel
        return PhotoDefect(whole.kind, whole.score, outline, None, None, None, None, None, area_px, whole.pieces)
    reading = _width(picture, line, area_px)
    return PhotoDefect(
        kind=whole.kind,
        score=whole.score,
        outline_px=outline,
        centreline_px=line,
        length_px=float(line.length),
        width_px=reading.width_px if reading else None,
        width_low_px=reading.low_px if reading else None,
        width_high_px=reading.high_px if reading else None,
        area_px=area_px,
        pieces=whole.pieces,
    )


def _width(picture: Picture, line: MultiLineString, area_px: float) -> WidthReading | None:
    """Read the width in short stretches, so that a crack across a large raster costs little memory."""
    reach = min(MOST_REACH_PX, 0.75 * area_px / line.length + BANK_PX)
    blocks = []
    for stretch in _stretches(line):
        window = _window_around(picture, stretch, int(reach) + 2)
        grey = luminance(np.asarray(picture.read(window)))
        blocks.append(sample_profiles(grey, affinity.translate(stretch, -window[0], -window[1]), reach))
    return read_width(blocks)


def _stretches(line: MultiLineString) -> Iterator[LineString]:
    for part in line.geoms:
        edges = np.linspace(0, part.length, max(1, round(part.length / STRETCH_PX)) + 1)
        for start, end in pairwise(edges.tolist()):
            stretch = shapely.ops.substring(part, start, end)
            if isinstance(stretch, LineString):
                yield stretch


def _window_around(picture: Picture, line: LineString, margin_px: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = (int(edge) for edge in line.bounds)
    return (
        max(0, left - margin_px),
        max(0, top - margin_px),
        min(picture.width_px, right + margin_px),
        min(picture.height_px, bottom + margin_px),
    )


Geometry = TypeVar("Geometry", MultiPolygon, MultiLineString)


def _to_picture(geometry: Geometry, whole: WholeMask) -> Geometry:
    return affinity.affine_transform(geometry, [whole.scale, 0, 0, whole.scale, whole.left_px, whole.top_px])
