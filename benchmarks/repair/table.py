"""The measured table, by kind, as Markdown and as JSON; and the list of what went wrong."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.repair.measure import Measured

HEAD = """| kind | cases | detected | category right | repaired | equivalently | made worse | tries | seconds | lines changed / injected |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""


def markdown(measured: Sequence[Measured]) -> str:
    """One row per kind, one for all single faults, one for everything; then the failures."""
    rows = [row(kind, found) for kind, found in by_kind(measured).items()]
    rows.append(row("**all single**", [one for one in measured if len(one.case.faults) == 1]))
    rows.append(row("**all**", measured))
    failures = [f"- {one.case.id}: {one.failure}" for one in measured if one.failure]
    return "\n".join([HEAD, *rows, "", f"{len(failures)} of {len(measured)} cases are not as they should be:", "", *failures])


def by_kind(measured: Iterable[Measured]) -> dict[str, list[Measured]]:
    kinds: dict[str, list[Measured]] = defaultdict(list)
    for one in measured:
        kinds[one.case.kind].append(one)
    return kinds


def row(kind: str, measured: Sequence[Measured]) -> str:
    if not measured:
        return f"| {kind} | 0 |" + " |" * 8
    counts = [
        sum(one.detected for one in measured),
        sum(one.category_right for one in measured),
        sum(one.repaired for one in measured),
        sum(one.equivalent for one in measured),
    ]
    shares = [f"{100 * count / len(measured):.0f} %" for count in counts]
    numbers = [
        str(sum(one.worse for one in measured)),
        f"{statistics.median(one.tries for one in measured):.0f}",
        f"{statistics.median(one.seconds for one in measured):.1f}",
        sizes([one for one in measured if one.repaired]),
    ]
    return f"| {kind} | {len(measured)} | " + " | ".join([*shares, *numbers]) + " |"


def sizes(repaired: Sequence[Measured]) -> str:
    """The median number of lines that a repair changes, against that of its faults."""
    if not repaired:
        return ""
    return f"{statistics.median(one.changed for one in repaired):.0f} / {statistics.median(one.injected for one in repaired):.0f}"


def machine(measured: Iterable[Measured]) -> list[dict[str, Any]]:
    """Everything that was measured, for another program."""
    return [
        {
            "program": one.case.program.name,
            "faults": [fault.kind for fault in one.case.faults],
            "detected": one.detected,
            "category_right": one.category_right,
            "repaired": one.repaired,
            "equivalent": one.equivalent,
            "worse": one.worse,
            "tries": one.tries,
            "seconds": round(one.seconds, 3),
            "lines_changed": one.changed,
            "lines_injected": one.injected,
            "findings": [f"{finding.rule} {finding.name}: {finding.message}" for finding in one.findings],
            "failure": one.failure,
            "broken": one.case.text,
            "corrected": one.result.repair.corrected if one.result.repair else None,
        }
        for one in measured
    ]
