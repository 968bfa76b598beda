"""What people entered beside defects, kept over new runs.

A review belongs to a physical defect. A defect's id may change when photos are added or settings change; so a review
follows the defect's sightings, and only where none of them is left, its id.
"""

import csv
import sqlite3
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tenken.identity.identify import Defect

CONFIRMED, REJECTED, CHANGED = "confirmed", "rejected", "changed"
"""What a person enters in the column ``review``: it is one, it is none, it is one of another kind."""

ENTERED_KINDS: dict[str, str] = {
    "ひびわれ": "crack",
    "腐食": "corrosion",
    "剥離": "spalling",
    "剥離・鉄筋露出": "spalling",
    "鉄筋露出": "exposed_rebar",
    "漏水": "leakage",
    "漏水・遊離石灰": "leakage",
    "遊離石灰": "efflorescence",
    "うき": "delamination",
}
"""Kinds by the official terms that a person may write; any other word stands for itself."""


@dataclass(frozen=True, slots=True)
class Review:
    """What a person entered beside a defect."""

    review: str | None
    note: str | None
    kind: str | None = None
    """What it is, where the software took it for something else; it is graded as this."""


@dataclass(frozen=True, slots=True)
class EarlierReview:
    """A review as an earlier result holds it, and the sightings that its defect had there."""

    review: Review
    sighting_ids: frozenset[str]


def read_reviews(path: Path) -> dict[str, EarlierReview]:
    """Read what people entered in a GeoPackage, by defect id; empty when it has no defects layer."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"defects", "sightings"} <= tables:
            return {}
        columns = {name for _, name, *_ in database.execute("PRAGMA table_info(defects)")}
        kind = "nullif(review_kind, '')" if "review_kind" in columns else "NULL"
        rows = database.execute(
            f"SELECT id, nullif(review, ''), nullif(review_note, ''), {kind} FROM defects ORDER BY id"  # noqa: S608
        ).fetchall()
        return {
            str(one): EarlierReview(Review(*entered), _sightings_of(database, one))
            for one, *entered in rows
            if any(entered)
        }


def carry_reviews(
    earlier: Mapping[str, EarlierReview], defects: Sequence[Defect]
) -> tuple[dict[str, Review], tuple[str, ...]]:
    """Find the defects that earlier reviews belong to now.

    Returns
    -------
    Reviews by defect id, and the ids of those that no defect is left for.
    """
    by_sighting = {sighting.sighting_id: defect.id for defect in defects for sighting in defect.sightings}
    ids = {defect.id for defect in defects}
    carried: dict[str, Review] = {}
    lost = []
    for old_id, one in sorted(earlier.items()):
        heirs = sorted({by_sighting[s] for s in one.sighting_ids if s in by_sighting} | ({old_id} & ids))
        for heir in heirs:
            carried.setdefault(heir, one.review)
        if not heirs:
            lost.append(old_id)
    return carried, tuple(lost)


def keep_lost_reviews(path: Path, earlier: Mapping[str, EarlierReview], lost: Sequence[str]) -> None:
    """Append reviews without a defect to a table (CSV, UTF-8 with BOM), so that nothing people wrote is lost."""
    new = not path.exists()
    with path.open("a", encoding="utf-8-sig" if new else "utf-8", newline="") as stream:
        table = csv.writer(stream)
        if new:
            table.writerow(["id", "review", "review_note", "review_kind"])
        reviews = ((one, earlier[one].review) for one in lost)
        table.writerows([one, review.review, review.note, review.kind] for one, review in reviews)


def as_reviewed(defects: Sequence[Defect], reviews: Mapping[str, Review]) -> list[Defect]:
    """Give defects as what a person says they are; what was measured of them stays.

    What a person confirmed, or named, is certain: its score becomes 1.
    """
    return [_as_reviewed(defect, reviews.get(defect.id)) for defect in defects]


def counted_defects(defects: Sequence[Defect], reviews: Mapping[str, Review]) -> tuple[list[Defect], int]:
    """Give the defects that count, as what a person says they are, and how many a person rejected."""
    kept = [one for one in defects if one.id not in reviews or reviews[one.id].review != REJECTED]
    return as_reviewed(kept, reviews), len(defects) - len(kept)


def _as_reviewed(defect: Defect, review: Review | None) -> Defect:
    if review is None or review.review == REJECTED:
        return defect
    kind = entered_kind(review.kind) if review.kind else defect.kind
    score = 1.0 if review.kind or review.review in (CONFIRMED, CHANGED) else defect.score
    return replace(defect, kind=kind, score=score)


def entered_kind(text: str) -> str:
    """Give the kind that a word entered by a person means."""
    word = unicodedata.normalize("NFKC", text).strip()
    return ENTERED_KINDS.get(word, word)


def _sightings_of(database: sqlite3.Connection, defect_id: str) -> frozenset[str]:
    rows = database.execute("SELECT sighting_id FROM sightings WHERE defect_id = ?", (defect_id,))
    return frozenset(str(sighting_id) for (sighting_id,) in rows)
