"""Cameras before faces of a structure: a wall, a deck's underside, a pipe, whose places and sizes are known."""

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS
from shapely import MultiPolygon

from tenken.georeferencing.camera import Camera, PoseAccuracy
from tenken.georeferencing.face import Face, Frame
from tenken.georeferencing.face_placement import FacePlacement
from tenken.georeferencing.faces_in_view import FacesInView, faces_in_view
from tenken.georeferencing.lens import Lens
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.georeferencing.picture_grid import grid_px
from tenken.georeferencing.pipe import Pipe
from tenken.georeferencing.surface import Plane
from tenken.georeferencing.underside import Underside
from tenken.georeferencing.vertical_face import Side, VerticalFace
from tenken.imagery.attitude import Attitude
from tenken.imagery.metadata import PhotoMetadata

FloatArray = npt.NDArray[np.float64]

CHIBA = CRS.from_epsg(6677)
ORIGIN_M = np.array([24700.0, -43500.0])
WIDTH_PX, HEIGHT_PX, FOCAL_PX = 2000, 1500, 2000.0
GROUND_M = 0.0
FRAME = Frame(ORIGIN_M, 1.0)


def camera_at(
    at_m: tuple[float, float, float],
    *,
    yaw_deg: float,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
    accuracy: PoseAccuracy | None = None,
) -> Camera:
    """Stand at (east, north, up) of the origin and look where the gimbal's angles say."""
    lens = Lens((FOCAL_PX, FOCAL_PX), (WIDTH_PX / 2, HEIGHT_PX / 2), focal_error=0.0, source="drawn")
    position = np.array([*(ORIGIN_M + at_m[:2]), at_m[2]])
    rotation = Attitude(yaw_deg, pitch_deg, roll_deg).rotation()
    accuracy = accuracy or PoseAccuracy(0.02, 0.02, 0.1, 0.1)
    return Camera(WIDTH_PX, HEIGHT_PX, 1, lens, position, rotation, 1.0, accuracy, "rtk+gimbal")


def above_ground(camera: Camera) -> PhotoPlacement:
    return PhotoPlacement(CHIBA, camera, Plane(GROUND_M), camera.accuracy.vertical_m)


def may_see(camera: Camera, *faces: Face) -> FacesInView | None:
    """What a camera shows; heights above the ground's plane, which hides what lies behind it."""
    metadata = PhotoMetadata(altitude_m=float(camera.position_m[2]))
    return faces_in_view(metadata, (WIDTH_PX, HEIGHT_PX), CHIBA, faces, Plane(GROUND_M), above_ground(camera))


def seen_by(camera: Camera, *faces: Face) -> FacesInView:
    """The same where it does show some."""
    view = may_see(camera, *faces)
    assert view is not None
    return view


def before(camera: Camera, face: Face) -> FacePlacement:
    """The placement before one face, all of the picture counted as showing it."""
    px = grid_px(camera)
    return FacePlacement(CHIBA, camera, face, camera.accuracy.vertical_m, px, np.ones(len(px), dtype=bool))


def wall(
    *corners: tuple[float, float], bottom_m: float = 0.5, top_m: float = 8.0, side: Side = "both", name: str = "W"
) -> VerticalFace:
    points = np.array(corners or [(0.0, 0.0), (12.0, 0.0)], dtype=np.float64)
    return VerticalFace(name, FRAME, points, bottom_m, top_m, side)


def slab(height_m: float = 6.0, rise: tuple[float, float] = (0.0, 0.0)) -> Underside:
    outline = MultiPolygon([shapely.transform(shapely.box(0, 0, 20, 8), lambda xy: xy + ORIGIN_M)])
    return Underside("U", FRAME, outline, height_m, np.array(rise))


def pipe(*corners: tuple[float, float, float], radius_m: float = 0.5, seam_rad: float = -np.pi) -> Pipe:
    points = np.array(corners or [(0.0, 0.0, 5.0), (20.0, 0.0, 5.0)], dtype=np.float64)
    return Pipe("P", FRAME, points, radius_m, seam_rad)
