"""A flight at a glance, without detection: cameras, resolution, coverage of poses, unusable photos."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio

from tenken.errors import FlightError, PhotoError
from tenken.georeferencing.faces_in_view import FacesInView, faces_in_view
from tenken.georeferencing.placement import Placement, Unplaced, place_orthomosaic, place_photo
from tenken.georeferencing.surface import RasterFile, parse_surface
from tenken.imagery.flight import Flight, Skipped, photos_first, read_flight
from tenken.imagery.photo_quality import assess_picture
from tenken.imagery.picture import load_photo
from tenken.inspection import PhotoRecord
from tenken.notes import said
from tenken.running.photos import placed_photos
from tenken.running.places import crs_of, stated_places
from tenken.running.work import FlightOutcome
from tenken.settings import Lang
from tenken.structure.assets import faces_of
from tenken.wording import Words, words


@dataclass(frozen=True, slots=True)
class Preview:
    """What a flight holds."""

    flight: str
    photos: tuple[PhotoRecord, ...]
    skipped: tuple[Skipped, ...]
    altitudes_m: tuple[float, float] | None
    """Lowest and highest altitude that photos state; what ``--surface plane:HEIGHT`` is compared with."""

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "flight": self.flight,
            "photos": [
                {
                    "photo": photo.photo,
                    "camera": photo.camera,
                    "width_px": photo.width_px,
                    "height_px": photo.height_px,
                    "taken_at": photo.taken_at,
                    "pose_source": photo.pose_source,
                    "gsd_mm": _rounded(photo.gsd_mm),
                    "smallest_crack_mm": _rounded(photo.smallest_crack_mm),
                    "usable": photo.usable,
                    "placed": photo.placed,
                    "reason": photo.reason,
                }
                for photo in self.photos
            ],
            "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in self.skipped],
        }

    def as_text(self, lang: Lang = "en") -> str:
        """Say it in a screenful."""
        text = words(lang)
        photos, others = text.counted("photo", len(self.photos)), text.counted("other_file", len(self.skipped))
        lines = [text("info.flight", flight=self.flight, photos=photos, others=others)]
        for (camera, width, height), count in sorted(
            Counter((p.camera, p.width_px, p.height_px) for p in self.photos).items()
        ):
            size = f"{width} x {height} px"
            name = camera or text("info.unknown")
            lines.append(text("info.camera", camera=name, size=size, photos=text.counted("photo", count)))
        for source, count in sorted(Counter(p.pose_source for p in self.photos).items()):
            parts = " + ".join(text.coded("pose", part) for part in source.split("+"))
            lines.append(text("info.pose", source=parts, photos=text.counted("photo", count)))
        if self.altitudes_m:
            low, high = (f"{altitude:.0f}" for altitude in self.altitudes_m)
            lines.append(text("info.altitude", low=low, high=high))
        resolutions = sorted(p.gsd_mm for p in self.photos if p.gsd_mm is not None)
        cracks = sorted(p.smallest_crack_mm for p in self.photos if p.smallest_crack_mm is not None)
        if resolutions and cracks:
            lines.append(text("info.resolution", range=_range(resolutions, text)))
            lines.append(text("info.smallest_crack", range=_range(cracks, text)))
        else:
            lines.append(text("info.no_resolution"))
        told = [p for p in self.photos if p.reason]
        for (usable, reason), count in Counter((p.usable, p.reason) for p in told).most_common():
            first = next(p.photo for p in told if (p.usable, p.reason) == (usable, reason))
            more = text("info.and_more", count=count - 1) if count > 1 else ""
            label = text("info.note" if usable else "info.not_usable")
            lines.append(f"  {label}: {first}{more}: {said(reason, lang)}")
        lines += [
            text("info.skipped", file=one.path, reason=said(one.reason, lang)) for one in photos_first(self.skipped)
        ]
        return "\n".join(lines)


def preview_flight(path: Path, surface: str = "plane") -> Preview:
    """Look at every photo once, without searching for defects.

    Raises
    ------
    FlightError
        When nothing in the flight can be inspected.
    """
    flight = read_flight(path)
    outcome = _without_detection(flight)
    if flight.photos and not outcome.quality:
        first = photos_first(outcome.skipped)[0]
        raise FlightError(f"{flight.name}: no photo can be decoded (first: {first.path}: {first.reason})")
    photos = placed_photos(flight, outcome, stated_places(flight, outcome, surface))
    stated = [photo.metadata.altitude_m for photo in flight.photos if photo.metadata.altitude_m is not None]
    altitudes_m = (min(stated), max(stated)) if stated else None
    return Preview(flight.name, tuple(photo.record for photo in photos), outcome.skipped, altitudes_m)


@dataclass(frozen=True, slots=True)
class PlacedPicture:
    """A single picture and where it lies."""

    width_px: int
    height_px: int
    placement: Placement | FacesInView
    doubts: tuple[str, ...]


def place_one(path: Path, surface: str = "plane", assets: Path | None = None) -> PlacedPicture:
    """Place a single photo or orthomosaic, before the faces of an assets file where it shows some.

    Raises
    ------
    FlightError
        When it cannot be read, is a folder, or has no place on the surface.
    AssetsError
        When the assets file cannot be used.
    """
    if path.is_dir():
        raise FlightError(f"{path}: is a folder: give one photo of it")
    parsed = parse_surface(surface)
    if isinstance(parsed, RasterFile):
        parsed.check()
    raster = path.suffix.lower() in (".tif", ".tiff", ".vrt")
    flight = read_flight(path) if raster or not path.exists() else _folder_of_one(path)
    placed: Placement | Unplaced
    if flight.orthomosaic is not None:
        with rasterio.open(flight.orthomosaic.path) as dataset:
            placed = place_orthomosaic(dataset)
        size = flight.orthomosaic.width_px, flight.orthomosaic.height_px
    else:
        photo, crs = flight.photos[0], crs_of(flight)
        if crs is None:
            raise FlightError(f"{path.name}: states no position (EXIF GPS): nothing in it can be located")
        placed = place_photo(photo.metadata, photo.width_px, photo.height_px, crs, parsed)
        size = photo.width_px, photo.height_px
        view = faces_in_view(photo.metadata, size, crs, faces_of(assets, crs), parsed, placed)
        if view is not None:
            return PlacedPicture(*size, view, getattr(placed, "doubts", ()))
    if isinstance(placed, Unplaced):
        raise FlightError(f"{path.name}: {placed.reason}")
    return PlacedPicture(*size, placed, getattr(placed, "doubts", ()))


def _folder_of_one(path: Path) -> Flight:
    from tenken.imagery.flight import read_photo

    outcome = read_photo(path.absolute(), path.name)
    if isinstance(outcome, Skipped):
        raise FlightError(f"{path}: {outcome.reason}")
    return Flight(path.absolute().parent, (outcome,), None, ())


def _without_detection(flight: Flight) -> FlightOutcome:
    if flight.orthomosaic is not None:
        return FlightOutcome({flight.orthomosaic.name: ()}, {}, (), frozenset(), 0, 0)
    quality, unread = {}, []
    for photo in flight.photos:
        try:
            quality[photo.name] = assess_picture(load_photo(photo.path))
        except PhotoError as error:
            unread.append(Skipped(photo.name, error.note))
    skipped = tuple(sorted([*flight.skipped, *unread], key=lambda one: one.path))
    return FlightOutcome(dict.fromkeys(quality, ()), quality, skipped, frozenset(), 0, 0)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _range(values: list[float], text: Words) -> str:
    low, high = (f"{value:.0f}" if value >= 10 else f"{value:.2g}" for value in (values[0], values[-1]))
    return low if low == high else text("info.range", low=low, high=high)
