"""Features and tie points, on rendered photos of one plane and on pictures of something else."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from shapely import box

from tenken.adjustment.features import MOST_FEATURES, OVERVIEW_PX, Features, find_features, read_features
from tenken.adjustment.flight import StatedPhoto, tie
from tenken.adjustment.neighbours import MOST_NEIGHBOURS, neighbours
from tenken.errors import FlightError
from tenken.imagery.picture import load_overview, load_photo
from tenken_demo.rendered_plane import RenderedPhoto, render_flight


@pytest.fixture(scope="module")
def photos() -> list[RenderedPhoto]:
    """Six photos, 2000 x 1500 px, whose poses are off by 2 m and 3 degrees."""
    return render_flight(1, position_sigma_m=2.0, angle_sigma_deg=3.0, views=2, size_m=(26.0, 12.0), marks=20)[0]


def features_of(photo: RenderedPhoto) -> Features:
    step_px = photo.grey.shape[1] / OVERVIEW_PX
    reduced = cv2.resize(photo.grey, (OVERVIEW_PX, round(photo.grey.shape[0] / step_px)), interpolation=cv2.INTER_AREA)
    return find_features(np.asarray(reduced, dtype=np.uint8), step_px)


def stated(photo: RenderedPhoto) -> StatedPhoto:
    one = StatedPhoto.of(photo.stated)
    assert one is not None
    return one


def tied(first: RenderedPhoto, second: RenderedPhoto) -> tuple[np.ndarray, int]:
    """Distances on the true plane between the two ends of each tie, and how many there are."""
    ties = tie((first.name, stated(first), features_of(first)), (second.name, stated(second), features_of(second)))
    if ties is None:
        return np.empty(0), 0
    apart = first.true.to_world(ties.first_px) - second.true.to_world(ties.second_px)
    return np.linalg.norm(apart, axis=1), len(ties)


def test_ties_of_photos_metres_off_are_the_same_place_to_a_few_pixels(photos: list[RenderedPhoto]) -> None:
    distance_m, count = tied(photos[0], photos[1])
    assert count >= 12
    assert np.median(distance_m) < 0.015  # 5 mm a pixel
    assert np.quantile(distance_m, 0.95) < 0.05


def test_rows_flown_in_opposite_directions_are_tied(photos: list[RenderedPhoto]) -> None:
    distance_m, count = tied(photos[0], photos[3])
    assert count >= 12
    assert np.median(distance_m) < 0.015


def test_pictures_of_two_places_have_no_ties(photos: list[RenderedPhoto]) -> None:
    elsewhere = render_flight(77, position_sigma_m=2.0, angle_sigma_deg=3.0, views=2, size_m=(14.0, 12.0), marks=5)[0][
        0
    ]
    pretending = replace(elsewhere, stated=photos[0].stated)
    assert tied(photos[0], pretending)[1] == 0


def test_a_picture_that_may_be_turned_is_sought_everywhere(photos: list[RenderedPhoto]) -> None:
    upside_down = replace(
        photos[1],
        grey=np.ascontiguousarray(photos[1].grey[::-1, ::-1]),
        stated=replace(photos[1].stated, maybe_turned=True),
    )
    first = (photos[0].name, stated(photos[0]), features_of(photos[0]))
    assert tie(first, (upside_down.name, stated(upside_down), features_of(upside_down))) is not None


def test_a_bare_picture_has_no_features_and_ties_nothing(photos: list[RenderedPhoto]) -> None:
    bare = find_features(np.full((600, 800), 128, dtype=np.uint8), 2.5)
    assert len(bare) == 0
    first = (photos[0].name, stated(photos[0]), features_of(photos[0]))
    assert tie(first, ("bare", stated(photos[1]), bare)) is None


def test_features_are_spread_over_the_picture(photos: list[RenderedPhoto]) -> None:
    features = features_of(photos[0])
    assert 500 < len(features) <= MOST_FEATURES
    in_columns = np.bincount((features.xy_px[:, 0] // 250).astype(int), minlength=8)
    assert in_columns.min() > 0.3 * in_columns.mean()
    assert features.descriptors.shape == (len(features), 128)


def test_features_move_with_the_picture(photos: list[RenderedPhoto]) -> None:
    grey = photos[0].grey[:600, :800]
    whole, cut = find_features(grey), find_features(grey[60:, 100:])
    shifted = {tuple(np.round(xy, 0)) for xy in cut.xy_px + np.array([100, 60])}
    assert len(shifted & {tuple(np.round(xy, 0)) for xy in whole.xy_px}) > 0.4 * len(shifted)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_overview_lies_as_the_photo_does(tmp_path: Path, orientation: int) -> None:
    rng = np.random.default_rng(2)
    small = rng.integers(0, 255, (30, 40), dtype=np.uint8)
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.kron(small, np.ones((40, 40), dtype=np.uint8))).convert("RGB").save(path, quality=95, exif=exif)
    shown = load_photo(path).mean(axis=2)
    grey, step_px = load_overview(path, 400)
    assert grey.shape == tuple(round(side / step_px) for side in shown.shape)
    assert step_px == pytest.approx(4.0)
    blocks = shown.reshape(grey.shape[0], 4, grey.shape[1], 4).mean(axis=(1, 3))
    assert np.abs(blocks - grey).mean() < 3.0


def test_a_small_photo_is_its_own_overview(tmp_path: Path) -> None:
    Image.new("RGB", (120, 90), (10, 20, 30)).save(tmp_path / "small.png")
    grey, step_px = load_overview(tmp_path / "small.png", 800)
    assert (grey.shape, step_px) == ((90, 120), 1.0)


def test_a_damaged_photo_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    with pytest.raises(FlightError, match=r"broken\.jpg: .*copy it again"):
        read_features(tmp_path / "broken.jpg")


def test_photos_are_compared_with_those_that_share_most_ground() -> None:
    footprints = {f"{number:02d}": box(2 * number, 0, 2 * number + 40, 10) for number in range(30)}
    pairs = neighbours(footprints)
    assert pairs == sorted(pairs)
    assert ("00", "01") in pairs
    assert ("00", "25") not in pairs  # nothing in common
    assert len(pairs) <= 30 * MOST_NEIGHBOURS
    assert {name for pair in pairs for name in pair} == set(footprints)
    assert neighbours({"alone": box(0, 0, 1, 1)}) == []
    assert neighbours({}) == []
