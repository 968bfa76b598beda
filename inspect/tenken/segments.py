"""Parts of the structure and what was seen of them. (Contract; to be completed.)"""

from dataclasses import dataclass
from typing import Literal

from shapely import MultiPolygon


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an asset that gets one line in the repair list. Geometry in the flight's CRS."""

    segment_id: str
    asset_id: str | None
    name: str
    material: str | None
    geometry: MultiPolygon
    importance: dict[str, str]
    """Importance inputs on the national form's terms, as given with the asset."""


@dataclass(frozen=True, slots=True)
class CoveragePatch:
    """An area of a segment and whether it was inspected."""

    segment_id: str
    status: Literal["seen", "too_coarse", "unusable_photo", "not_seen"]
    photos: int
    geometry: MultiPolygon
