"""The photos of a flight on the surface: where each one stands, how fine it shows, whether it is good enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import rasterio
from pyproj import CRS

from tenken.georeferencing.crs import flight_crs
from tenken.georeferencing.placement import Placement, Unplaced, place_orthomosaic, place_photo
from tenken.georeferencing.surface import Plane, RasterFile, TakeOffPlane, parse_surface
from tenken.identity import joining
from tenken.imagery.flight import Flight, Orthomosaic, Photo
from tenken.imagery.photo_quality import motion_blur_px, quality_faults
from tenken.inspection import PhotoRecord
from tenken.measurement.measure import SMALLEST_CRACK_R, finite_median
from tenken.running.work import FlightOutcome
from tenken.structure import coverage

STEEPEST_ANGLE_DEG = 60.0
"""Beyond this angle to the surface a photo shows cracks less than half as fine as it could, and is not counted as
having seen the place."""


@dataclass(frozen=True, slots=True)
class PlacedPhoto:
    """A photo's record, and its placement where it has one."""

    record: PhotoRecord
    placement: Placement | None
    effective_mm: float | None
    position_error_m: float | None


def place_flight(flight: Flight, outcome: FlightOutcome, surface: str) -> tuple[tuple[PlacedPhoto, ...], CRS | None]:
    """Place every photo that could be read on the surface; one metric CRS for the flight."""
    if flight.orthomosaic is not None:
        placed = _place_orthomosaic(flight.orthomosaic, outcome)
        return (placed,), placed.placement.crs if placed.placement is not None else None
    parsed = parse_surface(surface)
    crs = crs_of(flight)
    readable = [photo for photo in flight.photos if photo.name in outcome.defects]
    return tuple(_place_photo(photo, outcome, crs, parsed) for photo in readable), crs


def crs_of(flight: Flight) -> CRS | None:
    """Return the flight's metric CRS, chosen from its photos' positions; None when no photo states one."""
    if flight.orthomosaic is not None:
        with rasterio.open(flight.orthomosaic.path) as dataset:
            placed = place_orthomosaic(dataset)
        return None if isinstance(placed, Unplaced) else placed.crs
    positions = [
        (photo.metadata.lon_deg, photo.metadata.lat_deg)
        for photo in flight.photos
        if photo.metadata.lon_deg is not None and photo.metadata.lat_deg is not None
    ]
    return flight_crs(positions) if positions else None


def identity_views(photos: Sequence[PlacedPhoto]) -> Mapping[str, joining.View]:
    """Return what each placed photo shows, for telling which sightings are of one defect.

    A photo that lies somewhere within more than half its own size tells nothing about others.
    """
    return {
        photo.record.photo: joining.View(
            photo.record.photo,
            photo.record.footprint,
            photo.effective_mm,
            photo.position_error_m,
            usable=photo.record.usable,
        )
        for photo in photos
        if photo.record.footprint is not None
        and photo.effective_mm is not None
        and photo.position_error_m is not None
        and photo.position_error_m <= photo.record.footprint.area**0.5 / 2
    }


def coverage_views(photos: Sequence[PlacedPhoto]) -> list[coverage.View]:
    """Return what each placed photo shows, for telling what was inspected."""
    return [
        coverage.View(
            photo.record.photo,
            photo.record.footprint,
            photo.effective_mm,
            usable=photo.record.usable,
            square_on=_angle_deg(photo) <= STEEPEST_ANGLE_DEG,
        )
        for photo in photos
        if photo.record.footprint is not None
    ]


def _place_photo(
    photo: Photo, outcome: FlightOutcome, crs: CRS | None, surface: TakeOffPlane | Plane | RasterFile
) -> PlacedPhoto:
    metadata = photo.metadata
    unplaced = Unplaced("it states no position: its defects are measured in pixels only")
    placed = (
        place_photo(metadata, photo.width_px, photo.height_px, crs, surface)
        if crs is not None and metadata.lon_deg is not None
        else unplaced
    )
    placement = None if isinstance(placed, Unplaced) else placed
    sizes = _sizes(placement, photo.width_px, photo.height_px)
    quality = outcome.quality[photo.name]
    faults = quality_faults(quality, motion_blur_px(metadata.speed_m_s, metadata.exposure_s, sizes.gsd_mm))
    doubts = [f"not placed: {placed.reason}"] if isinstance(placed, Unplaced) else list(placed.doubts)
    record = PhotoRecord(
        photo=photo.name,
        path=photo.path,
        sha256=photo.sha256,
        camera=metadata.camera or "",
        taken_at=metadata.taken_at,
        width_px=photo.width_px,
        height_px=photo.height_px,
        gsd_mm=sizes.gsd_mm,
        smallest_crack_mm=sizes.smallest_crack_mm,
        usable=not faults,
        reason="; ".join([*faults, *doubts]),
        pose_source=placed.camera.pose_source if not isinstance(placed, Unplaced) else "none",
        footprint=placement.footprint() if placement is not None else None,
        detections=len(outcome.defects[photo.name]),
    )
    return PlacedPhoto(record, placement, sizes.effective_mm, sizes.position_error_m)


def _place_orthomosaic(orthomosaic: Orthomosaic, outcome: FlightOutcome) -> PlacedPhoto:
    with rasterio.open(orthomosaic.path) as dataset:
        placed = place_orthomosaic(dataset)
    placement = None if isinstance(placed, Unplaced) else placed
    sizes = _sizes(placement, orthomosaic.width_px, orthomosaic.height_px)
    record = PhotoRecord(
        photo=orthomosaic.name,
        path=orthomosaic.path,
        sha256=orthomosaic.sha256,
        camera="orthomosaic",
        taken_at=None,
        width_px=orthomosaic.width_px,
        height_px=orthomosaic.height_px,
        gsd_mm=sizes.gsd_mm,
        smallest_crack_mm=sizes.smallest_crack_mm,
        usable=True,
        reason=f"not placed: {placed.reason}" if isinstance(placed, Unplaced) else "",
        pose_source="orthomosaic transform",
        footprint=placement.footprint() if placement is not None else None,
        detections=len(outcome.defects[orthomosaic.name]),
    )
    return PlacedPhoto(record, placement, sizes.effective_mm, sizes.position_error_m)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Medians over a photo, of what meets the surface."""

    gsd_mm: float | None
    effective_mm: float | None
    position_error_m: float | None

    @property
    def smallest_crack_mm(self) -> float | None:
        return None if self.effective_mm is None else SMALLEST_CRACK_R * self.effective_mm


def _sizes(placement: Placement | None, width_px: int, height_px: int) -> _Sizes:
    if placement is None:
        return _Sizes(None, None, None)
    at = np.linspace(0.1, 0.9, 5)
    xy_px = np.stack(np.meshgrid(at * width_px, at * height_px), axis=-1).reshape(-1, 2)
    square, effective = placement.ground_resolution_mm(xy_px)
    errors = placement.position_error_m(xy_px)
    return _Sizes(*(finite_median(values) for values in (square, effective, errors)))


def _angle_deg(photo: PlacedPhoto) -> float:
    """Angle between the view and the surface's normal, from the two ground resolutions."""
    if not photo.record.gsd_mm or not photo.effective_mm:
        return 0.0
    return float(np.degrees(np.arccos(min(1.0, photo.record.gsd_mm / photo.effective_mm))))
