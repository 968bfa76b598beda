"""What an import brought, as a short table."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import shapely

from tenken.measurement.find import LINEAR_KINDS
from tenken.notes import kind_name, said
from tenken.settings import Lang
from tenken.wording import padded, words
from tenken_training.annotations.findings import ORDER
from tenken_training.annotations.importing import Imported
from tenken_training.annotations.painting import mean_width_px
from tenken_training.annotations.photo import SPLITS, AnnotatedPhoto, Label


def import_table(imported: Imported, lang: Lang = "en") -> str:
    """Lay out classes, counts, sizes, sites, splits, and what a person should look at."""
    text = words(lang)
    new = [photo for photo in imported.dataset.photos if photo.name in imported.added]
    whole = len({photo.parent_sha256 or photo.sha256 for photo in new})
    cut = len(new) - sum(photo.parent is None for photo in new)
    lines = [
        text("import.head", name=imported.dataset.name, photos=text.counted("photo", whole), format=imported.format)
        + (text("import.tiles", tiles=text.counted("tile", cut)) if cut else "")
        + (
            text("import.in_all", pictures=text.counted("picture", len(imported.dataset.photos)))
            if len(new) < len(imported.dataset.photos)
            else ""
        )
    ]
    lines += _kinds(new, lang)
    lines += _sites(imported.dataset.photos, lang)
    counts = Counter(one.check for one in imported.findings)
    if counts:
        lines.append(text("import.look_at"))
        lines += [f"  {counts[check]:6}  {check:17} {text(f'check.{check}')}" for check in ORDER if counts[check]]
    lines += [text("import.note", note=said(note, lang)) for note in imported.notes]
    return "\n".join(lines)


def _kinds(photos: Sequence[AnnotatedPhoto], lang: Lang) -> list[str]:
    text = words(lang)
    kinds = sorted({kind for photo in photos for kind in photo.kinds} | {x.kind for p in photos for x in p.labels})
    heads = (("labels", 7), ("pictures", 9), ("without", 8), ("area", 9), ("width", 9))
    columns = " ".join(padded(text(f"import.{head}"), width, right=True) for head, width in heads)
    lines = [f"  {padded(text('import.kind'), 14)} {columns}  {text('import.drawn')}"]
    for kind in kinds:
        labels = [label for photo in photos for label in photo.labels if label.kind == kind]
        valid = [label for label in labels if not label.ignore]
        looked = [photo for photo in photos if kind in photo.kinds]
        showing = sum(any(label.kind == kind for label in photo.labels) for photo in looked)
        drawn = text("console.comma").join(
            text("import.drawn_count", count=count, drawn=text(f"import.drawn_{name}"))
            for name, count in sorted(Counter(x.drawn for x in labels).items())
        )
        if ignored := len(labels) - len(valid):
            drawn += text("import.ignored", count=ignored)
        counts = f"{len(labels):7} {showing:9} {len(looked) - showing:8} {_median(valid):>9}"
        lines.append(f"  {padded(kind_name(kind, lang), 14)} {counts} {_width(kind, valid):>9}  {drawn}")
    absent = Counter(one.kind for photo in photos for one in photo.absent)
    lines += [
        "  " + text("import.absent", kind=kind_name(kind, lang), places=text.counted("place", count))
        for kind, count in sorted(absent.items())
    ]
    return lines


def _sites(photos: Sequence[AnnotatedPhoto], lang: Lang) -> list[str]:
    text = words(lang)
    lines = []
    for split in SPLITS:
        counts = Counter(photo.site for photo in photos if photo.split == split)
        shown = text("console.comma").join(f"{site} {count}" for site, count in sorted(counts.items())[:8])
        more = text("import.more_sites", count=len(counts) - 8) if len(counts) > 8 else ""
        total = sum(counts.values())
        told = text(
            "import.split.one" if total == 1 else "import.split",
            pictures=f"{total:6}",
            sites=text.counted("site", len(counts)),
            shown=shown,
        )
        lines.append(f"  {padded(text(f'import.split_{split}'), 5)} {told}{more}".rstrip(":： "))
    return lines


def _median(labels: Sequence[Label]) -> str:
    return f"{np.median([shapely.area(label.area) for label in labels]):.0f}" if labels else "-"


def _width(kind: str, labels: Sequence[Label]) -> str:
    if kind not in LINEAR_KINDS or not labels:
        return "-"
    return f"{np.median([mean_width_px(label.area) for label in labels]):.1f}"
