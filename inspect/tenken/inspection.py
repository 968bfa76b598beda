"""The result of a run, as the reports take it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyproj import CRS
from shapely import MultiPolygon, Polygon

from tenken.assessment.grade import DefectGrade, Finding
from tenken.georeferencing.face import Face
from tenken.identity.identify import Defect
from tenken.imagery.flight import PHOTO_FORMATS
from tenken.notes import Note


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
    """Why it is not usable, or what is doubtful about it, as a `tenken.notes.Note`; empty when all is well."""
    pose_source: str
    footprint: Polygon | None
    """On the ground, in the flight's CRS."""
    detections: int
    corners_m: tuple[tuple[float, float], ...] | None = None
    """Where the picture's corners lie in the flight's CRS: top left, top right, bottom right, bottom left.

    None where they do not lie on the surface, and for orthomosaics."""
    on_faces: Mapping[str, MultiPolygon] = field(default_factory=dict)
    """What it shows of the structure's faces, each in its chart, by the face's name."""

    @property
    def placed(self) -> bool:
        """Whether it shows something whose place is known."""
        return self.footprint is not None or bool(self.on_faces)

    def shows_of(self, face: str | None) -> Polygon | MultiPolygon | None:
        """Return what it shows of a face, or of the ground."""
        return self.footprint if face is None else self.on_faces.get(face)


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A file that could not be inspected, and why."""

    path: str
    reason: str

    @property
    def is_lost_photo(self) -> bool:
        """Whether somebody will miss it: its name is a picture's, and it is no second copy of another."""
        copy = isinstance(self.reason, Note) and self.reason.key == "note.same_picture"
        return Path(self.path).suffix.lower() in PHOTO_FORMATS and not copy


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
    faces: Mapping[str, Face] = field(default_factory=dict)
    """Faces of the structure by name: what `Defect.face`, `Segment.face` and `PhotoRecord.on_faces` mean."""

    def skipped_by_reason(self) -> list[list[SkippedRecord]]:
        """Sort what was skipped by reason: photos that are lost first, then the most files first; each by path."""
        groups: dict[tuple[bool, str], list[SkippedRecord]] = {}
        for one in sorted(self.skipped, key=lambda skipped: skipped.path):
            key = one.reason.key if isinstance(one.reason, Note) and one.reason.key else one.reason
            groups.setdefault((not one.is_lost_photo, str(key)), []).append(one)
        return [groups[key] for key in sorted(groups, key=lambda key: (key[0], -len(groups[key]), key[1]))]
