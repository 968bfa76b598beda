"""Retraining on new photos: what is learned from, what is chosen, and that an interrupted one goes on alike."""

import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio.features
from PIL import Image
from scipy.special import expit
from shapely import box, union_all
from shapely.geometry import shape
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("ultralytics", reason="training needs the train extra")

import torch

from own_process import pass_in_own_process
from tenken.cli import app
from tenken.detection.detect import KINDS
from tenken.detection.weights import find_weights
from tenken.errors import SettingsError, WeightsError
from tenken.hashing import file_sha256
from tenken.running.progress import Silence
from tenken_demo.noise import stream
from tenken_training import publish as publishing
from tenken_training.annotations.dataset import (
    Absence,
    AnnotatedPhoto,
    Dataset,
    Label,
    Split,
    clean_area,
    write_dataset,
)
from tenken_training.calibrate import Calibration, Seen, objects_of
from tenken_training.cleaning import CORROSION, CRACK
from tenken_training.curves import append_row, read_rows
from tenken_training.drawn_defects import draw_cracks
from tenken_training.evaluation import read_labelled_set
from tenken_training.mining import read_mined
from tenken_training.network import open_network
from tenken_training.rasters import read_raster
from tenken_training.retraining import Request, defaults, rendered, retrain, sources
from tenken_training.retraining.blending import Choice, best_epoch, chosen_blend, enough, keeps
from tenken_training.retraining.crops import MixedCrops, replay_shares, site_shares
from tenken_training.retraining.pictures import Prepared, prepare_photos
from tenken_training.retraining.scores import Groups, Known, Scores, balanced, held, scores_of
from tenken_training.retraining.settings import Photos, StartWeights
from tenken_training.retraining.sources import given_set, photos_to_judge, prepare_sources
from tenken_training.view import UNKNOWN_STATE
from tenken_training.weights_network import network_of_weights

SIDE_PX = 128
CORNER = box(0, 0, 20, 20)


def wall(number: int) -> tuple[npt.NDArray[np.uint8], Label]:
    """A wall with drawn cracks, and their label."""
    rng = stream(11, "retraining wall", number)
    ground = np.clip(rng.normal(150, 6, (SIDE_PX, SIDE_PX, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)
    image, masks = draw_cracks(rng, ground)
    found = [part for mask in masks for part in rasterio.features.shapes(mask.astype(np.uint8))]
    area = clean_area(union_all([shape(part) for part, value in found if value]))
    return image, Label("crack", area if area is not None else CORNER)


def made_set(folder: Path, splits: dict[Split, int], **changes: object) -> Dataset:
    """Cracked walls by split, and in each split a sound one; cracks and rust were looked for."""
    pictures = folder.with_name(folder.name + "-pictures")
    pictures.mkdir(parents=True)
    photos: list[AnnotatedPhoto] = []
    for split, count in splits.items():
        for number in range(count):
            image, label = wall(len(photos))
            path = pictures / f"{split}-{number}.png"
            Image.fromarray(image).save(path)
            labels = () if number == count - 1 else (label,)
            photo = AnnotatedPhoto(
                f"bridge/{path.name}", path, "bridge", split, SIDE_PX, SIDE_PX, file_sha256(path), KINDS, labels
            )
            photos.append(replace(photo, **changes))  # type: ignore[arg-type]
    return write_dataset(Dataset(folder, folder.name, tuple(photos)))


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return made_set(tmp_path_factory.mktemp("sets") / "walls", {"train": 5, "val": 3, "test": 5})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few and small pictures and steps, one thread."""
    for module, name, value in (
        (sources, "SURFACES", 12),
        (sources, "SURFACE_PX", 96),
        (defaults, "CROP_PX", 64),
        (defaults, "FEWEST_STEPS", 4),
        (defaults, "MOST_STEPS", 4),
        (defaults, "STEPS_PER_EPOCH", 2),
        (defaults, "CPU_BATCH", 2),
        (defaults, "PROBE_STEPS", 1),
        (rendered, "PICTURE_PX", 96),
        (rendered, "PICTURES", {"train": 2, "val": 2}),
        (publishing, "SHOWN_SEEDS", ()),
    ):
        monkeypatch.setattr(module, name, value)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def prepared(dataset: Dataset, folder: Path, split: Split = "train") -> Prepared:
    return prepare_photos(read_labelled_set(dataset.root, split), "train", "site", folder)


def one_photo(folder: Path, **changes: object) -> Dataset:
    """One photo that shows a crack in the middle and rust at the left, unless changed."""
    crack, rust = Label("crack", box(20, 60, 110, 64)), Label("corrosion", box(0, 90, 40, 120), state="poor")
    return made_set(folder, {"train": 1}, **({"labels": (crack, rust)} | changes))


# What is learned from


def test_a_photo_of_both_kinds_teaches_each_without_denying_the_other(tmp_path: Path) -> None:
    made = prepared(one_photo(tmp_path / "both"), tmp_path)
    assert [photo.kind for photo in made.photos] == ["crack", "corrosion"]
    crack, rust = ((read_raster(tmp_path / one.labels), read_raster(tmp_path / one.ignore)) for one in made.photos)
    assert (crack[0] > 0).sum() == 90 * 4
    assert set(np.unique(rust[0])) == {0, 2}
    assert (crack[1][95:115, 5:35] == 1 << CORROSION).all()
    assert (rust[1][61:63, 30:100] == 1 << CRACK).all()
    assert crack[1][10, 100] == rust[1][10, 100] == 0
    [width_px] = made.widths_px
    assert width_px == pytest.approx(4, abs=0.5)


def test_a_kind_that_nobody_looked_for_is_left_out_everywhere(tmp_path: Path) -> None:
    dataset = one_photo(tmp_path / "one", kinds=("crack",), labels=(Label("crack", box(20, 60, 110, 64)),))
    made = prepared(dataset, tmp_path)
    [photo] = made.photos
    assert (read_raster(tmp_path / photo.ignore) == 1 << CORROSION).all()


def test_an_ignored_label_and_rust_of_unknown_state(tmp_path: Path) -> None:
    labels = (Label("crack", box(0, 0, 30, 30), ignore=True), Label("corrosion", box(50, 50, 90, 90)))
    made = prepared(one_photo(tmp_path / "some", labels=labels), tmp_path)
    [photo] = made.photos
    assert photo.kind == "corrosion"
    assert set(np.unique(read_raster(tmp_path / photo.labels))) == {0, UNKNOWN_STATE}
    assert (read_raster(tmp_path / photo.ignore)[:30, :30] & 1 << CRACK).all()


def test_a_sound_photo_is_a_negative(tmp_path: Path) -> None:
    [photo] = prepared(one_photo(tmp_path / "sound", labels=()), tmp_path).photos
    assert photo.kind == "flight"
    assert not read_raster(tmp_path / photo.ignore).any()


def test_large_photos_are_cut_and_lose_no_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenken_training.retraining import pictures

    monkeypatch.setattr(pictures, "LARGEST_PX", 100)
    monkeypatch.setattr(pictures, "TILE_PX", 64)
    made = prepared(one_photo(tmp_path / "cut"), tmp_path)
    assert len({photo.image for photo in made.photos}) >= 3
    total = sum(int((read_raster(tmp_path / one.labels) > 0).sum()) for one in made.photos if one.kind == "crack")
    assert total == 90 * 4


def test_places_that_a_person_called_no_defect_are_cut_as_negatives(tmp_path: Path, quick: None) -> None:
    made = made_set(tmp_path / "absent", {"train": 6, "val": 2}, absent=(Absence("crack", box(5, 5, 30, 12)),))
    got = prepare_sources(given_set(made.root), (), 0, tmp_path / "prepared", "0" * 64)
    assert got.absent == 6
    assert "mined_negative" in site_shares(got)
    assert read_mined(tmp_path / "prepared").places[0].xyxy_px == (5, 5, 30, 12)


def test_without_validation_photos_some_training_photos_are_held_out(tmp_path: Path) -> None:
    given = given_set(made_set(tmp_path / "held", {"train": 10}).root)
    assert (len(given.train.photos), len(given.val.photos)) == (8, 2)
    assert "no validation photos" in given.note
    assert not {photo.name for photo in given.train.photos} & {photo.name for photo in given.val.photos}
    with pytest.raises(SettingsError, match="annotate 5 or more"):
        given_set(made_set(tmp_path / "few", {"train": 3}).root)


def test_a_folder_without_splits_is_no_test_of_what_was_trained_on(tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for number in range(6):
        Image.fromarray(wall(number)[0]).save(tmp_path / "images" / f"{number}.png")
        (tmp_path / "labels" / f"{number}.txt").write_text("0 0.1 0.4 0.9 0.4 0.9 0.5\n", encoding="utf-8")
    given = given_set(tmp_path)
    assert (len(given.train.photos), len(given.val.photos)) == (5, 1)
    assert photos_to_judge(tmp_path, given.train) is None


def test_earlier_photos_outweigh_rendered_ones_where_there_are_any(walls: Dataset, tmp_path: Path, quick: None) -> None:
    site = given_set(walls.root)
    alone = prepare_sources(site, (), 0, tmp_path / "alone", "0" * 64)
    with_earlier = prepare_sources(site, (site,), 0, tmp_path / "earlier", "0" * 64)
    assert replay_shares(with_earlier)["crack_photo"] > replay_shares(alone)["crack_photo"]
    assert replay_shares(with_earlier)["corrosion_photo"] == replay_shares(alone)["corrosion_photo"]
    assert sum(photo.image.startswith("pictures/replay0-train") for photo in with_earlier.replay) == 5


# The network that it starts from


def test_a_network_rebuilt_from_weights_computes_what_they_compute(tmp_path: Path) -> None:
    network = network_of_weights(find_weights("crack-corrosion").path)
    checkpoint = Path(__file__).resolve().parents[1] / "training" / "checkpoints" / "crack-corrosion.pt"
    image = torch.rand(1, 3, 96, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        rebuilt, original = network.eval()(image), open_network(checkpoint, "cpu").eval()(image)
    assert rebuilt.shape == (1, 5, 48, 32)
    assert float((rebuilt[:, :2].sigmoid() - original[:, :2].sigmoid()).abs().max()) < 0.01
    assert not [name for name in network.state_dict() if "running_mean" in name]


def test_weights_of_another_make_are_no_start() -> None:
    with pytest.raises(WeightsError, match="can be trained on"):
        network_of_weights(find_weights("first-crack-corrosion").path)


def test_the_crops_of_what_was_known_are_held_to_what_was_said_of_them(
    walls: Dataset, tmp_path: Path, quick: None
) -> None:
    site = given_set(walls.root)
    got = prepare_sources(site, (site,), 0, tmp_path, "0" * 64)
    photos = Photos(folder="walls", sha256="0" * 64, photos=5)
    settings = defaults.chosen_settings(
        "walls", StartWeights(name="x", sha256="0" * 64), photos, (photos,), got, seed=0, batch=2, minutes=1.0
    )
    crops = [MixedCrops(settings, got, tmp_path).crop(1, number) for number in range(60)]
    share = sum(crop.held[CRACK] for crop in crops) / len(crops)
    assert share == pytest.approx(settings.replay_share, abs=0.2)
    assert any(crop.crack_numbers.any() for crop in crops if not crop.held[CRACK])
    # Of corrosion, which the walls do not show, nothing is learned, and nothing forgotten.
    assert all(crop.held[CORROSION] and crop.ignore[CORROSION].all() and not crop.rust.any() for crop in crops)
    assert any(not crop.ignore[CRACK].any() for crop in crops)


# What is chosen


def test_a_fit_ends_when_the_new_site_and_what_was_known_do_worse(tmp_path: Path) -> None:
    told = ((0.2, 0.8), (0.5, 0.7), (0.5, 0.75), (0.495, 0.75), (0.45, 0.75), (0.5, 0.7), (0.4, 0.8))
    for epoch, (site, known) in enumerate(told, start=1):
        append_row(tmp_path / "curves.csv", {"epoch": epoch, "val_site_score": site, "val_replay_score": known})
        assert not enough(tmp_path)
    append_row(tmp_path / "curves.csv", {"epoch": 8, "val_site_score": 0.6, "val_replay_score": 0.6})
    # The fourth does about as well as the third.
    assert best_epoch(tmp_path) == 4
    assert enough(tmp_path)


@pytest.mark.parametrize(
    ("site", "replay", "share"),
    [
        ((0.3, 0.4, 0.5, 0.6, 0.7), (0.8, 0.8, 0.8, 0.8, 0.8), 1.0),
        ((0.3, 0.4, 0.5, 0.6, 0.7), (0.8, 0.81, 0.795, 0.7, 0.6), 0.25),
        ((0.3, 0.4, 0.5, 0.6, 0.7), (0.8, 0.797, 0.795, 0.7, 0.6), 0.5),
        ((0.3, 0.4, 0.5, 0.6, 0.7), (0.8, 0.799, 0.795, 0.7, 0.6), 0.25),
        ((0.3, 0.4, 0.86, 0.9, 0.9), (0.8, 0.8, 0.8, 0.8, 0.8), 0.5),
        ((0.3, 0.301, 0.302, 0.3, 0.2), (0.8, 0.8, 0.8, 0.8, 0.8), 0.0),
        ((0.3, 0.9, 0.9, 0.9, 0.9), (0.8, 0.7, 0.6, 0.5, 0.4), 0.0),
    ],
)
def test_the_blend_gains_most_without_losing_what_was_known(
    tmp_path: Path, site: tuple[float, ...], replay: tuple[float, ...], share: float
) -> None:
    checkpoint = Path(__file__).resolve().parents[1] / "training" / "checkpoints" / "crack-corrosion.pt"
    told = iter([Scores({}, one, other, kept=True) for one, other in zip(site, replay, strict=True)])
    first: list[Scores | None] = []

    def judged(begun: Scores | None) -> Scores:
        first.append(begun)
        return next(told)

    choice: Choice = chosen_blend(checkpoint, checkpoint, lambda _, begun: judged(begun), tmp_path)
    assert choice.share == share
    # The start is judged first and alone, the others with what it gave.
    assert first[0] is None
    assert all(begun is not None and (begun.site, begun.replay) == (site[0], replay[0]) for begun in first[1:])
    assert choice.unchanged == (share == 0)
    assert choice.path.is_file()
    assert len((tmp_path / "shares.csv").read_text(encoding="utf-8").splitlines()) == 6


def test_what_one_source_gains_does_not_make_up_for_what_another_loses() -> None:
    begun = Scores({}, 0.3, 0.8, kept=True, by_source=(0.7, 0.9))
    assert keeps(Scores({}, 0.5, 0.8, kept=True, by_source=(0.705, 0.895)), begun, 0.0)
    assert not keeps(Scores({}, 0.5, 0.82, kept=True, by_source=(0.78, 0.86)), begun, 0.01)
    assert not keeps(Scores({}, 0.5, 0.795, kept=True, by_source=(0.7, 0.895)), begun, 0.0)
    assert keeps(Scores({}, 0.5, 0.795, kept=True, by_source=(0.7, 0.895)), begun, 0.01)


def seen(certain: float, label: bool) -> Seen:
    """A picture with a stripe of which the network is so certain, which may be labelled."""
    probability = np.full((2, 64, 64), 0.01, np.float16)
    probability[0, 30:33, 4:60] = certain
    labels = np.zeros((2, 64, 64), bool)
    labels[0, 30:33, 4:60] = label
    return Seen(probability, labels, np.zeros_like(labels), (not label, not label))


def test_scores_are_kept_unless_new_ones_are_clearly_better() -> None:
    card = find_weights("crack-corrosion").card
    known = (*[seen(0.95, label=True)] * 8, *[seen(0.01, label=False)] * 8)
    kept = scores_of(CRACK, "crack", Groups((seen(0.95, label=True),) * 8, known), card, [Known(0.5, 0.5)])
    assert (kept.threshold, kept.rule) == (card.thresholds["crack"], card.objects["crack"])
    assert "kept" in kept.note
    faint = Groups((seen(0.45, label=True),) * 8, known)
    new = scores_of(CRACK, "crack", faint, card, [Known(0.5, 0.5)])
    assert "clearly better" in new.note
    assert new.rule.low < card.objects["crack"].low
    assert scores_of(CORROSION, "corrosion", faint, card, [Known(0.0, 0.0)]).threshold == card.thresholds["corrosion"]


def test_a_step_takes_what_its_slower_part_takes_and_shared_cores_do_both() -> None:
    assert defaults.step_seconds(1.0, 2.0, workers=0, shared_cores=2) == 3.0
    assert defaults.step_seconds(1.0, 2.0, workers=1, shared_cores=2) == 2.5
    assert defaults.step_seconds(6.0, 2.0, workers=2, shared_cores=4) == 3.5
    assert defaults.step_seconds(6.0, 1.0, workers=2, shared_cores=0) == 3.0
    assert defaults.step_seconds(1.0, 2.0, workers=4, shared_cores=0) == 2.0


def test_scores_that_would_cost_what_was_known_are_not_taken() -> None:
    card = find_weights("crack-corrosion").card
    # As faint as the cracks of the new site are things on earlier walls that are none.
    known = (*[seen(0.95, label=True)] * 8, *[seen(0.45, label=False)] * 24)
    assert (
        "kept" in scores_of(CRACK, "crack", Groups((seen(0.45, label=True),) * 8, known), card, [Known(0.5, 0.5)]).note
    )


def test_the_lowest_score_rises_where_what_is_shown_became_less_right() -> None:
    card = find_weights("crack-corrosion").card
    scores = Calibration(card.objects["crack"], 0.1, "")
    pictures = [seen(0.98, label=True)] * 9 + [seen(0.93, label=False)] * 3
    assert detected(scores, pictures) == (9, 3)
    raised = held(CRACK, "crack", scores, [pictures], [Known(precision=0.9, recall=1.0)])
    assert raised.threshold > 0.1
    assert raised.rule == scores.rule
    assert detected(raised, pictures) == (9, 0)
    # What is right often enough stays as it is, and what no score can mend does too.
    assert held(CRACK, "crack", scores, [pictures], [Known(precision=0.7, recall=0.5)]) == scores
    assert held(CRACK, "crack", scores, [[seen(0.98, label=False)]], [Known(precision=0.9, recall=0.5)]) == scores
    assert held(CRACK, "crack", scores, [[]], [Known(precision=0.9, recall=0.5)]) == scores


def test_the_lowest_score_falls_where_less_is_shown_than_before() -> None:
    card = find_weights("crack-corrosion").card
    scores = Calibration(card.objects["crack"], 0.85, "")
    surer, fainter, wrong = seen(0.98, label=True), seen(0.7, label=True), seen(0.6, label=False)
    pictures = [surer] * 6 + [fainter] * 3 + [wrong]
    assert detected(scores, pictures) == (6, 0)
    lowered = held(CRACK, "crack", scores, [pictures], [Known(precision=1.0, recall=0.9)])
    assert detected(lowered, pictures) == (9, 0)
    assert lowered.threshold > 0.1
    # Enough is shown already; or what is fainter is as often wrong.
    assert held(CRACK, "crack", scores, [pictures], [Known(precision=1.0, recall=0.6)]) == scores
    doubtful = [surer] * 8 + [seen(0.75, label=False)] * 4 + [fainter] * 2
    assert held(CRACK, "crack", scores, [doubtful], [Known(precision=1.0, recall=0.9)]) == scores


def test_between_what_is_lost_and_what_is_wrong_the_lowest_score_lies_where_neither_is_worst() -> None:
    card = find_weights("crack-corrosion").card
    scores = Calibration(card.objects["crack"], 0.1, "")
    pictures = [seen(0.98, label=True)] * 50 + [seen(0.75, label=False)] * 4 + [seen(0.7, label=True)]
    assert detected(scores, pictures) == (51, 4)
    # One crack in 51 less is a smaller loss than four of 55 that are none; and the other way round.
    assert detected(held(CRACK, "crack", scores, [pictures], [Known(1.0, 1.0)]), pictures) == (50, 0)
    few = [*pictures[:53], *pictures[-1:] * 9]
    assert held(CRACK, "crack", scores, [few], [Known(1.0, 1.0)]) == scores


def test_each_source_of_what_was_known_is_held_by_itself() -> None:
    card = find_weights("crack-corrosion").card
    scores = Calibration(card.objects["crack"], 0.85, "")
    photos, walls = [seen(0.98, label=True)] * 60, [seen(0.98, label=True)] * 3 + [seen(0.7, label=True)] * 2
    begun = [Known(1.0, 1.0), Known(1.0, 1.0), Known(1.0, 1.0)]
    lowered = held(CRACK, "crack", scores, [[*photos, *walls], photos, walls], begun)
    assert detected(lowered, walls) == (5, 0)


def detected(scores: Calibration, pictures: list[Seen]) -> tuple[int, int]:
    """How many right and wrong objects are shown."""
    table = objects_of(CRACK, "crack", scores.rule.low, pictures)
    weights = np.array(scores.rule.calibration)
    shown = expit(weights[0] + table.features @ weights[1:]) > scores.threshold
    return int((shown & table.right).sum()), int((shown & ~table.right).sum())


def test_a_small_site_weighs_as_much_as_all_that_was_known() -> None:
    groups = Groups((seen(0.95, label=True),) * 2, (seen(0.95, label=True),) * 20)
    assert len(balanced(CRACK, groups)) == 2 * 10 + 20


# From photos to weights


class CtrlC(Silence):
    """Somebody who presses Ctrl+C after the first step."""

    def advance(self, steps: int = 1) -> None:  # noqa: ARG002
        signal.raise_signal(signal.SIGINT)


def test_a_retraining_passes_in_a_process_of_its_own(tmp_path: Path) -> None:
    pass_in_own_process(__file__, 1, tmp_path)


@pytest.mark.own_process
@pytest.mark.filterwarnings("ignore")
def test_inside_a_retraining_is_whole_and_goes_on(walls: Dataset, tmp_path: Path, quick: None) -> None:
    asked = Request(walls.root, tmp_path / "work", tmp_path / "out", "bridge", minutes=30, device="cpu")
    with pytest.raises(KeyboardInterrupt):
        retrain(asked, CtrlC())
    twin = tmp_path / "twin"
    shutil.copytree(tmp_path / "work", twin)
    (twin / "state.pt").unlink()
    made = retrain(asked)
    retrain(replace(asked, work_dir=twin, out_dir=tmp_path / "again"))
    for name in ("epoch-001.pt", "epoch-002.pt"):
        ends = [open_network(folder / name, "cpu").state_dict() for folder in (tmp_path / "work", twin)]
        assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())
    assert file_sha256(tmp_path / "out" / "bridge.onnx") == file_sha256(tmp_path / "again" / "bridge.onnx")
    card = find_weights(tmp_path / "out" / "bridge.onnx").card
    assert card == made.card
    start = find_weights().card
    assert card.training_data[: len(start.training_data)] == start.training_data
    assert [(one.photos, one.note) for one in card.training_data[len(start.training_data) :]] == [(5, "new photos")]
    assert {metric.measure for metric in card.metrics} >= {"crack, line_recall", "crack, line_precision"}
    assert all("walls/test" in metric.data for metric in card.metrics)
    assert made.evaluation is not None
    assert made.evaluation.comparison is not None
    assert made.evaluation.comparison.against.name == find_weights().card.name
    rows = read_rows(tmp_path / "work" / "curves.csv")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(0 <= row["val_site_score"] <= 1 and 0 <= row["val_replay_score"] <= 1 for row in rows)
    for other, remedy in ((replace(asked, minutes=5.0), "--minutes"), (replace(asked, seed=1), "--work")):
        with pytest.raises(SettingsError, match=remedy):
            retrain(other)
    # Trained-on weights can be trained on again.
    assert network_of_weights(tmp_path / "out" / "bridge.onnx") is not None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "either a data set"),
        (["nowhere"], "nowhere is no folder"),
        (["{walls}", "--recipe", "x.toml"], "either a data set"),
        (["{walls}", "--epochs", "3"], "--minutes"),
    ],
)
def test_wrong_input_is_one_line(walls: Dataset, arguments: list[str], told: str) -> None:
    given = [argument.format(walls=walls.root) for argument in arguments]
    result = CliRunner().invoke(app, ["train", *given, "--device", "cpu"])
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output
