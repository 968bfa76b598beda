"""Progress for people: a bar with an estimate on a terminal, plain lines elsewhere. All of it on standard error."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from threading import Lock
from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tenken.notes import said
from tenken.running.progress import Silence
from tenken.settings import Lang
from tenken.wording import words

PLAIN_EVERY_S = 20.0
"""Where there is no terminal, a line at most this often."""
INTERRUPTED = 130
"""Exit code after Ctrl+C, as shells have it."""


@contextlib.contextmanager
def when_stopped(say: Callable[[], str], code: int = INTERRUPTED) -> Iterator[None]:
    """After Ctrl+C say in one line what became of the work, and end with an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"\ninspect: {say()}", err=True)
        raise typer.Exit(code) from None


def changing_nothing(lang: Lang) -> contextlib.AbstractContextManager[None]:
    """After Ctrl+C say that nothing was changed."""
    return when_stopped(lambda: words(lang)("console.stopped_unchanged"))


class Bar:
    """A progress bar with an estimate of the time left."""

    def __init__(self, lang: Lang) -> None:
        self._lang = lang
        self._progress = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, stage: str, total: int) -> None:
        """Begin a stage."""
        if self._task is not None:
            self._progress.update(self._task, completed=self._progress.tasks[self._task].total)
        self._task = self._progress.add_task(words(self._lang).coded("stage", stage), total=max(total, 1), completed=0)
        if total == 0:
            self._progress.update(self._task, completed=1)

    def advance(self, steps: int = 1) -> None:
        """Count steps as done."""
        if self._task is not None:
            self._progress.advance(self._task, steps)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(said(text, self._lang), highlight=False, markup=False)


class Lines:
    """Plain lines, for logs."""

    def __init__(self, lang: Lang) -> None:
        self._lang = lang
        self._lock = Lock()
        self._stage, self._total, self._done, self._said_at = "", 0, 0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""

    def start(self, stage: str, total: int) -> None:
        """Begin a stage."""
        self._stage = words(self._lang).coded("stage", stage)
        self._total, self._done, self._said_at = total, 0, time.monotonic()
        self.note(f"{self._stage} …")

    def advance(self, steps: int = 1) -> None:
        """Count steps as done, and say so now and then."""
        with self._lock:
            self._done += steps
            if time.monotonic() - self._said_at < PLAIN_EVERY_S:
                return
            self._said_at = time.monotonic()
            done = self._done
        self.note(words(self._lang)("console.done_of", stage=self._stage, done=done, total=self._total))

    def note(self, text: str) -> None:
        """Print a line."""
        typer.echo(said(text, self._lang), err=True)


class Quiet(Silence):
    """Nothing at all."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""


def shown_progress(*, quiet: bool, lang: Lang = "en") -> Bar | Lines | Quiet:
    """Return what suits where the output goes, in a language."""
    if quiet:
        return Quiet()
    return Bar(lang) if sys.stderr.isatty() else Lines(lang)
