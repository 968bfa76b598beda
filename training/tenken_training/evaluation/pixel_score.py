"""Corroded area pixel by pixel, by condition state.

States are those of the condition state data set: 1 fair (surface rust), 2 poor, 3 severe (Bianchi and Hebdon,
doi 10.7294/16624663).
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tenken.detection.detect import CONDITION_STATES
from tenken_training.evaluation.truth import EIGHT_NEIGHBOURS, SMALLEST_OBJECT_PX, BoolArray

STATES = dict(enumerate(CONDITION_STATES, start=1))

StateMap = npt.NDArray[np.uint8]


def state_tally(true: StateMap, found: BoolArray, given: StateMap | None) -> dict[str, float]:
    """Sum up the pixels of each state.

    Parameters
    ----------
    true
        (h, w) labelled state, 0 for none.
    found
        (h, w) what was found as corrosion, of whatever state.
    given
        (h, w) state by the detector; None when it gives none.

    Returns
    -------
    For each state the labelled pixels and those found as corrosion, the parts of severe corrosion and those found
    by half; with ``given`` also the pixels given and those given rightly, and the same for what is sound.
    """
    tally: dict[str, float] = {}
    for number, name in STATES.items():
        of_state = true == number
        tally[f"true_{name}_px"] = float(np.count_nonzero(of_state))
        tally[f"found_{name}_px"] = float(np.count_nonzero(of_state & found))
        if given is not None:
            tally[f"given_{name}_px"] = float(np.count_nonzero(given == number))
            tally[f"shared_{name}_px"] = float(np.count_nonzero(of_state & (given == number)))
    if given is not None:
        tally["true_sound_px"] = float(np.count_nonzero(true == 0))
        tally["given_sound_px"] = float(np.count_nonzero(given == 0))
        tally["shared_sound_px"] = float(np.count_nonzero((true == 0) & (given == 0)))
    labels, count = ndimage.label(true == 3, EIGHT_NEIGHBOURS)
    numbers = np.arange(1, count + 1)
    size = ndimage.sum_labels(np.ones_like(labels), labels, numbers)
    covered = ndimage.sum_labels(found, labels, numbers)
    large = size >= SMALLEST_OBJECT_PX
    tally["severe_parts"] = float(np.count_nonzero(large))
    tally["severe_parts_found"] = float(np.count_nonzero(large & (2 * covered >= size)))
    return tally
