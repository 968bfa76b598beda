"""The run's journal: what was found in each photo, kept in the GeoPackage so that a stopped run can go on.

One row a unit of work (a photo, or a block of an orthomosaic), written in one transaction when the unit is done. A
row's key says everything that its content depends on: the picture's bytes, the weights and the settings of detection.
Whatever is killed at any moment, the rows that stand are whole and right, so a second run takes them and does only
the rest.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from tenken.errors import SettingsError

FORMAT = 3
"""Raised when the content of rows changes its meaning: older rows are then done again."""

LOCK_WAIT_S = 5.0
"""How long to wait for another program to let go of the file."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tenken_journal (
    key TEXT PRIMARY KEY,
    unit TEXT NOT NULL,
    content TEXT NOT NULL
) WITHOUT ROWID
"""


def unit_key(**depends_on: Any) -> str:
    """Hash everything that a unit's result depends on."""
    canonical = json.dumps({"format": FORMAT, **depends_on}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


_LISTED = """
INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description)
VALUES ('tenken_journal', 'tenken-journal', 'tenken_journal', 'journal of the run, not for people')
"""
"""With a data type of its own the table is no layer for QGIS, which otherwise shows every table it finds."""


class Journal:
    """Rows of finished work in a GeoPackage (or any SQLite file). Use as a context manager, from one thread.

    Raises
    ------
    SettingsError
        When the file cannot be written: another program holds it, or it is no GeoPackage.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=LOCK_WAIT_S, isolation_level=None)
        try:
            # QGIS leaves GeoPackages in write-ahead mode. While it has one open this fails, and must: to replace the
            # file under a foreign write-ahead log would damage it.
            self._connection.execute("PRAGMA journal_mode = DELETE")
            _make_table(self._connection)
        except sqlite3.Error as error:
            self._connection.close()
            raise SettingsError(
                f"{path}: cannot be written ({error}): close it in QGIS, or give another folder with --out"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the content of those of the keys that are done."""
        wanted = set(keys)
        rows = self._connection.execute("SELECT key, content FROM tenken_journal")
        return {key: json.loads(content) for key, content in rows if key in wanted}

    def write(self, key: str, unit: str, content: Any) -> None:
        """Record a finished unit; atomic and on disk when it returns."""
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        self._connection.execute("INSERT OR REPLACE INTO tenken_journal VALUES (?, ?, ?)", (key, unit, text))

    def copy_into(self, other: Path, keys: Iterable[str]) -> None:
        """Copy the rows with these keys into another file, ordered by key."""
        wanted = sorted(set(keys))
        with closing(sqlite3.connect(other, isolation_level=None)) as target:
            target.execute("BEGIN")
            _make_table(target)
            for key in wanted:
                row = self._connection.execute("SELECT * FROM tenken_journal WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    target.execute("INSERT OR REPLACE INTO tenken_journal VALUES (?, ?, ?)", row)
            target.execute("COMMIT")


def _make_table(connection: sqlite3.Connection) -> None:
    connection.execute(_SCHEMA)
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_contents'").fetchone():
        connection.execute(_LISTED)


def replace_file(new: Path, path: Path) -> None:
    """Put a finished file in the place of the old one, in one step.

    Raises
    ------
    SettingsError
        When another program holds the old one (Windows).
    """
    try:
        os.replace(new, path)  # noqa: PTH105 - the same, but says that it is atomic
    except PermissionError as error:
        raise SettingsError(f"{path}: is open in another program: close it (QGIS?) and run again") from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that it is never seen half written."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    replace_file(new, path)


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what differs from the run before, as ``name: old → new``."""
    names = sorted({*before, *now})
    return [f"{name}: {before.get(name)} → {now.get(name)}" for name in names if before.get(name) != now.get(name)]
