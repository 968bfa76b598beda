"""Ctrl+C during a fit: the step is finished and saved first; a second one stops at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Stop:
    """Whether somebody asked to stop."""

    asked: bool = False


@contextlib.contextmanager
def stop_asked(tell: Callable[[], None] = lambda: None) -> Iterator[Stop]:
    """Note the first Ctrl+C instead of raising `KeyboardInterrupt`, and say at once with `tell` that it was heard."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread is told of signals.
        yield stop
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        stop.asked = True
        signal.signal(signal.SIGINT, before)
        tell()

    before = signal.getsignal(signal.SIGINT) or signal.default_int_handler
    signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def deaf_children() -> Iterator[None]:
    """Start helping processes so that Ctrl+C, which a terminal sends to all, reaches only this one.

    What is ignored here stays ignored in a process that is started now, also before it can say so itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) or signal.default_int_handler
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def leave_to_parent() -> None:
    """In a helping process, on systems where it inherits nothing: only the parent may answer Ctrl+C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
