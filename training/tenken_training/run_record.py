"""``run.json``: what a training depended on, and when it was worked on."""

import hashlib
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from tenken.detection.weights_card import Sha256
from tenken.errors import SettingsError
from tenken_training.fit_settings import FitSettings
from tenken_training.rasters import write_bytes

NAMED = ("tenken", "torch", "ultralytics", "numpy", "scipy", "opencv-python")
"""Packages whose version may change weights."""


class _RecordPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sitting(_RecordPart):
    """One uninterrupted piece of work."""

    started: str
    until: str
    """When the fit was last saved; times are ISO 8601 in UTC."""
    first_step: int
    """Steps that had been done before."""
    last_step: int
    """Steps that were done when the fit was last saved."""
    device: str
    precision: str
    """Of the convolutions; everything else is float32."""
    threads: int
    versions: dict[str, str]


class RunRecord(_RecordPart):
    """What a training depended on; equal values give equal weights on one kind of processor."""

    recipe: str
    recipe_sha256: Sha256
    """Of ``recipe.json`` beside this file."""
    seed: int
    inputs: int
    """Photos, label files and weights that were read; each with its SHA-256 in ``prepared/index.json``."""
    inputs_sha256: Sha256
    """Of the lines ``NAME SHA256`` of all of them, sorted."""
    sittings: tuple[Sitting, ...] = ()


def read_record(path: Path) -> RunRecord:
    """Read what a training has recorded.

    Raises
    ------
    SettingsError
        When it cannot be read.
    """
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"{path} cannot be read ({reason}); delete it, and a new record is begun") from error


def inputs_sha256(inputs: Mapping[str, str]) -> str:
    """One hash over all inputs."""
    lines = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(inputs.items()))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


class Recorder:
    """Keeps ``run.json`` up to date during one sitting.

    Parameters
    ----------
    path
        The file; sittings that stand in it are kept.
    settings, inputs
        What is fitted, on what: SHA-256 of each input by name.
    device, precision
        What computes, and how exactly.
    step
        Steps that were done before this sitting.
    """

    def __init__(
        self, path: Path, settings: FitSettings, inputs: Mapping[str, str], *, device: str, precision: str, step: int
    ) -> None:
        self._path = path
        self._before = read_record(path).sittings if path.is_file() else ()
        self._record = RunRecord(
            recipe=settings.name,
            recipe_sha256=hashlib.sha256(path.with_name("recipe.json").read_bytes()).hexdigest(),
            seed=settings.seed,
            inputs=len(inputs),
            inputs_sha256=inputs_sha256(inputs),
        )
        now = _now()
        self._sitting = Sitting(
            started=now,
            until=now,
            first_step=step,
            last_step=step,
            device=_device_name(device),
            precision=precision,
            threads=torch.get_num_threads(),
            versions={name: version(name) for name in NAMED} | {"python": platform.python_version()},
        )

    def saved(self, step: int) -> None:
        """Note that the fit was saved after so many steps."""
        self._sitting = self._sitting.model_copy(update={"until": _now(), "last_step": step})
        record = self._record.model_copy(update={"sittings": (*self._before, self._sitting)})
        write_bytes(self._path, record.model_dump_json(indent=1).encode("utf-8") + b"\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()})"
