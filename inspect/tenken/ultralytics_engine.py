"""Segmentation with torch, on a GPU or a CPU, from an ultralytics checkpoint.

The only file of the package that imports ultralytics, and only when it is used: the import alone takes
seconds. ultralytics rebuilds the network from its checkpoint; scaling, non-maximum suppression and masks are
the code that the other engine uses, so that both give the same defects.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from tenken.detect import Detections
from tenken.errors import MissingExtraError, SettingsError, WeightsError
from tenken.yolo_segmentation import decode, pad_tile

TRAIN_EXTRA = 'pip install "tenken[train]"'


def open_checkpoint(path: Path) -> Any:
    """Open a checkpoint as ``ultralytics.YOLO``, with ultralytics' network use and package installation off.

    A checkpoint is a pickle, and opening it can run code: only for files that the user trusts.

    YOLO_OFFLINE stops the look-up of hosts at import, downloads and the usage events; YOLO_AUTOINSTALL stops
    pip from being run; YOLO_CONFIG_DIR keeps the settings file in this package's cache folder (names as read
    in ultralytics 8.4, its ``utils/__init__.py`` and ``utils/events.py``).

    Raises
    ------
    MissingExtraError
        When the ``train`` extra is not installed.
    WeightsError
        When the file is no checkpoint.
    """
    config_dir = Path(platformdirs.user_cache_dir("tenken", appauthor=False)) / "ultralytics"
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(config_dir))
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


class UltralyticsSegmenter:
    """A detector that runs a trusted ``.pt`` checkpoint in torch, in single precision.

    Parameters
    ----------
    path
        The checkpoint. It is a pickle: only for files that the user trusts.
    thresholds
        Lowest score for each class number.
    device
        ``cpu``, ``cuda`` or ``cuda:1``; ``auto`` takes the GPU when there is one.

    Raises
    ------
    MissingExtraError
        When the ``train`` extra is not installed.
    SettingsError
        When there is no such device.
    """

    def __init__(self, path: Path, thresholds: Sequence[float], *, device: str = "auto") -> None:
        checkpoint = open_checkpoint(path)
        import torch

        self.classes = segmentation_classes(checkpoint, path)
        if len(thresholds) != len(self.classes):
            raise WeightsError(f"{path} has the classes {self.classes}, but {len(thresholds)} thresholds were given")
        self._thresholds = tuple(thresholds)
        self.device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        try:
            self._network = checkpoint.model.float().eval().fuse(verbose=False).to(self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise SettingsError(f"--device {device} cannot be used ({reason}); try --device cpu") from error
        self._lock = threading.Lock()

    def __call__(self, image: npt.NDArray[np.uint8], /) -> Detections:
        """Find defects in one tile, (h, w, 3) uint8 RGB of any size."""
        import torch

        padded = torch.tensor(pad_tile(image))
        # TF32 would round what goes into a convolution to 10 bits, and the defects would differ from the
        # CPU's.
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with self._lock, torch.inference_mode(), exact:
            planes = padded.to(self.device).permute(2, 0, 1)[None].float() / 255
            predictions, prototypes = (output[0].cpu().numpy() for output in self._network(planes)[0])
        return decode(predictions, prototypes, image.shape[:2], self.classes, self._thresholds)

    def detect_many(self, tiles: Iterable[npt.NDArray[np.uint8]]) -> Iterator[Detections]:
        """Find defects in many tiles, in their order."""
        return map(self, tiles)
