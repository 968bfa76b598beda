"""From the painted bridge to its truth: marks on the map and in each photo."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely import LineString, MultiLineString, MultiPolygon
from shapely.geometry.base import BaseGeometry

from tenken_demo.frame import DECK_HEIGHT_M, EPSG, BridgeFrame
from tenken_demo.layout import DECK_U_M, DECK_V_M, DECK_Z_M, GROUND_Z_M, PARTS, SURFACE_Z_M, Mark
from tenken_demo.lines import FloatArray, as_multipolygon
from tenken_demo.station import TrueCamera, gimbal_angles
from tenken_demo.truth import DemoTruth, TrueDefect, TruePhoto, TrueSighting

SMALLEST_SIGHT_PX2 = 4.0
"""A mark of which less than this is in the picture counts as not shown."""


def tell_truth(frame: BridgeFrame, seed: int, marks: tuple[Mark, ...], cameras: Mapping[str, TrueCamera]) -> DemoTruth:
    """Tell the truth about marks seen by cameras (by photo name)."""
    turn, grid_scale = frame.grid_turn()
    heights = {**SURFACE_Z_M, "ground": GROUND_Z_M}
    return DemoTruth(
        seed=seed,
        epsg=EPSG,
        grid_scale=grid_scale,
        surface_height_m={name: round(DECK_HEIGHT_M + z_m, 6) for name, z_m in heights.items()},
        photos=tuple(_photo(frame, turn, name, camera) for name, camera in cameras.items()),
        defects=tuple(_defect(frame, mark, cameras) for mark in sorted(marks, key=lambda mark: mark.id)),
    )


def _photo(frame: BridgeFrame, turn: FloatArray, name: str, camera: TrueCamera) -> TruePhoto:
    axes_enu = frame.axes @ camera.axes
    yaw_deg, pitch_deg, roll_deg = gimbal_angles(axes_enu)
    lonlat, grid_m = frame.to_lonlat(camera.uvz_m[None])[0], frame.to_grid(camera.uvz_m[None])[0]
    rows = [tuple(round(float(value), 12) for value in row) for row in turn @ axes_enu]
    return TruePhoto(
        photo=name,
        width_px=camera.width_px,
        height_px=camera.height_px,
        focal_px=camera.focal_px,
        camera_xyz_m=(round(float(grid_m[0]), 6), round(float(grid_m[1]), 6), round(float(grid_m[2]), 6)),
        camera_to_grid=(_triple(rows[0]), _triple(rows[1]), _triple(rows[2])),
        longitude_deg=round(float(lonlat[0]), 11),
        latitude_deg=round(float(lonlat[1]), 11),
        yaw_deg=round(yaw_deg, 6),
        pitch_deg=round(pitch_deg, 6),
        roll_deg=round(roll_deg, 6),
        ground_resolution_mm=round(camera.ground_resolution_m(DECK_Z_M) * 1000, 6),
    )


def _triple(values: tuple[float, ...]) -> tuple[float, float, float]:
    first, second, third = values
    return first, second, third


def _defect(frame: BridgeFrame, mark: Mark, cameras: Mapping[str, TrueCamera]) -> TrueDefect:
    z_m = SURFACE_Z_M[mark.surface]
    outline = mark.outline()
    lines = MultiLineString([line.uv_m for line in mark.lines]) if mark.lines else None
    widths_mm = [line.width_m * 1000 for line in mark.lines]
    sightings = []
    for name, camera in cameras.items():
        sighting = _sighting(name, camera, mark, outline, lines)
        if sighting is not None:
            sightings.append(sighting)
    return TrueDefect(
        id=mark.id,
        kind=mark.kind,
        what=mark.what,
        surface=mark.surface,
        asset_ids=tuple(
            part.asset_id
            for part in PARTS
            if part.surface == mark.surface
            and shapely.box(part.u_m[0], part.v_m[0], part.u_m[1], part.v_m[1]).intersects(outline)
        ),
        outline_m=_on_map(frame, outline, z_m),
        centreline_m=_on_map(frame, lines, z_m) if lines is not None else None,
        widths_mm=tuple(tuple(round(float(width), 4) for width in part) for part in widths_mm),
        width_median_mm=round(float(np.median(np.concatenate(widths_mm))), 4) if lines is not None else None,
        width_max_mm=round(float(np.max(np.concatenate(widths_mm))), 4) if lines is not None else None,
        length_m=round(lines.length, 6) if lines is not None else None,
        area_m2=round(outline.area, 9),
        sightings=tuple(sightings),
    )


def _on_map(frame: BridgeFrame, shape: Any, z_m: float) -> Any:
    """Give a geometry in u, v as easting, northing, height; valid also when written with six decimals."""

    def place(uv_m: FloatArray) -> FloatArray:
        return frame.to_grid(np.column_stack([uv_m, np.full(len(uv_m), z_m)]))[:, :2]

    flat = shapely.set_precision(shapely.transform(shape, place), 1e-6)
    if isinstance(shape, MultiPolygon):
        flat = as_multipolygon(flat)
    return shapely.force_3d(flat, DECK_HEIGHT_M + z_m)


def _sighting(
    name: str, camera: TrueCamera, mark: Mark, outline: MultiPolygon, lines: MultiLineString | None
) -> TrueSighting | None:
    """Cut a mark at the picture's border and, below the deck, at the deck's edge."""
    z_m = SURFACE_Z_M[mark.surface]
    visible: BaseGeometry = shapely.box(0, 0, camera.width_px, camera.height_px)
    if mark.surface == "girder":
        corners = np.array([(u, v) for u, v in zip([*DECK_U_M, *DECK_U_M[::-1]], np.repeat(DECK_V_M, 2), strict=True)])
        visible = visible.difference(shapely.Polygon(camera.project(corners, DECK_Z_M)))
    whole = shapely.make_valid(shapely.transform(outline, lambda uv: camera.project(uv, z_m)))
    seen = as_multipolygon(shapely.set_precision(shapely.intersection(whole, visible), 1e-3))
    if seen.area < SMALLEST_SIGHT_PX2:
        return None
    seen_line, width_px = None, None
    if lines is not None:
        parts = shapely.intersection(shapely.transform(lines, lambda uv: camera.project(uv, z_m)), visible)
        seen_line = MultiLineString([part for part in _strings(parts) if part.length > 0])
        vertices = np.concatenate([camera.project(line.uv_m, z_m) for line in mark.lines])
        inside = shapely.contains_xy(visible, vertices)
        widths_m = np.concatenate([line.width_m for line in mark.lines])[inside]
        if len(widths_m):
            width_px = round(float(np.median(widths_m)) / camera.ground_resolution_m(z_m), 4)
    return TrueSighting(
        photo=name,
        outline_px=seen,
        centreline_px=seen_line,
        width_px=width_px,
        visible_fraction=round(float(min(seen.area / whole.area, 1.0)), 4),
    )


def _strings(geometry: shapely.Geometry) -> list[LineString]:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return [part for part in parts if isinstance(part, LineString)]
