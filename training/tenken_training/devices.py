"""What computes a fit, and how exactly."""

import contextlib
import os
from collections.abc import Iterator

import cv2
import torch

from tenken.errors import SettingsError


def chosen_device(device: str) -> str:
    """Give the device that ``auto`` stands for, or the one that was asked for.

    Raises
    ------
    SettingsError
        When there is no such device.
    """
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (number and not number.isdecimal()):
        raise SettingsError(f"--device {device} is unknown; use auto, cpu, cuda or cuda:1")
    if kind == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise SettingsError(f"--device {device}: torch finds no such GPU; install its CUDA build, or use --device cpu")
    return device


def has_bfloat16(device: str) -> bool:
    """Whether convolutions in bfloat16 are worth it: every GPU that torch supports, and CPUs with AVX-512 BF16."""
    if device.startswith("cuda"):
        return True
    # torch has no public name for this question yet.
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(ask())


def precision_of(device: str) -> str:
    """Precision of the convolutions; everything else is float32."""
    return "bfloat16" if has_bfloat16(device) else "float32"


@contextlib.contextmanager
def half_precision(device: str) -> Iterator[None]:
    """Compute convolutions in bfloat16 where the processor does so in hardware: twice as fast on such a CPU."""
    with torch.autocast(device.partition(":")[0], dtype=torch.bfloat16, enabled=has_bfloat16(device)):
        yield


def use_threads(count: int) -> None:
    """Compute with so many threads; 0 for one a core."""
    count = count or os.cpu_count() or 1
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
