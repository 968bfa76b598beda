"""Large photos cut into tiles, with their labels cut exactly."""

import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image
from shapely import LineString, MultiPolygon, Polygon, affinity

from tenken_training.annotations.photo import Absence, Label, clean_area, clean_line

LARGE_PX = 2000
"""Photos with a longer side are cut."""
SLIVER_PX = 0.5
"""Cut off parts that are smaller show nothing."""
JPEG_QUALITY = 97
LOSSLESS = frozenset({".png", ".tif", ".tiff", ".bmp"})

Box = tuple[int, int, int, int]


def tile_boxes(width_px: int, height_px: int, tile_px: int) -> list[Box]:
    """Cut a photo into equal tiles of at most so many pixels a side, without overlap: left, top, right, bottom."""
    xs, ys = (_edges(side, tile_px) for side in (width_px, height_px))
    return [(left, top, right, bottom) for top, bottom in pairwise(ys) for left, right in pairwise(xs)]


def _edges(side_px: int, tile_px: int) -> list[int]:
    return [int(edge) for edge in np.linspace(0, side_px, math.ceil(side_px / tile_px) + 1).round()]


def cut_labels(labels: Sequence[Label], box: Box) -> tuple[Label, ...]:
    """Cut labels to a tile, in the tile's own pixels.

    A crack with a centre line that the tile's rim cuts into parts becomes several labels, each with its part of the
    line.
    """
    frame = shapely.box(*box)
    return tuple(part for label in labels if label.area.intersects(frame) for part in _cut(label, frame, box))


def cut_absences(absences: Sequence[Absence], box: Box) -> tuple[Absence, ...]:
    """Cut known false alarms to a tile likewise."""
    frame = shapely.box(*box)
    cut = ((one.kind, _moved_area(shapely.intersection(one.area, frame), box)) for one in absences)
    return tuple(Absence(kind, area) for kind, area in cut if area is not None)


def keeps_empty_tile(sha256: str, box: Box, share: float) -> bool:
    """Decide by the photo's hash and the tile's place whether a tile without a label is kept."""
    digest = hashlib.sha256(f"{sha256} {box}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


def tile_bytes(image: npt.NDArray[np.uint8], box: Box, original: Path) -> tuple[bytes, str]:
    """Encode a tile: without loss where the original has none, else as JPEG of high quality.

    Returns
    -------
    The bytes, and the file's ending.
    """
    left, top, right, bottom = box
    picture, stream = Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right])), io.BytesIO()
    if original.suffix.lower() in LOSSLESS:
        picture.save(stream, "PNG")
        return stream.getvalue(), ".png"
    picture.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return stream.getvalue(), ".jpg"


def _cut(label: Label, frame: Polygon, box: Box) -> list[Label]:
    area = _moved_area(shapely.intersection(label.area, frame), box)
    if area is None:
        return []
    if label.line is None:
        return [replace(label, area=area)]
    lines = _moved_lines(shapely.intersection(label.line, frame), box)
    parts = [part for part in shapely.get_parts(area) if isinstance(part, Polygon)]
    if len(parts) == 1 or not lines:
        return [replace(label, area=area, line=max(lines, key=lambda line: line.length, default=None))]
    # Each part takes the longest stretch of the line within it.
    cut = []
    for part in parts:
        inside = [line for line in lines if shapely.distance(line, part) < 1]
        longest = max(inside, key=lambda line: shapely.intersection(line, part.buffer(1)).length, default=None)
        cut.append(replace(label, area=part, line=longest))
    return cut


def _moved_area(area: shapely.Geometry, box: Box) -> Polygon | MultiPolygon | None:
    clean = clean_area(affinity.translate(area, -box[0], -box[1]))
    return clean if clean is not None and clean.area >= SLIVER_PX else None


def _moved_lines(lines: shapely.Geometry, box: Box) -> list[LineString]:
    moved = affinity.translate(lines, -box[0], -box[1])
    parts = (clean_line(part) for part in shapely.get_parts(moved) if isinstance(part, LineString))
    return [part for part in parts if part is not None]
