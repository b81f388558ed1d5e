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
from pathlib import Path
from snipfix.config import Options
from snipfix.corpus import run
from snipfix.engines import make
from snipfix.model import Stage
folder, stage, jobs, engine = Path(sys.argv[1]), Stage(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
started = time.perf_counter()
with make(engine, Options(stage=stage, jobs=jobs, cache=False)) as entered:
    totals = run(folder / "in.jsonl", "code", folder / "out.jsonl", entered)
seconds = time.perf_counter() - started
print(totals.rows, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
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
    print("| rows | seconds | rows a second | peak memory of the parent, MB |\n|---|---|---|---|")
    for rows in map(int, given.rows.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder, "in.jsonl"), rows)
            command = [sys.executable, "-c", RUN, folder, given.stage, given.jobs, given.engine]
            done, seconds, memory = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-3:])
        assert done == rows
        print(f"| {rows} | {seconds:.1f} | {rows / seconds:.0f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
