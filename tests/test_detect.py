"""Detectors: from the raw output of a network to detections, and the engines that run the shipped weights."""

import importlib.util
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from tenken.detection.detect import KINDS, Detections, kinds_of, load_detector
from tenken.detection.engine import Segmenter
from tenken.detection.onnxruntime_engine import gpu_providers
from tenken.detection.weights import find_weights
from tenken.detection.yolo_segmentation import YoloDecoder, decode
from tenken.errors import MissingExtraError, SettingsError
from tenken.hashing import file_sha256

SHARED = Path(__file__).resolve().parents[2] / "shared"
CHECKPOINT = SHARED / "weights" / "first-crack-corrosion.pt"

FIRST = "first-crack-corrosion"

needs_checkpoint = pytest.mark.skipif(
    not CHECKPOINT.exists() or importlib.util.find_spec("ultralytics") is None,
    reason="needs ../shared/weights/first-crack-corrosion.pt and the train extra",
)


def concrete_with_crack(height_px: int, width_px: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Grainy grey concrete with one dark wandering crack from left to right, about 5 px wide."""
    rng = np.random.default_rng(seed)
    grain = sum(
        gaussian_filter(rng.normal(size=(height_px, width_px)), sigma) * strength
        for sigma, strength in ((0.7, 6), (3, 18), (20, 200))
    )
    x = np.arange(width_px)
    path = height_px * (0.3 + 0.4 * x / width_px) + gaussian_filter(np.cumsum(rng.normal(size=width_px)), 2) * 1.5
    crack = np.exp(-(((np.arange(height_px)[:, None] - path) / 3) ** 2))
    grey = np.clip(165 + grain - 95 * crack, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def network_output(
    *objects: tuple[tuple[float, float, float, float], dict[str, float]],
    side_px: int = 64,
    logit: float = 1.0,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Raw output with an anchor for each (left, top, right, bottom), scores; and a flat mask prototype."""
    predictions = np.zeros((4 + len(KINDS) + 1, len(objects)), dtype=np.float32)
    for column, ((left, top, right, bottom), scores) in enumerate(objects):
        predictions[:4, column] = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        predictions[4:6, column] = [scores.get(kind, 0) for kind in KINDS]
        predictions[6, column] = 1
    cells = -(-side_px // 32) * 8
    return predictions, np.full((1, cells, cells), logit, dtype=np.float32)


def decode_tile(*objects: tuple[tuple[float, float, float, float], dict[str, float]], side_px: int = 64) -> Detections:
    return decode(*network_output(*objects, side_px=side_px), (side_px, side_px), KINDS, (0.25, 0.4))


def same(one: Detections, other: Detections) -> bool:
    """Bit for bit."""
    assert one.masks is not None
    assert other.masks is not None
    return (
        one.xyxy_px.tobytes() == other.xyxy_px.tobytes()
        and one.score.tobytes() == other.score.tobytes()
        and list(one.label) == list(other.label)
        and all(np.array_equal(a, b) for a, b in zip(one.masks, other.masks, strict=True))
    )


@pytest.mark.parametrize(
    ("xyxy_px", "score", "label", "masks"),
    [
        ((2, 3), 2, 2, None),
        ((2, 4), 3, 2, None),
        ((2, 4), 2, 1, None),
        ((2, 4), 2, 2, 1),
    ],
)
def test_detections_of_unequal_lengths_are_refused(
    xyxy_px: tuple[int, int], score: int, label: int, masks: int | None
) -> None:
    crops = None if masks is None else [np.ones((1, 1), dtype=np.bool_)] * masks
    with pytest.raises(SettingsError, match="must"):
        Detections(np.zeros(xyxy_px), np.zeros(score), np.zeros(label, dtype=int), crops)


@pytest.mark.parametrize(
    "label",
    [
        np.array([1, 0]),
        np.array([1.0, 0.0]),
        np.array(["corrosion", "crack"]),
        np.array(["corrosion", "crack"], object),
    ],
)
def test_labels_are_names_or_class_numbers(label: npt.NDArray[np.generic]) -> None:
    assert kinds_of(Detections(np.zeros((2, 4)), np.zeros(2), label)) == ["corrosion", "crack"]


@pytest.mark.parametrize("label", [2, -1, 0.5, np.nan, None])
def test_a_label_that_is_no_class_is_refused(label: object) -> None:
    with pytest.raises(SettingsError, match=r"Detections\.label"):
        kinds_of(Detections(np.zeros((1, 4)), np.zeros(1), np.array([label])))


def test_nothing_found_has_no_kinds() -> None:
    assert kinds_of(Detections.empty()) == []


def test_of_overlapping_boxes_of_one_class_the_best_stays() -> None:
    found = decode_tile(((8, 8, 40, 40), {"crack": 0.6}), ((9, 8, 41, 40), {"crack": 0.9}))
    assert found.score == pytest.approx([0.9])


def test_a_crack_through_rust_is_not_suppressed_by_the_rust() -> None:
    found = decode_tile(((8, 8, 40, 40), {"crack": 0.6}), ((8, 8, 40, 40), {"corrosion": 0.9}))
    assert kinds_of(found) == ["corrosion", "crack"]


@pytest.mark.parametrize(
    ("scores", "kind"),
    [
        ({"crack": 0.26}, ["crack"]),
        ({"crack": 0.24}, []),
        ({"corrosion": 0.39}, []),
        ({"crack": 0.3, "corrosion": 0.39}, ["crack"]),
        ({"crack": 0.3, "corrosion": 0.41}, ["corrosion"]),
    ],
)
def test_each_class_has_its_own_threshold(scores: dict[str, float], kind: list[str]) -> None:
    assert kinds_of(decode_tile(((8, 8, 40, 40), scores))) == kind


def test_more_objects_than_allowed_are_reported_as_saturation() -> None:
    objects = [((x, y, x + 8, y + 8), {"crack": 0.5}) for x in range(0, 64, 8) for y in range(0, 64, 8)]
    output = network_output(*objects)
    at_limit = decode(*output, (64, 64), KINDS, (0.25, 0.25), max_detections=64)
    over_limit = decode(*output, (64, 64), KINDS, (0.25, 0.25), max_detections=63)
    assert (len(at_limit), at_limit.saturated) == (64, False)
    assert (len(over_limit), over_limit.saturated) == (63, True)


def test_a_detection_without_mask_pixels_is_dropped() -> None:
    predictions, prototypes = network_output(((8, 8, 40, 40), {"crack": 0.9}), logit=-1.0)
    assert len(decode(predictions, prototypes, (64, 64), KINDS, (0.25, 0.25))) == 0


side = st.floats(min_value=-20, max_value=90, width=32)


@given(
    side,
    side,
    st.floats(min_value=0.5, max_value=80, width=32),
    st.floats(min_value=0.5, max_value=80, width=32),
)
def test_boxes_end_at_the_tile_and_masks_cover_the_box_rounded_outwards(
    left: float, top: float, width: float, height: float
) -> None:
    found = decode_tile(((left, top, left + width, top + height), {"crack": 0.9}), side_px=50)
    assert found.masks is not None
    for (x0, y0, x1, y1), mask in zip(found.xyxy_px, found.masks, strict=True):
        assert 0 <= x0 <= x1 <= 50
        assert 0 <= y0 <= y1 <= 50
        assert mask.shape == (np.ceil(y1) - np.floor(y0), np.ceil(x1) - np.floor(x0))
    outside = left >= 50 or top >= 50 or left + width <= 0 or top + height <= 0
    assert len(found) == (0 if outside else 1)


@pytest.mark.parametrize("edge_px", [17, 30, 43.5])
def test_the_edge_of_a_mask_lies_where_the_prototype_crosses_zero_in_full_pixels(edge_px: float) -> None:
    predictions, prototypes = network_output(((3.2, 5.7, 60.1, 58.4), {"crack": 0.9}))
    cell_centres_px = (np.arange(prototypes.shape[2]) + 0.5) * 4
    prototypes[:] = edge_px - cell_centres_px
    found = decode(predictions, prototypes, (64, 64), KINDS, (0.25, 0.25))
    assert found.masks is not None
    inside = np.arange(3, 61) + 0.5 < edge_px
    assert np.array_equal(found.masks[0], np.broadcast_to(inside, (59 - 5, 61 - 3)))


@given(st.integers(1, 70), st.integers(1, 70))
def test_padding_reaches_a_multiple_of_32_and_leaves_the_tile_as_it_is(height: int, width: int) -> None:
    tile = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    padded = YoloDecoder(KINDS, (0.25, 0.25)).pad(tile)
    assert (padded.shape[0] % 32, padded.shape[1] % 32) == (0, 0)
    assert 0 <= padded.shape[0] - height < 32
    assert np.array_equal(padded[:height, :width], tile)


@pytest.mark.parametrize(
    "image", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 4), np.uint8), np.zeros((0, 64, 3), np.uint8)]
)
def test_a_tile_that_is_no_rgb_picture_is_refused(image: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(SettingsError, match="uint8 RGB"):
        load_detector()(image)


TILES = [concrete_with_crack(320, 320, seed) for seed in range(3)] + [
    concrete_with_crack(250, 333),
    np.full((64, 96, 3), 128, dtype=np.uint8),
]


@pytest.fixture(scope="module")
def found_one_by_one() -> list[Detections]:
    detector = load_detector(streams=1)
    return [detector(tile) for tile in TILES]


def test_the_shipped_weights_find_a_drawn_crack_and_nothing_on_plain_grey(
    found_one_by_one: list[Detections],
) -> None:
    assert all("crack" in kinds_of(found) for found in found_one_by_one[:4])
    assert len(found_one_by_one[4]) == 0


@pytest.mark.parametrize("streams", [1, 2, 4])
def test_streams_and_order_of_work_change_no_bit(streams: int, found_one_by_one: list[Detections]) -> None:
    found = list(load_detector(streams=streams).detect_many(iter(TILES)))
    assert all(same(one, other) for one, other in zip(found, found_one_by_one, strict=True))


def test_one_detector_serves_several_threads(found_one_by_one: list[Detections]) -> None:
    detector = load_detector(streams=2)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(detector, TILES * 3))
    assert all(same(one, other) for one, other in zip(found, found_one_by_one * 3, strict=True))


def test_a_detector_can_be_left_in_the_middle_of_its_tiles(found_one_by_one: list[Detections]) -> None:
    engine = load_detector(streams=2)
    assert len(list(itertools.islice(engine.detect_many(iter(TILES)), 1))) == 1
    assert all(same(engine(tile), known) for tile, known in zip(TILES, found_one_by_one, strict=True))


class CountingEngine:
    """Computes nothing, and counts what is under way."""

    name, batch, ahead = "counting", 1, 3

    def __init__(self) -> None:
        self.under_way = self.most = 0
        self._lock = threading.Lock()

    def start(self, tiles: npt.NDArray[np.uint8], /) -> "CountingEngine":
        del tiles
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        return self

    def outputs(self) -> tuple[npt.NDArray[np.float32], ...]:
        time.sleep(0.001)
        return (np.zeros((1, 1), dtype=np.float32),)

    def release(self) -> None:
        with self._lock:
            self.under_way -= 1


class NothingDecoder:
    classes = KINDS

    def pad(self, tile: npt.NDArray[np.uint8], /) -> npt.NDArray[np.uint8]:
        return tile

    def decode(self, outputs: tuple[npt.NDArray[np.float32], ...], shape_px: tuple[int, int], /) -> Detections:
        del outputs, shape_px
        return Detections.empty()

    def states(self, outputs: tuple[npt.NDArray[np.float32], ...], shape_px: tuple[int, int], /) -> None:
        del outputs, shape_px


def test_many_callers_read_no_further_ahead_than_one() -> None:
    callers, tiles = 6, [np.zeros((32, 32, 3), dtype=np.uint8)] * 40
    engine = CountingEngine()
    detector = Segmenter(engine, NothingDecoder())
    assert len(list(detector.detect_many(tiles))) == len(tiles)
    assert engine.most == engine.ahead
    with ThreadPoolExecutor(callers) as pool:
        found = list(pool.map(lambda _: len(list(detector.detect_many(tiles))), range(callers)))
    assert found == [len(tiles)] * callers
    assert engine.most <= engine.ahead - 1 + callers
    assert engine.under_way == 0
    engine.most = 0
    assert len(list(detector.detect_many(tiles))) == len(tiles)
    assert engine.most == engine.ahead


def test_a_higher_lowest_score_only_takes_detections_away() -> None:
    tile = concrete_with_crack(640, 640)
    many, few = load_detector(FIRST, min_score=0.1)(tile), load_detector(FIRST, min_score={"crack": 0.5})(tile)
    assert 0 < len(few) < len(many)
    kept = many.score > np.where(many.label == "crack", 0.5, 0.25)
    assert few.xyxy_px.tobytes() == many.xyxy_px[kept].tobytes()


@pytest.mark.parametrize("min_score", [1.0, -0.1, {"crack": 2.0}, {"spalling": 0.5}])
def test_a_lowest_score_that_cannot_be_is_refused(min_score: float | dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="--min-score"):
        load_detector(min_score=min_score)


@pytest.mark.skipif(bool(gpu_providers()), reason="there is a GPU build of ONNX Runtime")
def test_onnx_weights_do_not_pretend_to_run_on_a_gpu() -> None:
    with pytest.raises(MissingExtraError, match="--device cuda"):
        load_detector(device="cuda")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "tensorflow"}, "--engine must be one of"),
        ({"engine": "torch"}, "--engine torch cannot compute it"),
        ({"engine": "openvino", "device": "cuda"}, "OpenVINO computes on the CPU"),
        ({"engine": "onnxruntime", "device": "tpu"}, "--device tpu is unknown"),
        ({"precision": "int4"}, "--precision must be one of"),
    ],
)
def test_an_engine_that_cannot_do_it_says_what_can(options: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_detector(**options)  # type: ignore[arg-type]


WATCHED_RUN = """
import json, sys
network = []
watched = ("socket.connect", "socket.getaddrinfo")
sys.addaudithook(lambda event, args: network.append(event) if event in watched else None)
import numpy as np
from tenken.detection.detect import load_detector
early = [name for name in ("openvino", "torch", "ultralytics") if name in sys.modules]
load_detector()(np.full((64, 64, 3), 128, np.uint8))
late = [name for name in ("torch", "ultralytics") if name in sys.modules]
print(json.dumps({"early": early, "late": late, "network": network}))
"""


def test_an_inspection_on_the_cpu_imports_no_torch_and_sends_and_writes_nothing(tmp_path: Path) -> None:
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")}
    unwanted = ("CI", "XDG_", "TENKEN_WEIGHTS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)} | home
    run = subprocess.run(
        [sys.executable, "-c", WATCHED_RUN],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == {"early": [], "late": [], "network": []}
    assert list(tmp_path.iterdir()) == []


def test_onnx_runtime_sends_and_writes_nothing_either(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))} | home
    program = WATCHED_RUN.replace("load_detector()", 'load_detector(engine="onnxruntime", device="cpu")')
    run = subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert json.loads(run.stdout) == {"early": [], "late": [], "network": []}, run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_the_train_extra_names_the_pip_line(tmp_path: Path) -> None:
    (tmp_path / "site.pt").write_bytes(b"a checkpoint")
    card = json.loads(find_weights().path.with_suffix(".json").read_text(encoding="utf-8"))
    card |= {"name": "site", "file": "site.pt", "sha256": file_sha256(tmp_path / "site.pt")}
    (tmp_path / "site.json").write_text(json.dumps(card), encoding="utf-8")
    program = (
        "import sys; sys.modules['ultralytics'] = None\n"
        "from tenken.detection.detect import load_detector\nfrom tenken.errors import MissingExtraError\n"
        "try: load_detector(sys.argv[1])\nexcept MissingExtraError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "site.pt")], capture_output=True, text=True, check=True
    )
    assert 'pip install "tenken[train]"' in run.stdout


def pictures_for_comparison() -> list[npt.NDArray[np.uint8]]:
    photos = sorted((SHARED / "data" / "cracks" / "test" / "images").glob("*.jpg"))[:8]
    return [*TILES[:3], *(np.asarray(Image.open(path).convert("RGB")) for path in photos)]


@needs_checkpoint
@pytest.mark.filterwarnings("ignore")
def test_all_engines_find_what_ultralytics_finds() -> None:
    from tenken.detection.ultralytics_engine import open_checkpoint

    reference = open_checkpoint(CHECKPOINT)
    engines = [
        load_detector(FIRST, min_score=0.25, precision="f32"),
        load_detector(FIRST, min_score=0.25, engine="onnxruntime", device="cpu"),
        load_detector(CHECKPOINT, min_score=0.25, device="cpu"),
    ]
    total = 0
    for tile in pictures_for_comparison():
        [expected] = reference.predict(
            tile[..., ::-1], imgsz=tile.shape[:2], conf=0.25, retina_masks=True, verbose=False, device="cpu"
        )
        boxes = expected.boxes.xyxy.numpy()
        masks = [] if expected.masks is None else expected.masks.data.numpy() > 0
        total += len(boxes)
        for engine in engines:
            found = engine(tile)
            assert found.masks is not None
            assert kinds_of(found) == [KINDS[int(number)] for number in expected.boxes.cls]
            assert found.xyxy_px == pytest.approx(boxes, abs=1)
            for box, mask, expected_mask in zip(boxes, found.masks, masks, strict=True):
                # ultralytics leaves out pixels that lie only partly inside the box, this package keeps them.
                (x, y), (left, top) = np.floor(box[:2]).astype(int), np.ceil(box[:2]).astype(int)
                right, bottom = np.floor(box[2:]).astype(int)
                mine = mask[top - y : bottom - y, left - x : right - x]
                theirs = expected_mask[top:bottom, left:right]
                assert (mine & theirs).sum() / (mine | theirs).sum() > 0.97
    assert total >= 3
