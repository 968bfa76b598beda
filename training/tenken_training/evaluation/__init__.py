"""How good a detector is on labelled photos: the same figures for every engine and every kind of network.

``read_labelled_set`` looks at a folder, ``evaluate_weights`` judges weights on it; ``score_photos`` and
``evaluation_of`` do the same for any `tenken.detection.detect.Detector`.
"""

from tenken_training.evaluation.labels import LabelledPhoto, LabelledSet, read_labelled_set
from tenken_training.evaluation.report import figures_table, write_page
from tenken_training.evaluation.results import (
    Conditions,
    Evaluation,
    Figure,
    Subject,
    read_evaluation,
    write_evaluation,
)
from tenken_training.evaluation.scoring import (
    Judged,
    StateDetector,
    default_conditions,
    judged_kinds,
    score_photo,
    score_photos,
)
from tenken_training.evaluation.summary import compare, evaluation_of
from tenken_training.evaluation.truth import Truth, from_mask, from_polygons
from tenken_training.evaluation.weights_evaluation import evaluate_weights, judged_weights

__all__ = [
    "Conditions",
    "Evaluation",
    "Figure",
    "Judged",
    "LabelledPhoto",
    "LabelledSet",
    "StateDetector",
    "Subject",
    "Truth",
    "compare",
    "default_conditions",
    "evaluate_weights",
    "evaluation_of",
    "figures_table",
    "from_mask",
    "from_polygons",
    "judged_kinds",
    "judged_weights",
    "read_evaluation",
    "read_labelled_set",
    "score_photo",
    "score_photos",
    "write_evaluation",
    "write_page",
]
