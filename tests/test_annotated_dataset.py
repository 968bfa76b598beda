"""An imported data set on disk: nothing is lost, nothing is half written, and detectors can be judged by it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shapely import LineString, Polygon, box

from drawn import draw_cracks, perfect_detector
from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken_training.annotations.dataset import (
    UNKNOWN_STATE,
    Absence,
    AnnotatedPhoto,
    Dataset,
    Label,
    Source,
    clean_area,
    rasters,
    read_dataset,
    site_folder,
    write_dataset,
)
from tenken_training.evaluation import (
    Judged,
    Subject,
    default_conditions,
    evaluation_of,
    judged_kinds,
    read_labelled_set,
    score_photos,
)
from tenken_training.view import UNKNOWN_STATE as STATE_OF_CROPS

CRACKS = (LineString([(20, 60), (140, 70)]), LineString([(30, 120), (130, 120)]))
CRACK = Label("crack", box(10, 10, 40, 12))


def photo(
    folder: Path, labels: tuple[Label, ...] = (), name: str = "北橋/a.png", split: str = "test"
) -> AnnotatedPhoto:
    """A photo of two cracks, 160 px wide, with whatever labels."""
    path = folder / name.replace("/", "_")
    Image.fromarray(draw_cracks(CRACKS, 5, (160, 160))).save(path)
    return AnnotatedPhoto(
        name, path, name.split("/")[0], "test", 160, 160, file_sha256(path), ("crack",), labels
    )  # fmt: skip


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    hole = clean_area(Polygon(box(10.1234, 10, 60, 40).exterior.coords, [box(20, 20, 30, 30).exterior.coords]))
    two = clean_area(box(70, 70, 80, 80).union(box(90, 90, 95, 95)))
    assert hole is not None
    assert two is not None
    labels = (
        Label("crack", hole, LineString([(10, 10), (60, 40)]), drawn="line", assumed_width=True),
        Label("corrosion", two, state="severe"),
        Label("crack", box(0, 0, 5, 5), ignore=True, drawn="box"),
    )
    one = replace(
        photo(tmp_path, labels),
        parent="flight/DJI_1.JPG",
        parent_sha256="1" * 64,
        offset_px=(1280, 0),
        absent=(Absence("crack", box(1, 2, 3, 4)),),
    )
    sources = (Source("task.zip", "cvat", "2" * 64),)
    written = write_dataset(Dataset(tmp_path / "set", "walls", (one,), {"ひびわれ": "crack"}, sources))
    read = read_dataset(tmp_path / "set")
    assert read == written
    assert read.photos[0].labels == tuple(
        replace(label, area=got.area) for label, got in zip(labels, read.photos[0].labels, strict=True)
    )
    for label, got in zip(labels, read.photos[0].labels, strict=True):
        assert label.area.equals(got.area)
    assert read.photos[0].path.read_bytes() == one.path.read_bytes()


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_dataset(Dataset(tmp_path / name, "walls", (photo(tmp_path, (CRACK,)),)))
    write_dataset(read_dataset(tmp_path / "two"))
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    kept = write_dataset(Dataset(tmp_path / "set", "walls", (photo(tmp_path, (CRACK,)),)))
    lost = replace(photo(tmp_path, name="北橋/b.png"), path=tmp_path / "gone.png")
    with pytest.raises(SettingsError, match=r"gone\.png is missing"):
        write_dataset(replace(kept, photos=(*kept.photos, lost)))
    assert read_dataset(tmp_path / "set") == kept
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["set"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": ""}, r"a\.png\.json, labels\.0\.kind"),
        ({"polygons": [[[[0, 0], [1, "x"], [2, 2]]]]}, r"a\.png\.json, labels\.0\.polygons\.0\.0\.1\.1"),
        ({"polygons": [[[[0, 0], [9, 9], [9, 0], [0, 9]]]]}, r"a\.png\.json, labels\.0: Self-intersection"),
        ({"colour": "red"}, r"a\.png\.json, labels\.0\.colour"),
    ],
)
def test_a_damaged_label_is_named_with_file_and_place(tmp_path: Path, change: dict[str, object], message: str) -> None:
    write_dataset(Dataset(tmp_path / "set", "walls", (photo(tmp_path, (CRACK,)),)))
    path = tmp_path / "set" / "labels" / "北橋" / "a.png.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["labels"][0] |= change
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        read_dataset(tmp_path / "set")


def test_a_photo_outside_the_data_set_is_refused(tmp_path: Path) -> None:
    write_dataset(Dataset(tmp_path / "set", "walls", (photo(tmp_path),)))
    path = tmp_path / "set" / "dataset.json"
    path.write_text(path.read_text(encoding="utf-8").replace("北橋/a.png", "../a.png"), encoding="utf-8")
    with pytest.raises(SettingsError, match="lies outside the data set"):
        read_dataset(tmp_path / "set")


def test_rasters_say_what_is_known_of_each_pixel(tmp_path: Path) -> None:
    labels = (
        Label("corrosion", box(0, 0, 10, 10), state="severe"),
        Label("corrosion", box(5, 0, 20, 10), state="fair"),
        Label("corrosion", box(15, 0, 30, 10)),
        Label("corrosion", box(25, 0, 40, 10), ignore=True),
    )
    one = replace(photo(tmp_path, labels), kinds=("corrosion",))
    mask, states, ignore = rasters(one, "corrosion")
    assert mask[5].tolist() == [1] * 30 + [0] * 130
    assert states[5].tolist() == [3] * 10 + [1] * 10 + [UNKNOWN_STATE] * 10 + [0] * 130
    assert ignore[5].tolist() == [0] * 30 + [1] * 10 + [0] * 120
    assert rasters(one, "crack").ignore.all(), "nobody looked for cracks there"
    assert UNKNOWN_STATE == STATE_OF_CROPS


def test_a_hairline_hangs_together_as_pixels(tmp_path: Path) -> None:
    line = LineString([(3, 3), (90, 70), (150, 20)])
    thin = line.buffer(0.3)
    with_line = rasters(photo(tmp_path, (Label("crack", thin, line),)), "crack").mask
    without = rasters(photo(tmp_path, (Label("crack", thin),)), "crack").mask
    for mask in (with_line, without):
        columns = np.flatnonzero(mask.any(axis=0))
        assert np.array_equal(columns, np.arange(columns[0], columns[-1] + 1))
        assert mask.sum() < 3 * line.length


def test_sites_become_folders_on_every_system() -> None:
    assert [site_folder(site) for site in ("北橋 1", "a/b:c", "..", "CON", "nul.1")] == [
        "北橋 1", "a_b_c", "site", "_CON", "_nul.1",
    ]  # fmt: skip


def evaluated(root: Path, kind: str = "crack") -> dict[str, float | None]:
    """Figures of a detector that finds everything dark."""
    labelled = read_labelled_set(root)
    conditions = default_conditions().model_copy(update={"resamples": 20})
    judged = Judged(
        Subject(name="oracle", sha256="0" * 64, thresholds={}), perfect_detector, sensitive=perfect_detector
    )
    kinds = judged_kinds(labelled, [judged])
    scores = score_photos(labelled, judged, kinds, conditions)
    evaluation = evaluation_of(labelled, judged.subject, scores, kinds, conditions)
    return {name: figure.value for name, figure in evaluation.kinds[kind].figures.items()}


def test_a_detector_is_judged_by_the_data_set(tmp_path: Path) -> None:
    right = tuple(Label("crack", line.buffer(2.5, cap_style="flat"), line) for line in CRACKS)
    write_dataset(Dataset(tmp_path / "all", "walls", (photo(tmp_path, right),)))
    write_dataset(Dataset(tmp_path / "half", "walls", (photo(tmp_path, right[:1]),)))
    assert evaluated(tmp_path / "all")["line_precision"] == pytest.approx(1.0, abs=0.01)
    assert evaluated(tmp_path / "half")["line_precision"] == pytest.approx(0.545, abs=0.03)


def test_what_is_found_where_nothing_is_known_does_not_count(tmp_path: Path) -> None:
    right = Label("crack", CRACKS[0].buffer(2.5, cap_style="flat"), CRACKS[0])
    unknown = Label("crack", CRACKS[1].buffer(6), ignore=True)
    write_dataset(Dataset(tmp_path / "set", "walls", (photo(tmp_path, (right, unknown)),)))
    figures = evaluated(tmp_path / "set")
    for name in ("line_recall", "line_precision", "pixel_precision", "mask_map50"):
        assert figures[name] == pytest.approx(1.0, abs=0.03), name


def test_a_split_without_photos_is_named(tmp_path: Path) -> None:
    write_dataset(Dataset(tmp_path / "set", "walls", (photo(tmp_path, (CRACK,)),)))
    with pytest.raises(SettingsError, match="no photos in its split val"):
        read_labelled_set(tmp_path / "set", "val")
