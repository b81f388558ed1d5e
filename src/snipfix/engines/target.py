"""The target that snippets run in: its fork servers, started when first needed, and what is known of it without starting them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from snipfix.cache import Cache
from snipfix.config import Options
from snipfix.errors import SnipfixError
from snipfix.evidence import Job, Outcome
from snipfix.model import Stage
from snipfix.sandbox.policy import Policy
from snipfix.sandbox.pool import Pool

__all__ = ["BrokenOff", "Target", "policy", "source_digest"]

_ASK = (
    "import json, sys; print(json.dumps([sys.version, sys.prefix, sys.base_prefix, sys.path, "
    "[str(at) for name, module in list(sys.modules.items()) if name.startswith('__editable__')"
    " for at in getattr(module, 'MAPPING', {}).values()]]))"
)
_MACHINE = ("/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "/proc/driver/nvidia/version")
"""What decides which layers of the sandbox can be had, and which device there is."""
_MOST_FILES = 20_000


def policy(options: Options) -> Policy:
    """The sandbox that the options ask for."""
    return Policy(
        python=options.python or sys.executable,
        device=options.device,
        isolation=options.isolation,
        require=options.require_sandbox,
        # Where snippets are only run, torch is loaded with the first that needs it. What is exercised and probed is so with torch, or not at all:
        # it must not hang on who ran before. A card is asked for with torch alone.
        preload=("torch",) if options.device == "cuda" or options.stage.depth > Stage.RUN.depth else (),
    )


class BrokenOff(SnipfixError):  # noqa: N818 - it is no error, but the word for leaving
    """Nobody wants the result any more."""


class Target:
    """A pool of fork servers behind `run`, and its `environment`, remembered from an earlier run where nothing has changed since."""

    def __init__(self, options: Options, jobs: int, cache: Cache | None) -> None:
        self.policy, self.jobs, self._cache = policy(options), jobs, cache
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        self._broken_off = threading.Event()
        self._key = _environment_key(self.policy) if cache else None
        self._known = self._remembered()
        if self._known is None:
            self.start()

    def _remembered(self) -> dict[str, Any] | None:
        data = self._cache.get(self._key) if self._cache and self._key else None
        return json.loads(data) if data else None

    def start(self) -> Pool:
        """The pool, started at the first call. Raises SandboxError when the interpreter cannot be started."""
        with self._lock:
            if self._pool is None:
                pool = Pool(self.policy, self.jobs)
                self._pool = pool.__enter__()
            return self._pool

    def run(self, job: Job) -> Outcome:
        """One job. Raises SandboxError as `Sandbox.run` does, and BrokenOff after `break_off`."""
        pool = self.start()
        outcome = None if self._broken_off.is_set() else pool.run(job)
        if outcome is None or self._broken_off.is_set():
            raise BrokenOff("the run was broken off", hint="run it again")
        return outcome

    def break_off(self) -> None:
        """From any thread: nobody wants what runs now, nor what would follow it, until `go_on`. The fork servers stay."""
        self._broken_off.set()
        if self._pool is not None:
            self._pool.break_off()

    def go_on(self) -> None:
        """Take jobs again."""
        self._broken_off.clear()

    def environment(self) -> dict[str, Any]:
        """What a report says of where it was made: interpreter, packages, device and the sandbox's layers. Raises SandboxError."""
        with self._lock:
            if self._known is None:
                assert self._pool is not None, "it is started as long as nothing is known"
                isolation = self._pool.isolation()
                layers = {layer.name: layer.detail if layer.on else f"off: {layer.detail}" for layer in isolation.layers}
                self._known = {**self._pool.environment(), "device": self.policy.device, "isolation": isolation.mode, "layers": layers}
                if self._cache and self._key:
                    self._cache.put(self._key, json.dumps(self._known).encode())
            return self._known

    def close(self, *, abort: bool = False) -> None:
        """End the fork servers; `abort`: also what runs in them now."""
        if self._pool is not None:
            if abort:
                self._pool.abort()
            self._pool.close()

    def abort(self) -> None:
        """From any thread: nobody waits for what runs now."""
        if self._pool is not None:
            self._pool.abort()


def _environment_key(asked: Policy) -> bytes | None:
    """What the environment follows from; None where that cannot be told."""
    try:
        facts = [
            "environment", source_digest(), str(asked), sorted(_packages(asked.python)),
            platform.release(), os.geteuid(), _rights(), [_text(Path(name)) for name in _MACHINE],
        ]  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return hashlib.sha256(json.dumps(facts).encode()).digest()


def _rights() -> list[str]:
    """What this process may do, as the kernel sees it: a container may refuse what the machine allows."""
    return [
        line for line in _text(Path("/proc/self/status")).splitlines() if line.startswith(("CapEff", "CapBnd", "Seccomp:", "NoNewPrivs"))
    ]


def _text(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace")
    return ""


def _packages(python: str) -> Iterator[str]:
    """Every installed package with the moment of its installation, and every source file of what is installed in place.

    Raises:
        OSError, ValueError, SubprocessError: when the interpreter does not say where it looks.
    """
    command = [shutil.which(python) or python, "-s", "-B", "-c", _ASK]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONSAFEPATH": "1"}
    said = subprocess.run(command, capture_output=True, check=True, timeout=30, env=environment).stdout
    version, prefix, base, path, mapped = json.loads(said)
    yield version
    for place in map(Path, path):
        inside = any(place.is_relative_to(root) for root in (prefix, base))
        if place.is_dir():
            yield from _installed(place) if inside else _sources(place)
    for place in map(Path, mapped):
        yield from _sources(place)


def _installed(place: Path) -> Iterator[str]:
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name.endswith((".dist-info", ".egg-info", ".pth", ".py", ".so")):
                yield f"{place}/{entry.name}:{entry.stat().st_mtime_ns}"


def _sources(place: Path) -> Iterator[str]:
    files = sorted(place.rglob("*.py"))[:_MOST_FILES] if place.is_dir() else [place]
    for file in files:
        with contextlib.suppress(OSError):
            status = file.stat()
            yield f"{file}:{status.st_size}:{status.st_mtime_ns}"


@cache
def source_digest() -> str:
    """A digest of snipfix itself: rules, stand-ins, sandbox, everything that decides a result."""
    root, found = Path(__file__).resolve().parents[1], hashlib.sha256()
    for file in sorted(file for file in root.rglob("*") if file.is_file() and file.suffix != ".pyc"):
        found.update(f"{file.relative_to(root)}\0".encode())
        found.update(file.read_bytes())
    return found.hexdigest()
