"""Tenken: drone photos of structures in; measured, georeferenced defects and a repair list out.

The public face, for notebooks, tests and others' code; names are loaded when they are used, so that
``import tenken`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenken.detection.detect import Detections, Detector, load_detector
    from tenken.imagery.flight import Flight, read_flight
    from tenken.inspection import Inspection
    from tenken.measurement.find import PhotoDefect, find_defects
    from tenken.pipeline import inspect_flight
    from tenken.settings import Settings

_HOMES = {
    "Detections": "detection.detect",
    "Detector": "detection.detect",
    "Flight": "imagery.flight",
    "Inspection": "inspection",
    "PhotoDefect": "measurement.find",
    "Settings": "settings",
    "find_defects": "measurement.find",
    "inspect_flight": "pipeline",
    "load_detector": "detection.detect",
    "read_flight": "imagery.flight",
}

__all__ = [
    "Detections",
    "Detector",
    "Flight",
    "Inspection",
    "PhotoDefect",
    "Settings",
    "find_defects",
    "inspect_flight",
    "load_detector",
    "read_flight",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tenken' has no attribute {name!r}")
    return getattr(import_module(f"tenken.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
