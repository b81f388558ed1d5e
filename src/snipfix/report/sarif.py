"""SARIF 2.1.0 (OASIS), for code scanning: every rule in the driver, relative addresses, fixes with their changes, stable fingerprints."""

from __future__ import annotations

import hashlib
import inspect
from collections import Counter
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from snipfix import __version__
from snipfix.code import Code
from snipfix.evidence import Span
from snipfix.model import Applicability, Finding, Fix, Result, RunReport, Severity, Verdict
from snipfix.report.machine import dumps
from snipfix.report.summary import document_of, edit_span, plain
from snipfix.report.text import clean, one_line
from snipfix.rules.base import Rule

__all__ = ["render"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(report: RunReport) -> str:
    """One run with every finding as it was before a repair; its fixes are those the rules offered."""
    from snipfix.rules.registry import rules

    known = [_rule(rule) for rule in rules()]
    names = {rule["id"] for rule in known}
    for finding in (finding for result in report.results for finding in result.findings):
        if finding.rule not in names:
            names.add(finding.rule)
            known.append({"id": finding.rule, "name": finding.name, "shortDescription": {"text": finding.name}})
    index = {rule["id"]: number for number, rule in enumerate(known)}
    driver = {"name": "snipfix", "version": __version__, "semanticVersion": __version__, "rules": known}
    skipped = [
        {
            "level": "note",
            "message": {"text": f"not looked at: {_plain(one_line(one.reason))}"},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": _uri(one.document)}, "region": {"startLine": max(one.line, 1)}}}
            ],
        }
        for one in report.skipped
    ]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": skipped}],
        "columnKind": "unicodeCodePoints",
        "results": [found for result in report.results for found in _results(result, index)],
        "properties": {"environment": plain(report.environment), "command": report.command},
    }
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: Rule) -> dict[str, Any]:
    text = inspect.getdoc(rule) or rule.name
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": text.split("\n", 1)[0]},
        "fullDescription": {"text": text.split("\n", 1)[0]},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": [rule.category.value], "precision": "high" if rule.severity is Severity.ERROR else "medium"},
    }


def _results(result: Result, index: dict[str, int]) -> list[dict[str, Any]]:
    code, seen = Code(result.snippet.code), Counter[str]()
    out = []
    for finding in result.findings:
        stem = _fingerprint(result, code, finding)
        seen[stem] += 1
        span = result.snippet.locate(finding.span)
        behind = f" (shows once this is done: {finding.behind})" if finding.behind else ""
        found: dict[str, Any] = {
            "ruleId": finding.rule,
            "ruleIndex": index[finding.rule],
            "level": LEVELS[finding.severity],
            "message": {"text": _plain(finding.message + behind)},
            "locations": [_location(result, span)],
            "partialFingerprints": {"snipfix/v1": f"{stem}:{seen[stem]}"},
            "properties": {
                "category": finding.category.value,
                "stage": finding.stage.value,
                "snippet": result.snippet.id,
                "evidence": plain(finding.evidence),
            },
        }
        fixes = [] if finding.behind else [_fix(result, code, fix) for fix in finding.fixes if _fits(result, fix)]
        if fixes:
            found["fixes"] = fixes
        if result.snippet.expect_error and result.verdict is Verdict.CLEAN:
            found["suppressions"] = [{"kind": "inSource", "justification": "the document means the snippet to fail"}]
        out.append(found)
    return out


def _plain(text: str) -> str:
    """Message text that holds no link of a snippet's: SARIF reads `[words](address)` as one even in plain text (3.11.6)."""
    return clean(text).replace("](", "] (")


def _location(result: Result, span: Span) -> dict[str, Any]:
    name = f"{result.snippet.id} {one_line(result.snippet.title)}"
    return {
        "physicalLocation": {"artifactLocation": {"uri": _uri(document_of(result.snippet))}, "region": _region(span)},
        "logicalLocations": [{"name": one_line(result.snippet.id), "fullyQualifiedName": name, "kind": "module"}],
    }


def _region(span: Span) -> dict[str, int]:
    start = (max(span.line, 1), max(span.column, 1))
    end = max((span.end_line, max(span.end_column, 1)), start)
    return {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}


def _uri(path: str) -> str:
    """A relative address. A path outside the current folder keeps its own parts: SARIF viewers resolve it against the repository."""
    pure = PurePath(path)
    return quote("/".join(part for part in pure.parts if part != pure.anchor) or ".")


def _fingerprint(result: Result, code: Code, finding: Finding) -> str:
    """The rule, the document and the text of the line: not its number, so that it stays when lines move."""
    line = code.lines[finding.span.line - 1].strip() if 0 < finding.span.line <= len(code.lines) else ""
    parts = (finding.rule, PurePath(document_of(result.snippet)).name, line, finding.behind)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _fits(result: Result, fix: Fix) -> bool:
    """Whether the edits can be said in the document's text: new lines inside an indented or quoted fence cannot, nor what the format escapes."""
    if fix.applicability is Applicability.DISPLAY_ONLY or not fix.edits or result.snippet.places:
        return False
    return not any(result.snippet.indents) or all("\n" not in edit.text for edit in fix.edits)


def _fix(result: Result, code: Code, fix: Fix) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(result.snippet.locate(edit_span(code, edit))), "insertedContent": {"text": edit.text}}
        for edit in sorted(fix.edits)
    ]
    change = {"artifactLocation": {"uri": _uri(document_of(result.snippet))}, "replacements": replacements}
    return {
        "description": {"text": f"{_plain(fix.title)} ({fix.applicability.value}, {fix.meaning.value} the meaning)"},
        "artifactChanges": [change],
    }
