"""One look at a photo: a square crop, turned, mirrored and scaled, with its labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from tenken_training.cleaning import CORROSION, CRACK

Picture = npt.NDArray[np.uint8]
BoolMask = npt.NDArray[np.bool_]
UNKNOWN_STATE = 4
"""Corroded, and nobody said how badly."""


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

    def matrix(self, finer: float = 1.0) -> npt.NDArray[np.float64]:
        """(2, 3) affine map from the photo's pixels to the crop's, or to those of a crop so many times finer."""
        turn = np.radians(self.turn_deg)
        linear = self.scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        if self.mirrored:
            linear[:, 0] *= -1
        shift_px = self.size_px / 2 - linear @ np.array(self.centre_px)
        # The pixel at 0 shows what lies from 0 to 1, whatever the size of a pixel is.
        return np.column_stack([linear * finer, (shift_px + 0.5) * finer - 0.5])


@dataclass(frozen=True, slots=True)
class Labelled:
    """A square crop with its labels.

    Parameters
    ----------
    image
        (s, s, 3) uint8 RGB.
    crack_numbers
        (s, s) int32; 0 background, else the crack's number in its photo.
    state
        (s, s) uint8; 0 sound, 1 fair, 2 poor, 3 severe corrosion, `UNKNOWN_STATE` corroded.
    ignore
        (2, s, s) where a class is left out of the loss, by class number.
    held
        By class number: the network is held to what it said of this crop before the fit.
    """

    image: Picture
    crack_numbers: npt.NDArray[np.int32]
    state: Picture
    ignore: BoolMask
    held: tuple[bool, bool] = (False, False)

    @property
    def rust(self) -> BoolMask:
        """Corroded pixels."""
        return self.state > 0

    @classmethod
    def blank(cls, size_px: int) -> "Labelled":
        """Make a black crop without labels."""
        shape = (size_px, size_px)
        return cls(
            np.zeros((*shape, 3), np.uint8),
            np.zeros(shape, np.int32),
            np.zeros(shape, np.uint8),
            np.zeros((2, *shape), bool),
        )

    def lay(self, piece: "Labelled", top: int, left: int, height: int, width: int) -> None:
        """Lay the corner of a piece into this crop, in place."""
        window = (slice(top, top + height), slice(left, left + width))
        self.image[window] = piece.image[:height, :width]
        self.crack_numbers[window] = piece.crack_numbers[:height, :width]
        self.state[window] = piece.state[:height, :width]
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

    def with_rust(self, image: Picture, state: Picture) -> "Labelled":
        """Add rust, by its state."""
        return replace(self, image=image, state=np.where(state > 0, state, self.state))


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
    size = (view.size_px, view.size_px)
    # A camera far away averages; sampling would leave pixels out, or blur away what is one pixel wide. So the photo is
    # turned at its own size and shrunk after.
    finer_px = round(view.size_px / min(view.scale, 1.0))
    turned = cv2.warpAffine(
        image,
        view.matrix(finer_px / view.size_px),
        (finer_px, finer_px),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    seen = turned if finer_px == view.size_px else cv2.resize(turned, size, interpolation=cv2.INTER_AREA)
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
        state=planes[0] if rust else np.zeros(size, np.uint8),
        ignore=left_out,
    )
