"""What labels say of one photo: objects, regions and condition states, as pixels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize
from scipy import ndimage
from skimage.draw import polygon, polygon_perimeter

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=int)

SMALLEST_OBJECT_PX = 100
"""Connected parts of a mask below this are slips of the brush: they count as pixels, not as objects."""

JOINED_PX = 4
"""Labelled objects of one kind with no wider gap between them are taken as one by `joined_objects`."""


@dataclass(frozen=True, slots=True)
class LabelledObject:
    """One labelled defect.

    Parameters
    ----------
    kind
        ``crack``, ``corrosion``, …
    xyxy_px
        (4,) its box: left, top, right, bottom.
    left_px, top_px
        Where the crop lies in the photo.
    mask
        Its pixels, as a bool crop.
    """

    kind: str
    xyxy_px: FloatArray
    left_px: int
    top_px: int
    mask: BoolArray


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one photo.

    Parameters
    ----------
    height_px, width_px
        Size of the photo.
    objects
        The labelled defects.
    regions
        (height, width) bool by kind: all pixels of the kind.
    states
        (height, width) uint8 condition state of corrosion: 0 none, 1 fair, 2 poor, 3 severe; None where not labelled.
    crack_width_px
        (height, width) true crack width in pixels on crack pixels, where it is known better than by the label.
    """

    height_px: int
    width_px: int
    objects: tuple[LabelledObject, ...]
    regions: dict[str, BoolArray]
    states: npt.NDArray[np.uint8] | None = None
    crack_width_px: npt.NDArray[np.float32] | None = None

    def region(self, kind: str) -> BoolArray:
        """(height, width) all pixels of a kind."""
        found = self.regions.get(kind)
        return np.zeros((self.height_px, self.width_px), dtype=bool) if found is None else found


def from_polygons(shapes: Iterable[tuple[str, FloatArray]], height_px: int, width_px: int) -> Truth:
    """Make the truth of polygons: (kind, (n, 2) corners x, y in pixels) each.

    Corners are cut down to whole pixels, and the pixels that the outline runs through belong to the polygon, as in
    OpenCV's ``fillPoly`` and so in ultralytics' training and validation: outlines of thin cracks are drawn through the
    middle of their border pixels, and without these the cracks would fall apart.
    """
    objects: list[LabelledObject] = []
    regions: dict[str, BoolArray] = {}
    for kind, corners in shapes:
        column, row = np.minimum(corners, [width_px - 1, height_px - 1]).astype(np.int64).T
        mask = np.zeros((height_px, width_px), dtype=bool)
        mask[polygon(row, column)] = True
        mask[polygon_perimeter(row, column)] = True
        edges = np.clip([*corners.min(axis=0), *corners.max(axis=0)], 0, [width_px, height_px] * 2)
        objects.append(_cropped(kind, mask, edges.astype(np.float64)))
        regions[kind] = regions.get(kind, np.zeros_like(mask)) | mask
    return Truth(height_px, width_px, tuple(objects), regions)


def from_mask(
    kind: str,
    region: BoolArray,
    states: npt.NDArray[np.uint8] | None = None,
    *,
    smallest_px: int = SMALLEST_OBJECT_PX,
    crack_width_px: npt.NDArray[np.float32] | None = None,
) -> Truth:
    """Make the truth of a mask (height, width): its 8-connected parts are the objects."""
    labels, _ = ndimage.label(region, EIGHT_NEIGHBOURS)
    objects = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        mask = labels[rows, columns] == number
        if np.count_nonzero(mask) >= smallest_px:
            edges = np.array([columns.start, rows.start, columns.stop, rows.stop], dtype=np.float64)
            objects.append(LabelledObject(kind, edges, columns.start, rows.start, mask))
    height, width = region.shape
    return Truth(height, width, tuple(objects), {kind: region}, states, crack_width_px)


def joined_objects(truth: Truth, kind: str) -> tuple[LabelledObject, ...]:
    """Give what is labelled of a kind as the things that hang together, gaps of `JOINED_PX` bridged.

    Whoever labels cuts one long or branched crack into as many polygons as suit the hand, and one sheet of rust into
    parts; a detector that finds the whole crack can match none of them.
    """
    region = truth.region(kind)
    near = ndimage.binary_dilation(region, EIGHT_NEIGHBOURS, iterations=JOINED_PX // 2)
    numbers = ndimage.label(near, EIGHT_NEIGHBOURS)[0] * region
    # Slips of the brush are no objects, as before.
    counted = np.unique([
        numbers[one.top_px : one.top_px + one.mask.shape[0], one.left_px : one.left_px + one.mask.shape[1]][one.mask][0]
        for one in truth.objects
        if one.kind == kind
    ])  # fmt: skip
    windows = ndimage.find_objects(numbers)
    joined = []
    for number in counted.tolist():
        rows, columns = windows[number - 1]
        box = np.array([columns.start, rows.start, columns.stop, rows.stop], np.float64)
        joined.append(LabelledObject(kind, box, columns.start, rows.start, numbers[rows, columns] == number))
    return tuple(joined)


def painted(geometries: Sequence[shapely.Geometry], height_px: int, width_px: int) -> BoolArray:
    """(height, width) the pixels whose centres lie in any of the geometries."""
    shapes = [geometry for geometry in geometries if not shapely.is_empty(geometry)]
    if not shapes:
        return np.zeros((height_px, width_px), dtype=bool)
    return np.asarray(rasterize(shapes, (height_px, width_px), dtype="uint8"), dtype=bool)


def _cropped(kind: str, mask: BoolArray, xyxy_px: FloatArray) -> LabelledObject:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return LabelledObject(kind, xyxy_px, left, top, mask[top : rows[-1] + 1, left : columns[-1] + 1])
