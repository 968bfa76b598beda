"""From a finished run to a task: look at every usable photo again, choose windows, write pictures and annotations."""

import csv
import io
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import shapely
from PIL import Image

from tenken.detection.cores import usable_cores
from tenken.detection.detect import Detector, load_detector
from tenken.detection.weights import find_weights
from tenken.errors import FlightError, SettingsError
from tenken.exports.result import FinishedResult, read_result
from tenken.journal import write_atomically
from tenken.measurement.find import PhotoDefect
from tenken.outputs.layers import Value
from tenken.running.progress import Progress
from tenken_training.suggestion.choosing import Choice, choose
from tenken_training.suggestion.cvat_task import annotations_xml
from tenken_training.suggestion.windows import LOWEST_SCORE, KnownDefect, Window, cut, windows_of

SIDE_PX = 1280
JPEG_QUALITY = 95
IMAGES, ANNOTATIONS, TABLE = "images", "annotations.xml", "suggested.csv"
DISPUTING = frozenset({"rejected", "changed"})


@dataclass(frozen=True, slots=True)
class Suggested:
    """What was written.

    Parameters
    ----------
    folder
        Where.
    choices
        The chosen windows, the most valuable first.
    looked_at
        How many windows there were.
    site
        Name of the flight, by which an import of its review also calls the site.
    """

    folder: Path
    choices: tuple[Choice, ...]
    looked_at: int
    site: str


def suggest(
    out: Path,
    dest: Path,
    progress: Progress,
    *,
    count: int = 50,
    flight: Path | None = None,
    weights: str | None = None,
    side_px: int = SIDE_PX,
) -> Suggested:
    """Write the windows of a run's photos whose labels would teach most.

    Parameters
    ----------
    out
        A finished run; reviews entered in its GeoPackage count.
    dest
        Folder to write; must not hold anything.
    count
        At most so many windows.
    flight
        Where the photos are now; where they were when None.
    weights
        Name or file; those of the run when None.
    side_px
        About the side of a window.

    Raises
    ------
    SettingsError
        When there is no finished run, or the folder to write holds something.
    FlightError
        When the photos are not where they were.
    """
    result = read_result(out)
    root = flight or result.flight_path
    if dest.exists() and any(dest.iterdir()):
        raise SettingsError(f"{dest}: holds files that somebody may be working on; give another folder with --dest")
    photos = [str(row["photo"]) for row in result.records("photos") if row["usable"]]
    if not root.exists() or not (root.is_file() or all((root / photo).is_file() for photo in photos)):
        raise FlightError(f"{root}: the run's photos are not there (any more); say where they are with --flight")
    found = find_weights(weights or str(result.about.get("weights_name") or "default"))
    windows = _look(root, photos, load_detector(found.path, min_score=LOWEST_SCORE), result, side_px, progress)
    choices = choose(windows, count)
    part = dest.with_name(f".{dest.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / IMAGES).mkdir(parents=True)
    try:
        _write(part, root, choices, found.card.thresholds, progress)
        if dest.exists():
            dest.rmdir()
        part.rename(dest)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Suggested(dest, tuple(choices), len(windows), result.flight)


def _look(
    root: Path, photos: Sequence[str], detector: Detector, result: FinishedResult, side_px: int, progress: Progress
) -> list[Window]:
    known = _known_defects(result)
    progress.start("suggest", len(photos))

    def look(photo: str) -> list[Window]:
        windows = list(windows_of(root, photo, detector, known.get(photo, []), side_px))
        progress.advance()
        return windows

    with ThreadPoolExecutor(usable_cores()) as pool:
        return [window for windows in pool.map(look, photos) for window in windows]


def _known_defects(result: FinishedResult) -> Mapping[str, list[KnownDefect]]:
    disputed = {str(row["id"]) for row in result.records("defects") if _is_disputed(row)}
    known: dict[str, list[KnownDefect]] = defaultdict(list)
    for row in result.records("sightings"):
        defect_id = str(row["defect_id"])
        outline = shapely.from_wkt(str(row["outline_px"]))
        known[str(row["photo"])].append(KnownDefect(defect_id, outline, defect_id in disputed))
    return known


def _is_disputed(defect: Mapping[str, Value]) -> bool:
    """Say whether a person, or as many photos as saw it, disagree; what a person confirmed is settled."""
    review = defect.get("review")
    if review:
        return review in DISPUTING
    unseen, sightings = defect.get("unseen_in"), defect.get("sightings")
    return isinstance(unseen, int) and isinstance(sightings, int) and unseen >= max(1, sightings)


def _write(
    folder: Path, root: Path, choices: Sequence[Choice], thresholds: Mapping[str, float], progress: Progress
) -> None:
    progress.start("write", len(choices))
    pictures: list[tuple[str, int, int, list[PhotoDefect]]] = []
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\r\n")
    rows.writerow(
        [
            "rank",
            "image",
            "photo",
            "left_px",
            "top_px",
            "width_px",
            "height_px",
            "why",
            "worth",
            "unlike",
            "gain",
            "defects",
        ]
    )
    for rank, choice in enumerate(choices, 1):
        window = choice.window
        stem = Path(window.photo).with_suffix("").as_posix().replace("/", "__")
        name = f"{rank:03d}__{stem}__{window.left_px}_{window.top_px}.jpg"
        Image.fromarray(cut(root, window)).save(
            folder / IMAGES / name, quality=JPEG_QUALITY, subsampling=0, optimize=True
        )
        sure = [defect for defect in window.found if defect.score > thresholds.get(defect.kind, 0.5)]
        pictures.append((name, window.width_px, window.height_px, sure))
        rows.writerow(
            [
                rank, name, window.photo, window.left_px, window.top_px, window.width_px, window.height_px,
                choice.why, f"{choice.worth:.2f}", f"{choice.unlike:.2f}", f"{choice.gain:.2f}",
                " ".join(sorted(window.defects)),
            ]
        )  # fmt: skip
        progress.advance()
    (folder / ANNOTATIONS).write_bytes(annotations_xml(pictures, tuple(thresholds)))
    write_atomically(folder / TABLE, "\ufeff" + table.getvalue())
