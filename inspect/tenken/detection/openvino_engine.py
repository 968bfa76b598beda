"""Networks on a CPU with OpenVINO, from an ONNX file; torch is not needed.

Every tile is computed by one thread, and several tiles at a time by several threads (OpenVINO's *streams*). A
sum split over threads depends on how many there are; a tile that one thread computes does not.
"""

import ast
import queue
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tenken.detection.cores import usable_cores
from tenken.detection.detect import CONDITION_STATES
from tenken.detection.engine import Outputs
from tenken.errors import SettingsError, WeightsError
from tenken.settings import Precision

COMPILED_SIZES = 8
"""Tile sizes kept compiled; one takes 50 to 100 MB. Tiles of a run share a size, only rims differ."""

PRECISIONS: tuple[str, ...] = get_args(Precision)

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


@dataclass(frozen=True, slots=True)
class OnnxContents:
    """What an ONNX file says of itself."""

    network: Literal["yolo", "pixels"]
    classes: tuple[str, ...]


def onnx_contents(path: Path) -> OnnxContents:
    """Read what kind of network a file holds, and its class names in the order of their numbers.

    Raises
    ------
    WeightsError
        When the file is no ONNX model, names no classes, or its outputs are not those of such a network.
    """
    model = _read(path)
    try:
        metadata = model.rt_info["framework"]
        names = ast.literal_eval(metadata["names"].value)
        listed = tuple(str(names[number]) for number in range(len(names)))
        task = str(metadata["task"].value) if "task" in metadata else "segment"
    except (KeyError, RuntimeError, ValueError, SyntaxError, TypeError) as error:
        raise WeightsError(
            f"{path} does not name its classes (metadata 'names'); export it with tenken_training.export_yolo"
        ) from error
    shapes = [output.get_partial_shape() for output in model.outputs]
    if task == "pixels":
        if len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][1].is_static:
            planes = shapes[0][1].get_length()
            if planes == len(listed):
                return OnnxContents("pixels", tuple(name for name in listed if name not in CONDITION_STATES))
        raise WeightsError(f"{path} is no network of pixels for {listed} (outputs {[str(shape) for shape in shapes]})")
    if len(shapes) == 2 and len(shapes[0]) == 3 and len(shapes[1]) == 4:
        if shapes[0][1].is_static and shapes[1][1].is_static:
            found = shapes[0][1].get_length() - 4 - shapes[1][1].get_length()
            if found != len(listed):
                raise WeightsError(f"{path} has {found} classes, but names {len(listed)}: {listed}")
        return OnnxContents("yolo", listed)
    raise WeightsError(f"{path} is no YOLO segmentation network (outputs {[str(shape) for shape in shapes]})")


def _read(path: Path) -> Any:
    openvino = import_openvino()
    try:
        # Bytes and not the path: OpenVINO on Windows cannot open every path that Windows can.
        return openvino.Core().read_model(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    except RuntimeError as error:
        raise WeightsError(
            f"{path} is no ONNX model that OpenVINO can read: damaged, or a file of another kind; copy it again"
        ) from error


class OpenVinoEngine:
    """Computes an ONNX network on the CPU.

    The answer does not depend on the number of streams, threads or callers.

    Parameters
    ----------
    path
        The ONNX file.
    streams
        Tiles computed at the same time, a thread each; as many as there are processor cores when None.
    precision
        ``f32``; ``bf16`` where the processor computes with it; ``auto`` for the faster of those that it has.

    Raises
    ------
    WeightsError
        When the file cannot be read.
    SettingsError
        When the processor lacks the precision.
    """

    batch = 1

    def __init__(self, path: Path, *, streams: int | None = None, precision: str = "auto") -> None:
        if streams is not None and streams < 1:
            raise SettingsError(f"streams must be 1 or more, got {streams}")
        self._model = _read(path)
        self.streams = streams or usable_cores()
        self.ahead = self.streams + 1
        precision = _chosen(precision)
        self.name = f"openvino {import_openvino().__version__.partition('-')[0]} {precision}"
        self._settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": str(self.streams),
            "INFERENCE_NUM_THREADS": str(self.streams),
            "INFERENCE_PRECISION_HINT": precision,
            # Pinned to cores, two runs on one machine would fight over the same ones.
            "ENABLE_CPU_PINNING": "NO",
        }
        self._lock = threading.Lock()
        self._compiled: OrderedDict[tuple[int, ...], _Network] = OrderedDict()

    def start(self, tiles: npt.NDArray[np.uint8], /) -> "_Request":
        """Start on (b, h, w, 3) uint8 RGB."""
        network = self._network(tiles.shape[:3])
        request = network.take_request()
        request.set_input_tensor(import_openvino().Tensor(np.ascontiguousarray(tiles)))
        request.start_async()
        return _Request(network, request)

    def _network(self, shape: tuple[int, ...]) -> "_Network":
        """Network compiled for this batch and size, kept for the next tile of it."""
        with self._lock:
            if shape not in self._compiled:
                self._compiled[shape] = _Network(self._model, shape, self._settings)
                if len(self._compiled) > COMPILED_SIZES:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(shape)
            return self._compiled[shape]


def _chosen(precision: str) -> str:
    if precision not in PRECISIONS:
        raise SettingsError(f"--precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    able = "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bf16" and not able:
        raise SettingsError("--precision bf16: this processor does not compute with bfloat16; use auto or f32")
    return ("bf16" if able else "f32") if precision == "auto" else precision


class _Request:
    """A tile under way."""

    def __init__(self, network: "_Network", request: Any) -> None:
        self._network, self._request = network, request

    def outputs(self) -> Outputs:
        """Wait for the answer."""
        self._request.wait()
        return tuple(tensor.data for tensor in self._request.output_tensors)

    def release(self) -> None:
        """Give the request back."""
        self._request.wait()
        self._network.requests.put(self._request)


class _Network:
    """The network compiled for one tile size, with its idle requests."""

    def __init__(self, model: Any, shape: tuple[int, ...], settings: dict[str, str]) -> None:
        openvino = import_openvino()
        count, height, width = shape
        model = model.clone()
        model.reshape([count, 3, height, width])
        # Bytes to 0..1 planes inside the network, in the same thread as the rest.
        steps = openvino.preprocess.PrePostProcessor(model)
        steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        steps.input().model().set_layout(openvino.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
        for number in range(len(model.outputs)):
            steps.output(number).tensor().set_element_type(openvino.Type.f32)
        self._compiled = openvino.Core().compile_model(steps.build(), "CPU", settings)
        self.requests: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def take_request(self) -> Any:
        """Give an idle request, a new one when all are busy."""
        try:
            return self.requests.get_nowait()
        except queue.Empty:
            return self._compiled.create_infer_request()
