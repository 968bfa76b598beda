"""The tie points of a flight on disk: kept in the journal, the same however they came about."""

import shutil
from pathlib import Path

import numpy as np

from conftest import DemoFlight
from tenken.imagery.flight import read_flight
from tenken.outputs.geopackage import start_geopackage
from tenken.running.places import adjusted_places, stated_places
from tenken.running.progress import Silence
from tenken.running.ties import TiedFlight, tie_flight
from tenken.running.work import FlightOutcome


class Counting(Silence):
    """Counts the steps of work."""

    def __init__(self) -> None:
        self.steps = 0

    def advance(self, steps: int = 1) -> None:
        self.steps += steps


def tied(images: Path, folder: Path, workers: int = 2, progress: Silence | None = None) -> TiedFlight:
    flight = read_flight(images)
    if not (folder / "inspection.gpkg").exists():
        start_geopackage(folder / "inspection.gpkg")
    placements = stated_places(flight, everything(flight), "plane").of_photos
    return tie_flight(flight, placements, folder, workers, progress or Silence())


def everything(flight: object) -> FlightOutcome:
    """An outcome that could read all photos and found nothing."""
    names = [photo.name for photo in flight.photos]  # type: ignore[attr-defined]
    return FlightOutcome(dict.fromkeys(names, ()), {}, (), frozenset(), len(names), 0)


def same(first: TiedFlight, second: TiedFlight) -> bool:
    return first.keys == second.keys and all(
        (a.first, a.second) == (b.first, b.second)
        and np.array_equal(a.first_px, b.first_px)
        and np.array_equal(a.second_px, b.second_px)
        for a, b in zip(first.ties, second.ties, strict=True)
    )


def test_the_photos_of_the_demo_bridge_are_tied_and_kept(demo: DemoFlight, tmp_path: Path) -> None:
    first, again = Counting(), Counting()
    new = tied(demo.images, tmp_path, progress=first)
    kept = tied(demo.images, tmp_path, progress=again)
    assert len(new.ties) >= 5
    assert first.steps > 0
    assert again.steps == 0
    assert same(new, kept)


def test_workers_change_no_tie(demo: DemoFlight, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "four").mkdir()
    assert same(tied(demo.images, tmp_path / "one", 1), tied(demo.images, tmp_path / "four", 4))


def test_another_photo_asks_only_for_what_it_touches(demo: DemoFlight, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    photos = sorted(demo.images.glob("*.JPG"))
    for photo in photos[:-1]:
        shutil.copy(photo, images)
    (tmp_path / "out").mkdir()
    before = tied(images, tmp_path / "out")
    shutil.copy(photos[-1], images)
    after = tied(images, tmp_path / "out")
    assert before.keys & after.keys
    assert len(after.ties) > len(before.ties)


def test_the_adjusted_demo_agrees_better_than_its_poses(demo: DemoFlight, tmp_path: Path) -> None:
    flight = read_flight(demo.images)
    ties = tied(demo.images, tmp_path).ties
    stated = stated_places(flight, everything(flight), "plane")
    adjusted = adjusted_places(flight, stated, ties, "plane")
    apart_m = [
        np.median(
            np.concatenate(
                [
                    np.linalg.norm(
                        (places[tie.first].to_world(tie.first_px) - places[tie.second].to_world(tie.second_px))[:, :2],
                        axis=1,
                    )
                    for tie in ties
                ]
            )
        )
        for places in (stated.of_photos, adjusted.of_photos)
    ]
    assert apart_m[1] < 0.5 * apart_m[0]
    assert set(adjusted.registered) == {(tie.first, tie.second) for tie in ties}


def test_without_a_single_pose_nothing_is_tied(demo: DemoFlight, tmp_path: Path) -> None:
    flight = read_flight(demo.images)
    start_geopackage(tmp_path / "inspection.gpkg")
    assert tie_flight(flight, {}, tmp_path, 2, Silence()) == TiedFlight((), frozenset())
