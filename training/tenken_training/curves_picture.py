"""The curves of a training as a picture: whether it still learns, and what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

Rows = Sequence[dict[str, float]]

LOSSES = {
    "train_crack_bce": "crack, cross entropy",
    "train_crack_dice": "crack, Dice",
    "train_corrosion_bce": "corrosion, cross entropy",
    "train_corrosion_dice": "corrosion, Dice",
    "train_state": "condition state",
}
CRACKS = {
    "val_crack_recall": "recall",
    "val_crack_precision": "precision",
    "val_crack_iou": "IoU",
    "val_far_crack_iou": "IoU, from afar",
    "val_drawn_crack_iou": "IoU, drawn",
}
CORROSION = {
    "val_corrosion_iou": "IoU",
    "val_f1_fair": "F1 fair",
    "val_f1_poor": "F1 poor",
    "val_f1_severe": "F1 severe",
}
SHARE = "share of pixels"
Panel = tuple[str, dict[str, str], str]
"""Heading, label by column of the curves, unit."""
PANELS: tuple[Panel, ...] = (
    ("Training loss", LOSSES, "loss, unweighted"),
    ("Cracks, validation photos", CRACKS, SHARE),
    ("Corrosion, validation photos", CORROSION, SHARE),
)
SETTINGS: dict[Any, Any] = {"svg.hashsalt": "tenken", "svg.fonttype": "none", "font.size": 9}


def draw_curves(rows: Rows, path: Path, title: str, panels: Sequence[Panel] = PANELS) -> None:
    """Draw the rows of ``curves.csv`` as an SVG picture; equal rows give equal bytes.

    Parameters
    ----------
    rows
        One an epoch, as `tenken_training.curves.read_rows` gives them.
    path
        The file to write.
    title
        Stands above.
    panels
        What is drawn, side by side.
    """
    # The figure by itself, without pyplot: no window, and safe in any thread.
    with rc_context(SETTINGS):
        figure = Figure(figsize=(13, 4.8), layout="constrained")
        figure.suptitle(title)
        for axes, (heading, curves, unit) in zip(figure.subplots(1, len(panels)), panels, strict=True):
            _panel(axes, rows, curves)
            axes.set(title=heading, xlabel="epoch", ylabel=unit)
            axes.set_ylim(bottom=0, top=1 if unit == SHARE else None)
        half = path.with_suffix(".part")
        figure.savefig(half, format="svg", metadata={"Date": None})
    half.replace(path)


def _panel(axes: Axes, rows: Rows, curves: dict[str, str]) -> None:
    for name, label in curves.items():
        told = [(row["epoch"], row[name]) for row in rows if name in row]
        axes.plot([epoch for epoch, _ in told], [value for _, value in told], label=label, marker=".", markersize=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, fontsize=8, frameon=False)
