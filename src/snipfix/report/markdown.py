"""The report as Markdown (GitHub's): a summary, a table of the snippets, then the details of each one that is not clean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from snipfix.model import Finding, Fix, Repair, RepairVerdict, Result, RunReport
from snipfix.report.language import chosen, spoken
from snipfix.report.summary import by_category, by_severity, document_of, repairs, reproduce, verdicts
from snipfix.report.text import clean, one_line, short
from snipfix.report.texts import texts

__all__ = ["escaped", "render"]

SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#|~$@!&])")
KEYS = {"environment": "environment category", "exercise": "exercise stage"}


def render(report: RunReport, *, language: str | None = None) -> str:
    """The report as Markdown text. `language`: `en` or `zh`; by default that of the documents."""
    language = chosen(report, language)
    return "\n".join(_lines(spoken(report, language), texts(language))).rstrip() + "\n"


def escaped(text: str) -> str:
    """One line of text that Markdown shows as it is: no markup, no HTML, no table cell, no mention."""
    return SPECIAL.sub(r"\\\1", one_line(text)).replace("://", ":\\//")


def code(text: str) -> str:
    """Inline code that no backtick ends and no table cell splits."""
    line = one_line(text).replace("|", "\\|") or " "
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def fenced(text: str, info: str) -> str:
    """A code block that nothing in the text can close."""
    body = clean(text)
    ticks = "`" * max(max((len(run) for run in re.findall(r"`+", body)), default=0) + 1, 3)
    return f"{ticks}{info}\n{body.rstrip(chr(10))}\n{ticks}"


def _lines(report: RunReport, words: Mapping[str, str]) -> Iterator[str]:
    yield f"# {words['report']}\n"
    yield from _summary(report, words)
    ended = repairs(report) is not None
    heads = ["", words["title"], words["before"] if ended else words["verdict"], *([words["after"]] if ended else []), words["findings"]]
    yield f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    for result in report.results:
        yield f"| {' | '.join(_row(result, words, ended=ended))} |"
    for result in report.results:
        if result.findings or result.reason or (result.repair and result.repair.diff):
            yield from _details(result, report.command, words)
    if report.skipped:
        yield f"\n## {words['skipped']}\n\n| {words['document']} | {words['info']} | {words['reason']} |\n|---|---|---|"
        for one in report.skipped:
            yield f"| {escaped(one.document)}:{one.line} | {code(one.info)} | {escaped(one.reason)} |"


def _summary(report: RunReport, words: Mapping[str, str]) -> Iterator[str]:
    findings = [finding for result in report.results for finding in result.findings]
    ended = repairs(report)
    counts = {words["before"] if ended else words["verdict"]: verdicts(report)}
    if ended:
        counts[words["after"]] = ended
    for title, found in counts.items():
        yield f"- {title}: " + ", ".join(f"{count} {words[name]}" for name, count in found.items() if count)
    if findings:
        severities = ", ".join(f"{count} {words[name]}" for name, count in by_severity(findings).items() if count)
        categories = ", ".join(f"{count} {words[KEYS.get(name, name)]}" for name, count in by_category(findings).items())
        yield f"- {words['findings']}: {severities} ({categories})"


def _row(result: Result, words: Mapping[str, str], *, ended: bool) -> list[str]:
    found = ", ".join(f"{count} {words[name]}" for name, count in by_severity(result.findings).items() if count)
    cells = [code(result.snippet.id), escaped(short(result.snippet.title, 80)), words[result.verdict.value]]
    if ended:
        cells.append(words[result.repair.verdict.value] if result.repair else "")
    return [*cells, found]


def _details(result: Result, command: str, words: Mapping[str, str]) -> Iterator[str]:
    snippet = result.snippet
    yield f"\n## {escaped(snippet.id)} {escaped(short(snippet.title, 200))}\n"
    after = f" → {words[result.repair.verdict.value]}" if result.repair else ""
    yield f"**{words[result.verdict.value]}{after}** · {code(f'{document_of(snippet)}:{snippet.line}')} · {code(reproduce(result, command))}"
    if snippet.unlabelled:
        yield f"\n{escaped(snippet.unlabelled)}"
    if result.reason:
        yield f"\n{escaped(result.reason)}"
    if result.findings:
        yield ""
    for finding in result.findings:
        yield _finding(result, finding, words)
    if result.repair and result.repair.verdict is not RepairVerdict.UNCHANGED:
        yield from _repair(result, result.repair, words)
    if result.stand_ins:
        yield f"\n{words['stand-ins']}: " + "; ".join(f"{escaped(one.what)} ({escaped(one.how)})" for one in result.stand_ins)


def _finding(result: Result, finding: Finding, words: Mapping[str, str]) -> str:
    place = result.snippet.locate(finding.span)
    behind = f" ({words['behind']}: {escaped(finding.behind)})" if finding.behind else ""
    return (
        f"- **{words[finding.severity.value]}** {words['at line'].format(place.line)}: {escaped(finding.message)} — "
        f"{code(finding.name)} {finding.rule}, {words[KEYS.get(finding.category.value, finding.category.value)]}{behind}"
    )


def _repair(result: Result, repair: Repair, words: Mapping[str, str]) -> Iterator[str]:
    yield f"\n### {words['repair']}: {words[repair.verdict.value]}\n"
    if repair.reason:
        yield f"{escaped(repair.reason)}\n"
    for fix in repair.fixes:
        yield _fix(fix, words)
    if repair.patch:
        yield f"- {words['patch']}: {code(f'fixes/{repair.patch}')}"
    if repair.diff:
        yield "\n" + fenced(repair.diff, "diff")
    if repair.alternatives:
        yield f"\n{words['alternatives']}:\n"
        for fix in repair.alternatives:
            yield _fix(fix, words)
    left = [finding for finding in repair.findings_after if finding.is_error] if repair.diff else []
    if left:
        yield f"\n{words['left']}:\n"
        for finding in left:
            yield _finding(result, finding, words)


def _fix(fix: Fix, words: Mapping[str, str]) -> str:
    rule = f" ({fix.rule})" if fix.rule else ""
    return f"- {escaped(fix.title)}{rule}: {words[fix.applicability.value]}, {words[fix.meaning.value]}"
