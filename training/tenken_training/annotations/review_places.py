"""Where the photos of a finished inspection stand, as the run placed them, and the way from the map into a photo."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Polygon

from tenken.errors import SettingsError, TenkenError
from tenken.exports.result import FinishedResult
from tenken.georeferencing.placement import Placement, Unplaced
from tenken.imagery.flight import read_flight
from tenken.running.places import adjusted_places, stated_places
from tenken.running.progress import Silence
from tenken.running.results import GEOPACKAGE
from tenken.running.ties import tie_flight
from tenken.running.work import FlightOutcome
from tenken.settings import Settings

FloatArray = npt.NDArray[np.float64]
Shape = TypeVar("Shape", Polygon, MultiPolygon, LineString, MultiLineString)

HEIGHT_ROUNDS = 6
"""Steps in which the height of a place on the map is found: each halves the error on any slope below 45°."""
BEND_PX = 20.0
"""Straight edges on the map are followed at this distance, for a lens bends them."""


def places_of(
    result: FinishedResult, settings: Mapping[str, Any], flight: Path, names: Iterable[str]
) -> dict[str, Placement]:
    """Place a run's photos as the run did; the package is not touched, for people may have it open.

    Parameters
    ----------
    result
        The finished run.
    settings
        Of its ``run.json``.
    flight
        Where the photos are now.
    names
        Photos that the run could read.

    Raises
    ------
    FlightError, SettingsError
        When photos or surface cannot be read.
    """
    read = read_flight(flight)
    wanted = set(names)
    read = replace(read, photos=tuple(photo for photo in read.photos if photo.name in wanted))
    outcome = FlightOutcome(dict.fromkeys(wanted, ()), {}, (), frozenset(), 0, 0)
    surface = Settings.from_json(settings).surface
    stated = stated_places(read, outcome, surface)
    if read.orthomosaic is None:
        with tempfile.TemporaryDirectory(prefix="tenken-review-") as folder:
            # Tie points stand in the journal; what is missing there is found anew, into the copy.
            shutil.copyfile(result.folder / GEOPACKAGE, Path(folder) / GEOPACKAGE)
            try:
                ties = tie_flight(read, stated.of_photos, Path(folder), 1, Silence()).ties
            except TenkenError:
                raise
            except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
                package = result.folder / GEOPACKAGE
                raise SettingsError(
                    f"{package}: its journal cannot be read ({str(error)[:80]}); inspect again"
                ) from None
        stated = adjusted_places(read, stated, ties, surface)
    return {name: place for name, place in stated.placements.items() if not isinstance(place, Unplaced)}


def into_photo(placement: Placement, shape: Shape, step_m: float) -> Shape | None:
    """Take a shape from the map to a photo's pixels; None where it is behind the camera or meets no surface.

    Parameters
    ----------
    placement
        Of the photo.
    shape
        In the flight's CRS.
    step_m
        Longest edge that is taken as straight.
    """
    fine = shapely.segmentize(shape, step_m)
    xy_m = shapely.get_coordinates(fine)
    xy_px = pixels_of(placement, xy_m)
    if np.isnan(xy_px).any():
        return None
    return shapely.set_coordinates(shapely.force_2d(fine), xy_px)


def pixels_of(placement: Placement, xy_m: FloatArray) -> FloatArray:
    """(n, 2) pixels of (n, 2) places on the map, whose heights are those of the surface there; NaN where not seen.

    The height is found by going back and forth: a place at a guessed height, its pixel, the surface in that pixel.
    """
    foot = placement.footprint()
    height = np.zeros(len(xy_m))
    if foot is not None:
        height += _height_near(placement, np.array(foot.representative_point().coords[0][:2]))
    xy_px = _met(placement, xy_m, height)
    seen = xy_px[np.isfinite(xy_px).all(axis=1)]
    if not len(seen):
        return xy_px
    # At steps of the surface a place can be seen at two heights: what is drawn lies on one plane.
    facet = placement.on_facet(seen)
    return xy_px if facet is placement else _met(facet, xy_m, height)


def _met(placement: Placement, xy_m: FloatArray, height_m: FloatArray) -> FloatArray:
    xy_px = placement.to_photo(np.column_stack([xy_m, height_m]))
    for _ in range(HEIGHT_ROUNDS):
        seen = placement.to_world(np.nan_to_num(xy_px))[:, 2]
        height_m = np.where(np.isfinite(seen), seen, height_m)
        xy_px = placement.to_photo(np.column_stack([xy_m, height_m]))
    return xy_px


def _height_near(placement: Placement, xy_m: FloatArray) -> float:
    """Give a height of the surface that the photo shows: of the pixel that shows a place, started from any."""
    camera = getattr(placement, "camera", None)
    if camera is None:
        return 0.0
    side = np.array([[camera.width_px / 2, camera.height_px / 2]])
    found = placement.to_world(side)[0, 2]
    if np.isfinite(found):
        return float(found)
    grid = np.stack(np.meshgrid(*(np.linspace(0.05, 0.95, 7) * s for s in side[0] * 2)), axis=-1).reshape(-1, 2)
    world = placement.to_world(grid)
    known = world[np.isfinite(world).all(axis=1)]
    return float(known[np.argmin(((known[:, :2] - xy_m) ** 2).sum(axis=1)), 2]) if len(known) else 0.0
