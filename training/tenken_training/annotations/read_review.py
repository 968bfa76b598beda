"""A finished inspection that people reviewed in QGIS."""

from pathlib import Path
from typing import TYPE_CHECKING

from tenken.errors import SettingsError
from tenken.running.progress import Progress
from tenken_training.annotations.import_options import ImportOptions

if TYPE_CHECKING:
    from tenken_training.annotations.importing import Gathered


def is_review(root: Path) -> bool:
    """Tell whether a folder or file is the result of an inspection."""
    return (root / "inspection.gpkg").is_file() or root.suffix.lower() == ".gpkg"


def gather_review(root: Path, options: ImportOptions, progress: Progress) -> "Gathered":
    """Not yet."""
    raise SettingsError(f"{root}: reviewed inspections cannot be imported yet {options} {progress}")
