"""Fork server processes: started with a clean environment, spoken to over a socket, ended without a trace."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from snipfix.errors import SandboxError
from snipfix.sandbox import protocol
from snipfix.sandbox.policy import CHILD, Policy

__all__ = ["Server", "Template", "kernel_kills"]

START_SECONDS = 120.0
"""A cold import of torch from a slow disk is the longest honest start."""
ANSWER_SECONDS = 180.0
STALE_SECONDS = 3600.0
"""Age at which a folder that nobody holds is taken to be left behind."""
_FOLDER = re.compile(r"snipfix-[a-z0-9_]{8}")

_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "USER": "snippet",
    "PYTHONHASHSEED": "0",
    "PYTHONSAFEPATH": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "KMP_INIT_AT_FORK": "FALSE",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "warning",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    # Freed memory stays with the process: tensors that a training loop makes anew at each step are then not faulted in and zeroed again each time,
    # which was a fifth of its processor time. 32 MB is the most that glibc takes; larger blocks go back at once.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
    "MPLBACKEND": "Agg",
    "TERM": "dumb",
    "NO_COLOR": "1",
}

_AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
"""One instruction set for all machines that have it: wider ones add up in another order, and a report's last digits would tell machines apart."""


def _arithmetic() -> dict[str, str]:
    """What makes torch compute the same numbers on every x86-64 machine that can; nothing elsewhere."""
    try:
        return (
            _AVX2
            if re.search(r"^flags\s*:.*\bavx2\b", Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace"), re.MULTILINE)
            else {}
        )
    except OSError:
        return {}


class Process:
    """A process of the target interpreter in a folder of its own, spoken to over `control`."""

    control: socket.socket

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        remove_stale()
        self.scratch = tempfile.mkdtemp(prefix="snipfix-")
        self._lock = os.open(self.scratch, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # gone with this process, however it ends
        self.log = Path(self.scratch, "server.log")
        self._process: subprocess.Popen[bytes] | Forked | None = None
        try:
            self.control = self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> socket.socket:
        raise NotImplementedError

    def _exec(self, first: dict[str, Any]) -> socket.socket:
        """Start the interpreter with its first message; gives the socket to it."""
        ours, theirs = socket.socketpair()
        with theirs, self._errors() as errors:
            command = [self.policy.python, "-s", "-B", str(CHILD / "zygote.py"), str(theirs.fileno())]
            environment = _ENVIRONMENT | _arithmetic() | {"HOME": self.scratch, "TMPDIR": self.scratch}
            if self.policy.device == "cuda":
                environment["CUDA_VISIBLE_DEVICES"] = str(self.policy.card)
            try:
                self._process = subprocess.Popen(
                    command,
                    pass_fds=(theirs.fileno(),),
                    env=environment,
                    cwd=self.scratch,
                    stdin=subprocess.DEVNULL,
                    stdout=errors,
                    stderr=errors,
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                hint = "--python takes the path of a Python 3.9 or later"
                raise SandboxError(f"cannot start the interpreter {self.policy.python}: {error.strerror}", hint=hint) from error
        ours.settimeout(START_SECONDS)
        with contextlib.suppress(OSError):  # a child that is already dead is reported by hello()
            protocol.send(ours, first)
        return ours

    def _errors(self) -> IO[bytes]:
        """Where its last words go: a file rather than a pipe, for nothing has to read it, and only those of a failed start matter."""
        return os.fdopen(os.open(self.log, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600), "ab")

    def close(self) -> None:
        """End the process and whatever it still holds, and remove its folder."""
        if self._process is not None:
            if hasattr(self, "control"):
                self.control.close()  # it leaves by itself, taking its children with it
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        shutil.rmtree(self.scratch, ignore_errors=True)


class Template(Process):
    """A process that loads what fork servers side by side need, and that they are forked from: they share its memory until one writes to it.

    It is not confined and never meets a snippet; each fork server confines itself.
    """

    def __init__(self, policy: Policy) -> None:
        self._asking = threading.Lock()
        super().__init__(policy)

    def _start(self) -> socket.socket:
        return self._exec({"preload": self.policy.preload})

    @staticmethod
    def serves(policy: Policy) -> bool:
        """Whether fork servers of this policy can be forked: where the system tells of processes by descriptor, and none needs a card of its own."""
        return hasattr(os, "pidfd_open") and policy.device == "cpu"

    def fork(self, first: dict[str, Any], errors: IO[bytes]) -> socket.socket:
        """A new fork server with its first message and its log; gives the socket to it, which is closed at the other end if the template is gone.

        `loaded` in the message, where not None: it will serve many jobs, and these packages are loaded before it is forked.
        """
        ours, theirs = socket.socketpair()
        with self._asking, theirs, contextlib.suppress(OSError):
            socket.send_fds(self.control, [b"+"], [theirs.fileno(), errors.fileno()])
            protocol.send(self.control, first)
        ours.settimeout(START_SECONDS)
        return ours


class Forked:
    """A fork server that is no child of this process, known by the message that it begins with."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self.pid = self._descriptor = -1

    def meet(self) -> None:
        """Wait until it is there. Raises EOFError, TimeoutError when nothing comes."""
        self.pid = int(protocol.receive(self._control)["pid"])
        with contextlib.suppress(ProcessLookupError):
            self._descriptor = os.pidfd_open(self.pid)

    def wait(self, seconds: float) -> None:
        """Wait for its end. Raises TimeoutExpired as `Popen.wait` does."""
        if self._descriptor < 0:
            return
        ended = select.poll()
        ended.register(self._descriptor, select.POLLIN)
        if not ended.poll(1000 * seconds):
            raise subprocess.TimeoutExpired("a fork server", seconds)
        os.close(self._descriptor)
        self._descriptor = -1


class Server(Process):
    """A running fork server, started by exec, or forked from a template. `hello` is what it said of itself once it was confined."""

    def __init__(self, policy: Policy, template: Template | None = None, loaded: Iterable[str] | None = None) -> None:
        self.served = self.crashes = 0
        self.kernel_kills = kernel_kills()
        self._template, self._loaded = template, None if loaded is None else sorted(loaded)
        self._hello: dict[str, Any] | None = None
        super().__init__(policy)

    def _start(self) -> socket.socket:
        first = {"policy": dataclasses.asdict(self.policy), "scratch": self.scratch}
        if self._template is None:
            return self._exec(first)
        with self._errors() as errors:
            control = self._template.fork({**first, "loaded": self._loaded}, errors)
        self._process = Forked(control)
        return control

    @property
    def hello(self) -> dict[str, Any]:
        """What the fork server enforces and holds; waits until it is ready. One whose template is gone is started by exec.

        Raises:
            SandboxError: it did not come up, with its last words.
        """
        if self._hello is None:
            try:
                self._meet()
                message = protocol.receive(self.control)
            except (EOFError, TimeoutError) as error:
                raise self._stillborn() from error
            self.control.settimeout(ANSWER_SECONDS)
            if "refused" in message:
                raise SandboxError(str(message["refused"]), hint=str(message.get("hint", "")))
            self._hello = message
        return self._hello

    def _meet(self) -> None:
        if not isinstance(self._process, Forked) or self._process.pid > 0:
            return
        try:
            self._process.meet()
        except (EOFError, TimeoutError):
            self.control.close()
            self._template = None
            self.control = self._start()

    def _stillborn(self) -> SandboxError:
        try:
            words = self.log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
        except OSError:
            words = ""
        last = words.splitlines()[-1] if words else "it said nothing"
        hint = "--python takes the path of a Python 3.9 or later; `snipfix doctor` shows what it lacks"
        return SandboxError(f"the fork server of {self.policy.python} did not start: {last}", hint=hint)

    def ask(self, *messages: dict[str, Any]) -> None:
        """Send messages, all at once. Raises EOFError when the server is gone."""
        try:
            protocol.send(self.control, *messages)
        except OSError as error:
            raise EOFError("the fork server is gone") from error

    def hang_up(self) -> None:
        """Let the server know that nobody listens any more: it ends its job and leaves. Safe from any thread."""
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the fork server and whatever it still holds, and remove its folder."""
        if isinstance(self._process, Forked) and self._process.pid < 0:
            with contextlib.suppress(EOFError, OSError):
                self.control.settimeout(2)
                self._process.meet()
        super().close()


def remove_stale() -> None:
    """Remove what fork servers of this user left behind whose parents were killed: their folders are old, and nobody holds the lock."""
    for path in Path(tempfile.gettempdir()).glob("snipfix-*"):
        try:
            found = path.lstat()
            if not _FOLDER.fullmatch(path.name) or found.st_uid != os.getuid() or time.time() - found.st_mtime < STALE_SECONDS:
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(descriptor)


def kernel_kills() -> int:
    """How many processes the kernel has ended for want of memory since it started; 0 where it does not say."""
    try:
        text = Path("/proc/vmstat").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")), 0)
