"""From scored photos to an evaluation: figures with intervals by kind and site, and differences of two detectors."""

from collections.abc import Sequence

import numpy as np

from tenken.errors import SettingsError
from tenken_training.evaluation.calibration import reliability
from tenken_training.evaluation.figures import differences, estimates
from tenken_training.evaluation.intervals import Estimate, resamples
from tenken_training.evaluation.labels import LabelledSet
from tenken_training.evaluation.photo_score import KindScore, PhotoScore
from tenken_training.evaluation.results import Comparison, Conditions, Evaluation, Figure, KindFigures, Subject


def evaluation_of(
    labelled: LabelledSet,
    subject: Subject,
    scores: Sequence[PhotoScore],
    kinds: Sequence[str],
    conditions: Conditions,
    *,
    comparison: Comparison | None = None,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Make the figures of scored photos."""
    of_kind = {}
    for kind in kinds:
        parts = [score.kinds[kind] for score in scores]
        table, error = reliability([part.calibration for part in parts if part.calibration is not None])
        of_kind[kind] = KindFigures(
            figures=as_figures(_estimates(parts, conditions)),
            calibration=table,
            calibration_error=error,
            sites={
                site: as_figures(_estimates([one.kinds[kind] for one in group], conditions, ranked=False))
                for site, group in by_site(scores).items()
            },
        )
    return Evaluation(
        weights=subject,
        dataset=labelled.name,
        dataset_sha256=labelled.sha256(),
        layout=labelled.layout,
        photos=len(scores),
        photos_without_label=labelled.photos_without_label,
        megapixels=sum(score.megapixels for score in scores),
        seconds=sum(score.seconds for score in scores),
        conditions=conditions,
        kinds=of_kind,
        comparison=comparison,
        notes=tuple(notes),
    )


def compare(
    one: Sequence[PhotoScore],
    other: Sequence[PhotoScore],
    against: Subject,
    kinds: Sequence[str],
    conditions: Conditions,
) -> Comparison:
    """Compare two detectors on the same photos, in the same order."""
    if [score.photo for score in one] != [score.photo for score in other]:
        raise SettingsError("only scores of the same photos in the same order can be compared")

    def difference(
        first: Sequence[PhotoScore], second: Sequence[PhotoScore], kind: str, *, ranked: bool = True
    ) -> dict[str, Figure]:
        pair = [
            _estimates([score.kinds[kind] for score in part], conditions, ranked=ranked) for part in (first, second)
        ]
        return as_figures(differences(*pair))

    groups, other_groups = by_site(one), by_site(other)
    return Comparison(
        against=against,
        figures={kind: difference(one, other, kind) for kind in kinds},
        sites={
            kind: {site: difference(group, other_groups[site], kind, ranked=False) for site, group in groups.items()}
            for kind in kinds
        },
    )


def by_site(scores: Sequence[PhotoScore]) -> dict[str, list[PhotoScore]]:
    """Photos of each site; nothing when all are of one."""
    sites = sorted({score.site for score in scores})
    if len(sites) < 2:
        return {}
    return {site: [score for score in scores if score.site == site] for site in sites}


def as_figures(estimated: dict[str, Estimate]) -> dict[str, Figure]:
    """Round off what cannot be written: NaN becomes null."""
    figures = {}
    for name, estimate in estimated.items():
        low, high = estimate.bounds()
        figures[name] = Figure(
            value=_number(estimate.value),
            low=_number(low),
            high=_number(high),
            n=estimate.n,
            of=estimate.of,
            interval=estimate.interval,
        )
    return figures


def _estimates(parts: Sequence[KindScore], conditions: Conditions, *, ranked: bool = True) -> dict[str, Estimate]:
    draws = resamples(len(parts), count=conditions.resamples, seed=conditions.seed)
    return estimates(parts, draws, ranked=ranked)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
