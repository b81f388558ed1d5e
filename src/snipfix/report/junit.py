"""JUnit XML, as Jenkins, GitLab and pytest understand it: one suite for each document, one test case for each snippet."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from snipfix.model import Result, RunReport, Skipped, Verdict
from snipfix.report.language import spoken
from snipfix.report.summary import document_of
from snipfix.report.text import clean, one_line

__all__ = ["render"]


def render(report: RunReport, *, language: str | None = None) -> str:
    """The report as XML, in English unless asked otherwise. A snippet with something left at error level is a failure, one that cannot run an error, a fence not looked at skipped."""
    report = spoken(report, language or "en")
    suites = ET.Element("testsuites", name="snipfix")
    documents: dict[str, tuple[list[Result], list[Skipped]]] = {}
    for result in report.results:
        documents.setdefault(result.snippet.document, ([], []))[0].append(result)
    for skipped in report.skipped:
        documents.setdefault(skipped.document, ([], []))[1].append(skipped)
    for name, (results, skips) in documents.items():
        _suite(suites, name, results, skips)
    cases = list(suites.iter("testcase"))
    suites.set("tests", str(len(cases)))
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suites.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _suite(suites: ET.Element, name: str, results: Sequence[Result], skips: Sequence[Skipped]) -> None:
    suite = ET.SubElement(suites, "testsuite", name=one_line(name))
    for result in results:
        _case(suite, result)
    for skipped in skips:
        case = _named(suite, f"line {skipped.line}: {skipped.info}", skipped.document, skipped.line)
        ET.SubElement(case, "skipped", message=one_line(skipped.reason))
    suite.set("tests", str(len(results) + len(skips)))
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(kind) is not None for case in suite)))
    suite.set("time", f"{sum(result.seconds for result in results):.3f}")


def _named(suite: ET.Element, name: str, file: str, line: int) -> ET.Element:
    """`file` and `line` are not in Jenkins' schema; GitLab and others link to the place by them, and Jenkins passes over them."""
    return ET.SubElement(suite, "testcase", name=one_line(name), classname=one_line(file), file=one_line(file), line=str(line))


def _case(suite: ET.Element, result: Result) -> None:
    snippet = result.snippet
    case = _named(suite, f"{snippet.id} {snippet.title}", document_of(snippet), snippet.line)
    case.set("time", f"{result.seconds:.3f}")
    findings = result.repair.findings_after if result.repair else result.findings
    errors = [finding for finding in findings if finding.is_error]
    lines = [
        f"{document_of(snippet)}:{snippet.locate(finding.span).line}: {finding.severity.value} {finding.rule} {finding.name}: {one_line(finding.message)}"
        for finding in findings
    ]
    if result.verdict is Verdict.NOT_RUNNABLE and (errors or not result.repair):
        _told(case, "error", "not runnable", result.reason, lines)
    elif errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        _told(case, "failure", errors[0].name, errors[0].message + more, lines)
    elif lines:
        ET.SubElement(case, "system-out").text = clean("\n".join(lines))


def _told(case: ET.Element, tag: str, kind: str, message: str, lines: Sequence[str]) -> None:
    ET.SubElement(case, tag, type=kind, message=one_line(message)).text = clean("\n".join(lines))
