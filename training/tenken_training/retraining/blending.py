"""How far to go from the start towards the end of a fit: what the new site gains, what the old ones lose.

Networks between the two are tried (the mean of their weights, see `tenken_training.blend`), each with the scores that
suit it, on validation photos of the new site and of what is replayed. They are judged by whole objects, as an
inspection finds them: pixels alone do not tell what a threshold hides.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenken.notes import Note
from tenken_training.blend import blend
from tenken_training.curves import read_rows
from tenken_training.promotion.decision import ROUNDING
from tenken_training.retraining.scores import MOST_LOST, Scores

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Parts of the fitted network that are tried."""
LEAST_GAIN = 0.005
"""What gains less on the new site gains nothing."""
NEARLY_ALL = 0.9
"""The smallest part that has so much of the most gain is taken: what has not moved cannot have forgotten."""
SCORE_NOISE = 0.01
"""Epochs whose scores, of two sets added up, differ by no more are equally good: so much comes and goes by chance."""
PATIENCE = 4
"""Epochs that all do worse than the best before, after which a fit ends."""

Tried = tuple[float, Path, Scores]
"""Part of the fitted network, its checkpoint, how it does."""
JudgeCheckpoint = Callable[[Path, Scores | None], Scores]
"""Chooses scores for a checkpoint, given those of the start (None for the start itself), and says how it does."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A network between start and end.

    Parameters
    ----------
    share
        Part of the fitted network.
    path
        Its checkpoint.
    scores
        What was chosen for it.
    before
        The start's F1 on the new site and on what was known, with its own scores.
    """

    share: float
    path: Path
    scores: Scores
    before: tuple[float, float]

    @property
    def unchanged(self) -> bool:
        """Neither the network nor its scores differ from the start's."""
        return self.share == 0 and self.scores.kept

    def told(self) -> Note:
        """Say it for people."""
        return Note.of(
            "train.choice",
            share=f"{self.share:.0%}",
            rest=f"{1 - self.share:.0%}",
            site=f"{self.scores.site:.3f}",
            site_before=f"{self.before[0]:.3f}",
            known=f"{self.scores.replay:.3f}",
            known_before=f"{self.before[1]:.3f}",
        )


def best_epoch(work_dir: Path) -> int:
    """Give the last epoch that does about as well as the best on validation photos, the site and what was known alike.

    The site's score alone is soon as high as it gets; then the learning rate falls, and what was known comes back. Of
    epochs that a few photos cannot tell apart the last has settled most.
    """
    rows = read_rows(work_dir / "curves.csv")
    best = max(_score(row) for row in rows)
    return int(max(row["epoch"] for row in rows if _score(row) >= best - SCORE_NOISE))


def _score(row: dict[str, float]) -> float:
    return row.get("val_site_score", 0.0) + row.get("val_replay_score", 0.0)


def enough(work_dir: Path) -> bool:
    """Whether none of the last `PATIENCE` epochs does about as well as the best."""
    rows = read_rows(work_dir / "curves.csv")
    return bool(rows) and rows[-1]["epoch"] - best_epoch(work_dir) >= PATIENCE


def chosen_blend(start: Path, fitted: Path, judge: JudgeCheckpoint, work_dir: Path) -> Choice:
    """Choose the smallest part with nearly all gain on the new site that loses nothing known, or else hardly anything.

    In no single source of what was known, such as one earlier set, may it lose more than `MOST_LOST` either way: what
    one source gains does not make up for what another loses.

    What costs nothing comes first, even where a larger part would gain more: what loses is not promoted. The table of
    what was tried is left in ``shares.csv``.
    """
    tried: list[Tried] = []
    for share in SHARES:
        path = blend(start, fitted, share, work_dir / f"blend-{round(share * 100):03d}.pt")
        tried.append((share, path, judge(path, tried[0][2] if tried else None)))
    with (work_dir / "shares.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["share", "new_site_f1", "known_before_f1"])
        writer.writerows([f"{share:g}", f"{one.site:.4f}", f"{one.replay:.4f}"] for share, _, one in tried)
    begun = tried[0][2]
    share, path, scores = (
        _smallest_good([row for row in tried[1:] if row[2].site > begun.site + LEAST_GAIN], begun) or tried[0]
    )
    return Choice(share, path, scores, (begun.site, begun.replay))


def _smallest_good(gaining: Sequence[Tried], begun: Scores) -> Tried | None:
    for lost in (ROUNDING, MOST_LOST):
        if kept := [row for row in gaining if keeps(row[2], begun, lost)]:
            most = max(row[2].site for row in kept) - begun.site
            return next(row for row in kept if row[2].site - begun.site >= NEARLY_ALL * most)
    return None


def keeps(scores: Scores, begun: Scores, lost: float) -> bool:
    """Whether so much is lost of what was known at most, and hardly anything in any one source of it."""
    by_source = zip(scores.by_source, begun.by_source, strict=True)
    return scores.replay >= begun.replay - lost and all(now >= then - MOST_LOST for now, then in by_source)
