"""The truth as pixels, for detectors that are always right."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize
from rasterio.transform import Affine

from tenken_demo.truth import DemoTruth, TrueSighting

_SUBPIXELS = 4


class PhotoMask(NamedTuple):
    """One mark in one photo.

    `mask` is the bool crop of the box; `xyxy_px` is left, top, right, bottom in whole pixels (edges).
    """

    defect_id: str
    kind: str
    mask: npt.NDArray[np.bool_]
    xyxy_px: tuple[int, int, int, int]


def photo_masks(truth: DemoTruth, photo: str, *, kinds: tuple[str, ...] = ("crack", "corrosion")) -> list[PhotoMask]:
    """Rasterise the true masks of one photo, in the truth's order.

    A pixel belongs to a mask when the mark covers at least half of it; a crack has at least the pixels its
    centre line passes through, however thin it is.

    Parameters
    ----------
    truth
        From `make_demo_flight` or `read_truth`.
    photo
        File name, such as ``DJI_0001.JPG``.
    kinds
        Kinds to give; with "distractor" what is no defect is given too.
    """
    size = {record.photo: (record.width_px, record.height_px) for record in truth.photos}[photo]
    found = []
    for defect in truth.defects:
        if defect.kind not in kinds:
            continue
        for sighting in defect.sightings:
            if sighting.photo == photo:
                crop = _rasterised(sighting, size)
                if crop is not None:
                    found.append(PhotoMask(defect.id, defect.kind, *crop))
    return found


def _rasterised(
    sighting: TrueSighting, size_px: tuple[int, int]
) -> tuple[npt.NDArray[np.bool_], tuple[int, int, int, int]] | None:
    bounds = np.array(sighting.outline_px.bounds)
    left, top = np.maximum(np.floor(bounds[:2]).astype(int), 0).tolist()
    right, bottom = np.minimum(np.ceil(bounds[2:]).astype(int), size_px).tolist()
    shape = (bottom - top, right - left)
    fine = rasterize(
        [sighting.outline_px],
        out_shape=(shape[0] * _SUBPIXELS, shape[1] * _SUBPIXELS),
        transform=Affine(1 / _SUBPIXELS, 0, left, 0, 1 / _SUBPIXELS, top),
        dtype="uint8",
    )
    count = fine.reshape(shape[0], _SUBPIXELS, shape[1], _SUBPIXELS).sum(axis=(1, 3), dtype=np.int32)
    mask = count * 2 >= _SUBPIXELS**2
    if sighting.centreline_px is not None:
        line = shapely.get_coordinates(shapely.segmentize(sighting.centreline_px, 0.2))
        columns = np.clip(np.floor(line[:, 0]).astype(int) - left, 0, shape[1] - 1)
        rows = np.clip(np.floor(line[:, 1]).astype(int) - top, 0, shape[0] - 1)
        mask[rows, columns] = True
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    crop = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
    return crop, box
