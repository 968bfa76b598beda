"""Check a finished run: every hash that run.json states, computed again."""

from pathlib import Path

from tenken.detection.weights import find_weights
from tenken.errors import WeightsError
from tenken.hashing import file_sha256
from tenken.running.results import finished_run


def verify_run(folder: Path, flight: Path | None = None) -> list[str]:
    """Compare photos, weights and results with what the run recorded.

    Parameters
    ----------
    folder
        The run's output.
    flight
        Where the photos lie now; where they lay when None.

    Returns
    -------
    One sentence for each difference; empty when all is as it was.

    Raises
    ------
    SettingsError
        When the folder holds no finished run.
    """
    record = finished_run(folder)
    root = flight or Path(record["flight_path"])
    originals = {root if root.is_file() else root / photo["photo"]: photo["sha256"] for photo in record["photos"]}
    results = {folder / name: digest for name, digest in record["results"].items()}
    faults = [fault for path, digest in {**originals, **results}.items() if (fault := _fault(path, digest))]
    # People save the project in QGIS, as they should: it has to be there, and may differ.
    faults += [f"{folder / name}: is missing" for name in record.get("project", {}) if not (folder / name).is_file()]
    return faults + _weights_fault(record["weights"]["name"], record["weights"]["sha256"])


def _fault(path: Path, digest: str) -> str | None:
    if not path.is_file():
        return f"{path}: is missing"
    return None if file_sha256(path) == digest else f"{path}: was changed since the run"


def _weights_fault(name: str, digest: str) -> list[str]:
    try:
        found = find_weights(name).sha256
    except WeightsError as error:
        return [f"weights {name}: {error}"]
    return [] if found == digest else [f"weights {name}: are not those the run used"]
