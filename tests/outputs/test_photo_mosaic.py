"""The photos below the report's map: each where it was taken, turned as it was flown."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shapely import Polygon, box

from tenken.inspection import Inspection, PhotoRecord
from tenken.outputs import photo_mosaic as mosaic_module
from tenken.outputs import write_report
from tenken.outputs.photo_mosaic import MOSAIC_BYTES, MOSAIC_PX, Mosaic, photo_mosaic

RED, BLUE, GREY = (220, 30, 30), (30, 30, 220), (128, 128, 128)


def taken(bridge: Inspection, path: Path, left: tuple[int, int, int], right: tuple[int, int, int]) -> PhotoRecord:
    """Give a photo, 400 x 300, whose left half has another colour than its right one."""
    pixels = np.empty((300, 400, 3), np.uint8)
    pixels[:, :200], pixels[:, 200:] = left, right
    Image.fromarray(pixels).save(path, quality=95)
    return replace(bridge.photos[0], photo=path.name, path=path, usable=True, reason="")


def at(mosaic: Mosaic, x_m: float, y_m: float) -> np.ndarray:
    """Colour at a place."""
    left, _, _, top = mosaic.bounds_m
    with Image.open(io.BytesIO(mosaic.jpeg)) as picture:
        scale = max(picture.size) / max(mosaic.bounds_m[2] - left, top - mosaic.bounds_m[1])
        colour = picture.convert("RGB").getpixel((int((x_m - left) * scale), int((top - y_m) * scale)))
    return np.array(colour)


def test_photos_lie_where_their_corners_do(tmp_path: Path, bridge: Inspection) -> None:
    # Flown southwards: the picture's top left corner lies in the south-east.
    south = replace(
        taken(bridge, tmp_path / "a.jpg", RED, BLUE), corners_m=((8.0, 0.0), (0.0, 0.0), (0.0, 6.0), (8.0, 6.0))
    )
    # North up, beside it.
    north = replace(
        taken(bridge, tmp_path / "b.jpg", RED, GREY), corners_m=((10.0, 6.0), (18.0, 6.0), (18.0, 0.0), (10.0, 0.0))
    )
    mosaic = photo_mosaic([south, north, replace(north, photo="c.jpg", corners_m=None)])
    assert mosaic is not None
    assert mosaic.bounds_m == (0.0, 0.0, 18.0, 6.0)
    for x_m, colour in ((6, RED), (2, BLUE), (12, RED), (16, GREY), (9, (255, 255, 255))):
        assert np.abs(at(mosaic, x_m, 3) - colour).max() < 30
    assert mosaic.covered_m.equals(box(0, 0, 8, 6).union(box(10, 0, 18, 6)))


def test_of_two_photos_the_one_nearer_to_its_middle_shows_and_what_was_not_usable_lies_below(
    tmp_path: Path, bridge: Inspection
) -> None:
    first = replace(taken(bridge, tmp_path / "a.jpg", RED, RED), corners_m=((0, 6), (8, 6), (8, 0), (0, 0)))
    second = replace(taken(bridge, tmp_path / "b.jpg", BLUE, BLUE), corners_m=((4, 6), (12, 6), (12, 0), (4, 0)))
    mosaic = photo_mosaic([first, second])
    blurred = photo_mosaic([replace(first, usable=False), second])
    assert mosaic is not None
    assert blurred is not None
    assert [np.abs(at(mosaic, x, 3) - c).max() < 30 for x, c in ((5, RED), (7, BLUE))] == [True, True]
    assert np.abs(at(blurred, 5, 3) - BLUE).max() < 30


def test_photos_that_are_gone_or_damaged_leave_the_map_plain(tmp_path: Path, bridge: Inspection) -> None:
    photo = replace(taken(bridge, tmp_path / "a.jpg", RED, BLUE), corners_m=((0, 6), (8, 6), (8, 0), (0, 0)))
    photo.path.write_bytes(b"no picture")
    assert photo_mosaic([photo]) is None
    photo.path.unlink()
    assert photo_mosaic([photo]) is None
    assert photo_mosaic([]) is None


def test_of_a_long_flight_only_photos_that_show_more_are_drawn(
    tmp_path: Path, bridge: Inspection, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = taken(bridge, tmp_path / "a.jpg", RED, BLUE)
    row = [
        replace(photo, photo=f"{n:03}.jpg", corners_m=((n, 6.0), (n + 8.0, 6.0), (n + 8.0, 0.0), (n, 0.0)))
        for n in range(100)
    ]
    drawn: list[str] = []
    decode = mosaic_module._reduced

    def noted(one: PhotoRecord, corners_px: np.ndarray) -> np.ndarray | None:
        drawn.append(one.photo)
        return decode(one, corners_px)

    monkeypatch.setattr(mosaic_module, "_reduced", noted)
    mosaic = photo_mosaic(row)
    assert mosaic is not None
    assert len(drawn) < len(row) / 2
    assert mosaic.covered_m.area == pytest.approx(Polygon(box(0, 0, 107, 6)).area, rel=0.01)


def test_it_stays_small_and_can_be_switched_off_in_the_report(tmp_path: Path, bridge: Inspection) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1200, 1600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.jpg", quality=95)
    footprint = bridge.photos[0].footprint
    assert footprint is not None
    left, bottom, right, top = footprint.bounds
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    photo = replace(bridge.photos[0], path=tmp_path / "noise.jpg", corners_m=corners)
    mosaic = photo_mosaic([photo])
    assert mosaic is not None
    with Image.open(io.BytesIO(mosaic.jpeg)) as picture:
        assert max(picture.size) == MOSAIC_PX
    assert len(mosaic.jpeg) < 2 * MOSAIC_BYTES
    write_report(tmp_path / "report.html", replace(bridge, photos=(photo,)), {}, "ja")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count('data-layer="background"') == 1
    assert "写真（縮小・位置は概略）" in page
    assert 'clip-path="url(#pictured)"' in page
