"""Photos that somebody turned by half after the flight, while their stated yaw was left alone: their neighbours tell.

Image viewers turn a picture and save it. Taken as it is, such a photo lies as far on the wrong side of the middle as it
should lie on the right one. Its tie points with photos that nobody touched decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.notes import Note

CLEARLY = 0.5
"""The better of the two ways must leave at most this share of the other's misfit."""

_HALF_TURN = np.diag([-1.0, -1.0, 1.0])


def settle_half_turns(placements: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints]) -> dict[str, PhotoPlacement]:
    """Decide of each photo that may have been turned whether it was, from photos that are sure.

    Parameters
    ----------
    placements
        By photo.
    ties
        Between them.

    Returns
    -------
    All placements; those that could be decided are no longer `maybe_turned`, the others are as they were.
    """
    settled = dict(placements)
    open_cases = {name for name, placement in placements.items() if placement.maybe_turned}
    while open_cases:
        evidence = {name: _ties_with_sure(name, ties, open_cases) for name in sorted(open_cases)}
        name = max(evidence, key=lambda one: sum(len(tie) for tie in evidence[one]))
        if not evidence[name]:
            break
        open_cases.discard(name)
        placement = settled[name]
        turned = _turned(placement)
        as_it_is, the_other = (_misfit_m(name, case, settled, evidence[name]) for case in (placement, turned))
        if the_other <= CLEARLY * as_it_is:
            settled[name] = replace(turned, maybe_turned=False, doubts=(*placement.doubts, Note.of("note.turned")))
        elif as_it_is <= CLEARLY * the_other:
            settled[name] = replace(placement, maybe_turned=False)
    return settled


def _ties_with_sure(name: str, ties: Sequence[TiePoints], unsure: set[str]) -> list[TiePoints]:
    mine = [tie for tie in ties if name in (tie.first, tie.second)]
    return [tie for tie in mine if not {tie.first, tie.second} & (unsure - {name})]


def _turned(placement: PhotoPlacement) -> PhotoPlacement:
    camera = placement.camera
    return replace(placement, camera=replace(camera, rotation=camera.rotation @ _HALF_TURN))


def _misfit_m(
    name: str, case: PhotoPlacement, settled: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints]
) -> float:
    """Median distance of tie points on the surface."""
    placed = {**settled, name: case}
    apart = [
        placed[tie.first].to_world(tie.first_px)[:, :2] - placed[tie.second].to_world(tie.second_px)[:, :2]
        for tie in ties
    ]
    distance = np.linalg.norm(np.concatenate(apart), axis=1)
    known = distance[np.isfinite(distance)]
    return float(np.median(known)) if known.size else np.inf
