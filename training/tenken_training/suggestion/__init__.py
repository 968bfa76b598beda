"""Which pictures to label next: windows of a finished run's photos that would teach a detector most.

``suggest`` looks (`windows`), chooses (`choosing`) and writes a task for the annotation tool CVAT (`cvat_task`).
"""

from tenken_training.suggestion.suggest import Suggested, suggest

__all__ = ["Suggested", "suggest"]
