"""Audits and repairs on this machine: a thread per fork server, results in the order of the snippets."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from snipfix.audit import Auditor
from snipfix.behind import look_behind
from snipfix.config import Options
from snipfix.model import Result, Snippet, Stage
from snipfix.patches import Patches
from snipfix.repair import Repairer
from snipfix.rules.registry import rules

if TYPE_CHECKING:
    from snipfix.sandbox.policy import Policy
    from snipfix.sandbox.pool import Pool

__all__ = ["LocalEngine", "Watcher", "policy"]


class Watcher(Protocol):
    """Is told what happens, from several threads."""

    def running(self, id: str) -> None: ...  # noqa: A002
    def done(self, result: Result) -> None: ...


def policy(options: Options) -> Policy:
    """The sandbox that the options ask for."""
    from snipfix.sandbox.policy import Policy

    return Policy(
        python=options.python or sys.executable, device=options.device, isolation=options.isolation, require=options.require_sandbox
    )


class LocalEngine:
    """Holds the pool of fork servers while it is entered."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.jobs = options.jobs or os.cpu_count() or 1
        self.pool: Pool | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self.options.stage.depth >= Stage.RUN.depth:
            from snipfix.sandbox.pool import Pool

            self.pool = self._stack.enter_context(Pool(policy(self.options), jobs=self.jobs))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def environment(self) -> dict[str, Any]:
        """What a report says of where it was made: interpreter, packages, device and the sandbox's layers."""
        if self.pool is None:
            return {}
        isolation = self.pool.isolation()
        layers = {layer.name: layer.detail if layer.on else f"off: {layer.detail}" for layer in isolation.layers}
        return {**self.pool.environment(), "device": self.options.device, "isolation": isolation.mode, "layers": layers}

    @property
    def auditor(self) -> Auditor:
        return Auditor(self.pool.run if self.pool else None, rules(), self.options)

    def results(
        self, snippets: Sequence[Snippet], *, repair: bool = False, patches: Patches | None = None, watcher: Watcher | None = None
    ) -> Iterator[Result]:
        """One Result per snippet, in their order whatever order they finish in."""

        repairer = Repairer(self.auditor, patches) if repair else None
        begun: dict[tuple[str, str], Future[Result]] = {}

        def work(snippet: Snippet) -> Result:
            if watcher:
                watcher.running(snippet.id)
            result = self._result(rebased(snippet, begun) if repair else snippet, repairer)
            if watcher:
                watcher.done(result)
            return result

        threads = ThreadPoolExecutor(self.jobs, thread_name_prefix="snipfix")
        try:
            for snippet in snippets:
                begun[snippet.document, snippet.id] = threads.submit(work, snippet)
            for future in list(begun.values()):
                yield future.result()
        finally:
            threads.shutdown(cancel_futures=True)

    def _result(self, snippet: Snippet, repairer: Repairer | None) -> Result:
        result = self.auditor.audit(snippet)
        if self.pool is not None:
            result = look_behind(self.auditor, result)
        return repairer.repair(result) if repairer else result


def rebased(snippet: Snippet, begun: Mapping[tuple[str, str], Future[Result]]) -> Snippet:
    """The snippet on top of the repaired blocks that it builds on. They stand earlier, so they were begun earlier: waiting ends."""
    if not snippet.before:
        return snippet
    results = {
        earlier.id: begun[earlier.document, earlier.id].result() for earlier in snippet.before if (earlier.document, earlier.id) in begun
    }
    corrected = {name: result.repair.corrected for name, result in results.items() if result.repair}
    return replace(snippet, before=tuple(replace(earlier, code=corrected.get(earlier.id, earlier.code)) for earlier in snippet.before))
