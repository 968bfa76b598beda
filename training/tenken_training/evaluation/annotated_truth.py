"""What an imported data set says of a photo, as the truth that detectors are judged by."""

from dataclasses import replace

import numpy as np
from shapely import affinity

from tenken_training.annotations.dataset import UNKNOWN_STATE, AnnotatedPhoto, rasters
from tenken_training.annotations.painting import paint
from tenken_training.evaluation.truth import LabelledObject, Truth

NO_STATE = 255
"""Pixels of which nobody stated the condition; they count for no state, nor as sound."""


def from_annotated(
    photo: AnnotatedPhoto, kinds: tuple[str, ...], height_px: int, width_px: int, *, with_states: bool
) -> Truth:
    """Make the truth of a photo of an imported data set, at the size given.

    Parameters
    ----------
    photo
        With its labels.
    kinds
        Kinds to be judged.
    height_px, width_px
        Size to paint at; labels are scaled to it exactly, and not their pixels.
    with_states
        Give the condition states of corrosion.
    """
    shown = _scaled(photo, width_px / photo.width_px, height_px / photo.height_px, width_px, height_px)
    objects, regions, ignored, states = [], {}, {}, None
    for kind in kinds:
        painted = rasters(shown, kind)
        regions[kind] = painted.mask > 0
        if painted.ignore.any():
            ignored[kind] = painted.ignore > 0
        if kind == "corrosion" and with_states:
            unstated = (painted.ignore > 0) | ((painted.mask > 0) & (painted.states == UNKNOWN_STATE))
            states = np.where(unstated, NO_STATE, painted.states).astype(np.uint8)
    for label in shown.labels:
        if label.ignore or label.kind not in kinds:
            continue
        mask, left, top = paint(label.area, height_px, width_px, line=label.line)
        if mask.any():
            edges = np.clip(np.array(label.area.bounds), 0, [width_px, height_px] * 2)
            objects.append(LabelledObject(label.kind, edges.astype(np.float64), left, top, mask))
    return Truth(height_px, width_px, tuple(objects), regions, states, ignored=ignored)


def _scaled(photo: AnnotatedPhoto, across: float, down: float, width_px: int, height_px: int) -> AnnotatedPhoto:
    if across == down == 1:
        return photo
    labels = tuple(
        replace(
            label,
            area=affinity.scale(label.area, across, down, origin=(0, 0)),
            line=None if label.line is None else affinity.scale(label.line, across, down, origin=(0, 0)),
        )
        for label in photo.labels
    )
    return replace(photo, labels=labels, width_px=width_px, height_px=height_px)
