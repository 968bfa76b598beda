"""Threads for work that goes on beside the caller's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def thread_pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads; its work is done when the block ends.

    Where the block ends in an error, or in Ctrl+C, what has not begun is let go: nobody waits for it.
    """
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
