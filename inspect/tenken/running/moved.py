"""Where a finished run's inputs lie now: results and flight are often moved or copied together.

A run records the way from its results to each input beside the input's whole path. The way is tried first, so that a
copied pair is checked against its own photos, and not against those at the old place.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tenken.settings import Settings

FROM_HERE = "from_here"
"""Key of run.json: ways from the results' folder, by input."""


def ways_from(folder: Path, flight: Path, settings: Settings) -> dict[str, str]:
    """Give the ways from a folder to the flight, the assets and the surface model, those that there are."""
    surface = None if settings.surface.split(":")[0] == "plane" else Path(settings.surface)
    inputs = {"flight": flight, "assets": settings.assets, "surface": surface}
    return {name: way for name, path in inputs.items() if path is not None and (way := _way(folder, path)) is not None}


def flight_now(folder: Path, record: Mapping[str, Any]) -> Path:
    """Find the flight of a finished run: beside its results as it was then, else where it was.

    Parameters
    ----------
    record
        The run's run.json.
    """
    beside = _beside(folder, record, "flight")
    if beside is not None and (beside.is_file() or _holds_a_photo(beside, record)):
        return beside
    return Path(record["flight_path"])


def settings_now(folder: Path, record: Mapping[str, Any]) -> Settings:
    """Read the settings of a finished run, with assets and surface model where they lie now."""
    settings = Settings.from_json(record["settings"])
    assets, surface = (_beside(folder, record, name) for name in ("assets", "surface"))
    if assets is not None and assets.is_file():
        settings = replace(settings, assets=assets)
    if surface is not None and surface.is_file():
        settings = replace(settings, surface=str(surface))
    return settings


def _way(folder: Path, path: Path) -> str | None:
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive
        return None


def _beside(folder: Path, record: Mapping[str, Any], name: str) -> Path | None:
    way = (record.get(FROM_HERE) or {}).get(name)
    return None if way is None else Path(os.path.normpath(folder.absolute() / way))


def _holds_a_photo(flight: Path, record: Mapping[str, Any]) -> bool:
    """Tell whether a folder can be the flight: another one may stand at the same way from a copy."""
    photos = record.get("photos") or []
    return any((flight / one["photo"]).is_file() for one in photos[:3]) if photos else flight.is_dir()
