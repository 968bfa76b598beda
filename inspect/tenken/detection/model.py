"""The detector of a run and what identifies it."""

from dataclasses import dataclass

from tenken.detection.detect import Detector, load_detector
from tenken.detection.weights import find_weights
from tenken.settings import Settings


@dataclass(frozen=True, slots=True)
class Model:
    """The detector of a run and what identifies it."""

    name: str
    sha256: str
    detector: Detector
    fingerprint: str | None
    """Changes whenever the detector's answers do; None when that is not known."""
    engine: str = ""
    """What computes the detector, and how exactly."""


def chosen_model(settings: Settings, detector: Detector | None, workers: int) -> Model:
    """Return the caller's detector, or load the settings' weights."""
    if detector is not None:
        fingerprint = getattr(detector, "fingerprint", None)
        return Model(getattr(detector, "name", type(detector).__name__), fingerprint or "", detector, fingerprint)
    weights = find_weights(settings.weights)
    loaded = load_detector(
        settings.weights,
        device=settings.device,
        min_score=settings.min_score,
        streams=workers,
        engine=settings.engine,
        precision=settings.precision,
    )
    return Model(weights.card.name, weights.sha256, loaded, loaded.fingerprint, loaded.engine.name)
