"""The photos of a flight as records: what each one shows, how fine, whether it is good enough."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from tenken.adjustment.block import OWN_HEIGHT_SHARE
from tenken.georeferencing.faces_in_view import MOSTLY_FACES, FacesInView
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.georeferencing.picture_grid import grid_px
from tenken.georeferencing.placement import Placement, Unplaced
from tenken.georeferencing.polygons import largest_polygon
from tenken.identity.marks import View
from tenken.imagery.flight import Flight, Orthomosaic, Photo
from tenken.imagery.photo_quality import motion_blur_px, quality_faults
from tenken.inspection import PhotoRecord
from tenken.measurement.measure import Surfaces
from tenken.notes import Note
from tenken.running.picture_sizes import PictureSizes, sizes_on, spread_px
from tenken.running.places import FlightPlaces
from tenken.running.work import FlightOutcome
from tenken.structure import coverage

STEEPEST_ANGLE_DEG = 60.0
"""Beyond this angle to the surface a photo shows cracks less than half as fine as it could, and is not counted as
having seen the place."""

ENOUGH_PIXELS = 3
"""Of the spread pixels so many must show a surface for their medians to stand for it; else the picture's whole grid."""


@dataclass(frozen=True, slots=True)
class SeenSurface:
    """How well a photo shows the ground, or a face of the structure."""

    face: str | None
    footprint: Polygon | MultiPolygon
    """On the ground in the flight's CRS, or in the face's chart."""
    sizes: PictureSizes
    apart_m: float | None
    """1 sigma of how far it lies from where other photos of the flight put the same place."""


WHOLE_WITHIN = 0.25
"""A picture's corners stand for its footprint where they hold the same area up to this share: lenses bend borders, and
a photo that looks at the horizon has corners, but not the ground between them."""


@dataclass(frozen=True, slots=True)
class PlacedPhoto:
    """A photo's record, where its pixels lie, and what it shows."""

    record: PhotoRecord
    placement: Surfaces | None
    seen: tuple[SeenSurface, ...]


def placed_photos(flight: Flight, outcome: FlightOutcome, places: FlightPlaces) -> tuple[PlacedPhoto, ...]:
    """Say of every photo where it lies, how fine it shows the surface, and whether it is good enough."""
    if flight.orthomosaic is not None:
        return (_placed_orthomosaic(flight.orthomosaic, outcome, places.placements[flight.orthomosaic.name]),)
    return tuple(
        _placed_photo(photo, outcome, places.placements[photo.name], places.before_faces.get(photo.name))
        for photo in flight.photos
        if photo.name in places.placements
    )


def identity_views(photos: Sequence[PlacedPhoto], face: str | None = None) -> dict[str, View]:
    """Return what each placed photo shows of the ground, or of a face, for telling which sightings are of one defect.

    A photo that lies somewhere within more than half its own size tells nothing about others.
    """
    return {
        photo.record.photo: View(
            photo.record.photo,
            seen.footprint,
            seen.sizes.effective_mm,
            seen.apart_m,
            usable=photo.record.usable,
        )
        for photo in photos
        for seen in photo.seen
        if seen.face == face
        and seen.sizes.effective_mm is not None
        and seen.apart_m is not None
        and seen.apart_m <= seen.footprint.area**0.5 / 2
    }


def coverage_views(photos: Sequence[PlacedPhoto]) -> list[coverage.View]:
    """Return what each placed photo shows of the ground and of faces, for telling what was inspected."""
    return [
        coverage.View(
            photo.record.photo,
            seen.footprint,
            seen.sizes.effective_mm,
            usable=photo.record.usable,
            square_on=seen.sizes.angle_deg <= STEEPEST_ANGLE_DEG,
            face=seen.face,
        )
        for photo in photos
        for seen in photo.seen
    ]


def _placed_photo(
    photo: Photo, outcome: FlightOutcome, placed: Placement | Unplaced, before_faces: FacesInView | None
) -> PlacedPhoto:
    metadata = photo.metadata
    ground = None if isinstance(placed, Unplaced) else placed
    main: Placement | None = ground if before_faces is None else before_faces.main
    sizes = _sizes(photo, main, before_faces)
    quality = outcome.quality[photo.name]
    faults = quality_faults(quality, motion_blur_px(metadata.speed_m_s, metadata.exposure_s, sizes.gsd_mm))
    doubts = list(getattr(placed, "doubts", ()))
    if isinstance(placed, Unplaced) and before_faces is None:
        doubts = [Note.of("note.not_placed", why=placed.reason)]
    pose_source = placed.pose_source if isinstance(placed, PhotoPlacement) else "none"
    seen = _seen(photo, ground, sizes, before_faces)
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
        pose_source=pose_source if before_faces is None else before_faces.camera.pose_source,
        footprint=next((largest_polygon(one.footprint) for one in seen if one.face is None), None),
        detections=len(outcome.defects[photo.name]),
        corners_m=_corners_m(ground, photo.width_px, photo.height_px) if before_faces is None else None,
        on_faces={
            one.face: MultiPolygon(shapely.get_parts(one.footprint).tolist()) for one in seen if one.face is not None
        },
    )
    return PlacedPhoto(record, ground if before_faces is None else before_faces, seen)


def _seen(
    photo: Photo, ground: Placement | None, sizes: PictureSizes, before_faces: FacesInView | None
) -> tuple[SeenSurface, ...]:
    """Say what a photo shows of the ground and of each face; ``sizes`` are those of a photo that shows no face."""
    if before_faces is None:
        footprint = None if ground is None else ground.footprint()
        return () if footprint is None else (SeenSurface(None, footprint, sizes, sizes.position_error_m),)
    seen = []
    if before_faces.ground is not None and (shown := before_faces.ground_footprint()) is not None:
        sizes = _sizes(photo, before_faces.ground, before_faces)
        beside = SeenSurface(None, shown, sizes, sizes.position_error_m)
        # Past the ends of a wall a level photo shows the ground as far as the horizon.
        if before_faces.share <= MOSTLY_FACES or beside.sizes.angle_deg <= STEEPEST_ANGLE_DEG:
            seen.append(beside)
    seen += [
        SeenSurface(
            one.face.name,
            on_face,
            _sizes(photo, one, before_faces),
            # The height above take-off is wrong for all photos of a flight by nearly the same.
            _sizes(photo, one.with_height_error(OWN_HEIGHT_SHARE), before_faces).position_error_m,
        )
        for one in before_faces.placements
        if (on_face := one.footprint()) is not None
    ]
    return tuple(seen)


def _sizes(photo: Photo, placement: Placement | None, before_faces: FacesInView | None) -> PictureSizes:
    """Give the medians over the pixels that show a surface."""
    xy_px = spread_px(photo.width_px, photo.height_px)
    if placement is None or before_faces is None:
        return sizes_on(placement, xy_px)
    showing = before_faces.showing(placement, xy_px)
    if len(showing) < ENOUGH_PIXELS:
        showing = before_faces.showing(placement, grid_px(before_faces.camera))
    return sizes_on(placement, showing)


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
    sizes = sizes_on(placement, spread_px(orthomosaic.width_px, orthomosaic.height_px))
    outline = placement.footprint() if placement is not None else None
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
        footprint=None if outline is None else largest_polygon(outline),
        detections=len(outcome.defects[orthomosaic.name]),
    )
    return PlacedPhoto(
        record, placement, () if outline is None else (SeenSurface(None, outline, sizes, sizes.position_error_m),)
    )
