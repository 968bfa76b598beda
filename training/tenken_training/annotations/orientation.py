"""Labels made on a photo that a camera held sideways: turned as displayed, or as stored."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import shapely

from tenken.errors import SettingsError
from tenken_training.annotations.drawings import DrawnPhoto

FloatArray = npt.NDArray[np.float64]
Turn = Callable[[FloatArray], FloatArray]
REMEDY = "say --orientation shown or --orientation stored"


def to_displayed(photo: DrawnPhoto, stored_px: tuple[int, int], orientation: int, asked: str, path: object) -> Turn:
    """Give the function that takes a photo's drawings to pixels of the picture as displayed.

    Parameters
    ----------
    photo
        With the size that its labels were made for, if that is known.
    stored_px
        Width and height of the picture's file.
    orientation
        Of its EXIF data, 1 to 8.
    asked
        ``auto``, ``shown`` (labels lie on the picture as displayed) or ``stored``.
    path
        Of the picture, for messages.

    Raises
    ------
    SettingsError
        When the labels were made for another size, or it cannot be told which way up.
    """
    width, height = stored_px
    shown_px = (height, width) if orientation >= 5 else (width, height)
    stated = None if photo.width_px is None or photo.height_px is None else (photo.width_px, photo.height_px)
    if stated is not None and stated not in (stored_px, shown_px):
        raise SettingsError(
            f"{photo.where}: the labels are of a picture of {stated[0]} x {stated[1]} px, but {path} has "
            f"{shown_px[0]} x {shown_px[1]} px; give the photos that were annotated"
        )
    if orientation == 1:
        stored = False
    elif asked != "auto":
        stored = asked == "stored"
        if stated is not None and stated != (stored_px if stored else shown_px):
            raise SettingsError(
                f"{photo.where}: states {stated[0]} x {stated[1]} px, which is not the photo as {asked}"
            )
    elif stated is not None and stored_px != shown_px:
        stored = stated == stored_px
    else:
        raise SettingsError(
            f"{photo.where}: {path} is displayed turned (EXIF orientation {orientation}), and the labels do not tell "
            f"which way up they were made; {REMEDY}"
        )
    scale = np.array(stored_px if stored else shown_px, dtype=np.float64) if photo.in_shares else np.ones(2)
    return (lambda xy: _turned(xy * scale, width, height, orientation)) if stored else (lambda xy: xy * scale)


def turned(shape: shapely.Geometry, turn: Turn) -> shapely.Geometry:
    """Apply such a function to a shape."""
    return shapely.transform(shape, turn)


def _turned(xy_px: FloatArray, width: int, height: int, orientation: int) -> FloatArray:
    """Move (n, 2) places of a stored picture to where they are displayed (EXIF 2.3, tag Orientation)."""
    x, y = xy_px[:, 0], xy_px[:, 1]
    places = {
        1: (x, y),
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),
        7: (height - y, width - x),
        8: (y, width - x),
    }
    return np.stack(places[orientation], axis=1)
