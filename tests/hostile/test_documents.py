"""Documents, names and results that are made to harm whoever audits them: the host's side of the catalogue (103 to 105), one file each.

A file says which exits are right and which command is run in the folder that its `make` fills. Always: a word instead of a traceback, nothing
written outside the folder, nothing unpickled, no program started.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "documents").glob("d*.py"))
LARGE = {"d104_a_cell_of_sixty_megabytes"}
MEMORY = 3 << 30
"""Bytes of addresses that snipfix's own process may have."""


def made(path: Path, inside: Path) -> tuple[set[int], list[str]]:
    """The exits that are right and the arguments; the folder is filled."""
    marks = dict(
        line[2:].split(": ", 1) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(("# expect: ", "# then: "))
    )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make(inside)
    return {int(code) for code in marks["expect"].split()}, marks["then"].split()


@pytest.mark.skipif(sys.platform != "linux", reason="names and limits as Linux has them")
@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem, marks=[pytest.mark.long] if path.stem in LARGE else []) for path in FILES]
)
def test_it_harms_nobody(path: Path, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    expect, arguments = made(path, inside)
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir() if entry.is_file()}
    command = ["prlimit", f"--as={MEMORY}", sys.executable, "-m", "snipfix", *arguments]
    environment = os.environ | {"SNIPFIX_CACHE_DIR": str(inside / ".cache"), "TMPDIR": str(inside)}
    done = subprocess.run(command, cwd=inside, capture_output=True, text=True, timeout=120, check=False, env=environment, errors="replace")
    assert done.returncode in expect, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert "UNPICKLED" not in done.stdout + done.stderr
    assert "\x1b[31m" not in done.stdout + done.stderr
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir() if entry.is_file()} == before
    assert not [entry for entry in tmp_path.rglob("escaped*") if entry.suffix not in (".py", ".md")]
