"""What can go wrong, as one tree. Every leaf carries the exit code of the command line.

TenkenError                1  unexpected
├── SettingsError          2  usage or settings
├── FlightError            3  flight unreadable, or nothing usable in it
│   └── PhotoError         3  one photo damaged or no picture
├── AssetsError            4  the assets file
├── WeightsError           5  the weights
├── MissingExtraError      6  a needed extra is not installed
└── SkippedPhotosError     7  finished, but photos were skipped and --strict was given

A message is one line that names the file and the remedy.
"""

from typing import ClassVar


class TenkenError(Exception):
    """Root of all errors that this package raises on purpose."""

    exit_code: ClassVar[int] = 1


class SettingsError(TenkenError, ValueError):
    """A setting or an argument cannot be used."""

    exit_code = 2


class FlightError(TenkenError, ValueError):
    """The flight cannot be read, or nothing in it is usable."""

    exit_code = 3


class PhotoError(FlightError):
    """A photo is damaged, or no picture at all."""

    def __init__(self, name: str, note: str) -> None:
        """Put the photo's name before what is wrong with it."""
        super().__init__(f"{name}: {note}")
        self.note = note


class AssetsError(TenkenError, ValueError):
    """The assets file cannot be read or does not say what it must."""

    exit_code = 4


class WeightsError(TenkenError, ValueError):
    """The weights are missing, damaged or not trusted."""

    exit_code = 5


class MissingExtraError(TenkenError, ImportError):
    """An optional dependency is needed; the message gives the pip line."""

    exit_code = 6


class SkippedPhotosError(TenkenError):
    """The run finished, but photos were skipped and ``--strict`` was given."""

    exit_code = 7
