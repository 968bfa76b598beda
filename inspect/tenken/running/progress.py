"""How a run tells what it does. The pipeline only knows the protocol; terminals are the commands' matter."""

from typing import Protocol


class Progress(Protocol):
    """Receives what a run does. Called from several threads."""

    def start(self, stage: str, total: int) -> None:
        """Begin a stage of ``total`` steps."""
        ...

    def advance(self, steps: int = 1) -> None:
        """Count steps of the current stage as done."""
        ...

    def note(self, text: str) -> None:
        """Tell something worth a line of its own; a `tenken.notes.Note` is told in the terminal's language."""
        ...


class Silence:
    """Progress that nobody watches."""

    def start(self, stage: str, total: int) -> None:
        """Say nothing."""

    def advance(self, steps: int = 1) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""
