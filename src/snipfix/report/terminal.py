"""The report for people at a terminal: a table of the snippets, the findings as code frames, then a summary one can act on.

Plain and stable by default; colour and the terminal's width only where the caller asks for them. The live display is `Progress`.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from snipfix.model import RepairVerdict, Result, RunReport, Verdict
from snipfix.report.frames import STYLES as SEVERITIES
from snipfix.report.frames import frame
from snipfix.report.progress import STYLES as VERDICTS
from snipfix.report.progress import Progress
from snipfix.report.summary import by_category, by_severity, repairs, verdicts
from snipfix.report.text import clean, one_line, short

__all__ = ["Progress", "options", "render"]

WIDTH = 100
ENDINGS = {
    RepairVerdict.UNCHANGED: "green",
    RepairVerdict.REPAIRED: "green",
    RepairVerdict.PARTLY_REPAIRED: "yellow",
    RepairVerdict.UNREPAIRED: "red",
}
SLOW, SLOWEST = 2.0, 5
"""Seconds from which a snippet is slow, and how many of the slow ones are named."""
DIFF = {"+": "green", "-": "red", "@": "cyan"}


def options() -> dict[str, Any]:
    """The options of `render` that fit this process's stdout."""
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        return {}
    return {"color": not console.no_color and not console.is_dumb_terminal, "width": max(console.width, 60)}


def render(report: RunReport, *, color: bool = False, width: int = WIDTH) -> str:
    """The report as text, with ANSI colours only when asked for."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=color, no_color=not color, color_system="standard" if color else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    for part in _parts(report, width):
        if isinstance(part, Text) and not color:
            file.write(part.plain + "\n")
        else:
            console.print(part, soft_wrap=isinstance(part, Text))
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))


def _parts(report: RunReport, width: int) -> Iterator[RenderableType]:
    yield _table(report, width)
    for result in report.results:
        yield from _details(result)
    yield from _summary(report)


def _table(report: RunReport, width: int) -> Table:
    repaired = repairs(report) is not None
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("id", no_wrap=True, overflow="ellipsis", max_width=16)
    table.add_column("title", no_wrap=True, overflow="ellipsis", max_width=max(width - (76 if repaired else 60), 16))
    table.add_column("verdict", no_wrap=True)
    if repaired:
        table.add_column("repair", no_wrap=True)
    table.add_column("findings", overflow="fold", min_width=9)
    table.add_column("sec", justify="right", no_wrap=True)
    table.add_column("stand-ins", overflow="fold", min_width=9)
    for result in report.results:
        cells = [
            Text(short(result.snippet.id, 40)),
            Text(short(result.snippet.title, 200)),
            Text(result.verdict.value, VERDICTS[result.verdict]),
        ]
        if repaired:
            cells.append(_ending(result))
        cells += [_counts(result), Text(f"{result.seconds:.1f}"), Text(", ".join(short(one.what, 30) for one in result.stand_ins))]
        table.add_row(*cells)
    return table


def _ending(result: Result) -> Text:
    if result.repair is None:
        return Text("-")
    return Text(result.repair.verdict.value + (" (patch)" if result.repair.patch else ""), ENDINGS[result.repair.verdict])


def _counts(result: Result) -> Text:
    found = {name: count for name, count in by_severity(result.findings).items() if count}
    return Text(", ".join(_many(count, name) for name, count in found.items()) or "-")


def _many(count: int, name: str) -> str:
    return f"{count} {name}" + ("s" if count != 1 else "")


def _details(result: Result) -> Iterator[RenderableType]:
    """One snippet's findings, and what the repair made of it."""
    if not (result.findings or result.reason or (result.repair and result.repair.diff)):
        return
    snippet = result.snippet
    heading = Text("\n")
    heading.append(f"{one_line(snippet.id)}  ", "bold")
    heading.append(short(snippet.title, 120))
    heading.append(f"  [{result.verdict.value}]", VERDICTS[result.verdict])
    yield heading
    if result.reason:
        yield Text(f"  {one_line(result.reason)}")
    for finding in result.findings:
        yield frame(snippet, finding)
    yield from _repair(result)


def _repair(result: Result) -> Iterator[RenderableType]:
    repair = result.repair
    if repair is None or repair.verdict is RepairVerdict.UNCHANGED:
        return
    line = Text(repair.verdict.value, ENDINGS[repair.verdict])
    if repair.patch:
        line.append(f" by the reviewed patch fixes/{one_line(repair.patch)}")
    if repair.reason:
        line.append(f": {one_line(repair.reason)}")
    yield line
    for fix in repair.fixes:
        yield Text(f"  * {one_line(fix.title)} ({fix.rule or 'patch'}, {fix.applicability.value}, {fix.meaning.value} the meaning)")
    if repair.diff:
        diff = Text()
        for row in repair.diff.rstrip("\n").split("\n"):
            bold = row.startswith(("+++", "---"))
            diff.append(clean(row) + "\n", "bold" if bold else DIFF.get(row[:1], ""))
        yield diff
    for finding in repair.findings_after if repair.corrected != result.snippet.code else ():
        yield frame(result.snippet, finding, repair.corrected)


def _summary(report: RunReport) -> Iterator[RenderableType]:
    findings = [finding for result in report.results for finding in result.findings]
    yield Text("")
    for skipped in report.skipped:
        yield Text(
            f"not looked at: {one_line(skipped.document)}:{skipped.line} ({short(skipped.info, 40) or 'no info'}): {one_line(skipped.reason)}"
        )
    if findings:
        yield Text("categories: " + ", ".join(f"{count} {name}" for name, count in by_category(findings).items()))
        severities = Text("findings:   ")
        for severity, style in SEVERITIES.items():
            severities.append(f"{_many(by_severity(findings)[severity.value], severity.value)}  ", style)
        yield severities
    ended = repairs(report)
    if ended is not None:
        yield Text("repair:     " + ", ".join(f"{count} {name}" for name, count in ended.items() if count))
    if report.baseline is not None:
        yield Text(f"baseline:   {_many(report.baseline.accepted, 'finding')} accepted in {one_line(report.baseline.file)}")
        for entry in report.baseline.unneeded:
            yield Text(f"            no longer needed: {one_line(entry)}")
    slow = sorted((result for result in report.results if result.seconds >= SLOW), key=lambda result: -result.seconds)[:SLOWEST]
    if slow:
        yield Text("slowest:    " + ", ".join(f"{short(result.snippet.id, 40)} {result.seconds:.1f} s" for result in slow))
    counted = ", ".join(f"{count} {name}" for name, count in verdicts(report).items() if count) or "nothing to look at"
    skips = f", {_many(len(report.skipped), 'fence')} not looked at" if report.skipped else ""
    yield Text(f"{_many(len(report.results), 'snippet')}: {counted}{skips}, {report.seconds:.1f} s", "bold")
    if report.command == "audit" and any(result.verdict is Verdict.FAILING for result in report.results):
        rule = next(finding.rule for finding in findings if finding.is_error)
        yield Text(f"next: `snipfix repair` looks for mends, `snipfix explain {rule}` says what a rule means")
