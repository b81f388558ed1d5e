"""What several formats say of a report: counts, places, languages. Plain data, no layout."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from snipfix.code import Code
from snipfix.evidence import Span
from snipfix.model import Edit, Finding, RepairVerdict, Result, RunReport, Severity, Snippet, Verdict

__all__ = [
    "by_category",
    "by_severity",
    "document_of",
    "edit_span",
    "is_left",
    "language_of",
    "plain",
    "repairs",
    "reproduce",
    "slowest",
    "verdicts",
]

SLOW = 2.0
"""Seconds from which on a reader wants to know where the time goes; what is quicker differs from run to run."""


def document_of(snippet: Snippet) -> str:
    """The file that a reader opens: the snippet's own in a workspace, else its document."""
    return snippet.path or snippet.document


def language_of(snippets: Iterable[Snippet]) -> str:
    """The language most snippets are written about in: `zh` or `en`."""
    languages = Counter(snippet.language for snippet in snippets)
    return "zh" if languages["zh"] * 2 > languages.total() else "en"


def verdicts(report: RunReport) -> dict[str, int]:
    """How many snippets have each verdict, in the order of Verdict, zeros included."""
    found = Counter(result.verdict for result in report.results)
    return {verdict.value: found[verdict] for verdict in Verdict}


def slowest(report: RunReport) -> list[Result]:
    """The results that took long, slowest first."""
    return sorted((result for result in report.results if result.seconds >= SLOW), key=lambda result: -result.seconds)


def repairs(report: RunReport) -> dict[str, int] | None:
    """How many snippets ended with each verdict of a repair; None under audit."""
    found = Counter(result.repair.verdict for result in report.results if result.repair)
    return {verdict.value: found[verdict] for verdict in RepairVerdict} if found else None


def by_severity(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of each severity, zeros included."""
    found = Counter(finding.severity for finding in findings)
    return {severity.value: found[severity] for severity in Severity}


def by_category(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of each category that occurs, most frequent first."""
    found = Counter(finding.category.value for finding in findings)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def is_left(result: Result) -> bool:
    """Whether something at error level is left: after the repair where there was one."""
    findings = result.repair.findings_after if result.repair else result.findings
    return any(finding.is_error for finding in findings)


def reproduce(result: Result, command: str) -> str:
    """The command that shows this result again."""
    return f"snipfix {command} {shlex.quote(document_of(result.snippet))}"


def edit_span(code: Code, edit: Edit) -> Span:
    """The place that an edit replaces."""
    return Span(*code.place(edit.start), *code.place(edit.end))


def plain(value: Any, depth: int = 0) -> Any:
    """Evidence as JSON can hold it: structs as objects, numbers that JSON lacks as words, whatever else as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth > 24:
        return "…"
    if isinstance(value, msgspec.Struct):
        return plain(msgspec.to_builtins(value), depth + 1)
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    return str(value)
