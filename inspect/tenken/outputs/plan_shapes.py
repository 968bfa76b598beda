"""Geometry for maps: what lies on a face of the structure, brought from its chart into plan view."""

from collections.abc import Mapping

import shapely
from shapely import MultiLineString, MultiPolygon, Polygon

from tenken.georeferencing.face import Face, height_at, plan_area, plan_line
from tenken.identity.identify import Defect
from tenken.inspection import PhotoRecord


def area_in_plan(shape: MultiPolygon | None, face: str | None, faces: Mapping[str, Face]) -> MultiPolygon | None:
    """Give an area in the flight's CRS; on a face that stands upright a band that shows where it is."""
    return shape if shape is None or face is None else plan_area(faces[face], shape)


def line_in_plan(shape: MultiLineString | None, face: str | None, faces: Mapping[str, Face]) -> MultiLineString | None:
    """Give a line in the flight's CRS; where it has no length in plan, a short one that shows where it is."""
    return shape if shape is None or face is None else plan_line(faces[face], shape)


def photo_in_plan(photo: PhotoRecord, faces: Mapping[str, Face]) -> MultiPolygon | None:
    """Give all that a photo shows, of the ground and of faces."""
    shown: list[Polygon | MultiPolygon] = [] if photo.footprint is None else [photo.footprint]
    shown += [plan_area(faces[name], shape) for name, shape in sorted(photo.on_faces.items())]
    if not shown:
        return None
    if len(shown) == 1:
        return MultiPolygon(shapely.get_parts(shown[0]).tolist())
    parts = shapely.get_parts(shapely.union_all(shapely.make_valid(shown)))
    return MultiPolygon([part for part in parts if part.geom_type == "Polygon"])


def place_on_face(defect: Defect, faces: Mapping[str, Face]) -> tuple[float, float, float] | tuple[None, None, None]:
    """Give x and y of a defect in its face's chart, and its height; nothing for what lies on the ground."""
    shape = defect.centreline_m if defect.centreline_m is not None else defect.outline_m
    if defect.face is None or shape is None:
        return None, None, None
    return height_at(faces[defect.face], shape)
