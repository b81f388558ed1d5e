"""How many candidate repairs of a small snippet are tried in a second: `python -m benchmarks.candidates [ROUNDS]`.

Each candidate is a text of its own that is audited as the search does it: parsed, judged, run in a fresh fork with its training loop cut short,
exercised and probed. On a busy machine the best round says most; a column gives the processor time that the candidates themselves took, which
no load changes much.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from snipfix.config import Options
from snipfix.engines.local import LocalEngine, cores
from snipfix.model import Snippet
from snipfix.search import Search

CANDIDATES = 60
SNIPPET = """\
import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear({width}, 2)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))

net = Net()
x, y = torch.randn(4, 8), torch.tensor([0, 1, 0, 1])
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(50):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
print(loss.item())
"""
UNSOUND = """\
import torch
import torch.nn as nn

layer = nn.Linear(8, {width})
print(layer(torch.ones(2, 4)))
"""
KINDS = {
    "a layer alone, the candidate fails": lambda number: UNSOUND.format(width=number + 2),
    "model and training loop, the candidate fails": lambda number: SNIPPET.format(width=number + 17),
    "model and training loop, the candidate passes": lambda number: SNIPPET.format(width=16) + f"print({number})\n",
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    before = f"{os.getloadavg()[0]:.1f}"
    print("| candidate | jobs | candidates a second, best | median | processor ms each |\n|---|--:|--:|--:|--:|")
    for jobs in sorted({1, cores()}):
        with LocalEngine(Options(jobs=jobs, cache=False)) as engine:
            for kind, make in KINDS.items():
                measured = sorted(
                    once(engine, [make(number) + f"# {at}\n" for number in range(CANDIDATES)], jobs) for at in range(rounds + 1)
                )
                rates = [rate for rate, _ in measured]
                print(f"| {kind} | {jobs} | {rates[-1]:.0f} | {rates[len(rates) // 2]:.0f} | {min(cpu for _, cpu in measured):.0f} |")
    print(f"\nload {before} before, {os.getloadavg()[0]:.1f} after, on {cores()} cores", file=sys.stderr)


def once(engine: LocalEngine, texts: list[str], jobs: int) -> tuple[float, float]:
    """Candidates a second, and the processor milliseconds of one."""
    searches = [Search(engine.auditor, Snippet("s", "small", "benchmark", texts[0])) for _ in range(jobs)]
    started = time.perf_counter()
    with ThreadPoolExecutor(jobs) as threads:
        list(threads.map(lambda pair: [searches[pair[0]].audit(text) for text in pair[1]], [(at, texts[at::jobs]) for at in range(jobs)]))
    seconds = time.perf_counter() - started
    return len(texts) / seconds, 1000 * sum(search.processor for search in searches) / len(texts)


if __name__ == "__main__":
    main()
