"""Jobs side by side: several fork servers behind one map."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self

from snipfix.evidence import Job, Outcome
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Isolation, Policy

__all__ = ["Pool"]


class Pool:
    """A context manager around `jobs` fork servers (0: one per core). Everything may be called from any thread."""

    def __init__(self, policy: Policy | None = None, jobs: int = 0) -> None:
        self.policy = policy or Policy()
        self.size = jobs or _cores()
        self._idle: queue.LifoQueue[Sandbox] = queue.LifoQueue()
        self._boxes: list[Sandbox] = []
        self._threads = ThreadPoolExecutor(self.size, thread_name_prefix="snipfix-job")
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._boxes = [Sandbox(self.policy) for _ in range(self.size)]
        try:
            for box in self._boxes:
                box.__enter__()
                self._idle.put(box)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:  # an error or Ctrl-C: nobody waits for what still runs
            self.abort()
        self.close()

    def abort(self) -> None:
        """End the jobs that run now."""
        self._closing.set()
        for box in self._boxes:
            box.abort()

    def close(self) -> None:
        """Wait for the jobs that run, forget those that wait, end the fork servers."""
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for box in self._boxes:
            box.close()

    def run(self, job: Job) -> Outcome:
        """One job on the next free fork server. Raises SandboxError as `Sandbox.run` does."""
        box = self._idle.get()
        try:
            return box.run(job)
        finally:
            self._idle.put(box)

    def map(self, jobs: Iterable[Job]) -> Iterator[tuple[int, Outcome]]:
        """(index, outcome) of every job as it ends. `jobs` is read only a little ahead, so it may be long.

        Raises:
            SandboxError: as `Sandbox.run` does; the remaining jobs are then not run.
        """
        running: dict[Future[Outcome], int] = {}
        source = enumerate(jobs)
        try:
            while not self._closing.is_set():
                for index, job in source:
                    running[self._threads.submit(self.run, job)] = index
                    if len(running) >= 2 * self.size:
                        break
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()

    def isolation(self) -> Isolation:
        """What is enforced here. Raises SandboxError."""
        return self._boxes[0].isolation()

    def environment(self) -> dict[str, Any]:
        """Facts about the target interpreter. Raises SandboxError."""
        return self._boxes[0].environment()


def _cores() -> int:
    import os

    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
