"""The equations of one block: photos that tie points connect.

A tie point lies where the ray of its first photo meets the surface; its misfit is how far that is from where the second
photo shows it, in that photo's pixels. Gauss-Newton steps; weights fall off for ties that do not fit (Cauchy).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.linalg import splu

from tenken.adjustment.tie_ends import LENS_UNKNOWNS, UNKNOWNS, YAW, Spots, TieEnds, grown_lens, places_of
from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.camera import Camera
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.georeferencing.surface import Plane

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ROUNDS = 12
CONVERGED_PX = 0.01

SURFACE_ROUNDS = (0, 2, 5)
"""In these rounds the rays are followed to a surface model itself, in the others to its tangent planes."""

TIE_PX = 2.0
"""1 sigma of a tie point's place, at the least, in whole-photo pixels."""

INDEPENDENT_TIES = 15.0
"""All ties of a pair count at most as so many: relief, lens and surface put them off together."""

OWN_HEIGHT_SHARE, OWN_YAW_SHARE = 0.2, 0.4
"""Shares of the errors of height and yaw that each photo has for itself [P]: those of a barometer and of a compass are
nearly the same for a whole flight."""

MOST_YAW_DEG = 60.0
"""An unknown yaw counts as one so uncertain: the steps are those of small turns."""

LEAST_FOCAL_ERROR = 0.002

K1_ERROR, STATED_K1_ERROR = 0.05, 0.005
"""1 sigma of k1 where no distortion is stated, and where it is: lenses of drones bend by up to 0.1 [G]."""

LEAST_SCALE_ERROR = 0.01
"""Of heights that come from positions along the flight: satellite positions drift together [P]."""


class Block:
    """One group of photos, and the ties between them."""

    def __init__(self, placements: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints]) -> None:
        self.names = sorted(placements)
        number = {name: index for index, name in enumerate(self.names)}
        self.start = [placements[name] for name in self.names]
        self.first = np.concatenate([np.full(len(tie), number[tie.first]) for tie in ties])
        self.second = np.concatenate([np.full(len(tie), number[tie.second]) for tie in ties])
        self.first_px = np.concatenate([tie.first_px for tie in ties])
        self.second_px = np.concatenate([tie.second_px for tie in ties])
        self.share = np.concatenate([np.full(len(tie), min(1.0, INDEPENDENT_TIES / len(tie))) for tie in ties])
        self.on_plane = all(isinstance(placement.surface, Plane) for placement in self.start)
        self.lenses = list(dict.fromkeys(placement.camera.lens for placement in self.start))
        self.lens_of = np.array([self.lenses.index(placement.camera.lens) for placement in self.start])
        # Cameras, then the surface's height, the compass, and the lenses.
        self.height_at = UNKNOWNS * len(self.names)
        self.compass_at = self.height_at + 1
        self.lenses_at = self.compass_at + 1
        self.size = self.lenses_at + LENS_UNKNOWNS * len(self.lenses)
        self.prior = self._prior()
        self.floor_px = self._floor_px()

    def solve(self) -> dict[str, PhotoPlacement]:
        """Give the adjusted placements."""
        values = np.zeros(self.size)
        placements = self.start
        normal = diags_array(self.prior).tocsc()
        spots: Spots | None = None
        for number in range(ROUNDS):
            if spots is None or self.on_plane or number in SURFACE_ROUNDS:
                spots = Spots.met(placements, self.first, self.first_px)
            else:
                spots = spots.met_again(placements, self.first, self.first_px)
            system = self._linearised(placements, spots)
            if system is None:
                return {}
            matrix, residual, weight = system
            weighted = matrix.T * weight
            normal = csc_array(weighted @ matrix + diags_array(self.prior))
            step = splu(normal).solve(-(weighted @ residual) - self.prior * values)
            values = values + step
            placements = self._moved(values)
            # A few wrong ties may wander for long.
            if np.quantile(np.abs(matrix @ step), 0.9) < CONVERGED_PX:
                break
        errors_m = self._height_errors_m(normal)
        return {
            name: replace(placement, height_error_m=error_m)
            for name, placement, error_m in zip(self.names, placements, errors_m, strict=True)
        }

    def misfits(self, placements: Mapping[str, PhotoPlacement]) -> dict[str, float]:
        """Median distance of each photo's ties from where they should lie, as a share of the picture's width."""
        distance = np.full(len(self.first), np.inf)
        ordered = [placements.get(name, start) for name, start in zip(self.names, self.start, strict=True)]
        place = places_of(ordered, self.first, self.first_px)
        for number, placement in enumerate(ordered):
            own = self.second == number
            off = np.linalg.norm(placement.to_photo(place[own]) - self.second_px[own], axis=1)
            distance[own] = np.where(np.isfinite(off), off, np.inf) / placement.camera.width_px
        return {
            name: float(np.median(distance[(self.first == number) | (self.second == number)]))
            for number, name in enumerate(self.names)
        }

    def _prior(self) -> FloatArray:
        """Give 1 / variance of each unknown; the surface's height comes last."""
        rows = []
        for placement in self.start:
            accuracy = placement.camera.accuracy
            level_m = accuracy.horizontal_m / np.sqrt(2.0)
            height_m = placement.height_error_m * (OWN_HEIGHT_SHARE if self.on_plane else 1.0)
            tilt, yaw = np.radians([accuracy.tilt_deg, min(accuracy.yaw_deg, MOST_YAW_DEG)])
            rows.append([level_m, level_m, height_m, tilt, tilt, OWN_YAW_SHARE * yaw])
        yaw_deg = float(np.median([placement.camera.accuracy.yaw_deg for placement in self.start]))
        surface_m = float(np.median([placement.height_error_m for placement in self.start])) if self.on_plane else 1e-9
        lenses = [
            (max(lens.focal_error, LEAST_FOCAL_ERROR), K1_ERROR if lens.is_pinhole else STATED_K1_ERROR)
            for lens in self.lenses
        ]
        compass = np.radians(min(yaw_deg, MOST_YAW_DEG))
        sigma = np.maximum(np.concatenate([np.ravel(rows), [surface_m, compass], np.ravel(lenses)]), 1e-9)
        inverse: FloatArray = sigma**-2.0
        return inverse

    def _floor_px(self) -> FloatArray:
        """(m,) least 1 sigma of each tie, in pixels of its second photo."""
        resolution_m = np.array([_resolution_m(placement) for placement in self.start])
        floor: FloatArray = TIE_PX * np.hypot(1.0, resolution_m[self.first] / resolution_m[self.second]) / np.sqrt(2.0)
        return floor

    def _linearised(
        self, placements: Sequence[PhotoPlacement], spots: Spots
    ) -> tuple[csc_array, FloatArray, FloatArray] | None:
        """Give derivatives (2 m, unknowns), misfits (2 m,) and weights; None where no tie meets the surface.

        Misfits are in pixels of the second photo: in metres all would become smaller if the flight as a whole did.
        """
        seen_px = np.full((len(self.first), 2), np.nan)
        for number, placement in enumerate(placements):
            own = self.second == number
            seen_px[own] = placement.to_photo(spots.place[own])
        ends = [
            TieEnds.of(placements, owner, xy_px, spots)
            for owner, xy_px in ((self.first, self.first_px), (self.second, seen_px))
        ]
        known = ends[0].known & ends[1].known
        count = int(np.count_nonzero(known))
        if count == 0:
            return None
        misfit = (seen_px - self.second_px)[known]
        to_px = np.linalg.inv(ends[1].by_pixel[known])
        rows = np.arange(2 * count).reshape(count, 2)
        entries = []
        for owner, end, sign in ((self.first, ends[0], 1.0), (self.second, ends[1], -1.0)):
            columns = owner[known, None] * UNKNOWNS + np.arange(UNKNOWNS)
            entries.append(_entries(rows, columns, sign * to_px @ end.by_camera[known]))
            compass = np.full((count, 1), self.compass_at)
            entries.append(_entries(rows, compass, sign * to_px @ end.by_camera[known][:, :, YAW:]))
            columns = self.lenses_at + self.lens_of[owner[known], None] * LENS_UNKNOWNS + np.arange(LENS_UNKNOWNS)
            entries.append(_entries(rows, columns, sign * to_px @ end.by_lens[known]))
            if self.on_plane:
                columns = np.full((count, 1), self.height_at)
                entries.append(_entries(rows, columns, sign * to_px @ end.by_height[known]))
        data, row, column = (np.concatenate(part) for part in zip(*entries, strict=True))
        matrix = csc_array(coo_array((data, (row, column)), shape=(2 * count, self.size)))
        return matrix, misfit.ravel(), np.repeat(self._weights(misfit, known), 2)

    def _weights(self, misfit_px: FloatArray, known: npt.NDArray[np.bool_]) -> FloatArray:
        """(m,) 1 / variance of each tie, less for those that do not fit (Cauchy), and shared out among a pair's."""
        distance = np.hypot(misfit_px[:, 0], misfit_px[:, 1])
        # Of the distance in two dimensions the median is 1.18 sigma.
        sigma = np.maximum(self.floor_px[known], float(np.median(distance)) / 1.18)
        weight: FloatArray = self.share[known] / sigma**2 / (1.0 + (distance / (2.4 * sigma)) ** 2)
        return weight

    def _moved(self, values: FloatArray) -> list[PhotoPlacement]:
        cameras = values[: self.height_at].reshape(-1, UNKNOWNS).copy()
        cameras[:, YAW] += values[self.compass_at]
        lenses = values[self.lenses_at :].reshape(-1, LENS_UNKNOWNS)[self.lens_of]
        return [
            _moved(placement, camera, lens, values[self.height_at])
            for placement, camera, lens in zip(self.start, cameras, lenses, strict=True)
        ]

    def _height_errors_m(self, normal: csc_array) -> list[float]:
        """1 sigma of each camera's height above the surface, from the inverse of the normal matrix."""
        factor = splu(normal)
        errors = []
        for number, placement in enumerate(self.start):
            difference = np.zeros(self.size)
            difference[number * UNKNOWNS + 2] = 1.0
            if self.on_plane:
                difference[self.height_at] = -1.0
            variance = float(difference @ factor.solve(difference))
            least = LEAST_SCALE_ERROR * _above_m(placement)
            errors.append(min(float(np.hypot(np.sqrt(variance), least)), placement.height_error_m))
        return errors


def _entries(rows: IntArray, columns: IntArray, values: FloatArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Lay (m, 2, k) values out as entries of a sparse matrix, whose (m, 2) rows and (m, k) columns are given."""
    shape = values.shape
    return (
        values.ravel(),
        np.broadcast_to(rows[:, :, None], shape).ravel(),
        np.broadcast_to(columns[:, None, :], shape).ravel(),
    )


def _moved(
    placement: PhotoPlacement, camera_values: FloatArray, lens_values: FloatArray, rise_m: float
) -> PhotoPlacement:
    camera: Camera = placement.camera
    moved = replace(
        camera,
        position_m=camera.position_m + camera_values[:3],
        rotation=rotation_about(camera_values[3:]) @ camera.rotation,
        lens=grown_lens(camera.lens, lens_values),
    )
    surface = placement.surface
    if isinstance(surface, Plane):
        surface = Plane(surface.height_m + float(rise_m))
    return replace(placement, camera=moved, surface=surface)


def rotation_about(vector_rad: FloatArray) -> FloatArray:
    """(3, 3) rotation about a vector by its length in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector_rad))
    if angle < 1e-15:
        return np.eye(3)
    x, y, z = vector_rad / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn: FloatArray = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
    return turn


def _resolution_m(placement: PhotoPlacement) -> float:
    camera = placement.camera
    at = np.linspace(0.2, 0.8, 3)
    xy_px = np.stack(np.meshgrid(at * camera.width_px, at * camera.height_px), axis=-1).reshape(-1, 2)
    resolution_mm = placement.ground_resolution_mm(xy_px)[1]
    known = resolution_mm[np.isfinite(resolution_mm)]
    return float(np.median(known)) / 1000.0 if known.size else 1e-3


def _above_m(placement: PhotoPlacement) -> float:
    camera = placement.camera
    middle = placement.to_world(np.array([[camera.width_px, camera.height_px]]) / 2.0)[0]
    distance_m = float(np.linalg.norm(middle - camera.position_m))
    return distance_m if np.isfinite(distance_m) else 0.0
