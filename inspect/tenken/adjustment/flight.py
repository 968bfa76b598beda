"""The adjustment of a whole flight: which photos are compared, how far apart they may lie, and the poses that agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from shapely import Polygon

from tenken.adjustment.features import Features
from tenken.adjustment.half_turns import settle_half_turns
from tenken.adjustment.headings import find_headings, is_unknown
from tenken.adjustment.neighbours import neighbours
from tenken.adjustment.poses import adjust_poses
from tenken.adjustment.tie_points import PlacedFeatures, TiePoints, match
from tenken.georeferencing.photo_placement import PhotoPlacement

REACH_SIGMAS = 3.0
"""So many standard deviations of their position errors two photos may put one place apart."""

ADJUSTED_POSE = "+ties"
"""What the source of an adjusted pose ends with."""


@dataclass(frozen=True, slots=True, eq=False)
class StatedPhoto:
    """A photo as its own statements place it."""

    placement: PhotoPlacement
    footprint: Polygon
    error_m: float
    """1 sigma of the position of a typical point."""

    @property
    def may_show(self) -> Polygon:
        """What the photo may show: where its heading is not known, a disc of the footprint's size."""
        if is_unknown(self.placement):
            return self.footprint.centroid.buffer(np.sqrt(self.footprint.area / np.pi))
        return self.footprint.buffer(self.error_m)

    @classmethod
    def of(cls, placement: PhotoPlacement) -> "StatedPhoto | None":
        """Look at a placement; None where the photo shows nothing of the surface."""
        footprint = placement.footprint()
        if footprint is None or footprint.is_empty:
            return None
        camera = placement.camera
        at = np.linspace(0.2, 0.8, 4)
        xy_px = np.stack(np.meshgrid(at * camera.width_px, at * camera.height_px), axis=-1).reshape(-1, 2)
        # The half turn that a photo may have made is sought by itself.
        errors = replace(placement, maybe_turned=False).position_error_m(xy_px)
        known = errors[np.isfinite(errors)]
        return cls(placement, footprint, float(np.median(known))) if known.size else None


def pairs_to_compare(photos: Mapping[str, StatedPhoto]) -> list[tuple[str, str]]:
    """Give the pairs of photos that may show much of the same ground."""
    return neighbours({name: photo.may_show for name, photo in photos.items()})


def place_features(name: str, photo: StatedPhoto, features: Features) -> PlacedFeatures:
    """Put a photo's features where its stated pose says; once for all its neighbours, for rays may have far to go."""
    return PlacedFeatures(name, features, photo.placement.to_world(features.xy_px)[:, :2])


def tie(first: tuple[str, StatedPhoto, Features], second: tuple[str, StatedPhoto, Features]) -> TiePoints | None:
    """Find the tie points of two photos; None where too few agree."""
    return match(place_features(*first), place_features(*second), reach_m(first[1], second[1]))


def reach_m(first: StatedPhoto, second: StatedPhoto) -> float:
    """Give how far apart two photos may put one place; infinite where one says nothing of its direction."""
    if any(one.placement.maybe_turned or is_unknown(one.placement) for one in (first, second)):
        return np.inf
    return REACH_SIGMAS * float(np.hypot(first.error_m, second.error_m))


def adjust_flight(placements: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints]) -> dict[str, PhotoPlacement]:
    """Give the placements of a flight's photos after its tie points; those without any as they are stated."""
    settled = settle_half_turns(find_headings(placements, ties), ties)
    adjusted = adjust_poses(settled, ties)
    return {
        name: _named(placement) if name in adjusted.moved else placement
        for name, placement in adjusted.placements.items()
    }


def _named(placement: PhotoPlacement) -> PhotoPlacement:
    camera = placement.camera
    return replace(placement, camera=replace(camera, pose_source=camera.pose_source + ADJUSTED_POSE))
