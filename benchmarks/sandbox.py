"""What a confined process costs beyond the snippet's own work: `python -m benchmarks.sandbox [RUNS]`.

Prints a Markdown table of medians, quartiles and minima, in milliseconds; on a busy machine the minima say most. Each row runs the same empty snippet; rows of the sandbox differ in
the layers that are on. "fork alone" forks and waits in the same warmed process without any confinement. The last line compares the two in turns, so that both meet the same load.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from snipfix.evidence import Job
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import CHILD, Policy

EXECUTOR = str(Path(__file__).parents[1] / "tests" / "hostile" / "plain_executor.py")
EMPTY = Job(code="pass")
OBSERVED = Job(code="import torch", stage="run")
TORCH = Job(code="import torch\ntorch.ones(8, 8).mm(torch.ones(8, 8))")
TRAINING = Job(
    code="""
import torch
from torch import nn
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(5):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(torch.ones(3, 4)), torch.tensor([0, 1, 0])).backward()
    optimizer.step()
"""
)
# A fork server's process without the sandbox: what a fork and its end cost by themselves.
BARE = """
import gc, os, sys, time
sys.path.insert(0, {child!r})
import warm
gc.disable()
warm.load(("torch",))
{collapse}
for _ in sys.stdin:
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    print(time.perf_counter() - start, flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="?", type=int, default=100, help="how often each row is measured")
    runs = parser.parse_args().runs
    before = f"{os.getloadavg()[0]:.1f}"
    print("| what | median ms | quartiles | least |\n|---|---|---|---|")
    row("fork alone, torch loaded, huge pages", forks(runs, collapsed=True))
    row("fork alone, torch loaded", forks(runs, collapsed=False))
    for mode, name in (("process", "limits only"), ("nsonly", "namespaces"), ("nons", "Landlock and seccomp"), ("full", "all layers")):
        sandboxed(f"{name}, empty snippet", Policy(isolation=mode, executor=EXECUTOR, ahead=False), EMPTY, runs)
    sandboxed("all layers, forked ahead, empty snippet", Policy(isolation="full", executor=EXECUTOR), EMPTY, runs)
    latency(Policy(isolation="full", executor=EXECUTOR), runs)
    sandboxed("all layers, forked ahead, matrix product", Policy(isolation="full", executor=EXECUTOR), TORCH, runs)
    sandboxed("all layers, forked ahead, five steps of training", Policy(isolation="full", executor=EXECUTOR), TRAINING, runs)
    sandboxed("the same with the observers of an audit, empty snippet", Policy(isolation="full"), OBSERVED, runs)
    sandboxed("the same with the observers of an audit, five steps of training", Policy(isolation="full"), TRAINING, runs)
    few = max(3, runs // 20)
    row("a fresh python, empty file", programs([sys.executable, "-c", "pass"], few))
    row("a fresh python that imports torch", programs([sys.executable, "-c", "import torch"], few))
    if shutil.which("bwrap"):
        command = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", sys.executable, "-c", "pass"]
        row("bwrap with a fresh python, empty file", programs(command, few))
    print(f"\nLoad {before} before, {os.getloadavg()[0]:.1f} after. {in_turns(runs)}")


def row(name: str, seconds: list[float]) -> float:
    """Print one row; gives the median in milliseconds."""
    low, middle, high = (1000 * value for value in statistics.quantiles(seconds, n=4))
    print(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} | {1000 * min(seconds):.2f} |", flush=True)
    return middle


class Bare:
    """A context manager around a process like the fork server's, without the sandbox. `fork` gives the seconds that one fork and its end take there."""

    def __init__(self, *, collapsed: bool) -> None:
        code = BARE.format(child=str(CHILD), collapse="warm.collapse()" if collapsed else "")
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True, env=environment)

    def __enter__(self) -> Self:
        for _ in range(5):
            self.fork()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def fork(self) -> float:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def forks(runs: int, *, collapsed: bool) -> list[float]:
    with Bare(collapsed=collapsed) as bare:
        return [bare.fork() for _ in range(runs)]


def in_turns(runs: int) -> str:
    """What all layers cost beside a bare fork, each measured in turn with the other."""
    with Bare(collapsed=True) as bare, Sandbox(Policy(isolation="full", executor=EXECUTOR)) as sandbox:
        timed(lambda: sandbox.run(EMPTY), 40)
        pairs = [(bare.fork(), timed(lambda: sandbox.run(EMPTY), 1)[0]) for _ in range(runs)]
    alone, confined = zip(*pairs, strict=True)
    median, least = statistics.median(confined) / statistics.median(alone), min(confined) / min(alone)
    return f"In turns with a bare fork of the same process, all layers cost {median:.1f} times its median and {least:.1f} times its least."


def sandboxed(name: str, policy: Policy, job: Job, runs: int) -> float:
    with Sandbox(policy) as sandbox:
        for _ in range(40):  # past the point where the fork server asks for huge pages
            sandbox.run(job)
        return row(name, timed(lambda: sandbox.run(job), runs))


def latency(policy: Policy, runs: int) -> None:
    """From handing over a job to its last word, with a process forked ahead and a moment to do so."""
    with Sandbox(policy) as sandbox:
        seconds = []
        for number in range(runs + 40):
            time.sleep(0.02)
            start = time.monotonic()
            outcome = sandbox.run(Job(code="import time; print(time.monotonic())"))
            if number >= 40:
                seconds.append(float(outcome.stdout) - start)
        row("all layers, forked ahead: from the call to the snippet's first line", seconds)


def programs(command: list[str], runs: int) -> list[float]:
    return timed(lambda: subprocess.run(command, check=True, capture_output=True), runs)


def timed(run: Callable[[], object], runs: int) -> list[float]:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main()
