"""Segmentation on a CPU with OpenVINO, from an ONNX file; torch is not needed.

Every tile is computed by one thread, and several tiles at a time by several threads (OpenVINO's *streams*). A
sum split over threads depends on how many there are; a tile that one thread computes does not.
"""

import ast
import queue
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from tenken.cores import usable_cores
from tenken.detect import Detections
from tenken.errors import SettingsError, WeightsError
from tenken.yolo_segmentation import decode, pad_tile

COMPILED_SIZES = 8
"""Tile sizes kept compiled; one takes 50 to 100 MB. Tiles of a run share a size, only rims differ."""

_import_lock = threading.Lock()


def import_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry.

    ``import openvino`` writes a client number into the home folder and sends an event over the network,
    without asking (``openvino/tools/ovc/__init__.py``, 2024 to 2026). It does neither when the package
    ``openvino_telemetry`` cannot be imported, and that is what it is told here.
    """
    with _import_lock:
        if "openvino" in sys.modules:
            return sys.modules["openvino"]
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name == "openvino_telemetry"}
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
        try:
            import openvino
        finally:
            del sys.modules["openvino_telemetry"]
            sys.modules.update(hidden)
        return openvino  # type: ignore[no-any-return]


def onnx_classes(path: Path) -> tuple[str, ...]:
    """Class names that an exported YOLO model carries in its metadata, in the order of their numbers.

    Raises
    ------
    WeightsError
        When the file is no ONNX model or names no classes.
    """
    rt_info = _read(path).rt_info
    try:
        names = ast.literal_eval(rt_info["framework"]["names"].value)
        return tuple(str(names[number]) for number in range(len(names)))
    except (KeyError, RuntimeError, ValueError, SyntaxError, TypeError) as error:
        raise WeightsError(
            f"{path} does not name its classes (metadata 'names'); export it with tenken_training.export"
        ) from error


def _read(path: Path) -> Any:
    openvino = import_openvino()
    try:
        # Bytes and not the path: OpenVINO on Windows cannot open every path that Windows can.
        return openvino.Core().read_model(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    except RuntimeError as error:
        raise WeightsError(
            f"{path} is no ONNX model that OpenVINO can read; check it with: inspect weights verify"
        ) from error


class OpenVinoSegmenter:
    """A detector that runs an exported YOLO segmentation network on the CPU.

    Can be called from several threads. The answer does not depend on the number of streams, threads or
    callers.

    Parameters
    ----------
    path
        The ONNX file.
    classes
        Names by class number.
    thresholds
        Lowest score for each class number.
    streams
        Tiles computed at the same time, a thread each; as many as there are processor cores when None.
    precision
        Type of the arithmetic, ``f32``. ``bf16`` and ``f16`` are faster where the processor has them, and
        give other defects on each kind of processor.

    Raises
    ------
    WeightsError
        When the file cannot be read or does not fit the classes.
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str],
        thresholds: Sequence[float],
        *,
        streams: int | None = None,
        precision: str = "f32",
    ) -> None:
        if len(thresholds) != len(classes):
            raise WeightsError(f"{path} has the classes {tuple(classes)}, but {len(thresholds)} thresholds were given")
        if streams is not None and streams < 1:
            raise SettingsError(f"streams must be 1 or more, got {streams}")
        self.classes = tuple(classes)
        self._thresholds = tuple(thresholds)
        self._model = _read(path)
        self._check_outputs(path)
        self.streams = streams or usable_cores()
        self._settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": str(self.streams),
            "INFERENCE_NUM_THREADS": str(self.streams),
            "INFERENCE_PRECISION_HINT": precision,
            # Pinned to cores, two runs on one machine would fight over the same ones.
            "ENABLE_CPU_PINNING": "NO",
        }
        self._lock = threading.Lock()
        self._compiled: OrderedDict[tuple[int, int], _Network] = OrderedDict()

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Detections:
        """Find defects in one tile, (h, w, 3) uint8 RGB of any size."""
        return self._finish(*self._start(image))

    def detect_many(self, tiles: Iterable[npt.NDArray[np.uint8]]) -> Iterator[Detections]:
        """Find defects in many tiles, in their order; a few tiles are read ahead."""
        under_way: deque[tuple[_Network, Any, tuple[int, int]]] = deque()
        try:
            for tile in tiles:
                under_way.append(self._start(tile))
                if len(under_way) > self.streams:
                    yield self._finish(*under_way.popleft())
            while under_way:
                yield self._finish(*under_way.popleft())
        finally:
            # Left early: a request must be done before another caller gets it.
            for network, request, _ in under_way:
                request.wait()
                network.requests.put(request)

    def _start(self, image: npt.NDArray[np.uint8]) -> tuple["_Network", Any, tuple[int, int]]:
        padded = pad_tile(image)
        network = self._network(padded.shape[:2])
        request = network.take_request()
        request.set_input_tensor(import_openvino().Tensor(padded[None]))
        request.start_async()
        return network, request, image.shape[:2]

    def _finish(self, network: "_Network", request: Any, shape_px: tuple[int, int]) -> Detections:
        try:
            request.wait()
            predictions = request.get_output_tensor(0).data[0]
            prototypes = request.get_output_tensor(1).data[0]
            return decode(predictions, prototypes, shape_px, self.classes, self._thresholds)
        finally:
            network.requests.put(request)

    def _network(self, padded_px: tuple[int, int]) -> "_Network":
        """Network compiled for this size, kept for the next tile of it."""
        with self._lock:
            if padded_px not in self._compiled:
                self._compiled[padded_px] = _Network(self._model, padded_px, self._settings)
                if len(self._compiled) > COMPILED_SIZES:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(padded_px)
            return self._compiled[padded_px]

    def _check_outputs(self, path: Path) -> None:
        outputs = [output.get_partial_shape() for output in self._model.outputs]
        fits = len(outputs) == 2 and len(outputs[0]) == 3 and len(outputs[1]) == 4
        if fits and outputs[0][1].is_static and outputs[1][1].is_static:
            found = outputs[0][1].get_length() - 4 - outputs[1][1].get_length()
            if found == len(self.classes):
                return
            raise WeightsError(f"{path} has {found} classes, its card names {len(self.classes)}: {self.classes}")
        raise WeightsError(f"{path} is no YOLO segmentation network (outputs {[str(shape) for shape in outputs]})")


class _Network:
    """The network compiled for one tile size, with its idle requests."""

    def __init__(self, model: Any, padded_px: tuple[int, int], settings: dict[str, str]) -> None:
        openvino = import_openvino()
        height, width = padded_px
        model = model.clone()
        model.reshape([1, 3, height, width])
        # Bytes to 0..1 planes inside the network, in the same thread as the rest.
        steps = openvino.preprocess.PrePostProcessor(model)
        steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        steps.input().model().set_layout(openvino.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
        self._compiled = openvino.Core().compile_model(steps.build(), "CPU", settings)
        self.requests: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def take_request(self) -> Any:
        """Give an idle request, a new one when all are busy."""
        try:
            return self.requests.get_nowait()
        except queue.Empty:
            return self._compiled.create_infer_request()
