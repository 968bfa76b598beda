"""Mask pictures: each value, palette entry or colour is a class; connected parts are the objects."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from tenken.errors import SettingsError
from tenken.imagery.picture import UNIDENTIFIED
from tenken_training.annotations.drawings import Drawing, DrawnPhoto, DrawnSet, area_of_mask
from tenken_training.annotations.run_lengths import MOST_PIXELS
from tenken_training.annotations.source_files import files_below, read_text

MASK_FOLDERS = ("segmentationclass", "masks", "mask", "labels", "annotations", "gt")
MOST_CLASSES = 64
"""A picture with more values is a photo, and no mask."""
SMALLEST_PX = 4
"""Smaller parts are slips of the brush."""
COLOUR_MAP = "labelmap.txt"


def read_masks(source: Path) -> DrawnSet:
    """Read mask PNGs: those in a folder called ``masks``, ``SegmentationClass`` or the like, or all of the folder.

    Raises
    ------
    SettingsError
        When one is no mask; the message names the file.
    """
    files = mask_files(source)
    names = colour_names(source)
    return DrawnSet("masks", tuple(_photo(path, source, names) for path in files), tuple(files))


def mask_files(source: Path) -> list[Path]:
    """Find the masks of a source."""
    found = files_below(source, ".png", ".bmp", ".gif", ".tif", ".tiff")
    inside = [path for path in found if any(part.lower() in MASK_FOLDERS for part in path.parent.parts)]
    chosen = inside if source.is_dir() and inside else found
    return [path for path in chosen if path.parent.name.lower() not in ("images", "jpegimages", "segmentationobject")]


def colour_names(source: Path) -> dict[tuple[int, int, int], str]:
    """Read class names by colour from a ``labelmap.txt`` (``name:r,g,b::``), as CVAT writes beside masks."""
    folder = source if source.is_dir() else source.parent
    path = next(iter(sorted(folder.rglob(COLOUR_MAP))), None)
    if path is None:
        return {}
    names = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, rest = line.partition(":")
        try:
            red, green, blue = (int(value) for value in rest.split(":")[0].split(","))
        except ValueError:
            raise SettingsError(f"{path}, line {number}: is not name:red,green,blue::; mend it") from None
        names[red, green, blue] = name.strip()
    return names


def mask_drawings(path: Path, names: Mapping[tuple[int, int, int], str]) -> tuple[tuple[int, int], list[Drawing]]:
    """Read one mask: its size (width, height), and a drawing for each connected part of each class but zero."""
    values, colours = _read(path)
    drawings = []
    present = np.unique(values)
    if len(present) > MOST_CLASSES:
        raise SettingsError(f"{path}: holds {len(present)} different values, too many for a mask; is it a photo?")
    for value in present.tolist():
        colour = colours.get(value)
        if value == 0 or colour == (0, 0, 0):
            continue
        name = names.get(colour, _colour_text(colour)) if colour else str(value)
        labels, count = ndimage.label(values == value, np.ones((3, 3)))
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
            part = labels[rows, columns] == number
            if np.count_nonzero(part) >= SMALLEST_PX:
                area = area_of_mask(part, columns.start, rows.start)
                drawings.append(Drawing(name, area, "area", f"{path}, {name} {number} of {count}"))
    return (values.shape[1], values.shape[0]), drawings


def _photo(path: Path, source: Path, names: Mapping[tuple[int, int, int], str]) -> DrawnPhoto:
    (width, height), drawings = mask_drawings(path, names)
    below = path.relative_to(source if source.is_dir() else path.parent)
    stem = below.stem.removesuffix("_mask").removesuffix("-mask").removesuffix("_label")
    parts = [part for part in below.parent.parts if part.lower() not in MASK_FOLDERS]
    return DrawnPhoto("/".join([*parts, stem]), width, height, tuple(drawings), str(path))


def _read(path: Path) -> tuple[npt.NDArray[np.int32], dict[int, tuple[int, int, int]]]:
    """(h, w) values, and the colour of each where the picture has colours."""
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise SettingsError(f"{path}: has {picture.width} x {picture.height} px, too many for a mask")
            if picture.mode in ("L", "1", "I", "I;16", "I;16B"):
                return np.asarray(picture.convert("I"), dtype=np.int32), {}
            if picture.mode not in ("P", "RGB", "RGBA", "PA", "LA"):
                raise SettingsError(f"{path}: is a picture of kind {picture.mode}; save the mask as PNG")
            indexed = np.asarray(picture, dtype=np.int32) if picture.mode == "P" else None
            colours = np.asarray(picture.convert("RGB"), dtype=np.int32)
    except UNIDENTIFIED:
        raise SettingsError(f"{path}: is no readable picture; export the mask again") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise SettingsError(f"{path}: is a damaged picture ({error}); export the mask again") from None
    packed = (colours[..., 0] << 16) | (colours[..., 1] << 8) | colours[..., 2]
    if indexed is not None:
        found, first = np.unique(indexed, return_index=True)
        tints = packed.ravel()[first]
        return indexed, {int(v): _rgb(int(tint)) for v, tint in zip(found, tints, strict=True) if v}
    return packed, {int(value): _rgb(int(value)) for value in np.unique(packed)[: MOST_CLASSES + 1]}


def _rgb(packed: int) -> tuple[int, int, int]:
    return packed >> 16, packed >> 8 & 255, packed & 255


def _colour_text(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
