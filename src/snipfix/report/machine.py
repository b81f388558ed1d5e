"""JSON, `format_version` 1: for programs. The schema is docs/report.schema.json.

Texts are exact. Characters that a terminal would obey or hide are written as \\u escapes, which mean the same to a parser.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from snipfix import __version__
from snipfix.code import Code
from snipfix.model import Finding, Fix, Repair, Result, RunReport, Snippet, Waived
from snipfix.report.summary import by_category, by_severity, document_of, edit_span, plain, repairs, slowest, verdicts
from snipfix.report.text import HIDDEN

__all__ = ["FORMAT_VERSION", "dumps", "render", "snippet_object"]

FORMAT_VERSION = 1


def render(report: RunReport) -> str:
    """The report as JSON text."""
    return dumps(
        {
            "format_version": FORMAT_VERSION,
            "tool": {"name": "snipfix", "version": __version__},
            "command": report.command,
            "environment": plain(report.environment),
            "totals": _totals(report),
            "baseline": _baseline(report.baseline),
            "snippets": [snippet_object(result) for result in report.results],
            "skipped": [{"document": one.document, "line": one.line, "info": one.info, "reason": one.reason} for one in report.skipped],
        }
    )


def dumps(value: Any) -> str:
    """JSON text that is safe to show: hidden and control characters escaped, a newline at the end."""
    text = HIDDEN.sub(_escaped, json.dumps(value, ensure_ascii=False, allow_nan=False))
    try:
        return msgspec.json.format(text, indent=2) + "\n"
    except msgspec.DecodeError:  # half a surrogate pair; json's own indentation takes it, and ten times as long
        return HIDDEN.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _totals(report: RunReport) -> dict[str, Any]:
    findings = [finding for result in report.results for finding in result.findings]
    slow = [{"id": result.snippet.id, "seconds": round(result.seconds, 1)} for result in slowest(report)]
    return {
        "snippets": len(report.results),
        "skipped": len(report.skipped),
        "verdicts": verdicts(report),
        "repairs": repairs(report),
        "findings": by_severity(findings),
        "categories": by_category(findings),
    } | ({"slowest": slow} if slow else {})


def _baseline(waived: Waived | None) -> dict[str, Any] | None:
    return {"file": waived.file, "accepted": waived.accepted, "unneeded": list(waived.unneeded)} if waived else None


def snippet_object(result: Result) -> dict[str, Any]:
    """One entry of `snippets`."""
    snippet = result.snippet
    lines = snippet.code.count("\n") + (not snippet.code.endswith("\n"))
    return {
        "id": snippet.id,
        "title": snippet.title,
        "document": document_of(snippet),
        "span": {"line": snippet.line, "end_line": snippet.line + max(lines, 1) - 1},
        "sha256": snippet.sha256,
        "unlabelled": snippet.unlabelled,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "stages": [{"stage": one.stage.value, "status": one.status, "reason": one.reason} for one in result.stages],
        "world": [{"what": one.what, "how": one.how} for one in result.stand_ins],
        "findings": [_finding(snippet, Code(snippet.code), finding) for finding in result.findings],
        "repair": _repair(snippet, result.repair) if result.repair else None,
    }


def _finding(snippet: Snippet, code: Code, finding: Finding) -> dict[str, Any]:
    """Fixes of a finding that shows only behind another are left out: their edits belong to a text that is not here."""
    span = snippet.locate(finding.span)
    return {
        "rule": finding.rule,
        "name": finding.name,
        "category": finding.category.value,
        "severity": finding.severity.value,
        "message": finding.message,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "stage": finding.stage.value,
        "behind": finding.behind,
        "evidence": plain(finding.evidence),
        "fixes": [] if finding.behind else [{**_fix(fix), "edits": _edits(snippet, code, fix)} for fix in finding.fixes],
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {"title": fix.title, "rule": fix.rule, "applicability": fix.applicability.value, "meaning": fix.meaning.value}


def _edits(snippet: Snippet, code: Code, fix: Fix) -> list[dict[str, Any]]:
    spans = [(snippet.locate(edit_span(code, edit)), edit.text) for edit in fix.edits]
    return [
        {"line": span.line, "column": span.column, "end_line": span.end_line, "end_column": span.end_column, "text": text}
        for span, text in spans
    ]


def _repair(snippet: Snippet, repair: Repair) -> dict[str, Any]:
    """The edits of a repair's fixes are left out: each belongs to the text that the one before it gave. The diff says it all."""
    code = Code(repair.corrected)
    return {
        "verdict": repair.verdict.value,
        "reason": repair.reason,
        "fixes": [_fix(fix) for fix in repair.fixes],
        "patch": repair.patch,
        "diff": repair.diff,
        "corrected": repair.corrected,
        "findings_after": [_finding(snippet, code, finding) for finding in repair.findings_after],
        "alternatives": [_fix(fix) for fix in repair.alternatives],
        "tries": repair.tries,
    }
