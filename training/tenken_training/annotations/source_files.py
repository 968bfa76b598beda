"""Files as annotators hand them over: folders, single files, and zips that nobody has checked yet."""

import hashlib
import os
import shutil
import stat
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from tenken.errors import SettingsError, TenkenError

MOST_ENTRIES = 200_000
MOST_RATIO, SMALL_BYTES = 200, 50_000_000
"""Labels shrink to a fiftieth at most; what unpacks to 200 times its size, and is not small, is a trap."""
MOST_TEXT_BYTES = 2_000_000_000
AGAIN = "export it again"
OWN_FILES = frozenset({"dataset.json", "inspection.gpkg"})
"""What marks a folder as made by Tenken."""


@contextmanager
def opened_source(source: Path) -> Iterator[Path]:
    """Give a source as a folder or a file; a zip is unpacked into a folder that is gone afterwards.

    Raises
    ------
    SettingsError
        When it does not exist, or the zip is damaged or unsafe.
    """
    if not source.exists():
        raise SettingsError(f"{source} does not exist; check the spelling")
    if source.suffix.lower() != ".zip":
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="tenken-import-") as folder:
        _unpack(source, Path(folder))
        try:
            yield Path(folder)
        except TenkenError as error:
            error.args = tuple(as_given(one, source, Path(folder)) for one in error.args if isinstance(one, str))
            raise


def as_given(text: str, source: Path, root: Path) -> str:
    """Name the zip and the file in it, as in ``task.zip, annotations.xml``, where a text names what was unpacked.

    Parameters
    ----------
    text
        Of a message.
    source
        What the user gave.
    root
        What `opened_source` made of it.
    """
    if root == source:
        return text
    return text.replace(f"{root}{os.sep}", f"{source}, ").replace(str(root), str(source))


def read_text(path: Path) -> str:
    """Read a text of labels.

    Raises
    ------
    SettingsError
        When it cannot be read, or is not UTF-8.
    """
    try:
        if path.stat().st_size > MOST_TEXT_BYTES:
            raise SettingsError(f"{path}: is larger than 2 GB; export it in parts")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}, byte {error.start}: is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror or error}); {AGAIN}") from None


def files_below(root: Path, *suffixes: str) -> list[Path]:
    """All files below a folder with one of these endings, or the file itself.

    Hidden ones are left out, and data sets and results of inspections that lie in the folder.
    """
    if root.is_file():
        return [root] if root.suffix.lower() in suffixes else []
    found = []
    for folder, subfolders, names in os.walk(root):
        here = Path(folder)
        if here != root and OWN_FILES & set(names):
            subfolders.clear()
            continue
        subfolders[:] = sorted(name for name in subfolders if not name.startswith((".", "__MACOSX")))
        found += [here / name for name in names if Path(name).suffix.lower() in suffixes and name[0] != "."]
    return sorted(path for path in found if path.is_file())


def sha256_of_files(paths: Iterable[Path]) -> str:
    """Hash of several files' names and bytes."""
    digest = hashlib.sha256()
    for path in sorted(set(paths)):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _unpack(source: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_entries(source, entries)
            for entry in entries:
                target = folder / entry_name(entry)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, target.open("wb") as stream:
                    _copy(source, entry, packed, stream)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"{source}: is no readable zip ({error}); pack or download it again") from None
    except (OSError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise SettingsError(f"{source}: cannot be unpacked ({error}); pack or download it again") from None


def _check_entries(source: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise SettingsError(f"{source}: holds {len(entries)} files, more than {MOST_ENTRIES}; import it in parts")
    seen: set[str] = set()
    for entry in entries:
        name = entry_name(entry)
        place = f"{source}, {name!r}"
        if name.startswith("/") or ".." in PurePosixPath(name).parts or ":" in name.split("/")[0]:
            raise SettingsError(f"{place}: points outside the zip; pack it again without such names")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise SettingsError(f"{place}: is a link; pack the file itself")
        if entry.file_size > max(SMALL_BYTES, MOST_RATIO * entry.compress_size):
            raise SettingsError(f"{place}: unpacks to {entry.file_size} bytes from {entry.compress_size}; refused")
        if name in seen:
            raise SettingsError(f"{place}: stands twice in the zip; pack it again")
        seen.add(name)
    total = sum(entry.file_size for entry in entries)
    if total > shutil.disk_usage(tempfile.gettempdir()).free:
        raise SettingsError(f"{source}: unpacks to {total // 1_000_000} MB, more than there is room for; make room")


def entry_name(entry: zipfile.ZipInfo) -> str:
    """Name of a zip's entry; Windows in Japan writes Shift JIS without saying so."""
    name = entry.filename.replace("\\", "/")
    if not entry.flag_bits & 0x800 and not name.isascii():
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("cp932")
    return unicodedata.normalize("NFC", name)


def _copy(source: Path, entry: zipfile.ZipInfo, packed: Iterable[bytes] | object, stream: object) -> None:
    left = entry.file_size
    while chunk := packed.read(1 << 20):  # type: ignore[union-attr]
        left -= len(chunk)
        if left < 0:
            raise SettingsError(f"{source}, {entry.filename!r}: is larger than it states; pack it again")
        stream.write(chunk)  # type: ignore[attr-defined]
