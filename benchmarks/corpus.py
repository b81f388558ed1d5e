"""Rows a second and peak memory of the parent as a corpus grows: JSONL through the stages that are asked for.

python benchmarks/corpus.py [ROWS,ROWS,...] [--stage static] [--jobs 2]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

RUN = """
import resource, sys, time
from collections.abc import Iterator
from pathlib import Path
from snipfix.config import Options
from snipfix.corpus import run
from snipfix.engines import make
from snipfix.model import Stage
folder, stage, jobs, engine = Path(sys.argv[1]), Stage(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
rows, started, samples = int(sys.argv[5]), time.perf_counter(), []
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
with make(engine, Options(stage=stage, jobs=jobs, cache=False)) as entered:
    results = entered.results
    def counted(*args, **named) -> Iterator:
        for number, result in enumerate(results(*args, **named), 1):
            if number % (rows // 5) == 0:
                samples.append(resident())
            yield result
    entered.results = counted
    totals = run(folder / "in.jsonl", "code", folder / "out.jsonl", entered)
seconds = time.perf_counter() - started
print(totals.rows, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *samples)
"""


def write(file: Path, rows: int) -> None:
    """Rows that all differ; one in ten does not parse, one in ten uses a name that is not there."""
    with file.open("w") as out:
        for number in range(rows):
            end = ")" if number % 10 == 3 else f"print(missing_{number})" if number % 10 == 7 else "print(total)"
            out.write(json.dumps({"code": f"total = 0\nfor value in range({number}, {number + 3}):\n    total += value\n{end}\n"}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", default="1000,10000,100000")
    parser.add_argument("--stage", default="static")
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--engine", default="local")
    given = parser.parse_args()
    print("| rows | seconds | rows a second | the parent's peak, MB | its memory after each fifth of the rows, MB |\n|--:|--:|--:|--:|---|")
    for rows in map(int, given.rows.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder, "in.jsonl"), rows)
            command = [sys.executable, "-c", RUN, folder, given.stage, given.jobs, given.engine, str(rows)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
            done, seconds, memory, *samples = map(float, said.split())
        assert done == rows
        print(
            f"| {rows} | {seconds:.1f} | {rows / seconds:.0f} | {memory:.0f} | {', '.join(f'{one:.0f}' for one in samples)} |", flush=True
        )


if __name__ == "__main__":
    main()
