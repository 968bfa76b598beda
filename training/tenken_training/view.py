"""One look at a photo: a square crop, turned, mirrored and scaled, with its labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from tenken_training.cleaning import CORROSION, CRACK, near

Picture = npt.NDArray[np.uint8]
BoolMask = npt.NDArray[np.bool_]

SHORTEST_CRACK_PX = 10
"""Shorter pieces of a crack, left at a crop's border, are neither taught nor punished."""
SMALLEST_RUST_PX2 = 80
"""The same for specks of rust."""


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a photo is seen, and how large.

    Parameters
    ----------
    centre_px
        Place in the photo, x and y, that comes to the middle of the crop.
    scale
        Crop pixels a photo pixel.
    turn_deg
        Rotation.
    mirrored
        Left and right are swapped.
    size_px
        Side of the crop.
    """

    centre_px: tuple[float, float]
    scale: float
    turn_deg: float
    mirrored: bool
    size_px: int

    def matrix(self, shrunk: float = 1.0) -> npt.NDArray[np.float64]:
        """(2, 3) affine map from the photo's pixels, shrunk before by that factor, to the crop's."""
        turn = np.radians(self.turn_deg)
        linear = self.scale / shrunk * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        if self.mirrored:
            linear[:, 0] *= -1
        # The pixel at 0 shows what lies from 0 to 1, whatever the size of a pixel is.
        centre_px = (np.array(self.centre_px) + 0.5) * shrunk - 0.5
        return np.column_stack([linear, self.size_px / 2 - linear @ centre_px])


@dataclass(frozen=True, slots=True)
class Instance:
    """One labelled defect of a crop."""

    label: int
    mask: BoolMask


@dataclass(frozen=True, slots=True)
class Labelled:
    """A square crop with its labels.

    Parameters
    ----------
    image
        (s, s, 3) uint8 RGB.
    crack_numbers
        (s, s) int32; 0 background, else the crack's number.
    rust
        (s, s) corroded pixels.
    ignore
        (2, s, s) where a class is left out of the loss, by class number.
    """

    image: Picture
    crack_numbers: npt.NDArray[np.int32]
    rust: BoolMask
    ignore: BoolMask

    @classmethod
    def blank(cls, size_px: int) -> "Labelled":
        """Make a black crop without labels."""
        shape = (size_px, size_px)
        return cls(
            np.zeros((*shape, 3), np.uint8),
            np.zeros(shape, np.int32),
            np.zeros(shape, bool),
            np.zeros((2, *shape), bool),
        )

    def lay(self, piece: "Labelled", top: int, left: int, height: int, width: int, first_number: int) -> None:
        """Lay the corner of a piece into this crop, in place; its cracks are counted from `first_number`."""
        window = (slice(top, top + height), slice(left, left + width))
        self.image[window] = piece.image[:height, :width]
        numbers = piece.crack_numbers[:height, :width]
        self.crack_numbers[window] = np.where(numbers > 0, numbers + first_number, 0)
        self.rust[window] = piece.rust[:height, :width]
        self.ignore[:, window[0], window[1]] = piece.ignore[:, :height, :width]

    def with_image(self, image: Picture) -> "Labelled":
        """Give the same labels another look."""
        return replace(self, image=image)

    def with_cracks(self, image: Picture, masks: Sequence[BoolMask]) -> "Labelled":
        """Add cracks."""
        numbers = self.crack_numbers.copy()
        for number, mask in enumerate(masks, start=int(numbers.max()) + 1):
            numbers[mask] = number
        return replace(self, image=image, crack_numbers=numbers)

    def with_rust(self, image: Picture, mask: BoolMask) -> "Labelled":
        """Add rust."""
        return replace(self, image=image, rust=self.rust | mask)

    def instances(self) -> tuple[list[Instance], BoolMask]:
        """Take the crop's defects apart: connected pieces of each crack, connected rust.

        Returns
        -------
        The defects, and (2, s, s) what is left out of the loss, pieces too small to teach included.
        """
        ignore = self.ignore.copy()
        found = []
        for number in np.unique(self.crack_numbers):
            if number:
                found += _pieces(self.crack_numbers == number, CRACK, ignore)
        return [*found, *_pieces(self.rust, CORROSION, ignore)], ignore


def _pieces(mask: BoolMask, label: int, ignore: BoolMask) -> list[Instance]:
    """Take a mask apart into connected pieces; what is too small is added to `ignore`."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    found = []
    for number in range(1, count):
        piece = np.asarray(numbers == number)
        extent = max(stats[number, cv2.CC_STAT_WIDTH], stats[number, cv2.CC_STAT_HEIGHT])
        large = extent >= SHORTEST_CRACK_PX if label == CRACK else stats[number, cv2.CC_STAT_AREA] >= SMALLEST_RUST_PX2
        if large:
            found.append(Instance(label, piece))
        else:
            ignore[label] |= near(piece, 8)
    return found


def look(
    image: Picture,
    labels: npt.NDArray[np.uint8] | None,
    ignore: npt.NDArray[np.uint8] | None,
    view: View,
    *,
    rust: bool,
) -> Labelled:
    """Look at a photo; what lies beyond its border is its mirror image.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB.
    labels
        (h, w) numbers of the cracks, or condition states where `rust`; None where there is nothing.
    ignore
        (h, w) bits by class number, as `tenken_training.cleaning` gives them.
    view
        Where to look.
    rust
        The labels are condition states.
    """
    # Sampling linearly leaves pixels out below half size: shrink by averaging first.
    shrunk = view.scale if view.scale < 0.7 else 1.0
    small = image
    if shrunk < 1:
        width, height = (max(round(length * shrunk), 2) for length in image.shape[1::-1])
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    size = (view.size_px, view.size_px)
    smooth = cv2.INTER_CUBIC if view.scale > 1.3 else cv2.INTER_LINEAR
    seen = cv2.warpAffine(small, view.matrix(shrunk), size, flags=smooth, borderMode=cv2.BORDER_REFLECT_101)
    planes = []
    for plane in (labels, ignore):
        if plane is None:
            planes.append(np.zeros(size, np.uint8))
            continue
        if plane is labels and not rust and view.scale < 0.6:
            # Lines thinner than a sample would fall apart.
            width = int(np.ceil(0.7 / view.scale)) | 1
            plane = cv2.dilate(plane, np.ones((width, width), np.uint8)).astype(np.uint8)
        warped = cv2.warpAffine(plane, view.matrix(), size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
        planes.append(np.asarray(warped, dtype=np.uint8))
    left_out = np.stack([planes[1] & 1 << number for number in (CRACK, CORROSION)]) > 0
    return Labelled(
        image=np.asarray(seen, dtype=np.uint8),
        crack_numbers=np.zeros(size, np.int32) if rust else planes[0].astype(np.int32),
        rust=planes[0] > 0 if rust else np.zeros(size, bool),
        ignore=left_out,
    )
