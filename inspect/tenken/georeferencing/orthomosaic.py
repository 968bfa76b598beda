"""Where the pixels of an orthomosaic lie: its own transform, in a metric CRS."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from pyproj import CRS, Transformer
from rasterio.features import shapes
from shapely import Polygon

from tenken.georeferencing.camera import Unplaced
from tenken.georeferencing.crs import WGS84, apply_affine, flight_crs, grid_at, is_metric_grid
from tenken.georeferencing.polygons import largest_polygon
from tenken.notes import Note

FloatArray = npt.NDArray[np.float64]

ASSUMED_GEOREFERENCING_ERROR_M = 0.5
"""1 sigma where none is stated: an assumption between ground control (centimetres) and none (metres)."""

_MOST_GRID_DISTORTION = 0.01
_OVERVIEW_PX = 512
_EDGE_POINTS = 21


@dataclass(frozen=True, slots=True, eq=False)
class OrthomosaicPlacement:
    """From an orthomosaic's pixels to the flight's CRS and back. It knows no heights: they are given as 0.

    Parameters
    ----------
    crs
        The flight's metric CRS; the mosaic's own where that is metric.
    transform
        From (column, row), counted from the outer corner, to the mosaic's CRS.
    own_crs
        The mosaic's CRS, where it is not the flight's.
    georeferencing_error_m
        1 sigma of the mosaic's own position, east and north together.
    outline_m
        What of the mosaic is not empty, in the flight's CRS.
    """

    crs: CRS
    transform: Affine
    own_crs: CRS | None
    grid_scale: float
    georeferencing_error_m: float
    outline_m: Polygon | None
    pose_source: str = "orthomosaic transform"

    @property
    def on_face(self) -> str | None:
        """None: a mosaic shows no face."""
        return None

    def to_world(self, xy_px: FloatArray) -> FloatArray:
        """Return (n, 3) easting, northing and 0 of (n, 2) pixels."""
        easting, northing = apply_affine(self.transform, np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)).T
        if self.own_crs is not None:
            change = Transformer.from_crs(self.own_crs, self.crs, always_xy=True)
            easting, northing = change.transform(easting, northing)
        return np.column_stack([easting, northing, np.zeros(len(easting))])

    def on_facet(self, xy_px: FloatArray) -> "OrthomosaicPlacement":  # noqa: ARG002 - it knows no heights
        """Return itself: an orthomosaic is level everywhere."""
        return self

    def to_photo(self, xyz_m: FloatArray) -> FloatArray:
        """Return (n, 2) pixels of (n, 3) world points, inside the picture or not; heights are not used."""
        easting, northing = np.asarray(xyz_m, dtype=np.float64).reshape(-1, 3)[:, :2].T
        if self.own_crs is not None:
            change = Transformer.from_crs(self.crs, self.own_crs, always_xy=True)
            easting, northing = change.transform(easting, northing)
        return apply_affine(~self.transform, np.column_stack([easting, northing]))

    def ground_resolution_mm(self, xy_px: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (n,) the shorter and (n,) the longer side of a pixel on the ground, mm."""
        xy_px = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
        sides = [
            (self.to_world(xy_px + step) - self.to_world(xy_px - step))[:, :2]
            for step in (np.array([0.5, 0.0]), np.array([0.0, 0.5]))
        ]
        sizes = np.linalg.svd(np.stack(sides, axis=2), compute_uv=False) / self.grid_scale * 1000.0
        return sizes[:, 1], sizes[:, 0]

    def position_error_m(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) 1 sigma: the mosaic's georeferencing and half a pixel's diagonal."""
        _, coarse_mm = self.ground_resolution_mm(xy_px)
        error_m: FloatArray = np.hypot(self.georeferencing_error_m, coarse_mm / 1000.0 / np.sqrt(2.0))
        return error_m

    def scale_error(self, xy_px: FloatArray) -> FloatArray:
        """Return (n,) zeros: a mosaic's scale is that of its CRS; what its maker got wrong is not known."""
        return np.zeros(len(np.asarray(xy_px).reshape(-1, 2)))

    def footprint(self) -> Polygon | None:
        """Return the outline of what is not empty, the largest part if there are several."""
        return self.outline_m


def place_orthomosaic(
    dataset: Any, georeferencing_error_m: float = ASSUMED_GEOREFERENCING_ERROR_M
) -> OrthomosaicPlacement | Unplaced:
    """Place an open rasterio dataset by its own transform, rotated ones too.

    A projected CRS in metres becomes the flight's CRS; degrees, feet, and grids that stretch lengths by more
    than a hundredth (Web Mercator) are taken over into UTM.

    Parameters
    ----------
    dataset
        The open dataset.
    georeferencing_error_m
        1 sigma of its georeferencing; stated by its maker, or assumed.
    """
    if dataset.crs is None:
        return Unplaced(Note.of("note.no_crs"))
    if dataset.transform.is_identity:
        return Unplaced(Note.of("note.no_transform"))
    own = CRS.from_wkt(dataset.crs.to_wkt()).to_2d()
    if own.is_compound:
        own = own.sub_crs_list[0]
    if not (own.is_projected or own.is_geographic):
        return Unplaced(Note.of("note.local_crs", crs=own.name))
    middle = apply_affine(dataset.transform, np.array([[dataset.width, dataset.height]]) / 2.0)[0]
    lon_deg, lat_deg = Transformer.from_crs(own, WGS84, always_xy=True).transform(*middle)
    if not np.isfinite([lon_deg, lat_deg]).all():
        return Unplaced(Note.of("note.outside_crs", crs=own.name))
    crs, scale = own, grid_at(own, lon_deg, lat_deg)[0] if own.is_projected else 1.0
    if not is_metric_grid(own) or abs(scale - 1.0) > _MOST_GRID_DISTORTION:
        crs = flight_crs([(lon_deg, lat_deg)])
        scale, _ = grid_at(crs, lon_deg, lat_deg)
    placement = OrthomosaicPlacement(
        crs=crs,
        transform=dataset.transform,
        own_crs=None if crs is own else own,
        grid_scale=scale,
        georeferencing_error_m=georeferencing_error_m,
        outline_m=None,
    )
    return replace(placement, outline_m=_outline(dataset, placement))


def _outline(dataset: Any, placement: OrthomosaicPlacement) -> Polygon | None:
    """Outline of the valid pixels, from an overview; the whole picture when all are valid."""
    rows, columns = dataset.shape
    step = max(1.0, max(rows, columns) / _OVERVIEW_PX)
    shape = (int(np.ceil(rows / step)), int(np.ceil(columns / step)))
    mask = dataset.dataset_mask(out_shape=shape)
    parts = [shapely.geometry.shape(part) for part, value in shapes(mask, mask=mask > 0) if value]
    if not parts:
        return None
    scale = np.array([columns / shape[1], rows / shape[0]])
    pixels = shapely.transform(shapely.union_all(parts), lambda xy: xy * scale)
    # A rectangle's sides bend when the CRS changes: more points along them.
    pixels = shapely.segmentize(pixels, max(rows, columns) / _EDGE_POINTS)
    world = shapely.make_valid(shapely.transform(pixels, lambda xy: placement.to_world(xy)[:, :2]))
    return largest_polygon(world)
