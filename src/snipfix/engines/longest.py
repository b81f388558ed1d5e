"""Threads that take the longest work first: what is short fills the gaps at the end, and no core waits long for the last one."""

from __future__ import annotations

import hashlib
import heapq
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from snipfix.cache import Cache
from snipfix.model import Snippet
from snipfix.sandbox.policy import hints

__all__ = ["LongestFirst", "Times"]

SHORT_SECONDS = 0.5
"""What takes less is not told apart, and not remembered."""
TRAINING_SECONDS, LOADING_SECONDS = 1.0, 2.0
"""Guesses for what was never seen."""
MOST_EPOCHS, CONVOLVED = 100, 2
"""More epochs take longer, up to that many; convolutions take more than what has none."""
_EPOCHS = re.compile(r"(?:range\(|epochs?\s*=\s*|steps\s*=\s*)(\d{1,6})\b")
HEAVY = frozenset({"transformers", "torch_geometric"})


class Times:
    """How long snippets took when they were last looked at, kept in the cache's file; guessed from the text where nobody knows."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def expected(self, snippet: Snippet) -> float:
        """Seconds; 0 for what is short."""
        data = self._cache.get(_key(snippet))
        try:
            return float(data) if data is not None else _guess(snippet.code)
        except ValueError:
            return _guess(snippet.code)

    def took(self, snippet: Snippet, seconds: float) -> None:
        """Remember what is worth it."""
        if seconds >= SHORT_SECONDS:
            self._cache.put(_key(snippet), f"{seconds:.1f}".encode())


def _key(snippet: Snippet) -> bytes:
    return hashlib.sha256(b"seconds\0" + snippet.code.encode("utf-8", "surrogatepass")).digest()


def _guess(code: str) -> float:
    if "import" not in code:
        return 0.0
    training = 0.0
    if ".backward(" in code:
        epochs = max((int(found) for found in _EPOCHS.findall(code)), default=0)
        training = TRAINING_SECONDS * (1 + min(epochs, MOST_EPOCHS) / MOST_EPOCHS) * (CONVOLVED if "Conv" in code else 1)
    return training + (LOADING_SECONDS if HEAVY & set(hints([code])) else 0.0)


class LongestFirst:
    """A pool of threads with a heap in front. Nothing runs before `start`, so that there is something to choose from."""

    def __init__(self, size: int) -> None:
        self._heap: list[tuple[float, int, Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self._changed = threading.Condition()
        self._count, self._open, self._started = 0, True, False
        self._threads = [threading.Thread(target=self._work, name=f"snipfix_{number}", daemon=True) for number in range(size)]

    def submit(self, cost: float, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """The work's future. Of equal costs the one that was given first goes first: whoever waits for another must not cost more than it."""
        future: Future[Any] = Future()
        with self._changed:
            heapq.heappush(self._heap, (-cost, self._count, future, work, args))
            self._count += 1
            self._changed.notify()
        return future

    def start(self) -> None:
        """Let the threads begin; again is no harm."""
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()

    def close(self) -> None:
        """Forget what waits, and wait for what runs."""
        with self._changed:
            self._open = False
            for *_, future, _work, _args in self._heap:
                future.cancel()
            self._heap.clear()
            self._changed.notify_all()
        if self._started:
            for thread in self._threads:
                thread.join()

    def _next(self) -> tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._heap or not self._open)
            return heapq.heappop(self._heap)[2:] if self._heap else None

    def _work(self) -> None:
        while (found := self._next()) is not None:
            future, work, args = found
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work(*args))
            except BaseException as error:
                future.set_exception(error)
