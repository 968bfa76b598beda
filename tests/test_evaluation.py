"""How detectors are judged: labels, pairing, figures, intervals, and the command that puts them on a page."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import typer
from PIL import Image
from scipy import ndimage
from shapely import LineString, MultiLineString
from typer.testing import CliRunner

from drawn import draw_cracks, perfect_detector
from tenken import Detections
from tenken.commands.evaluate import evaluate
from tenken.commands.terminal import INTERRUPTED
from tenken.errors import SettingsError
from tenken_training.evaluation import (
    Evaluation,
    Judged,
    LabelledPhoto,
    LabelledSet,
    Subject,
    compare,
    default_conditions,
    evaluate_weights,
    evaluation_of,
    figures_table,
    from_mask,
    from_polygons,
    judged_kinds,
    read_evaluation,
    read_labelled_set,
    score_photos,
    write_evaluation,
    write_page,
)
from tenken_training.evaluation.average_precision import average_precision
from tenken_training.evaluation.blunders import wrong_patch
from tenken_training.evaluation.calibration import reliability
from tenken_training.evaluation.centreline_score import points_along, region_lines, within
from tenken_training.evaluation.intervals import poisson, resamples, wilson
from tenken_training.evaluation.looks import look_of
from tenken_training.evaluation.matching import box_iou, mask_iou, matches
from tenken_training.evaluation.pixel_score import state_tally
from tenken_training.evaluation.results import KindFigures
from tenken_training.evaluation.sample import sample_verdict
from tenken_training.evaluation.scenes import concrete_scene, steel_scene
from tenken_training.evaluation.truth import joined_objects
from tenken_training.evaluation.whole_photo import reduced

SHARED = Path(__file__).resolve().parents[2] / "shared"

SIDE_PX = 160
CRACKS = (LineString([(20, 60), (140, 70)]), LineString([(30, 120), (130, 120)]))

DetectorLike = Callable[[npt.NDArray[np.uint8]], Detections]


def polygon_line(line: LineString, width_px: float) -> str:
    """A crack as a line of a YOLO file."""
    corners = np.asarray(line.buffer(width_px / 2, cap_style="flat").exterior.coords) / SIDE_PX
    return "0 " + " ".join(f"{value:.6f}" for value in corners.ravel())


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    """Six photos of 160 px with one or two cracks 5 px wide, of two sites; the last shows none."""
    folder = tmp_path_factory.mktemp("walls")
    for part in ("images", "labels"):
        (folder / "test" / part).mkdir(parents=True)
    rows = ["photo,site"]
    for number in range(6):
        shown = [] if number == 5 else CRACKS[: 1 + number % 2]
        name = f"{number}.png"
        Image.fromarray(draw_cracks(shown, 5, (SIDE_PX, SIDE_PX))).save(folder / "test" / "images" / name)
        if shown:
            text = "\n".join(polygon_line(line, 5) for line in shown)
            (folder / "test" / "labels" / f"{number}.txt").write_text(text, encoding="utf-8")
        rows.append(f"{name},{'north' if number < 3 else 'south'}")
    (folder / "test" / "sites.csv").write_text("\n".join(rows), encoding="utf-8")
    return read_labelled_set(folder)


def judge(labelled: LabelledSet, detector: DetectorLike, sensitive: DetectorLike | None = None) -> Evaluation:
    conditions = default_conditions().model_copy(update={"resamples": 50})
    judged = Judged(Subject(name="oracle", sha256="0" * 64, thresholds={}), detector, sensitive=sensitive)
    kinds = judged_kinds(labelled, [judged])
    scores = score_photos(labelled, judged, kinds, conditions, workers=2)
    return evaluation_of(labelled, judged.subject, scores, kinds, conditions)


def values(evaluation: Evaluation, kind: str = "crack") -> dict[str, float | None]:
    return {name: figure.value for name, figure in evaluation.kinds[kind].figures.items()}


def blind_detector(_: npt.NDArray[np.uint8]) -> Detections:
    return Detections.empty()


def half_detector(tile: npt.NDArray[np.uint8]) -> Detections:
    """Right to the left of the middle, and blind to the right of it."""
    left = tile.copy()
    left[:, tile.shape[1] // 2 :] = 255
    return perfect_detector(left)


# Labels


def test_polygons_are_read_in_pixels_with_their_border(walls: LabelledSet) -> None:
    assert (walls.layout, walls.kinds, len(walls.photos)) == ("polygons", ("crack",), 6)
    image, truth = walls.load(walls.photos[1])
    assert image.shape == (SIDE_PX, SIDE_PX, 3)
    assert len(truth.objects) == 2
    dark = image[..., 0] < 110
    # The outline's own pixels belong to the polygon: nothing of the crack is left out, half a pixel a side is added.
    assert not (dark & ~truth.region("crack")).any()
    assert truth.region("crack").sum() < 1.4 * dark.sum()


def test_a_photo_without_a_label_file_holds_no_defect(walls: LabelledSet) -> None:
    _, truth = walls.load(walls.photos[5])
    assert truth.objects == ()
    assert not truth.region("crack").any()


def test_labels_follow_a_photo_that_is_made_smaller(walls: LabelledSet) -> None:
    whole, small = (walls.load(walls.photos[0], scale)[1] for scale in (1.0, 0.5))
    assert (small.height_px, small.width_px) == (SIDE_PX // 2, SIDE_PX // 2)
    np.testing.assert_allclose(small.objects[0].xyxy_px * 2, whole.objects[0].xyxy_px, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0.1 0.1 0.2 0.2 x 0.3", "line 1: not all numbers"),
        ("\n0 0.5 0.5 0.2 0.2", "line 2: 5 numbers are no polygon"),
        ("0 0.1 0.1 0.2 0.2 0.3", "line 1: 6 numbers are no polygon"),
        ("3 0.1 0.1 0.2 0.2 0.3 0.3", "line 1: class 3"),
        ("0 10 10 20 20 30 30", "line 1: corners outside 0 to 1"),
        ("0 nan 0.1 0.2 0.2 0.3 0.3", "line 1: corners outside 0 to 1"),
    ],
)
def test_a_broken_label_is_named_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    for part in ("images", "labels"):
        (tmp_path / "val" / part).mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "val" / "images" / "a.jpg")
    (tmp_path / "val" / "labels" / "a.txt").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"a\.txt, {message}"):
        read_labelled_set(tmp_path, "val")


def write_masks(folder: Path, mask: npt.NDArray[np.uint8], *, photo_px: tuple[int, int] = (40, 30)) -> LabelledSet:
    for part in ("images", "masks"):
        (folder / "test" / part).mkdir(parents=True)
    Image.new("RGB", photo_px).save(folder / "test" / "images" / "a.jpg")
    Image.fromarray(mask).save(folder / "test" / "masks" / "a.png")
    return read_labelled_set(folder)


def test_masks_hold_condition_states(tmp_path: Path) -> None:
    mask = np.zeros((30, 40), dtype=np.uint8)
    mask[5:20, 5:20], mask[5:20, 20:30] = 1, 3
    labelled = write_masks(tmp_path, mask)
    _, truth = labelled.load(labelled.photos[0])
    assert truth.states is not None
    assert np.array_equal(truth.states, mask)
    # States that touch are one patch of rust.
    assert [one.mask.shape for one in truth.objects] == [(15, 25)]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((40, 30), dtype=np.uint8), "30 x 40 px, its photo 40 x 30"),
        (np.full((30, 40), 7, dtype=np.uint8), "holds 7"),
    ],
)
def test_masks_that_do_not_fit_are_refused(tmp_path: Path, mask: npt.NDArray[np.uint8], message: str) -> None:
    labelled = write_masks(tmp_path, mask)
    with pytest.raises(SettingsError, match=message):
        labelled.load(labelled.photos[0])


def test_photos_without_labels_are_not_taken_for_sound_ones_unasked(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    with pytest.raises(SettingsError, match="--label-free"):
        read_labelled_set(tmp_path)
    assert read_labelled_set(tmp_path, label_free=True).layout == "label-free"


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize(("name", "photos", "kind"), [("cracks", 112, "crack"), ("corrosion", 44, "corrosion")])
def test_the_given_sets_are_understood(name: str, photos: int, kind: str) -> None:
    labelled = read_labelled_set(SHARED / "data" / name, "test")
    assert (len(labelled.photos), labelled.kinds) == (photos, (kind,))
    _, truth = labelled.load(labelled.photos[0])
    assert truth.objects


# Pairing and average precision


def test_boxes_and_masks_that_agree_have_an_iou_of_one() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10]])
    np.testing.assert_allclose(box_iou(boxes, boxes), [[1, 1 / 3], [1 / 3, 1]])
    crops = [(np.ones((8, 8), dtype=bool), 4, 4), (np.ones((8, 8), dtype=bool), 8, 4)]
    for grid_px in (1, 4):
        np.testing.assert_allclose(mask_iou(crops, crops, (30, 30), grid_px), [[1, 1 / 3], [1 / 3, 1]])


def test_two_detections_of_one_object_are_one_hit_and_one_false_alarm() -> None:
    iou = np.array([[0.6, 0.9]])
    assert matches(iou, np.array([0.5])).ravel().tolist() == [True, False]


def test_average_precision_of_a_small_example() -> None:
    score, right = np.array([0.9, 0.8, 0.7]), np.array([[True], [False], [True]])
    # Precision 1 up to a recall of 1/2, then 2/3: the curve is joined by straight lines, here one of no width.
    expected = 0.5 * 1 + 0.5 * 2 / 3
    assert average_precision(score, right, 2)[0] == pytest.approx(expected, abs=0.01)
    assert average_precision(score, right[[0, 2, 1]], 2)[0] == pytest.approx(1, abs=0.01)
    assert np.isnan(average_precision(score, right, 0)[0])


def test_counting_a_photo_twice_is_having_it_twice() -> None:
    rng = np.random.default_rng(3)
    score, right = rng.random(40), rng.random((40, 2)) < 0.6
    twice = average_precision(score, right, 30, weight=np.full(40, 2))
    repeated = average_precision(np.repeat(score, 2), np.repeat(right, 2, axis=0), 30)
    np.testing.assert_allclose(twice, repeated, atol=0.02)


# Centre lines, pixels, states


@pytest.mark.parametrize(("aside_px", "found"), [(0, 1.0), (1.5, 1.0), (2.5, 0.0)])
def test_a_line_counts_as_found_within_the_tolerance(aside_px: float, found: float) -> None:
    truth = points_along([MultiLineString([[(0, 0), (100, 0)]])])
    given = [MultiLineString([[(0, aside_px), (100, aside_px)]])]
    assert within(truth, given, 2.0).mean() == found


def test_a_line_is_found_as_far_as_it_is_covered() -> None:
    truth = points_along([MultiLineString([[(0, 0), (100, 0)]])])
    assert truth.length_px.sum() == pytest.approx(100)
    assert truth.length_px[within(truth, [MultiLineString([[(0, 0), (30, 0)]])], 2.0)].sum() == pytest.approx(32, abs=1)


def test_parts_of_a_region_have_a_line_each_where_they_lie() -> None:
    region = np.zeros((60, 100), dtype=bool)
    region[10:13, 5:95], region[40:43, 5:95] = True, True
    lines = region_lines(region)
    assert [round(line.centroid.y, 1) for line in lines] == [11.5, 41.5]
    assert [line.length for line in lines] == pytest.approx([90, 90], abs=1)


def test_states_are_judged_only_where_the_detector_gives_them() -> None:
    true = np.zeros((40, 40), dtype=np.uint8)
    true[:20, :20], true[20:, 20:] = 1, 3
    silent = state_tally(true, true > 0, None)
    assert silent["found_severe_px"] == silent["true_severe_px"] == 400
    assert (silent["severe_parts"], silent["severe_parts_found"]) == (1, 1)
    assert "given_fair_px" not in silent
    swapped = state_tally(true, true > 0, np.where(true == 1, 3, true).astype(np.uint8))
    assert (swapped["shared_fair_px"], swapped["shared_severe_px"], swapped["given_severe_px"]) == (0, 400, 800)


def test_the_truth_of_a_smaller_photo_keeps_its_objects() -> None:
    truth = from_mask("corrosion", np.pad(np.ones((20, 40), dtype=bool), 20))
    small = reduced(truth, 30, 40)
    assert (small.height_px, small.width_px, len(small.objects)) == (30, 40, 1)
    assert small.objects[0].mask.sum() == pytest.approx(200, rel=0.1)


# Intervals


def test_intervals_of_counts_are_the_published_ones() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert poisson(0) == pytest.approx((0, 3.6889), abs=1e-4)
    assert poisson(10) == pytest.approx((4.7954, 18.3904), abs=1e-4)


def test_resamples_are_the_same_for_the_same_seed_and_too_few_photos_give_none() -> None:
    assert np.array_equal(resamples(8, count=20, seed=1), resamples(8, count=20, seed=1))
    assert (resamples(8, count=20, seed=1).sum(axis=1) == 8).all()
    assert resamples(4, count=20, seed=1).shape == (0, 4)


def test_scores_that_mean_what_they_say_have_no_calibration_error() -> None:
    right = np.arange(100) < 75
    bins, error = reliability([np.column_stack([np.full(100, 0.75), right])])
    assert error == pytest.approx(0)
    assert (bins[0].detections, bins[0].right) == (100, 0.75)
    assert reliability([np.column_stack([np.full(100, 0.95), right])])[1] == pytest.approx(0.2)
    assert reliability([])[1] is None


# Whole evaluations


def test_a_detector_that_is_always_right_has_full_marks(walls: LabelledSet) -> None:
    evaluation = judge(walls, perfect_detector, perfect_detector)
    got = values(evaluation)
    for name in ("defect_recall", "defect_precision", "line_recall", "line_precision", "line_f1"):
        assert got[name] == pytest.approx(1, abs=0.01), name
    assert got["box_map50"] == pytest.approx(1, abs=0.01)
    assert got["mask_map50"] == pytest.approx(1, abs=0.01)
    assert got["box_map50_joined"] == pytest.approx(1, abs=0.01)
    # 5 px wide, and labels include the outline's own pixels.
    assert got["line_recall_4_to_8_px"] == pytest.approx(1, abs=0.01)
    assert evaluation.photos_without_label == 1
    assert evaluation.kinds["crack"].figures["defect_recall"].n == 7
    assert set(evaluation.kinds["crack"].sites) == {"north", "south"}


def test_a_crack_labelled_in_two_pieces_is_one_object_when_labels_that_touch_are_joined() -> None:
    upper, lower = ([(50, 10), (50, 50), (54, 50), (54, 10)], [(50, 52), (50, 90), (54, 90), (54, 52)])
    apart = [(70, 10), (70, 90), (73, 90), (73, 10)]
    shapes = [("crack", np.array(corners, dtype=float)) for corners in (upper, lower, apart)]
    truth = from_polygons(shapes, 100, 100)
    joined = joined_objects(truth, "crack")
    assert len(truth.objects) == 3
    assert [one.xyxy_px.tolist() for one in joined] == [[50, 10, 55, 91], [70, 10, 74, 91]]
    assert sum(int(one.mask.sum()) for one in joined) == truth.region("crack").sum()
    assert joined_objects(truth, "corrosion") == ()


def test_slips_of_the_brush_are_no_joined_objects() -> None:
    region = np.zeros((60, 60), dtype=bool)
    region[5:25, 5:25] = region[27:30, 5:25] = region[50:52, 50:52] = True
    [sheet] = joined_objects(from_mask("corrosion", region), "corrosion")
    assert sheet.xyxy_px.tolist() == [5, 5, 25, 30]


def test_a_blind_detector_finds_nothing_and_has_no_precision(walls: LabelledSet) -> None:
    got = values(judge(walls, blind_detector, blind_detector))
    assert got["line_recall"] == got["line_f1"] == got["defect_recall"] == got["mask_map50"] == 0
    assert got["line_precision"] is None
    assert got["defect_precision"] is None


def test_half_a_crack_is_half_the_recall_at_full_precision(walls: LabelledSet) -> None:
    got = values(judge(walls, half_detector))
    assert got["line_recall"] == pytest.approx(0.5, abs=0.05)
    assert got["line_precision"] == pytest.approx(1, abs=0.01)
    assert "mask_map50" not in got


def test_the_missing_part_of_a_crack_found_by_half_or_more_is_a_miss(walls: LabelledSet) -> None:
    def most_detector(tile: npt.NDArray[np.uint8]) -> Detections:
        seen = tile.copy()
        seen[:, 3 * tile.shape[1] // 5 :] = 255
        return perfect_detector(seen)

    judged = Judged(Subject(name="oracle", sha256="0" * 64, thresholds={}), most_detector)
    blunders = [
        one
        for score in score_photos(walls, judged, ("crack",), default_conditions())
        for one in score.kinds["crack"].blunders
    ]
    parts = [one for one in blunders if one.part]
    assert parts
    for one in parts:
        assert one.score is None
        assert one.xyxy_px[0] == pytest.approx(3 * SIDE_PX / 5, abs=6)
        assert one.size == pytest.approx(one.xyxy_px[2] - one.xyxy_px[0], rel=0.5)


def test_what_a_patch_lacks_is_shown_and_its_rim_is_not() -> None:
    wrong = np.zeros((60, 60), dtype=bool)
    wrong[:2], wrong[:, :3] = True, True
    assert wrong_patch("corrosion", wrong, 10, 20, None, 100) is None
    wrong[30:50, 20:60] = True
    patch = wrong_patch("corrosion", wrong, 10, 20, 0.7, 100)
    assert patch is not None
    assert (patch.xyxy_px, patch.size, patch.score, patch.part) == ((30, 50, 70, 70), 800, 0.7, True)


def without_splits(walls: LabelledSet, folder: Path) -> Path:
    shutil.copytree(walls.photos[0].path.parents[1], folder)
    return folder


def test_a_folder_without_splits_is_judged_whole_and_says_so(walls: LabelledSet, tmp_path: Path) -> None:
    labelled = read_labelled_set(without_splits(walls, tmp_path / "site"))
    assert (labelled.name, labelled.has_splits, len(labelled.photos)) == ("site/all", False, 6)
    assert (walls.has_splits, walls.name.rpartition("/")[2]) == (True, "test")


@pytest.mark.parametrize("below_images", [True, False])
def test_a_split_that_is_not_there_is_refused_with_the_names_of_those_that_are(
    walls: LabelledSet, tmp_path: Path, below_images: bool
) -> None:
    for split in ("train", "val"):
        for part in ("images", "labels"):
            to = tmp_path / "yolo" / (Path(part) / split if below_images else Path(split) / part)
            shutil.copytree(walls.photos[0].path.parents[1] / part, to)
    assert len(read_labelled_set(tmp_path / "yolo", "val").photos) == 6
    app = typer.Typer()
    app.command()(evaluate)
    result = CliRunner().invoke(app, ["crack-corrosion", str(tmp_path / "yolo"), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, SettingsError)
    assert str(result.exception) == (
        f"{tmp_path / 'yolo'} has no labelled split test, only train, val; name one of these with --split, "
        "or rename the folders"
    )
    assert not (tmp_path / "out").exists()


def test_sites_below_images_are_no_splits(walls: LabelledSet, tmp_path: Path) -> None:
    for part in ("images", "labels"):
        for site in ("north", "south"):
            shutil.copytree(walls.photos[0].path.parents[1] / part, tmp_path / "sites" / part / site)
    labelled = read_labelled_set(tmp_path / "sites")
    assert (labelled.name, len(labelled.photos)) == ("sites/all", 12)
    assert {photo.site for photo in labelled.photos} == {"north", "south"}


def test_differences_that_few_photos_cannot_show_are_named(walls: LabelledSet) -> None:
    evaluation = judge(walls, half_detector)
    one = evaluation.kinds["crack"].figures["line_f1"]
    assert one.low is not None
    assert one.high is not None
    told = sample_verdict(evaluation, "crack")
    [below] = re.findall(r"^6 photos: differences in line_f1 below (\d\.\d\d) prove nothing", told)
    assert 0 <= float(below) - (one.high - one.low) / 2 < 0.01
    few = evaluation.model_copy(
        update={"photos": 3, "kinds": {"crack": KindFigures(figures={"line_f1": one.model_copy(update={"low": None})})}}
    )
    assert sample_verdict(few, "crack").startswith("3 photos: too few for an interval")


def test_each_figure_is_printed_with_its_meaning(walls: LabelledSet) -> None:
    lines = figures_table(judge(walls, half_detector)).splitlines()
    [line, *by_site] = [one for one in lines if one.startswith("line_recall ")]
    assert len(by_site) == 2
    assert line.endswith("part of the labelled crack length that was found")


def test_a_page_says_where_there_is_no_miss_and_no_false_alarm(walls: LabelledSet, tmp_path: Path) -> None:
    judged = Judged(Subject(name="oracle", sha256="0" * 64, thresholds={}), perfect_detector)
    conditions = default_conditions().model_copy(update={"resamples": 0})
    for detector, missed in ((perfect_detector, False), (half_detector, True)):
        scores = score_photos(walls, replace(judged, detector=detector), ("crack",), conditions)
        evaluation = evaluation_of(walls, judged.subject, scores, ("crack",), conditions)
        write_page(tmp_path / "page.html", evaluation, walls, scores)
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert ("<img" in page, "No miss" in page, "No false alarm" in page) == (missed, not missed, True)


def test_everything_found_where_nothing_is_counts_as_a_false_alarm(tmp_path: Path) -> None:
    for number in range(5):
        Image.fromarray(draw_cracks(CRACKS, 5, (SIDE_PX, SIDE_PX))).save(tmp_path / f"{number}.png")
    evaluation = judge(read_labelled_set(tmp_path, label_free=True), perfect_detector)
    alarms = evaluation.kinds["crack"].figures["alarms_per_100_mpx"]
    assert alarms.n == 10
    assert alarms.value == pytest.approx(100 * 10 / (5 * SIDE_PX**2 / 1e6))
    assert evaluation.kinds["corrosion"].figures["alarms_per_100_mpx"].value == 0


class StatefulDetector:
    """Finds all that is red as corrosion, and reads its state from the green."""

    def __call__(self, tile: npt.NDArray[np.uint8], /) -> Detections:
        found = perfect_detector(np.repeat(255 - tile[..., :1], 3, axis=2))
        return Detections(found.xyxy_px, found.score, np.full(len(found), "corrosion"), found.masks)

    def condition_states(self, image: npt.NDArray[np.uint8], /) -> npt.NDArray[np.uint8]:
        return (image[..., 1] // 50).astype(np.uint8)


def test_condition_states_are_null_unless_the_detector_gives_them(tmp_path: Path) -> None:
    states = np.zeros((80, 80), dtype=np.uint8)
    states[10:40, 10:40], states[10:40, 40:60] = 1, 2
    labelled = write_masks(tmp_path, states, photo_px=(80, 80))
    rgb = np.stack([np.where(states > 0, 255, 0), states * 50, states * 0], axis=2).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "test" / "images" / "a.png")
    (tmp_path / "test" / "images" / "a.jpg").unlink()
    labelled = read_labelled_set(tmp_path)
    detector = StatefulDetector()
    told = values(judge(labelled, detector), "corrosion")
    assert told["pixel_iou"] == pytest.approx(1, abs=0.01)
    assert (told["state_f1_fair"], told["state_f1_poor"], told["state_f1_severe"]) == (1, 1, None)
    assert told["state_f1_weighted"] == pytest.approx(1)
    painted = np.where(states[..., None] == 2, (255, 150, 0), rgb).astype(np.uint8)
    Image.fromarray(painted).save(tmp_path / "test" / "images" / "a.png")
    wrong = values(judge(read_labelled_set(tmp_path), detector), "corrosion")
    # Named severe where it is poor; of severe itself no photo tells anything.
    assert (wrong["state_f1_fair"], wrong["state_f1_poor"], wrong["state_f1_severe"]) == (1, 0, None)
    untold = values(judge(labelled, lambda tile: detector(tile)), "corrosion")
    assert untold["pixel_recall_poor"] == 1
    assert untold["state_f1_fair"] is None


def test_a_detector_differs_from_itself_by_nothing(walls: LabelledSet) -> None:
    conditions = default_conditions().model_copy(update={"resamples": 50})
    subject = Subject(name="oracle", sha256="0" * 64, thresholds={})
    one, half = (
        score_photos(walls, Judged(subject, detector), ("crack",), conditions)
        for detector in (perfect_detector, half_detector)
    )
    same = compare(one, one, subject, ("crack",), conditions).figures["crack"]
    assert {figure.value for figure in same.values() if figure.value is not None} == {0}
    better = compare(one, half, subject, ("crack",), conditions).figures["crack"]["line_recall"]
    assert better.low is not None
    assert better.low > 0.3
    with pytest.raises(SettingsError, match="same photos"):
        compare(one, half[::-1], subject, ("crack",), conditions)


def test_the_order_of_workers_has_no_influence(walls: LabelledSet) -> None:
    first, second = (judge(walls, half_detector).model_dump(exclude={"seconds"}) for _ in range(2))
    assert first == second


def test_an_evaluation_survives_writing_and_reading(walls: LabelledSet, tmp_path: Path) -> None:
    evaluation = judge(walls, perfect_detector, perfect_detector)
    path = tmp_path / "evaluation.json"
    write_evaluation(evaluation, path)
    assert read_evaluation(path) == evaluation
    assert "line_recall" in figures_table(evaluation)
    path.write_text(path.read_text(encoding="utf-8").replace('"weights"', '"wights"'), encoding="utf-8")
    with pytest.raises(SettingsError, match="no evaluation"):
        read_evaluation(path)


def test_weights_and_labels_must_have_a_kind_in_common(walls: LabelledSet) -> None:
    judged = Judged(Subject(name="x", sha256="0" * 64, thresholds={}), blind_detector, ("spalling",))
    with pytest.raises(SettingsError, match="labels crack"):
        judged_kinds(walls, [judged])


def test_the_command_leaves_figures_and_a_page_that_needs_no_network(walls: LabelledSet, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(evaluate)
    dataset, out = walls.photos[0].path.parents[2], tmp_path / "out"
    options = ["--out", str(out), "--resamples", "20", "--against", "first-crack-corrosion", "--resolution", "0.5"]
    result = CliRunner().invoke(app, ["first-crack-corrosion", str(dataset), "--quiet", *options])
    assert result.exit_code == 0, result.output
    evaluation = read_evaluation(out / "evaluation.json")
    assert evaluation.conditions.tolerance_mm == 1.0
    assert evaluation.comparison is not None
    assert {one.value for one in evaluation.comparison.figures["crack"].values() if one.value is not None} == {0}
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in page
    assert "http://" not in page
    assert "https://" not in page
    assert json.loads((out / "evaluation.json").read_text(encoding="utf-8"))["format"] == 1


def test_the_command_calls_a_folder_without_splits_all(walls: LabelledSet, tmp_path: Path) -> None:
    app, out = typer.Typer(), tmp_path / "out"
    app.command()(evaluate)
    command = ["first-crack-corrosion", str(without_splits(walls, tmp_path / "site")), "--out", str(out)]
    result = CliRunner().invoke(app, [*command, "--resamples", "0"])
    assert result.exit_code == 0, result.output
    evaluation = read_evaluation(out / "evaluation.json")
    assert evaluation.dataset == "site/all"
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    for told in (result.output, page, "\n".join(evaluation.notes)):
        assert told.count("The folder has no splits") == 1
        assert "site/test" not in told


def test_weights_that_tell_no_states_are_judged_on_labels_that_do(tmp_path: Path) -> None:
    mask = np.zeros((96, 128), dtype=np.uint8)
    mask[20:60, 30:90] = 2
    labelled = write_masks(tmp_path / "site", mask, photo_px=(128, 96))
    outcome = evaluate_weights(
        "first-crack-corrosion",
        labelled,
        tmp_path / "out",
        conditions=default_conditions().model_copy(update={"resamples": 0}),
        min_score=0.99,
    )
    figures = outcome.evaluation.kinds["corrosion"].figures
    assert figures["pixel_recall"].value is not None
    assert figures["state_f1_weighted"].value is None


def test_a_judgement_that_is_stopped_says_that_nothing_changed(
    walls: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.command()(evaluate)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tenken_training.evaluation.evaluate_weights", stopped)
    told = CliRunner().invoke(app, ["default", str(walls.photos[0].path.parents[2]), "--out", str(tmp_path / "out")])
    assert told.exit_code == INTERRUPTED
    assert "inspect: stopped; nothing was changed" in told.output


# Stand-ins for elsewhere

SCENE_PX = (240, 320)


def test_looks_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    none = np.zeros((100, 100), dtype=bool)
    grey = np.full((100, 100, 3), 120, dtype=np.uint8)
    assert look_of(grey, none) == "grey smooth"
    assert look_of(grey + 80, none) == "pale smooth"
    assert look_of(grey + np.array([0, 60, 0], dtype=np.uint8), none) == "painted"
    assert look_of((grey + rng.normal(0, 25, (100, 100, 1))).clip(0, 255).astype(np.uint8), none) == "rough"


def test_rendered_cracks_are_dark_and_their_width_is_known() -> None:
    scene = concrete_scene(3, 1.2, size_px=SCENE_PX)
    assert np.array_equal(scene.image, concrete_scene(3, 1.2, size_px=SCENE_PX).image)
    region, width = scene.truth.region("crack"), scene.truth.crack_width_px
    assert width is not None
    assert (width > 0).sum() == region.sum()
    wide = width > 2
    assert wide.any()
    # Beside the crack, past its blur: stains make other places darker than any crack.
    beside = ndimage.binary_dilation(region, iterations=8) & ~ndimage.binary_dilation(region, iterations=3)
    assert scene.image[wide].mean() < scene.image[beside].mean() - 10
    assert not concrete_scene(3, 1.2, cracked=False, size_px=SCENE_PX).truth.region("crack").any()


def test_rendered_rust_is_redder_than_the_paint() -> None:
    scene = steel_scene(2, 1.2, size_px=SCENE_PX)
    rust = scene.truth.region("corrosion")
    red, blue = scene.image[..., 0].astype(float), scene.image[..., 2].astype(float)
    # Rust runs stain the paint below patches, so the margin is not the whole difference of the colours.
    assert (red - blue)[rust].mean() > (red - blue)[~rust].mean() + 10


def test_polygons_outside_the_photo_are_cut() -> None:
    truth = from_polygons([("crack", np.array([[90.0, 10], [100, 10], [100, 20], [90, 20]]))], 50, 100)
    assert truth.objects[0].mask.shape == (11, 10)
    assert LabelledPhoto("a", "", Path("a"), None).label is None
