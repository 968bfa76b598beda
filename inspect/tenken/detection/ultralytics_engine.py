"""Segmentation with torch, on a GPU or a CPU, from an ultralytics checkpoint.

The only file of the package that imports ultralytics, and only when it is used: the import alone takes
seconds. ultralytics rebuilds the network from its checkpoint; scaling, non-maximum suppression and masks are
the code that the other engine uses, so that both give the same defects.
"""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from tenken.detection.engine import Outputs
from tenken.errors import MissingExtraError, SettingsError, WeightsError

TRAIN_EXTRA = 'pip install "tenken[train]"'


def quiet_ultralytics() -> None:
    """Switch off ultralytics' use of the network and its package installation, before it is imported.

    YOLO_OFFLINE stops the look-up of hosts at import, downloads and the usage events; YOLO_AUTOINSTALL stops
    pip from being run; YOLO_CONFIG_DIR keeps the settings file in this package's cache folder (names as read
    in ultralytics 8.4, its ``utils/__init__.py`` and ``utils/events.py``).
    """
    config_dir = Path(platformdirs.user_cache_dir("tenken", appauthor=False)) / "ultralytics"
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(config_dir))


def open_checkpoint(path: Path) -> Any:
    """Open a checkpoint as ``ultralytics.YOLO``, with ultralytics' network use and package installation off.

    A checkpoint is a pickle, and opening it can run code: only for files that the user trusts.

    Raises
    ------
    MissingExtraError
        When the ``train`` extra is not installed.
    WeightsError
        When the file is no checkpoint.
    """
    quiet_ultralytics()
    try:
        # Its import changes for everybody how numpy prints.
        with np.printoptions():
            from ultralytics.models import YOLO
    except ImportError as error:
        raise MissingExtraError(f"{path}: a torch checkpoint needs {TRAIN_EXTRA} ({error})") from error
    try:
        return YOLO(str(path.resolve()))
    except Exception as error:  # torch, pickle and ultralytics each raise their own
        raise WeightsError(f"{path} cannot be opened as an ultralytics checkpoint: {error}") from error


def segmentation_classes(checkpoint: Any, path: Path) -> tuple[str, ...]:
    """Class names of an opened checkpoint, in the order of their numbers; ``path`` is for the message.

    Raises
    ------
    WeightsError
        When the checkpoint is not for segmentation.
    """
    if checkpoint.task != "segment":
        raise WeightsError(f"{path} is for the task {checkpoint.task!r}; Tenken needs a segmentation model")
    return tuple(checkpoint.names[number] for number in range(len(checkpoint.names)))


class UltralyticsEngine:
    """Computes a trusted YOLO checkpoint in torch, in single precision.

    Parameters
    ----------
    path
        The checkpoint. It is a pickle: only for files that the user trusts.
    classes
        What its card says that it finds.
    device
        ``cpu``, ``cuda`` or ``cuda:1``; ``auto`` takes the GPU when there is one.

    Raises
    ------
    MissingExtraError
        When the ``train`` extra is not installed.
    SettingsError
        When there is no such device.
    WeightsError
        When it finds something else than its card says.
    """

    batch, ahead = 1, 1

    def __init__(self, path: Path, classes: Sequence[str], *, device: str = "auto") -> None:
        checkpoint = open_checkpoint(path)
        import torch

        found = segmentation_classes(checkpoint, path)
        if found != tuple(classes):
            raise WeightsError(f"{path} has the classes {found}, its card names {tuple(classes)}")
        self.device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self.name = f"torch {torch.__version__} {self.device.partition(':')[0]}"
        try:
            self._network = checkpoint.model.float().eval().fuse(verbose=False).to(self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise SettingsError(f"--device {device} cannot be used ({reason}); try --device cpu") from error
        self._lock = threading.Lock()

    def start(self, tiles: npt.NDArray[np.uint8], /) -> "_Done":
        """Compute (b, h, w, 3) uint8 RGB."""
        import torch

        # TF32 would round what goes into a convolution to 10 bits, and the defects would differ from the
        # CPU's.
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with self._lock, torch.inference_mode(), exact:
            planes = torch.tensor(tiles).to(self.device).permute(0, 3, 1, 2).float() / 255
            return _Done(tuple(output.cpu().numpy() for output in self._network(planes)[0]))


class _Done:
    """A batch that was computed."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs

    def outputs(self) -> Outputs:
        """Give the answer."""
        return self._outputs

    def release(self) -> None:
        """Nothing to give back."""
