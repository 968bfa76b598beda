"""Where the rays of tie points meet the surface, and how those places move with what the adjustment does not know."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tenken.georeferencing.lens import Lens
from tenken.georeferencing.photo_placement import PhotoPlacement

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

UNKNOWNS, YAW = 6, 5
"""Of each camera: east, north, up in metres, and the turn about each of them in radians; the last is the yaw's."""

LENS_UNKNOWNS = 2
"""Of each lens: focal length as a share of it, and k1."""

LENS_STEP = 1e-4
"""Step of focal length and k1 in derivatives by differences."""


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Where m rays meet the surface, and which way it looks there."""

    place: FloatArray
    """(m, 3)"""
    upward: FloatArray
    """(m, 3) normals."""

    @classmethod
    def met(cls, placements: Sequence[PhotoPlacement], owner: IntArray, xy_px: FloatArray) -> "Spots":
        """Follow the rays of (m, 2) pixels, each of the photo with a number, to the surface."""
        place = places_of(placements, owner, xy_px)
        upward = np.full((len(xy_px), 3), np.nan)
        for number in np.unique(owner).tolist():
            own = owner == number
            upward[own] = placements[number].surface.normal(place[own])
        return cls(place, upward)

    def met_again(self, placements: Sequence[PhotoPlacement], owner: IntArray, xy_px: FloatArray) -> "Spots":
        """Follow them to the tangent planes of these spots: quicker than through a surface model."""
        place = np.full((len(xy_px), 3), np.nan)
        for number in np.unique(owner).tolist():
            own = owner == number
            camera = placements[number].camera
            rays = camera.rays(xy_px[own])
            height = ((self.place[own] - camera.position_m) * self.upward[own]).sum(axis=1)
            place[own] = camera.position_m + rays * (height / (rays * self.upward[own]).sum(axis=1))[:, None]
        return Spots(place, self.upward)


@dataclass(frozen=True, slots=True, eq=False)
class TieEnds:
    """One end of each of m ties: where it lies on the surface, and how that place moves with each unknown."""

    xy_m: FloatArray
    """(m, 2)"""
    by_camera: FloatArray
    """(m, 2, 6)"""
    by_lens: FloatArray
    """(m, 2, 2)"""
    by_height: FloatArray
    """(m, 2, 1)"""
    by_pixel: FloatArray
    """(m, 2, 2) metres per pixel across and down."""

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """(m,) whether the ray meets the surface, and so do its neighbours."""
        parts = (self.xy_m, self.by_camera, self.by_lens, self.by_height, self.by_pixel)
        finite = [np.isfinite(part).reshape(len(part), -1).all(axis=1) for part in parts]
        known: npt.NDArray[np.bool_] = np.logical_and.reduce(finite)
        return known

    @classmethod
    def of(cls, placements: Sequence[PhotoPlacement], owner: IntArray, xy_px: FloatArray, spots: "Spots") -> "TieEnds":
        """Differentiate where the rays of (m, 2) pixels, each of the photo with a number, meet their spots."""
        place, upward = spots.place, spots.upward
        camera_m = np.full((len(xy_px), 3), np.nan)
        by_lens = np.full((len(xy_px), 2, LENS_UNKNOWNS), np.nan)
        by_pixel = np.full((len(xy_px), 2, 2), np.nan)
        for number in np.unique(owner).tolist():
            own = owner == number
            camera = placements[number].camera
            camera_m[own] = camera.position_m
            for column, step_px in enumerate(np.eye(2)):
                rays = camera.rays(xy_px[own] + step_px)
                by_pixel[own, :, column] = _slid(rays, camera_m[own], place[own], upward[own])
            for column, step in enumerate(np.eye(LENS_UNKNOWNS) * LENS_STEP):
                rays = replace(camera, lens=grown_lens(camera.lens, step)).rays(xy_px[own])
                by_lens[own, :, column] = _slid(rays, camera_m[own], place[own], upward[own]) / LENS_STEP
        ray = place - camera_m
        along = (ray * upward).sum(axis=1)
        # A shift of the camera moves the place by its part along the surface, seen along the ray.
        slide = np.eye(3) - ray[:, :, None] * upward[:, None, :] / along[:, None, None]
        turned = np.zeros((len(ray), 3, 3))
        # ω × ray, as a matrix for ω.
        turned[:, 0, 1], turned[:, 0, 2] = ray[:, 2], -ray[:, 1]
        turned[:, 1, 0], turned[:, 1, 2] = -ray[:, 2], ray[:, 0]
        turned[:, 2, 0], turned[:, 2, 1] = ray[:, 1], -ray[:, 0]
        by_camera = np.concatenate([slide, slide @ turned], axis=2)[:, :2]
        by_height = (ray / along[:, None])[:, :2] * upward[:, 2:]
        return cls(place[:, :2], by_camera, by_lens, by_height[:, :, None], by_pixel)


def _slid(rays: FloatArray, camera_m: FloatArray, place: FloatArray, upward: FloatArray) -> FloatArray:
    """(m, 2) how far from places other rays of the same cameras meet the surface's tangent planes there."""
    reach = ((place - camera_m) * upward).sum(axis=1) / (rays * upward).sum(axis=1)
    slid: FloatArray = (camera_m + rays * reach[:, None] - place)[:, :2]
    return slid


def places_of(placements: Sequence[PhotoPlacement], owner: IntArray, xy_px: FloatArray) -> FloatArray:
    """(m, 3) places of (m, 2) pixels, each of the photo with a number."""
    place = np.full((len(xy_px), 3), np.nan)
    for number in np.unique(owner).tolist():
        own = owner == number
        place[own] = placements[number].to_world(xy_px[own])
    return place


def grown_lens(lens: Lens, values: FloatArray) -> Lens:
    """Return the lens with a focal length longer by a share, and k1 larger by a number."""
    longer = 1.0 + float(values[0])
    fx, fy = lens.focal_px
    return replace(lens, focal_px=(fx * longer, fy * longer), k1=lens.k1 + float(values[1]))
