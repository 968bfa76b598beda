"""Poses that agree: cameras are moved until the same points of the surface lie on the same place.

A bundle adjustment (Triggs et al. 2000, doi 10.1007/3-540-44480-7_21) whose points are not free: each lies where the
ray of its photo meets the surface, and the two rays of a tie point should meet it in one place. Unknown are

- a shift and a turn for each camera;
- for each lens its focal length and first radial coefficient (self-calibration, Brown 1971): a lens that bends by
  twenty pixels at the border would otherwise bend the flight;
- one height for the whole surface, where that is a plane: a wrong height makes every photo's scale wrong by the same
  share, which shows as soon as photos lie side by side;
- one turn of the compass, which is off by the same angle for a whole flight.

All are held by their stated errors.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tenken.adjustment.block import Block
from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.photo_placement import PhotoPlacement

MOST_MISFIT_SHARE = 0.03
"""Of a picture's width: where half of a photo's ties lie farther off after the adjustment, it is left as it was."""


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """Poses that agree with each other.

    Parameters
    ----------
    placements
        All photos that were given; those without ties as they were.
    moved
        Names of the photos that were adjusted.
    """

    placements: Mapping[str, PhotoPlacement]
    moved: frozenset[str]


def adjust_poses(placements: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints]) -> Adjusted:
    """Adjust the poses of a flight to its tie points.

    Photos that ties connect are adjusted together; each such group for itself.

    Parameters
    ----------
    placements
        By photo; all in one CRS.
    ties
        Between photos of ``placements``.
    """
    adjusted = dict(placements)
    for members, own in _groups(placements, ties):
        block = Block({name: placements[name] for name in members}, own)
        solved = block.solve()
        misfit = block.misfits(solved)
        worst = max(members, key=lambda name: (misfit[name], name))
        if misfit[worst] > MOST_MISFIT_SHARE:
            # No pose of this photo fits its ties: a heading that is not known, ties that are none. The rest goes on.
            left = [tie for tie in own if worst not in (tie.first, tie.second)]
            adjusted.update(adjust_poses({name: placements[name] for name in members}, left).placements)
        else:
            adjusted.update(solved)
    return Adjusted(adjusted, frozenset(name for name in placements if adjusted[name] is not placements[name]))


def _groups(
    placements: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints]
) -> Iterator[tuple[list[str], list[TiePoints]]]:
    """Photos that ties connect, and those ties."""
    names = sorted(placements)
    number = {name: index for index, name in enumerate(names)}
    edges = np.array([(number[tie.first], number[tie.second]) for tie in ties], dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(names), len(names)))
    count, group = connected_components(graph, directed=False)
    for one in range(count):
        members = [name for name in names if group[number[name]] == one]
        if len(members) > 1:
            yield members, [tie for tie in ties if group[number[tie.first]] == one]
