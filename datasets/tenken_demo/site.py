"""What comes with the photos: the bridge's parts as assets, and its surface model."""

import json
from pathlib import Path

import numpy as np
import rasterio
from pyproj import CRS
from rasterio.transform import Affine
from shapely import box

from tenken_demo.frame import DECK_HEIGHT_M, EPSG, BridgeFrame
from tenken_demo.layout import (
    DECK_U_M,
    DECK_V_M,
    DECK_Z_M,
    GIRDER_U_M,
    GIRDER_V_M,
    GIRDER_Z_M,
    GROUND_Z_M,
    PARTS,
)

ASSETS_FILE = "assets.geojson"
SURFACE_FILE = "surface.tif"
SURFACE_CELL_M = 0.01
SURFACE_U_M = (-1.0, 7.0)
SURFACE_V_M = (-2.0, 1.6)

IMPORTANCE = {
    "under": "公園・遊歩道 / park and footpath",
    "detour": "あり / yes",
    "road_class": "一般道 / ordinary road",
    "emergency_route": "第二次 / secondary",
}
"""Importance inputs on the national form's terms: 路下条件, 代替路の有無, 自専道/一般道, 緊急輸送道路."""


def write_assets(folder: Path, frame: BridgeFrame) -> None:
    """Write the bridge's parts as RFC 7946 GeoJSON: WGS 84, nine decimals, counter-clockwise rings."""
    features = []
    for part in PARTS:
        ring_uv = np.array(box(part.u_m[0], part.v_m[0], part.u_m[1], part.v_m[1]).exterior.coords)
        # v runs to the right of u, so a ring that is counter-clockwise in u, v is clockwise on the map.
        lonlat = frame.to_lonlat(np.column_stack([ring_uv, np.zeros(len(ring_uv))]))[:, :2]
        area = np.sum(lonlat[:-1, 0] * lonlat[1:, 1] - lonlat[1:, 0] * lonlat[:-1, 1])
        ring = [[round(float(lon), 9), round(float(lat), 9)] for lon, lat in lonlat]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [ring if area > 0 else ring[::-1]]},
                "properties": {
                    "asset_id": part.asset_id,
                    "name": part.name,
                    "material": part.material,
                    "element": part.element,
                    **IMPORTANCE,
                },
            }
        )
    collection = {"type": "FeatureCollection", "features": features}
    text = json.dumps(collection, ensure_ascii=False, indent=1) + "\n"
    (folder / ASSETS_FILE).write_text(text, encoding="utf-8", newline="\n")


def write_surface(folder: Path, frame: BridgeFrame) -> None:
    """Write heights seen from above: 1 cm cells in UTM, the datum of the photos' absolute altitude."""
    corners = np.array([(u, v, 0.0) for u in SURFACE_U_M for v in SURFACE_V_M])
    grid_m = frame.to_grid(corners)[:, :2]
    west, north = np.floor(grid_m[:, 0].min()), np.ceil(grid_m[:, 1].max())
    columns = int(np.ceil((grid_m[:, 0].max() - west) / SURFACE_CELL_M))
    rows = int(np.ceil((north - grid_m[:, 1].min()) / SURFACE_CELL_M))
    east_m = west + (np.arange(columns) + 0.5)[None, :] * SURFACE_CELL_M
    north_m = north - (np.arange(rows) + 0.5)[:, None] * SURFACE_CELL_M
    turn, grid_scale = frame.grid_turn()
    origin_m = frame.to_grid(np.zeros((1, 3)))[0]
    # From the grid back to u, v: undo the offset, the scale and the turn; exact to a micrometre at this size.
    back = (turn @ frame.axes)[:2, :2].T / grid_scale
    u, v = (row[0] * (east_m - origin_m[0]) + row[1] * (north_m - origin_m[1]) for row in back)
    z_m = np.full((rows, columns), GROUND_Z_M, dtype=np.float32)
    z_m[(u >= GIRDER_U_M[0]) & (u < GIRDER_U_M[1]) & (v >= GIRDER_V_M[0]) & (v < GIRDER_V_M[1])] = GIRDER_Z_M
    z_m[(u >= DECK_U_M[0]) & (u < DECK_U_M[1]) & (v >= DECK_V_M[0]) & (v < DECK_V_M[1])] = DECK_Z_M
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": 1,
        "dtype": "float32",
        "crs": CRS.from_epsg(EPSG).to_wkt(),
        "transform": Affine(SURFACE_CELL_M, 0, west, 0, -SURFACE_CELL_M, north),
        "compress": "deflate",
        "tiled": True,
    }
    with rasterio.open(folder / SURFACE_FILE, "w", **profile) as surface:
        surface.write(z_m + np.float32(DECK_HEIGHT_M), 1)
        surface.update_tags(1, HEIGHT_DATUM="as the photos' absolute altitude (WGS 84 ellipsoid)")
