"""How far to go from the start towards the end of a fit: what the new site gains, what the old ones lose.

Networks between the two are tried (the mean of their weights, see `tenken_training.blend`) on validation photos of the
new site and of what is replayed.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from tenken_training.blend import blend
from tenken_training.curves import read_rows
from tenken_training.devices import half_precision
from tenken_training.epochs import Validation
from tenken_training.network import open_network

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Parts of the fitted network that are tried."""
MOST_LOST = 0.01
"""What the score of what was known may lose, of 1."""
LEAST_GAIN = 0.005
"""A larger part must gain so much more on the new site."""
PATIENCE = 4
"""Epochs without a better score on the new site after which a fit ends."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A network between start and end.

    Parameters
    ----------
    share
        Part of the fitted network.
    path
        Its checkpoint.
    site, replay
        Scores on validation photos, with those of the start.
    """

    share: float
    path: Path
    site: tuple[float, float]
    replay: tuple[float, float]

    def told(self) -> str:
        """Say it for people."""
        return (
            f"{self.share:.0%} of the fitted network, {1 - self.share:.0%} of the start: new site "
            f"{self.site[0]:.3f} from {self.site[1]:.3f}, known before {self.replay[0]:.3f} from {self.replay[1]:.3f}"
        )


def best_epoch(work_dir: Path) -> int:
    """Give the epoch with the best score on the new site's validation photos."""
    rows = read_rows(work_dir / "curves.csv")
    return int(max(rows, key=lambda row: (row.get("val_site_score", 0.0), -row["epoch"]))["epoch"])


def enough(work_dir: Path) -> bool:
    """Whether the new site's score has not risen for `PATIENCE` epochs."""
    rows = read_rows(work_dir / "curves.csv")
    return bool(rows) and rows[-1]["epoch"] - best_epoch(work_dir) >= PATIENCE


def chosen_blend(start: Path, fitted: Path, validation: Validation, work_dir: Path, device: str) -> Choice:
    """Choose the blend that does best on the new site and loses hardly anything of what was known.

    The table of what was tried is left in ``shares.csv``.
    """
    rows = []
    for share in SHARES:
        path = blend(start, fitted, share, work_dir / f"blend-{round(share * 100):03d}.pt")
        with half_precision(device):
            figures = validation.figures(open_network(path, device).eval(), device)
        rows.append((share, path, figures.get("val_site_score", 0.0), figures["val_replay_score"]))
    with (work_dir / "shares.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["share", "new_site", "known_before"])
        writer.writerows([f"{share:g}", f"{site:.4f}", f"{replay:.4f}"] for share, _, site, replay in rows)
    _, _, site_before, replay_before = rows[0]
    chosen = rows[0]
    for row in rows[1:]:
        if row[3] >= replay_before - MOST_LOST and row[2] > chosen[2] + LEAST_GAIN:
            chosen = row
    return Choice(chosen[0], chosen[1], (chosen[2], site_before), (chosen[3], replay_before))
