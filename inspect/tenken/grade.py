"""Candidate grades and the repair list. (Contract; to be completed.)"""

from dataclasses import dataclass

from tenken.segments import CoveragePatch, Segment


@dataclass(frozen=True, slots=True)
class DefectGrade:
    """A defect's candidate grade by one standard."""

    defect_id: str
    segment_id: str | None
    grade: str | None
    """The single candidate, None when the figures allow several."""
    candidates: tuple[str, ...]
    standard: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the repair list: a segment, what stands in it, its candidate grade and its rank."""

    segment: Segment
    rank: int | None
    """1 is first; None where the segment was not assessed."""
    priority: float | None
    grade: str | None
    grade_candidates: tuple[str, ...]
    reasons: tuple[str, ...]
    """Sentences in the report's language, the weightiest first."""
    defect_ids: tuple[str, ...]
    crack_length_m: float
    max_width_mm: float | None
    corrosion_area_m2: float
    corrosion_pct: float | None
    seen_fraction: float
    assessed: bool
    coverage: tuple[CoveragePatch, ...]
