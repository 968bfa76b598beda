"""Networks with ONNX Runtime: on a GPU where its GPU build is installed, else on the CPU.

Needs an extra: ``tenken[onnxruntime]`` for the CPU, ``tenken[cuda]`` for NVIDIA GPUs (CUDA or TensorRT).
"""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from tenken.detection.cores import usable_cores
from tenken.detection.engine import Outputs
from tenken.errors import MissingExtraError, SettingsError, WeightsError

GPU_BATCH = 8
"""Tiles computed together on a GPU."""
GPU_BUILD = "onnxruntime-gpu"
CPU = "CPUExecutionProvider"
GPU_PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider")
"""Fastest first."""


def import_onnxruntime() -> ModuleType:
    """Import ONNX Runtime without its telemetry.

    Loaded as it comes, version 1.32 writes a device number and a database into the home folder. The environment
    variable is read by its library when it is loaded.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime  # type: ignore[no-any-return]


def gpu_providers() -> tuple[str, ...]:
    """GPU providers of the installed ONNX Runtime, fastest first; none without its GPU build."""
    if not any(distributions(name=GPU_BUILD)):
        return ()
    available = import_onnxruntime().get_available_providers()
    return tuple(name for name in GPU_PROVIDERS if name in available)


class OnnxRuntimeEngine:
    """Computes an ONNX network, on the CPU with one thread a tile, or on an NVIDIA GPU in batches.

    Parameters
    ----------
    path
        The ONNX file.
    device
        ``cpu``, ``cuda`` or ``cuda:1``.
    streams
        Tiles computed at the same time on the CPU; as many as there are cores when None.
    cache_dir
        Where TensorRT keeps what it built for this network, version and GPU; the user's cache when None.

    Raises
    ------
    MissingExtraError
        When ONNX Runtime, or its GPU build, is not installed.
    SettingsError
        When there is no such device.
    WeightsError
        When the file cannot be read.
    """

    def __init__(
        self, path: Path, *, device: str = "cpu", streams: int | None = None, cache_dir: Path | None = None
    ) -> None:
        try:
            onnxruntime = import_onnxruntime()
        except ImportError as error:
            raise MissingExtraError(
                f'{path}: ONNX Runtime is not installed: pip install "tenken[onnxruntime]" ({error})'
            ) from error
        kind, _, number = device.partition(":")
        if kind not in ("cpu", "cuda") or (number and not number.isdecimal()):
            raise SettingsError(f"--device {device} is unknown; use cpu, cuda or cuda:1")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        providers = [CPU] if kind == "cpu" else self._gpu(device, int(number or 0), cache_dir)
        self.batch = 1 if kind == "cpu" else GPU_BATCH
        self.ahead = (streams or usable_cores()) + 1 if kind == "cpu" else 2
        try:
            self._session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=providers)
        except OSError as error:
            raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
        except Exception as error:  # onnxruntime raises classes of its own for each fault
            reason = str(error).splitlines()[0]
            raise WeightsError(f"{path} is no ONNX model that ONNX Runtime can run ({reason})") from error
        used = self._session.get_providers()[0]
        if kind == "cuda" and used == CPU:
            raise SettingsError(f"--device {device}: no usable NVIDIA GPU or driver; try --device cpu")
        self.name = f"onnxruntime {onnxruntime.__version__} {used.removesuffix('ExecutionProvider').lower()}"
        [self._input] = [entry.name for entry in self._session.get_inputs()]
        # One thread computes a tile; so many tiles at a time.
        self._pool = ThreadPoolExecutor((streams or usable_cores()) if kind == "cpu" else 1)

    def start(self, tiles: npt.NDArray[np.uint8], /) -> "_Running":
        """Start on (b, h, w, 3) uint8 RGB."""
        return _Running(self._pool.submit(self._compute, tiles))

    def _compute(self, tiles: npt.NDArray[np.uint8]) -> Outputs:
        planes = np.ascontiguousarray(tiles.transpose(0, 3, 1, 2), dtype=np.float32)
        planes /= np.float32(255)
        return tuple(self._session.run(None, {self._input: planes}))

    def _gpu(self, device: str, number: int, cache_dir: Path | None) -> Sequence[Any]:
        available = gpu_providers()
        if not available:
            raise MissingExtraError(
                f'--device {device}: this ONNX Runtime computes on no GPU: pip install "tenken[cuda]", or --device cpu'
            )
        cache_dir = cache_dir or Path(platformdirs.user_cache_dir("tenken", appauthor=False)) / "tensorrt"
        settings: dict[str, dict[str, Any]] = {
            # TensorRT's own key of a cached engine holds the network, its version and the GPU.
            "TensorrtExecutionProvider": {
                "device_id": number,
                "trt_engine_cache_enable": True,
                "trt_engine_cache_path": str(cache_dir),
            },
            # Rounding what goes into a convolution to 10 bits would give other defects than the CPU.
            "CUDAExecutionProvider": {"device_id": number, "use_tf32": 0},
        }
        return [*((name, settings[name]) for name in available), CPU]


class _Running:
    """A batch under way."""

    def __init__(self, future: "Future[Outputs]") -> None:
        self._future = future

    def outputs(self) -> Outputs:
        """Wait for the answer."""
        return self._future.result()

    def release(self) -> None:
        """Wait, so that nothing is left running."""
        if not self._future.cancel():
            wait([self._future])
