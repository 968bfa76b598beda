"""The QGIS project beside the package: what it points at, and what happens to one that a person saved."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rasterio
from pyproj import CRS

from tenken.hashing import file_sha256
from tenken.imagery.flight import Flight
from tenken.inspection import Inspection
from tenken.journal import replace_file
from tenken.notes import Note
from tenken.outputs.qgis.project import Orthomosaic, ProjectFiles, write_project
from tenken.running.progress import Progress

PROJECT = "inspection.qgz"
SAVED_PROJECT = "inspection_saved.qgz"
"""Where a project goes that a person saved over ours, when a later run writes its own again."""


def project_files(flight: Flight, folder: Path, package: str) -> ProjectFiles:
    """Find the ways from the results to package, photos and orthomosaic; there is none to another drive."""
    root = flight.root.parent if flight.root.is_file() else flight.root
    try:
        flight_folder = Path(os.path.relpath(root, folder)).as_posix()
    except ValueError:
        return ProjectFiles(package)
    if flight.orthomosaic is None:
        return ProjectFiles(package, flight_folder)
    with rasterio.open(flight.orthomosaic.path) as dataset:
        crs = CRS.from_wkt(dataset.crs.to_wkt())
    way = flight_folder if flight_folder.startswith(".") else f"./{flight_folder}"
    return ProjectFiles(package, flight_folder, Orthomosaic(f"{way}/{flight.orthomosaic.name}", crs))


def write_map_project(
    folder: Path,
    inspection: Inspection,
    lang: str,
    files: ProjectFiles,
    last_record: Mapping[str, Any] | None,
    progress: Progress,
) -> None:
    """Write the project, and keep beside it the one that a person saved since the last run.

    ``last_record`` is the run.json of that run; None when there was none.
    """
    path = folder / PROJECT
    written = ((last_record or {}).get("project") or {}).get(PROJECT)
    if written is not None and path.is_file() and file_sha256(path) != written:
        replace_file(path, folder / SAVED_PROJECT)
        progress.note(Note.of("console.project_saved", path=path, kept=folder / SAVED_PROJECT))
    write_project(path, inspection, lang, files)
