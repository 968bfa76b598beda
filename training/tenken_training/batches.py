"""Batches of crops, made by other processes while the network computes."""

from collections.abc import Iterator
from typing import Protocol

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from tenken.errors import SettingsError
from tenken_training.fit_settings import FitSettings
from tenken_training.interruption import leave_to_parent
from tenken_training.network import Batch, collate
from tenken_training.view import Labelled


class CropSource(Protocol):
    """Makes crops by number."""

    def crop(self, epoch: int, number: int) -> Labelled:
        """Make one crop of an epoch; the same numbers give the same crop."""
        ...


class Batches(Dataset[Batch]):
    """Batches by step: each is made from its number alone."""

    def __init__(self, settings: FitSettings, crops: CropSource) -> None:
        self._settings, self._crops = settings, crops

    def __getitem__(self, step: int) -> Batch:
        epoch, place = divmod(step, self._settings.steps_per_epoch)
        batch = self._settings.optimiser.batch
        return collate([self._crops.crop(epoch, place * batch + number) for number in range(batch)])


def loader(settings: FitSettings, crops: CropSource, steps: range, workers: int) -> DataLoader[Batch]:
    """Give the batches of steps in order."""
    return DataLoader(
        Batches(settings, crops),
        sampler=steps,
        batch_size=None,
        num_workers=workers,
        worker_init_fn=_begin_worker,
        prefetch_factor=3 if workers else None,
        # A forked process would inherit threads that are not running in it; Windows has no fork.
        multiprocessing_context="spawn" if workers else None,
    )


def _begin_worker(_worker: int) -> None:
    leave_to_parent()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Give the batches; what a process that made them raised becomes one line again."""
    try:
        yield from batches
    except SettingsError as error:
        # torch hands on the process's whole traceback as the message; its last line is the error's own.
        last = str(error).strip().splitlines()[-1]
        raise SettingsError(last.removeprefix("tenken.errors.SettingsError: ")) from error
