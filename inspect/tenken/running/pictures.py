"""The pictures that a run leaves, drawn in threads as soon as what they show is known, while the run goes on."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import rasterio
from pyproj import CRS

from tenken.identity.identify import Defect
from tenken.imagery.flight import Flight
from tenken.imagery.picture import ArrayPicture, RasterPicture, load_photo
from tenken.inspection import PhotoRecord
from tenken.thread_pool import thread_pool

if TYPE_CHECKING:
    from tenken.outputs.crops import CropsUnderWay
    from tenken.outputs.report_pictures import Background

CROPS = "crops"


@dataclass(frozen=True, slots=True)
class PicturesUnderWay:
    """Pictures that are being drawn."""

    background: "Future[Background | None]"
    """What lies below the report's map."""
    crops: "CropsUnderWay"
    """One of each defect."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where pictures are drawn."""

    pool: Executor
    threads: int
    reader: "WindowReader"

    def start_background(self, photos: Sequence[PhotoRecord], crs: CRS | None) -> "Future[Background | None]":
        """Begin with the picture below the report's map."""
        from tenken.outputs.report_pictures import map_background

        return self.pool.submit(map_background, photos, crs)

    def start_crops(self, folder: Path, photos: Sequence[PhotoRecord], defects: Sequence[Defect]) -> "CropsUnderWay":
        """Begin with a picture of each defect, in a folder of the results' folder."""
        from tenken.outputs.crops import start_crops

        return start_crops(folder / CROPS, photos, defects, self.reader, self.pool, self.threads)


@contextmanager
def drawing(flight: Flight, workers: int) -> Iterator[Drawing]:
    """Draw pictures of a flight's photos, so many at a time; all are done when the block ends."""
    with WindowReader(flight) as reader, thread_pool(workers) as pool:
        yield Drawing(pool, workers, reader)


class WindowReader:
    """Reads windows of the flight's pictures, from several threads. Use as a context manager.

    Each thread keeps its last photo, for its windows come photo by photo.
    """

    def __init__(self, flight: Flight) -> None:
        self._paths = {photo.name: photo.path for photo in flight.photos}
        self._dataset = rasterio.open(flight.orthomosaic.path) if flight.orthomosaic is not None else None
        self._orthomosaic = RasterPicture(self._dataset) if self._dataset is not None else None
        self._last = local()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._dataset is not None:
            self._dataset.close()

    def __call__(self, photo: str, left: int, top: int, right: int, bottom: int) -> npt.NDArray[np.uint8]:
        """Return (h, w, 3) uint8 of a window that lies inside the photo."""
        if self._orthomosaic is not None:
            return self._orthomosaic.read((left, top, right, bottom))
        if getattr(self._last, "photo", None) != photo:
            self._last.photo = self._last.image = None  # two photos at a time would be one too many
            self._last.image = ArrayPicture(load_photo(self._paths[photo]))
            self._last.photo = photo
        image: ArrayPicture = self._last.image
        return image.read((left, top, right, bottom))
