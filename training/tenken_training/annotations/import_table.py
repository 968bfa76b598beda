"""What an import brought, as a short table."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import shapely

from tenken.measurement.find import LINEAR_KINDS
from tenken.wording import counted
from tenken_training.annotations.findings import CHECKS, ORDER
from tenken_training.annotations.importing import Imported
from tenken_training.annotations.painting import mean_width_px
from tenken_training.annotations.photo import SPLITS, AnnotatedPhoto, Label


def import_table(imported: Imported) -> str:
    """Lay out classes, counts, sizes, sites, splits, and what a person should look at."""
    new = [photo for photo in imported.dataset.photos if photo.name in imported.added]
    whole = len({photo.parent_sha256 or photo.sha256 for photo in new})
    cut = len(new) - sum(photo.parent is None for photo in new)
    lines = [
        f"{imported.dataset.name}: {counted(whole, 'photo')} from {imported.format}"
        + (f" ({counted(cut, 'tile')} of the large ones)" if cut else "")
        + (
            f", {counted(len(imported.dataset.photos), 'picture')} in all"
            if len(new) < len(imported.dataset.photos)
            else ""
        )
    ]
    lines += _kinds(new)
    lines += _sites(imported.dataset.photos)
    counts = Counter(one.check for one in imported.findings)
    if counts:
        lines.append("look at (contact-sheet.jpg shows them, checks.csv lists them):")
        lines += [f"  {counts[check]:6}  {check:17} {CHECKS[check]}" for check in ORDER if counts[check]]
    lines += [f"note: {note}" for note in imported.notes]
    return "\n".join(lines)


def _kinds(photos: Sequence[AnnotatedPhoto]) -> list[str]:
    kinds = sorted({kind for photo in photos for kind in photo.kinds} | {x.kind for p in photos for x in p.labels})
    lines = [f"  {'kind':14} {'labels':>7} {'pictures':>9} {'without':>8} {'area px':>9} {'width px':>9}  drawn as"]
    for kind in kinds:
        labels = [label for photo in photos for label in photo.labels if label.kind == kind]
        valid = [label for label in labels if not label.ignore]
        looked = [photo for photo in photos if kind in photo.kinds]
        showing = sum(any(label.kind == kind for label in photo.labels) for photo in looked)
        drawn = ", ".join(f"{count} {name}" for name, count in sorted(Counter(x.drawn for x in labels).items()))
        if ignored := len(labels) - len(valid):
            drawn += f"; {ignored} do not count"
        lines.append(
            f"  {kind:14} {len(labels):7} {showing:9} {len(looked) - showing:8} {_median(valid):>9} "
            f"{_width(kind, valid):>9}  {drawn}"
        )
    absent = Counter(one.kind for photo in photos for one in photo.absent)
    lines += [f"  {kind}: {counted(count, 'place')} where it was rejected" for kind, count in sorted(absent.items())]
    return lines


def _sites(photos: Sequence[AnnotatedPhoto]) -> list[str]:
    lines = []
    for split in SPLITS:
        counts = Counter(photo.site for photo in photos if photo.split == split)
        shown = ", ".join(f"{site} {count}" for site, count in sorted(counts.items())[:8])
        more = f", and {len(counts) - 8} more" if len(counts) > 8 else ""
        total = sum(counts.values())
        noun = "picture " if total == 1 else "pictures"
        lines.append(f"  {split:5} {total:6} {noun} of {counted(len(counts), 'site')}: {shown}{more}".rstrip(": "))
    return lines


def _median(labels: Sequence[Label]) -> str:
    return f"{np.median([shapely.area(label.area) for label in labels]):.0f}" if labels else "-"


def _width(kind: str, labels: Sequence[Label]) -> str:
    if kind not in LINEAR_KINDS or not labels:
        return "-"
    return f"{np.median([mean_width_px(label.area) for label in labels]):.1f}"
