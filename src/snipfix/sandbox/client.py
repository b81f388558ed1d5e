"""Running jobs: one fork server, one job at a time, each judged from outside."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import Any, Self

from snipfix.errors import SandboxError
from snipfix.evidence import Job, Outcome
from snipfix.sandbox import protocol
from snipfix.sandbox.policy import Isolation, Layer, Policy, hints
from snipfix.sandbox.server import Server, Template
from snipfix.sandbox.watch import BROKEN_OFF, Watch

__all__ = ["Sandbox"]

CRASHES = 25
"""Children of one fork server share one memory layout: after so many crashes it is replaced, before anybody can probe it."""

SETTLE_AFTER = 30
"""Jobs after which it pays to load for all in one place what jobs have needed, and to ask for huge pages under it, which takes a second."""


class Sandbox:
    """A context manager around one fork server. It starts at once, in the background; the first call that needs it waits.

    With a `template` the first one is forked from it; one that replaces it, after crashes or many jobs, has a memory layout of its own.
    `run` may be called from several threads: jobs then wait for each other. For jobs side by side see `pool.Pool`.
    """

    def __init__(self, policy: Policy | None = None, template: Template | None = None) -> None:
        self.policy = policy or Policy()
        self._template = template
        self._needed, self._settled = set[str](), False
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._aborted = False
        self._watch: Watch | None = None

    def __enter__(self) -> Self:
        self._server = Server(self.policy, self._template)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the fork server; nothing of it is left."""
        with self._lock:
            self._stop()

    def abort(self) -> None:
        """From any thread: end the job that runs now; its outcome and those of later jobs are `refused`."""
        self._aborted = True
        if server := self._server:
            server.hang_up()

    def break_off(self) -> None:
        """From any thread: end the job that runs now; its outcome is `refused`. Later jobs run."""
        if watch := self._watch:
            watch.break_off()

    def run(self, job: Job) -> Outcome:
        """What came of the job, always: whatever the job does, an Outcome is given.

        A fork server that dies under a job is replaced and the job tried once more; after that its outcome is `refused`.

        Raises:
            SandboxError: the sandbox cannot be had as asked, or the job needs torch and the interpreter has none.
        """
        with self._lock:
            for attempt in (1, 2):
                if self._aborted:
                    return Outcome(kind="refused", detail=BROKEN_OFF)
                server = self._running()
                self._check(server, job)
                try:
                    self._watch = Watch(server, job)
                    outcome = self._watch.outcome()
                except EOFError as error:
                    self._stop()
                    if attempt == 2 and not self._aborted:
                        return Outcome(kind="refused", detail=f"the sandbox did not survive this job twice: {error}")
                    continue
                except BaseException:
                    self._stop()  # its next message would answer another question
                    raise
                finally:
                    self._watch = None
                server.served += 1
                server.crashes += outcome.kind == "crashed"
                self._renew(server, job)
                return outcome
        return Outcome(kind="refused", detail=BROKEN_OFF)

    def _renew(self, server: Server, job: Job) -> None:
        """Replace a fork server that has served long or crashed often; and once, where there is a template, for one that shares all that is needed."""
        self._needed |= {name for name in hints([job.code, *(block.code for block in job.before)]) if "." not in name}
        if server.crashes >= CRASHES:
            self._template = None
        settles = self._template is not None and not self._settled and server.served >= SETTLE_AFTER
        if settles or server.served >= self.policy.recycle or server.crashes >= CRASHES:
            self._settled = True
            self._stop()

    def isolation(self) -> Isolation:
        """What is enforced here, layer by layer. Raises SandboxError as `run` does."""
        with self._lock:
            hello = self._running().hello
        layers = tuple(Layer(str(name), bool(on), str(detail)) for name, on, detail in hello.get("layers", ()))
        return Isolation(str(hello.get("mode", "process")), layers)

    def environment(self) -> dict[str, Any]:
        """Of the target interpreter: python, platform, torch (None when missing), cuda, and versions of the usual packages."""
        with self._lock:
            server = self._running()
            server.ask({"op": "environment"})
            try:
                return protocol.receive(server.control)
            except (EOFError, TimeoutError) as error:
                self._stop()
                raise SandboxError("the fork server did not answer", hint="try again; `snipfix doctor` shows what it lacks") from error

    def _running(self) -> Server:
        if self._server is None:
            self._server = Server(self.policy, self._template, self._needed)
        try:
            _ = self._server.hello
        except SandboxError:
            self._stop()
            raise
        return self._server

    def _stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            with contextlib.suppress(OSError):
                server.close()

    def _check(self, server: Server, job: Job) -> None:
        version = server.hello.get("torch")
        if version is not None and not str(version).startswith(("0.", "1.")):
            return
        if "torch" not in hints([job.code, *(block.code for block in job.before)]):
            return
        if version is not None:
            raise SandboxError(f"torch {version} of {self.policy.python} is too old", hint="snipfix needs torch 2.0 or later there")
        raise SandboxError(
            f"{self.policy.python} has no torch, and {job.name} imports it",
            hint="pip install 'snipfix[torch]', or name an interpreter that has it: --python /path/to/python",
        )
