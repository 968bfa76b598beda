"""Hard crops: where weights fire on what shows no defect, faint cracks, and lookalikes beside defects in one crop."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("cv2", reason="training needs the train extra")

import cv2
import torch

from tenken.detection.weights import find_weights
from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken_demo.noise import stream
from tenken_training.blend import blend
from tenken_training.cast_walls import cast_wall
from tenken_training.cleaning import CORROSION, CRACK
from tenken_training.crop_sheet import BLUE, crop_sheet, with_labels
from tenken_training.crops import CropMaker
from tenken_training.faint_cracks import LEAST_CONTRAST, draw_faint_cracks, wandering_path
from tenken_training.lookalikes import cable_shadows, cables, webs
from tenken_training.mining import mine, read_mined
from tenken_training.mixed_crops import WITHOUT_DEFECT, covered, cracked_wall, rusted_steel
from tenken_training.network import new_network, save_network
from tenken_training.prepared_index import PreparedIndex, PreparedPhoto
from tenken_training.rasters import write_jpeg, write_png
from tenken_training.recipe import CropKind, Mining, Recipe, read_recipe, start_checkpoint
from tenken_training.steel_rust import rust_on_paint, stain_runs
from tenken_training.view import UNKNOWN_STATE, Labelled

RECIPES = Path(__file__).resolve().parents[1] / "training" / "recipes"
SIZE_PX = 128
MINING = Mining(weights="crack-corrosion", min_score=0.2, scales=(1.0,))


def hard_recipe() -> Recipe:
    recipe = read_recipe(RECIPES / "crack-corrosion-hard.toml")
    crops = recipe.crops.model_copy(update={"size_px": SIZE_PX})
    return recipe.model_copy(update={"crops": crops, "mining": MINING})


def wall_with_a_dark_line(seed: int = 1, size: int = 320) -> npt.NDArray[np.uint8]:
    """A grey wall with a jagged dark line across: the shipped weights take it for a crack."""
    rng = np.random.default_rng(seed)
    wall = np.clip(rng.normal(165, 5, (size, size, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)
    x = np.arange(0, size, 6)
    y = size / 2 + np.cumsum(rng.normal(0, 3, len(x)))
    cv2.polylines(wall, [np.column_stack([x, y]).astype(np.int32)], False, (45, 42, 40), 3, cv2.LINE_AA)
    return wall


@pytest.fixture
def lined(tmp_path: Path) -> tuple[Path, list[PreparedPhoto]]:
    """The same line on a surface, on one for validation, on a texture that may show cracks, and in a labelled photo."""
    picture = wall_with_a_dark_line()
    photos = [
        PreparedPhoto(kind="surface", split="train", image="surfaces/00000.jpg", surface=0),
        PreparedPhoto(kind="surface", split="val", image="surfaces/00001.jpg", surface=1),
        PreparedPhoto(kind="texture", split="train", image="textures/old.jpg", ignore="ignore/old.png"),
        PreparedPhoto(kind="crack", split="train", image="cracked.jpg", labels="labels/cracked.png"),
    ]
    for photo in photos:
        write_jpeg(tmp_path / photo.image, picture)
    write_png(tmp_path / "ignore/old.png", np.full(picture.shape[:2], 1 << CRACK, np.uint8))
    write_png(tmp_path / "labels/cracked.png", (picture[..., 0] < 100).astype(np.uint8))
    return tmp_path, photos


# Mining


def test_only_training_pictures_without_defects_are_mined(lined: tuple[Path, list[PreparedPhoto]]) -> None:
    folder, photos = lined
    mine(hard_recipe(), photos, folder)
    mined = read_mined(folder)
    assert mined.pictures == 2
    assert {place.image for place in mined.places if place.kind == "crack"} == {"surfaces/00000.jpg"}


def test_a_mined_place_is_where_the_weights_fired(lined: tuple[Path, list[PreparedPhoto]]) -> None:
    folder, photos = lined
    mine(hard_recipe(), photos, folder)
    place = next(place for place in read_mined(folder).places if place.kind == "crack")
    left, top, right, bottom = place.xyxy_px
    dark = wall_with_a_dark_line()[..., 0] < 100
    assert dark[top:bottom, left:right].sum() > 0.3 * dark.sum()
    assert place.score > MINING.min_score


def test_what_was_mined_and_with_what_is_recorded_by_hash(lined: tuple[Path, list[PreparedPhoto]]) -> None:
    folder, photos = lined
    assert mine(hard_recipe(), photos, folder) == {
        "weights crack-corrosion": find_weights("crack-corrosion").sha256,
        "prepared/mined.json": file_sha256(folder / "mined.json"),
    }


def test_mining_twice_gives_the_same_bytes(lined: tuple[Path, list[PreparedPhoto]]) -> None:
    folder, photos = lined
    mine(hard_recipe(), photos, folder)
    first = (folder / "mined.json").read_bytes()
    (folder / "mined.json").unlink()
    mine(hard_recipe(), photos, folder)
    assert (folder / "mined.json").read_bytes() == first


def test_pictures_that_changed_are_mined_anew(lined: tuple[Path, list[PreparedPhoto]]) -> None:
    folder, photos = lined
    mine(hard_recipe(), photos, folder)
    mine(hard_recipe(), photos[1:], folder)
    assert not [place for place in read_mined(folder).places if place.kind == "crack"]


def test_a_recipe_without_mining_leaves_no_trace(lined: tuple[Path, list[PreparedPhoto]]) -> None:
    folder, photos = lined
    assert mine(read_recipe(RECIPES / "crack-corrosion.toml"), photos, folder) == {}
    assert not (folder / "mined.json").exists()


def test_a_damaged_list_of_places_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "mined.json").write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"mined\.json.*prepare again"):
        read_mined(tmp_path)


def test_mined_crops_without_mining_are_refused() -> None:
    recipe = hard_recipe().model_dump(mode="json")
    with pytest.raises(ValueError, match="mined_negative"):
        Recipe.model_validate(recipe | {"mining": None})


@pytest.fixture
def maker(lined: tuple[Path, list[PreparedPhoto]]) -> CropMaker:
    folder, photos = lined
    recipe = hard_recipe()
    rusty = np.zeros((160, 160), np.uint8)
    rusty[40:120, 40:120] = 2
    photos = [*photos, PreparedPhoto(kind="corrosion", split="train", image="rusty.jpg", labels="labels/rusty.png")]
    write_jpeg(folder / "rusty.jpg", np.where(rusty[..., None] > 0, (110, 50, 20), (120, 125, 120)).astype(np.uint8))
    write_png(folder / "labels/rusty.png", rusty)
    mine(recipe, photos, folder)
    return CropMaker(recipe, PreparedIndex(recipe={}, inputs={}, photos=tuple(photos)), folder, folder)


def test_a_mined_crop_shows_what_fired_and_labels_nothing(maker: CropMaker) -> None:
    crops = [maker.crop_of("mined_negative", stream(2, "mined", number)) for number in range(8)]
    darkest = [float(crop.image.min()) / float(np.median(crop.image)) for crop in crops]
    assert sum(value < 0.6 for value in darkest) >= 6
    assert not any(crop.crack_numbers.any() or crop.rust.any() for crop in crops)


@pytest.mark.parametrize(
    ("kind", "classes"),
    [
        ("crack_among_lookalikes", {CRACK}),
        ("lookalikes_on_ground", {CRACK}),
        ("cracked_wall", {CRACK}),
        ("rusted_steel", {CORROSION}),
    ],
)
def test_each_hard_kind_shows_what_its_name_says(maker: CropMaker, kind: CropKind, classes: set[int]) -> None:
    found: set[int] = set()
    for number in range(8):
        crop = maker.crop_of(kind, stream(3, kind, number))
        again = maker.crop_of(kind, stream(3, kind, number))
        assert crop.image.shape == (SIZE_PX, SIZE_PX, 3)
        assert np.array_equal(crop.image, again.image)
        found |= {CRACK} if crop.crack_numbers.any() else set()
        found |= {CORROSION} if crop.rust.any() else set()
    assert found == classes


# Faint cracks and cast walls


@pytest.mark.parametrize("seed", range(8))
def test_a_faint_crack_is_darker_than_its_wall_along_its_length(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wall = np.clip(rng.normal(150, 8, (192, 192, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)
    image, labels = draw_faint_cracks(stream(seed, "faint"), wall)
    taken = 1 - image[..., 1].astype(float) / wall[..., 1]
    for label in labels:
        assert label.sum() >= 40
        # Labels are wider than cracks: about a quarter of one is crack.
        assert taken[label].mean() > LEAST_CONTRAST / 5
    outside = ~np.logical_or.reduce([cv2.dilate(label.astype(np.uint8), np.ones((25, 25))) > 0 for label in labels])
    assert abs(taken[outside].mean()) < 0.01


def test_faint_cracks_hide_in_the_grain_where_clear_ones_would_not() -> None:
    rough = np.random.default_rng(0).normal(150, 14, (256, 256))
    wall = np.clip(rough[..., None].repeat(3, axis=2), 0, 255).astype(np.uint8)
    contrasts = []
    for seed in range(20):
        image, labels = draw_faint_cracks(stream(seed, "grain"), wall)
        taken = 1 - image[..., 1].astype(float) / wall[..., 1]
        contrasts += [float(taken[label].mean()) for label in labels]
    deviation = 14 / 150
    assert min(contrasts) < deviation < max(contrasts)


def test_ground_too_dark_to_show_a_crack_gets_none() -> None:
    night = np.full((128, 128, 3), 12, np.uint8)
    image, labels = draw_faint_cracks(stream(1, "night"), night)
    assert labels == []
    assert np.array_equal(image, night)


def test_a_path_wanders_and_stays_one_line() -> None:
    path = wandering_path(stream(4, "path"), (400, 400))
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps == pytest.approx(np.full(len(steps), 4.0))
    turns = np.diff(np.arctan2(*np.diff(path, axis=0).T[::-1]))
    assert np.abs(turns).max() > 0.05


def test_a_cast_wall_is_the_same_for_the_same_numbers_and_another_for_others() -> None:
    first, again, other = (cast_wall(stream(seed, "wall"), 96) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert 0 < first.min() < first.max() <= 1


# Lookalikes


def cracked(size: int = SIZE_PX) -> Labelled:
    wall = np.full((size, size, 3), 170, np.uint8)
    label = np.zeros((size, size), bool)
    label[60:64] = True
    wall[61:63] = 60
    return Labelled.blank(size).with_cracks(wall, [label])


def test_a_cable_hides_the_crack_below_it() -> None:
    unhidden = covered(stream(1, "web"), cracked(), (webs,), 1)
    assert np.array_equal(unhidden.crack_numbers, cracked().crack_numbers)
    crop = cracked()
    for number in range(20):
        seen = covered(stream(number, "cable"), crop, (cables,), 1)
        lost = (crop.crack_numbers > 0) & (seen.crack_numbers == 0)
        changed = np.abs(seen.image.astype(int) - crop.image).max(axis=-1)
        assert (changed[lost] > 25).all()
        if lost.any():
            return
    pytest.fail("no cable in twenty crossed the crack")


def test_what_is_seen_through_a_shadow_stays_labelled() -> None:
    darkened = 0
    for number in range(8):
        seen = covered(stream(number, "shadow"), cracked(), (cable_shadows,), 1)
        assert np.array_equal(seen.crack_numbers, cracked().crack_numbers)
        changed = seen.image.astype(int) - cracked().image
        assert changed.max() <= 1
        darkened += int((changed.min(axis=-1) < -20).any())
    assert darkened >= 6


def test_some_hard_crops_hold_no_defect_so_that_their_ground_gives_none_away() -> None:
    def photo(_rng: np.random.Generator) -> Labelled:
        return cracked()

    walls = [cracked_wall(stream(5, "wall", number), SIZE_PX, photo) for number in range(60)]
    empty = sum(not wall.crack_numbers.any() for wall in walls)
    assert WITHOUT_DEFECT * 60 / 3 < empty < 30


# Rust


@pytest.mark.parametrize("seed", range(6))
def test_rust_on_paint_is_browner_than_the_paint_and_its_share_is_bounded(seed: int) -> None:
    paint = np.full((192, 192, 3), (120, 140, 150), np.uint8)
    image, mask = rust_on_paint(stream(seed, "rust"), paint)
    warmth = image[..., 0].astype(int) - image[..., 2]
    assert 0 < mask.mean() < 0.45
    assert warmth[mask].mean() > warmth[~mask].mean() + 15


def test_run_off_is_brown_and_no_rust() -> None:
    painted = np.full((128, 128, 3), 0.6, np.float32)
    before = painted.copy()
    stain_runs(stream(2, "runs"), painted)
    assert (painted <= before + 1e-6).all()
    assert (before - painted)[..., 2].sum() > (before - painted)[..., 0].sum() > 0


def test_drawn_rust_has_no_state_and_rust_of_a_photo_keeps_its_own() -> None:
    def photo(_rng: np.random.Generator) -> Labelled:
        plate = np.full((SIZE_PX, SIZE_PX, 3), (120, 60, 30), np.uint8)
        state = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
        state[30:90, 30:90] = 3
        return Labelled.blank(SIZE_PX).with_rust(plate, state)

    states = [
        set(np.unique(rusted_steel(stream(6, "steel", number), SIZE_PX, None, photo).state).tolist()) - {0}
        for number in range(24)
    ]
    assert {3} in states
    assert {UNKNOWN_STATE} in states
    assert not [found for found in states if found - {3, UNKNOWN_STATE}]


# Recipes


@pytest.mark.parametrize(
    ("stage", "before"),
    [
        ("crack-corrosion-hard", "crack-corrosion"),
        ("crack-corrosion-thin", "crack-corrosion-hard"),
        ("crack-corrosion-long", "crack-corrosion-thin"),
        ("crack-corrosion-shadows", "crack-corrosion-long"),
    ],
)
def test_a_stage_goes_on_from_what_the_one_before_published(stage: str, before: str) -> None:
    recipe = read_recipe(RECIPES / f"{stage}.toml")
    path = start_checkpoint(recipe, Path("no such folder"))
    assert path.name == f"{before}.pt"
    assert file_sha256(path) == recipe.start.sha256


def test_all_stages_keep_the_same_photos_out() -> None:
    sources = [read_recipe(path).sources for path in sorted(RECIPES.glob("*.toml"))]
    assert len(sources) == 5
    assert all(one == sources[0] for one in sources)


def share_of(folder: Path, photos: list[PreparedPhoto], share: float) -> set[str]:
    recipe = read_recipe(RECIPES / "crack-corrosion.toml")
    crops = recipe.crops.model_copy(update={"photos_share": share, "size_px": 64})
    index = PreparedIndex(recipe={}, inputs={}, photos=tuple(photos))
    made = CropMaker(recipe.model_copy(update={"crops": crops}), index, folder, folder)
    return {photo.image for photo in made.pool.crack}


def test_a_larger_part_of_the_photos_holds_every_photo_of_a_smaller_one(tmp_path: Path) -> None:
    photos = [PreparedPhoto(kind="crack", split="train", image=f"{number}.jpg") for number in range(2000)]
    parts = [share_of(tmp_path, photos, share) for share in (0.125, 0.25, 0.5, 1.0)]
    assert [len(part) / 2000 for part in parts] == pytest.approx([0.125, 0.25, 0.5, 1.0], abs=0.03)
    assert parts[0] < parts[1] < parts[2] < parts[3]


# Contact sheet


def test_a_contact_sheet_shows_crops_and_below_them_their_labels(maker: CropMaker) -> None:
    sheet = crop_sheet(maker, ["cracked_wall", "mined_negative"], seed=1, count=3)
    assert sheet.shape == (4 * SIZE_PX, 3 * SIZE_PX, 3)
    marked = (sheet == BLUE).all(axis=-1)
    assert marked[SIZE_PX : 2 * SIZE_PX].any()
    assert not marked[3 * SIZE_PX :].any()
    assert (with_labels(cracked()) == BLUE).all(axis=-1).any()


# Blending


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_blend_lies_between_its_two_networks(tmp_path: Path, share: float) -> None:
    torch.manual_seed(3)
    networks = [new_network(), new_network()]
    for epoch, network in enumerate(networks):
        save_network(network, tmp_path / f"{epoch}.pt", epoch=epoch)
    path = blend(tmp_path / "0.pt", tmp_path / "1.pt", share, tmp_path / "out.pt")
    blended = torch.load(path, weights_only=True)
    before, after = (float(network.crack.weight.detach().half()[0, 0]) for network in networks)
    found = float(blended["network"]["crack.weight"][0, 0])
    assert found == pytest.approx(before + share * (after - before), abs=1e-3)
    assert blended["epoch"] == 1


def test_a_blend_of_what_is_no_checkpoint_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(b"no")
    with pytest.raises(SettingsError, match=r"x\.pt"):
        blend(tmp_path / "x.pt", tmp_path / "x.pt", 0.5, tmp_path / "out.pt")
