"""The photos of a flight on the surface: where each one stands, how fine it shows, whether it is good enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import rasterio
from pyproj import CRS
from shapely import Polygon

from tenken.adjustment.flight import adjust_flight
from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.crs import flight_crs
from tenken.georeferencing.placement import PhotoPlacement, Placement, Unplaced, place_orthomosaic, place_photo
from tenken.georeferencing.surface import Plane, RasterFile, TakeOffPlane, parse_surface
from tenken.identity.marks import View
from tenken.identity.registration import Pair, Registration, register
from tenken.imagery.flight import Flight, Orthomosaic, Photo
from tenken.imagery.photo_quality import motion_blur_px, quality_faults
from tenken.inspection import PhotoRecord
from tenken.measurement.measure import SMALLEST_CRACK_R, finite_median
from tenken.notes import Note
from tenken.running.work import FlightOutcome
from tenken.structure import coverage

STEEPEST_ANGLE_DEG = 60.0
"""Beyond this angle to the surface a photo shows cracks less than half as fine as it could, and is not counted as
having seen the place."""


WHOLE_WITHIN = 0.25
"""A picture's corners stand for its footprint where they hold the same area up to this share: lenses bend borders, and
a photo that looks at the horizon has corners, but not the ground between them."""


@dataclass(frozen=True, slots=True)
class PlacedPhoto:
    """A photo's record, and its placement where it has one."""

    record: PhotoRecord
    placement: Placement | None
    effective_mm: float | None
    position_error_m: float | None


@dataclass(frozen=True, slots=True)
class FlightPlaces:
    """Where the photos of a flight stand, or why one cannot be placed; one metric CRS for all."""

    placements: Mapping[str, Placement | Unplaced]
    crs: CRS | None
    registered: Mapping[Pair, Registration] = field(default_factory=dict)
    """How photos with tie points lie on each other."""

    @property
    def of_photos(self) -> dict[str, PhotoPlacement]:
        """Placements of photos with a pose, by name."""
        return {name: one for name, one in self.placements.items() if isinstance(one, PhotoPlacement)}


def stated_places(flight: Flight, outcome: FlightOutcome, surface: str) -> FlightPlaces:
    """Place every picture that could be read as its own statements say."""
    crs = crs_of(flight)
    if flight.orthomosaic is not None:
        with rasterio.open(flight.orthomosaic.path) as dataset:
            return FlightPlaces({flight.orthomosaic.name: place_orthomosaic(dataset)}, crs)
    parsed = parse_surface(surface)
    readable = [photo for photo in flight.photos if photo.name in outcome.defects]
    return FlightPlaces({photo.name: _place_photo(photo, crs, parsed) for photo in readable}, crs)


def adjusted_places(stated: FlightPlaces, ties: Sequence[TiePoints]) -> FlightPlaces:
    """Move the photos until their tie points agree."""
    if not ties:
        return stated
    adjusted = adjust_flight(stated.of_photos, ties)
    placements: dict[str, Placement | Unplaced] = {**stated.placements, **adjusted}
    effective_mm = {
        name: _sizes(placement, placement.camera.width_px, placement.camera.height_px).effective_mm
        for name, placement in adjusted.items()
    }
    resolution_m = {name: value / 1000 for name, value in effective_mm.items() if value is not None}
    return FlightPlaces(placements, stated.crs, register(adjusted, ties, resolution_m))


def placed_photos(flight: Flight, outcome: FlightOutcome, places: FlightPlaces) -> tuple[PlacedPhoto, ...]:
    """Say of every photo where it lies, how fine it shows the surface, and whether it is good enough."""
    if flight.orthomosaic is not None:
        return (_placed_orthomosaic(flight.orthomosaic, outcome, places.placements[flight.orthomosaic.name]),)
    return tuple(
        _placed_photo(photo, outcome, places.placements[photo.name])
        for photo in flight.photos
        if photo.name in places.placements
    )


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


def identity_views(photos: Sequence[PlacedPhoto]) -> Mapping[str, View]:
    """Return what each placed photo shows, for telling which sightings are of one defect.

    A photo that lies somewhere within more than half its own size tells nothing about others.
    """
    return {
        photo.record.photo: View(
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


def _place_photo(photo: Photo, crs: CRS | None, surface: TakeOffPlane | Plane | RasterFile) -> Placement | Unplaced:
    if crs is None or photo.metadata.lon_deg is None:
        return Unplaced(Note.of("note.no_position"))
    return place_photo(photo.metadata, photo.width_px, photo.height_px, crs, surface)


def _placed_photo(photo: Photo, outcome: FlightOutcome, placed: Placement | Unplaced) -> PlacedPhoto:
    metadata = photo.metadata
    placement = None if isinstance(placed, Unplaced) else placed
    sizes = _sizes(placement, photo.width_px, photo.height_px)
    quality = outcome.quality[photo.name]
    faults = quality_faults(quality, motion_blur_px(metadata.speed_m_s, metadata.exposure_s, sizes.gsd_mm))
    if isinstance(placed, Unplaced):
        doubts = [Note.of("note.not_placed", why=placed.reason)]
    else:
        doubts = list(getattr(placed, "doubts", ()))
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
        reason=Note.joined([*faults, *doubts]),
        pose_source=placement.pose_source if isinstance(placement, PhotoPlacement) else "none",
        footprint=placement.footprint() if placement is not None else None,
        detections=len(outcome.defects[photo.name]),
        corners_m=_corners_m(placement, photo.width_px, photo.height_px),
    )
    return PlacedPhoto(record, placement, sizes.effective_mm, sizes.position_error_m)


def _corners_m(placement: Placement | None, width_px: int, height_px: int) -> tuple[tuple[float, float], ...] | None:
    """Find the places of a picture's corners; None where not the whole of the picture meets the surface."""
    footprint = placement.footprint() if placement is not None else None
    if placement is None or footprint is None:
        return None
    corners = np.array([[0.0, 0.0], [width_px, 0.0], [width_px, height_px], [0.0, height_px]])
    xy_m = placement.to_world(corners)[:, :2]
    if not np.isfinite(xy_m).all():
        return None
    whole = Polygon(xy_m)
    if not whole.is_valid or abs(footprint.area / whole.area - 1.0) > WHOLE_WITHIN:
        return None
    return tuple((float(x), float(y)) for x, y in xy_m)


def _placed_orthomosaic(orthomosaic: Orthomosaic, outcome: FlightOutcome, placed: Placement | Unplaced) -> PlacedPhoto:
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
        reason=Note.of("note.not_placed", why=placed.reason) if isinstance(placed, Unplaced) else "",
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
