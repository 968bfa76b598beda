"""Every format comes in without loss, and goes out as COCO and in again without loss."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from PIL import Image
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from scipy import ndimage
from shapely import LineString, Polygon, affinity, box

from annotation_files import (
    HEIGHT,
    PHOTO,
    WIDTH,
    WRITERS,
    Shape,
    outlined,
    photo,
    scene,
    write_coco,
    write_cvat,
    write_json,
    write_labelme,
    write_voc,
    write_yolo,
)
from drawn_cracks import draw_mask, wandering_crack
from tenken_training.annotations.classes import Target
from tenken_training.annotations.dataset import Dataset, read_dataset
from tenken_training.annotations.import_options import ImportOptions
from tenken_training.annotations.importing import Imported, import_annotations
from tenken_training.annotations.run_lengths import coco_counts_text, coco_text_counts
from tenken_training.annotations.write_coco import export_coco

TOLERANCE_PX = 0.5
KINDS = {"ひびわれ": "crack", "腐食": "corrosion"}


def imported(source: Path, out: Path, **options: object) -> Imported:
    return import_annotations(source, out, ImportOptions(site="北橋", **options))  # type: ignore[arg-type]


def assert_same(one: shapely.Geometry, other: shapely.Geometry) -> None:
    """Outlines lie nowhere farther apart than half a pixel, and hardly any area differs."""
    assert shapely.hausdorff_distance(shapely.boundary(one), shapely.boundary(other)) <= TOLERANCE_PX
    assert shapely.symmetric_difference(one, other).area <= 0.02 * shapely.area(one)


def assert_holds(dataset: Dataset, shapes: list[Shape], *, pixels: bool) -> None:
    """The data set has exactly these shapes, each once."""
    [one] = dataset.photos
    assert (one.width_px, one.height_px) == (WIDTH, HEIGHT)
    assert len(one.labels) == len(shapes)
    for shape in shapes:
        expected = outlined(shape) if pixels else shape.polygon
        [label] = [label for label in one.labels if label.area.intersects(shape.polygon)]
        assert label.kind == KINDS[shape.name]
        assert_same(label.area, expected)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", WRITERS)
def test_there_and_back_again(tmp_path: Path, name: str, seed: int) -> None:
    write, pixels = WRITERS[name]
    shapes = scene(seed, holes=pixels)
    source = tmp_path / "source"
    photo(source / "images", seed=seed)
    write(source, shapes)
    first = imported(source, tmp_path / "first").dataset
    assert_holds(first, shapes, pixels=pixels)

    export_coco(tmp_path / "first", tmp_path / "coco")
    second = imported(tmp_path / "coco", tmp_path / "second", photos=tmp_path / "first" / "images").dataset
    assert_holds(second, shapes, pixels=pixels)
    for before, after in zip(first.photos[0].labels, second.photos[0].labels, strict=True):
        assert_same(before.area, after.area)
        assert (before.kind, before.state, before.ignore) == (after.kind, after.state, after.ignore)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_what_is_exported_is_coco_to_others(tmp_path: Path) -> None:
    source = tmp_path / "source"
    photo(source / "images")
    shapes = scene(4, holes=True)
    WRITERS["coco runs"][0](source, shapes)
    imported(source, tmp_path / "set")
    read = COCO(export_coco(tmp_path / "set"))
    assert len(read.anns) == len(shapes)
    for annotation in read.anns.values():
        theirs = read.annToMask(annotation).astype(bool)
        [shape] = [one for one in shapes if one.mask is not None and (one.mask & theirs).any()]
        assert shape.mask is not None
        assert np.count_nonzero(theirs ^ shape.mask) < 0.12 * np.count_nonzero(shape.mask)


def test_packed_runs_are_those_of_pycocotools() -> None:
    rng = np.random.default_rng(3)
    for size in ((1, 1), (7, 5), (200, 300)):
        mask = ndimage.uniform_filter(rng.random(size), 3) > 0.5
        packed = coco_masks.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"].decode("ascii")
        counts = coco_text_counts(packed)
        assert sum(counts) == mask.size
        assert coco_counts_text(counts) == packed


def cracked(line: LineString, width_px: float, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A photo of a crack, blurred as a lens does, with noise: light is mixed before it is encoded."""
    fine = draw_mask([affinity.scale(line, 4, 4, origin=(0, 0))], width_px * 4, (size[0] * 4, size[1] * 4))
    share = fine.reshape(size[1], 4, size[0], 4).mean(axis=(1, 3))
    light = 0.45 * (1 - ndimage.gaussian_filter(share, 0.8)) + 0.02
    light += np.random.default_rng(0).normal(0, 0.008, light.shape)
    srgb = 1.055 * np.clip(light, 0, 1) ** (1 / 2.4) - 0.055
    return np.repeat((srgb.clip(0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(("width_px", "write"), [(2.5, write_cvat), (6.0, write_labelme), (14.0, write_cvat)])
def test_a_crack_drawn_as_a_line_gets_its_measured_width(tmp_path: Path, width_px: float, write: object) -> None:
    rng = np.random.default_rng(8)
    line = wandering_crack(rng, (25, 110), 0, 280)
    (tmp_path / "images").mkdir()
    Image.fromarray(cracked(line, width_px, (WIDTH, HEIGHT))).save(tmp_path / "images" / PHOTO)
    corners = np.asarray(line.coords)[::5]
    drawn = LineString(np.round(corners + rng.uniform(-3, 3, corners.shape), 1))
    write(tmp_path, [], [drawn])  # type: ignore[operator]
    [label] = imported(tmp_path, tmp_path / "set").dataset.photos[0].labels
    assert (label.kind, label.drawn, label.assumed_width) == ("crack", "line", False)
    assert label.line is not None
    points = shapely.points(shapely.get_coordinates(shapely.segmentize(label.line, 2)))
    drawn_points = shapely.points(shapely.get_coordinates(shapely.segmentize(drawn, 2)))
    assert shapely.distance(points, line).mean() < 0.5 < shapely.distance(drawn_points, line).mean()
    width = label.area.area / label.line.length
    assert width == pytest.approx(width_px, rel=0.15, abs=0.4)

    export_coco(tmp_path / "set", tmp_path / "coco")
    [again] = imported(tmp_path / "coco", tmp_path / "two", photos=tmp_path / "set" / "images").dataset.photos[0].labels
    assert_same(label.area, again.area)
    assert again.line is not None
    assert shapely.hausdorff_distance(label.line, again.line) < TOLERANCE_PX
    assert (again.drawn, again.assumed_width) == ("line", False)


def test_a_line_on_nothing_keeps_a_stated_width_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (WIDTH, HEIGHT), (150, 150, 150)).save(tmp_path / "images" / PHOTO)
    write_cvat(tmp_path, [], [LineString([(20, 30), (200, 90)])])
    result = imported(tmp_path, tmp_path / "set")
    [label] = result.dataset.photos[0].labels
    assert label.assumed_width
    assert label.area.area / label.line.length == pytest.approx(3, rel=0.1)  # type: ignore[union-attr]
    assert [one.check for one in result.findings] == ["width-assumed"]


@pytest.mark.parametrize("write", [write_voc, None])
def test_a_box_is_no_outline(tmp_path: Path, write: object) -> None:
    photo(tmp_path / "images")
    shapes = scene(5)
    if write is None:
        (tmp_path / "labels").mkdir()
        (tmp_path / "labels" / "橋 1.txt").write_text("0 0.5 0.5 0.2 0.4", encoding="utf-8")
        (tmp_path / "data.yaml").write_text("names: [crack]", encoding="utf-8")
    else:
        write(tmp_path, shapes)  # type: ignore[operator]
    unknown = imported(tmp_path, tmp_path / "set")
    assert all(label.ignore and label.drawn == "box" for label in unknown.dataset.photos[0].labels)
    assert {one.check for one in unknown.findings} == {"box"}
    known = imported(tmp_path, tmp_path / "masks", boxes_as_masks=True)
    assert not any(label.ignore for label in known.dataset.photos[0].labels)
    export_coco(tmp_path / "masks", tmp_path / "coco")
    again = imported(tmp_path / "coco", tmp_path / "again", photos=tmp_path / "masks" / "images").dataset
    assert not any(label.ignore for label in again.photos[0].labels)
    for before, after in zip(known.dataset.photos[0].labels, again.photos[0].labels, strict=True):
        assert_same(before.area, after.area)


def test_masks_of_condition_states(tmp_path: Path) -> None:
    photo(tmp_path / "images")
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[20:60, 30:90], values[30:40, 40:60] = 1, 3
    (tmp_path / "masks").mkdir()
    Image.fromarray(values).save(tmp_path / "masks" / "橋 1.png")
    targets = {"1": Target("corrosion", "fair"), "3": Target("corrosion", "severe")}
    labels = imported(tmp_path, tmp_path / "set", classes=targets).dataset.photos[0].labels
    assert {label.state: label.area.area for label in labels} == {"fair": 40 * 60 - 200, "severe": 200}


def test_masks_in_colours_and_voc_masks(tmp_path: Path) -> None:
    photo(tmp_path / "JPEGImages")
    write_voc(tmp_path, scene(6))
    colours = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    colours[20:60, 30:90] = (255, 0, 0)
    (tmp_path / "SegmentationClass").mkdir()
    Image.fromarray(colours).save(tmp_path / "SegmentationClass" / "橋 1.png")
    [label] = imported(tmp_path, tmp_path / "set", classes={"#ff0000": Target("crack")}).dataset.photos[0].labels
    assert not label.ignore
    assert_same(label.area, box(30, 20, 90, 60))


def test_states_come_from_cvat_attributes(tmp_path: Path) -> None:
    photo(tmp_path / "images")
    write_cvat(tmp_path, scene(7))
    labels = imported(tmp_path, tmp_path / "set").dataset.photos[0].labels
    assert {label.state for label in labels if label.kind == "corrosion"} == {"poor"}
    assert {label.state for label in labels if label.kind == "crack"} == {None}


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("asked", ["shown", "stored"])
def test_labels_follow_a_photo_that_is_displayed_turned(tmp_path: Path, orientation: int, asked: str) -> None:
    shown = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    shown[40:60, 200:290] = 230  # the bright patch lies here when the photo is displayed
    undo = {
        2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1), 7: lambda a: np.rot90(a[::-1, ::-1].transpose(1, 0, 2), 0),
        8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    stored = np.ascontiguousarray(undo[orientation](shown))
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "images").mkdir()
    Image.fromarray(stored).save(tmp_path / "images" / "a.png", exif=exif)
    picture = shown if asked == "shown" else stored
    rows, columns = np.nonzero(picture[..., 0] > 200)
    points = [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]
    content = {
        "imagePath": "a.png", "imageHeight": picture.shape[0], "imageWidth": picture.shape[1],
        "shapes": [{"label": "crack", "shape_type": "rectangle", "points": np.array(points, float).tolist()}],
    }  # fmt: skip
    write_json(tmp_path / "a.json", content)
    quarter = orientation >= 5
    chosen = "auto" if quarter else asked
    dataset = imported(tmp_path, tmp_path / "set", orientation=chosen).dataset
    assert (dataset.photos[0].width_px, dataset.photos[0].height_px) == (WIDTH, HEIGHT)
    assert dataset.photos[0].labels[0].area.equals(box(200, 40, 290, 60))


def test_faults_of_a_drawing_are_mended_and_told(tmp_path: Path) -> None:
    photo(tmp_path / "images")
    bow = Polygon([(10, 10), (60, 60), (60, 10), (10, 60)])
    over = Polygon([(300, 100), (400, 100), (400, 150), (300, 150)])
    away = Polygon([(900, 900), (950, 900), (950, 950)])
    good = Polygon([(100, 100), (150, 100), (150, 150), (100, 150)])
    write_coco(tmp_path, [Shape("ひびわれ", one) for one in (bow, over, away, good, good)])
    result = imported(tmp_path, tmp_path / "set")
    assert sorted(one.check for one in result.findings) == ["duplicate", "outside", "outside", "self-crossing"]
    areas = [label.area for label in result.dataset.photos[0].labels]
    assert len(areas) == 3
    assert areas[0].area == pytest.approx(1250, rel=0.01)
    assert areas[1].equals(box(300, 100, 330, 150))


def test_shares_outside_by_a_hair_are_cut(tmp_path: Path) -> None:
    photo(tmp_path / "images")
    write_yolo(tmp_path, scene(9))
    text = tmp_path / "labels" / "橋 1.txt"
    text.write_text("0 -0.003 0.1 0.5 0.1 0.5 1.004", encoding="utf-8")
    result = imported(tmp_path, tmp_path / "set")
    assert box(0, 0, WIDTH, HEIGHT).contains(result.dataset.photos[0].labels[0].area)
    assert read_dataset(tmp_path / "set") == result.dataset
