"""Whether new weights may become the default: stated rules, on every data set given and on rendered structures."""

from tenken_training.promotion.decision import Decision, Row, read_decision, write_decision
from tenken_training.promotion.promote import Outcome, decide, install
from tenken_training.promotion.report import decision_table

__all__ = [
    "Decision",
    "Outcome",
    "Row",
    "decide",
    "decision_table",
    "install",
    "read_decision",
    "write_decision",
]
