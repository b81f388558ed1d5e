"""One fork server, many jobs: each is judged from outside, none costs another its result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from snipfix.errors import SandboxError
from snipfix.evidence import Job
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Policy, hints
from snipfix.sandbox.pool import Pool
from snipfix.sandbox.server import remove_stale

EXECUTOR = str(Path(__file__).parents[1] / "hostile" / "plain_executor.py")
PLAIN = Policy(executor=EXECUTOR, preload=())
LIGHT = Policy(executor=EXECUTOR, preload=(), isolation="process")


@pytest.fixture(scope="module", params=[PLAIN, LIGHT], ids=["auto", "process"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(request.param) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("code", "kind", "detail"),
    [
        ("print('x')", "ok", ""),
        ("1 / 0", "raised", ""),
        ("import sys; sys.exit(0)", "exited", ""),
        ("import os; os._exit(7)", "exited", "the process left with status 7 before the end of the snippet"),
        ("import ctypes; ctypes.string_at(0)", "crashed", "ended by SIGSEGV"),
        ("x = 1\nwhile True:\n    pass", "timeout", "stopped after 1 s at line 3"),
        ("10 ** 10 ** 8", "timeout", "stopped after 1 s at line 1"),
        ("while True:\n    print('x' * 10000)", "output-flood", "wrote more than 16 MB"),
        ("x = bytearray(1 << 40)", "raised", ""),
    ],
)
def test_each_end_has_its_own_word(sandbox: Sandbox, code: str, kind: str, detail: str) -> None:
    outcome = sandbox.run(Job(code=code, timeout=1 if kind == "timeout" else 30))
    assert outcome.kind == kind, outcome
    if kind != "timeout" or ":" not in code:  # with a line only where the loop lets itself be asked
        assert outcome.detail.startswith(detail), outcome


def test_output_is_captured_bounded_and_counted(sandbox: Sandbox) -> None:
    outcome = sandbox.run(Job(code="import sys\nprint('out')\nsys.stderr.write('err')"))
    assert (outcome.stdout, outcome.stderr, outcome.truncated) == ("out\n", "err", False)
    outcome = sandbox.run(Job(code="print('x' * (1 << 20))"))
    assert (outcome.kind, len(outcome.stdout), outcome.truncated) == ("ok", 256 << 10, True)


def test_what_was_written_before_the_end_is_kept(sandbox: Sandbox) -> None:
    outcome = sandbox.run(Job(code="print('before')\nwhile True:\n    pass", timeout=0.5))
    assert (outcome.kind, outcome.stdout) == ("timeout", "before\n")


def test_usage_is_measured(sandbox: Sandbox) -> None:
    usage = sandbox.run(Job(code="x = bytearray(b'x') * (64 << 20)")).usage
    assert usage.wall > 0
    assert usage.cpu > 0
    assert usage.peak_mb > 64


def test_each_job_has_an_empty_folder_of_its_own(sandbox: Sandbox) -> None:
    code = "import os; print(os.listdir()); open('left', 'w'); os.mkdir('locked', 0)"
    assert [sandbox.run(Job(code=code)).stdout for _ in range(2)] == ["['snippet.py']\n"] * 2


def test_the_environment_is_clean(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "x")
    assert sandbox.run(Job(code="import os; print('A_SECRET' in os.environ)")).stdout == "False\n"


def test_hashes_are_the_same_in_every_run(sandbox: Sandbox) -> None:
    with Sandbox(sandbox.policy) as other:
        assert len({box.run(Job(code="print(hash('x'))")).stdout for box in (sandbox, other)}) == 1


def test_threads_may_share_a_sandbox(sandbox: Sandbox) -> None:
    found: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: sandbox.run(Job(code=f"print({n})")).stdout.strip()})) for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {n: str(n) for n in range(6)}


def test_a_fork_server_that_dies_is_replaced_and_the_job_tried_again() -> None:
    with Sandbox(PLAIN) as sandbox:
        assert sandbox.run(Job(code="")).kind == "ok"
        server = sandbox._server
        assert server is not None
        assert server._process is not None
        os.killpg(server._process.pid, signal.SIGKILL)
        assert sandbox.run(Job(code="print('again')")).stdout == "again\n"


def test_a_fork_server_that_dies_under_a_job_costs_only_time() -> None:
    with Sandbox(PLAIN) as sandbox:
        sandbox.isolation()
        server = sandbox._server
        assert server is not None
        assert server._process is not None
        threading.Timer(0.5, os.killpg, (server._process.pid, signal.SIGKILL)).start()
        assert sandbox.run(Job(code="import time; time.sleep(1.5); print('whole')")).stdout == "whole\n"


def test_what_the_fork_server_loads_for_a_job_does_not_count_as_the_job_s_memory() -> None:
    with Sandbox(PLAIN) as sandbox:
        sandbox.run(Job(code="pass", memory_mb=300))
        outcome = sandbox.run(Job(code="import torch\nheld = bytearray(180 << 20)", memory_mb=300))
        assert outcome.kind == "ok", outcome


def test_the_fork_server_is_replaced_in_time() -> None:
    with Sandbox(Policy(executor=EXECUTOR, preload=(), recycle=2)) as sandbox:
        servers = set()
        for _ in range(4):
            assert sandbox.run(Job(code="")).kind == "ok"
            servers.add(id(sandbox._server))
        assert sandbox._server is None


def test_nothing_is_left_when_it_closes() -> None:
    with Sandbox(LIGHT) as sandbox:
        sandbox.run(Job(code="import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)"))
        server = sandbox._server
        assert server is not None
        scratch, process = server.scratch, server._process
    assert not Path(scratch).exists()
    assert process is not None
    assert process.returncode is not None


@pytest.mark.parametrize("mode", ["auto", "nons", "process"])
def test_the_parents_end_is_the_end_of_all(mode: str, tmp_path: Path) -> None:
    code = f"""
import os, signal, threading, time
from snipfix.evidence import Job
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Policy
sandbox = Sandbox(Policy(executor={EXECUTOR!r}, preload=(), isolation={mode!r})).__enter__()
sandbox.isolation()
threading.Thread(target=sandbox.run, args=(Job(code="import time; time.sleep(600)", timeout=600),)).start()
time.sleep(0.3)
print(sandbox._server._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=environment)
    group = int(done.stdout)
    for _ in range(200):
        left = _of_session(group)
        if not left:
            break
        time.sleep(0.05)
    assert not left
    (folder,) = tmp_path.glob("snipfix-*")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        remove_stale()
        assert folder.exists()  # it may be so young that its owner has had no time to take the lock
        os.utime(folder, (0, 0))
        remove_stale()
    assert not folder.exists()


def _of_session(session: int) -> list[str]:
    """The processes of a session, which jobs leave only where the kernel ends them with their namespace or the fork server itself does.

    One that has ended and waits to be counted by init is gone.
    """
    lines = subprocess.run(["ps", "-eo", "sess=,stat=,args="], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if line.split()[0] == str(session) and not line.split()[1].startswith("Z")]


def test_a_folder_in_use_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("snipfix-of_others.log", "other-12345678"):
        Path(tmp_path, name).mkdir()
        os.utime(tmp_path / name, (0, 0))
    with Sandbox(LIGHT) as sandbox:
        sandbox.isolation()
        server = sandbox._server
        assert server is not None
        os.utime(server.scratch, (0, 0))
        remove_stale()
        assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
@pytest.mark.parametrize("policy", [PLAIN, LIGHT], ids=["auto", "process"])
def test_control_groups_bound_all_processes_together(policy: Policy) -> None:
    code = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        x = bytearray(b"x") * (60 << 20)
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
    with Sandbox(policy) as sandbox:
        limits = sandbox.isolation().layers[-1].detail
        name = Path(sandbox._server.scratch).name if sandbox._server else ""
        outcome = sandbox.run(Job(code=code, memory_mb=200, timeout=60))
    assert (outcome.kind, "together" in outcome.detail) == ("out-of-memory", True), outcome
    if "(by control groups)" in limits:
        assert not list(Path("/sys/fs/cgroup").glob(f"*/{name}"))
    else:
        assert "no control groups: " in limits


@pytest.mark.parametrize("python", ["/no/such/python", "/bin/true", "/etc/passwd"])
def test_an_interpreter_that_is_none_is_an_error_with_a_hint(python: str) -> None:
    with pytest.raises(SandboxError) as caught, Sandbox(Policy(python=python, executor=EXECUTOR)) as sandbox:
        sandbox.run(Job(code=""))
    assert python in str(caught.value)
    assert "--python" in caught.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="a view of the file system is Linux's")
def test_an_environment_behind_a_link_keeps_every_layer(tmp_path: Path) -> None:
    with Sandbox(PLAIN) as sandbox:
        usual = sandbox.isolation().mode
    venv.create(tmp_path / "an environment whose name is longer than its link", symlinks=True)
    (tmp_path / "link").symlink_to("an environment whose name is longer than its link")
    with Sandbox(Policy(python=str(tmp_path / "link" / "bin" / "python"), executor=EXECUTOR, preload=())) as sandbox:
        assert sandbox.isolation().mode == usual
        assert sandbox.run(Job(code="import sys, email; print(sys.prefix)")).stdout == f"{tmp_path / 'link'}\n"


def test_an_unknown_isolation_is_an_error() -> None:
    with pytest.raises(SandboxError, match="unknown isolation 'magic'"):
        Policy(isolation="magic")


def test_less_than_the_full_sandbox_can_be_refused() -> None:
    with (
        pytest.raises(SandboxError, match="full sandbox") as caught,
        Sandbox(Policy(executor=EXECUTOR, preload=(), isolation="process", require=True)) as sandbox,
    ):
        sandbox.run(Job(code=""))
    assert "--require-sandbox" in caught.value.hint


def test_layers_are_named_in_plain_words(sandbox: Sandbox) -> None:
    isolation = sandbox.isolation()
    assert [layer.name for layer in isolation.layers] == ["namespaces", "landlock", "seccomp", "limits"]
    assert all(layer.detail for layer in isolation.layers)


def test_the_environment_is_described(sandbox: Sandbox) -> None:
    environment = sandbox.environment()
    assert environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert environment["cuda"] is False
    assert sandbox.run(Job(code="")).kind == "ok"


def test_a_pool_gives_every_outcome_once() -> None:
    with Pool(LIGHT, jobs=2) as pool:
        outcomes = dict(pool.map(Job(code=f"print({n})" if n != 3 else "import os; os.abort()") for n in range(12)))
    assert {n: outcome.stdout.strip() for n, outcome in outcomes.items()} == {n: "" if n == 3 else str(n) for n in range(12)}
    assert outcomes[3].kind == "crashed"


def test_a_pool_can_be_left_half_way() -> None:
    with Pool(LIGHT, jobs=2) as pool:
        for _ in pool.map(Job(code="") for _ in range(1000)):
            break


@pytest.mark.parametrize("policy", [PLAIN, LIGHT], ids=["auto", "process"])
def test_an_error_breaks_off_what_runs(policy: Policy) -> None:
    code = "import os, time\nif os.fork() == 0:\n    os.setsid()\ntime.sleep(600)"
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Pool(policy, jobs=2) as pool:  # noqa: PT012
        outcomes = pool.map([Job(code=code, timeout=600), Job(code="")])
        assert next(outcomes)[0] == 1
        processes = [box._server._process for box in pool._boxes if box._server]
        raise KeyboardInterrupt
    assert time.monotonic() - start < 60
    assert all(process is not None and not _of_session(process.pid) for process in processes)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import torch.nn as nn\nfrom torchvision import models", ("torch", "torchvision", "torch.nn", "torchvision.models")),
        ("    import os, numpy as np", ("numpy",)),
        ("x = 1", ()),
        ("import torch, transformers", ("torch", "transformers")),
        (
            "from transformers import (\n    BertModel,\n    BertConfig as C,\n)",
            ("transformers", "transformers.BertConfig", "transformers.BertModel"),
        ),
        ("from transformers import (\n", ("transformers",)),
        ("from torch._C import x", ()),
        ("def broken(:\n  import torch", ("torch",)),
    ],
)
def test_hints_are_read_from_the_text(text: str, found: tuple[str, ...]) -> None:
    assert hints([text]) == found


@pytest.mark.skipif(any(Path("/dev").glob("nvidia*")), reason="there is a GPU")
def test_a_device_that_is_not_there_is_an_error_with_a_hint() -> None:
    with pytest.raises(SandboxError, match="no NVIDIA device") as caught, Sandbox(Policy(executor=EXECUTOR, device="cuda")) as sandbox:
        sandbox.run(Job(code=""))
    assert "--device cpu" in caught.value.hint


def test_processor_time_can_be_limited_by_itself(sandbox: Sandbox) -> None:
    outcome = sandbox.run(Job(code="while True:\n    pass", timeout=60, processor=1.0))
    assert (outcome.kind, outcome.detail) == ("timeout", "the processor time allowed was used up")
    assert sandbox.run(Job(code="import time\ntime.sleep(1.5)\nprint('x')", processor=1.0)).kind == "ok"


@pytest.mark.torch
def test_a_job_loads_nothing_of_ours_that_it_does_not_use() -> None:
    """A module that is imported in the job is compiled anew in each, which took a quarter of a small snippet's time."""
    code = """
import sys
import torch
before = set(sys.modules)

class Net(torch.nn.Module):
    def forward(self, x):
        loaded = sorted(set(sys.modules) - before)
        if loaded:
            raise RuntimeError(loaded)
        return x
"""
    with Sandbox(Policy()) as sandbox:
        (exercise,) = sandbox.run(Job(code=code)).exercises
    assert exercise.output is not None, exercise
