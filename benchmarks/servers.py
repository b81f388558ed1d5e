"""Fork servers side by side: seconds until all are ready and the memory they hold, each started for itself and all forked from one that has loaded torch.

python benchmarks/servers.py [2,4,8,16]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from unittest import mock

from snipfix.sandbox.pool import Pool
from snipfix.sandbox.server import Template


def processes(root: int) -> list[int]:
    """A process and all below it."""
    found = [root]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def held_mb(pool: Pool) -> int:
    """Megabytes of the fork servers, and of what they are forked from; what several share is counted once (`Pss`)."""
    servers = [box._server for box in pool._boxes if box._server]
    roots = {each._process.pid for each in (*servers, pool._template) if each and each._process}
    every = {pid for root in roots for pid in processes(root)}
    rows = [line.split() for pid in every for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
    return sum(int(row[1]) for row in rows if row[0] == "Pss:") >> 10


def started(jobs: int) -> tuple[float, int]:
    """Seconds until all are ready, and megabytes held then."""
    began = time.perf_counter()
    with Pool(jobs=jobs) as pool:
        for box in pool._boxes:
            box.isolation()
        return time.perf_counter() - began, held_mb(pool)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="?", default="2,4,8,16")
    given = parser.parse_args()
    print("| fork servers | each for itself: s | MB | forked: s | MB |\n|--:|--:|--:|--:|--:|")
    for jobs in map(int, given.sizes.split(",")):
        with mock.patch.object(Template, "serves", return_value=False):
            alone, apart = started(jobs)
        forked, shared = started(jobs)
        print(f"| {jobs} | {alone:.1f} | {apart} | {forked:.1f} | {shared} |", flush=True)


if __name__ == "__main__":
    main()
