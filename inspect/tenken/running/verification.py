"""Check a finished run: every hash that run.json states, computed again."""

from pathlib import Path

from tenken.detection.weights import find_weights
from tenken.errors import WeightsError
from tenken.hashing import file_sha256
from tenken.notes import Note
from tenken.running.moved import flight_now
from tenken.running.results import finished_run


def verify_run(folder: Path, flight: Path | None = None) -> list[Note]:
    """Compare photos, weights and results with what the run recorded.

    Parameters
    ----------
    folder
        The run's output.
    flight
        Where the photos lie now; None finds them beside the results as they lay then, or where they lay.

    Returns
    -------
    One sentence for each difference; empty when all is as it was.

    Raises
    ------
    SettingsError
        When the folder holds no finished run.
    """
    record = finished_run(folder)
    root = flight or flight_now(folder, record)
    originals = {root if root.is_file() else root / photo["photo"]: photo["sha256"] for photo in record["photos"]}
    results = {folder / name: digest for name, digest in record["results"].items()}
    faults = [fault for path, digest in {**originals, **results}.items() if (fault := _fault(path, digest))]
    # People save the project in QGIS, as they should: it has to be there, and may differ.
    projects = [folder / name for name in record.get("project", {})]
    faults += [Note.of("fault.missing", path=path) for path in projects if not path.is_file()]
    return faults + _weights_fault(record["weights"]["name"], record["weights"]["sha256"])


def _fault(path: Path, digest: str) -> Note | None:
    if not path.is_file():
        return Note.of("fault.missing", path=path)
    return None if file_sha256(path) == digest else Note.of("fault.changed", path=path)


def _weights_fault(name: str, digest: str) -> list[Note]:
    try:
        found = find_weights(name).sha256
    except WeightsError as error:
        return [Note.of("fault.weights", name=name, why=str(error))]
    return [] if found == digest else [Note.of("fault.other_weights", name=name)]
