"""Misses and false alarms to be shown as pictures: of whole defects, and of parts of those found by half or more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tenken_training.evaluation.centreline_score import STEP_PX, LinePoints
from tenken_training.evaluation.truth import EIGHT_NEIGHBOURS, BoolArray, FloatArray

LEAST_STRETCH_PX = 16.0
"""Shorter missing stretches are where two hands end the same crack."""

RIM_PX = 3
"""Outlines of the same area differ by so much all around; it is no part missed."""


@dataclass(frozen=True, slots=True)
class Blunder:
    """A missed defect or a false alarm, to be shown as a picture.

    ``size`` is the length in pixels for kinds with a centre line and the area in square pixels for others; ``score``
    is None for a miss. ``part`` says that the rest of the defect is right, by half or more.
    """

    kind: str
    xyxy_px: tuple[float, float, float, float]
    size: float
    score: float | None
    part: bool = False


def wrong_stretch(kind: str, points: LinePoints, wrong: BoolArray, score: float | None) -> Blunder | None:
    """Longest unbroken stretch of one line's points that is wrong; None below `LEAST_STRETCH_PX`.

    Parameters
    ----------
    kind
        Of the defect.
    points
        Of one line, in order.
    wrong
        (n,) which of them.
    score
        Of the found line; None for a labelled one.
    """
    if not len(wrong):
        return None
    jumps = np.hypot(*np.diff(points.xy_px, axis=0).T) > 2 * STEP_PX
    begins = np.flatnonzero(np.concatenate([[True], jumps | (wrong[1:] != wrong[:-1])])).tolist()
    longest, length = slice(0, 0), 0.0
    for begin, end in zip(begins, [*begins[1:], len(wrong)], strict=True):
        here = float(points.length_px[begin:end].sum())
        if wrong[begin] and here > length:
            longest, length = slice(begin, end), here
    if length < LEAST_STRETCH_PX:
        return None
    xy = points.xy_px[longest]
    return Blunder(kind, as_box([*xy.min(axis=0), *xy.max(axis=0)]), length, score, part=True)


def wrong_patch(
    kind: str, wrong: BoolArray, left_px: int, top_px: int, score: float | None, least_px: int
) -> Blunder | None:
    """Largest connected patch of an area that is wrong, without rims; None below ``least_px`` square pixels.

    Parameters
    ----------
    kind
        Of the defect.
    wrong
        (h, w) wrong pixels, as a crop.
    left_px, top_px
        Where the crop lies in the photo.
    score
        Of the found area; None for a labelled one.
    least_px
        Smallest patch.
    """
    whole = np.pad(wrong, RIM_PX)
    opened = ndimage.binary_opening(whole, EIGHT_NEIGHBOURS, iterations=RIM_PX)[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]
    labels, count = ndimage.label(opened, EIGHT_NEIGHBOURS)
    if not count:
        return None
    sizes = np.bincount(labels.ravel())[1:]
    number = int(sizes.argmax())
    if sizes[number] < least_px:
        return None
    rows, columns = ndimage.find_objects(labels)[number]
    box = (left_px + columns.start, top_px + rows.start, left_px + columns.stop, top_px + rows.stop)
    return Blunder(kind, as_box(box), float(sizes[number]), score, part=True)


def as_box(edges: Sequence[float] | FloatArray) -> tuple[float, float, float, float]:
    """Box as plain numbers: left, top, right, bottom."""
    left, top, right, bottom = (float(edge) for edge in edges)
    return left, top, right, bottom
