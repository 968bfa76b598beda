"""Detectors: what they take, what they give, and how one is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
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
    saturated
        The detector had more to show than it may in one picture, and left the weakest out.

    Raises
    ------
    SettingsError
        When the shapes do not fit each other; the message shows the shapes.
    """

    xyxy_px: npt.NDArray[Any]
    score: npt.NDArray[Any]
    label: npt.NDArray[Any]
    masks: Sequence[npt.NDArray[np.bool_]] | None = None
    saturated: bool = False

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

    The picture is (h, w, 3) uint8 RGB. A detector may be called from several threads at once, and must give
    the same answer for the same picture.
    """

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Detections:
        """Find defects in one tile."""
        ...


def kinds_of(detections: Detections, classes: Sequence[str] = KINDS) -> list[str]:
    """Kind of each detection by name, whether the detector labels by name or by number.

    Raises
    ------
    SettingsError
        When a number counts beyond the classes, or a label is neither a name nor a number.
    """
    label = detections.label
    if label.dtype.kind in "UTO" and all(isinstance(name, str) for name in label):
        return [str(name) for name in label]
    try:
        numbers = [int(number) for number in label]
        whole = all(number == given for number, given in zip(numbers, label, strict=True))
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise SettingsError(f"Detections.label must hold names or whole numbers, got {label.dtype} {label[:3]}")
    for number in numbers:
        if not 0 <= number < len(classes):
            raise SettingsError(f"Detections.label {number} is outside the {len(classes)} classes {tuple(classes)}")
    return [classes[number] for number in numbers]


def load_detector(
    name_or_path: str | Path = "default",
    *,
    device: str = "auto",
    min_score: float | Mapping[str, float] | None = None,
    streams: int | None = None,
) -> Detector:
    """Load weights into the engine that suits them: OpenVINO for ONNX files, torch for checkpoints.

    Parameters
    ----------
    name_or_path
        Name of known weights, or an ``.onnx`` or ``.pt`` file.
    device
        ``auto``, ``cpu`` or ``cuda`` (``cuda:1``). ONNX files run on the CPU, checkpoints on either.
    min_score
        Lowest score, for all classes or by class; the card's own where None or where a class is left out.
    streams
        Tiles computed at the same time on the CPU; as many as there are cores when None. Has no influence on
        the result.

    Raises
    ------
    WeightsError
        When the weights are unknown, damaged or not trusted.
    SettingsError
        When the device or a score cannot be used.
    MissingExtraError
        When the ``train`` extra is needed and not installed.
    """
    from tenken.weights import find_weights

    weights = find_weights(name_or_path)
    card = weights.card
    thresholds = [_threshold(kind, min_score, card.thresholds) for kind in card.classes]
    if isinstance(min_score, Mapping) and (unknown := sorted(set(min_score) - set(card.classes))):
        raise SettingsError(f"--min-score names {unknown}, but {card.name} knows only {list(card.classes)}")
    if weights.path.suffix.lower() == ".pt":
        from tenken.ultralytics_engine import UltralyticsSegmenter

        return UltralyticsSegmenter(weights.path, thresholds, device=device)
    if device not in ("auto", "cpu"):
        raise SettingsError(f"{weights.path} is ONNX and runs on the CPU; for --device {device} give a .pt checkpoint")
    from tenken.openvino_engine import OpenVinoSegmenter

    return OpenVinoSegmenter(weights.path, card.classes, thresholds, streams=streams)


def _threshold(kind: str, min_score: float | Mapping[str, float] | None, by_card: Mapping[str, float]) -> float:
    score = min_score.get(kind) if isinstance(min_score, Mapping) else min_score
    if score is None:
        return by_card[kind]
    if not 0 <= score < 1:
        raise SettingsError(f"--min-score must be from 0 to under 1, got {score} for {kind}")
    return float(score)
