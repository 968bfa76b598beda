"""Geometries of an assets file: mended or refused, and brought into the flight's CRS."""

import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely import MultiLineString, MultiPolygon
from shapely.geometry.base import BaseGeometry

from tenken.errors import AssetsError
from tenken.structure.assets_file import RawAssets

_log = logging.getLogger(__name__)


Project = Callable[[BaseGeometry | None, int], BaseGeometry]
"""From a feature's geometry, and its number from 1, to the same in another CRS; heights stay as they are."""


def projection(raw: RawAssets, crs: CRS) -> Project:
    """Give the way from the file's CRS into another.

    Raises
    ------
    AssetsError
        When the file has no usable CRS; when it is used, also for a geometry that has no place there.
    """
    if raw.crs is None:
        raise AssetsError(
            f"{raw.path}: has no coordinate reference system; put a .prj beside the Shapefile, "
            "or set the layer's CRS in QGIS and export it again"
        )
    try:
        source = CRS.from_user_input(raw.crs)
        transformer = Transformer.from_crs(source, crs, always_xy=True)
    except (CRSError, ProjError) as error:
        raise AssetsError(
            f"{raw.path}: its coordinate reference system cannot be used; set a known EPSG code"
        ) from error

    def in_crs(xyz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack([*transformer.transform(xyz[:, 0], xyz[:, 1]), *xyz.T[2:]])

    def project(geometry: BaseGeometry | None, number: int) -> BaseGeometry:
        if geometry is None or geometry.is_empty:
            raise AssetsError(f"{raw.path}: feature {number} has no geometry; draw it or delete the row")
        if not np.isfinite(shapely.get_coordinates(geometry)).all():
            raise AssetsError(f"{raw.path}: feature {number} has coordinates that are no numbers; draw it again")
        _check_degrees(geometry, source, raw.path, number)
        projected = shapely.transform(geometry, in_crs, include_z=geometry.has_z)
        if not np.isfinite(shapely.get_coordinates(projected)).all():
            raise AssetsError(
                f"{raw.path}: feature {number} lies outside of the area of {crs.name}; check the file's CRS"
            )
        return projected

    return project


def plan_geometry(
    geometry: BaseGeometry | None, project: Project, path: str, number: int
) -> MultiPolygon | MultiLineString:
    """Give a feature's geometry in another CRS, valid and multi.

    Raises
    ------
    AssetsError
        When it has no usable geometry.
    """
    projected = project(_clean(geometry, path, number), number)
    assert isinstance(projected, MultiPolygon | MultiLineString)  # noqa: S101 - it was one before
    return projected


def _check_degrees(geometry: BaseGeometry, source: CRS, path: str, number: int) -> None:
    west, south, east, north = geometry.bounds
    fits_degrees = west >= -180 and east <= 360 and south >= -90 and north <= 90
    if source.is_geographic and not fits_degrees:
        raise AssetsError(
            f"{path}: feature {number} has coordinates that are no degrees ({west:.7g}, {south:.7g}), "
            "but its CRS is longitude/latitude, as of every plain GeoJSON; export it again, longitude first"
        )
    # A structure shorter than 0.1 m does not exist, one of under 0.1 degrees (11 km) does.
    if source.is_projected and fits_degrees and geometry.length < 0.1:
        raise AssetsError(
            f"{path}: feature {number} has coordinates that look like degrees ({west:.7g}, {south:.7g}), "
            f"but its CRS counts in metres ({source.name}); set the CRS that the coordinates are in"
        )


def _clean(geometry: BaseGeometry | None, path: str, number: int) -> MultiPolygon | MultiLineString:
    """Give a valid multi-geometry; crossed outlines are mended, what has no area or length is refused."""
    if geometry is None or geometry.is_empty:
        raise AssetsError(f"{path}: feature {number} has no geometry; draw it or delete the row")
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise AssetsError(f"{path}: feature {number} has coordinates that are no numbers; draw it again")
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        if not geometry.is_valid:
            _log.warning("%s: feature %d: %s, mended", path, number, shapely.is_valid_reason(geometry))
            geometry = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
        parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and part.area > 0]
        if parts:
            return MultiPolygon(parts)
        raise AssetsError(f"{path}: feature {number} is a polygon without area; draw it again")
    if geometry.geom_type in ("LineString", "MultiLineString"):
        parts = [part for part in shapely.get_parts(geometry) if part.length > 0]
        if parts:
            return MultiLineString(parts)
        raise AssetsError(f"{path}: feature {number} is a line without length; draw it again")
    raise AssetsError(f"{path}: feature {number} is a {geometry.geom_type}; assets must be polygons or lines")
