"""Wall time of an audit beside what it cannot go below: the start of the fork server and the compute in it, divided by the cores.

"Own" is what the snippets' own texts took in the sandbox, all stages and probes, once each; "behind" is what the mended texts took that are tried to see
what an error hides. Both are processor seconds of the jobs alone, forks included. "Least" is start + (own + behind) / cores.

python benchmarks/scaling.py [DOCUMENT] [--jobs 1,2,4] [--quick]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from snipfix import documents
from snipfix.config import Options
from snipfix.engines.local import LocalEngine, cores
from snipfix.evidence import Job, Outcome
from snipfix.model import Result, Snippet
from snipfix.sandbox.pool import Pool

SLOWEST = 10


def preload() -> float:
    """Seconds until one fork server is ready."""
    started = time.perf_counter()
    with Pool(jobs=1) as pool:
        pool.isolation()
    return time.perf_counter() - started


def audit(snippets: list[Snippet], jobs: int, quick: bool) -> tuple[float, float, float, float, list[Result]]:
    """Seconds; processor seconds of the texts as they are, of those that are tried behind them, and of this process; and the results without a cache."""
    started, own, behind, here = time.perf_counter(), list[float](), list[float](), time.process_time()
    texts = {snippet.code for snippet in snippets}
    with LocalEngine(Options(jobs=jobs, quick=quick, cache=False, timeout=300)) as engine:
        assert engine.target is not None
        run = engine.target.run

        def counted(job: Job) -> Outcome:
            outcome = run(job)
            (own if job.code in texts else behind).append(outcome.usage.cpu)
            return outcome

        engine.target.run = counted
        results = list(engine.results(snippets))
    return time.perf_counter() - started, sum(own), sum(behind), time.process_time() - here, results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", nargs="?", default=".", type=Path)
    parser.add_argument("--jobs", default=",".join(str(jobs) for jobs in sorted({1, cores(), 2 * cores()})))
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    snippets = [snippet for document in documents.collect([given.document]) for snippet in document.snippets]
    ready, rows = preload(), list[str]()
    for jobs in map(int, given.jobs.split(",")):
        wall, own, behind, here, results = audit(snippets, jobs, given.quick)
        least = ready + (own + behind) / min(jobs, cores())
        rows.append(f"| {jobs} | {wall:.1f} | {own:.1f} | {behind:.1f} | {here:.1f} | {least:.1f} | {wall / least:.2f} |")
    print(f"{len(snippets)} snippets, {cores()} cores, a fork server is ready after {ready:.1f} s\n")
    print("| jobs | wall s | own s | behind s | parent's s | least s | wall / least |\n|--:|--:|--:|--:|--:|--:|--:|")
    print("\n".join(rows))
    print("\n| snippet | seconds |\n|---|---|")
    for result in sorted(results, key=lambda one: -one.seconds)[:SLOWEST]:
        print(f"| {result.snippet.id} | {result.seconds:.1f} |")


if __name__ == "__main__":
    main()
