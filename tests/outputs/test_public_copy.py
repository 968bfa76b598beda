"""What is published holds pixels that a person has looked at, and nothing else; checked with other readers."""

import csv
import getpass
import io
import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import exiv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms
from typer.testing import CliRunner, Result

from conftest import DemoFlight
from tenken import Detections, Settings, inspect_flight
from tenken.cli import app
from tenken.errors import SettingsError
from tenken.exports.private_regions import proposed_boxes
from tenken.exports.public_copy import export_public
from tenken.exports.public_picture import public_jpeg
from tenken.exports.public_review import COLUMNS
from tenken.hashing import file_sha256
from tenken.imagery.picture import load_photo
from tenken.running.progress import Silence

SERIAL = "1581F5FHB22BR0018K3T"
SECRETS = (SERIAL.encode(), b"Exif", b"http://ns.adobe.com", b"drone-dji", b"DJI", b"GPS", b"Photoshop", b"ICC_PROFILE")
PLAIN_JPEG = {0xD8, 0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xD9}
"""Start, JFIF head, quantisation, frame, Huffman tables, scan, end: what a picture needs and no more."""


@pytest.fixture(scope="module")
def laden(small_demo: DemoFlight, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Photos laden with all that cameras and programs leave in them, and a finished run over them."""
    root = tmp_path_factory.mktemp("laden")
    images, out = root / "山田太郎" / "images", root / "out"
    shutil.copytree(small_demo.images, images)
    thumbnail = io.BytesIO()
    Image.new("RGB", (160, 120), (90, 200, 40)).save(thumbnail, "JPEG")
    for path in sorted(images.iterdir()):
        with Image.open(path) as photo:
            photo.load()
            exif = photo.getexif()
            profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
            xmp = photo.info["xmp"]
            exif[0x0112] = 6 if path.name.endswith("2.JPG") else 1  # turned by the camera
            photo.save(path, quality=95, exif=exif, icc_profile=profile, comment=b"flown by Yamada", xmp=xmp)
        picture = exiv2.ImageFactory.open(str(path))
        picture.readMetadata()
        data = picture.exifData()
        data["Exif.Photo.BodySerialNumber"] = SERIAL
        exiv2.ExifThumb(data).setJpegThumbnail(thumbnail.getvalue())
        picture.setExifData(data)
        iptc = picture.iptcData()
        iptc["Iptc.Application2.Byline"] = "Yamada"
        picture.setIptcData(iptc)
        picture.writeMetadata()
    inspect_flight(images, out, Settings(tile_px=128, surface=small_demo.surface, lang="en"))
    return images, out


@pytest.fixture
def finished(laden: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The photos, and the run's folder for one test alone."""
    shutil.copytree(laden[1], tmp_path / "out")
    return laden[0], tmp_path / "out"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def rows_of(out: Path) -> list[dict[str, str]]:
    text = (out / "public-review.csv").read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def fill_in(out: Path, encoding: str = "utf-8-sig", /, **cells: Sequence[str]) -> None:
    """Fill columns in for the photos in their order, as in a spreadsheet."""
    rows = rows_of(out)
    for name, values in cells.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows(rows)
    (out / "public-review.csv").write_bytes(text.getvalue().encode(encoding))


def approve(out: Path, decision: Sequence[str] = ("publish",) * 3, **cells: Sequence[str]) -> None:
    run(out, "--public")
    fill_in(out, "utf-8-sig", decision=decision, looked_at_by=["点検 花子"] * 3, **cells)


def markers(content: bytes) -> set[int]:
    """Kinds of segments in a JPEG."""
    kinds, at = {content[1]}, 2
    while True:
        kind = content[at + 1]
        kinds.add(kind)
        if kind == 0xDA:
            return kinds | {content[-1]}
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")


def test_the_photos_are_laden_with_what_must_go(laden: tuple[Path, Path]) -> None:
    for path in sorted(laden[0].iterdir()):
        content = path.read_bytes()
        assert SERIAL.encode() in content
        assert b"drone-dji" in content
        assert not markers(content) <= PLAIN_JPEG
        picture = exiv2.ImageFactory.open(str(path))
        picture.readMetadata()
        assert exiv2.ExifThumb(picture.exifData()).copy().size() > 0
        assert picture.iptcData().count()


def test_nothing_is_published_before_a_person_has_looked(finished: tuple[Path, Path]) -> None:
    _, out = finished
    first = run(out, "--public")
    assert first.exit_code == 2
    assert "3 photos to look at" in first.stderr
    assert not (out / "public").exists()
    rows = rows_of(out)
    assert [row["photo"] for row in rows] == ["DJI_0001.JPG", "DJI_0002.JPG", "DJI_0003.JPG"]
    assert {row["decision"] for row in rows} == {""}
    second = run(out, "--public")
    assert second.exit_code == 2
    assert "public-review.csv, line 2: nobody has looked at DJI_0001.JPG" in second.stderr
    fill_in(out, decision=["publish", "publish", ""], looked_at_by=["点検 花子"] * 3)
    assert "line 4: nobody has looked at DJI_0003.JPG" in run(out, "--public").stderr
    fill_in(out, decision=["publish"] * 3, looked_at_by=["点検 花子", " ", "点検 花子"])
    assert "line 3: who looked at DJI_0002.JPG?" in run(out, "--public").stderr
    assert not (out / "public").exists()


def test_no_reader_finds_anything_but_pixels(finished: tuple[Path, Path]) -> None:
    images, out = finished
    approve(out)
    told = run(out, "--public")
    assert told.exit_code == 0, told.output
    assert "3 photos published, 0 withheld" in told.output
    pictures = sorted((out / "public").glob("*.jpg"))
    assert [path.name for path in pictures] == ["photo-0001.jpg", "photo-0002.jpg", "photo-0003.jpg"]
    for path, original in zip(pictures, sorted(images.iterdir()), strict=True):
        content = path.read_bytes()
        assert markers(content) == PLAIN_JPEG
        assert [secret for secret in SECRETS if secret in content] == []
        read = exiv2.ImageFactory.open(str(path))
        read.readMetadata()
        assert read.exifData().count() == read.xmpData().count() == read.iptcData().count() == 0
        assert read.comment() == ""
        assert not read.iccProfileDefined()
        with Image.open(path) as picture:
            assert dict(picture.getexif()) == {}
            assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
            shown = np.asarray(picture).astype(float)
        was = load_photo(original).astype(float)  # turned as it is displayed
        assert shown.shape == was.shape
        assert np.abs(shown - was).mean() < 4


def test_the_copy_names_parents_and_neither_people_nor_places(finished: tuple[Path, Path]) -> None:
    images, out = finished
    approve(out, ["publish", "非公開", "公開"])
    assert "2 photos published, 1 withheld" in run(out, "--public", "--with-defects").output
    manifest = json.loads((out / "public/manifest.json").read_text(encoding="utf-8"))
    assert manifest["withheld_photos"] == 1
    parents = [images / "DJI_0001.JPG", images / "DJI_0003.JPG"]
    assert [one["parent_sha256"] for one in manifest["photos"]] == [file_sha256(path) for path in parents]
    assert [one["sha256"] for one in manifest["photos"]] == [
        file_sha256(out / "public" / one["file"]) for one in manifest["photos"]
    ]
    secrets = ["花子", "山田", "DJI", "images", getpass.getuser(), str(out), str(images), out.parents[0].name]
    for path in (out / "public").iterdir():
        content = path.read_bytes()
        assert [word for word in secrets if word.encode("utf-8") in content] == []


def test_originals_stay_as_they_are(finished: tuple[Path, Path]) -> None:
    images, out = finished
    before = {path: (file_sha256(path), path.stat().st_mtime_ns) for path in images.iterdir()}
    approve(out)
    run(out, "--public")
    assert {path: (file_sha256(path), path.stat().st_mtime_ns) for path in images.iterdir()} == before


def test_equal_decisions_give_equal_bytes_and_a_withdrawn_photo_goes(finished: tuple[Path, Path]) -> None:
    _, out = finished
    approve(out, blur_px=["10,10,40,40", "", ""])
    run(out, "--public")
    first = {path.name: path.read_bytes() for path in (out / "public").iterdir()}
    run(out, "--public", "--dest", out / "again")
    assert {path.name: path.read_bytes() for path in (out / "again").iterdir()} == first
    fill_in(out, decision=["withhold", "publish", "publish"])
    run(out, "--public")
    left = {path.name: path.read_bytes() for path in (out / "public").iterdir()}
    assert sorted(left) == ["manifest.json", "photo-0001.jpg", "photo-0002.jpg"]
    assert left["photo-0001.jpg"] == first["photo-0002.jpg"]


def test_what_was_marked_cannot_be_recognised() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    noise = np.repeat(np.repeat(noise[::5, ::5], 5, axis=0), 5, axis=1)  # coarse enough for a JPEG
    content = public_jpeg(noise, [(100, 80, 60, 50), (380, 290, 60, 50)])
    with Image.open(io.BytesIO(content)) as picture:
        shown = np.asarray(picture).astype(float)
    contrast = np.abs(np.diff(shown, axis=1)).max(axis=2)
    for part in (np.s_[80:130, 100:159], np.s_[290:300, 380:399]):
        assert contrast[part].max() < 40
    assert contrast[200:260, 100:200].max() > 150
    assert np.abs(shown[200:260, 100:200] - noise[200:260, 100:200]).mean() < 30


def test_the_manifest_counts_what_was_blurred(finished: tuple[Path, Path]) -> None:
    _, out = finished
    approve(out, blur_px=["100,80,60,50; 300,200,30,30", "", ""])
    run(out, "--public")
    photos = json.loads((out / "public/manifest.json").read_text(encoding="utf-8"))["photos"]
    assert [one["blurred_boxes"] for one in photos] == [2, 0, 0]


def test_two_different_faces_of_equal_averages_give_the_same_bytes() -> None:
    # What tells them apart is gone, not merely hidden.
    pattern = np.full((100, 100, 3), 120, np.uint8)
    first, second = pattern.copy(), pattern.copy()
    first[20:80:2, 20:80] += 30
    second[20:80, 20:80:2] += 30
    assert public_jpeg(first, [(10, 10, 80, 80)]) == public_jpeg(second, [(10, 10, 80, 80)])
    assert public_jpeg(first, []) != public_jpeg(second, [])


def test_a_spreadsheet_in_japan_may_save_the_table_its_own_way(finished: tuple[Path, Path]) -> None:
    _, out = finished
    run(out, "--public")
    fill_in(out, "cp932", decision=["公開"] * 3, looked_at_by=["点検 花子"] * 3)
    assert "3 photos published" in run(out, "--public").output


def test_photos_that_came_later_must_be_looked_at_too(finished: tuple[Path, Path]) -> None:
    _, out = finished
    approve(out)
    table = out / "public-review.csv"
    lines = table.read_bytes().decode("utf-8-sig").splitlines(keepends=True)
    table.write_bytes("".join(lines[:-1]).encode("utf-8-sig"))
    refused = run(out, "--public")
    assert "1 photo to look at" in refused.stderr
    rows = rows_of(out)
    assert [row["looked_at_by"] for row in rows] == ["点検 花子", "点検 花子", ""]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (
            {"decision": ["maybe", "publish", "publish"]},
            "line 2: decision 'maybe' of DJI_0001.JPG is none; give publish",
        ),
        ({"blur_px": ["face", "", ""]}, "line 2: blur_px 'face' is no box; give left,top,width,height"),
        ({"blur_px": ["1,2,0,4", "", ""]}, "blur_px '1,2,0,4' is no box"),
        ({"blur_px": ["", "9000,10,20,20", ""]}, "blur_px 9000,10,20,20 lies outside DJI_0002.JPG (360 x 480 px)"),
        ({"sha256": ["0" * 64, "", ""]}, "DJI_0001.JPG is not the photo that was looked at"),
        ({"photo": ["DJI_0001.JPG", "DJI_0001.JPG", "DJI_0003.JPG"]}, "1 photo to look at"),
    ],
)
def test_a_mistake_in_the_table_is_told_with_its_line(
    finished: tuple[Path, Path], cells: dict[str, list[str]], says: str
) -> None:
    _, out = finished
    approve(out, **cells)
    refused = run(out, "--public")
    assert refused.exit_code == 2
    (line,) = refused.stderr.strip().splitlines()
    assert says in line
    assert not (out / "public").exists()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["--flight", "{gone}"], 3, "say where the photos are now with --flight"),
        (["--flight", "{changed}"], 3, "DJI_0001.JPG: was changed since the run"),
        (["--flight", "{ortho}"], 2, "is an orthomosaic"),
        (["--dest", "{busy}"], 2, "holds other files (letter.txt); give an empty folder"),
        (["--dest", "{images}/public"], 2, "lies among the photos"),
        (["--flight", "{copied}", "--dest", "{copied}/public"], 2, "lies among the photos"),
        (["--dest", "{out}"], 2, "is the run's own folder"),
    ],
)
def test_errors_are_one_line_with_a_remedy(
    finished: tuple[Path, Path], tmp_path: Path, arguments: list[str], exit_code: int, says: str
) -> None:
    images, out = finished
    approve(out)
    places = {name: tmp_path / name for name in ("gone", "changed", "copied", "busy")}
    shutil.copytree(images, places["changed"])
    shutil.copytree(images, places["copied"])
    with (places["changed"] / "DJI_0001.JPG").open("ab") as stream:
        stream.write(b" ")
    places["busy"].mkdir()
    (places["busy"] / "letter.txt").write_text("x", encoding="utf-8")
    (tmp_path / "ortho.tif").write_bytes(b"II*")
    places |= {"images": images, "out": out, "ortho": tmp_path / "ortho.tif"}
    refused = run(out, "--public", *(argument.format(**places) for argument in arguments))
    assert refused.exit_code == exit_code
    (line,) = refused.stderr.strip().splitlines()[-1:]
    assert says in line
    assert (places["busy"] / "letter.txt").exists()


def marked_red(tile: npt.NDArray[np.uint8], /) -> Detections:
    """Find one red box in a tile."""
    rows, columns = np.nonzero((tile[..., 0] > 200) & (tile[..., 1] < 60))
    if not len(rows):
        return Detections.empty()
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], dtype=float)
    return Detections(box, np.ones(1), np.array(["face"]))


def test_a_detector_of_the_users_proposes_what_to_blur() -> None:
    image = np.full((700, 900, 3), 120, np.uint8)
    image[600:640, 800:850] = (255, 0, 0)
    assert (800, 600, 50, 40) in proposed_boxes(image, marked_red)


def test_proposals_stand_in_the_table_and_still_need_a_person(finished: tuple[Path, Path]) -> None:
    _, out = finished

    def whole_middle(tile: npt.NDArray[np.uint8], /) -> Detections:
        return Detections(np.array([[100.0, 80.0, 160.0, 130.0]]), np.ones(1), np.array(["plate"]))

    with pytest.raises(SettingsError, match="3 photos to look at"):
        export_public(out, None, None, Silence(), detector=whole_middle)
    assert {row["blur_px"] for row in rows_of(out)} == {"100,80,60,50"}
    assert {row["decision"] for row in rows_of(out)} == {""}
    assert "nobody has looked" in run(out, "--public").stderr


def test_defects_are_published_only_if_confirmed_and_only_roughly_placed(finished: tuple[Path, Path]) -> None:
    _, out = finished
    approve(out)
    run(out, "--public", "--with-defects")
    empty = json.loads((out / "public/defects.geojson").read_text(encoding="utf-8"))
    assert empty["features"] == []  # nobody has confirmed any
    with closing(sqlite3.connect(out / "inspection.gpkg")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE defects SET review = 'confirmed' WHERE fid <= 2")
        database.commit()
    run(out, "--public", "--with-defects")
    features = json.loads((out / "public/defects.geojson").read_text(encoding="utf-8"))["features"]
    assert sum(one["properties"]["count"] for one in features) == 2
    for one in features:
        assert set(one["properties"]) == {"kind", "kind_ja", "count"}
        assert all(round(degrees, 3) == degrees for degrees in one["geometry"]["coordinates"])
    run(out, "--public")
    assert not (out / "public/defects.geojson").exists()
