"""Detectors: what they take, what they give, and how one is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tenken.errors import SettingsError

KINDS: tuple[str, ...] = ("crack", "corrosion")
"""Kinds by class number, for detectors that label with integers."""


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector found in one picture, as a struct of arrays.

    Parameters
    ----------
    xyxy_px
        (n, 4) boxes, left, top, right, bottom, in pixels; edges, not pixel centres.
    score
        (n,) confidence, 0..1.
    label
        (n,) kinds by name (``"crack"``), or integers that count into `KINDS`.
    masks
        One bool crop a box, of the box rounded outwards:
        rows ``floor(top) .. ceil(bottom)``, columns ``floor(left) .. ceil(right)``.
        None when the detector gives boxes only.

    Raises
    ------
    SettingsError
        When the shapes do not fit each other; the message shows the shapes.
    """

    xyxy_px: npt.NDArray[Any]
    score: npt.NDArray[Any]
    label: npt.NDArray[Any]
    masks: Sequence[npt.NDArray[np.bool_]] | None = None

    def __post_init__(self) -> None:
        count = len(self.xyxy_px)
        if self.xyxy_px.shape != (count, 4):
            raise SettingsError(f"Detections.xyxy_px must be (n, 4), got {self.xyxy_px.shape}")
        if self.score.shape != (count,) or self.label.shape != (count,):
            raise SettingsError(
                f"Detections.score and .label must be ({count},), got {self.score.shape} and {self.label.shape}"
            )
        if self.masks is not None and len(self.masks) != count:
            raise SettingsError(f"Detections.masks must hold {count} crops, got {len(self.masks)}")

    def __len__(self) -> int:
        return len(self.xyxy_px)

    @classmethod
    def empty(cls) -> "Detections":
        """Nothing found."""
        return cls(np.empty((0, 4)), np.empty(0), np.empty(0, dtype=np.int64), [])


class Detector(Protocol):
    """Any callable from a picture to its detections.

    The picture is (h, w, 3) uint8 RGB. A detector may be called from several threads at once, and must give the
    same answer for the same picture.
    """

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Detections:
        """Find defects in one tile."""
        ...
