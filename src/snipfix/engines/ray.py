"""Audits on a Ray cluster: an actor per job, each with a fork server, and the cache of the node it is on.

Ray does the distributing: it spreads the actors over the nodes, and when a worker or a node dies it starts them again elsewhere and gives them
their lost batches again. What is left to do here: batches, order, and never more of them on their way than a window.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from itertools import groupby
from typing import Any, Self

from snipfix.config import Options
from snipfix.engines.local import LocalEngine, Watcher
from snipfix.errors import SandboxError, SnipfixError, UsageError
from snipfix.model import Result, Snippet
from snipfix.patches import Patches

__all__ = ["RayEngine", "batches"]

BATCH = 16
"""Snippets that an actor is given at a time."""
AHEAD = 2
"""Batches that an actor has been given and not yet answered."""
WINDOW = 16
"""Batches per actor that may be begun before the first of them is through."""
RETRIES = 5
"""How often an actor is started again when its worker or node dies. Until then its batches are given again: a node takes a while to be missed."""
CLOSE_SECONDS = 15


class Worker:
    """What runs in an actor: a local engine with one fork server, entered by the first call: an error of it is then that call's."""

    def __init__(self, options: Options) -> None:
        self._options = replace(options, jobs=1)

    @cached_property
    def _engine(self) -> LocalEngine:
        return LocalEngine(self._options).__enter__()

    def environment(self) -> dict[str, Any]:
        return self._engine.environment()

    def results(self, snippets: list[Snippet], repair: bool) -> list[Result]:
        return list(self._engine.results(snippets, repair=repair))

    def close(self) -> None:
        if "_engine" in vars(self):
            self._engine.__exit__()


class RayEngine:
    """Holds the actors while it is entered. Joins the cluster of this process, else that of RAY_ADDRESS, else starts one on this machine.

    Raises:
        UsageError: Ray is not installed.
    """

    def __init__(self, options: Options) -> None:
        try:
            self._ray: Any = import_module("ray")
        except ImportError as error:
            raise UsageError("--engine ray needs Ray", hint="pip install 'snipfix[ray]'") from error
        self.options = options
        self._actors: list[Any] = []
        self._owner = False

    def __enter__(self) -> Self:
        ray = self._ray
        if not ray.is_initialized():
            ray.init(address=os.environ.get("RAY_ADDRESS"), log_to_driver=False, include_dashboard=False)
            self._owner = True
        jobs = self.options.jobs or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        # By default an actor asks for a core to be placed and for none to run: so one that lost its node always finds another.
        actor = ray.remote(max_restarts=RETRIES, max_task_retries=-1, scheduling_strategy="SPREAD")(Worker)
        self._actors = [actor.remote(self.options) for _ in range(jobs)]
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.wait([actor.close.remote() for actor in self._actors], num_returns=len(self._actors), timeout=CLOSE_SECONDS)
        for actor in self._actors:
            self._ray.kill(actor)
        if self._owner:
            self._ray.shutdown()

    def environment(self) -> dict[str, Any]:
        """Where snippets run: the same on every node.

        Raises:
            SandboxError: the nodes have different interpreters, packages or sandboxes, or the sandbox cannot be had.
        """
        first, *others = self._get([actor.environment.remote() for actor in self._actors])
        if any(other != first for other in others):
            raise SandboxError("the nodes of the cluster have different packages or sandboxes", hint="compare `snipfix doctor` on each")
        return dict(first)

    def results(
        self, snippets: Iterable[Snippet], *, repair: bool = False, patches: Patches | None = None, watcher: Watcher | None = None
    ) -> Iterator[Result]:
        """One Result per snippet, in their order, whatever dies on the way.

        Raises:
            UsageError: for patches, which lie on this machine alone.
            SandboxError: the sandbox cannot be had as asked, or workers die more often than is reasonable.
        """
        if patches is not None:
            raise UsageError("patches are not known to the nodes of a cluster", hint="--no-patches, or the local engine")
        source = batches(snippets, together=repair)
        begun, running = deque[Any](), dict[Any, int]()
        while True:
            while len(running) < AHEAD * len(self._actors) and len(begun) < WINDOW * len(self._actors) and (batch := next(source, None)):
                load = Counter(running.values())
                idlest = min(range(len(self._actors)), key=lambda number: load[number])
                reference = self._actors[idlest].results.remote(batch, repair)
                running[reference] = idlest
                begun.append(reference)
            if not begun:
                return
            for reference in self._ray.wait(list(running), num_returns=1)[0]:
                del running[reference]
            while begun and begun[0] not in running:
                for result in self._get(begun.popleft()):
                    if watcher:
                        watcher.done(result)
                    yield result

    def _get(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, SnipfixError):
                raise error.cause from None
            raise
        except self._ray.exceptions.RayActorError as error:
            raise SandboxError(f"the workers of the cluster keep dying: {error}", hint="see the logs of Ray") from error


def batches(snippets: Iterable[Snippet], *, together: bool) -> Iterator[list[Snippet]]:
    """The snippets in batches; `together`: those that build on each other in one, for a repaired block changes what follows it."""
    batch = list[Snippet]()
    for unit in _units(snippets, together=together):
        batch += unit
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _units(snippets: Iterable[Snippet], *, together: bool) -> Iterator[list[Snippet]]:
    for _, group in groupby(snippets, key=lambda snippet: snippet.document if together else snippet.id):
        unit = list(group)
        if any(snippet.before for snippet in unit):
            yield unit
        else:
            yield from ([snippet] for snippet in unit)
