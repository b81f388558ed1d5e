"""Fork servers that no snippet needs at the moment: a search may try its next candidates there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from snipfix.model import Result

__all__ = ["Spare"]


class Spare:
    """Counts who is at work on `size` fork servers; what is left over may be lent. Everything may be called from any thread."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._busy = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="snipfix-ahead")

    @contextmanager
    def one_busy(self) -> Iterator[None]:
        """A snippet is at work, whoever is lent a fork server besides: it waits its turn, and never for long."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            self._done()

    def begin(self, work: Callable[[], Result]) -> Future[Result] | None:
        """The work on its way on a fork server of its own, or None when there is none to spare."""
        with self._lock:
            if self._busy >= self.size:
                return None
            self._busy += 1
        future = self._threads.submit(work)
        future.add_done_callback(lambda _: self._done())
        return future

    def close(self) -> None:
        """Nobody begins anything any more, and what waits is forgotten."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _done(self) -> None:
        with self._lock:
            self._busy -= 1
