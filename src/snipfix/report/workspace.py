"""The files of a workspace's reports/: `index.html`, `report.md`, `report.json`, `diffs/*.diff`, `corrected/*.py`.

Deterministic: no time, host, duration, object address or absolute path, so that a second run changes no byte. `corrected/` is a complete
set: the corrected text of each repaired snippet, and each snippet that was right as it stands. What still fails is not in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from snipfix.diff import unified
from snipfix.evidence import Outcome, Usage
from snipfix.files import write_atomic
from snipfix.model import Repair, RepairVerdict, Result, RunReport, Snippet, Verdict
from snipfix.report import render
from snipfix.report.summary import document_of, is_left
from snipfix.report.text import steady

__all__ = ["settled", "write"]

CODE = {"diff", "corrected", "edits", "snippet"}
"""Fields whose text is code, which nothing may change."""


def write(report: RunReport, folder: Path) -> list[Path]:
    """Write every file whole or not at all; remove what earlier runs left in diffs/ and corrected/. Returns the files that changed.

    Raises:
        OSError: when the folder cannot be written.
    """
    files = {folder / name: text for name, text in _files(settled(report, folder.parent))}
    changed = [path for path, text in files.items() if write_atomic(path, text.encode("utf-8", "surrogatepass"))]
    for stale in [*folder.glob("diffs/*.diff"), *folder.glob("corrected/*.py")]:
        if stale not in files:
            stale.unlink()
            changed.append(stale)
    return changed


def _files(report: RunReport) -> Iterator[tuple[str, str]]:
    yield "index.html", render(report, "html")
    yield "report.md", render(report, "markdown")
    yield "report.json", render(report, "json")
    for result in report.results:
        stem = _stem(result.snippet)
        if result.repair and result.repair.diff:
            yield f"diffs/{stem}.diff", result.repair.diff
        if _passes(result):
            yield f"corrected/{stem}.py", result.repair.corrected if result.repair else result.snippet.code


def _passes(result: Result) -> bool:
    """Whether there is a version of the snippet that was seen to run without an error."""
    if result.repair and result.repair.verdict is RepairVerdict.REPAIRED:
        return True
    return not is_left(result) and result.verdict is not Verdict.NOT_RUNNABLE


def _stem(snippet: Snippet) -> str:
    """A file name that stays in its folder, whatever the snippet is called."""
    name = Path(snippet.path).stem if snippet.path else snippet.id
    return re.sub(r"[^\w.-]", "_", name).lstrip(".") or "snippet"


def settled(report: RunReport, root: Path) -> RunReport:
    """The report with paths relative to `root`, and without what another run would give otherwise."""
    return replace(
        report,
        results=tuple(_settled(result, root) for result in report.results),
        skipped=tuple(replace(one, document=Path(one.document).name) for one in report.skipped),
        environment=_steady(report.environment),
        seconds=0.0,
    )


def _settled(result: Result, root: Path) -> Result:
    def near(path: str) -> str:
        return Path(os.path.relpath(path, root)).as_posix()

    snippet = replace(
        result.snippet, document=near(result.snippet.document), path=near(result.snippet.path) if result.snippet.path else None
    )
    repair: Repair | None = _steady(result.repair)
    if repair is not None:
        repair = replace(repair, diff=unified(snippet.code, repair.corrected, document_of(snippet)))
    calm: Result = _steady(replace(result, repair=None))
    return replace(calm, snippet=snippet, repair=repair, seconds=0.0)


def _steady(value: Any) -> Any:
    """The value with every text in it made steady, but for code; durations and memory are dropped."""
    if type(value) is str:
        return steady(value)
    if isinstance(value, Outcome):
        value = msgspec.structs.replace(value, usage=Usage())
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **{name: _steady(getattr(value, name)) for name in value.__struct_fields__})
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.name not in CODE]
        return replace(value, **{name: _steady(getattr(value, name)) for name in names})
    if isinstance(value, Mapping):
        return {key: _steady(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_steady(item) for item in value)
    return value
