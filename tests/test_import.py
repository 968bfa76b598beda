"""From annotated photos to a data set: tiles, sites and splits, doubtful labels, and the command."""

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shapely import LineString, MultiPolygon, Polygon, affinity, box
from typer.testing import CliRunner

from annotation_files import HEIGHT, PHOTO, WIDTH, photo, write_json, write_labelme
from drawn import draw_cracks, perfect_detector
from tenken.cli import app
from tenken.commands import import_ as command
from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken.running.progress import Silence
from tenken_training.annotations.checks import Checks
from tenken_training.annotations.classes import map_classes, read_class_map
from tenken_training.annotations.contact_sheet import GAP_PX, SIDE_PX, write_contact_sheet
from tenken_training.annotations.dataset import Dataset, Label, read_dataset
from tenken_training.annotations.findings import Finding
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.import_table import import_table
from tenken_training.annotations.importing import Imported, import_annotations
from tenken_training.annotations.near_duplicates import near_pairs, perceptual_hash
from tenken_training.annotations.photo import Absence, AnnotatedPhoto
from tenken_training.annotations.splits import Placed, assign_splits
from tenken_training.annotations.tiling import cut_labels, tile_boxes

CRACK = LineString([(30, 40), (300, 180)])


def labelme(folder: Path, name: str, shapes: list[tuple[str, list[list[float]]]], size: tuple[int, int]) -> None:
    """Label a photo that lies in a folder."""
    content = {
        "imagePath": name,
        "imageWidth": size[0],
        "imageHeight": size[1],
        "shapes": [{"label": label, "shape_type": "polygon", "points": points} for label, points in shapes],
    }
    write_json(folder / f"{Path(name).stem}.json", content)


def site(root: Path, name: str, count: int, first_seed: int) -> None:
    """A flight of some photos, each with a crack's area."""
    for number in range(count):
        photo(root / name, f"{number}.png", first_seed + number)
        labelme(root / name, f"{number}.png", [("crack", [[10, 10], [90, 12], [90, 16], [10, 14]])], (WIDTH, HEIGHT))


def imported(source: Path, out: Path, **options: Any) -> Imported:
    return import_annotations(source, out, ImportOptions(**options))


def splits_of(dataset: Dataset) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in dataset.photos:
        found.setdefault(one.site, set()).add(one.split)
    return found


# Tiles


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(256, 2000))
def test_tiles_cover_a_photo_once(width: int, height: int, tile: int) -> None:
    boxes = tile_boxes(width, height, tile)
    assert sum((right - left) * (bottom - top) for left, top, right, bottom in boxes) == width * height
    assert all(0 < right - left <= tile and 0 < bottom - top <= tile for left, top, right, bottom in boxes)
    assert shapely.union_all([box(*one) for one in boxes]).equals(box(0, 0, width, height))


@given(st.integers(0, 10_000))
def test_labels_are_cut_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    line = LineString(np.cumsum(rng.uniform(-150, 250, (12, 2)), axis=0).clip(5, 1995))
    label = Label("crack", shapely.make_valid(line.buffer(4)), line)  # type: ignore[arg-type]
    back, lines = [], []
    for one in tile_boxes(2000, 2000, 700):
        for part in cut_labels([label], one):
            assert box(0, 0, one[2] - one[0], one[3] - one[1]).buffer(1e-6).contains(part.area)
            back.append(affinity.translate(part.area, one[0], one[1]))
            lines += [affinity.translate(part.line, one[0], one[1])] if part.line is not None else []
    whole = shapely.union_all(back)
    assert whole.symmetric_difference(label.area).area < 0.01 * label.area.area
    assert all(line.buffer(0.01).contains(part) for part in lines)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_large_photo_becomes_tiles(tmp_path: Path, ending: str) -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (15, 44, 3), dtype=np.uint8)
    picture = Image.fromarray(small).resize((2200, 700), Image.Resampling.BICUBIC)
    (tmp_path / "in").mkdir()
    original = tmp_path / "in" / f"a.{ending}"
    picture.save(original, quality=95)
    before = file_sha256(original)
    area = Polygon([(100, 400), (2100, 420), (2100, 440), (100, 410)])
    labelme(tmp_path / "in", original.name, [("ひびわれ", [list(xy) for xy in area.exterior.coords[:-1]])], (2200, 700))
    dataset = imported(tmp_path / "in", tmp_path / "set", tile_px=800, site="橋").dataset
    assert file_sha256(original) == before
    assert [one.offset_px for one in dataset.photos] == [(0, 0), (1467, 0), (733, 0)]
    whole = np.asarray(Image.open(original))
    areas = []
    for one in dataset.photos:
        x, y = one.offset_px
        assert (one.parent, one.parent_sha256) == (original.name, before)
        tile = np.asarray(Image.open(one.path), dtype=int)
        off = np.abs(tile - whole[y : y + one.height_px, x : x + one.width_px])
        assert off.max() == 0 if ending == "png" else off.mean() < 1.5
        areas.append(affinity.translate(one.labels[0].area, x, y))
    assert shapely.union_all(areas).symmetric_difference(area).area < 1
    assert len({one.split for one in dataset.photos}) == 1


def test_of_empty_tiles_a_share_is_kept(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.new("RGB", (2400, 1800), (90, 90, 90)).save(tmp_path / "in" / "a.png")
    labelme(tmp_path / "in", "a.png", [("crack", [[10, 10], [90, 12], [90, 16]])], (2400, 1800))
    counts = {
        share: len(imported(tmp_path / "in", tmp_path / f"set{share}", tile_px=300, empty_share=share).dataset.photos)
        for share in (0.0, 0.3, 1.0)
    }
    assert counts[0.0] == 1
    assert counts[1.0] == 48
    assert 6 < counts[0.3] < 26


# Sites and splits


def test_a_site_is_in_one_split_only(tmp_path: Path) -> None:
    for number, count in enumerate((6, 3, 3, 4, 5)):
        site(tmp_path / "in", f"flight {number}", count, 10 * number)
    one, two = (imported(tmp_path / "in", tmp_path / name, val=0.2, test=0.2).dataset for name in ("one", "two"))
    splits = splits_of(one)
    assert sorted(splits) == [f"flight {number}" for number in range(5)]
    assert all(len(found) == 1 for found in splits.values())
    assert {split for found in splits.values() for split in found} == {"train", "val", "test"}
    assert [photo.split for photo in one.photos] == [photo.split for photo in two.photos]
    assert (tmp_path / "one" / "dataset.json").read_bytes().replace(b'"one"', b'"two"') == (
        tmp_path / "two" / "dataset.json"
    ).read_bytes()


@given(st.lists(st.integers(1, 12), min_size=2, max_size=9), st.integers(0, 50), st.data())
def test_splits_never_cut_a_site_nor_part_near_duplicates(sizes: list[int], seed: int, data: st.DataObject) -> None:
    photos = [Placed(f"{s}/{n}", f"site {s}") for s, size in enumerate(sizes) for n in range(size)]
    number = st.integers(0, len(photos) - 1)
    pairs = data.draw(st.lists(st.tuples(number, number), max_size=3))
    splits, _ = assign_splits(photos, pairs, val=0.15, test=0.15, seed=seed)
    assert splits == assign_splits(photos, pairs, val=0.15, test=0.15, seed=seed)[0]
    assert "train" in splits
    for one, other in pairs:
        assert splits[one] == splits[other]
    for name in {one.site for one in photos}:
        assert len({split for one, split in zip(photos, splits, strict=True) if one.site == name}) == 1


def test_one_site_alone_is_split_in_blocks_and_that_is_said(tmp_path: Path) -> None:
    site(tmp_path / "in", "bridge", 10, 0)
    outcome = imported(tmp_path / "in", tmp_path / "set")
    assert [one.split for one in outcome.dataset.photos] == ["train"] * 7 + ["val"] + ["test"] * 2
    assert any("NOT independent" in note for note in outcome.notes)


def test_near_duplicates_of_two_sites_stay_together_and_are_told(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 10), ("c", 20), ("d", 30)):
        site(tmp_path / "in", name, 3, seed)
    twin = Image.open(tmp_path / "in" / "a" / "0.png")
    (tmp_path / "in" / "b" / "0.png").unlink()
    twin.point(lambda value: min(255, int(value * 1.05) + 2)).save(tmp_path / "in" / "b" / "0.png")
    for seed in range(4):
        outcome = imported(tmp_path / "in", tmp_path / f"set{seed}", seed=seed, val=0.25, test=0.25)
        splits = splits_of(outcome.dataset)
        assert splits["a"] == splits["b"]
        assert any("nearly the same photo: kept in the same split" in note for note in outcome.notes)
    bound = [Placed("a/0", "a", "train"), Placed("b/0", "b", "test")]
    with pytest.raises(SettingsError, match=r"b/0 \(test\) and a/0 \(train\) are nearly the same photo"):
        assign_splits(bound, [(0, 1)], val=0.1, test=0.1)


def test_hashes_tell_photos_apart_and_copies_not(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"{seed}.png", seed) for seed in range(12)]
    smaller = Image.open(paths[0]).resize((WIDTH // 2, HEIGHT // 2))
    smaller.save(tmp_path / "copy.jpg", quality=60)
    hashes = [perceptual_hash(path) for path in (*paths, tmp_path / "copy.jpg")]
    assert near_pairs(hashes) == [(0, 12)]


def test_sites_come_from_a_table(tmp_path: Path) -> None:
    site(tmp_path / "in", "images", 2, 0)
    (tmp_path / "in" / "sites.csv").write_text("photo,site\nimages/0.png,北橋\nimages/1.png,南橋\n", encoding="utf-8")
    assert set(splits_of(imported(tmp_path / "in", tmp_path / "set").dataset)) == {"北橋", "南橋"}


# Adding


def test_adding_keeps_what_is_there_where_it_is(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 10), ("c", 20)):
        site(tmp_path / "in", name, 3, seed)
    first = imported(tmp_path / "in", tmp_path / "set", val=0.3, test=0.3).dataset
    site(tmp_path / "more", "a", 5, 40)
    site(tmp_path / "more", "e", 2, 50)
    outcome = imported(tmp_path / "more", tmp_path / "set", val=0.3, test=0.3, append=True)
    then = {one.sha256: one.split for one in first.photos}
    assert {one.sha256: one.split for one in outcome.dataset.photos if one.sha256 in then} == then
    assert all(len(found) == 1 for found in splits_of(outcome.dataset).values())
    assert len(outcome.dataset.photos) == 16
    assert len(outcome.dataset.sources) == 2
    assert read_dataset(tmp_path / "set") == outcome.dataset
    before = (tmp_path / "set" / "dataset.json").read_bytes()
    with pytest.raises(SettingsError, match=r"7 photos, all in .* already; nothing to add"):
        imported(tmp_path / "more", tmp_path / "set", append=True)
    assert (tmp_path / "set" / "dataset.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "more", "set"]


# Doubtful labels


def cracked_wall(folder: Path, labels: list[tuple[str, Polygon]]) -> None:
    folder.mkdir()
    second = LineString([(30, 190), (170, 205)])
    Image.fromarray(draw_cracks([CRACK, second], 4, (WIDTH, HEIGHT))).save(folder / "a.png")
    shapes = [(name, [list(xy) for xy in area.exterior.coords[:-1]]) for name, area in labels]
    labelme(folder, "a.png", shapes, (WIDTH, HEIGHT))


def test_labels_that_are_too_wide_or_missing_are_shown(tmp_path: Path) -> None:
    cracked_wall(tmp_path / "in", [("crack", CRACK.buffer(14, cap_style="flat"))])
    checks = Checks(Silence(), perfect_detector, ("crack",))
    outcome = import_annotations(tmp_path / "in", tmp_path / "set", ImportOptions(site="a"), checker=checks)
    assert [one.check for one in outcome.findings] == ["unlabelled", "wider-than-crack"]
    unlabelled, wide = outcome.findings
    assert unlabelled.xyxy_px == pytest.approx((30, 188, 170, 207), abs=2)
    assert re.fullmatch(r"label 2[678] px, crack [34]\.\d px", wide.detail)
    with (tmp_path / "set" / "checks.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["picture"], row["check"], row["photo"]) for row in rows] == [
        ("1", "unlabelled", "a/a.png"),
        ("2", "wider-than-crack", "a/a.png"),
    ]
    sheet = np.asarray(Image.open(tmp_path / "set" / "contact-sheet.jpg").convert("RGB"), dtype=int)
    red = (sheet[..., 0] > 170) & (sheet[..., 1:].max(axis=2) < 110)
    assert red.sum() > 300, "the places meant are framed"


def on_sheet(tmp_path: Path, name: str, label: Polygon, *findings: Finding) -> np.ndarray[Any, Any]:
    side_px = 1000
    area = MultiPolygon([label])
    one = AnnotatedPhoto(
        name, tmp_path / "a.png", "a", "train", side_px, side_px, "0" * 64, ("crack",), (Label("crack", area),)
    )
    path = tmp_path / "sheet.jpg"
    write_contact_sheet(path, [one], findings, lambda _: np.full((side_px, side_px, 3), 200, dtype=np.uint8))
    return np.asarray(Image.open(path).convert("RGB"), dtype=int)


@pytest.mark.parametrize("name", ["W" * 200, "north/" + "pier_" * 40 + "DJI_0001.jpg", "橋脚" * 60 + ".jpg"])
def test_captions_of_the_contact_sheet_stay_below_their_picture(tmp_path: Path, name: str) -> None:
    sheet = on_sheet(tmp_path, name, box(400, 400, 500, 410))
    captions = sheet[GAP_PX + SIDE_PX + 1 :].max(axis=2) < 150
    assert captions[:, GAP_PX : GAP_PX + SIDE_PX].sum() > 200
    assert not captions[:, GAP_PX + SIDE_PX + 2 :].any()


@pytest.mark.parametrize("left", [100, 690])
def test_the_contact_sheet_shows_the_whole_label_that_a_check_means(tmp_path: Path, left: int) -> None:
    place = (left + 140.0, 500.0, left + 160.0, 520.0)
    sheet = on_sheet(
        tmp_path, "a.png", box(left, 500, left + 300, 520), Finding("tiny", "a.png", "", "crack", "", place)
    )
    cell = sheet[GAP_PX : GAP_PX + SIDE_PX, GAP_PX : GAP_PX + SIDE_PX]
    blue = np.flatnonzero(((cell[..., 2] - cell[..., 0]) > 100).any(axis=0))
    assert blue[-1] - blue[0] == pytest.approx(300 / 450 * SIDE_PX, abs=3)
    assert blue[0] > 5
    assert blue[-1] < SIDE_PX - 2


def test_the_table_counts_one_thing_as_one(tmp_path: Path) -> None:
    place = Absence("corrosion", MultiPolygon([box(0, 0, 9, 9)]))
    one = AnnotatedPhoto(
        "a.png", tmp_path / "a.png", "north", "train", 90, 90, "0" * 64, ("crack",),
        (Label("crack", MultiPolygon([box(10, 40, 80, 44)])),), absent=(place,),
    )  # fmt: skip
    dataset = Dataset(tmp_path, "set", (one,))
    table = import_table(Imported(dataset, frozenset({"a.png"}), "coco", ()))
    for told in ("set: 1 photo from coco", "1 picture  of 1 site: north 1", "corrosion: 1 place where it was rejected"):
        assert told in table
    two = replace(dataset, photos=(one, replace(one, name="b.png", site="south", sha256="1" * 64)))
    table = import_table(Imported(two, frozenset({"a.png", "b.png"}), "coco", ()))
    for told in ("2 photos", "2 pictures of 2 sites: north 1, south 1", "2 places"):
        assert told in table


def test_labels_that_fit_are_not_doubted(tmp_path: Path) -> None:
    second = LineString([(30, 190), (170, 205)])
    cracked_wall(tmp_path / "in", [("crack", line.buffer(3, cap_style="flat")) for line in (CRACK, second)])
    checks = Checks(Silence(), perfect_detector, ("crack",))
    outcome = import_annotations(tmp_path / "in", tmp_path / "set", ImportOptions(site="a"), checker=checks)
    assert outcome.findings == ()


# Class names


def test_usual_names_are_known_in_japanese_and_english() -> None:
    names = (
        "ひびわれ",
        "クラック",
        "Crack",
        "腐食",
        "サビ",
        "Rust",
        "剥離・鉄筋露出",
        "exposed rebar",
        "遊離石灰",
        "背景",
    )
    kinds = [
        target.kind
        for _, target in sorted(map_classes(names, {}, Path("site")).items(), key=lambda one: names.index(one[0]))
    ]
    assert kinds == ["crack"] * 3 + ["corrosion"] * 3 + ["spalling", "exposed_rebar", "efflorescence", None]


def test_a_class_file_maps_leaves_out_and_states(tmp_path: Path) -> None:
    path = tmp_path / "classes.toml"
    path.write_text(
        '"car" = ""\n"rust 3" = "corrosion:severe"\n"傷" = "ひびわれ"\n"?" = "ignore:crack"', encoding="utf-8"
    )
    found = map_classes(("car", "Rust-3", "傷", "?"), read_class_map(path), Path("site"))
    assert [(one.kind, one.state, one.ignore) for _, one in sorted(found.items())] == [
        ("crack", None, True), ("corrosion", "severe", False), (None, None, False), ("crack", None, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"a" = 3', "'a' is 3, not a kind in quotes"),
        ('"a" = "Big Crack"', "'Big Crack' is no kind"),
        ('"a" = "crack:severe"', "only corrosion has a state"),
        ('"a" = ', r"classes\.toml: Invalid value"),
    ],
)
def test_a_wrong_class_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "classes.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as caught:
        read_class_map(path)
    assert str(path) in str(caught.value)


# The command


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_the_command_imports_tells_and_exports(tmp_path: Path) -> None:
    site(tmp_path / "in", "北橋", 4, 0)
    site(tmp_path / "in", "南橋", 2, 10)
    code, said = run("import", str(tmp_path / "in"), "--out", str(tmp_path / "set"), "--no-model-checks")
    assert code == 0, said
    for line in ("set: 6 photos from labelme", "  crack                6         6        0"):
        assert line in said
    assert {path.name for path in (tmp_path / "set").iterdir()} == {
        "dataset.json", "images", "labels", "checks.csv", "contact-sheet.jpg",
    }  # fmt: skip
    code, said = run("export", str(tmp_path / "set"), "--to", "coco")
    assert code == 0, said
    assert (tmp_path / "set" / "exports" / "coco" / "annotations.json").is_file()
    code, said = run("export", str(tmp_path / "set"), "--to", "geojson")
    assert (code, "is exported with --to coco only" in said) == (2, True)


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "NEEDED", ("no_such_module",))
    code, said = run("import", str(tmp_path), "--out", str(tmp_path / "set"))
    assert (code, 'pip install "tenken[train]"' in said) == (6, True)


def test_a_photo_without_labels_is_a_negative_unless_left_out(tmp_path: Path) -> None:
    for name, seed in (("a.png", 1), ("b.png", 2)):
        photo(tmp_path / "in", name, seed)
    labelme(tmp_path / "in", "a.png", [("crack", [[10, 10], [90, 12], [90, 16]])], (WIDTH, HEIGHT))
    labelme(tmp_path / "in", "b.png", [], (WIDTH, HEIGHT))
    kept = imported(tmp_path / "in", tmp_path / "kept").dataset
    assert [(one.kinds, len(one.labels)) for one in kept.photos] == [(("crack",), 1), (("crack",), 0)]
    assert len(imported(tmp_path / "in", tmp_path / "left", skip_unlabelled=True).dataset.photos) == 1


def test_missing_photos_can_be_left_out(tmp_path: Path) -> None:
    photo(tmp_path / "in" / "images")
    write_labelme(tmp_path / "in", [])
    labelme(tmp_path / "in", "gone.png", [("crack", [[10, 10], [90, 12], [90, 16]])], (WIDTH, HEIGHT))
    with pytest.raises(SettingsError, match=r"gone\.png is not below .* \(1 missing\)"):
        imported(tmp_path / "in", tmp_path / "set", kinds=("crack",))
    outcome = imported(tmp_path / "in", tmp_path / "set", kinds=("crack",), skip_missing=True)
    assert [one.name.rsplit("/")[-1] for one in outcome.dataset.photos] == [PHOTO]
    assert any("1 photo missing and left out" in note for note in outcome.notes)
