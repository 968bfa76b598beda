"""Where pixels of a photo lie on the surface, for people: longitude, latitude, height and error."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from tenken.georeferencing.crs import WGS84
from tenken.georeferencing.face_placement import FacePlacement
from tenken.georeferencing.faces_in_view import FacesInView
from tenken.georeferencing.placement import OrthomosaicPlacement, Placement

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Location:
    """A pixel's place; all None where its ray meets no surface, the height also where it is not known.

    ``height_m`` is in the photos' altitude datum, or in that of the face's heights; ``error_m`` is the 1 sigma along
    the surface. ``face`` names the face of the structure that the pixel shows, ``face_xy_m`` is the place in its chart.
    """

    xy_px: tuple[float, float]
    lon_deg: float | None
    lat_deg: float | None
    height_m: float | None
    error_m: float | None
    face: str | None = None
    face_xy_m: tuple[float, float] | None = None


def locate(placement: Placement | FacesInView, xy_px: FloatArray) -> list[Location]:
    """Locate pixels of a placed photo or orthomosaic.

    Parameters
    ----------
    placement
        From `tenken.georeferencing.placement.place_photo` or `place_orthomosaic`, or
        `tenken.georeferencing.faces_in_view.faces_in_view`: then each pixel lies on what it shows.
    xy_px
        (n, 2) pixels of the picture as displayed; the centre of the top left pixel is (0.5, 0.5).
    """
    xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
    if isinstance(placement, FacesInView):
        return [_locate_shown(placement, one) for one in xy_px]
    points = placement.to_world(xy_px)
    errors = placement.position_error_m(xy_px)
    change = Transformer.from_crs(placement.crs, WGS84, always_xy=True)
    flat = isinstance(placement, OrthomosaicPlacement)
    found = []
    for (x, y), point, error in zip(xy_px.tolist(), points, errors, strict=True):
        if np.isnan(point).any():
            found.append(Location((x, y), None, None, None, None))
            continue
        lon_deg, lat_deg = change.transform(point[0], point[1])
        found.append(
            Location(
                xy_px=(x, y),
                lon_deg=round(float(lon_deg), 9),
                lat_deg=round(float(lat_deg), 9),
                height_m=None if flat else round(float(point[2]), 3),
                error_m=None if np.isnan(error) else round(float(error), 3),
            )
        )
    return found


def _locate_shown(view: FacesInView, xy_px: FloatArray) -> Location:
    """Locate one pixel on what it shows."""
    shown = view.on_facet(xy_px[None])
    if shown is None:
        return Location((float(xy_px[0]), float(xy_px[1])), None, None, None, None)
    if not isinstance(shown, FacePlacement):
        return locate(shown, xy_px)[0]
    chart = shown.to_world(xy_px[None])[:, :2]
    x, y, height_m = shown.face.place(chart)[0].tolist()
    lon_deg, lat_deg = Transformer.from_crs(shown.crs, WGS84, always_xy=True).transform(x, y)
    return Location(
        xy_px=(float(xy_px[0]), float(xy_px[1])),
        lon_deg=round(float(lon_deg), 9),
        lat_deg=round(float(lat_deg), 9),
        height_m=round(float(height_m), 3),
        error_m=round(float(shown.position_error_m(xy_px[None])[0]), 3),
        face=shown.face.name,
        face_xy_m=(round(float(chart[0, 0]), 3), round(float(chart[0, 1]), 3)),
    )
