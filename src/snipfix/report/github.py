"""GitHub Actions workflow commands: one annotation for each finding, shown on its line of a pull request.

Reference: docs.github.com, "Workflow commands for GitHub Actions". Data escapes %, CR and LF; properties also colon and comma.
"""

from __future__ import annotations

from snipfix.model import Result, RunReport, Severity
from snipfix.report.language import spoken
from snipfix.report.summary import by_severity, document_of, verdicts
from snipfix.report.text import clean

__all__ = ["render"]

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(report: RunReport, *, language: str | None = None) -> str:
    """One line for each finding and fence not looked at, then a line of plain summary. After a repair: what is left. English unless asked otherwise."""
    report = spoken(report, language or "en")
    lines = [line for result in report.results for line in _annotations(result)]
    lines += [
        _command("notice", f"not looked at: {one.reason}", file=one.document, line=one.line, title="snipfix") for one in report.skipped
    ]
    left = [finding for result in report.results for finding in (result.repair.findings_after if result.repair else result.findings)]
    found = ", ".join(f"{count} {name}" for name, count in by_severity(left).items())
    ended = ", ".join(f"{count} {name}" for name, count in verdicts(report).items() if count)
    return "\n".join([*lines, f"snipfix: {len(report.results)} snippets: {ended or 'none'}; findings: {found}"]) + "\n"


def _annotations(result: Result) -> list[str]:
    """Places are those of the text as it stands, so after a repair only what is left of an unchanged text is shown at its line."""
    snippet, repair = result.snippet, result.repair
    findings = repair.findings_after if repair else result.findings
    moved = repair is not None and repair.corrected != snippet.code
    lines = []
    for finding in findings:
        span = snippet.locate(finding.span)
        place = {"line": snippet.line} if moved or finding.behind else {"line": span.line, "endLine": span.end_line}
        if not (moved or finding.behind) and span.line == span.end_line:
            place |= {"col": span.column, "endColumn": span.end_column}
        behind = f" (shows once this is done: {finding.behind})" if finding.behind else ""
        title = f"{finding.rule} {finding.name}"
        message = f"{snippet.id}: {finding.message}{behind}"
        lines.append(_command(COMMANDS[finding.severity], message, file=document_of(snippet), **place, title=title))
    return lines


def _command(name: str, message: str, **properties: str | int) -> str:
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {given}::{_data(message)}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return clean(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
