"""`python -m benchmarks.repair [--programs PATH...] [--faults KIND...] [--seed N] [--limit N] [--together N] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.repair.cases import cases, programs
from benchmarks.repair.fault import FAULTS
from benchmarks.repair.measure import measure
from benchmarks.repair.table import machine, markdown
from snipfix.config import Options
from snipfix.engines.local import LocalEngine

HERE = Path(__file__).parents[1] / "programs"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repair", description=__doc__)
    parser.add_argument("--programs", nargs="+", type=Path, default=[HERE], help="files and folders of right programs")
    parser.add_argument("--faults", nargs="+", choices=list(FAULTS), default=list(FAULTS), metavar="KIND", help=", ".join(FAULTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=4, help="cases of each kind")
    parser.add_argument("--together", type=int, default=20, help="cases of two faults, and of three")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write everything that was measured here")
    return parser.parse_args()


def main() -> None:
    asked, started = arguments(), time.monotonic()
    options = Options(jobs=asked.jobs, quick=True, timeout=20.0, tries=80, search_seconds=30.0, cache=False)
    with LocalEngine(options) as engine:
        run = engine.auditor.run
        assert run is not None
        found = cases(
            run,
            programs(asked.programs),
            asked.faults,
            seed=asked.seed,
            limit=asked.limit,
            together=asked.together,
            jobs=asked.jobs,
        )
        print(f"{len(found)} cases after {time.monotonic() - started:.0f} s", file=sys.stderr)
        measured = list(measure(engine, run, found))
    print(markdown(measured))
    print(f"{len(measured)} cases in {time.monotonic() - started:.0f} s", file=sys.stderr)
    if asked.json:
        asked.json.write_text(json.dumps(machine(measured), ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
