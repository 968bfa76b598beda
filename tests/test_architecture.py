"""The folders of the package are stages, and data flows through them one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "inspect" / "tenken"

STAGES = (
    *("errors", "hashing", "settings", "wording", "notes", "journal", "thread_pool"),
    *("imagery", "georeferencing", "adjustment"),
    *("detection", "measurement", "identity"),
    *("structure", "assessment", "inspection", "outputs", "running", "exports", "pipeline", "commands", "cli"),
)
"""Folders and single files of the package: each may import from those before it."""
FACES = ("__init__", "__main__")
"""The package's public face and its start; they may import everything."""


def stage_of(path: Path) -> str:
    """First folder below the package, or the file's own name where it lies beside the folders."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_stages(path: Path) -> Iterator[str]:
    """Stages that a file imports from, also inside functions and for types only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "tenken" and rest:
                first = rest.partition(".")[0]
                # `from tenken import inspect_flight`: the public face.
                yield first if first in STAGES else "__init__"


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if stage_of(path) not in FACES)


def test_every_folder_and_file_of_the_package_is_a_stage() -> None:
    assert {stage_of(path) for path in sources()} == set(STAGES)


def test_stages_import_only_from_stages_before_them() -> None:
    backwards = [
        f"{path.relative_to(PACKAGE).as_posix()} imports from {imported}"
        for path in sources()
        for imported in imported_stages(path)
        if imported != stage_of(path) and (imported in FACES or STAGES.index(imported) > STAGES.index(stage_of(path)))
    ]
    assert backwards == []


def test_only_commands_know_of_training() -> None:
    outside = {
        stage_of(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tenken_training")
    }
    assert outside <= {"commands"}
