"""The formats that results can be exported to: a dict of functions, one of the product's three plug points."""

from collections.abc import Callable
from pathlib import Path

from tenken.errors import SettingsError, TenkenError
from tenken.exports.coco import write_coco
from tenken.exports.geoparquet import write_geoparquet
from tenken.exports.result import FinishedResult, read_result, without_rejected
from tenken.exports.shapefile import write_shapefiles
from tenken.exports.tables import write_tables
from tenken.exports.web_map import write_web_map

Exporter = Callable[[FinishedResult, Path], list[str]]
"""Writes its files into a folder that exists; gives what a user must be told (what had to be cut, …)."""

EXPORTERS: dict[str, Exporter] = {
    "coco": write_coco,
    "csv": write_tables,
    "geojson": write_web_map,
    "geoparquet": write_geoparquet,
    "shapefile": write_shapefiles,
}


def export_result(folder: Path, to: str, dest: Path | None = None, *, rejected: bool = False) -> tuple[Path, list[str]]:
    """Export a finished run.

    Parameters
    ----------
    folder
        The run's output.
    to
        A key of `EXPORTERS`.
    dest
        Folder for the files; ``exports/FORMAT`` in the run's folder when None.
    rejected
        Keep defects that a person rejected.

    Returns
    -------
    The folder, and what a user must be told.

    Raises
    ------
    SettingsError
        When the format is not known, the folder holds no finished run, or the target cannot be written.
    MissingExtraError
        When the format needs a package that is not installed.
    """
    if to not in EXPORTERS:
        raise SettingsError(f"--to {to}: is not known; choose from {', '.join(EXPORTERS)}")
    result = read_result(folder)
    notes = []
    if not rejected:
        result, count = without_rejected(result)
        if count:
            notes.append(f"{count} rejected left out (--all keeps them); figures of segments still count them")
    target = target_folder(result, dest or folder / "exports" / to)
    try:
        notes += EXPORTERS[to](result, target)
    except TenkenError:
        if not any(target.iterdir()):
            target.rmdir()
        raise
    except OSError as error:
        raise SettingsError(
            f"{target}: cannot be written ({error.strerror or error}): close its files in other programs (QGIS?), "
            "or give another folder with --dest"
        ) from error
    return target, notes


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
