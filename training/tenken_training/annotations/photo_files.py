"""Find the photo that a label file names, and say how it is displayed."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tenken.errors import SettingsError
from tenken.hashing import file_sha256
from tenken.imagery.picture import UNIDENTIFIED
from tenken_training.annotations.source_files import files_below

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
NOT_PHOTOS = frozenset({"segmentationclass", "segmentationobject", "masks", "mask", "gt"})
_ORIENTATION_TAG = 0x0112
_UPLOAD_MARK = re.compile(r"^[0-9a-f]{8}-")


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A picture as it lies on the disk.

    Parameters
    ----------
    path
        The file.
    below
        Its way below the folder that was searched, with forward slashes.
    """

    path: Path
    below: str


class PhotoFinder:
    """Photos below some folders, by name: whole ways first, then the longest part of the way that fits."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = roots
        self._by_name: dict[str, list[PhotoFile]] = defaultdict(list)
        self._by_stem: dict[str, list[PhotoFile]] = defaultdict(list)
        seen: set[Path] = set()
        for root in roots:
            for path in files_below(root, *PHOTO_SUFFIXES):
                if path in seen or NOT_PHOTOS & {part.lower() for part in path.parent.parts}:
                    continue
                seen.add(path)
                file = PhotoFile(path, path.relative_to(root if root.is_dir() else path.parent).as_posix())
                self._by_name[_folded(path.name)].append(file)
                self._by_stem[_folded(path.stem)].append(file)

    def find(self, name: str, where: str) -> PhotoFile | None:
        """Find a photo; None when there is none.

        Raises
        ------
        SettingsError
            When several fit alike.
        """
        last = name.rsplit("/", 1)[-1]
        found = self._by_name.get(_folded(last))
        if found is None and _UPLOAD_MARK.match(last):
            found = self._by_name.get(_folded(last[9:]))
        if found is None:
            found = self._by_stem.get(_folded(last)) or self._by_stem.get(_folded(last.rsplit(".", 1)[0]))
        if not found:
            return None
        fits = [_common_end(name, file.below) for file in found]
        best = [file for file, fit in zip(found, fits, strict=True) if fit == max(fits)]
        if len(best) > 1 and len({file_sha256(file.path) for file in best}) > 1:
            raise SettingsError(
                f"{where}: {name} can be {best[0].path} or {best[1].path}; give a --photos folder with one of them"
            )
        return best[0]


def displayed_size(path: Path) -> tuple[tuple[int, int], int]:
    """Give a picture's stored width and height, and its EXIF orientation (1 to 8).

    Raises
    ------
    SettingsError
        When it is no readable picture.
    """
    try:
        with Image.open(path) as picture:
            orientation = picture.getexif().get(_ORIENTATION_TAG, 1)
            return picture.size, orientation if orientation in range(1, 9) else 1
    except UNIDENTIFIED:
        raise SettingsError(f"{path}: is no readable picture; copy it again") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SettingsError(f"{path}: is a damaged picture ({str(error).splitlines()[0]}); copy it again") from None


def _folded(name: str) -> str:
    """Compare names as Windows and macOS do: capitals and the way of writing accents and 濁点 don't matter."""
    return unicodedata.normalize("NFC", name).casefold()


def _common_end(name: str, below: str) -> int:
    """Count the last parts that two ways share; the file's own ending does not matter."""
    one, other = (_parts(way) for way in (name, below))
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _parts(way: str) -> list[str]:
    parts = [part for part in _folded(way).split("/") if part not in ("images", "labels", "jpegimages", "", ".")]
    parts[-1] = parts[-1].rsplit(".", 1)[0] if "." in parts[-1] else parts[-1]
    return parts
