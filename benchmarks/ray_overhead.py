"""The same small snippets on the local engine and on Ray, both with as many fork servers; what starting Ray takes is told by itself.

python benchmarks/ray_overhead.py [N] [--jobs 2] [--stage run]
"""

from __future__ import annotations

import argparse
import os
import time

from snipfix.config import Options
from snipfix.engines import make
from snipfix.engines.local import cores
from snipfix.model import Result, Snippet, Stage

CODE = "total = 0\nfor value in range({0}):\n    total += value\nprint(total)\n"


def timed(engine: str, snippets: list[Snippet], options: Options) -> tuple[float, float, list[Result]]:
    """Seconds until the first result, seconds from there to the last, and the results."""
    started = time.perf_counter()
    with make(engine, options) as entered:
        warm = list(entered.results([Snippet(f"warm{number}", "", f"warm{number}", "x = 1\n") for number in range(2 * options.jobs)]))
        assert warm
        ready = time.perf_counter()
        results = list(entered.results(snippets))
        return ready - started, time.perf_counter() - ready, results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=cores())
    parser.add_argument("--stage", default="run")
    given = parser.parse_args()
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    snippets = [Snippet(f"s{number}", "", f"d{number}", CODE.format(number)) for number in range(given.count)]
    options = Options(stage=Stage(given.stage), jobs=given.jobs, cache=False)
    rows = {name: timed(name, snippets, options) for name in ("local", "ray")}
    assert [one.verdict for one in rows["local"][2]] == [one.verdict for one in rows["ray"][2]], "the engines differ"
    print(f"{given.count} snippets, {given.jobs} fork servers, stage {given.stage}; the verdicts are the same\n")
    print("| engine | seconds until ready | seconds for the snippets | milliseconds a snippet |\n|---|--:|--:|--:|")
    for name, (ready, seconds, _) in rows.items():
        print(f"| {name} | {ready:.1f} | {seconds:.1f} | {1000 * seconds / given.count:.1f} |")


if __name__ == "__main__":
    main()
