"""Audits and repairs on this machine: a thread per fork server, results in the order of the snippets, known ones from the cache."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Protocol, Self

from snipfix.audit import Auditor
from snipfix.behind import look_behind
from snipfix.born import changes, mend_where_born, on
from snipfix.cache import Cache, pack, unpack
from snipfix.config import Options
from snipfix.engines.keys import LASTING, Keys
from snipfix.engines.longest import LongestFirst, Times
from snipfix.engines.spare import Spare
from snipfix.engines.target import BrokenOff, Target, policy
from snipfix.evidence import Job, Outcome
from snipfix.model import RepairVerdict, Result, Snippet, Stage
from snipfix.patches import Patches
from snipfix.repair import Candidate, Repairer
from snipfix.rules.registry import rules
from snipfix.sandbox.policy import cards

__all__ = ["LocalEngine", "Watcher", "cores", "policy"]

AHEAD = 64
"""Snippets per job that may be begun before the first of them is through: a stream of millions stays small in memory."""


class Watcher(Protocol):
    """Is told what happens, from several threads."""

    def running(self, id: str) -> None: ...  # noqa: A002
    def done(self, result: Result) -> None: ...


class LocalEngine:
    """Holds the fork servers and the cache while it is entered. The fork servers start with the first snippet that nobody remembers."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.jobs = options.jobs or (max(cards(), 1) if options.device == "cuda" else cores())
        self.target: Target | None = None
        self._cache: Cache | None = None
        self.spare: Spare | None = None
        self.times: Times | None = None
        self._history: Cache | None = None

    def __enter__(self) -> Self:
        self._cache = Cache() if self.options.cache else None
        if self.options.stage.depth >= Stage.RUN.depth:
            self.target = Target(self.options, self.jobs, self._cache)
            self.spare = Spare(self.jobs)
            self._history = self._cache or Cache()  # how long things take is no result: it is known without a cache as well
            self.times = Times(self._history)
        return self

    def expected(self, snippet: Snippet) -> float:
        """Seconds that a snippet is thought to take; 0 for a short one."""
        return self.times.expected(snippet) if self.times else 0.0

    def __exit__(self, *error: object) -> None:
        if self.spare is not None:
            self.spare.close()
        if self.target is not None:
            self.target.close()
        for cache in dict.fromkeys((self._cache, self._history)):
            if cache is not None:
                cache.close()

    def environment(self) -> dict[str, Any]:
        """What a report says of where it was made: interpreter, packages, device and the sandbox's layers. Raises SandboxError."""
        return self.target.environment() if self.target else {}

    @property
    def auditor(self) -> Auditor:
        return Auditor(self.target.run if self.target else None, rules(), self.options)

    def choices(self, result: Result) -> list[Candidate]:
        """The proven repairs of a snippet that was repaired, that which was found first: a patch, or what the search likes best."""
        repair = result.repair
        ready = [Candidate(repair, ())] if repair is not None and repair.verdict is RepairVerdict.REPAIRED else []
        with self.spare.one_busy() if self.spare else nullcontext():
            found = Repairer(self.auditor, None, self.spare).choices(result)
        known = {one.repair.corrected: one for one in found}
        ready = [replace(known.get(one.repair.corrected, one), repair=one.repair) for one in ready]
        return [*ready, *(one for one in found if not ready or one.repair.corrected != ready[0].repair.corrected)]

    def results(
        self, snippets: Iterable[Snippet], *, repair: bool = False, patches: Patches | None = None, watcher: Watcher | None = None
    ) -> Iterator[Result]:
        """One Result per snippet, in their order whatever order they finish in. Snippets of one document follow each other.

        Raises:
            SandboxError: the sandbox cannot be had as asked.
        """
        rules()  # before there are threads: two that import modules of a circle at once may each be given half of one, and lose rules
        work = _Work(self, repair, patches, watcher)
        threads = LongestFirst(self.jobs)
        begun: deque[Future[Result]] = deque()
        try:
            for future in work.begin(snippets, threads):
                begun.append(future)
                if len(begun) >= AHEAD * self.jobs:
                    threads.start()
                    yield begun.popleft().result()
            threads.start()
            while begun:
                yield begun.popleft().result()
        except (GeneratorExit, BrokenOff):
            raise
        except BaseException:  # an error or Ctrl-C: nobody waits for what still runs
            if self.target is not None:
                self.target.abort()
            raise
        finally:
            threads.close()


class _Work:
    """One call of `results`: what is to be done with each snippet, and what is known of it."""

    def __init__(self, engine: LocalEngine, repair: bool, patches: Patches | None, watcher: Watcher | None) -> None:
        self.engine, self.repair, self.patches, self.watcher = engine, repair, patches, watcher
        self.cache = engine._cache
        self._keys = Keys(engine.options, engine.environment(), patches, repair=repair) if self.cache else None

    def begin(self, snippets: Iterable[Snippet], threads: LongestFirst) -> Iterator[Future[Result]]:
        """A future per snippet: done where it is remembered, else on its way."""
        document, earlier, costs = "", list[tuple[Snippet, Future[Result]]](), dict[Future[Result], float]()
        for snippet in snippets:
            if snippet.document != document:
                document, earlier, costs = snippet.document, [], {}
            if self.repair and snippet.before:
                related = [future for other, future in earlier if _related(snippet, other)]
                # It waits for these: it must not be taken up before them, however long it is.
                cost = min([self.engine.expected(snippet), *(costs.get(one, 0.0) for one in related)])
                future = threads.submit(cost, self._on_repaired, snippet, related)
                costs[future] = cost
            elif known := self._remembered(snippet):
                future = Future()
                future.set_result(known)
            else:
                cost = self.engine.expected(snippet)
                future = threads.submit(cost, self._made, snippet)
                costs[future] = cost
            earlier.append((snippet, future))
            yield future

    def _on_repaired(self, snippet: Snippet, related: Sequence[Future[Result]]) -> Result:
        """The result on top of repaired blocks. They were begun earlier: waiting ends."""
        others = [future.result() for future in related]
        snippet = rebased(snippet, others)
        result = self._remembered(snippet) or self._made(snippet)
        return mend_where_born(self.engine.auditor, result, others)

    def _remembered(self, snippet: Snippet) -> Result | None:
        data = self.cache.get(self._keys.of(snippet)) if self.cache and self._keys else None
        result = unpack(data, snippet) if data else None
        if result and self.watcher:
            self.watcher.done(result)
        return result

    def _made(self, snippet: Snippet) -> Result:
        if self.watcher:
            self.watcher.running(snippet.id)
        started, kinds = time.monotonic(), set[str]()
        with self.engine.spare.one_busy() if self.engine.spare else nullcontext():
            result = self._result(snippet, kinds)
        seconds = time.monotonic() - started
        if "refused" not in kinds and _lasting(result) and (seconds < self.engine.options.search_seconds or _found(result)):
            self._keep(snippet, result)
        if self.engine.times:
            self.engine.times.took(snippet, seconds)
        if self.watcher:
            self.watcher.done(result)
        return result

    def _result(self, snippet: Snippet, kinds: set[str]) -> Result:
        """The snippet's result; `kinds` gets those of every outcome on the way."""
        target, auditor, spare = self.engine.target, self.engine.auditor, self.engine.spare
        if target is not None:
            run = target.run

            def noted(job: Job) -> Outcome:
                outcome = run(job)
                kinds.add(outcome.kind)
                return outcome

            auditor = replace(auditor, run=noted)
        result = auditor.audit(snippet)
        if target is not None:
            result = look_behind(auditor, result, thorough=self.repair, ahead=spare)
        return Repairer(auditor, self.patches, spare).repair(result) if self.repair else result

    def _keep(self, snippet: Snippet, result: Result) -> None:
        if self.cache and self._keys and (data := pack(result)) is not None:
            self.cache.put(self._keys.of(snippet), data)


def _lasting(result: Result) -> bool:
    """Whether another run would find the same: a time limit, a want of memory or a crash may have been the machine's doing."""
    outcomes = (result.outcome, result.repair.outcome if result.repair else None)
    return all(outcome is None or outcome.kind in LASTING for outcome in outcomes)


def _found(result: Result) -> bool:
    """Whether a search came to its end: one that was given up might find more in a machine that is less busy."""
    return result.repair is not None and result.repair.verdict in (RepairVerdict.REPAIRED, RepairVerdict.UNCHANGED)


def rebased(snippet: Snippet, earlier: Sequence[Result]) -> Snippet:
    """The snippet on top of the blocks that it builds on as they are when the earlier results are written."""
    return on(snippet, changes(earlier)[0])


def _related(snippet: Snippet, other: Snippet) -> bool:
    """Whether an earlier snippet is one that this one builds on, or builds on one of the same."""
    blocks = {block.id for block in snippet.before}
    return other.id in blocks or any(block.id in blocks for block in other.before)


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
