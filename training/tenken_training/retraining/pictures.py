"""From labelled photos to what crops are cut from: tiles, label rasters, and what the loss leaves out."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tenken.detection.detect import KINDS
from tenken.hashing import file_sha256
from tenken_training.cleaning import CORROSION, CRACK, near
from tenken_training.evaluation import LabelledPhoto, LabelledSet, Truth
from tenken_training.mining import MinedPlace
from tenken_training.prepared_index import PhotoKind, PreparedPhoto, Split
from tenken_training.rasters import write_jpeg, write_png
from tenken_training.view import UNKNOWN_STATE

LARGEST_PX = 1280
"""Larger photos are cut: a crop must not cost the reading of a whole photo."""
TILE_PX = 1024
MARGIN_PX = 3
"""Around a defect of the other kind, whose own entry teaches it."""
EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made of a set of photos.

    Parameters
    ----------
    photos
        Pictures that crops are cut from.
    absent
        Places at which a person said that there is no defect.
    inputs
        SHA-256 of each file that was read, by name.
    widths_px
        Mean width of the labelled cracks of each photo that shows any.
    """

    photos: tuple[PreparedPhoto, ...]
    absent: tuple[MinedPlace, ...]
    inputs: dict[str, str]
    widths_px: tuple[float, ...]


def prepare_photos(labelled: LabelledSet, split: Split, role: str, folder: Path, most: int | None = None) -> Prepared:
    """Write the pictures of a set, cut into tiles where they are large.

    A photo that shows both kinds stands in the list twice, once for each; each entry leaves the other kind's
    defects out of the loss, and what nobody looked for altogether.

    Parameters
    ----------
    labelled
        The photos.
    split
        What they are used for, whatever the set calls them.
    role
        ``site``, or ``replay`` and a number; begins the names of the files.
    folder
        Where to write.
    most
        Use so many photos only, evenly chosen by the hash of their names.

    Raises
    ------
    SettingsError
        When a photo's labels cannot be used.
    FlightError
        When a photo cannot be read.
    """
    photos: list[PreparedPhoto] = []
    absent: list[MinedPlace] = []
    inputs: dict[str, str] = {}
    widths: list[float] = []
    for number, photo in enumerate(_chosen(labelled.photos, most)):
        image, truth = labelled.load(photo)
        for path in (photo.path, photo.label):
            if path is not None:
                inputs[f"{role}/{photo.name}{'' if path == photo.path else ' labels'}"] = file_sha256(path)
        if (cracks := truth.region("crack")).any():
            widths.append(_mean_width_px(cracks))
        unknown = tuple(kind not in labelled.kinds for kind in KINDS)
        for window in _tiles(image.shape[:2]):
            name = f"{role}-{split}-{number:05d}-{window[0].start}-{window[1].start}"
            write_jpeg(folder / f"pictures/{name}.jpg", image[window])
            photos += _entries(truth, window, unknown, name, split, folder)
            absent += _absences(labelled, photo, window, f"pictures/{name}.jpg")
    return Prepared(tuple(photos), tuple(absent), inputs, tuple(widths))


def _chosen(photos: Sequence[LabelledPhoto], most: int | None) -> list[LabelledPhoto]:
    if most is None or len(photos) <= most:
        return list(photos)
    by_hash = sorted(photos, key=lambda photo: hashlib.sha256(photo.name.encode()).digest())
    return sorted(by_hash[:most], key=lambda photo: photo.name)


def _tiles(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Windows of about `TILE_PX` that cover the photo without overlap; one where the photo is small."""
    edges = []
    for side in shape:
        count = 1 if max(shape) <= LARGEST_PX else -(-side // TILE_PX)
        edges.append(np.linspace(0, side, count + 1).round().astype(int).tolist())
    for top, bottom in zip(edges[0], edges[0][1:], strict=False):
        for left, right in zip(edges[1], edges[1][1:], strict=False):
            yield slice(top, bottom), slice(left, right)


def _entries(
    truth: Truth, window: tuple[slice, slice], unknown: tuple[bool, ...], name: str, split: Split, folder: Path
) -> Iterator[PreparedPhoto]:
    regions = [truth.region(kind)[window] for kind in KINDS]
    left_out = [
        np.full(regions[number].shape, unknown[number]) | truth.ignored_region(kind)[window]
        for number, kind in enumerate(KINDS)
    ]
    picture = f"pictures/{name}.jpg"
    kinds: tuple[tuple[int, PhotoKind], ...] = ((CRACK, "crack"), (CORROSION, "corrosion"))
    for number, kind in kinds:
        if not regions[number].any():
            continue
        labels = _crack_numbers(regions[CRACK]) if number == CRACK else _states(truth, regions[CORROSION], window)
        other = 1 - number
        planes = {number: left_out[number], other: left_out[other] | near(regions[other], MARGIN_PX)}
        write_png(folder / f"labels/{kind}-{name}.png", labels)
        write_png(folder / f"ignore/{kind}-{name}.png", _bits(planes))
        yield PreparedPhoto(
            kind=kind,
            split=split,
            image=picture,
            labels=f"labels/{kind}-{name}.png",
            ignore=f"ignore/{kind}-{name}.png",
        )
    if not any(region.any() for region in regions) and not all(plane.all() for plane in left_out):
        write_png(folder / f"ignore/sound-{name}.png", _bits(dict(enumerate(left_out))))
        yield PreparedPhoto(kind="flight", split=split, image=picture, ignore=f"ignore/sound-{name}.png")


def _crack_numbers(region: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Give each crack a number, by what hangs together; from 255 on they share numbers."""
    numbers, _ = ndimage.label(region, EIGHT_NEIGHBOURS)
    return np.where(numbers > 0, (numbers - 1) % 255 + 1, 0).astype(np.uint8)


def _states(truth: Truth, region: npt.NDArray[np.bool_], window: tuple[slice, slice]) -> npt.NDArray[np.uint8]:
    """Condition states; where nobody stated one, only that it is corroded."""
    if truth.states is None:
        return np.where(region, UNKNOWN_STATE, 0).astype(np.uint8)
    states = truth.states[window]
    stated = (states > 0) & (states < UNKNOWN_STATE)
    return np.where(region, np.where(stated, states, UNKNOWN_STATE), 0).astype(np.uint8)


def _bits(planes: dict[int, npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint8]:
    raster = np.zeros(planes[CRACK].shape, np.uint8)
    for number, plane in planes.items():
        raster |= plane.astype(np.uint8) << number
    return raster


def _absences(
    labelled: LabelledSet, photo: LabelledPhoto, window: tuple[slice, slice], picture: str
) -> Iterator[MinedPlace]:
    annotated = labelled.annotated.get(photo.name)
    rows, columns = window
    for one in () if annotated is None else annotated.absent:
        left, top, right, bottom = one.area.bounds
        x, y = (left + right) / 2, (top + bottom) / 2
        if one.kind in KINDS and columns.start <= x < columns.stop and rows.start <= y < rows.stop:
            box = (
                max(int(left) - columns.start, 0),
                max(int(top) - rows.start, 0),
                max(min(int(right), columns.stop) - columns.start, 1),
                max(min(int(bottom), rows.stop) - rows.start, 1),
            )
            yield MinedPlace(image=picture, kind=one.kind, scale=1.0, xyxy_px=box, score=1.0)


def _mean_width_px(region: npt.NDArray[np.bool_]) -> float:
    """Area over length, with the length from the skeleton's pixels."""
    from skimage.morphology import skeletonize

    return float(region.sum() / max(int(skeletonize(region).sum()), 1))
