"""The folder that a run leaves: which one, locked while a run writes, written so that no half file is ever seen."""

import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tenken.errors import FlightError, SettingsError
from tenken.hashing import file_sha256
from tenken.imagery.flight import Flight
from tenken.inspection import Inspection
from tenken.journal import Journal, changed_settings, replace_file, write_atomically
from tenken.notes import Note
from tenken.outputs.reviews import Review, carry_reviews, keep_lost_reviews, read_reviews
from tenken.running.map_project import PROJECT, project_files, write_map_project
from tenken.running.moved import FROM_HERE, ways_from
from tenken.running.pictures import CROPS, PicturesUnderWay
from tenken.running.progress import Progress
from tenken.running.work import FlightOutcome
from tenken.settings import Settings

GEOPACKAGE = "inspection.gpkg"
RUN_RECORD = "run.json"
LOCK = ".lock"
REPORT_PDF = "report.pdf"
"""Made by ``inspect report --pdf`` only."""
LOST_REVIEWS = "reviews_without_defect.csv"
HASHED_RESULTS = ("defects.geojson", "segments.geojson", "segments.csv")
"""Results that are equal byte by byte for equal input; run.json states their hashes."""


def output_folder(flight: Path | str, out: Path | str | None) -> Path:
    """Return the folder for the results: ``out``, or ``FLIGHT.inspection`` beside the flight.

    Raises
    ------
    FlightError
        When the flight does not exist: no folder is made for it.
    SettingsError
        When the folder is a file, or cannot be made.
    """
    root = Path(flight).absolute()
    if not root.exists():
        raise FlightError(f"{flight}: no such file or folder: check the spelling")
    folder = Path(out).absolute() if out is not None else root.with_name(f"{root.name}.inspection")
    if folder == root:
        raise SettingsError(f"--out {out}: is the flight itself: originals are never written to; give another folder")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--out {folder}: is a file: give a folder")
    return folder


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Make the folder and keep other runs out of it; the lock goes with the process, however it ends.

    Raises
    ------
    SettingsError
        When another run is writing there, or the folder cannot be made.
    """
    existed = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise SettingsError(f"{folder}: another run is writing there: wait for it, or give another --out") from error
    except OSError as error:
        raise SettingsError(
            f"{folder}: cannot be written ({error.strerror}): give another folder with --out"
        ) from error
    try:
        yield
    finally:
        lock.release()
        if not existed and {file.name for file in folder.iterdir()} <= {LOCK}:  # nothing was worth keeping
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()


def last_run(folder: Path) -> dict[str, Any] | None:
    """Read run.json of the last finished run; None when there is none."""
    try:
        record = json.loads((folder / RUN_RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def finished_run(folder: Path) -> dict[str, Any]:
    """Read run.json of a finished run.

    Raises
    ------
    SettingsError
        When the folder holds none.
    """
    record = last_run(folder)
    if record is None:
        remedy = "give the folder that `inspect run` left; if that was interrupted, let it finish first"
        raise SettingsError(f"{folder}: holds no finished run (no {RUN_RECORD}): {remedy}")
    return record


def note_changes(folder: Path, settings: Settings, weights_sha256: str, progress: Progress) -> None:
    """Name the settings that differ from the last finished run in this folder."""
    before = last_run(folder)
    if before is None:
        return
    then = {**before.get("settings", {}), "weights_sha256": before.get("weights", {}).get("sha256")}
    now = {**settings.as_json(), "weights_sha256": weights_sha256}
    for change in changed_settings(then, now):
        progress.note(Note.of("console.changed", change=change))


def write_results(
    folder: Path,
    flight: Flight,
    inspection: Inspection,
    outcome: FlightOutcome,
    kept_keys: frozenset[str],
    settings: Settings,
    seconds: Mapping[str, float],
    progress: Progress,
    pictures: PicturesUnderWay,
) -> None:
    """Write everything that a run leaves; run.json comes last and says that the rest is whole.

    ``kept_keys`` are the rows of the journal that this result is made of: the others are left out of the new package.
    ``pictures`` are being drawn meanwhile, but for the report.
    """
    from tenken.outputs.geojson import write_geojson
    from tenken.outputs.report import write_report
    from tenken.outputs.segments_csv import write_segments_csv

    progress.start("write", 5)
    lang, crops = settings.lang, pictures.crops.paths
    reviews = _carried_reviews(folder, inspection, progress)
    files = project_files(flight, folder, GEOPACKAGE)
    _write_geopackage(folder, inspection, kept_keys, lang, reviews, crops, files.flight_folder)
    write_map_project(folder, inspection, lang, files, last_run(folder), progress)
    progress.advance()
    write_geojson(folder, inspection, lang, reviews=reviews, crops=crops, flight_folder=files.flight_folder)
    write_segments_csv(folder / "segments.csv", inspection)
    progress.advance()
    pictures.crops.wait()
    for stale in set((folder / CROPS).glob("*.jpg")) - {folder / crop for crop in crops.values()}:
        stale.unlink()
    progress.advance()
    _put_old_pdf_aside(folder / REPORT_PDF, last_run(folder), progress)
    write_report(folder / "report.html", inspection, crops, lang, reviews, background=pictures.background.result)
    progress.advance()
    record = run_record(folder, flight, inspection, outcome, seconds)
    write_atomically(folder / RUN_RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    progress.advance()


def run_record(
    folder: Path, flight: Flight, inspection: Inspection, outcome: FlightOutcome, seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Say how the results came about: enough to do the run again, and to check that nothing was changed since."""
    kinds = sorted({defect.kind for defect in inspection.defects})
    return {
        "flight": inspection.flight,
        "flight_path": flight.root.as_posix(),
        FROM_HERE: ways_from(folder, flight.root, Settings.from_json(inspection.settings)),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": dict(inspection.settings),
        "weights": {"name": inspection.weights_name, "sha256": inspection.weights_sha256},
        "standard": {"id": inspection.standard, "verified": inspection.standard_verified},
        "crs": inspection.crs.to_string() if inspection.crs is not None else None,
        "counts": {
            "photos": len(inspection.photos),
            "usable_photos": sum(photo.usable for photo in inspection.photos),
            "skipped": len(inspection.skipped),
            "sightings": sum(len(defect.sightings) for defect in inspection.defects),
            "defects": {kind: sum(d.kind == kind for d in inspection.defects) for kind in kinds},
            "segments": len(inspection.findings),
            "not_assessed_segments": sum(not finding.assessed for finding in inspection.findings),
            "units": outcome.units,
            "units_kept_from_before": outcome.kept_units,
        },
        "skipped": [
            {"path": one.path, "reason": str(one.reason)} for one in sorted(inspection.skipped, key=lambda s: s.path)
        ],
        "photos": [{"photo": photo.photo, "sha256": photo.sha256} for photo in inspection.photos],
        "results": {name: file_sha256(folder / name) for name in HASHED_RESULTS},
        "project": {PROJECT: file_sha256(folder / PROJECT)},
        "seconds": dict(seconds),
        "versions": dict(inspection.versions),
        "machine": {"system": platform.system(), "python": platform.python_version()},
    }


def _put_old_pdf_aside(path: Path, last_record: Mapping[str, Any] | None, progress: Progress) -> None:
    """Leave no report.pdf that says something else than the results beside it, and lose none that was archived."""
    if not path.exists():
        return
    finished = str((last_record or {}).get("finished_at") or "earlier").partition("+")[0].replace(":", "")
    kept = path.with_name(f"report_{finished}.pdf")
    try:
        path.replace(kept)
    except OSError as error:  # somebody reads it
        progress.note(Note.of("console.pdf_in_use", name=path.name, why=str(error.strerror)))
    else:
        progress.note(Note.of("console.pdf_kept", name=path.name, kept=kept.name))


def _carried_reviews(folder: Path, inspection: Inspection, progress: Progress) -> dict[str, Review]:
    """Find what people entered in the last result; put into a table, and tell, what belongs to no defect any more."""
    earlier = read_reviews(folder / GEOPACKAGE)
    reviews, lost = carry_reviews(earlier, inspection.defects)
    if lost:
        keep_lost_reviews(folder / LOST_REVIEWS, earlier, lost)
        progress.note(Note.of("console.lost_reviews", count=len(lost), path=folder / LOST_REVIEWS))
    return reviews


def _write_geopackage(
    folder: Path,
    inspection: Inspection,
    kept_keys: frozenset[str],
    lang: str,
    reviews: Mapping[str, Review],
    crops: Mapping[str, str],
    flight_folder: str | None,
) -> None:
    """Write the layers and the journal into a new file, then take the old one's place."""
    from tenken.outputs.geopackage import write_layers

    path, new = folder / GEOPACKAGE, folder / f"new-{GEOPACKAGE}"
    for leftover in folder.glob(f"{new.name}*"):  # with SQLite's own journal, where a run was killed here
        leftover.unlink()
    write_layers(new, inspection, lang, reviews=reviews, crops=crops, flight_folder=flight_folder)
    with Journal(path) as journal:
        journal.copy_into(new, kept_keys)
    replace_file(new, path)
