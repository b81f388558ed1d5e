"""A report in the reader's language: what the rules, the audit and the repair say. Names, code and what Python says stay as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from snipfix.model import Finding, Fix, Repair, Result, RunReport
from snipfix.report.summary import language_of
from snipfix.rules.wording import LANGUAGES, said

__all__ = ["LANGUAGES", "chosen", "spoken", "told"]


def chosen(report: RunReport, language: str | None) -> str:
    """The language asked for, or that of the documents."""
    return language if language in LANGUAGES else language_of(result.snippet for result in report.results)


def spoken(report: RunReport, language: str) -> RunReport:
    """The same report with its messages, fixes' titles and reasons in a language."""
    if language == "en":
        return report
    return replace(
        report,
        results=tuple(told(result, language) for result in report.results),
        skipped=tuple(replace(one, reason=said(one.reason, language)) for one in report.skipped),
    )


def told(result: Result, language: str) -> Result:
    """One result with its messages, fixes' titles and reasons in a language."""
    return replace(
        result,
        snippet=replace(result.snippet, unlabelled=said(result.snippet.unlabelled, language)),
        findings=_findings(result.findings, language),
        reason=said(result.reason, language),
        stand_ins=tuple(msgspec.structs.replace(one, how=said(one.how, language)) for one in result.stand_ins),
        stages=tuple(replace(stage, reason=said(stage.reason, language)) for stage in result.stages),
        repair=_repair(result.repair, language) if result.repair else None,
    )


def _findings(findings: Iterable[Finding], language: str) -> tuple[Finding, ...]:
    return tuple(
        replace(
            finding,
            message=said(finding.message, language, finding.rule),
            behind=said(finding.behind, language),
            fixes=_fixes(finding.fixes, language),
        )
        for finding in findings
    )


def _fixes(fixes: Iterable[Fix], language: str) -> tuple[Fix, ...]:
    return tuple(replace(fix, title=fix.chinese or said(fix.title, language, fix.rule)) for fix in fixes)


def _repair(repair: Repair, language: str) -> Repair:
    return replace(
        repair,
        fixes=_fixes(repair.fixes, language),
        alternatives=_fixes(repair.alternatives, language),
        findings_after=_findings(repair.findings_after, language),
        reason=said(repair.reason, language),
    )
