"""Detectors: what they take, what they give, and how one is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from tenken.errors import SettingsError

if TYPE_CHECKING:
    from tenken.detection.engine import Segmenter

KINDS: tuple[str, ...] = ("crack", "corrosion")
"""Kinds by class number, for detectors that label with integers."""

CONDITION_STATES: tuple[str, ...] = ("fair", "poor", "severe")
"""Condition states of corrosion, from the mildest to the severest."""


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
    state_share
        (n, 3) parts of a corroded area that are in fair, poor and severe condition, adding up to 1; NaN for other
        kinds. None when the detector does not tell.
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
    state_share: npt.NDArray[Any] | None = None

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
        if self.state_share is not None and self.state_share.shape != (count, 3):
            raise SettingsError(f"Detections.state_share must be ({count}, 3), got {self.state_share.shape}")

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

    It may also have ``detect_many``, from tiles to an iterable of their detections in the same order: it is then
    used instead, and can read tiles ahead or compute several at once.
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
    engine: str = "auto",
    precision: str = "auto",
) -> "Segmenter":
    """Load weights into an engine.

    Parameters
    ----------
    name_or_path
        Name of known weights, or an ``.onnx`` or ``.pt`` file.
    device
        ``auto``, ``cpu`` or ``cuda`` (``cuda:1``).
    min_score
        Lowest score, for all classes or by class; the card's own where None or where a class is left out.
    streams
        Tiles computed at the same time on the CPU; as many as there are cores when None. Has no influence on
        the result.
    engine
        ``openvino``, ``onnxruntime`` or ``torch`` (checkpoints only); ``auto`` takes ONNX Runtime when it can use a
        GPU, else OpenVINO.
    precision
        Of OpenVINO's arithmetic: ``f32``, ``bf16``, or ``auto`` for the faster that the processor has. What bf16
        costs stands on the card.

    Raises
    ------
    WeightsError
        When the weights are unknown, damaged or not trusted.
    SettingsError
        When the device, the engine or a score cannot be used.
    MissingExtraError
        When an extra is needed and not installed.
    """
    from tenken.detection.decoders import decoder_for
    from tenken.detection.engine import Segmenter
    from tenken.detection.engine_choice import open_engine
    from tenken.detection.weights import find_weights

    weights = find_weights(name_or_path)
    card = weights.card
    thresholds = [_threshold(kind, min_score, card.thresholds) for kind in card.classes]
    if isinstance(min_score, Mapping) and (unknown := sorted(set(min_score) - set(card.classes))):
        raise SettingsError(f"--min-score names {unknown}, but {card.name} knows only {list(card.classes)}")
    decoder = decoder_for(card, thresholds)
    opened = open_engine(weights, device=device, streams=streams, engine=engine, precision=precision)
    rule = card.model_dump_json(include={"network", "objects"})
    return Segmenter(opened, decoder, f"{weights.sha256} {opened.name} {thresholds} {rule}")


def _threshold(kind: str, min_score: float | Mapping[str, float] | None, by_card: Mapping[str, float]) -> float:
    score = min_score.get(kind) if isinstance(min_score, Mapping) else min_score
    if score is None:
        return by_card[kind]
    if not 0 <= score < 1:
        raise SettingsError(f"--min-score must be from 0 to under 1, got {score} for {kind}")
    return float(score)
