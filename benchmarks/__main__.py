"""Every table of figures, by one command: what a snippet costs, beside peers, over jobs, from the cache, as a corpus, on Ray.

python -m benchmarks [NAME ...] [--quick] [--python INTERPRETER]

Each is a program of its own (`python benchmarks/NAME.py --help`); --quick takes the small sizes, in minutes rather than an hour.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
TABLES: dict[str, tuple[str, str, str]] = {
    "sandbox": ("What confinement costs a snippet", "sandbox.py", "sandbox.py"),
    "static": ("The static stage", "static.py", "static.py"),
    "cache": ("A second audit of unchanged snippets", "cache.py 10000", "cache.py 1000"),
    "servers": ("Fork servers side by side", "servers.py", "servers.py 2"),
    "scaling": ("An audit of this repository over jobs", "scaling.py --jobs 1,2,4", "scaling.py snippets/ --jobs 1,2 --quick"),
    "corpus-static": ("A corpus, static stage, JSONL in and out", "corpus.py 10000,50000,100000", "corpus.py 1000,5000,10000"),
    "corpus-run": ("A corpus, run stage", "corpus.py 100000 --stage run", "corpus.py 500,1000 --stage run"),
    "ray": ("The same rows on this machine and on Ray", "ray_overhead.py 2000", "ray_overhead.py 200"),
    "peers": ("Beside peers, on the same document", "peers.py 1,100,1000", "peers.py 1,20"),
    "repair": ("Repair of right programs with injected faults", "-m benchmarks.repair", "-m benchmarks.repair --limit 1 --together 2"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TABLES)}; all without one")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers installed")
    given = parser.parse_args()
    if unknown := set(given.names) - set(TABLES):
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load} at the start\n")
    return max(show(name, quick=given.quick, python=given.python) for name in given.names or TABLES)


def show(name: str, *, quick: bool, python: str) -> int:
    """Print one table. Gives the exit status of its program."""
    title, full, small = TABLES[name]
    first, *rest = shlex.split(small if quick else full)
    print(f"## {title} (`{name}`)\n", flush=True)
    if name == "ray" and importlib.util.find_spec("ray") is None:
        print("Ray is not installed: pip install 'snipfix[ray]'\n")
        return 0
    command = [sys.executable, first, *rest] if first == "-m" else [sys.executable, str(HERE / first), *rest]
    if name == "peers" and python != sys.executable:
        command = [python, *command[1:], "--snipfix", f"{shlex.quote(sys.executable)} -m snipfix"]
    started = time.perf_counter()
    status = subprocess.run(command, cwd=HERE.parent, check=False).returncode
    print(f"\n{'Failed' if status else 'Measured'} in {time.perf_counter() - started:.0f} s.\n", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
