"""Sizes in words: as many digits as they deserve, with their interval, and what is not known said so."""

from tenken.detection.detect import CONDITION_STATES
from tenken.identity.identify import Defect
from tenken.measurement.condition import StateShare
from tenken.measurement.measure import Sighting
from tenken.measurement.surface_widths import StatedWidth, bounds_only
from tenken.wording import Words

UNKNOWN = "–"


def length_text(length_m: float | None) -> str:
    """Write a length along the surface."""
    if length_m is None:
        return UNKNOWN
    if length_m == 0:
        return "0 m"
    return f"{length_m * 100:.0f} cm" if length_m < 1 else f"{length_m:.2f} m"


def area_text(area_m2: float | None) -> str:
    """Write an area on the surface."""
    if area_m2 is None:
        return UNKNOWN
    if area_m2 == 0:
        return "0 m²"
    if area_m2 < 0.01:
        return f"{area_m2 * 1e4:.1f} cm²"
    return f"{area_m2 * 1e4:.0f} cm²" if area_m2 < 0.1 else f"{area_m2:.2f} m²"


def width_text(defect: Defect | Sighting) -> str:
    """Write a crack's width as far as its status allows: one figure only if measured."""
    low, high = defect.width_low_mm, defect.width_high_mm
    interval = None if low is None or high is None else interval_text(low, high)
    if defect.width_status == "measured" and defect.width_mm is not None:
        return f"{mm_text(defect.width_mm)} mm" + ("" if interval is None else f" ({interval})")
    if defect.width_status in ("measured", "estimated"):
        return interval or UNKNOWN
    if defect.width_status in ("unmeasured", "below_limit") and high is not None:
        return f"≤ {mm_text(high)} mm"
    return UNKNOWN


def stated_width_text(width: StatedWidth | None) -> str:
    """Write a width with its interval; the interval alone where no number may be stated."""
    if width is None:
        return UNKNOWN
    interval = interval_text(width.low_mm, width.high_mm)
    return interval if width.width_mm is None else f"{mm_text(width.width_mm)} mm ({interval})"


def interval_text(low_mm: float, high_mm: float) -> str:
    """Write what a width lies between; only its upper end where the lower one tells nothing."""
    if bounds_only(low_mm):
        return f"≤ {mm_text(high_mm)} mm"
    return f"{mm_text(low_mm)}–{mm_text(high_mm)} mm"


def width_status_text(defect: Defect, text: Words) -> str:
    """Say what a width's status means; empty for what has no width."""
    low_mm = defect.width_low_mm
    if defect.width_status == "estimated" and low_mm is not None and bounds_only(low_mm):
        return text("width_status.bounded")
    return text(f"width_status.{defect.width_status}") if defect.width_status else ""


def pixel_size_text(defect: Defect | Sighting) -> str:
    """Write the size in the best photo's pixels, for what has no scale."""
    best = defect if isinstance(defect, Sighting) else (defect.sightings[0] if defect.sightings else None)
    if best is None:
        return UNKNOWN
    parts = []
    if best.length_px is not None:
        parts.append(f"{best.length_px:.0f} px")
    if best.width_px is not None:
        parts.append(f"{best.width_px:.1f} px")
    return " × ".join(parts) or f"{best.outline_px.area:.0f} px²"


def size_text(defect: Defect) -> tuple[str, ...]:
    """Write the sizes that tell most, as far as they are known: length and largest width, or the area."""
    if defect.length_m is None and defect.area_m2 is None:
        sizes = [pixel_size_text(defect)]
    elif defect.width_status is not None or defect.centreline_m is not None:
        width = stated_width_text(defect.width_largest) if defect.width_largest is not None else width_text(defect)
        sizes = [length_text(defect.length_m), width]
    else:
        sizes = [area_text(defect.area_m2)]
    return tuple(size for size in sizes if size != UNKNOWN)


def condition_text(share: StateShare, text: Words) -> str:
    """Write the condition state with its score, and how the whole area divides."""
    words = [text.coded("condition_state", state) for state in CONDITION_STATES]
    parts = " · ".join(f"{word} {percent_text(part)}" for word, part in zip(words, share, strict=True))
    state = text.coded("condition_state", share.condition_state)
    return f"{state} {share.condition_state_score:.2f} ({parts})"


def position_error_text(error_m: float | None) -> str:
    """Write a 1-sigma position error."""
    return UNKNOWN if error_m is None else f"± {error_m:.1f} m" if error_m >= 0.1 else f"± {error_m * 100:.0f} cm"


def resolution_text(gsd_mm: float | None) -> str:
    """Write a ground resolution in millimetres a pixel."""
    return UNKNOWN if gsd_mm is None else f"{gsd_mm:.2f} mm/px" if gsd_mm < 10 else f"{gsd_mm:.1f} mm/px"


def percent_text(fraction: float | None) -> str:
    """Write a share of 0..1; what is more than nothing or less than all is never rounded to it."""
    if fraction is None:
        return UNKNOWN
    if 0 < fraction < 0.01:
        return "< 1 %"
    if 0.99 < fraction < 1:
        return "> 99 %"
    return f"{fraction * 100:.0f} %"


def corrosion_percent_text(percent: float | None) -> str:
    """Write a percentage of corroded area, two significant digits below 1 %."""
    if percent is None:
        return UNKNOWN
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %" if percent >= 1 else f"{percent:.2g} %"


def grade_text(grade: str | None, candidates: tuple[str, ...], text: Words) -> str:
    """Write a candidate grade, or all that the figures allow."""
    if grade is not None:
        return grade
    return " / ".join(candidates) or text("grade.none")


def mm_text(width_mm: float) -> str:
    """Write millimetres with no more digits than a width can be read to."""
    return f"{width_mm:.2f}" if width_mm < 2 else f"{width_mm:.1f}" if width_mm < 20 else f"{width_mm:.0f}"
