"""How much damage stands in a segment, and in how much of it that was seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely import MultiPolygon

from tenken.assessment.spacing import crack_spacing_m
from tenken.identity.identify import Defect
from tenken.structure.coverage import LEAST_SEEN, seen_fraction
from tenken.structure.segments import CoveragePatch, Segment

_GRID_M = 0.0001
"""Overlays snap to a tenth of a millimetre: finer than a pixel, and GEOS stays right where edges meet."""


@dataclass(frozen=True, slots=True)
class Quantities:
    """Sums over a segment's defects, each as far as it lies there (`tenken.assessment.parts`)."""

    seen_fraction: float
    crack_length_m: float
    max_width_mm: float | None
    """Largest width of the cracks whose width is known: the mean over 20 mm, or the median where that is all."""
    spacing_m: float
    """Least spacing of parallel cracks, infinite where there are no two."""
    corrosion_area_m2: float
    severe_corrosion_area_m2: float | None
    """Of the corrosion whose condition state is known; None where there is none."""
    crack_density_m_per_m2: float | None
    """Per area seen; None when too little was seen."""
    corrosion_pct: float | None
    """Of the area seen; None when too little was seen."""


def quantities_of(segment: Segment, defects: Sequence[Defect], patches: Sequence[CoveragePatch]) -> Quantities:
    """Add up a segment's defects.

    The corroded share counts a place once, however many defects overlap there, and only where it was seen.
    """
    cracks = [defect for defect in defects if defect.kind == "crack"]
    rust = [defect for defect in defects if defect.kind == "corrosion"]
    widths_mm = [width_mm for defect in cracks if (width_mm := _largest_width_mm(defect)) is not None]
    length_m = sum(defect.length_m or 0.0 for defect in cracks)
    fraction = seen_fraction(segment, patches)
    seen = next((patch.geometry for patch in patches if patch.status == "seen"), MultiPolygon())
    enough = fraction >= LEAST_SEEN
    return Quantities(
        seen_fraction=fraction,
        crack_length_m=round(length_m, 4),
        max_width_mm=max(widths_mm, default=None),
        spacing_m=crack_spacing_m([d.centreline_m for d in cracks if d.centreline_m is not None]),
        corrosion_area_m2=round(sum(defect.area_m2 or 0.0 for defect in rust), 6),
        severe_corrosion_area_m2=_severe_area_m2(rust),
        crack_density_m_per_m2=round(length_m / seen.area, 6) if enough else None,
        corrosion_pct=_corrosion_pct(rust, seen) if enough else None,
    )


def _largest_width_mm(crack: Defect) -> float | None:
    largest = crack.width_largest.width_mm if crack.width_largest is not None else None
    return crack.width_mm if largest is None else largest


def _severe_area_m2(rust: Sequence[Defect]) -> float | None:
    severe = [
        defect.area_m2 * defect.state_share.severe
        for defect in rust
        if defect.area_m2 is not None and defect.state_share is not None
    ]
    return round(sum(severe), 6) if severe else None


def _corrosion_pct(rust: Sequence[Defect], seen: MultiPolygon) -> float:
    outlines = [defect.outline_m for defect in rust if defect.outline_m is not None]
    if not outlines:
        return 0.0
    corroded = shapely.union_all(shapely.make_valid(outlines), grid_size=_GRID_M)
    return round(100.0 * shapely.intersection(corroded, seen, grid_size=_GRID_M).area / seen.area, 4)
