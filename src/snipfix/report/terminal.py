"""The report for people at a terminal: a table of the snippets, the findings as code frames, then a summary one can act on.

Plain and stable by default; colour and the terminal's width only where the caller asks for them. The live display is `Progress`.
"""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.cells import set_cell_size
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from snipfix.model import RepairVerdict, Result, RunReport, Verdict
from snipfix.report.frames import STYLES as SEVERITIES
from snipfix.report.frames import frame
from snipfix.report.language import chosen, spoken
from snipfix.report.progress import STYLES as VERDICTS
from snipfix.report.progress import Progress
from snipfix.report.summary import by_category, by_severity, document_of, repairs, slowest, verdicts
from snipfix.report.text import clean, one_line, short
from snipfix.report.texts import texts

__all__ = ["Progress", "options", "render"]

Words = Mapping[str, str]
WIDTH = 100
CATEGORIES = {"environment": "environment category"}
"""Categories whose word means something else elsewhere."""
ENDINGS = {
    RepairVerdict.UNCHANGED: "green",
    RepairVerdict.REPAIRED: "green",
    RepairVerdict.PARTLY_REPAIRED: "yellow",
    RepairVerdict.UNREPAIRED: "red",
}
NAMED = 3
"""Documents that are named in the command to run next."""
SLOWEST = 5
"""Seconds from which a snippet is slow, and how many of the slow ones are named."""
DIFF = {"+": "green", "-": "red", "@": "cyan"}


def options() -> dict[str, Any]:
    """The options of `render` that fit this process's stdout."""
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        return {}
    return {"color": not console.no_color and not console.is_dumb_terminal, "width": max(console.width, 60), "fit": True}


def render(
    report: RunReport, *, color: bool = False, width: int = WIDTH, language: str | None = None, fit: bool = False, advise: bool = True
) -> str:
    """The report as text, with ANSI colours only when asked for. `language`: `en` or `zh`; by default that of the documents.

    `fit`: lines of code are cut to the width, so that carets stay below their place. `advise`: end with what to do next.
    """
    language = chosen(report, language)
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=color, no_color=not color, color_system="standard" if color else None,
        highlight=False, markup=False, emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    for part in _parts(spoken(report, language), width, texts(language), room=width if fit else None, advise=advise):
        if isinstance(part, Text) and not color:
            file.write(part.plain + "\n")
        else:
            console.print(part, soft_wrap=isinstance(part, Text))
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))


def _parts(report: RunReport, width: int, words: Words, *, room: int | None, advise: bool) -> Iterator[RenderableType]:
    yield _table(report, width, words)
    for result in report.results:
        yield from _details(result, words, room)
    yield from _summary(report, words, advise=advise)


def _table(report: RunReport, width: int, words: Words) -> Table:
    repaired, stood_in = repairs(report) is not None, any(result.stand_ins for result in report.results)
    others = 46 + 16 * repaired + 14 * stood_in
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column(words["id head"], no_wrap=True, overflow="ellipsis", max_width=16)
    table.add_column(words["title head"], no_wrap=True, overflow="ellipsis", max_width=max(width - others, 16))
    table.add_column(words["verdict head"], no_wrap=True)
    if repaired:
        table.add_column(words["repair head"], no_wrap=True)
    table.add_column(words["findings head"], overflow="fold", min_width=9)
    table.add_column(words["seconds head"], justify="right", no_wrap=True)
    if stood_in:
        table.add_column(words["stand-ins head"], overflow="fold", min_width=9)
    for result in report.results:
        cells = [
            Text(short(result.snippet.id, 40)),
            Text(short(result.snippet.title, 200)),
            Text(words[result.verdict.value], VERDICTS[result.verdict]),
        ]
        if repaired:
            cells.append(_ending(result, words))
        cells += [_counts(result, words), Text(f"{result.seconds:.1f}")]
        if stood_in:
            cells.append(Text(", ".join(short(one.what, 30) for one in result.stand_ins)))
        table.add_row(*cells)
    return table


def _ending(result: Result, words: Words) -> Text:
    if result.repair is None:
        return Text("-")
    patch = words["(patch)"] if result.repair.patch else ""
    return Text(words[result.repair.verdict.value] + patch, ENDINGS[result.repair.verdict])


def _counts(result: Result, words: Words) -> Text:
    return Text(_listed({name: count for name, count in by_severity(result.findings).items() if count}, words) or "-")


def _listed(counts: Mapping[str, int], words: Words) -> str:
    """`2 errors, 1 note`: how many of each kind of finding."""
    return words["comma"].join(many(count, name, words) for name, count in counts.items())


def many(count: int, name: str, words: Words) -> str:
    """`1 error`, `2 errors`, `2 个错误`."""
    return words[f"{name} one" if count == 1 else f"{name} many"].format(count)


def _details(result: Result, words: Words, room: int | None) -> Iterator[RenderableType]:
    """One snippet's findings, and what the repair made of it."""
    if not (result.findings or result.reason or (result.repair and result.repair.diff)):
        return
    snippet = result.snippet
    heading = Text("\n")
    heading.append(f"{one_line(snippet.id)}  ", "bold")
    heading.append(short(snippet.title, 120))
    heading.append(f"  [{words[result.verdict.value]}]", VERDICTS[result.verdict])
    yield heading
    if snippet.unlabelled:
        yield Text(f"  {snippet.unlabelled}")
    if result.reason:
        yield Text(f"  {one_line(result.reason)}")
    for finding in result.findings:
        yield frame(snippet, finding, words=words, room=room)
    yield from _repair(result, words, room)


def _repair(result: Result, words: Words, room: int | None) -> Iterator[RenderableType]:
    repair = result.repair
    if repair is None or repair.verdict is RepairVerdict.UNCHANGED:
        return
    line = Text(words[repair.verdict.value], ENDINGS[repair.verdict])
    if repair.patch:
        line.append(words["by patch"].format(f"fixes/{one_line(repair.patch)}"))
    if repair.reason:
        line.append(f"{words['colon']}{one_line(repair.reason)}")
    yield line
    for fix in repair.fixes:
        yield Text(
            f"  * {one_line(fix.title)}{_graded(words, fix.rule or words['patch word'], words[fix.applicability.value], words[fix.meaning.value])}"
        )
    if repair.diff:
        for row in repair.diff.rstrip("\n").split("\n"):
            yield Text(clean(row), "bold" if row.startswith(("+++", "---")) else DIFF.get(row[:1], ""))
    left = repair.findings_after if repair.corrected != result.snippet.code else ()
    if left:
        yield Text("")
    for finding in left:
        yield frame(result.snippet, finding, repair.corrected, words=words, room=room)


def _summary(report: RunReport, words: Words, *, advise: bool) -> Iterator[RenderableType]:
    findings = [finding for result in report.results for finding in result.findings]
    yield Text("")
    for skipped in report.skipped:
        place = f"{one_line(skipped.document)}:{skipped.line}{_graded(words, short(skipped.info, 40) or words['no info'])}"
        yield Text(f"{words['not looked at']}{words['colon']}{place}{words['colon']}{one_line(skipped.reason)}")
    if findings:
        named = words["comma"].join(f"{count} {words[CATEGORIES.get(name, name)]}" for name, count in by_category(findings).items())
        yield _told(words["categories"], named)
        severities = _told(words["findings head"], "")
        for severity, style in SEVERITIES.items():
            severities.append(f"{many(by_severity(findings)[severity.value], severity.value, words)}  ", style)
        yield severities
    ended = repairs(report)
    if ended is not None:
        yield _told(words["repair head"], words["comma"].join(f"{count} {words[name]}" for name, count in ended.items() if count))
    if report.baseline is not None:
        accepted = many(report.baseline.accepted, "finding", words)
        yield _told(words["baseline"], words["accepted in"].format(accepted, one_line(report.baseline.file)))
        for entry in report.baseline.unneeded:
            yield Text(f"            {words['no longer needed']}: {one_line(entry)}")
    if slow := slowest(report)[:SLOWEST]:
        yield _told(words["slowest"], ", ".join(f"{short(result.snippet.id, 40)} {result.seconds:.1f} s" for result in slow))
    yield from _last_words(report, words, advise=advise)


def _last_words(report: RunReport, words: Words, *, advise: bool) -> Iterator[Text]:
    """The line that sums it up, and what to do next."""
    counted = (
        words["comma"].join(f"{count} {words[name]}" for name, count in verdicts(report).items() if count) or words["nothing to look at"]
    )
    skips = f"{words['comma']}{words['fences not looked at'].format(many(len(report.skipped), 'fence', words))}" if report.skipped else ""
    yield Text(
        f"{many(len(report.results), 'snippet', words)}{words['colon']}{counted}{skips}{words['comma']}{report.seconds:.1f} s", "bold"
    )
    if not advise:
        return
    where = "".join(f" {shlex.quote(one_line(name))}" for name in _named(report))
    if report.command == "audit" and any(result.verdict is Verdict.FAILING for result in report.results):
        rule = next(finding.rule for result in report.results for finding in result.findings if finding.is_error)
        yield Text(words["next"].format(where, rule))
    ended = {result.repair.verdict for result in report.results if result.repair}
    if ended & {RepairVerdict.UNREPAIRED, RepairVerdict.PARTLY_REPAIRED}:
        yield Text(words["next repair"].format(where))
    elif RepairVerdict.REPAIRED in ended:
        yield Text(words["next write"].format(where))


def _named(report: RunReport) -> list[str]:
    """The files as they were given, else the documents, where they are few; the workspace here is what the commands take by themselves."""
    files = list(dict.fromkeys(document_of(result.snippet) for result in report.results))
    documents = list(dict.fromkeys(result.snippet.document for result in report.results))
    return next((names for names in (files, documents) if len(names) <= NAMED and "." not in names), [])


def _graded(words: Words, *told: str) -> str:
    """` (SNF100, safe)`, as the language puts it in brackets."""
    text = words["graded"].format(words["comma"].join(told))
    return text if text.startswith("（") else f" {text}"


def _told(label: str, text: str) -> Text:
    """A line of the summary, its text below the others'."""
    return Text(set_cell_size(label + (":" if label.isascii() else "："), 12) + text)
