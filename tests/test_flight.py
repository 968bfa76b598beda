"""Every file of a folder has a clear outcome; nothing is lost silently."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import DemoFlight
from drawn import perfect_detector
from tenken import Settings, inspect_flight, read_flight
from tenken.errors import FlightError
from tenken.imagery.picture import load_photo


@pytest.fixture
def messy(small_demo: DemoFlight, tmp_path: Path) -> Path:
    """A folder as it comes from a site."""
    folder = tmp_path / "点検 第2回 (bridge 7)"
    (folder / "橋脚 P1").mkdir(parents=True)
    (folder / "empty").mkdir()
    good = (small_demo.images / "DJI_0001.JPG").read_bytes()
    (folder / "DJI 0001 コピー.JPG").write_bytes(good)
    (folder / "橋脚 P1" / "DJI_0002.jpeg").write_bytes((small_demo.images / "DJI_0002.JPG").read_bytes())
    (folder / "same again.jpg").write_bytes(good)
    (folder / "cut off.jpg").write_bytes((small_demo.images / "DJI_0003.JPG").read_bytes()[:9000])
    (folder / "header only.jpg").write_bytes(good[:40])
    (folder / "nothing.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("点検メモ", encoding="utf-8")
    (folder / "text.jpg").write_text("not a picture", encoding="utf-8")
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "flight.mp4").write_bytes(b"x")
    noise = np.random.default_rng(0).integers(150, 200, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "really a png.jpg", format="PNG")
    Image.fromarray(noise).save(folder / "no position.jpg")
    return folder


REASONS = {
    "cut off.jpg": "damaged picture",
    "header only.jpg": "",
    "nothing.jpg": "empty file",
    "notes.txt": "not a picture",
    "text.jpg": "not a readable picture",
    "flight.mp4": "a video",
    "really a png.jpg": "its content is PNG",
    "same again.jpg": "the same picture as DJI 0001 コピー.JPG",
}


def test_each_file_is_inspected_or_skipped_with_its_reason(messy: Path, tmp_path: Path) -> None:
    inspection = inspect_flight(messy, tmp_path / "out", Settings(tile_px=256), detector=perfect_detector)
    assert {photo.photo for photo in inspection.photos} == {
        "DJI 0001 コピー.JPG",
        "橋脚 P1/DJI_0002.jpeg",
        "no position.jpg",
    }
    skipped = {one.path: one.reason for one in inspection.skipped}
    assert set(skipped) == set(REASONS)
    for name, reason in REASONS.items():
        assert reason in skipped[name]
    assert all("\n" not in reason for reason in skipped.values())


def test_reports_name_what_was_skipped(messy: Path, tmp_path: Path) -> None:
    inspect_flight(messy, tmp_path / "out", Settings(tile_px=256, lang="ja"), detector=perfect_detector)
    report = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "cut off.jpg" in report
    assert "really a png.jpg" in report


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "the folder is empty"),
        (["notes.txt"], "none of its 1 files can be inspected"),
        (["a.jpg"], "none of its 1 files can be inspected"),
        (["a.txt", "b.jpg"], r"none of its 2 files can be inspected \(first: b\.jpg: empty file"),
    ],
)
def test_a_folder_with_nothing_usable_is_refused(tmp_path: Path, made: list[str], message: str) -> None:
    for name in made:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(FlightError, match=message):
        read_flight(tmp_path)


def test_a_folder_whose_photos_are_all_damaged_is_refused(small_demo: DemoFlight, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "a.jpg").write_bytes((small_demo.images / "DJI_0001.JPG").read_bytes()[:9000])
    with pytest.raises(FlightError, match="no photo can be decoded"):
        inspect_flight(images, tmp_path / "out", Settings(tile_px=256), detector=perfect_detector)


@pytest.mark.parametrize("name", ["missing", "notes.txt", "plain.tif", "film.mp4"])
def test_what_is_no_flight_is_refused_with_a_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    (tmp_path / "film.mp4").write_bytes(b"x")
    (tmp_path / "plain.tif").write_bytes(b"II*\0broken")
    with pytest.raises(FlightError, match=name) as error:
        read_flight(tmp_path / name)
    assert "\n" not in str(error.value)


def test_results_inside_a_flight_are_not_taken_for_photos(small_demo: DemoFlight, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(small_demo.images, images)
    inspect_flight(images, images / "results", Settings(tile_px=256), detector=perfect_detector)
    assert len(read_flight(images).photos) == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_read_as_it_is_displayed(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((60, 90, 3), dtype=np.uint8)
    upright[:20, :30] = 255
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    image = Image.fromarray(np.ascontiguousarray(turned))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    (photo,) = read_flight(tmp_path).photos
    assert (photo.width_px, photo.height_px) == (90, 60)
    assert (load_photo(photo.path) == upright).all()
