"""One physical defect, one record: sightings of many photos are joined. (Contract; to be completed.)"""

from dataclasses import dataclass

from shapely import MultiLineString, MultiPolygon


@dataclass(frozen=True, slots=True)
class Sighting:
    """A defect as one photo shows it.

    Sizes on the surface and geometry in the flight's CRS (suffix ``_m``) are None without pose or surface.
    ``width_status`` is measured, estimated, unmeasured, below_limit or no_scale (cracks; None for other kinds).
    """

    sighting_id: str
    photo: str
    photo_sha256: str
    kind: str
    score: float
    outline_px: MultiPolygon
    centreline_px: MultiLineString | None
    length_px: float | None
    width_px: float | None
    gsd_mm: float | None
    outline_m: MultiPolygon | None
    centreline_m: MultiLineString | None
    length_m: float | None
    area_m2: float | None
    width_mm: float | None
    width_low_mm: float | None
    width_high_mm: float | None
    width_status: str | None
    position_error_m: float | None


@dataclass(frozen=True, slots=True)
class Defect:
    """One physical defect with all its sightings, the best first."""

    id: str
    kind: str
    score: float
    outline_m: MultiPolygon | None
    centreline_m: MultiLineString | None
    length_m: float | None
    width_mm: float | None
    width_low_mm: float | None
    width_high_mm: float | None
    width_status: str | None
    area_m2: float | None
    gsd_mm: float | None
    position_error_m: float | None
    sightings: tuple[Sighting, ...]
    unseen_in: tuple[str, ...]
    """Photos that show the place but in which nothing was detected there."""
