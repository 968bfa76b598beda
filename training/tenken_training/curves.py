"""The curves of a training: a CSV file with one row an epoch."""

import csv
from collections.abc import Mapping
from pathlib import Path

from tenken.errors import SettingsError


def append_row(path: Path, row: Mapping[str, float]) -> None:
    """Add an epoch's row, after cutting off rows of epochs that are now done again."""
    kept = [old for old in read_rows(path) if old["epoch"] < row["epoch"]]
    names = list(dict.fromkeys([name for old in kept for name in old] + list(row)))
    half = path.with_suffix(".part")
    with half.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        for line in [*kept, row]:
            writer.writerow({name: f"{value:.6g}" for name, value in line.items()})
    half.replace(path)


def read_rows(path: Path) -> list[dict[str, float]]:
    """Read the curves; none where there is no file yet.

    Raises
    ------
    SettingsError
        When it is no such table.
    """
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    except (ValueError, TypeError, csv.Error) as error:
        raise SettingsError(f"{path} is no table of numbers ({error}); mend it or delete it") from error
    if any("epoch" not in row for row in rows):
        raise SettingsError(f"{path} has a row without an epoch; mend it or delete it")
    return rows
