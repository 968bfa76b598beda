"""The formats that results can be exported to: a dict of functions, one of the product's three plug points."""

from collections.abc import Callable
from pathlib import Path

from tenken.errors import SettingsError
from tenken.exports.city_platform import write_city_platform
from tenken.exports.coco import write_coco
from tenken.exports.geoparquet import write_geoparquet
from tenken.exports.result import FinishedResult, read_result, without_rejected
from tenken.exports.shapefile import write_shapefiles
from tenken.exports.tables import write_tables
from tenken.exports.target import target_folder, writing_to
from tenken.exports.web_map import write_web_map
from tenken.notes import Note

Exporter = Callable[[FinishedResult, Path], list[str]]
"""Writes its files into a folder that exists; gives what a user must be told (what had to be cut, …)."""

EXPORTERS: dict[str, Exporter] = {
    "coco": write_coco,
    "csv": write_tables,
    "geojson": write_web_map,
    "geoparquet": write_geoparquet,
    "ngsi": write_city_platform,
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
    notes: list[str] = []
    if not rejected:
        result, count = without_rejected(result)
        if count:
            notes.append(Note.of("export.rejected", count=count))
    target = target_folder(result, dest or folder / "exports" / to)
    with writing_to(target):
        notes += EXPORTERS[to](result, target)
    return target, notes
