"""The card of retrained weights: what they were made from and of, and how they do on the new site's test photos."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tenken.detection.detect import KINDS
from tenken.detection.weights import Weights
from tenken.detection.weights_card import Metric, Source, TrainingData, WeightsCard
from tenken.hashing import file_sha256
from tenken_training.calibrate import Calibration
from tenken_training.evaluation import Evaluation
from tenken_training.export_pixels import made_with
from tenken_training.publish import metric_of
from tenken_training.retraining.settings import Photos, Retraining


def retrained_card(
    onnx: Path, settings: Retraining, start: Weights, checkpoint: Path, chosen: Mapping[str, Calibration], share: float
) -> WeightsCard:
    """Make the card, without figures."""
    before = start.card
    made = WeightsCard.minimal(onnx, KINDS, network="pixels", name=settings.name)
    notes = " ".join(f"{kind}: {chosen[kind].note}." for kind in KINDS)
    return made.model_copy(
        update={
            "tile_px": before.tile_px,
            "licence": before.licence,
            "summary": {
                "en": f"{before.name}, trained on with photos of {Path(settings.site.folder).name}. "
                "Shows candidates for a person to judge; it does not diagnose.",
                "ja": f"{before.name} を「{Path(settings.site.folder).name}」の写真で再学習したモデル。"
                "損傷の候補を示すだけで、診断はしない。",
            },
            "recipe": f"inspect train {Path(settings.site.folder).name} --from {before.name}",
            "seed": settings.seed,
            "ground_resolution": before.ground_resolution,
            "objects": {kind: chosen[kind].rule for kind in KINDS},
            "thresholds": {kind: chosen[kind].threshold for kind in KINDS},
            "thresholds_note": f"{notes} On validation pictures; the test photos were not used. "
            f"{share:.0%} of the fitted network, the rest {before.name}.",
            "source": Source(file=checkpoint.name, sha256=file_sha256(checkpoint), made_with=made_with()),
            "training_data": (*before.training_data, *_trained_on(settings.site, settings.replay)),
            "known_failures": before.known_failures,
        }
    )


def _trained_on(site: Photos, replay: Sequence[Photos]) -> Iterator[TrainingData]:
    for photos, note in ((site, "new photos"), *((one, "replayed") for one in replay)):
        yield TrainingData(
            name=f"{Path(photos.folder).name} (sha256 {photos.sha256[:12]})",
            licence="the owner's own photos; nobody stated a licence",
            photos=photos.photos,
            note=note,
        )


def metrics_of(evaluation: Evaluation) -> tuple[Metric, ...]:
    """Give the figures of an evaluation as a card has them."""
    data = f"{evaluation.dataset} ({evaluation.photos} photos)"
    return tuple(
        metric
        for kind, part in evaluation.kinds.items()
        for name, figure in part.figures.items()
        for metric in metric_of(kind, name, figure, data, evaluation.conditions)
    )
