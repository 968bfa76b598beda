"""Condition state of corrosion: how its area divides into fair, poor and severe.

The states are those of the corrosion data set of Bianchi and Hebdon (Virginia Tech), fair being surface rust. They
are no grade of any standard.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from tenken.detection.detect import CONDITION_STATES

STATED_KINDS = frozenset({"corrosion"})
"""Kinds that have a condition state."""

SHARE_DECIMALS = 3
"""Shares are compared as they are written, so that the last bits of a sum decide nothing."""


class StateShare(NamedTuple):
    """Parts of a corroded area in each condition state, 0..1, adding up to 1."""

    fair: float
    poor: float
    severe: float

    @property
    def condition_state(self) -> str:
        """The state of the largest part; of equal parts the worse."""
        return CONDITION_STATES[max(range(len(self)), key=lambda place: (round(self[place], SHARE_DECIMALS), place))]

    @property
    def condition_state_score(self) -> float:
        """The largest part."""
        return round(max(self), SHARE_DECIMALS)


def mean_state_share(shares: Iterable[tuple[StateShare | None, float]]) -> StateShare | None:
    """Give the mean of shares, each with the area that it is of; their order does not matter.

    None counts for nothing; the mean of nothing is None.
    """
    told = [(share, area) for share, area in shares if share is not None]
    whole = math.fsum(area for _, area in told)
    if not whole:
        return None
    return StateShare(*(math.fsum(share[place] * area for share, area in told) / whole for place in range(3)))
