"""Threads beside the caller: all is done when the block ends well, what has not begun is let go when it does not."""

from concurrent.futures import Future
from threading import Event

import pytest

from tenken.thread_pool import thread_pool


def test_everything_is_done_when_the_block_ends() -> None:
    with thread_pool(2) as pool:
        parts = [pool.submit(pow, number, 2) for number in range(20)]
    assert [part.result(timeout=0) for part in parts] == [number**2 for number in range(20)]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_what_has_not_begun_is_let_go_when_the_block_fails(fault: type[BaseException]) -> None:
    begun, may_end = Event(), Event()
    parts: list[Future[str]] = []

    def wait() -> str:
        begun.set()
        may_end.wait(10)
        return "done"

    def fail_while_one_is_at_work() -> None:
        with thread_pool(1) as pool:
            parts.extend([pool.submit(wait), *(pool.submit(str, "never") for _ in range(5))])
            begun.wait(10)
            # Cancelling comes before waiting for the one at work; the last to be let go lets that one end.
            parts[-1].add_done_callback(lambda _: may_end.set())
            raise fault

    with pytest.raises(fault):
        fail_while_one_is_at_work()
    assert parts[0].result(timeout=0) == "done"
    assert all(part.cancelled() for part in parts[1:])
