"""Find the defects of one picture: tiles, detector, assembly, centre lines, widths in pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops
from shapely import LineString, MultiLineString, MultiPolygon, affinity

from tenken.detection.detect import KINDS, Detector
from tenken.detection.tiles import tile_windows
from tenken.imagery.picture import ArrayPicture, Picture, RasterPicture, luminance
from tenken.measurement import blurred_box
from tenken.measurement.assemble import Pieces, whole_masks
from tenken.measurement.condition import StateShare
from tenken.measurement.profiles import sample_profiles
from tenken.measurement.tiled_detection import detect_tiles
from tenken.measurement.topology import Pattern, pattern_of
from tenken.measurement.whole_defects import WholeDefect, bridge_gaps, trace_whole
from tenken.measurement.widths import WidthReadings, read_widths

LINEAR_KINDS = frozenset({"crack"})
"""Kinds that have a centre line, a length and a width; the others have an area."""

BANK_PX = 8.0
"""How far a width profile reaches beyond the mask, to see undamaged surface on both sides."""

OFF_LINE_PX = 2.0
"""How much farther off the centre line than the mask reaches a crack may lie."""

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
    ``readings`` tells where the width was read and what was read there; None where no width could be read.

    A crack that the detector left gaps in is one defect: ``centreline_px`` and ``length_px`` go on across the gaps,
    ``inferred_px`` holds the lines across them alone (None where there are none), and ``outline_px``, ``area_px`` and
    the width are of what was seen. ``ends``, ``junctions`` and ``loops`` count, on the centre line with its bridges,
    the points where it stops, the places where three or more lines meet, and the closed loops; None for kinds without
    a centre line. A crossing that was traced as two junctions within about a crack width counts as one junction
    (`tenken.measurement.topology`).
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
    readings: WidthReadings | None = None
    inferred_px: MultiLineString | None = None
    ends: int | None = None
    junctions: int | None = None
    loops: int | None = None

    @property
    def pattern(self) -> Pattern | None:
        """``network`` where the centre line has a closed loop, else ``branched`` with a junction, else ``line``.

        None for kinds without a centre line.
        """
        return None if self.junctions is None or self.loops is None else pattern_of(self.junctions, self.loops)


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


def describe_defects(picture: Picture, pieces: Pieces) -> list[PhotoDefect]:
    """Put pieces together, bridge the gaps between them, and measure each defect in pixels."""
    wholes = (trace_whole(whole, linear=whole.kind in LINEAR_KINDS) for whole in whole_masks(pieces))
    return [_describe(picture, whole) for whole in bridge_gaps(wholes)]


def _describe(picture: Picture, whole: WholeDefect) -> PhotoDefect:
    line, topology = (None, None) if whole.seen_px.is_empty else (whole.centreline_px, whole.topology)
    # Bridges have a length, but nothing that a width could be read from.
    reading = _width(picture, whole.seen_px, whole.area_px) if line else None
    return PhotoDefect(
        kind=whole.kind,
        score=whole.score,
        outline_px=whole.outline_px,
        centreline_px=line,
        length_px=float(line.length) if line else None,
        width_px=reading.median.middle if reading and reading.is_measured else None,
        width_low_px=reading.median.low if reading else None,
        width_high_px=reading.median.high if reading else None,
        area_px=whole.area_px,
        pieces=whole.pieces,
        state_share=None if whole.kind in LINEAR_KINDS else whole.state_share,
        readings=reading,
        inferred_px=None if whole.inferred_px.is_empty else whole.inferred_px,
        ends=topology.ends if topology else None,
        junctions=topology.junctions if topology else None,
        loops=topology.loops if topology else None,
    )


def _width(picture: Picture, line: MultiLineString, area_px: float) -> WidthReadings | None:
    """Read the width in short stretches, so that a crack across a large raster costs little memory."""
    mask_width = area_px / line.length
    reach = float(np.clip(0.75 * mask_width + BANK_PX, blurred_box.REACH_PX, MOST_REACH_PX))
    blocks = []
    for stretch in _stretches(line):
        window = _window_around(picture, stretch, int(reach) + 2)
        grey = luminance(np.asarray(picture.read(window)))
        near = sample_profiles(grey, affinity.translate(stretch, -window[0], -window[1]), reach)
        blocks.append(near.moved(window[:2]))
    return read_widths(blocks, 0.75 * mask_width + OFF_LINE_PX)


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
