"""Which engine computes which weights on this machine."""

from typing import get_args

from tenken import settings
from tenken.detection.engine import Engine
from tenken.detection.weights import Weights
from tenken.errors import SettingsError

ENGINES: tuple[str, ...] = get_args(settings.Engine)


def open_engine(weights: Weights, *, device: str, streams: int | None, engine: str, precision: str) -> Engine:
    """Open weights in the engine that was asked for, or the fastest at hand.

    Raises
    ------
    SettingsError
        When the engine cannot compute these weights, or not on this device.
    WeightsError, MissingExtraError
    """
    if engine not in ENGINES:
        raise SettingsError(f"--engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    checkpoint = weights.path.suffix.lower() == ".pt"
    if checkpoint != (engine == "torch") and engine != "auto":
        remedy = "use --engine torch or auto" if checkpoint else "give a .pt checkpoint or another --engine"
        raise SettingsError(f"{weights.path}: --engine {engine} cannot compute it; {remedy}")
    if checkpoint:
        from tenken.detection.ultralytics_engine import UltralyticsEngine

        return UltralyticsEngine(weights.path, weights.card.classes, device=device)

    from tenken.detection.onnxruntime_engine import OnnxRuntimeEngine, gpu_providers

    if engine == "auto":
        on_gpu = device.startswith("cuda") or (device == "auto" and bool(gpu_providers()))
        engine = "onnxruntime" if on_gpu else "openvino"
    if engine == "onnxruntime":
        device = ("cuda" if gpu_providers() else "cpu") if device == "auto" else device
        return OnnxRuntimeEngine(weights.path, device=device, streams=streams)
    if device not in ("auto", "cpu"):
        raise SettingsError(f"{weights.path}: OpenVINO computes on the CPU; for --device {device} use --engine auto")
    from tenken.detection.openvino_engine import OpenVinoEngine

    return OpenVinoEngine(weights.path, streams=streams, precision=precision)
