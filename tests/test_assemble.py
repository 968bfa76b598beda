"""A crack that crosses tiles is one object; neighbours stay apart; the grid does not show."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString

from drawn import draw_cracks, draw_rust, perfect_detector, stating_detector
from drawn_cracks import separate_networks
from tenken import Detections, find_defects
from tenken.detection.tiles import tile_windows
from tenken.errors import SettingsError
from tenken.imagery.picture import ArrayPicture
from tenken.measurement.assemble import concatenate, group_pieces, pieces_of_tile, whole_masks
from tenken.measurement.condition import StateShare
from tenken.measurement.tiled_detection import detect_tiles
from tenken.measurement.whole_defects import WholeDefect, bridge_gaps, trace_whole

SIZE = (2000, 1500)
WANDERING = LineString([(60 + 63 * n, 700 + 260 * np.sin(n / 4) + 22 * np.sin(n * 1.7)) for n in range(30)])
CASES = {
    "horizontal": ([LineString([(50, 750.3), (1950, 750.3)])], 1),
    "diagonal": ([LineString([(50, 50), (1950, 1450)])], 1),
    "wandering": ([WANDERING], 1),
    "branched": ([LineString([(50, 750), (1950, 750)]), LineString([(1000, 750), (1750, 150)])], 1),
    "two parallel, 60 px apart": ([LineString([(50, 700), (1950, 700)]), LineString([(50, 760), (1950, 760)])], 2),
    "two parallel, 30 px apart": ([LineString([(50, 700), (1950, 900)]), LineString([(50, 730), (1950, 930)])], 2),
}


@pytest.mark.parametrize("origin_px", [(0, 0), (137, 55), (301, 410)])
@pytest.mark.parametrize("name", CASES)
def test_seams_leave_no_trace(name: str, origin_px: tuple[int, int]) -> None:
    lines, truth = CASES[name]
    found = find_defects(draw_cracks(lines, 5, SIZE), perfect_detector, tile_px=480, origin_px=origin_px)
    length = sum(defect.length_px or 0 for defect in found)
    assert len(found) == truth
    assert length == pytest.approx(sum(line.length for line in lines), rel=0.01)


@settings(max_examples=15, deadline=None)
@given(x=st.integers(0, 600), y=st.integers(0, 600), seed=st.integers(0, 1000))
def test_defects_stay_where_they_are_when_the_grid_shifts(x: int, y: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [LineString(rng.uniform((20, 20), (780, 580), (3, 2))) for _ in range(2)]
    image = draw_cracks(lines, 4, (800, 600))
    one = find_defects(image, perfect_detector, tile_px=256)
    other = find_defects(image, perfect_detector, tile_px=256, origin_px=(x, y))
    assert [d.outline_px.wkt for d in one] == [d.outline_px.wkt for d in other]
    assert [d.length_px for d in one] == [d.length_px for d in other]


def traced(image: npt.NDArray[np.uint8], tile_px: int, origin_px: tuple[int, int] = (0, 0)) -> list[WholeDefect]:
    """Find the cracks of a picture, without their widths, which take longest."""
    windows = tile_windows(image.shape[1], image.shape[0], tile_px=tile_px, overlap=0.2, origin_px=origin_px)
    pieces = detect_tiles(ArrayPicture(image), windows, perfect_detector)
    return bridge_gaps(trace_whole(whole, linear=True) for whole in whole_masks(pieces))


@settings(max_examples=12, deadline=None)
@given(x=st.integers(0, 200), y=st.integers(0, 200), seed=st.integers(0, 10_000))
def test_each_separate_net_of_cracks_is_one_defect_on_any_grid(x: int, y: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    networks = separate_networks(rng, (800, 600), 3, 350, apart_px=30)
    image = draw_cracks([line for network in networks for line in network.geoms], 5, (800, 600))
    found, uncut = traced(image, 192, (x, y)), traced(image, 800)
    assert len(found) == len(networks)
    assert [defect.outline_px.wkt for defect in found] == [defect.outline_px.wkt for defect in uncut]
    assert [defect.centreline_px.wkt for defect in found] == [defect.centreline_px.wkt for defect in uncut]


def test_whole_masks_are_drawn_one_by_one_in_the_order_of_their_place() -> None:
    lines = [LineString([(700, 40), (760, 60)]), LineString([(20, 100), (400, 130)]), LineString([(30, 20), (300, 25)])]
    windows = tile_windows(800, 200, tile_px=100, overlap=0.2)
    pieces = detect_tiles(ArrayPicture(draw_cracks(lines, 5, (800, 200))), windows, perfect_detector)
    assert [whole.left_px for whole in whole_masks(pieces)] == pytest.approx([30, 700, 20], abs=2)


def test_tiles_that_only_touch_are_joined_at_their_seam() -> None:
    image = draw_cracks([LineString([(10, 100), (790, 140)])], 5, (800, 300))
    assert len(find_defects(image, perfect_detector, tile_px=200, overlap=0)) == 1


def test_kinds_are_not_joined_with_each_other() -> None:
    def two_kinds(tile: npt.NDArray[np.uint8]) -> Detections:
        found = perfect_detector(tile)
        return Detections(
            np.repeat(found.xyxy_px, 2, axis=0),
            np.repeat(found.score, 2),
            np.tile(["crack", "corrosion"], len(found)),
            [mask for mask in found.masks or () for _ in range(2)],
        )

    image = draw_cracks([LineString([(10, 100), (790, 140)])], 7, (800, 300))
    assert sorted(d.kind for d in find_defects(image, two_kinds, tile_px=200)) == ["corrosion", "crack"]


def test_integer_labels_count_into_the_kinds() -> None:
    def numbered(tile: npt.NDArray[np.uint8]) -> Detections:
        found = perfect_detector(tile)
        return Detections(found.xyxy_px, found.score, np.ones(len(found), dtype=int), found.masks)

    image = draw_cracks([LineString([(10, 100), (290, 140)])], 7, (300, 300))
    assert [d.kind for d in find_defects(image, numbered)] == ["corrosion"]


def test_boxes_without_masks_count_as_filled() -> None:
    def boxes(tile: npt.NDArray[np.uint8]) -> Detections:
        return Detections(np.array([[10.2, 20.0, 29.7, 40.0]]), np.array([0.5]), np.array(["corrosion"]))

    (defect,) = find_defects(np.zeros((100, 100, 3), np.uint8), boxes)
    assert defect.outline_px.bounds == (10, 20, 30, 40)
    assert defect.area_px == 400


def test_a_picture_without_defects_gives_none() -> None:
    assert find_defects(np.full((700, 900, 3), 180, np.uint8), perfect_detector) == []


def test_two_detections_of_one_tile_stay_apart_unless_they_cover_each_other() -> None:
    mask = np.ones((4, 100), dtype=bool)
    apart = Detections(
        np.array([[0, 10, 100, 14], [0, 20, 100, 24], [0, 21, 100, 25]], float),
        np.ones(3),
        np.full(3, "crack"),
        [mask] * 3,
    )
    pieces = concatenate([pieces_of_tile(apart, (0, 0, 200, 200), ("crack",))])
    assert group_pieces(pieces).tolist() == [0, 1, 1]


FAIR, POOR, SEVERE = range(3)
RUST = draw_rust([(100, 100, 300, 200, FAIR), (300, 100, 340, 200, POOR), (340, 100, 500, 200, SEVERE)], (700, 300))
TRUE_SHARE = (200 / 400, 40 / 400, 160 / 400)


@pytest.mark.parametrize("tile_px", [64, 150, 700])
def test_the_condition_of_rust_is_that_of_its_whole_area_over_all_tiles(tile_px: int) -> None:
    (defect,) = find_defects(RUST, stating_detector, tile_px=tile_px, overlap=0)
    assert defect.state_share is not None
    assert defect.state_share == pytest.approx(TRUE_SHARE)
    assert (defect.state_share.condition_state, defect.state_share.condition_state_score) == ("fair", 0.5)


def test_where_tiles_overlap_the_condition_still_adds_up_to_one() -> None:
    (defect,) = find_defects(RUST, stating_detector, tile_px=150, overlap=0.3)
    assert defect.state_share is not None
    assert sum(defect.state_share) == pytest.approx(1)
    assert defect.state_share == pytest.approx(TRUE_SHARE, abs=0.1)


def test_the_order_of_tiles_does_not_touch_the_condition() -> None:
    tiles = [(left, 0, left + 150, 300) for left in range(0, 700, 110)]
    parts = [
        pieces_of_tile(stating_detector(RUST[:, left:right]), (left, 0, right, 300), ()) for left, _, right, _ in tiles
    ]
    (one,) = whole_masks(concatenate(parts))
    for order in (parts[::-1], parts[3:] + parts[:3]):
        (other,) = whole_masks(concatenate(order))
        assert other.state_share == one.state_share


def test_a_piece_that_tells_no_condition_counts_for_nothing() -> None:
    def tells_only_of_severe(tile: npt.NDArray[np.uint8]) -> Detections:
        found = stating_detector(tile)
        assert found.state_share is not None
        share = np.where(found.state_share[:, [SEVERE]] > 0, found.state_share, np.nan)
        return Detections(found.xyxy_px, found.score, found.label, found.masks, state_share=share)

    (defect,) = find_defects(RUST, tells_only_of_severe, tile_px=340, overlap=0)
    assert defect.state_share == (0, 0, 1)


@pytest.mark.parametrize("share", [None, (np.nan, np.nan, np.nan), (0, 0, 0)])
def test_a_condition_that_nobody_told_is_not_known(share: tuple[float, ...] | None) -> None:
    def silent(tile: npt.NDArray[np.uint8]) -> Detections:
        found = stating_detector(tile)
        told = None if share is None else np.tile(share, (len(found), 1))
        return Detections(found.xyxy_px, found.score, found.label, found.masks, state_share=told)

    (defect,) = find_defects(RUST, silent, tile_px=150)
    assert defect.state_share is None


def test_a_crack_has_no_condition_of_corrosion_whatever_the_detector_says() -> None:
    def talkative(tile: npt.NDArray[np.uint8]) -> Detections:
        found = perfect_detector(tile)
        share = np.tile([0.1, 0.2, 0.7], (len(found), 1))
        return Detections(found.xyxy_px, found.score, found.label, found.masks, state_share=share)

    image = draw_cracks([LineString([(10, 100), (790, 140)])], 5, (800, 300))
    assert [defect.state_share for defect in find_defects(image, talkative, tile_px=200)] == [None]


@pytest.mark.parametrize(
    ("share", "state", "score"),
    [
        ((0.2, 0.3, 0.5), "severe", 0.5),
        ((0.5, 0.5, 0.0), "poor", 0.5),
        ((0.4, 0.2, 0.4), "severe", 0.4),
        ((1 / 3, 1 / 3, 1 / 3), "severe", 0.333),
        ((0.4001, 0.3999, 0.2), "poor", 0.4),
        ((1.0, 0.0, 0.0), "fair", 1.0),
    ],
)
def test_the_state_is_that_of_the_most_area_and_of_equal_ones_the_worse(
    share: tuple[float, float, float], state: str, score: float
) -> None:
    told = StateShare(*share)
    assert (told.condition_state, told.condition_state_score) == (state, score)


class Ahead:
    """A detector that reads three tiles ahead, and does not want to be asked one by one."""

    def __init__(self, answers: int | None = None) -> None:
        self.answers = answers

    def __call__(self, tile: npt.NDArray[np.uint8], /) -> Detections:
        raise AssertionError(f"asked for a single tile of {tile.shape}")

    def detect_many(self, tiles: Iterable[npt.NDArray[np.uint8]]) -> Iterator[Detections]:
        waiting = iter(tiles)
        while batch := list(itertools.islice(waiting, 3)):
            yield from [perfect_detector(tile) for tile in batch][: self.answers]


class Ringed:
    """A picture of which only every second tile holds data."""

    def __init__(self, image: npt.NDArray[np.uint8]) -> None:
        self.height_px, self.width_px = image.shape[:2]
        self._image = image

    def read(self, xyxy_px: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
        left, top, right, bottom = xyxy_px
        return self._image[top:bottom, left:right]

    def has_data(self, xyxy_px: tuple[int, int, int, int]) -> bool:
        return (xyxy_px[0] // 192) % 2 == 0


def test_a_detector_that_reads_ahead_gives_what_it_gives_tile_by_tile() -> None:
    picture = Ringed(draw_cracks([WANDERING], 5, SIZE))
    windows = tile_windows(*SIZE, tile_px=240, overlap=0.2)
    told: dict[str, int] = {"one by one": 0, "ahead": 0}
    found = {}
    for name, detector in (("one by one", perfect_detector), ("ahead", Ahead())):

        def on_tile(name: str = name) -> None:
            told[name] += 1

        found[name] = detect_tiles(picture, windows, detector, on_tile=on_tile)
    one, ahead = found.values()
    assert len(one) > 0
    assert (one.kind, one.score.tolist(), one.xyxy_px.tolist()) == (
        ahead.kind,
        ahead.score.tolist(),
        ahead.xyxy_px.tolist(),
    )
    assert one.tile_xyxy_px.tolist() == ahead.tile_xyxy_px.tolist()
    assert all(np.array_equal(mask, other) for mask, other in zip(one.masks, ahead.masks, strict=True))
    assert told == {"one by one": len(windows), "ahead": len(windows)}


def test_a_detector_that_leaves_tiles_out_is_refused() -> None:
    with pytest.raises(SettingsError, match="without an answer"):
        find_defects(draw_cracks([WANDERING], 5, SIZE), Ahead(answers=2), tile_px=480)
