"""Choosing: few windows, each of which teaches something that the others don't."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tenken_training.suggestion.windows import Window

FloatArray = npt.NDArray[np.float64]
Why = Literal["disputed", "unsure", "unlike"]

UNLIKE_SHARE = 0.2
"""Part of the windows that is chosen for its look alone, among those in which nothing was found: what a detector
misses, it is not unsure of."""
DISPUTED_WORTH = 1.0
"""What a disputed defect adds: as much as one object of which the detector is wholly unsure."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen window.

    Parameters
    ----------
    window
        Which.
    why
        ``disputed``: people or photos disagree with the detector; ``unsure``: its scores are in the middle;
        ``unlike``: nothing was found, and it looks unlike what was chosen before.
    worth
        What its labels would teach; 1 for a window that is chosen for its look alone.
    unlike
        How unlike it looks to those chosen before it, 0 to 1.
    """

    window: Window
    why: Why
    worth: float
    unlike: float

    @property
    def gain(self) -> float:
        """What it was chosen by: those chosen for their look come last, and within both parts this falls."""
        return self.worth * self.unlike


def choose(windows: Sequence[Window], count: int) -> list[Choice]:
    """Choose windows one after the other, each by its worth times how unlike it is to those chosen before.

    A defect is shown once: a window all of whose defects stand in chosen ones is left out, so that twelve photos of
    one crack make one task. Two looks are as unlike as their distance says, in the spread of all looks; 1 is as far as
    the farthest pair. Ties go to the earlier window.

    Returns
    -------
    At most ``count``, the most valuable first; fewer where fewer differ.
    """
    if not windows:
        return []
    looks = _standardised(np.stack([window.look for window in windows]))
    farthest = max(float(np.linalg.norm(looks - one, axis=1).max()) for one in looks) or 1.0
    worths = np.array([window.unsure + DISPUTED_WORTH * len(window.disputed) for window in windows])
    empty = np.array([not window.found and not window.defects for window in windows])
    by_look = round(count * UNLIKE_SHARE) if empty.any() else 0
    chosen: list[int] = []
    choices: list[Choice] = []
    unlike = np.ones(len(windows))
    for wanted, worth in ((count - by_look, worths), (by_look, empty.astype(float))):
        for _ in range(min(wanted, len(windows))):
            gains = np.where(_shown(windows, chosen), 0.0, worth * unlike)
            best = int(gains.argmax())
            if gains[best] <= 0:
                break
            chosen.append(best)
            choices.append(Choice(windows[best], _why(windows[best]), float(worth[best]), float(unlike[best])))
            unlike = np.minimum(unlike, np.linalg.norm(looks - looks[best], axis=1) / farthest)
    return choices


def _shown(windows: Sequence[Window], chosen: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Windows that are chosen, or whose defects all stand in chosen ones."""
    seen = frozenset[str]().union(*(windows[place].defects for place in chosen))
    taken = set(chosen)
    return np.array([
        place in taken or (bool(window.defects) and window.defects <= seen) for place, window in enumerate(windows)
    ])  # fmt: skip


def _why(window: Window) -> Why:
    if window.disputed:
        return "disputed"
    return "unsure" if window.found else "unlike"


def _standardised(looks: FloatArray) -> FloatArray:
    spread = looks.std(axis=0)
    standardised: FloatArray = (looks - looks.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return standardised
