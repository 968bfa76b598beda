"""A flight over a level plane whose true cameras are known: tie points without pictures, and how well poses agree."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pyproj import CRS

from tenken.adjustment.block import rotation_about
from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.camera import Camera, PoseAccuracy
from tenken.georeferencing.lens import Lens
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.georeferencing.surface import Plane

FloatArray = npt.NDArray[np.float64]

WIDTH_PX, HEIGHT_PX, FOCAL_PX = 2000, 1500, 2000.0
FLYING_M = 20.0
NADIR = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
ORIGIN_M = np.array([24700.0, -43500.0, 0.0])
LENS = Lens((FOCAL_PX, FOCAL_PX), (WIDTH_PX / 2, HEIGHT_PX / 2), focal_error=0.005, source="drawn")


def camera_over(
    x_m: float, y_m: float, *, yaw_deg: float = 0.0, lens: Lens = LENS, accuracy: PoseAccuracy | None = None
) -> PhotoPlacement:
    """Place a camera that looks straight down from `FLYING_M`."""
    accuracy = accuracy or PoseAccuracy(1.0, 1.0, 2.0, 1.0)
    rotation = rotation_about(np.radians([0.0, 0.0, yaw_deg])) @ NADIR
    position = ORIGIN_M + np.array([x_m, y_m, FLYING_M])
    camera = Camera(WIDTH_PX, HEIGHT_PX, 1, lens, position, rotation, 1.0, accuracy, "exif+gimbal")
    return PhotoPlacement(CRS.from_epsg(6677), camera, Plane(0.0), accuracy.vertical_m)


def flown(lens: Lens = LENS) -> dict[str, PhotoPlacement]:
    """Fly two rows of five photos, the second one the other way; footprints of 20 x 15 m that overlap by half."""
    rng = np.random.default_rng(5)
    return {
        f"{row}{column}": nudged(
            camera_over(10.0 * column, 8.0 * row, yaw_deg=180.0 * row, lens=lens),
            rng.normal(0, 0.3, 3),
            rng.normal(0, 2, 3),
        )
        for row in range(2)
        for column in range(5)
    }


def nudged(placement: PhotoPlacement, shift_m: FloatArray, turn_deg: FloatArray) -> PhotoPlacement:
    """Move and turn a camera."""
    camera = placement.camera
    turned = rotation_about(np.radians(turn_deg)) @ camera.rotation
    return replace(placement, camera=replace(camera, position_m=camera.position_m + shift_m, rotation=turned))


def misplaced(true: Mapping[str, PhotoPlacement], seed: int, lens: Lens = LENS) -> dict[str, PhotoPlacement]:
    """State every pose as wrongly as its accuracy says."""
    rng = np.random.default_rng(seed)
    stated = {}
    for name, placement in true.items():
        accuracy = placement.camera.accuracy
        shift_m = rng.normal(0, 1, 3) * [accuracy.horizontal_m / 2**0.5, accuracy.horizontal_m / 2**0.5, 0.2]
        turn_deg = rng.normal(0, 1, 3) * [accuracy.tilt_deg, accuracy.tilt_deg, accuracy.yaw_deg]
        moved = nudged(placement, shift_m, turn_deg)
        stated[name] = replace(moved, camera=replace(moved.camera, lens=lens))
    return stated


def tied(true: Mapping[str, PhotoPlacement], seed: int = 1, *, wrong_share: float = 0.0) -> list[TiePoints]:
    """Draw forty tie points for each pair that shares ground, good to half a pixel; some may be wrong."""
    rng = np.random.default_rng(seed)
    names = sorted(true)
    ties = []
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            px = rng.uniform([0, 0], [WIDTH_PX, HEIGHT_PX], (400, 2))
            seen_px = true[second].to_photo(true[first].to_world(px))
            inside = ((seen_px > 0) & (seen_px < [WIDTH_PX, HEIGHT_PX])).all(axis=1)
            px, seen_px = px[inside][:40], seen_px[inside][:40]
            if len(px) < 20:
                continue
            wrong = rng.random(len(px)) < wrong_share
            seen_px[wrong] = rng.uniform([0, 0], [WIDTH_PX, HEIGHT_PX], (int(wrong.sum()), 2))
            ties.append(TiePoints(first, second, px, seen_px + rng.normal(0, 0.5, seen_px.shape)))
    return ties


def disagreement_m(placements: Mapping[str, PhotoPlacement], true: Mapping[str, PhotoPlacement]) -> float:
    """Median distance between the places that two photos give to one point of the surface."""
    exact = tied(true, 99)
    apart = [
        placements[tie.first].to_world(tie.first_px) - placements[tie.second].to_world(tie.second_px) for tie in exact
    ]
    return float(np.median(np.linalg.norm(np.concatenate(apart)[:, :2], axis=1)))
