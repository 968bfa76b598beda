"""Malformed sources: one line that names file and place, and never a data set, nor half of one."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from annotation_files import (
    HEIGHT,
    PHOTO,
    WIDTH,
    WRITERS,
    photo,
    scene,
    write_coco,
    write_cvat,
    write_json,
    write_labelme,
    write_voc,
    write_yolo,
)
from tenken.cli import app
from tenken.errors import MissingExtraError, SettingsError
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.importing import import_annotations

LABELS = {".json", ".xml", ".txt", ".yaml", ".png"}
BAD_VALUES: tuple[Any, ...] = (None, "x", "", -1, -1e9, 1e308, 10**400, 0, [], {}, True, [[1]], "NaN", 1e-320)
FUZZED = {**{name: write for name, (write, _) in WRITERS.items()}, "voc": write_voc}
ROUNDS = 24


def refused(source: Path, out: Path, **options: Any) -> str | None:
    """The message that a source is refused with; None where it is taken. Nothing may be left of a refused one."""
    before = sorted(out.parent.iterdir())
    try:
        import_annotations(source, out, ImportOptions(site="北橋", **options))
    except (SettingsError, MissingExtraError) as error:
        assert sorted(out.parent.iterdir()) == before
        message = str(error)
        assert "\n" not in message
        return message
    shutil.rmtree(out)
    return None


def label_file(source: Path) -> Path:
    """The file that holds the labels."""
    found = [path for path in source.rglob("*") if path.suffix in LABELS and "images" not in path.parts]
    return max(found, key=lambda path: path.stat().st_size)


def broken_json(rng: np.random.Generator, content: bytes) -> bytes:
    """Put a bad value, or nothing, in a random place."""
    root = json.loads(content)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            places.append((node, key))
            walk(node[key])

    walk(root)
    node, key = places[int(rng.integers(len(places)))] if rng.random() < 0.5 else places[int(rng.integers(12))]
    if isinstance(node, dict) and rng.random() < 0.3:
        del node[key]
    else:
        node[key] = BAD_VALUES[int(rng.integers(len(BAD_VALUES)))]
    return json.dumps(root).replace('"NaN"', "NaN").encode()


def broken_text(rng: np.random.Generator, content: bytes) -> bytes:
    """Replace a random word or number of a text."""
    words = content.decode("utf-8").replace('"', ' " ').split(" ")
    values = ("nan", "inf", "-5", "1e308", "", "<", "&a;", "x" * 50, "99999999999")
    words[int(rng.integers(len(words)))] = values[int(rng.integers(len(values)))]
    return " ".join(words).replace(' " ', '"').encode()


def broken_bytes(rng: np.random.Generator, content: bytes) -> bytes:
    """Cut a file off, or change some of its bytes."""
    if rng.random() < 0.4:
        return content[: int(rng.integers(len(content)))]
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
    return bytes(changed)


@pytest.mark.parametrize("name", FUZZED)
def test_a_malformed_file_is_told_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    source, out = tmp_path / "source", tmp_path / "work" / "set"
    out.parent.mkdir()
    photo(source / "images")
    FUZZED[name](source, scene(1)[:2])
    path = label_file(source)
    whole = path.read_bytes()
    assert refused(source, out) is None, "what is whole is taken"
    rng = np.random.default_rng(sum(name.encode()))
    structured: Callable[[np.random.Generator, bytes], bytes] = (
        broken_json if path.suffix == ".json" else broken_bytes if path.suffix == ".png" else broken_text
    )
    count = 0
    for number in range(ROUNDS):
        path.write_bytes((structured if number % 3 else broken_bytes)(rng, whole))
        message = refused(source, out)
        if message is not None:
            count += 1
            assert any(part in message for part in (path.name, str(source))), message
    assert count >= ROUNDS // 4, "the faults were real"


def make(folder: Path, write: Callable[..., Any] = write_coco) -> Path:
    photo(folder / "images")
    write(folder, scene(2)[:2])
    return folder


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"width": 330', '"width": -330', r"instances\.json, image 7 '橋 1\.png', width: is -330, no width"),
        ('"bbox"', '"box"', None),
        ('"image_id": 7', '"image_id": 8', r"instances\.json, annotation 0, image_id: 8 is no image"),
        (
            '"category_id": 1',
            '"category_id": 9',
            r"annotation \d in image 7 '橋 1\.png', category_id: 9 is no category",
        ),
        ("[[", "[[NaN, ", r"instances\.json: holds a number that is none \(NaN\)"),
        ("[[", "[[1e300, 5, ", r"annotation 0 in image 7 '橋 1\.png', segmentation\[0\]: holds 1e\+300, no place in"),
        ("[[", "[[1, ", r"image 7 '橋 1\.png', segmentation\[0\]: holds \d+ numbers, not x and y in turn"),
        ("}]}", "}]", r"instances\.json, line 1: is no JSON"),
        ('"ひびわれ"', '"ひびれ"', r'classes that are not known: ひびれ .*known: 腐食.*"ひびれ" = "\.\.\."'),
        (
            PHOTO,
            "../../etc/gone.png",
            r"image 7 '../../etc/gone\.png': photo ../../etc/gone\.png is not below .* --photos",
        ),
        ('"width": 330', '"width": 331', r"labels are of a picture of 331 x 220 px, but .*橋 1\.png has 330 x 220"),
    ],
)
def test_a_fault_in_coco_is_named_with_its_place(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    source = make(tmp_path / "source")
    path = source / "instances.json"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    said = refused(source, tmp_path / "set")
    assert (said is None) == (message is None)
    if message is not None:
        with pytest.raises(SettingsError, match=message):
            import_annotations(source, tmp_path / "set", ImportOptions())


@pytest.mark.parametrize(
    ("write", "old", "new", "message"),
    [
        (write_cvat, "points=", "pts=", r"annotations\.xml, image 1 '橋 1\.png', polygon 1: has no 'points'"),
        (write_cvat, 'height="220"', 'height="0"', r"image 1 '橋 1\.png': height is 0, no width or height"),
        (write_cvat, "</image>", "", r"annotations\.xml, line 1: is no XML"),
        (write_cvat, "<annotations>", '<!DOCTYPE a [<!ENTITY b "c">]><annotations>', "defines entities"),
        (write_voc, "<xmin>", "<xmin>9", r"橋 1\.xml, object 1: a box from .* is inside out"),
        (write_voc, "<name>腐食</name>", "", r"橋 1\.xml, object 1: has no name"),
        (write_yolo, "1 0", "7 0", r"橋 1\.txt, line \d: class 7 is none of"),
        (write_yolo, " 0.", " 3.", r"橋 1\.txt, line 1: outside 0 to 1"),
        (write_labelme, "polygon", "cube", r"橋 1\.json, shapes\[0\]: shape_type 'cube' is not known"),
        (write_labelme, '"shapes": [', '"shapes": [5, ', r"橋 1\.json, shapes\[0\]: is a number, not an object"),
    ],
)
def test_a_fault_is_named_with_its_place(
    tmp_path: Path, write: Callable[..., Any], old: str, new: str, message: str
) -> None:
    source = make(tmp_path / "source", write)
    path = label_file(source)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        import_annotations(source, tmp_path / "set", ImportOptions())
    assert not (tmp_path / "set").exists()


def test_entities_that_blow_up_are_not_opened(tmp_path: Path) -> None:
    source = make(tmp_path / "source", write_cvat)
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    (source / "annotations.xml").write_text(f"<!DOCTYPE x [{bomb}]><annotations>&a11;</annotations>", encoding="utf-8")
    assert "defines entities" in (refused(source, tmp_path / "set") or "")


@pytest.mark.parametrize("encoding", ["utf-16", "cp932"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    source = make(tmp_path / "source")
    path = source / "instances.json"
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert "is not UTF-8 text; save it as UTF-8" in (refused(source, tmp_path / "set") or "")


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    (source / "instances.json").write_text("[" * 200_000, encoding="utf-8")
    assert "nested too deeply" in (refused(source, tmp_path / "set") or "")


def test_masks_of_impossible_size_are_refused_before_they_are_made(tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    path = source / "instances.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["annotations"][0]["segmentation"] = {"size": [100_000, 100_000], "counts": [0, 10**10]}
    write_json(path, content)
    assert "segmentation, counts: 10000000000 pixels are no mask" in (refused(source, tmp_path / "set") or "")


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../evil.json", "/evil.json", "a/../../evil.json", "C:/evil.json"])
def test_a_zip_cannot_write_outside(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "task.zip", {name: b"{}"})
    assert "points outside the zip" in (refused(path, tmp_path / "set") or "")


def test_a_zip_that_blows_up_or_is_cut_off_is_refused(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"a.json": b" " * 60_000_000})
    assert "unpacks to 60000000 bytes" in (refused(bomb, tmp_path / "set") or "")
    (tmp_path / "half.zip").write_bytes(bomb.read_bytes()[:5000])
    assert "is no readable zip" in (refused(tmp_path / "half.zip", tmp_path / "set") or "")


def test_a_whole_zip_is_read_with_its_photos(tmp_path: Path) -> None:
    source = make(tmp_path / "source", write_cvat)
    files = {path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*.*")}
    made = import_annotations(zipped(tmp_path / "task.zip", files), tmp_path / "set", ImportOptions())
    assert [len(one.labels) for one in made.dataset.photos] == [2]
    assert made.dataset.photos[0].site == "task"


def test_messages_name_the_zip_and_the_file_in_it(tmp_path: Path) -> None:
    source = make(tmp_path / "source", write_cvat)
    files = {f"export/{path.relative_to(source).as_posix()}": path.read_bytes() for path in source.rglob("*.*")}
    whole = zipped(tmp_path / "task.zip", files)
    made = import_annotations(whole, tmp_path / "set", ImportOptions(boxes_as_masks=False, tile_px=0))
    text = files["export/annotations.xml"].decode()
    files["export/annotations.xml"] = text.replace('height="220"', 'height="0"', 1).encode()
    broken = zipped(tmp_path / "broken.zip", files)
    message = refused(broken, tmp_path / "other") or ""
    assert message.startswith(f"{broken}, export{os.sep}annotations.xml, image 1 '橋 1.png': height is 0")
    assert "tenken-import-" not in message + "".join(one.where for one in made.findings)
    unreadable = zipped(tmp_path / "plain.zip", {"readme.md": b"nothing"})
    assert (refused(unreadable, tmp_path / "other") or "").startswith(f"{unreadable}: holds no annotations")


def test_a_fault_in_label_studio_names_the_task_and_its_photo(tmp_path: Path) -> None:
    source = make(tmp_path / "source", WRITERS["label-studio"][0])
    path = label_file(source)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"original_width": 330', '"original_width": -1', 1), encoding="utf-8")
    message = refused(source, tmp_path / "set") or ""
    assert f"{path.name}, task 1 " in message
    assert "橋 1.png'" in message
    assert "original_width: is -1" in message


def test_damaged_photos_are_named(tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    path = source / "images" / PHOTO
    path.write_bytes(path.read_bytes()[:3000])
    assert "橋 1.png" in (refused(source, tmp_path / "set") or "")
    path.write_bytes(b"no picture")
    assert "is no readable picture" in (refused(source, tmp_path / "set") or "")


def test_two_photos_that_fit_alike_are_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    photo(source / "other", seed=5)
    assert "give a --photos folder" in (refused(source, tmp_path / "set") or "")


def test_a_turned_photo_without_a_hint_is_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.new("RGB", (WIDTH, HEIGHT)).save(source / "images" / PHOTO, exif=exif)
    assert "say --orientation shown or --orientation stored" in (refused(source, tmp_path / "set") or "")
    assert refused(source, tmp_path / "set", orientation="stored") is None


def test_what_is_no_source_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in (refused(tmp_path / "gone", tmp_path / "set") or "")
    (tmp_path / "empty").mkdir()
    assert "holds no annotations" in (refused(tmp_path / "empty", tmp_path / "set") or "")
    assert "--format odd: is not known" in (refused(tmp_path / "empty", tmp_path / "set", format="odd") or "")


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine", encoding="utf-8")
    assert "is there already" in (refused(source, tmp_path / "set") or "")
    assert (tmp_path / "set" / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    (source / "classes.toml").write_text('"ひびわれ" = 5', encoding="utf-8")
    command = ["import", str(source), "--out", str(tmp_path / "set"), "--no-model-checks"]
    result = CliRunner().invoke(app, [*command, "--classes", str(source / "classes.toml")])
    assert result.exit_code == 2
    assert "'ひびわれ' is 5, not a kind in quotes" in result.output
    assert len(result.output.strip().splitlines()) == 1
