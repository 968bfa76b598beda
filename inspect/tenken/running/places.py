"""Where the photos of a flight stand: above the ground, and before the faces of the structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import rasterio
import shapely
from pyproj import CRS
from shapely import Point

from tenken.adjustment.flight import adjust_flight
from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.crs import flight_crs, to_grid
from tenken.georeferencing.face import Face, plan_area
from tenken.georeferencing.faces_in_view import MOSTLY_FACES, FacesInView, camera_before_faces, faces_in_view
from tenken.georeferencing.pipe import Pipe
from tenken.georeferencing.placement import PhotoPlacement, Placement, Unplaced, place_orthomosaic, place_photo
from tenken.georeferencing.surface import Plane, RasterFile, TakeOffPlane, parse_surface
from tenken.identity.registration import Pair, Registration, register
from tenken.imagery.flight import Flight, Photo
from tenken.notes import Note
from tenken.running.picture_sizes import sizes_on, spread_px
from tenken.running.work import FlightOutcome

MOST_AWAY_M = 200.0
"""Nothing is inspected from farther away: of a city's faces only those around a photo are looked for in it."""


@dataclass(frozen=True, slots=True)
class FlightPlaces:
    """Where the photos of a flight stand, or why one cannot be placed; one metric CRS for all."""

    placements: Mapping[str, Placement | Unplaced]
    """Above the ground."""
    crs: CRS | None
    registered: Mapping[Pair, Registration] = field(default_factory=dict)
    """How photos with tie points lie on each other."""
    faces: tuple[Face, ...] = ()
    """Of the structure."""
    before_faces: Mapping[str, FacesInView] = field(default_factory=dict)
    """Of photos that show some of them, by name."""

    @property
    def of_photos(self) -> dict[str, PhotoPlacement]:
        """Placements of photos with a pose that look at the ground, by name.

        Those that look mostly at faces are left out: what their pictures have in common does not lie on the ground.
        """
        return {
            name: one
            for name, one in self.placements.items()
            if isinstance(one, PhotoPlacement)
            and (name not in self.before_faces or self.before_faces[name].share <= MOSTLY_FACES)
        }


def stated_places(flight: Flight, outcome: FlightOutcome, surface: str, faces: Sequence[Face] = ()) -> FlightPlaces:
    """Place every picture that could be read as its own statements say.

    Parameters
    ----------
    flight, outcome
        The photos, and what was found in those that could be read.
    surface
        The ground, as `tenken.georeferencing.surface.parse_surface` reads it.
    faces
        Of the structure; an orthomosaic shows none.
    """
    crs = crs_of(flight)
    if flight.orthomosaic is not None:
        with rasterio.open(flight.orthomosaic.path) as dataset:
            return FlightPlaces({flight.orthomosaic.name: place_orthomosaic(dataset)}, crs, faces=tuple(faces))
    parsed = parse_surface(surface)
    readable = [photo for photo in flight.photos if photo.name in outcome.defects]
    placements = {photo.name: _place_photo(photo, crs, parsed) for photo in readable}
    if crs is None or not faces:
        return FlightPlaces(placements, crs, faces=tuple(faces))
    cameras = [
        posed[0].position_m
        for photo in readable
        if (posed := camera_before_faces(photo.metadata, _size_px(photo), crs, parsed, _above(placements[photo.name])))
    ]
    turned = tuple(face.seen_from(np.array(cameras)) if isinstance(face, Pipe) and cameras else face for face in faces)
    return FlightPlaces(
        placements, crs, faces=turned, before_faces=_before_faces(flight, crs, turned, parsed, placements)
    )


def adjusted_places(flight: Flight, stated: FlightPlaces, ties: Sequence[TiePoints], surface: str) -> FlightPlaces:
    """Move the photos until their tie points agree."""
    if not ties:
        return stated
    adjusted = adjust_flight(stated.of_photos, ties)
    placements: dict[str, Placement | Unplaced] = {**stated.placements, **adjusted}
    effective_mm = {
        name: sizes_on(placement, spread_px(placement.camera.width_px, placement.camera.height_px)).effective_mm
        for name, placement in adjusted.items()
    }
    resolution_m = {name: value / 1000 for name, value in effective_mm.items() if value is not None}
    registered = register(adjusted, ties, resolution_m)
    before = stated.before_faces
    if stated.faces and stated.crs is not None:
        before = _before_faces(flight, stated.crs, stated.faces, parse_surface(surface), placements)
    return FlightPlaces(placements, stated.crs, registered, stated.faces, before)


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


def _place_photo(photo: Photo, crs: CRS | None, surface: TakeOffPlane | Plane | RasterFile) -> Placement | Unplaced:
    if crs is None or photo.metadata.lon_deg is None:
        return Unplaced(Note.of("note.no_position"))
    return place_photo(photo.metadata, photo.width_px, photo.height_px, crs, surface)


def _before_faces(
    flight: Flight,
    crs: CRS,
    faces: Sequence[Face],
    surface: TakeOffPlane | Plane | RasterFile,
    placements: Mapping[str, Placement | Unplaced],
) -> dict[str, FacesInView]:
    found = {}
    plans = np.array([plan_area(face, face.outline) for face in faces], dtype=object)
    for photo in flight.photos:
        if photo.name in placements and photo.metadata.lon_deg is not None and photo.metadata.lat_deg is not None:
            ground = _above(placements[photo.name])
            place = Point(to_grid(crs, photo.metadata.lon_deg, photo.metadata.lat_deg))
            near = np.flatnonzero(shapely.distance(plans, place) <= MOST_AWAY_M).tolist()
            own = [faces[number] for number in near]
            view = faces_in_view(photo.metadata, _size_px(photo), crs, own, surface, ground)
            if view is not None:
                found[photo.name] = view
    return found


def _above(placed: Placement | Unplaced) -> PhotoPlacement | Unplaced:
    return (
        placed
        if isinstance(placed, PhotoPlacement | Unplaced)
        else Unplaced(Note("it is a mosaic", "オルソ画像である"))
    )


def _size_px(photo: Photo) -> tuple[int, int]:
    return photo.width_px, photo.height_px
