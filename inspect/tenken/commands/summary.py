"""What a run tells at its end: what came out, what was not seen, what is doubtful, and what to open."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tenken.inspection import Inspection, PhotoRecord
from tenken.notes import said
from tenken.outputs.reviews import counted_defects, read_reviews
from tenken.running.results import GEOPACKAGE
from tenken.settings import Lang
from tenken.wording import words

SHOWN_SEGMENTS = 5
"""Lines of the repair list that are printed in the terminal."""
SHOWN_REASONS = 4
"""Reasons for skipped files that are printed in the terminal."""


def summary(inspection: Inspection, folder: Path, lang: Lang) -> str:
    """Say in a few lines what came out, what was not seen, and what to open."""
    text = words(lang)
    not_assessed = [finding for finding in inspection.findings if not finding.assessed]
    lines = ["", _headline(inspection, folder, lang), *_repair_list(inspection, lang)]
    finest = sorted(photo.smallest_crack_mm for photo in inspection.photos if photo.smallest_crack_mm is not None)
    if finest:
        lines.append(text("console.smallest_crack", width=f"{finest[len(finest) // 2]:.2g}"))
    placed = [photo for photo in inspection.photos if photo.placed]
    lines += _about("doubtful", [photo for photo in placed if photo.usable and photo.reason], lang)
    if not_assessed:
        lines.append(text("console.not_assessed", segments=text.counted("segment", len(not_assessed))))
    lines += _about("unplaced", [photo for photo in inspection.photos if not photo.placed], lang)
    lines += _about("unusable", [photo for photo in inspection.photos if not photo.usable], lang)
    lines += _skipped(inspection, lang)
    lines.append(text("console.report", path=folder / "report.html"))
    lines.append(text("console.map", path=folder / "inspection.qgz"))
    return "\n".join(lines)


def _headline(inspection: Inspection, folder: Path, lang: Lang) -> str:
    text = words(lang)
    reviews = {one: earlier.review for one, earlier in read_reviews(folder / GEOPACKAGE).items()}
    defects, rejected = counted_defects(inspection.defects, reviews)
    kinds = sorted({defect.kind for defect in defects})
    counts = text("console.comma").join(
        text("console.kind_count", kind=text.kind(kind), count=sum(d.kind == kind for d in defects)) for kind in kinds
    )
    line = text(
        "console.inspected",
        photos=text.counted("photo", len(inspection.photos)),
        counts=counts or text("console.none_found"),
    )
    return line + (text("console.rejected", count=rejected) if rejected else "")


def _repair_list(inspection: Inspection, lang: Lang) -> Iterable[str]:
    text = words(lang)
    listed = [finding for finding in inspection.findings if finding.rank is not None and finding.defect_ids]
    for finding in listed[:SHOWN_SEGMENTS]:
        grade = finding.grade or "-".join(finding.grade_candidates) or text("grade.none")
        defects = text.counted("candidate", len(finding.defect_ids))
        yield text("console.segment", rank=finding.rank, name=finding.segment.name, grade=grade, defects=defects)
    if len(listed) > SHOWN_SEGMENTS:
        yield text("console.more_segments", count=len(listed) - SHOWN_SEGMENTS)


def _about(what: str, photos: Sequence[PhotoRecord], lang: Lang) -> Iterable[str]:
    """Tell of photos that something is to be said about, if there are any."""
    if not photos:
        return
    text, first = words(lang), photos[0]
    yield text(
        f"console.{what}",
        photos=text.counted("photo", len(photos)),
        photo=first.photo,
        reason=said(first.reason, lang),
    )


def _skipped(inspection: Inspection, lang: Lang) -> Iterable[str]:
    """Tell of files that were not inspected by reason, lost photos before what never was one."""
    groups = inspection.skipped_by_reason()
    if not groups:
        return
    text = words(lang)
    yield text("console.skipped", files=text.counted("file", len(inspection.skipped)))
    for files in groups[:SHOWN_REASONS]:
        first = files[0]
        yield text("console.skipped_reason", count=len(files), file=first.path, reason=said(first.reason, lang))
    if rest := sum(len(files) for files in groups[SHOWN_REASONS:]):
        yield text("console.skipped_rest", count=rest)
