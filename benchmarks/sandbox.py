"""What a confined process costs beyond the snippet's own work: `python benchmarks/sandbox.py [RUNS]`.

Prints a Markdown table of medians, quartiles and minima, in milliseconds; on a busy machine the minima say most. Each row runs the same empty snippet; rows of the sandbox differ in
the layers that are on. "fork alone" forks and waits in the same warmed process without any confinement.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

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
for _ in range({runs}):
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    print(1000 * (time.perf_counter() - start))
"""


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    before = f"{os.getloadavg()[0]:.1f}"
    print("| what | median ms | quartiles | least |\n|---|---|---|---|")
    bare = row("fork alone, torch loaded, huge pages", forks(runs, collapsed=True))
    row("fork alone, torch loaded", forks(runs, collapsed=False))
    for mode, name in (("process", "limits only"), ("nsonly", "namespaces"), ("nons", "Landlock and seccomp"), ("full", "all layers")):
        sandboxed(f"{name}, empty snippet", Policy(isolation=mode, executor=EXECUTOR, ahead=False), EMPTY, runs)
    full = sandboxed("all layers, forked ahead, empty snippet", Policy(isolation="full", executor=EXECUTOR), EMPTY, runs)
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
    print(
        f"\nLoad {before} before, {os.getloadavg()[0]:.1f} after. All layers cost {full / bare:.1f} times a bare fork of the same process."
    )


def row(name: str, seconds: list[float]) -> float:
    """Print one row; gives the median in milliseconds."""
    low, middle, high = (1000 * value for value in statistics.quantiles(seconds, n=4))
    print(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} | {1000 * min(seconds):.2f} |", flush=True)
    return middle


def forks(runs: int, *, collapsed: bool) -> list[float]:
    code = BARE.format(child=str(CHILD), runs=runs + 5, collapse="warm.collapse()" if collapsed else "")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return [float(line) / 1000 for line in done.stdout.split()][5:]


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
