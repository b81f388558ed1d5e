"""Fork servers side by side are forked from one process: they share what it has loaded, and depend on it for nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from snipfix.errors import SandboxError
from snipfix.evidence import Job
from snipfix.sandbox import client
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import Policy
from snipfix.sandbox.pool import Pool
from snipfix.sandbox.server import Forked, Server, Template

pytestmark = pytest.mark.skipif(not Template.serves(Policy()), reason="processes are not known by descriptor here")

EXECUTOR = str(Path(__file__).parents[1] / "hostile" / "plain_executor.py")
PLAIN = Policy(executor=EXECUTOR, preload=())
LIGHT = Policy(executor=EXECUTOR, preload=(), isolation="process")
MODULES = Job(code="import sys\nprint('torch' in sys.modules)")


def server_of(box: Sandbox) -> Server:
    """The fork server of a sandbox, ready."""
    box.isolation()
    assert box._server is not None
    return box._server


def process_of(box: Sandbox) -> int:
    process = server_of(box)._process
    assert process is not None
    return process.pid


def template_of(pool: Pool) -> Template:
    assert pool._template is not None
    return pool._template


def end(template: Template) -> None:
    """Kill it, as the kernel may when memory is short."""
    assert template._process is not None
    os.kill(template._process.pid, signal.SIGKILL)
    template._process.wait(10)


def soon(true: Callable[[], bool]) -> bool:
    for _ in range(200):
        if true():
            return True
        time.sleep(0.05)
    return False


def own_memory(pid: int) -> int:
    """Megabytes of a process, and of all below it, that no other has."""
    found = [pid]
    for one in found:
        found += [int(child) for task in Path(f"/proc/{one}/task").iterdir() for child in (task / "children").read_text().split()]
    rows = [line.split() for one in found for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()[1:]]
    return sum(int(row[1]) for row in rows if row[0] == "Private_Dirty:") >> 10


@pytest.mark.torch
def test_what_is_loaded_is_held_once() -> None:
    """Torch takes some 220 MB in each process that loads it for itself."""
    with Pool(Policy(executor=EXECUTOR), jobs=3) as pool:
        assert all(isinstance(server_of(box)._process, Forked) for box in pool._boxes)
        assert all(box.run(MODULES).stdout == "True\n" for box in pool._boxes)
        held = [own_memory(process_of(box)) for box in pool._boxes]
    assert max(held) < 100, held


@pytest.mark.parametrize("policy", [PLAIN, LIGHT], ids=["auto", "process"])
def test_each_confines_itself_as_one_that_was_started_alone(policy: Policy) -> None:
    with Sandbox(policy) as alone, Pool(policy, jobs=2) as pool:
        for box in pool._boxes:
            assert box.isolation() == alone.isolation()
        look = Job(code="import os, tempfile\nprint(sorted(os.environ), os.path.exists(tempfile.gettempdir()), os.listdir('.'))")
        assert [box.run(look).stdout for box in pool._boxes] == [alone.run(look).stdout] * 2
        folders = {server_of(box).scratch for box in pool._boxes}
        assert len(folders) == 2


@pytest.mark.parametrize("policy", [PLAIN, LIGHT], ids=["auto", "process"])
def test_the_template_may_end_before_or_after_they_are_there(policy: Policy) -> None:
    with Pool(policy, jobs=2) as pool:
        end(template_of(pool))
        assert all(box.run(Job(code="print('x')")).stdout == "x\n" for box in pool._boxes)
    with Pool(policy, jobs=2) as pool:
        assert all(process_of(box) > 0 for box in pool._boxes)
        end(template_of(pool))
        assert all(box.run(Job(code="print('x')")).stdout == "x\n" for box in pool._boxes)
        server_of(pool._boxes[0]).hang_up()
        assert all(box.run(Job(code="print('x')")).stdout == "x\n" for box in pool._boxes)


def test_one_that_is_lost_is_forked_anew_and_the_others_go_on() -> None:
    with Pool(PLAIN, jobs=2) as pool:
        lost, other = (process_of(box) for box in pool._boxes)
        server_of(pool._boxes[0]).hang_up()
        assert all(box.run(Job(code="print('x')")).stdout == "x\n" for box in pool._boxes)
        assert isinstance(server_of(pool._boxes[0])._process, Forked)
        assert process_of(pool._boxes[0]) != lost
        assert process_of(pool._boxes[1]) == other


def test_after_many_crashes_it_gets_a_memory_layout_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CRASHES", 1)
    where = Job(code="import ctypes\nprint(ctypes.cast(ctypes.CDLL(None).malloc, ctypes.c_void_p).value)")
    with Pool(PLAIN, jobs=2) as pool:
        first, other = (box.run(where).stdout for box in pool._boxes)
        assert first == other != ""
        assert pool._boxes[0].run(Job(code="import os; os.abort()")).kind == "crashed"
        assert isinstance(server_of(pool._boxes[0])._process, subprocess.Popen)
        assert isinstance(server_of(pool._boxes[1])._process, Forked)
        assert pool._boxes[0].run(where).stdout not in ("", first)


@pytest.mark.torch
def test_what_many_jobs_need_is_loaded_where_all_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SETTLE_AFTER", 2)
    with Pool(PLAIN, jobs=2) as pool:
        before = [process_of(box) for box in pool._boxes]
        for box in pool._boxes:
            for _ in range(3):
                assert box.run(Job(code="import torch")).kind == "ok"
        after = [process_of(box) for box in pool._boxes]
        assert not set(before) & set(after)
        assert all(box.run(MODULES).stdout == "True\n" for box in pool._boxes)
        assert max(map(own_memory, after)) < 100
        for box in pool._boxes:
            box.run(Job(code=""))
        assert [process_of(box) for box in pool._boxes] == after, "it settles once"


def test_an_interpreter_that_is_none_is_an_error_with_a_hint() -> None:
    for python in ("/no/such/python", "/bin/true"):
        with pytest.raises(SandboxError) as caught, Pool(Policy(python=python, executor=EXECUTOR), jobs=2) as pool:
            pool.run(Job(code=""))
        assert python in str(caught.value)
        assert "--python" in caught.value.hint


@pytest.mark.parametrize("ready", [True, False], ids=["ready", "at once"])
def test_nothing_is_left_when_a_pool_closes(ready: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Pool(PLAIN, jobs=3) as pool:
        if ready:
            assert all(process_of(box) > 0 for box in pool._boxes)
    assert not list(tmp_path.iterdir())
    assert soon(lambda: not _mentioning(str(tmp_path)))


@pytest.mark.parametrize("mode", ["auto", "nons", "process"])
def test_the_parents_end_is_the_end_of_all(mode: str, tmp_path: Path) -> None:
    code = f"""
import os, signal, threading, time
from snipfix.evidence import Job
from snipfix.sandbox.pool import Pool
from snipfix.sandbox.policy import Policy
pool = Pool(Policy(executor={EXECUTOR!r}, preload=(), isolation={mode!r}), jobs=2).__enter__()
for box in pool._boxes:
    box.isolation()
    threading.Thread(target=box.run, args=(Job(code="import time; time.sleep(600)", timeout=600),)).start()
time.sleep(0.3)
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], timeout=60, check=False, env=environment, capture_output=True)
    assert soon(lambda: not _mentioning(str(tmp_path)))


def _mentioning(folder: str) -> list[str]:
    """The processes that were started with this folder for their temporary files, and still run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue  # it has just ended
    return found
