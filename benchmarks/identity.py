"""One physical defect, one record: pairwise F1 of joined sightings on rendered flights with known pose noise.

Photos are rendered (`rendered_flight.py`), tied and adjusted as a run does it; sightings of true defects are placed by
the adjusted poses and joined. A pair of sightings is right when both are of the same true defect. Beside it the same
with the stated poses alone (``no ties``), and what 100,000 sightings cost.

    python benchmarks/identity.py [--seeds 3] [--views 4 8 12] [--contrast 0.06] [--skip-scale]
"""

import argparse
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import combinations

import cv2
import numpy as np
import shapely
from rendered_flight import RenderedPhoto, render_flight

from tenken.adjustment.features import OVERVIEW_PX, Features, find_features
from tenken.adjustment.flight import StatedPhoto, adjust_flight, pairs_to_compare, tie
from tenken.adjustment.tie_points import TiePoints
from tenken.georeferencing.photo_placement import PhotoPlacement
from tenken.identity.identify import Defect, identify
from tenken.identity.marks import View
from tenken.identity.registration import register
from tenken.measurement.measure import Sighting, sight

NOISES = ((0.5, 1.0), (2.0, 3.0))
WANTED = {(0.5, 1.0): 0.95, (2.0, 3.0): 0.85}


def features_of(photo: RenderedPhoto) -> Features:
    """Find features as a run does, in a reduced picture."""
    step_px = max(photo.grey.shape) / OVERVIEW_PX
    size = tuple(round(side / step_px) for side in photo.grey.shape[::-1])
    return find_features(cv2.resize(photo.grey, size, interpolation=cv2.INTER_AREA), step_px)


def tie_all(photos: Sequence[RenderedPhoto]) -> list[TiePoints]:
    """Find all tie points."""
    stated = {photo.name: one for photo in photos if (one := StatedPhoto.of(photo.stated)) is not None}
    features = {photo.name: features_of(photo) for photo in photos}
    found = [
        tie((a, stated[a], features[a]), (b, stated[b], features[b])) for a, b in pairs_to_compare(stated)
    ]
    return [one for one in found if one is not None]


def view_of(name: str, placement: PhotoPlacement) -> View | None:
    """What a run would say of the photo."""
    footprint = placement.footprint()
    camera = placement.camera
    middle = np.array([[camera.width_px, camera.height_px]]) / 2
    if footprint is None:
        return None
    return View(
        name, footprint, float(placement.ground_resolution_mm(middle)[1][0]), float(placement.position_error_m(middle)[0])
    )


def joined(
    photos: Sequence[RenderedPhoto], placements: Mapping[str, PhotoPlacement], ties: Sequence[TiePoints]
) -> tuple[tuple[Defect, ...], dict[str, int], list[Sighting]]:
    """Place and join all sightings; also the true defect of each by id."""
    sightings, truth = [], {}
    for photo in photos:
        for number, (defect, mark) in enumerate(zip(photo.defects, photo.truth, strict=True)):
            one = sight(defect, photo.name, f"{photo.name}{number}", placements[photo.name])
            truth[one.sighting_id] = mark
            sightings.append(one)
    views = {photo.name: view for photo in photos if (view := view_of(photo.name, placements[photo.name])) is not None}
    registered = register(placements, ties, {name: view.gsd_mm / 1000 for name, view in views.items()})
    return identify(sightings, views, registered), truth, sightings


def pairwise(defects: Sequence[Defect], truth: Mapping[str, int]) -> tuple[float, float, float]:
    """Precision, recall and F1 over pairs of sightings."""
    of_defect = {one.sighting_id: number for number, defect in enumerate(defects) for one in defect.sightings}
    groups: dict[tuple[int, int], int] = {}
    for name, mark in truth.items():
        key = of_defect[name], mark
        groups[key] = groups.get(key, 0) + 1

    def pairs(counts: Sequence[int]) -> float:
        return float(sum(count * (count - 1) / 2 for count in counts))

    both = pairs(list(groups.values()))
    found = pairs([sum(n for (d, _), n in groups.items() if d == one) for one in {d for d, _ in groups}])
    true = pairs([sum(n for (_, m), n in groups.items() if m == one) for one in {m for _, m in groups}])
    precision, recall = both / max(found, 1), both / max(true, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def flights(arguments: argparse.Namespace) -> bool:
    """Print the table; whether every line reaches what is wanted."""
    print(f"{'noise':<14}{'views':>6}{'photos':>8}{'tied':>6}{'sightings':>11}{'precision':>11}{'recall':>8}{'F1':>7}"
          f"{'wanted':>8}{'no ties':>9}{'records':>9}{'true':>6}")  # fmt: skip
    fine = True
    for position_m, angle_deg in NOISES:
        for views in arguments.views:
            rows = [_flight_row(seed, position_m, angle_deg, views, arguments.contrast) for seed in range(arguments.seeds)]
            photos, tied, sightings, precision, recall, f1, without, records, true = np.mean(rows, axis=0)
            wanted = WANTED[position_m, angle_deg]
            fine &= bool(f1 >= wanted)
            print(f"{position_m:g} m, {angle_deg:g} deg{'':<3}{views:>6}{photos:>8.0f}{tied:>6.0f}{sightings:>11.0f}{precision:>11.3f}"
                  f"{recall:>8.3f}{f1:>7.3f}{wanted:>8.2f}{without:>9.3f}{records:>9.0f}{true:>6.0f}", flush=True)  # fmt: skip
    return fine


def _flight_row(seed: int, position_m: float, angle_deg: float, views: int, contrast: float) -> list[float]:
    photos, _ = render_flight(
        seed, position_sigma_m=position_m, angle_sigma_deg=angle_deg, views=views, contrast=contrast
    )
    ties = tie_all(photos)
    stated = {photo.name: photo.stated for photo in photos}
    adjusted = adjust_flight(stated, ties)
    defects, truth, _ = joined(photos, adjusted, ties)
    without, _, _ = joined(photos, stated, [])
    scores = pairwise(defects, truth)
    tied = {name for one in ties for name in (one.first, one.second)}
    return [
        len(photos), len(tied), len(truth), *scores, pairwise(without, truth)[2], len(defects), len(set(truth.values())),
    ]  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--views", type=int, nargs="+", default=[2, 4, 8, 12])
    parser.add_argument("--contrast", type=float, default=0.06, help="of the painted plane; 0.06 is clean concrete")
    arguments = parser.parse_args()
    fine = flights(arguments)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
