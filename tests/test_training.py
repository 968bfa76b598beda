"""Training: labels follow their pictures, the same seed gives the same crops, and an interrupted fit goes on."""

import json
import pickle
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("ultralytics", reason="training needs the train extra")

import cv2
import torch
from filelock import FileLock
from scipy import ndimage
from torch import nn
from typer.testing import CliRunner, Result

from own_process import pass_in_own_process
from tenken.cli import app
from tenken.commands.trained import main_figures
from tenken.detection.detect import KINDS
from tenken.detection.weights import find_weights
from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken.running.progress import Silence
from tenken.wording import words
from tenken_demo.noise import stream
from tenken_training import publish as publishing
from tenken_training.appearance import taken_anew
from tenken_training.batches import Batches
from tenken_training.cleaning import CORROSION, CRACK, near
from tenken_training.crops import CropMaker
from tenken_training.curves import append_row, read_rows
from tenken_training.curves_picture import draw_curves
from tenken_training.drawn_defects import draw_cracks, draw_rust, paste_cracks
from tenken_training.epochs import learning_rate
from tenken_training.fit import fit
from tenken_training.fit_loop import Loop, run_steps
from tenken_training.fit_state import start_or_resume
from tenken_training.network import (
    LOSS_NAMES,
    PixelNetwork,
    collate,
    loss_parts,
    new_network,
    open_network,
    save_network,
)
from tenken_training.prepare import prepare
from tenken_training.prepared_index import PreparedIndex, read_index
from tenken_training.rasters import crack_numbers, read_raster
from tenken_training.recipe import CROP_KINDS, CropKind, Recipe, Textures, read_recipe, start_checkpoint
from tenken_training.run_record import Recorder, read_record
from tenken_training.surfaces import SURFACES, render_surface
from tenken_training.textures import read_textures
from tenken_training.view import UNKNOWN_STATE, Labelled, View, look

REPOSITORY = Path(__file__).resolve().parents[1]
RECIPES = REPOSITORY / "training" / "recipes"
SHIPPED_RECIPE = RECIPES / "crack-corrosion.toml"
CHECKPOINT = REPOSITORY.parent / "shared" / "weights" / "first-crack-corrosion.pt"
SIZE_PX = 64
FLIGHT = "flight/images/A.jpg"

Small = tuple[Recipe, Path, Path, PreparedIndex]


def grey_wall(size: int = 160, level: int = 150) -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(1).normal(level, 6, (size, size, 1))
    return np.asarray(np.clip(noise.repeat(3, axis=2), 0, 255), dtype=np.uint8)


def write_picture(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())


TEXTURES = (
    ("stones/wall.jpg", "stones", "concrete", "no", "no", "CC0-1.0"),
    ("stones/old.jpg", "stones", "rock", "unsure", "no", "CC0-1.0"),
    ("stones/rubble.jpg", "stones", "rock", "yes", "unsure", "CC0-1.0"),
    ("stones/shut.jpg", "stones", "wood", "no", "no", "GPL-2"),
    ("trees/oak.jpg", "trees", "vegetation", "no", "no", "CC0-1.0"),
)


def write_textures(folder: Path) -> None:
    """Two packages: one trained on, one kept out."""
    lines = ["path,package,package_version,width,height,category,may_show_cracks,may_show_rust,licence"]
    for path, package, category, cracks, rust, licence in TEXTURES:
        write_picture(folder / path, grey_wall())
        lines.append(f"{path},{package},1,160,160,{category},{cracks},{rust},{licence}")
    (folder / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Recipe at 64 px, data folder, prepared folder and index: two cracked walls and two rusty plates a split."""
    data = tmp_path_factory.mktemp("data")
    cracks, corrosion = data / "data" / "cracks", data / "data" / "corrosion" / "train"
    for split in ("train", "val", "test"):
        for number in range(2):
            wall = grey_wall()
            wall[70:76] = 30
            write_picture(cracks / split / "images" / f"{number}.jpg", wall)
            labels = cracks / split / "labels" / f"{number}.txt"
            labels.parent.mkdir(exist_ok=True)
            labels.write_text("0 0 0.43 1 0.43 1 0.48 0 0.48\n", encoding="utf-8")
    for number in (7, 8, 400, 401):
        plate = grey_wall(level=120)
        plate[40:120, 40:120] = (20, 50, 110)
        states = np.zeros(plate.shape[:2], np.uint8)
        states[40:120, 40:120] = 2
        write_picture(corrosion / "images" / f"{number}.jpg", plate)
        write_picture(corrosion / "masks" / f"{number}.png", states)
        write_picture(corrosion.parent / "test" / "images" / f"{number}.jpg", plate)
        write_picture(corrosion.parent / "test" / "masks" / f"{number}.png", states)
    write_picture(data / FLIGHT, grey_wall(600))
    write_textures(data / "textures")
    shipped = read_recipe(SHIPPED_RECIPE).model_dump(mode="json")
    checkpoint = data / "start.pt"
    if CHECKPOINT.is_file():
        checkpoint.write_bytes(CHECKPOINT.read_bytes())
    changes = {
        "sources": {
            "flights": ["flight/images/A.jpg"],
            "flight_cracks_px": {"flight/images/A.jpg": [[0, 0, 300, 600]]},
            "textures": {"packages": ["stones"], "licences_left_out": ["GPL-2"]},
        },
        "start": {"checkpoint": checkpoint.name},
        "rendering": {"surfaces": len(SURFACES), "surface_px": 96},
        "crops": {"size_px": SIZE_PX, "per_epoch": 4},
        "optimiser": {"epochs": 2, "batch": 2, "warmup_steps": 1},
    }
    for part, change in changes.items():
        shipped[part] |= change
    recipe = Recipe.model_validate(shipped)
    prepared = tmp_path_factory.mktemp("work") / "prepared"
    return recipe, data, prepared, prepare(recipe, data, prepared)


def one_line(caught: pytest.ExceptionInfo[SettingsError]) -> str:
    message = str(caught.value)
    assert "\n" not in message
    return message


# Recipes


def test_the_recipes_are_valid_and_every_kind_of_crop_is_in_one() -> None:
    recipes = [read_recipe(path) for path in RECIPES.glob("*.toml")]
    assert {kind for recipe in recipes for kind, share in recipe.crops.shares.items() if share} == set(CROP_KINDS)
    assert all(recipe.crops.scale[0] <= 0.3 and recipe.crops.scale[1] >= 3 for recipe in recipes)


def test_a_misspelt_key_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SHIPPED_RECIPE.read_text(encoding="utf-8").replace("epochs =", "epoch ="), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_recipe(path)
    message = one_line(caught)
    assert "mine.toml" in message
    assert "epoch" in message


def test_a_checkpoint_of_other_bytes_is_not_opened(small: Small, tmp_path: Path) -> None:
    recipe = small[0]
    (tmp_path / recipe.start.checkpoint).write_bytes(b"something else")
    with pytest.raises(SettingsError) as caught:
        start_checkpoint(recipe, tmp_path)
    assert recipe.start.sha256 in one_line(caught)


def test_the_learning_rate_rises_and_then_falls_to_its_end() -> None:
    optimiser = read_recipe(SHIPPED_RECIPE).optimiser
    rates = [learning_rate(optimiser, step, 90) for step in range(optimiser.epochs * 90)]
    top = int(np.argmax(rates))
    assert top == optimiser.warmup_steps - 1
    assert (np.diff(rates[:top]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[-1] == pytest.approx(optimiser.final_learning_rate, rel=0.05)
    # Where time runs faster than steps, the rate falls with it.
    late = [learning_rate(optimiser, 400, 90, clock) for clock in (0.0, 0.5, 1.0)]
    assert late[0] == rates[400] > late[1] > late[2] == pytest.approx(optimiser.final_learning_rate)


# Preparing


def test_no_test_photo_is_read(small: Small) -> None:
    assert not [name for name in small[3].inputs if "/test/" in name]


def test_every_input_is_recorded_by_its_hash(small: Small) -> None:
    _, data, _, index = small
    files = {name: value for name, value in index.inputs.items() if not name.startswith("weights ")}
    assert len(files) == 2 * 2 * 2 + 4 * 2 + 1 + 2
    assert all(file_sha256(data / name) == value for name, value in files.items())


def test_corrosion_photos_are_split_by_number(small: Small) -> None:
    split = {Path(photo.image).stem: photo.split for photo in small[3].photos if photo.kind == "corrosion"}
    assert split == {"7": "train", "8": "train", "400": "val", "401": "val"}


def test_condition_states_are_kept(small: Small) -> None:
    labels = [photo.labels for photo in small[3].photos if photo.kind == "corrosion"]
    states = cv2.imread(str(small[2] / labels[0]), cv2.IMREAD_GRAYSCALE)
    assert np.unique(np.asarray(states)).tolist() == [0, 2]


def test_a_texture_that_may_show_a_defect_teaches_nothing_about_it(small: Small) -> None:
    textures = [photo for photo in small[3].photos if photo.kind == "texture"]
    ignored = [bool(photo.ignore) for photo in textures]
    assert [photo.category for photo in textures] == ["rock", "concrete"]
    assert ignored == [True, False]
    assert (read_raster(small[2] / textures[0].ignore) == 1 << CRACK).all()


def test_textures_that_are_not_trained_on_are_kept_out(small: Small) -> None:
    recipe, data, _, _ = small
    assert recipe.sources.textures is not None
    kept_out = read_textures(recipe.sources.textures, data / "textures", kept_out=True)
    assert [texture.path for texture in kept_out] == ["trees/oak.jpg"]


def test_half_of_a_package_is_kept_out_and_variants_stay_together(tmp_path: Path) -> None:
    names = [f"{stem}{number}" for stem in ("moss", "clay", "slate", "elm", "fir", "sand") for number in (1, 2)]
    rows = [f"p/{name}.jpg,p,1,9,9,soil,no,no,CC0-1.0" for name in names]
    head = "path,package,package_version,width,height,category,may_show_cracks,may_show_rust,licence"
    (tmp_path / "index.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    halved = Textures(packages=(), halved=("p",))
    trained, kept = (
        {Path(t.path).stem for t in read_textures(halved, tmp_path, kept_out=out)} for out in (False, True)
    )
    assert trained | kept == set(names)
    assert trained
    assert kept
    assert not {name[:-1] for name in trained} & {name[:-1] for name in kept}


def test_missing_textures_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_textures(Textures(packages=("p",)), tmp_path)
    assert "fetch_textures" in one_line(caught)


def test_a_folder_prepared_by_another_recipe_is_refused(small: Small) -> None:
    recipe, _, prepared, _ = small
    with pytest.raises(SettingsError) as caught:
        read_index(recipe.model_copy(update={"seed": recipe.seed + 1}), prepared)
    assert "another recipe" in one_line(caught)


def test_polygons_are_rasterised_where_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0 0.1 0.2 0.5 0.2 0.5 0.4 0.1 0.4\n0 0.8 0.8 0.9 0.8 0.9 0.9 0.8 0.9\n", encoding="utf-8")
    numbers = crack_numbers(path, (100, 200))
    rows, columns = np.nonzero(numbers == 1)
    assert abs(rows.min() - 20) <= 1
    assert abs(rows.max() - 40) <= 1
    assert abs(columns.min() - 20) <= 1
    assert abs(columns.max() - 100) <= 1
    assert numbers[85, 170] == 2


def test_a_line_that_is_no_polygon_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0 0.1 0.2 0.5 0.2 0.5 0.4\n0 0.1 what\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        crack_numbers(path, (10, 10))
    assert "a.txt, line 2" in one_line(caught)


# Views and labels


@pytest.mark.parametrize("turn_deg", [0.0, 37.0])
def test_a_line_of_one_pixel_stays_sharp_from_afar(turn_deg: float) -> None:
    image = np.full((400, 400, 3), 200, np.uint8)
    image[198:202] = 20
    seen = look(image, None, None, View((200, 200), 0.25, turn_deg, False, 64), rust=False).image[..., 0]
    across = seen.min(axis=0)[24:40]
    # Four photo pixels are one of the crop: at worst the line shares it with its neighbour.
    assert across.mean() < (100 if turn_deg else 120)
    assert np.median((seen[:, 24:40] < 180).sum(axis=0)) <= 3


@pytest.mark.parametrize("scale", [0.3, 0.6, 0.9, 1.0, 3.0])
@pytest.mark.parametrize(("turn_deg", "mirrored"), [(0.0, False), (37.0, False), (211.0, True)])
def test_labels_stay_on_what_they_label(scale: float, turn_deg: float, mirrored: bool) -> None:
    image = np.full((300, 400, 3), 200, np.uint8)
    states = np.zeros((300, 400), np.uint8)
    cv2.ellipse(states, (170, 140), (60, 35), 20, 0, 360, 1, -1)
    image[states > 0] = 20
    seen = look(image, states, None, View((190, 150), scale, turn_deg, mirrored, 128), rust=True)
    dark = seen.image[..., 0] < 110
    assert (dark & seen.rust).sum() / (dark | seen.rust).sum() > 0.9


def test_a_hairline_label_survives_being_seen_from_afar() -> None:
    numbers = np.zeros((400, 400), np.uint8)
    numbers[200:202] = 1
    image = np.full((400, 400, 3), 200, np.uint8)
    seen = look(image, numbers, None, View((200, 200), 0.3, 13.0, False, 96), rust=False).crack_numbers > 0
    assert ndimage.label(seen, np.ones((3, 3)))[1] == 1
    assert seen.any(axis=0).all()


# What is drawn


@pytest.mark.parametrize("seed", range(6))
def test_a_drawn_crack_is_darker_than_the_wall_and_lies_in_its_label(seed: int) -> None:
    wall = grey_wall()
    cracked, labels = draw_cracks(np.random.default_rng(seed), wall)
    change = wall.mean(axis=2) - cracked.mean(axis=2)
    for label in labels:
        assert change[label].mean() > 2
    everywhere = np.logical_or.reduce([np.zeros(wall.shape[:2], bool), *labels])
    assert near(everywhere, 2)[change > 60].all()


def test_a_pasted_crack_leaves_the_ground_around_it_as_it_was() -> None:
    source, ground = grey_wall(level=190), grey_wall(level=90)
    label = np.zeros(source.shape[:2], bool)
    label[60:66] = True
    source[62:64] = 20
    pasted, kept = paste_cracks(ground, source, [label])
    assert len(kept) == 1
    assert np.array_equal(pasted[~near(label, 8)], ground[~near(label, 8)])
    assert pasted[62:64].mean() < 0.4 * ground[62:64].mean()


def test_a_crack_that_the_ground_hides_is_not_labelled() -> None:
    source = grey_wall(level=190)
    label = np.zeros(source.shape[:2], bool)
    label[60:66] = True
    source[62:64] = 20
    night = np.full_like(source, 8)
    pasted, kept = paste_cracks(night, source, [label])
    assert not kept
    assert np.array_equal(pasted, night)
    assert draw_cracks(np.random.default_rng(1), night)[1] == []


def test_drawn_rust_is_redder_than_what_it_covers() -> None:
    plate = grey_wall()
    rusty, label = draw_rust(np.random.default_rng(3), plate)
    redness = rusty[..., 0].astype(float) - rusty[..., 2]
    assert label.any()
    assert redness[label].mean() > redness[~label].mean() + 20


def test_every_surface_is_the_same_for_the_same_numbers() -> None:
    pictures = [render_surface(5, number, 64) for number in range(len(SURFACES))]
    assert all(np.array_equal(picture, render_surface(5, number, 64)) for number, picture in enumerate(pictures))
    assert len({picture.tobytes() for picture in pictures}) == len(SURFACES)


@pytest.mark.parametrize("seed", range(4))
def test_no_exposure_burns_a_white_wall_out(seed: int) -> None:
    again = taken_anew(np.random.default_rng(seed), grey_wall(level=240), keep_hue=False)
    assert (again.max(axis=2) == 255).mean() < 0.5


# Crops


@pytest.fixture(scope="module")
def maker(small: Small) -> CropMaker:
    """Crops of the small recipe's train split."""
    recipe, data, prepared, index = small
    return CropMaker(recipe, index, data, prepared)


def test_crops_follow_from_seed_epoch_and_number(maker: CropMaker) -> None:
    first, again, later = maker.crop(0, 3), maker.crop(0, 3), maker.crop(1, 3)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.rust, again.rust)
    assert not np.array_equal(first.image, later.image)


@pytest.mark.parametrize(
    ("kind", "classes"),
    [
        ("crack_photo", {CRACK}),
        ("crack_mosaic", {CRACK}),
        ("corrosion_photo", {CORROSION}),
        ("corrosion_mosaic", {CORROSION}),
        ("drawn_crack", {CRACK, CORROSION}),
        ("pasted_crack", {CRACK, CORROSION}),
        ("pasted_rust", {CRACK, CORROSION}),
        ("drawn_rust", {CORROSION}),
        ("flight_negative", set()),
        ("rendered_negative", set()),
        ("texture_negative", set()),
    ],
)
def test_each_kind_of_crop_shows_what_its_name_says(maker: CropMaker, kind: CropKind, classes: set[int]) -> None:
    found: set[int] = set()
    for number in range(6):
        crop = maker.crop_of(kind, stream(1, kind, number))
        assert crop.image.shape == (SIZE_PX, SIZE_PX, 3)
        found |= {CRACK} if crop.crack_numbers.any() else set()
        found |= {CORROSION} if crop.rust.any() else set()
    assert found <= classes
    assert bool(found) == bool(classes)


def test_cracked_ground_of_a_flight_is_left_out(small: Small, maker: CropMaker) -> None:
    tile = next(photo for photo in small[3].photos if photo.kind == "flight")
    seen = maker.whole(tile, 0.1)
    left, right = seen.ignore[CRACK][:, : SIZE_PX // 2 - 4], seen.ignore[CRACK][:, SIZE_PX // 2 + 4 :]
    assert left[28:36, 20:].all()
    assert not right[28:36, :8].any()
    assert not seen.ignore[CORROSION].any()


# Network


needs_checkpoint = pytest.mark.skipif(not CHECKPOINT.is_file(), reason=f"no {CHECKPOINT.name} beside the checkout")


def logits_of(crop: Labelled, certainty: float) -> torch.Tensor:
    """(1, 5, s / 2, s / 2) what a network says that sees cracks, rust and its states as they are labelled."""
    planes = [crop.crack_numbers > 0, crop.state > 0, *(crop.state == number for number in (1, 2, 3))]
    signs = np.stack(planes)[:, ::2, ::2].astype(np.float32) * 2 - 1
    return torch.from_numpy(certainty * signs)[None]


@pytest.fixture
def cracked_and_rusty() -> Labelled:
    """Crop of 64 px with a crack of 4 px, a poor and a severe patch."""
    crop = Labelled.blank(64)
    crop.crack_numbers[10:14] = 1
    crop.state[24:40, 8:40] = 2
    crop.state[44:60, 8:40] = 3
    return crop


def test_a_network_that_is_right_loses_less_the_surer_it_is(cracked_and_rusty: Labelled) -> None:
    batch = collate([cracked_and_rusty])
    unsure, sure, wrong = (loss_parts(logits_of(cracked_and_rusty, value), batch) for value in (1.0, 8.0, -4.0))
    assert (sure < unsure)[:-1].all()
    assert (unsure < wrong)[:-1].all()
    assert len(sure) == len(LOSS_NAMES)
    assert float(sure.max()) < 0.01
    # Nothing was known before.
    assert float(wrong[-1]) == 0


def test_where_a_class_is_left_out_nothing_costs(cracked_and_rusty: Labelled) -> None:
    sound = Labelled.blank(64)
    left_out = Labelled(sound.image, sound.crack_numbers, sound.state, ~sound.ignore)
    claims = logits_of(cracked_and_rusty, 4.0)
    punished, free = (loss_parts(claims, collate([crop])) for crop in (sound, left_out))
    assert (punished[:4] > 0.1).all()
    assert (free == 0).all()


def test_a_hairline_is_taught_as_a_whole_output_pixel() -> None:
    hairline = Labelled.blank(64)
    hairline.crack_numbers[31] = 1
    sure = logits_of(hairline, 0.0)
    sure[0, 0] = -8.0
    sure[0, 0, 15] = 8.0
    plain, thin = (loss_parts(sure, collate([hairline]), thin_cracks=way) for way in (False, True))
    # Half covered: who is sure of it is punished, unless what is thin counts as whole.
    assert float(plain[0]) > 0.1
    assert float(thin[0]) < 0.01
    assert float(thin[1]) < 0.05 < float(plain[1])


def test_a_missed_hairline_costs_as_much_as_a_missed_wide_crack() -> None:
    hairline, wide = Labelled.blank(64), Labelled.blank(64)
    hairline.crack_numbers[31] = 1
    wide.crack_numbers[20:40] = 1
    batch = collate([hairline, wide])

    def dice(missed: int, *, thin: bool) -> float:
        told = torch.cat([logits_of(crop, 8.0) for crop in (hairline, wide)])
        told[0, 0, 15] = 8.0
        told[missed, 0] = -8.0
        return float(loss_parts(told, batch, thin_cracks=thin)[1])

    assert dice(0, thin=True) == pytest.approx(dice(1, thin=True), abs=0.05)
    assert dice(0, thin=False) < 0.3 * dice(1, thin=False)


def test_crops_without_a_crack_do_not_dilute_the_others() -> None:
    hairline = Labelled.blank(64)
    hairline.crack_numbers[31] = 1
    missed = logits_of(Labelled.blank(64), 8.0)
    alone = loss_parts(missed, collate([hairline]), thin_cracks=True)
    among = loss_parts(missed.repeat(4, 1, 1, 1), collate([hairline, *[Labelled.blank(64)] * 3]), thin_cracks=True)
    assert float(among[1]) == pytest.approx(float(alone[1]), rel=1e-3)
    assert float(loss_parts(missed, collate([Labelled.blank(64)]), thin_cracks=True)[1]) == 0


def test_rust_of_unknown_state_teaches_that_it_is_rust_and_no_state(cracked_and_rusty: Labelled) -> None:
    cracked_and_rusty.state[cracked_and_rusty.state > 0] = UNKNOWN_STATE
    parts = loss_parts(torch.zeros(1, 5, 32, 32), collate([cracked_and_rusty]))
    assert float(parts[2]) > 0
    assert float(parts[4]) == 0


def test_held_crops_cost_what_is_said_of_them_now_and_was_not_before(cracked_and_rusty: Labelled) -> None:
    batch = collate([cracked_and_rusty, replace(cracked_and_rusty, held=(True, True))])
    then = logits_of(cracked_and_rusty, 2.0)
    before = torch.cat([then, then])
    same = loss_parts(torch.cat([-then, then]), batch, said_before=before)[-1]
    assert float(same) == pytest.approx(0, abs=1e-6)
    moved = loss_parts(torch.cat([then, -then]), batch, said_before=before)[-1]
    # The divergence of one coin from another, where all pixels are as sure as each other.
    p = 1 / (1 + np.exp(-2.0))
    assert float(moved) == pytest.approx(p * np.log(p / (1 - p)) + (1 - p) * np.log((1 - p) / p), rel=1e-4)
    # What the states of corrosion are is learned from labels alone.
    others = then.clone()
    others[:, 2:] = 5.0
    assert float(loss_parts(torch.cat([then, others]), batch, said_before=before)[-1]) == pytest.approx(0, abs=1e-6)
    # One class may be held alone.
    corrosion = collate([replace(cracked_and_rusty, held=(False, True))])
    drifted = then.clone()
    drifted[:, 0] *= -1
    assert float(loss_parts(drifted, corrosion, said_before=then)[-1]) == pytest.approx(0, abs=1e-6)
    drifted[:, 1] *= -1
    assert float(loss_parts(drifted, corrosion, said_before=then)[-1]) > 0.1


@needs_checkpoint
def test_the_network_takes_any_size_and_says_something_of_every_second_pixel() -> None:
    network = open_network(CHECKPOINT, "cpu").eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 96, 160)).shape == (2, 5, 48, 80)


@needs_checkpoint
def test_saved_weights_are_plain_tensors_and_open_again(tmp_path: Path) -> None:
    network = open_network(CHECKPOINT, "cpu")
    save_network(network, tmp_path / "a.pt", epoch=3)
    assert torch.load(tmp_path / "a.pt", weights_only=True)["epoch"] == 3
    again = open_network(tmp_path / "a.pt", "cpu").eval()
    assert isinstance(again, PixelNetwork)
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(again(picture), network.eval()(picture), atol=0.1)


def test_a_process_that_makes_crops_makes_the_same_ones(small: Small, maker: CropMaker) -> None:
    batches = Batches(small[0], maker)
    here, there = batches[1], pickle.loads(pickle.dumps(batches))[1]  # noqa: S301 - what a new process is given
    assert torch.equal(here.image, there.image)
    assert torch.equal(here.crack, there.crack)
    assert torch.equal(here.state, there.state)


class CtrlC(Silence):
    """Somebody who watches the steps, and presses Ctrl+C after one of them."""

    def __init__(self, after: int) -> None:
        self.steps, self.total, self.notes, self._after = 0, 0, list[str](), after

    def start(self, stage: str, total: int) -> None:
        assert f"stage.{stage}" in words("en").phrases
        self.total = total

    def advance(self, steps: int = 1) -> None:
        self.steps += steps
        if self.steps == self._after:
            signal.raise_signal(signal.SIGINT)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums do not depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def work(small: Small, tmp_path: Path) -> Path:
    """Folder of a training that is prepared and not begun."""
    shutil.copytree(small[2], tmp_path / "work" / "prepared")
    return tmp_path / "work"


@needs_checkpoint
def test_fits_pass_in_a_process_of_their_own(tmp_path: Path) -> None:
    pass_in_own_process(__file__, 4, tmp_path)


@needs_checkpoint
@pytest.mark.own_process
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("echoes", [1, 3])
def test_an_interrupted_fit_goes_on_where_it_stopped(small: Small, work: Path, tmp_path: Path, echoes: int) -> None:
    recipe, data, prepared, index = small
    recipe = recipe.model_copy(update={"optimiser": recipe.optimiser.model_copy(update={"echoes": echoes})})
    # Ctrl-C is not Python's own where a shell started the tests in the background.
    before = signal.getsignal(signal.SIGINT)
    whole = tmp_path / "whole"
    shutil.copytree(prepared, whole / "prepared")
    fit(recipe, data, whole, device="cpu")
    interrupted = CtrlC(after=1)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, data, work, device="cpu", progress=interrupted)
    assert [note.split(";")[0] for note in interrupted.notes] == ["Stopping after this step"]
    fit(recipe, data, work, device="cpu", last_epoch=1)
    last = CtrlC(after=99)
    fit(recipe, data, work, device="cpu", progress=last)
    assert signal.getsignal(signal.SIGINT) is before
    assert (last.steps, last.total) == (2, 2)
    assert [note.split(":")[0] for note in last.notes] == ["epoch 2 of 2"]
    assert all("\n" not in note and len(note) < 120 for note in last.notes)
    weights = [open_network(folder / "last.pt", "cpu").state_dict() for folder in (whole, work)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    rows = read_rows(work / "curves.csv")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(0 <= row["val_corrosion_iou"] <= 1 for row in rows)
    assert "</svg>" in (work / "curves.svg").read_text(encoding="utf-8")
    record = read_record(work / "run.json")
    assert [(one.first_step, one.last_step) for one in record.sittings] == [(0, 1), (1, 2), (2, 4)]
    assert record.seed == recipe.seed
    assert record.recipe_sha256 == file_sha256(work / "recipe.json")
    assert record.inputs == len(index.inputs)
    assert record.inputs_sha256 == read_record(whole / "run.json").inputs_sha256
    assert record.sittings[0].versions["torch"] == version("torch")
    other = recipe.model_copy(update={"seed": recipe.seed + 1})
    with pytest.raises(SettingsError) as caught:
        fit(other, data, work, device="cpu")
    assert "another recipe" in one_line(caught)


class NoFigures:
    """A validation that has nothing to say."""

    def figures(self, _network: nn.Module, _device: str) -> dict[str, float]:
        return {}


@needs_checkpoint
@pytest.mark.own_process
def test_a_fit_ends_with_its_time_and_keeps_what_it_learned(small: Small, work: Path, maker: CropMaker) -> None:
    recipe = small[0]
    (work / "recipe.json").write_text(recipe.model_dump_json(), encoding="utf-8")
    recorder = Recorder(work / "run.json", recipe, {}, device="cpu", precision="float32", step=0)
    loop = Loop(recipe, maker, NoFigures(), work, "cpu", describe=lambda row, _: f"{row['step']:g}", limit_s=1e-6)
    state = start_or_resume(recipe, CHECKPOINT, work, "cpu")
    watched = CtrlC(after=99)
    run_steps(loop, state, 4, recorder, watched)
    assert watched.steps == 1
    assert watched.notes == ["1", "The time is over after 1 of 4 steps"]
    [row] = read_rows(work / "curves.csv")
    assert (row["epoch"], row["step"]) == (1, 1)
    assert row["train_crack_bce"] > 0.01
    assert (work / "epoch-001.pt").is_file()
    again = start_or_resume(recipe, CHECKPOINT, work, "cpu")
    assert again.step == 1
    assert again.spent_s == state.spent_s > loop.limit_s


@needs_checkpoint
@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("state.pt", "begin at the first step again"),
        ("recipe.json", "choose another --work"),
        ("run.json", "delete it"),
        ("prepared/index.json", "to prepare again"),
    ],
)
def test_a_damaged_file_of_the_work_folder_is_named(small: Small, work: Path, file: str, remedy: str) -> None:
    (work / file).write_bytes(b"\x80 damaged")
    with pytest.raises(SettingsError) as caught:
        fit(small[0], small[1], work, device="cpu")
    message = one_line(caught)
    assert str(work / file) in message
    assert remedy in message


def test_photos_that_are_gone_are_missed_before_hours_are_spent(small: Small, work: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        fit(small[0], tmp_path / "nowhere", work, device="cpu")
    assert "nowhere" in one_line(caught)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError) as caught:
        fit(small[0], tmp_path / "empty", work, device="cpu")
    assert "is missing" in one_line(caught)
    assert "--data" in one_line(caught)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "tpu"])
def test_a_device_that_is_not_there_is_refused(small: Small, work: Path, device: str) -> None:
    with pytest.raises(SettingsError, match=f"--device {device}"):
        fit(small[0], small[1], work, device=device)


def test_two_fits_do_not_write_into_one_folder(small: Small, work: Path) -> None:
    with FileLock(work / ".lock"), pytest.raises(SettingsError, match="another training"):
        fit(small[0], small[1], work, device="cpu")


def test_equal_curves_give_equal_pictures(tmp_path: Path) -> None:
    rows = [{"epoch": epoch, "train_state": 1 / epoch, "val_crack_iou": 0.1 * epoch} for epoch in (1.0, 2.0, 3.0)]
    for name in ("a.svg", "b.svg"):
        draw_curves(rows, tmp_path / name, "bridge")
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert drawn == (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert all(word in drawn for word in ("bridge", "epoch", "Training loss", "share of pixels"))


# The command, and publishing


def write_toml(recipe: Recipe, path: Path) -> Path:
    def value(given: object) -> str:
        if isinstance(given, dict):
            return "{" + ", ".join(f"{json.dumps(key)} = {value(one)}" for key, one in given.items()) + "}"
        return json.dumps(given)

    parts = recipe.model_dump(mode="json", exclude_none=True)
    path.write_text("".join(f"{key} = {value(part)}\n" for key, part in parts.items()), encoding="utf-8")
    return path


def train(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["train", *(str(argument) for argument in arguments), "--device", "cpu"])


@needs_checkpoint
@pytest.mark.own_process
@pytest.mark.usefixtures("one_thread")
def test_the_command_fits_and_says_where_the_curves_are(small: Small, work: Path, tmp_path: Path) -> None:
    recipe = write_toml(small[0], tmp_path / "small.toml")
    given = ("--recipe", recipe, "--data", small[1], "--work", work, "--threads", "1", "--workers", "0")
    done = train(*given, "--epochs", "1", "--no-publish")
    assert done.exit_code == 0, done.output
    assert "epoch 1 of 2" in done.output
    assert str(work / "curves.svg") in done.output
    assert train(*given, "--epochs", "1", "--no-publish", "--quiet").output == ""


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--recipe", "nothing.toml"], "nothing.toml"),
        (["--recipe", "{recipe}", "--data", "nowhere"], "--data"),
        (["--recipe", "{recipe}", "--data", "{data}", "--textures", "nowhere", "--work", "{new}"], "fetch_textures"),
    ],
)
def test_wrong_input_ends_the_command_with_one_line(
    small: Small, tmp_path: Path, arguments: list[str], remedy: str
) -> None:
    places = {"recipe": write_toml(small[0], tmp_path / "small.toml"), "data": small[1], "new": tmp_path / "new"}
    done = train(*(argument.format(**places) for argument in arguments))
    assert done.exit_code == 2
    assert remedy in done.output
    assert "Traceback" not in done.output


@pytest.mark.filterwarnings("ignore")
def test_publishing_makes_weights_with_a_card_that_says_how_good_they_are(
    small: Small, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, data, _, index = small
    monkeypatch.setattr(publishing, "SHOWN_SEEDS", (500,))
    monkeypatch.setattr(publishing, "SHOWN_RESOLUTIONS_MM", (1.2,))
    torch.manual_seed(1)
    save_network(unsure_network(), work / "last.pt", epoch=1)
    card = publishing.publish(recipe, data, work, "tiny", tmp_path / "weights")
    assert find_weights(tmp_path / "weights" / "tiny.onnx").card == card
    assert card.network == "pixels"
    assert set(card.objects) == set(card.thresholds) == set(KINDS)
    assert {metric.measure.partition(",")[0] for metric in card.metrics} == set(KINDS)
    assert all(metric.conditions and metric.data for metric in card.metrics)
    assert card.seed == recipe.seed
    trained = [photo for photo in index.photos if photo.split == "train"]
    assert {data.photos for data in card.training_data} >= {sum(photo.kind == "surface" for photo in trained), 2}
    assert "line recall" in main_figures(card)


def unsure_network() -> PixelNetwork:
    """A network of random weights that is not sure of anything, so that it finds something everywhere."""
    network = new_network().eval()
    with torch.no_grad():
        for head in (network.crack, network.corrosion):
            head.weight.mul_(20)
            torch.nn.init.zeros_(cast(torch.Tensor, head.bias))
    return network


def test_sources_that_a_recipe_does_not_describe_are_named_by_their_folder(small: Small) -> None:
    recipe, _, _, index = small
    plain = recipe.model_copy(update={"described": {}})
    told = {data.name: data.licence for data in publishing.training_data(plain, index)}
    assert told[recipe.sources.cracks] == "not stated in the recipe"
    assert not [name for name in told if "bphdr" in name]
    assert [name for name in (data.name for data in publishing.training_data(recipe, index)) if "bphdr" in name]


def test_an_epoch_done_again_replaces_its_row(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    for epoch, loss in ((1, 5.0), (2, 4.0), (3, 3.0), (2, 3.5)):
        append_row(path, {"epoch": epoch, "train_box": loss})
    assert read_rows(path) == [{"epoch": 1, "train_box": 5.0}, {"epoch": 2, "train_box": 3.5}]


@pytest.mark.skipif(not (REPOSITORY.parent / "shared" / "flights").is_dir(), reason="no shared flights")
def test_flights_kept_out_are_not_in_the_recipe() -> None:
    flights = read_recipe(SHIPPED_RECIPE).sources.flights
    kept_out = ("garfield_sequoia", "caliterra", "DJI_0022", "DJI_0023", "DJI_0024", "DJI_0025", "DJI_0034", "DJI_0035")
    assert not [name for name in flights for part in kept_out if part in name]
    assert all((REPOSITORY.parent / "shared" / name).is_file() for name in flights)
