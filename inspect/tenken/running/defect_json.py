"""Defects of a photo as JSON, for the journal, and back."""

from collections.abc import Iterable
from typing import Any

import shapely
from shapely import MultiLineString, MultiPolygon

from tenken.measurement.condition import StateShare
from tenken.measurement.find import PhotoDefect
from tenken.measurement.width_statistics import Estimate
from tenken.measurement.widths import WidthReadings

LINE_DECIMALS, CHORD_DECIMALS = 2, 3
"""Of coordinates in pixels: chords are as long as the crack is wide, so they need one more."""


def defect_to_json(defect: PhotoDefect) -> dict[str, Any]:
    """Give all that is known of a defect, rounded to what can be read."""
    return {
        "kind": defect.kind,
        "score": round(defect.score, 4),
        "outline_px": shapely.to_wkt(defect.outline_px, rounding_precision=LINE_DECIMALS),
        "centreline_px": _line_to_json(defect.centreline_px),
        "length_px": _rounded(defect.length_px),
        "width_px": _rounded(defect.width_px),
        "width_low_px": _rounded(defect.width_low_px),
        "width_high_px": _rounded(defect.width_high_px),
        "area_px": _rounded(defect.area_px),
        "pieces": defect.pieces,
        "state_share": share_to_json(defect.state_share),
        "inferred_px": _line_to_json(defect.inferred_px),
        "ends": defect.ends,
        "junctions": defect.junctions,
        "loops": defect.loops,
        "readings": _readings_to_json(defect.readings),
    }


def defect_from_json(content: dict[str, Any]) -> PhotoDefect:
    """Read back what `defect_to_json` gave."""
    share = content["state_share"]
    return PhotoDefect(
        **{
            **content,
            "outline_px": MultiPolygon(shapely.from_wkt(content["outline_px"])),
            "centreline_px": _line_from_json(content["centreline_px"]),
            "inferred_px": _line_from_json(content["inferred_px"]),
            "state_share": StateShare(*share) if share else None,
            "readings": _readings_from_json(content["readings"]),
        }
    )


def _readings_to_json(readings: WidthReadings | None) -> dict[str, Any] | None:
    if readings is None:
        return None
    median = readings.median
    return {
        "chords_px": shapely.to_wkt(readings.chords_px, rounding_precision=CHORD_DECIMALS),
        "error_px": [_rounded(error) for error in readings.error_px],
        "shared_error_px": _rounded(readings.shared_error_px),
        "median": [_rounded(value) for value in (median.middle, median.low, median.high)],
        "blur_px": _rounded(readings.blur_px),
        "readable_share": _rounded(readings.readable_share),
    }


def _readings_from_json(content: dict[str, Any] | None) -> WidthReadings | None:
    if content is None:
        return None
    return WidthReadings(
        **{
            **content,
            "chords_px": MultiLineString(shapely.from_wkt(content["chords_px"])),
            "error_px": tuple(content["error_px"]),
            "median": Estimate(*content["median"]),
        }
    )


def _line_to_json(line: MultiLineString | None) -> str | None:
    return None if line is None else shapely.to_wkt(line, rounding_precision=LINE_DECIMALS)


def _line_from_json(text: Any) -> MultiLineString | None:
    return None if text is None else MultiLineString(shapely.from_wkt(text))


def share_to_json(share: Iterable[float] | None) -> list[float] | None:
    """Give the shares of the condition states; None where they are not known."""
    return None if share is None else [round(float(part), 4) for part in share]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
