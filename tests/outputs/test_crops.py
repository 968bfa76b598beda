"""Pictures of defects: the evidence stays visible, the scale is true, the parent is named."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from shapely import MultiLineString, MultiPolygon, box
from shapely.affinity import translate

from tenken.errors import FlightError
from tenken.identity.identify import Defect
from tenken.inspection import Inspection
from tenken.outputs import write_crops
from tenken.outputs.crops import LARGEST_PX, caption, draw_crop

LoadWindow = Callable[[str, int, int, int, int], npt.NDArray[np.uint8]]


def crack(bridge: Inspection, identity: str = "C-0001") -> Defect:
    return next(one for one in bridge.defects if one.id == identity)


def moved(defect: Defect, dx: float, dy: float) -> Defect:
    best = defect.sightings[0]
    line = best.centreline_px
    shifted = dataclasses.replace(
        best,
        outline_px=translate(best.outline_px, dx, dy),
        centreline_px=None if line is None else translate(line, dx, dy),
    )
    return dataclasses.replace(defect, sightings=(shifted,))


def count(picture: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    return int(np.all(np.abs(picture.astype(int) - colour) < 30, axis=-1).sum())


def test_each_defect_gets_a_picture_that_names_its_photo(
    tmp_path: Path, bridge: Inspection, concrete: LoadWindow
) -> None:
    written = write_crops(tmp_path / "crops", bridge, concrete)
    assert written == {one.id: f"crops/{one.id}.jpg" for one in sorted(bridge.defects, key=lambda one: one.id)}
    for defect in bridge.defects:
        with Image.open(tmp_path / written[defect.id]) as picture:
            assert max(picture.size) <= LARGEST_PX
            comment = picture.info["comment"].decode("utf-8")
        assert defect.sightings[0].photo in comment
        assert defect.sightings[0].photo_sha256 in comment


def test_threads_change_no_byte_of_the_pictures(tmp_path: Path, bridge: Inspection, concrete: LoadWindow) -> None:
    one = write_crops(tmp_path / "one" / "crops", bridge, concrete)
    three = write_crops(tmp_path / "three" / "crops", bridge, concrete, threads=3)
    assert list(one.items()) == list(three.items())
    for name in one.values():
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()


def test_a_photo_that_cannot_be_read_stops_the_pictures(tmp_path: Path, bridge: Inspection) -> None:
    def unreadable(photo: str, *_: int) -> npt.NDArray[np.uint8]:
        raise FlightError(f"{photo}: damaged picture")

    with pytest.raises(FlightError, match="damaged"):
        write_crops(tmp_path / "crops", bridge, unreadable, threads=2)


def test_the_crack_is_untouched_on_one_side_and_outlined_on_the_other(bridge: Inspection, concrete: LoadWindow) -> None:
    sheet = np.asarray(draw_crop(crack(bridge), (1200, 900), concrete))
    upper, lower = sheet[: len(sheet) // 2 - 40], sheet[len(sheet) // 2 :]
    assert upper.min(axis=(1, 2)).min() < 80
    assert count(upper, (0, 229, 255)) == 0
    assert count(lower, (0, 229, 255)) > 500


@pytest.mark.parametrize(("dx", "dy"), [(-119, -498), (559, 199), (-119, 199), (5000, 5000), (-5000, 0)])
def test_a_window_never_leaves_the_photo(bridge: Inspection, concrete: LoadWindow, dx: float, dy: float) -> None:
    # The fixture refuses any pixel outside the photo.
    assert max(draw_crop(moved(crack(bridge), dx, dy), (1200, 900), concrete).size) <= LARGEST_PX


def test_a_tall_crack_stands_beside_its_copy_and_a_wide_one_above(bridge: Inspection, concrete: LoadWindow) -> None:
    tall = draw_crop(crack(bridge, "C-0002"), (1200, 900), concrete)
    wide = draw_crop(crack(bridge, "C-0003"), (1200, 900), concrete)
    for sheet, split_axis in ((np.asarray(tall), 1), (np.asarray(wide), 0)):
        along = np.argwhere(np.all(np.abs(sheet.astype(int) - (0, 229, 255)) < 30, axis=-1))[:, split_axis]
        assert along.min() > sheet.shape[split_axis] * 0.4


def test_a_crack_across_a_large_photo_is_also_shown_at_full_resolution(bridge: Inspection) -> None:
    line = MultiLineString([[(100.0, 1500.0), (5400.0, 1600.0)]])
    outline = MultiPolygon([box(100, 1490, 5400, 1610)])
    best = dataclasses.replace(crack(bridge).sightings[0], outline_px=outline, centreline_px=line)
    long = dataclasses.replace(crack(bridge), sightings=(best,))
    rng = np.random.default_rng(1)
    photo = rng.integers(150, 190, (3000, 5472, 3), dtype=np.uint8)
    photo[1549:1552] = 40

    sheet = np.asarray(draw_crop(long, (5472, 3000), lambda _, x0, y0, x1, y1: photo[y0:y1, x0:x1]))
    first_panel = sheet[: int(np.argmax((sheet > 245).all(axis=(1, 2))))]
    assert (first_panel.min(axis=2) < 60).all(axis=1).sum() == 3


def test_a_crack_without_scale_gets_a_bar_in_pixels(bridge: Inspection, concrete: LoadWindow) -> None:
    with_scale = np.asarray(draw_crop(crack(bridge), (1200, 900), concrete))
    bare = dataclasses.replace(crack(bridge).sightings[0], gsd_mm=None)
    without = np.asarray(draw_crop(dataclasses.replace(crack(bridge), sightings=(bare,)), (1200, 900), concrete))
    assert with_scale.shape == without.shape
    footer = with_scale.shape[0] - 48
    assert (with_scale[:300] == without[:300]).all()
    assert (with_scale[footer:] != without[footer:]).any()


def test_a_defect_without_sighting_or_known_photo_gets_no_picture(
    tmp_path: Path, bridge: Inspection, concrete: LoadWindow
) -> None:
    nothing = dataclasses.replace(crack(bridge), sightings=())
    lone = dataclasses.replace(bridge, defects=(nothing, crack(bridge, "C-0003")), photos=bridge.photos[:1])
    assert write_crops(tmp_path / "crops", lone, concrete) == {}


def test_captions_use_no_sign_that_the_font_lacks(bridge: Inspection) -> None:
    assert [caption(one) for one in sorted(bridge.defects, key=lambda one: one.id)] == [
        "C-0001   2.93 m   0.32 mm (0.28-0.36 mm)   5.00 mm/px",
        "C-0002   2.05 m   0.15-0.34 mm   5.00 mm/px",
        "C-0003   303 px x 2.4 px",
        "R-0001   0.64 m2   5.00 mm/px",
    ]
