"""How much of the cracks' centre lines was found, and how much of what was found is crack.

Line recall is the share of the labelled centre lines, by length, that runs within a tolerance of a found centre line;
line precision is the same the other way round; F1 is their harmonic mean. Other than pixel figures they do not care
how wide the label is.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage
from shapely import LineString, MultiLineString, affinity

from tenken.measurement.centreline import trace_centreline
from tenken_training.evaluation.truth import EIGHT_NEIGHBOURS

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

TOLERANCE_PX = 2.0

STEP_PX = 1.0
"""Lines are judged in steps of this."""

WIDTH_EDGES_PX = (0.0, 1.0, 2.0, 4.0, 8.0, np.inf)
"""Width classes of cracks. Below 2 px a width can only be estimated, below 0.67 px not even that (DOMAIN 4)."""

WIDTH_CLASSES = ("under_1_px", "1_to_2_px", "2_to_4_px", "4_to_8_px", "8_px_and_more")


@dataclass(frozen=True, slots=True)
class LinePoints:
    """A line as points along it.

    Parameters
    ----------
    xy_px
        (n, 2).
    length_px
        (n,) the stretch each point stands for.
    part
        (n,) which crack it belongs to.
    """

    xy_px: FloatArray
    length_px: FloatArray
    part: npt.NDArray[np.int64]


def region_lines(region: BoolArray) -> list[MultiLineString]:
    """Centre line of each 8-connected part of a mask, in the mask's coordinates."""
    labels, _ = ndimage.label(region, EIGHT_NEIGHBOURS)
    lines = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        line = trace_centreline(labels[rows, columns] == number)
        if not line.is_empty:
            lines.append(affinity.translate(line, columns.start, rows.start))
    return lines


def points_along(lines: list[MultiLineString]) -> LinePoints:
    """Points in equal steps of about `STEP_PX` along lines; each stands for the same length of its stretch."""
    xy, length, part = [np.empty((0, 2))], [np.empty(0)], [np.empty(0, dtype=np.int64)]
    for number, line in enumerate(lines):
        for stretch in line.geoms:
            count = max(1, round(stretch.length / STEP_PX))
            middles = (np.arange(count) + 0.5) / count
            xy.append(shapely.get_coordinates(shapely.line_interpolate_point(stretch, middles, normalized=True)))
            length.append(np.full(count, stretch.length / count))
            part.append(np.full(count, number))
    return LinePoints(np.concatenate(xy), np.concatenate(length), np.concatenate(part))


def within(points: LinePoints, lines: list[MultiLineString], tolerance_px: float) -> BoolArray:
    """(n,) whether each point lies within the tolerance of any of the lines."""
    stretches: list[LineString] = [stretch for line in lines for stretch in line.geoms]
    if not stretches or not len(points.xy_px):
        return np.zeros(len(points.xy_px), dtype=bool)
    tree = shapely.STRtree(stretches)
    near = tree.query(shapely.points(points.xy_px), predicate="dwithin", distance=tolerance_px)[0]
    hit = np.zeros(len(points.xy_px), dtype=bool)
    hit[near] = True
    return hit


def sampled(values: npt.NDArray[Any], points: LinePoints) -> npt.NDArray[Any]:
    """(n,) the raster's value at each point; points outside take the nearest pixel's."""
    column, row = np.floor(points.xy_px).astype(np.int64).T
    rows, columns = values.shape
    return np.asarray(values[row.clip(0, rows - 1), column.clip(0, columns - 1)])


def label_width_px(region: BoolArray) -> npt.NDArray[np.float32]:
    """Width of a label at its centre line: twice the distance to the border. Labels are often wider than the crack."""
    # The border runs between pixels, half a pixel before the centre of the first pixel outside.
    distance = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    return np.asarray(np.maximum(2 * distance - 1, 0), dtype=np.float32)
