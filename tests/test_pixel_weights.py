"""Weights of a network of pixels: the file follows from the checkpoint, and every engine finds the same in it."""

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="exporting needs the train extra")
pytest.importorskip("ultralytics", reason="exporting needs the train extra")
pytest.importorskip("onnx", reason="exporting needs the train extra")

import torch
from torch import Tensor, nn

from tenken.detection.detect import KINDS, Detections, load_detector
from tenken.detection.openvino_engine import import_openvino, onnx_contents
from tenken.detection.pixel_segmentation import CORROSION
from tenken.detection.weights import Weights, add_weights, find_weights
from tenken_training.export_pixels import export_pixels
from tenken_training.network import OUTPUTS, PixelNetwork, new_network, save_network

pytestmark = pytest.mark.filterwarnings("ignore")

BOX_PX, SCORE, MASK_IOU = 1.0, 0.01, 0.98
"""How far engines may differ where an object is far from every threshold."""
CLEAR = 0.03
"""An object whose score is this far from the threshold is on one side of it in every engine."""


def random_network() -> PixelNetwork:
    """A network of random weights whose heads say something else in every place of a picture."""
    torch.manual_seed(3)
    network = new_network().train()
    picture = torch.from_numpy(picture_of_blots(192, 256)).permute(2, 0, 1)[None].float() / 255
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Statistics of this picture: without them nothing would reach the heads.
            module.momentum = 1.0
    with torch.no_grad():
        network(picture)
        logits = network.eval()(picture)
        for head, planes in ((network.crack, logits[:, :1]), (network.corrosion, logits[:, 1:])):
            mean, spread = planes.mean(dim=(0, 2, 3)), planes.std(dim=(0, 2, 3))
            head.weight.mul_((3 / spread)[:, None, None, None])
            bias = cast(Tensor, head.bias)
            bias.copy_((bias - mean) * 3 / spread - 1)
    return network


def picture_of_blots(height: int = 200, width: int = 280) -> npt.NDArray[np.uint8]:
    """(h, w, 3) bright ground with dark and red blots."""
    rng = np.random.default_rng(4)
    picture = np.full((height, width, 3), 190, np.uint8)
    rows, columns = np.mgrid[:height, :width]
    for _ in range(14):
        row, column, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(6, 30)
        picture[np.hypot(rows - row, columns - column) < radius] = rng.choice([[40, 40, 40], [150, 70, 40]])
    return picture


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ONNX file of a random network, beside its checkpoint."""
    folder = tmp_path_factory.mktemp("exported")
    save_network(random_network(), folder / "last.pt", epoch=1)
    return export_pixels(folder / "last.pt", folder / "pixels.onnx")


@pytest.fixture(scope="module")
def added(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """The same, added to a folder of weights."""
    return add_weights(exported, "pier", folder=tmp_path_factory.mktemp("weights"))


def test_a_file_says_what_kind_of_network_it_is(exported: Path) -> None:
    contents = onnx_contents(exported)
    assert contents.network == "pixels"
    assert contents.classes == KINDS
    names = import_openvino().Core().read_model(exported.read_bytes()).rt_info["framework"]["names"].value
    assert all(output in names for output in OUTPUTS)


def test_added_weights_have_a_card_that_says_how_pixels_become_objects(added: Weights) -> None:
    assert added.card.network == "pixels"
    assert set(added.card.objects) == set(KINDS)
    assert find_weights(added.path) == added


def test_exporting_again_gives_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    again = export_pixels(exported.with_name("last.pt"), tmp_path / "again.onnx")
    assert again.read_bytes() == exported.read_bytes()


def test_the_file_carries_no_date_and_no_paths(exported: Path) -> None:
    content = exported.read_bytes()
    assert str(exported.parent).encode() not in content
    assert b".py" not in content


def test_the_file_says_what_the_network_says(exported: Path, added: Weights) -> None:
    from tenken_training.calibrate import probabilities
    from tenken_training.network import open_network

    picture = picture_of_blots(640, 640)  # so large a picture gets no margin
    network = open_network(exported.with_name("last.pt"), "cpu").eval()
    with torch.inference_mode():
        logits = network(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)
    expected = nn.functional.sigmoid(logits[0, :2]).numpy()
    found = probabilities(load_detector(added.path, precision="f32").engine, picture)
    # Weights are stored in half precision.
    assert np.abs(found - expected).mean() < 0.02


def agree(one: Detections, other: Detections, threshold: float) -> int:
    """Compare objects that are far from the threshold, each with the one it overlaps most; how many there were."""
    compared = 0
    for first, second in ((one, other), (other, one)):
        for place in np.flatnonzero(first.score > threshold + CLEAR):
            overlaps = [
                overlap(first, int(place), second, number) if first.label[place] == second.label[number] else 0.0
                for number in range(len(second))
            ]
            partner = int(np.argmax(overlaps))
            assert overlaps[partner] > MASK_IOU
            assert first.xyxy_px[place] == pytest.approx(second.xyxy_px[partner], abs=BOX_PX)
            assert first.score[place] == pytest.approx(second.score[partner], abs=SCORE)
            if first.label[place] == CORROSION:
                assert first.state_share is not None
                assert second.state_share is not None
                assert first.state_share[place] == pytest.approx(second.state_share[partner], abs=SCORE)
            compared += 1
    return compared


def overlap(one: Detections, place: int, other: Detections, number: int) -> float:
    """Intersection over union of two masks."""
    planes = []
    for found, index in ((one, place), (other, number)):
        plane = np.zeros((200, 280), np.bool_)
        left, top, right, bottom = found.xyxy_px[index].astype(int)
        plane[top:bottom, left:right] = (found.masks or [])[index]
        planes.append(plane)
    return float((planes[0] & planes[1]).sum() / (planes[0] | planes[1]).sum())


def test_openvino_and_onnx_runtime_find_the_same(added: Weights) -> None:
    pytest.importorskip("onnxruntime")
    picture = picture_of_blots()
    exact = load_detector(added.path, engine="openvino", precision="f32")
    other = load_detector(added.path, engine="onnxruntime", device="cpu")
    assert agree(exact(picture), other(picture), added.card.thresholds["crack"]) >= 4
    told = exact.condition_states(picture), other.condition_states(picture)
    assert told[0] is not None
    assert told[1] is not None
    assert (told[0] != told[1]).mean() < 0.001


def test_streams_change_no_bit(added: Weights) -> None:
    tiles = [picture_of_blots(), picture_of_blots(96, 64), picture_of_blots(50, 131)] * 2
    one = list(load_detector(added.path, streams=1, precision="f32").detect_many(tiles))
    many = list(load_detector(added.path, streams=3, precision="f32").detect_many(tiles))
    for first, second in zip(one, many, strict=True):
        assert first.score.tobytes() == second.score.tobytes()
        assert first.xyxy_px.tobytes() == second.xyxy_px.tobytes()


def test_bfloat16_differs_little(added: Weights) -> None:
    if "BF16" not in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor does not compute with bfloat16")
    from tenken_training.calibrate import probabilities

    picture = picture_of_blots()
    planes = [
        probabilities(load_detector(added.path, precision=precision).engine, picture).astype(np.float32)
        for precision in ("f32", "bf16")
    ]
    difference = np.abs(planes[0] - planes[1])
    assert difference.mean() < 0.02
    assert ((planes[0] > 0.5) != (planes[1] > 0.5)).mean() < 0.02
