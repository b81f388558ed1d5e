"""The runs of a workspace, remembered: the last JSON reports, compressed, below its .snipfix/ folder. Each has a number that stays its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from snipfix.errors import UsageError
from snipfix.files import write_atomic
from snipfix.model import RunReport
from snipfix.report.compare import Past, load
from snipfix.report.machine import render

__all__ = ["FOLDER", "KEPT", "Run", "add", "run_file", "runs"]

FOLDER = Path(".snipfix/history")
KEPT = 30
"""Runs that are remembered; the oldest goes first."""
END = ".json.gz"


@dataclass(frozen=True, slots=True)
class Run:
    """One remembered run."""

    number: int
    file: Path

    @property
    def when(self) -> str:
        """When it ended, in local time."""
        return dt.datetime.fromtimestamp(self.file.stat().st_mtime).astimezone().strftime("%Y-%m-%d %H:%M:%S")

    def past(self) -> Past:
        return load(self.file)

    def counts(self) -> tuple[str, Counter[str], str]:
        """What was done, how its snippets ended (after the repair where there was one), and their language. Raises UsageError."""
        past = self.past()
        return past.command, Counter(one.repair.verdict if one.repair else one.verdict for one in past.snippets), past.language


def runs(folder: Path = FOLDER) -> list[Run]:
    """The remembered runs, newest first."""
    found = [Run(int(number), file) for file in folder.glob(f"*{END}") if (number := file.name.removesuffix(END)).isdecimal()]
    return sorted(found, key=lambda run: -run.number)


def add(report: RunReport, folder: Path = FOLDER) -> None:
    """Remember a run and forget those beyond the last ones."""
    known = runs(folder)
    number = known[0].number + 1 if known else 1
    write_atomic(folder / f"{number}{END}", gzip.compress(render(report).encode("utf-8", "surrogatepass"), mtime=0))
    for old in known[KEPT - 1 :]:
        with contextlib.suppress(OSError):
            old.file.unlink()


def run_file(name: str, folder: Path = FOLDER) -> Path:
    """The file of a run named by its number, by `last` or `last~N`, or by the path of a JSON report.

    Raises:
        UsageError: when there is no such run.
    """
    known = runs(folder)
    back = name.removeprefix("last~") if name.startswith("last~") else "0" if name == "last" else ""
    if back.isdecimal() and int(back) < len(known):
        return known[int(back)].file
    if name.isdecimal() and (found := next((run for run in known if run.number == int(name)), None)):
        return found.file
    if Path(name).is_file():
        return Path(name)
    raise UsageError(
        f"there is no run {name!r} and no such file", hint="`snipfix report --history` lists the runs; `last~1` is the one before the last"
    )
