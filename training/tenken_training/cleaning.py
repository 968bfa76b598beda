"""Defects that nobody labelled: where they may be, so that training neither rewards nor punishes them.

Photos of cracks show rust now and then, photos of rust show cracked concrete, and neither set labels the
other's class. A detector that was trained before (the teacher) says where that may be; there the loss leaves the class
out. Elsewhere each set's photos teach what the other class is not.
"""

import cv2
import numpy as np
import numpy.typing as npt

from tenken.detection.detect import KINDS, load_detector
from tenken_training.recipe import Cleaning

CRACK, CORROSION = KINDS.index("crack"), KINDS.index("corrosion")
REACH_PX = 15
"""A network's cells see more than themselves: leave out so much around a detection, too."""
TRUSTED = 2.0
"""A score that no detection has: the labels of the class are complete."""
NEAR_LABEL_PX = 9
"""A detection this near to a label is that label, drawn a little differently."""


class Teacher:
    """The weights that say what may be unlabelled."""

    def __init__(self, cleaning: Cleaning) -> None:
        lowest = min(cleaning.other_class_score, *cleaning.own_class_score.values())
        self._detector = load_detector(cleaning.teacher, device="cpu", min_score=lowest, streams=1)
        self._cleaning = cleaning

    def left_out(
        self,
        image: npt.NDArray[np.uint8],
        *,
        crack: npt.NDArray[np.bool_] | None = None,
        corrosion: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.uint8]:
        """Where a class is left out of the loss: bit 0 cracks, bit 1 corrosion.

        Parameters
        ----------
        image
            (h, w, 3) uint8 RGB.
        crack, corrosion
            (h, w) labels of the class that the photo's set labels; None for the class that it does not.
        """
        labels = {CRACK: crack, CORROSION: corrosion}
        found = self._detector(image)
        left_out = np.zeros(image.shape[:2], np.uint8)
        names = np.asarray(found.label)
        for number, labelled in labels.items():
            own = self._cleaning.own_class_score.get(KINDS[number], TRUSTED)
            least = self._cleaning.other_class_score if labelled is None else own
            plane = np.zeros(image.shape[:2], np.uint8)
            for index in np.flatnonzero((names == KINDS[number]) & (found.score >= least)).tolist():
                mask = (found.masks or [])[index]
                left, top = np.floor(found.xyxy_px[index, :2]).astype(int)
                view = plane[top : top + mask.shape[0], left : left + mask.shape[1]]
                view |= mask[: view.shape[0], : view.shape[1]].astype(np.uint8)
            if labelled is not None:
                plane[near(labelled, NEAR_LABEL_PX)] = 0
            left_out |= near(plane > 0, REACH_PX).astype(np.uint8) << number
        return left_out


def near(mask: npt.NDArray[np.bool_], reach_px: int) -> npt.NDArray[np.bool_]:
    """Grow a mask by so many pixels (a square's reach)."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach_px + 1,) * 2, np.uint8)) > 0)
