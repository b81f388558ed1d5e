"""Watching one job from outside: its pipes, its clock, its end, and the judgement."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import threading
import time
from typing import Any

from snipfix.evidence import Job, Outcome, Usage
from snipfix.sandbox import protocol
from snipfix.sandbox.policy import hints, talks_to_itself
from snipfix.sandbox.server import Server, kernel_kills

__all__ = ["BROKEN_OFF", "Watch"]

LAST_WORDS = 0.5
"""Seconds between the soft signal and the kill."""
BURIAL = 15.0
"""Seconds the fork server may take to report the end of a job it was told to kill."""
CHUNK = 1 << 16
PIPES = ("stdout", "stderr", "result", "trace")
"""What a job says, in the order in which the fork server hands over the pipes' ends."""
BROKEN_OFF = "the run was broken off"
HARNESS_FAILED = 213
"""Exit status by which the job process says that it never came to the snippet."""
_TRACE_LINE = re.compile(r'File "([^"]*)", line (\d+)')


class _Stream:
    """One output stream: its beginning is kept, all of it is counted."""

    def __init__(self, keep: int) -> None:
        self.keep, self.size, self.data = keep, 0, bytearray()

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        self.data += data[: max(0, self.keep - len(self.data))]

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


class Watch:
    """One run of one job on a fork server. `outcome()` blocks until the job and all it started have ended."""

    def __init__(self, server: Server, job: Job) -> None:
        self.server, self.job = server, job
        keep = server.policy.output_kb << 10
        self.streams = {"stdout": _Stream(keep), "stderr": _Stream(keep), "trace": _Stream(16 << 10)}
        self.merge = protocol.Merge()
        self.killed = ""
        self.end: dict[str, Any] = {}
        self._telling = threading.Lock()
        self._told = False

    def outcome(self) -> Outcome:
        """Run and judge. Raises EOFError when the fork server itself is lost."""
        order = _order(self.job)
        with self._telling:
            if self.killed:
                return Outcome(kind="refused", detail=BROKEN_OFF)
            self.server.ask(order, _complete(self.job))
            self._told = True
        reads: list[int] = []
        try:
            self._receive(reads)
            if len(reads) != len(PIPES):
                raise EOFError("the fork server gave no pipes")
            self._supervise(dict(zip(PIPES, reads, strict=True)))
        finally:
            for read in reads:
                os.close(read)
        return self._judged()

    def break_off(self) -> None:
        """From any thread: end the job, whose outcome is `refused` then. The fork server stays."""
        with self._telling:
            self.killed = "refused"
            if self._told:
                with contextlib.suppress(EOFError):
                    self.server.ask({"op": "kill"})

    # The clock and the pipes -----------------------------------------------------------------------------------------

    def _supervise(self, pipes: dict[str, int]) -> None:
        deadline, step = time.monotonic() + self.job.timeout, "running"
        with selectors.DefaultSelector() as selector:
            selector.register(self.server.control, selectors.EVENT_READ, "control")
            for name, descriptor in pipes.items():
                os.set_blocking(descriptor, False)
                selector.register(descriptor, selectors.EVENT_READ, name)
            while not self.end:
                left = deadline - time.monotonic()
                if left <= 0:
                    step, seconds = self._overdue(step)
                    deadline = time.monotonic() + seconds
                    continue
                for key, _ in selector.select(left):
                    if key.data != "control":
                        if not self._read(key.fd, key.data):
                            selector.unregister(key.fd)
                        continue
                    self.end = self._receive().get("ended", {})
                if self._flooded() and not self.killed:
                    self._kill("output-flood")
                    deadline, step = time.monotonic() + BURIAL, "dying"
        for name, descriptor in pipes.items():  # what was written before the end; nobody is left to write more
            for _ in range(64):
                if not self._read(descriptor, name):
                    break
        self.merge.close()

    def _overdue(self, step: str) -> tuple[str, float]:
        if step == "running":
            self.killed = self.killed or "timeout"
            with self._telling:
                self.server.ask({"op": "signal"})
            return "last words", LAST_WORDS
        if step == "last words":
            self._kill("timeout")
            return "dying", BURIAL
        raise EOFError(f"the fork server hung ({step})")

    def _kill(self, why: str) -> None:
        self.killed = self.killed or why
        with self._telling:
            self.server.ask({"op": "kill"})

    def _receive(self, descriptors: list[int] | None = None) -> dict[str, Any]:
        try:
            return protocol.receive(self.server.control, descriptors)
        except TimeoutError as error:
            raise EOFError("the fork server hung") from error

    def _read(self, descriptor: int, name: str) -> bool:
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return False
        if name == "result":
            self.merge.feed(data)
        else:
            self.streams[name].feed(data)
        return bool(data)

    def _flooded(self) -> bool:
        limit = self.server.policy.flood_mb << 20
        return self.merge.size > limit or any(stream.size > limit for stream in self.streams.values())

    # The judgement ---------------------------------------------------------------------------------------------------

    def _judged(self) -> Outcome:
        kind, detail = self._kind()
        said = self.merge.fields
        notes = [detail, said.pop("detail", "")]
        if self.merge.dropped:
            notes.append(f"{self.merge.dropped} messages of the job did not fit the protocol and were dropped")
        status = int(self.end.get("status", 0))
        exit_code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        if kind in ("ok", "raised"):
            exit_code = said.pop("exit_code", None)
        elif kind == "exited":
            exit_code = said.pop("exit_code", exit_code)
        said.pop("exit_code", None)
        out, err = self.streams["stdout"], self.streams["stderr"]
        return Outcome(
            kind=kind,
            detail="; ".join(note for note in notes if note),
            exit_code=exit_code,
            signal=os.WTERMSIG(status) if kind == "crashed" and os.WIFSIGNALED(status) else None,
            stdout=out.text,
            stderr=err.text,
            truncated=out.size > out.keep or err.size > err.keep,
            usage=Usage(
                wall=float(self.end.get("wall", 0.0)), cpu=float(self.end.get("cpu", 0.0)), peak_mb=float(self.end.get("peak_mb", 0.0))
            ),
            **said,
        )

    def _kind(self) -> tuple[str, str]:
        """The outcome's kind and why, from what was seen from outside first and the job's own word last."""
        if reason := self.killed or str(self.end.get("reason", "")):
            self.server.kernel_kills = kernel_kills()
            return reason, self._why(reason)
        status = int(self.end.get("status", 0))
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU or (number == signal.SIGKILL and self._used_up()):
                return "timeout", "the processor time allowed was used up"
            if number == signal.SIGKILL and kernel_kills() > self.server.kernel_kills:
                self.server.kernel_kills = kernel_kills()
                return "out-of-memory", "ended by the kernel: the machine ran out of memory"
            name = str(number)
            with contextlib.suppress(ValueError):
                name = signal.Signals(number).name
            return "crashed", f"ended by {name}"
        code = os.WEXITSTATUS(status)
        if code == HARNESS_FAILED and not self.merge.kind:
            return "refused", "the sandbox could not start it"
        if not self.merge.kind or (code and self.merge.kind != "exited"):
            return "exited", f"the process left with status {code} before the end of the snippet"
        return self.merge.kind, ""

    def _used_up(self) -> bool:
        """Whether it had all the processor time of its own limit: the first process of a namespace hears of the end of it by SIGKILL alone."""
        return 0 < self.job.processor <= float(self.end.get("cpu", 0.0)) + 0.5

    def _why(self, reason: str) -> str:
        if reason == "timeout":
            place = next((match for match in _TRACE_LINE.finditer(self.streams["trace"].text) if match[1] == self.job.name), None)
            return f"stopped after {self.job.timeout:g} s" + (f" at line {place[2]}" if place else "")
        if reason == "refused":
            return BROKEN_OFF
        if reason == "output-flood":
            return f"wrote more than {self.server.policy.flood_mb} MB"
        return str(self.end.get("detail", ""))


def _order(job: Job) -> dict[str, Any]:
    """What the fork server has to know of a job; it passes the rest on unread."""
    texts = [job.code, *(block.code for block in job.before)]
    bounds = {"timeout": job.timeout, "processor": job.processor, "memory_mb": job.memory_mb}
    return {"op": "run", "hints": hints(texts), "loopback": talks_to_itself(texts), **bounds}


def _complete(job: Job) -> dict[str, Any]:
    """The job with every field, those at their default too: the child knows no defaults."""
    return {name: getattr(job, name) for name in job.__struct_fields__}
