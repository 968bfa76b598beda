"""Our weights in other programs: what GeoDeep finds with them on an orthomosaic is what we find."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from typer.testing import CliRunner

pytest.importorskip("onnx", reason="exporting needs the train extra")

import onnx
import onnxruntime

from tenken.cli import app
from tenken.detection.detect import load_detector
from tenken.detection.weights import find_weights
from tenken.errors import SettingsError, WeightsError
from tenken.measurement.find import find_defects
from tenken_training.evaluation.photo_score import painted_crop
from tenken_training.evaluation.scenes import concrete_scene
from tenken_training.export_segmentor import export_segmentor

RESOLUTION_MM = 2.5


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("segmentor") / "tenken.onnx"
    return export_segmentor(find_weights(), path, resolution_mm=RESOLUTION_MM, tile_px=320)


@pytest.fixture(scope="module")
def orthomosaic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mosaic") / "wall.tif"
    image = concrete_scene(3, 1.2, size_px=(700, 800)).image
    profile = {
        "driver": "GTiff", "height": image.shape[0], "width": image.shape[1], "count": 3, "dtype": "uint8",
        "crs": "EPSG:6677", "transform": from_origin(24730.0, -43533.0, RESOLUTION_MM / 1e3, RESOLUTION_MM / 1e3),
        "tiled": True, "photometric": "RGB",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(image.transpose(2, 0, 1))
    return path


def test_metadata_says_what_geodeep_and_deepness_ask_for(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["model_type"]) == "Segmentor"
    assert json.loads(said["class_names"]) == {"0": "background", "1": "crack", "2": "corrosion"}
    assert json.loads(said["resolution"]) == 0.25  # centimetres
    assert json.loads(said["tiles_size"]) == 320
    assert session.get_inputs()[0].shape == [1, 3, 320, 320]
    assert session.get_outputs()[0].shape == [1, 3, 320, 320]


def test_the_same_weights_give_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    again = export_segmentor(find_weights(), tmp_path / "again.onnx", resolution_mm=RESOLUTION_MM, tile_px=320)
    assert again.read_bytes() == exported.read_bytes()


def test_one_threshold_stands_for_every_kinds_own_limit(exported: Path) -> None:
    weights = find_weights()
    image = concrete_scene(3, 1.2, size_px=(320, 320)).image.transpose(2, 0, 1)[None].astype(np.float32) / 255
    providers = ["CPUExecutionProvider"]
    [planes] = onnxruntime.InferenceSession(exported, providers=providers).run(None, {"image": image})
    [raw] = onnxruntime.InferenceSession(weights.path, providers=providers).run(None, {"image": image})
    assert (planes[0, 0] == 0).all()
    assert 0 <= planes.min() <= planes.max() <= 1
    # Corrosion is not widened: a pixel of the half size is over its limit where the middle of its four pixels is.
    low = weights.card.objects["corrosion"].low
    middles = planes[0, 2].reshape(160, 2, 160, 2).mean(axis=(1, 3))
    clear = np.abs(raw[0, 1] - low) > 0.1
    assert ((middles > 0.5) == (raw[0, 1] > low))[clear].mean() > 0.98


@pytest.mark.filterwarnings("ignore:is_tiled")  # GeoDeep asks rasterio so
@pytest.mark.filterwarnings("ignore:Specified provider")  # GeoDeep asks for a GPU that may not be there
def test_geodeep_finds_the_cracks_that_we_find(exported: Path, orthomosaic: Path) -> None:
    geodeep = pytest.importorskip("geodeep")
    mask = geodeep.run(str(orthomosaic), str(exported), output_type="raw")
    with rasterio.open(orthomosaic) as dataset:
        image = dataset.read().transpose(1, 2, 0)
        ours = find_defects(dataset, load_detector(find_weights().path))
    height, width = image.shape[:2]
    assert mask.shape == (height, width)
    lines = [defect for defect in ours if defect.kind == "crack"]
    assert lines
    drawn = np.zeros((height, width), dtype=bool)
    for defect in lines:
        crop, left, top = painted_crop(defect.outline_px, height, width)
        drawn[top : top + crop.shape[0], left : left + crop.shape[1]] |= crop
    theirs = mask == 1
    assert (theirs & drawn).sum() > 0.9 * drawn.sum()
    found = json.loads(geodeep.run(str(orthomosaic), str(exported), output_type="geojson"))
    assert {feature["properties"]["class"] for feature in found["features"]} >= {"crack"}


def test_the_command_takes_the_resolution_of_the_orthomosaic(orthomosaic: Path, tmp_path: Path) -> None:
    path = tmp_path / "for_wall.onnx"
    done = CliRunner().invoke(app, ["weights", "export", str(path), "--like", str(orthomosaic)])
    assert done.exit_code == 0, done.output
    properties = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    assert json.loads(properties["resolution"]) == pytest.approx(0.25, rel=1e-3)


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.onnx"
    with pytest.raises(WeightsError, match="network of boxes"):
        export_segmentor(find_weights("first-crack-corrosion"), path, resolution_mm=1)
    with pytest.raises(SettingsError, match="above 0"):
        export_segmentor(find_weights(), path, resolution_mm=float("nan"))
    with pytest.raises(SettingsError, match="multiple of 32"):
        export_segmentor(find_weights(), path, resolution_mm=1, tile_px=500)
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["no.onnx"], "--like ORTHOMOSAIC.tif or --resolution"),
        (["no.txt", "--resolution", "1"], ".onnx"),
        (["no/no.onnx", "--resolution", "1"], "make the folder first"),
        (["no.onnx", "--like", "missing.tif"], "give a GeoTIFF"),
    ],
)
def test_wrong_arguments_say_what_to_do(
    arguments: list[str], remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["weights", "export", *arguments])
    assert done.exit_code != 0
    assert remedy in done.output
    assert not list(tmp_path.iterdir())
