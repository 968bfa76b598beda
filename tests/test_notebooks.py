"""The notebooks run from top to bottom, on a small demo flight, and say what they mean to say."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SMALL: dict[str, Any] = {"WIDTH_PX": 1600, "HEIGHT_PX": 1200, "PHOTOS": 3}
"""Values for the cell of parameters, so that a test takes seconds."""
PARAMETERS: dict[str, dict[str, Any]] = {
    "first_inspection": SMALL,
    "reading_the_layers": SMALL,
    "retraining": {"TRAIN": 6, "TEST": 5, "READY_MADE": "crack-corrosion", "SIDE_PX": 256, "PROMOTE": False},
}


def executed(name: str) -> Any:
    """Run a notebook with small parameters, as jupyter would; a cell that fails raises."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    [place] = [number for number, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    small = "\n".join(f"{key} = {value!r}" for key, value in PARAMETERS[name].items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(small))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    return notebook


def printed(notebook: Any) -> str:
    """All text that the cells gave."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_every_notebook_is_run_here() -> None:
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(PARAMETERS)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_name_no_machine_and_link_to_what_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp)/|[A-Z]:\\\\", text)
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "markdown":
            for link in "".join(cell["source"]).split("](")[1:]:
                target = link.split(")")[0]
                assert target.startswith("http") or (path.parent / target).exists(), target


def test_a_first_inspection() -> None:
    said = printed(executed("first_inspection"))
    assert "3 photos" in said
    assert "inspection.gpkg" in said
    assert "not_seen" in said


def test_reading_the_layers() -> None:
    said = printed(executed("reading_the_layers"))
    assert "perhaps wider than 0.3 mm" in said
    assert "rejected" in said
    assert "aashto" in said


def test_retraining() -> None:
    pytest.importorskip("torch", reason="training needs the train extra")
    said = printed(executed("retraining"))
    assert "crack length found, after:" in said
    assert "crack-corrosion-shadows" in said
