"""Jobs side by side: several fork servers behind one map."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from snipfix.evidence import Job, Outcome
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Isolation, Policy, cards, hints
from snipfix.sandbox.server import Template

__all__ = ["Pool"]


class Pool:
    """A context manager around `jobs` fork servers (0: one per core, or one per card where the device is one; further ones share the cards). Everything may be called from any thread."""

    def __init__(self, policy: Policy | None = None, jobs: int = 0) -> None:
        self.policy = policy or Policy()
        self.size = jobs or (max(cards(), 1) if self.policy.device == "cuda" else _cores())
        self._template: Template | None = None
        self._boxes: list[Sandbox] = []
        self._idle: list[int] = []
        self._freed = threading.Condition()
        self._loaded: list[set[str]] = [set() for _ in range(self.size)]
        """What each fork server was last seen to need: a guess, for speed alone."""
        self._threads = ThreadPoolExecutor(self.size, thread_name_prefix="snipfix-job")
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        try:
            if self.size > 1 and Template.serves(self.policy):
                self._template = Template(self.policy)
            self._boxes = [Sandbox(replace(self.policy, card=number % max(cards(), 1)), self._template) for number in range(self.size)]
            for number, box in enumerate(self._boxes):
                box.__enter__()
                self._idle.append(number)
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

    def break_off(self) -> None:
        """End the jobs that run now, each `refused`; later ones run."""
        for box in self._boxes:
            box.break_off()

    def close(self) -> None:
        """Wait for the jobs that run, forget those that wait, end the fork servers."""
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._template is not None:
            self._template.close()
        for box in self._boxes:
            box.close()

    def run(self, job: Job) -> Outcome:
        """One job on the free fork server that fits it best. Raises SandboxError as `Sandbox.run` does."""
        needs = set(hints([job.code, *(block.code for block in job.before)]))
        with self._freed:
            self._freed.wait_for(lambda: self._idle)
            number = min(self._idle, key=lambda one: self._fit(one, needs))
            self._idle.remove(number)
            self._loaded[number] |= needs
        try:
            return self._boxes[number].run(job)
        finally:
            with self._freed:
                self._idle.append(number)
                self._freed.notify()

    def _fit(self, number: int, needs: set[str]) -> tuple[int, int]:
        """Lower is better: heavy packages still to load, then those that it holds for others."""
        return len(needs - self._loaded[number]), len(self._loaded[number] - needs)

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
