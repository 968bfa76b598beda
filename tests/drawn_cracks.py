"""Random cracks with known lines: wandering, branched, in nets, side by side, and with stretches that nobody saw."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize
from scipy import ndimage
from shapely import LineString, MultiLineString, affinity
from shapely.ops import substring

from tenken.measurement.centreline import trace_centreline
from tenken.measurement.crack_ends import TracedCrack

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

STEP_PX = 4.0
"""Distance of a drawn crack's vertices."""
TURNS_IN_PX = 60.0
"""Length along which a wandering crack forgets its direction."""


def wandering_crack(rng: np.random.Generator, start: npt.ArrayLike, heading_deg: float, length_px: float) -> LineString:
    """Draw a crack that wanders about a heading: 20° of standard deviation, forgotten after `TURNS_IN_PX`."""
    kept = np.exp(-STEP_PX / TURNS_IN_PX)
    kicks = rng.normal(0, 20 * np.sqrt(1 - kept**2), max(2, round(length_px / STEP_PX)))
    deviation = np.empty(len(kicks))
    here = rng.normal(0, 20)
    for number, kick in enumerate(kicks):
        here = here * kept + kick
        deviation[number] = here
    heading = np.deg2rad(heading_deg + deviation)
    steps: FloatArray = STEP_PX * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    origin = np.asarray(start, dtype=np.float64)
    return LineString(np.vstack([origin[None], origin + np.cumsum(steps, axis=0)]))


def crack_network(rng: np.random.Generator, centre: npt.ArrayLike, reach_px: float, branches: int) -> MultiLineString:
    """Draw one connected crack: a trunk, branches that begin on what is drawn already, and now and then a loop.

    Returns
    -------
    Lines that begin or end on each other; where they cross they hang together too.
    """
    heading = rng.uniform(0, 360)
    back = np.asarray(centre) - reach_px / 2 * np.array([np.cos(np.deg2rad(heading)), np.sin(np.deg2rad(heading))])
    lines = [wandering_crack(rng, back, heading, reach_px)]
    for _ in range(branches):
        parent = lines[int(rng.integers(len(lines)))]
        foot = parent.interpolate(rng.uniform(0.15, 0.85), normalized=True)
        if rng.random() < 0.3:  # a loop: back to the same crack
            head = parent.interpolate(rng.uniform(0.15, 0.85), normalized=True)
            if foot.distance(head) > 80:
                middle = np.array([foot.x + head.x, foot.y + head.y]) / 2
                side = np.array([head.y - foot.y, foot.x - head.x]) * rng.choice([-0.4, 0.4])
                lines.append(LineString([(foot.x, foot.y), tuple(middle + side), (head.x, head.y)]))
                continue
        turn = heading + rng.choice([-1, 1]) * rng.uniform(40, 90)
        lines.append(wandering_crack(rng, (foot.x, foot.y), turn, rng.uniform(0.2, 0.5) * reach_px))
    return MultiLineString(lines)


def separate_networks(
    rng: np.random.Generator, size_px: tuple[int, int], count: int, reach_px: float, apart_px: float
) -> list[MultiLineString]:
    """Draw up to ``count`` connected cracks that keep ``apart_px`` from each other and 10 px from the border."""
    width, height = size_px
    frame = shapely.box(10, 10, width - 10, height - 10)
    found: list[MultiLineString] = []
    for _ in range(20 * count):
        reach = reach_px * rng.uniform(0.4, 1.2)
        crack = crack_network(rng, rng.uniform((0, 0), size_px), reach, int(rng.integers(0, 6)))
        if frame.contains(crack) and all(crack.distance(other) > apart_px for other in found):
            found.append(crack)
        if len(found) == count:
            break
    return found


def parallel_cracks(
    rng: np.random.Generator, count: int, spacing_px: float, length_px: float, *, wander: bool
) -> list[LineString]:
    """Draw equal cracks side by side, ``spacing_px`` apart where they come nearest, at any angle about the origin."""
    trunk = LineString([(-length_px / 2, 0), (length_px / 2, 0)])
    shift = spacing_px
    if wander:
        xy = ndimage.gaussian_filter1d(np.asarray(wandering_crack(rng, (0, 0), 0, length_px).coords), 2, axis=0)
        trunk = LineString(xy - xy.mean(axis=0))
        for _ in range(8):  # the steeper a crack runs, the farther it must be shifted
            shift *= spacing_px / max(1, trunk.distance(affinity.translate(trunk, 0, shift)))
    angle = rng.uniform(0, 360)
    moved = [affinity.translate(trunk, 0, (number - (count - 1) / 2) * shift) for number in range(count)]
    return [affinity.rotate(line, angle, origin=(0, 0)) for line in moved]


def with_gaps(
    rng: np.random.Generator, line: LineString, gap_px: float, gaps: int, least_piece_px: float
) -> tuple[list[LineString], list[LineString]]:
    """Take stretches out of a line; give what is left and what was taken, as many as fit."""
    piece = (line.length - gaps * gap_px) / (gaps + 1)
    if piece < least_piece_px:
        return [line], []
    spare = rng.dirichlet(np.ones(gaps + 1)) * (piece - least_piece_px) * (gaps + 1)
    kept: list[LineString] = []
    taken: list[LineString] = []
    at = 0.0
    for number in range(gaps + 1):
        end = at + least_piece_px + spare[number]
        kept.append(_stretch(line, at, min(end, line.length)))
        if number < gaps:
            taken.append(_stretch(line, end, end + gap_px))
        at = end + gap_px
    return kept, taken


def _stretch(line: LineString, start_px: float, stop_px: float) -> LineString:
    return LineString(substring(line, start_px, stop_px).coords)


def draw_mask(lines: Sequence[LineString], width_px: float, size_px: tuple[int, int]) -> BoolArray:
    """(h, w) pixels whose centres lie in the cracks."""
    width, height = size_px
    drawn = [line.buffer(width_px / 2, cap_style="flat") for line in lines]
    return np.asarray(rasterize(drawn, (height, width), dtype="uint8"), dtype=bool)


def ragged(rng: np.random.Generator, mask: BoolArray, share: float = 0.25) -> BoolArray:
    """Nibble at a mask's rim and let it swell, pixel by pixel, as networks' masks are; small crumbs are swept away."""
    inner = mask & ~ndimage.binary_erosion(mask)
    outer = ndimage.binary_dilation(mask) & ~mask
    chance = rng.random(mask.shape) < share
    rough = ndimage.binary_closing((mask & ~(inner & chance)) | (outer & chance), np.ones((2, 2))) | (mask & ~inner)
    labels, count = ndimage.label(rough, np.ones((3, 3)))
    large = np.append(False, np.bincount(labels.ravel(), minlength=count + 1)[1:] > 8)
    return np.asarray(large[labels])


def traced_cracks(mask: BoolArray) -> list[TracedCrack]:
    """Trace every connected part of a mask."""
    labels, _ = ndimage.label(mask, np.ones((3, 3)))
    cracks = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[rows, columns] == number
        lines = affinity.translate(trace_centreline(part), columns.start, rows.start)
        if not lines.is_empty:
            cracks.append(TracedCrack(lines, np.count_nonzero(part) / lines.length))
    return cracks
