"""Look for labels that are probably wrong, and write what was found beside the data set."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, affinity

from tenken.detection.detect import Detector
from tenken.errors import FlightError, SettingsError
from tenken.imagery.picture import load_photo
from tenken.measurement.centreline import trace_centreline
from tenken.measurement.find import LINEAR_KINDS, find_defects
from tenken.running.progress import Progress
from tenken_training.annotations.contact_sheet import write_contact_sheet
from tenken_training.annotations.dataset import AnnotatedPhoto, Dataset, Label
from tenken_training.annotations.findings import ORDER, Finding
from tenken_training.annotations.lines import valley_width_px
from tenken_training.annotations.near_duplicates import near_pairs
from tenken_training.annotations.painting import paint

CHECKS_FILE, SHEET_FILE = "checks.csv", "contact-sheet.jpg"
WIDER_FACTOR, WIDER_PX = 3.0, 4.0
"""A label is too wide when it is wider than so many times the dark line in it and so many pixels more."""
SURE_SCORE = 0.5
"""What weights are less sure of is no hint at a forgotten label."""
NEAR_PX = 20.0
"""A defect so near to a label is taken for the labelled one."""
MOST_LOOKED_AT = 60
"""Photos that the weights look at: enough to see whether a class was forgotten."""


@dataclass(frozen=True, slots=True)
class Checks:
    """Looks at the new photos of a data set.

    Parameters
    ----------
    detector, classes
        Weights that look for what nobody labelled, and the kinds they know; None to do without.
    progress
        Told what happens.
    """

    progress: Progress
    detector: Detector | None = None
    classes: tuple[str, ...] = ()

    def __call__(
        self, dataset: Dataset, added: frozenset[str], findings: Sequence[Finding], folder: Path
    ) -> tuple[Finding, ...]:
        """Check, and write `CHECKS_FILE` and `SHEET_FILE` into a folder.

        Returns
        -------
        All findings, the most suspicious first.
        """
        photos = [photo for photo in dataset.photos if photo.name in added]
        asked = set(_spread(photos, MOST_LOOKED_AT)) if self.detector is not None else set()
        found = [*findings, *near_duplicates(dataset, added)]
        self.progress.start("check", len(photos))
        for photo in photos:
            if photo.labels or photo.name in asked:
                image = _loaded(photo)
                found += too_wide(photo, image)
                if self.detector is not None and photo.name in asked:
                    found += unlabelled(photo, image, self.detector, self.classes)
            self.progress.advance()
        ordered = tuple(sorted(found, key=lambda one: (ORDER.index(one.check), one.photo, one.where)))
        shown = write_contact_sheet(folder / SHEET_FILE, photos, ordered, _loaded)
        (folder / CHECKS_FILE).write_bytes(_table(ordered, shown).encode("utf-8-sig"))
        return ordered


def too_wide(photo: AnnotatedPhoto, image: npt.NDArray[np.uint8]) -> list[Finding]:
    """Find cracks whose label is much wider than the dark line in it."""
    findings = []
    for number, label in enumerate(photo.labels):
        if label.kind not in LINEAR_KINDS or label.ignore or label.drawn != "area":
            continue
        line = label.line or _traced(label, photo)
        if line is None:
            continue
        width = shapely.area(label.area) / line.length
        dark = valley_width_px(image, line)
        if dark is not None and width > WIDER_FACTOR * dark + WIDER_PX:
            said = f"label {width:.0f} px, crack {dark:.1f} px"
            findings.append(
                Finding("wider-than-crack", photo.name, f"label {number}", label.kind, said, _box(label.area))
            )
    return findings


def unlabelled(
    photo: AnnotatedPhoto, image: npt.NDArray[np.uint8], detector: Detector, classes: Sequence[str]
) -> list[Finding]:
    """Find what weights see and nobody labelled, of kinds that were looked for."""
    labelled = {
        kind: shapely.union_all([label.area for label in photo.labels if label.kind == kind]).buffer(NEAR_PX)
        for kind in photo.kinds
    }
    absent = {kind: shapely.union_all([one.area for one in photo.absent if one.kind == kind]) for kind in photo.kinds}
    findings = []
    for defect in find_defects(image, detector, classes=classes, min_score=SURE_SCORE):
        if defect.kind not in labelled or defect.outline_px.intersects(labelled[defect.kind]):
            continue
        if defect.outline_px.intersects(absent[defect.kind]):
            continue
        said = f"score {defect.score:.2f}"
        findings.append(Finding("unlabelled", photo.name, "", defect.kind, said, _box(defect.outline_px)))
    return findings


def near_duplicates(dataset: Dataset, added: frozenset[str]) -> list[Finding]:
    """Name photos that are nearly the same as another; tiles of one photo are one photo."""
    first: dict[str, AnnotatedPhoto] = {}
    for photo in dataset.photos:
        first.setdefault(photo.parent_sha256 or photo.sha256, photo)
    photos = [photo for photo in first.values() if photo.look]
    return [
        Finding("near-duplicate", photos[one].name, photos[other].name, detail=f"of {photos[other].name}")
        for one, other in near_pairs([int(photo.look, 16) for photo in photos])
        if {photos[one].name, photos[other].name} & added
    ]


def _traced(label: Label, photo: AnnotatedPhoto) -> LineString | None:
    mask, left, top = paint(label.area, photo.height_px, photo.width_px)
    if not mask.any():
        return None
    lines = [line for line in trace_centreline(mask).geoms if line.length > 0]
    if not lines:
        return None
    longest = max(lines, key=lambda line: line.length)
    return affinity.translate(longest, left, top)


def _loaded(photo: AnnotatedPhoto) -> npt.NDArray[np.uint8]:
    try:
        return load_photo(photo.path)
    except FlightError as error:
        raise SettingsError(f"{photo.path}: {error}") from None


def _spread(photos: Sequence[AnnotatedPhoto], most: int) -> list[str]:
    places = np.unique(np.linspace(0, max(0, len(photos) - 1), min(most, len(photos))).round().astype(int))
    return [photos[place].name for place in places] if photos else []


def _table(findings: Sequence[Finding], shown: Mapping[Finding, int]) -> str:
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow(["picture", "check", "photo", "kind", "detail", "where", "left", "top", "right", "bottom"])
    for one in findings:
        box = [f"{edge:.1f}" for edge in one.xyxy_px] if one.xyxy_px else [""] * 4
        table.writerow([shown.get(one, 0) or "", one.check, one.photo, one.kind, one.detail, one.where, *box])
    return stream.getvalue()


def _box(area: shapely.Geometry) -> tuple[float, float, float, float]:
    left, top, right, bottom = shapely.bounds(area).tolist()
    return left, top, right, bottom
