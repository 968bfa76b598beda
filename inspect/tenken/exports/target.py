"""The folder that an export is written to: never among the originals, and a failure is told in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenken.errors import SettingsError, TenkenError
from tenken.exports.result import FinishedResult


def target_folder(result: FinishedResult, dest: Path) -> Path:
    """Make the folder for an export.

    Raises
    ------
    SettingsError
        When it lies among the photos, is the run's own folder, is a file, or cannot be made.
    """
    folder, flight, out = (path.absolute() for path in (dest, result.flight_path, result.folder))
    if folder == out:
        raise SettingsError(f"--dest {dest}: is the run's own folder, whose files must stay; give another one")
    if folder.is_relative_to(flight) and not folder.is_relative_to(out):
        raise SettingsError(f"--dest {dest}: lies among the photos, which are never written to; give another folder")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--dest {dest}: is a file; give a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--dest {dest}: cannot be made ({error.strerror}); give another folder") from error
    return folder


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Write into a folder; it goes again where nothing came of it.

    Raises
    ------
    SettingsError
        When a file cannot be written, for another program has it open, or the disk is full.
    """
    try:
        yield
    except TenkenError:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    except OSError as error:
        raise SettingsError(
            f"{folder}: cannot be written ({error.strerror or error}): close its files in other programs (QGIS?), "
            "or give another folder with --dest"
        ) from error
