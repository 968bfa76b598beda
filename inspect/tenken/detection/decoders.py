"""Which decoder a weight file needs."""

from collections.abc import Sequence

from tenken.detection.engine import Decoder
from tenken.detection.pixel_segmentation import ObjectRule, PixelDecoder
from tenken.detection.weights_card import WeightsCard
from tenken.detection.yolo_segmentation import YoloDecoder


def decoder_for(card: WeightsCard, thresholds: Sequence[float]) -> Decoder:
    """Give the decoder of the card's network.

    Parameters
    ----------
    card
        Names the kind of network and how its pixels become objects.
    thresholds
        Lowest score for each of the card's classes.
    """
    if card.network == "yolo":
        return YoloDecoder(card.classes, thresholds)
    rules = [
        ObjectRule(rule.connect, rule.low, rule.smallest_px, rule.calibration, threshold)
        for rule, threshold in zip((card.objects[kind] for kind in card.classes), thresholds, strict=True)
    ]
    return PixelDecoder(card.classes, rules)
