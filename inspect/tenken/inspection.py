"""The result of a run, as the reports take it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyproj import CRS
from shapely import Polygon

from tenken.assessment.grade import DefectGrade, Finding
from tenken.identity.identify import Defect


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """A photo (or orthomosaic) and how well it could be used."""

    photo: str
    """Path below the flight's root, with forward slashes."""
    path: Path
    sha256: str
    camera: str
    taken_at: str | None
    width_px: int
    height_px: int
    gsd_mm: float | None
    smallest_crack_mm: float | None
    usable: bool
    reason: str
    """Why it is not usable, or what is doubtful about it; empty when all is well."""
    pose_source: str
    footprint: Polygon | None
    detections: int
    corners_m: tuple[tuple[float, float], ...] | None = None
    """Where the picture's corners lie in the flight's CRS: top left, top right, bottom right, bottom left.

    None where they do not lie on the surface, and for orthomosaics."""


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A file that could not be inspected, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything that the outputs are made of."""

    flight: str
    crs: CRS | None
    """None when no photo has a position: then no geometry exists."""
    photos: tuple[PhotoRecord, ...]
    skipped: tuple[SkippedRecord, ...]
    defects: tuple[Defect, ...]
    grades: Mapping[str, DefectGrade]
    """By defect id."""
    findings: tuple[Finding, ...]
    """Ranked ones first, then the not assessed."""
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    weights_name: str
    weights_sha256: str
    standard: str
    standard_verified: bool
