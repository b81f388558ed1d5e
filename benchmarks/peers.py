"""Cost of a snippet beside peers on the same document: N small snippets, each with `import torch`.

Peers run every block; most share one process for all of them, which is cheaper and lets blocks see each other, and none looks deeper than "it ran".
Installed into the interpreter that runs this: sybil pytest-examples pytest-markdown-docs doccmd nbmake ipykernel, torch. What is missing is left out.

python benchmarks/peers.py [N,N,...] [--snipfix COMMAND]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CODE = "import torch\n\nx = torch.full((2, 3), {0}.0)\nassert x.sum().item() == 6 * {0}.0\nprint(x.shape)\n"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:snipfix"]
SYBIL = """
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"]).pytest()
"""
EXAMPLES = """
import pytest
from pytest_examples import CodeExample, EvalExample, find_examples
@pytest.mark.parametrize("example", find_examples("page.md"), ids=str)
def test_page(example: CodeExample, eval_example: EvalExample):
    eval_example.run(example)
"""
MOST_PROCESSES = 20
"""Peers that start an interpreter for every snippet are measured on no more: each further one costs the same, so the cell is marked with a tilde."""
PATIENCE = 180
"""Seconds for one cell."""


def write(folder: Path, count: int) -> None:
    """One document as Markdown, as a notebook and as files."""
    codes = [CODE.format(number) for number in range(count)]
    (folder / "page.md").write_text("# Page\n\n" + "\n".join(f"## {number}\n\n```python\n{code}```\n" for number, code in enumerate(codes)))
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": c}
        for n, c in enumerate(codes)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (folder / "page.ipynb").write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    (folder / "conftest.py").write_text("")
    (folder / "test_examples.py").write_text(EXAMPLES)
    (folder / "sybil").mkdir()
    (folder / "sybil" / "conftest.py").write_text(SYBIL)
    (folder / "sybil" / "page.md").write_text((folder / "page.md").read_text())
    (folder / "plain").mkdir()
    for number, code in enumerate(codes):
        (folder / "plain" / f"{number}.py").write_text(code)


def commands(snipfix: str) -> dict[str, tuple[str, str, bool]]:
    """By name: the module that must be there, the command, and whether it starts an interpreter for every snippet."""
    pytest, python = shlex.join(PYTEST), shlex.quote(sys.executable)
    audit = f"{snipfix} audit page.md --no-cache --exit-zero --format json --output report.json"
    return {
        "snipfix audit": ("torch", audit, False),
        "snipfix audit --stage run": ("torch", f"{audit} --stage run", False),
        "sybil": ("sybil", f"{pytest} sybil", False),
        "pytest-examples": ("pytest_examples", f"{pytest} test_examples.py", False),
        "pytest-markdown-docs": ("pytest_markdown_docs", f"{pytest} --markdown-docs page.md", False),
        "nbmake": ("nbmake", f"{pytest} --nbmake page.ipynb", False),
        "doccmd": ("doccmd", f"{python} -m doccmd --language=python --command={python} --no-pad-file page.md", True),
        "python, one process each": ("torch", f"for file in plain/*.py; do {python} $file; done", True),
    }


def seconds(command: str, folder: Path) -> tuple[float, float]:
    """Wall and processor time of a command. Raises CalledProcessError when it fails: a peer that did not run is not compared."""
    started, before = time.perf_counter(), processor()
    with subprocess.Popen(
        command, shell=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as running:
        try:
            out, error = running.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command, out, error)
    return time.perf_counter() - started, processor() - before


def processor() -> float:
    """Processor seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cell(command: str, count: int, *, many: bool) -> str:
    """Milliseconds a snippet, by the clock and of the processor; with a tilde where they were measured on fewer."""
    measured = min(count, MOST_PROCESSES) if many else count
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), measured)
        try:
            wall, spent = (value / measured * 1000 for value in seconds(command, Path(place)))
        except subprocess.TimeoutExpired:
            return f"over {PATIENCE // 60} min"
        except subprocess.CalledProcessError as error:
            print((error.stdout + error.stderr).decode()[-600:], file=sys.stderr)
            return "fails"
    return f"{'~' if measured < count else ''}{wall:.0f} ({spent:.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="?", default="1,100,1000")
    parser.add_argument("--snipfix", default=f"{sys.executable} -m snipfix")
    given = parser.parse_args()
    counts = [int(count) for count in given.counts.split(",")]
    print("| " + " | ".join(["milliseconds a snippet, in brackets of the processor", *(f"{count} snippets" for count in counts)]) + " |")
    print("|---" * (len(counts) + 1) + "|")
    for name, (module, command, many) in commands(given.snipfix).items():
        if importlib.util.find_spec(module) is None:
            continue
        cells = [cell(command, count, many=many) for count in counts]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
