"""What is known of a page in the protocol's words: diagnostics, code actions, edits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lsprotocol import types

from snipfix.documents import writeback
from snipfix.errors import DocumentError, SnipfixError
from snipfix.lsp.page import Page
from snipfix.lsp.places import Places, overlap
from snipfix.model import Applicability, Category, Finding, Fix, Result, Severity
from snipfix.report.language import told
from snipfix.report.texts import texts

__all__ = ["REPAIR", "actions", "diagnostics", "edit_of", "trouble"]

REPAIR = "snipfix.repair"
"""The command that repairs one snippet: its arguments are the document's address, its version and the snippet's id."""

SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


def diagnostics(page: Page, encoding: str) -> list[types.Diagnostic]:
    """Every finding of the page, at its place in the document."""
    if page.document is None:
        return []
    places = Places(page.source, encoding)
    return [_diagnostic(places, result, finding, page.language) for result in _told(page) for finding in result.findings]


def _told(page: Page) -> list[Result]:
    """What is known of the page, in its language."""
    return [told(result, page.language) for result in page.results()]


def _diagnostic(places: Places, result: Result, finding: Finding, language: str) -> types.Diagnostic:
    behind = f" ({texts(language)['shows later']}: {finding.behind})" if finding.behind else ""
    return types.Diagnostic(
        range=places.range(result.snippet.locate(finding.span)),
        message=f"{finding.message}{behind}",
        severity=SEVERITIES[finding.severity],
        code=f"{finding.rule} {finding.name}",
        source="snipfix",
        tags=[types.DiagnosticTag.Deprecated] if finding.category is Category.DEPRECATED else None,
        data={"stage": finding.stage.value, "snippet": result.snippet.id},
    )


def trouble(error: SnipfixError) -> types.Diagnostic:
    """Why the document as it stands cannot be read, on the line that the error names."""
    named = re.search(r":(\d+)$", error.place)
    line = max(int(named[1]) - 1, 0) if named else 0
    place = types.Range(types.Position(line, 0), types.Position(line + 1, 0))
    hint = f" ({error.hint})" if error.hint else ""
    return types.Diagnostic(place, f"{error.message}{hint}", types.DiagnosticSeverity.Warning, source="snipfix")


def actions(page: Page, uri: str, where: types.Range, encoding: str) -> Iterator[types.CodeAction]:
    """The mends of what stands at a place: each fix of each finding, and the repair of the whole snippet."""
    if page.document is None:
        return
    places = Places(page.source, encoding)
    for result in _told(page):
        at_place = [one for one in result.findings if overlap(places.range(result.snippet.locate(one.span)), where)]
        preferred = True
        for finding in at_place:
            for fix in finding.fixes:
                action = _fix(page, uri, places, result, finding, fix)
                if action is None:
                    continue
                action.is_preferred = preferred and fix.applicability is Applicability.SAFE
                preferred = preferred and not action.is_preferred
                yield action
        if at_place and any(finding.is_error for finding in result.findings):
            yield _repair(page, uri, result, [_diagnostic(places, result, finding, page.language) for finding in at_place])


def _fix(page: Page, uri: str, places: Places, result: Result, finding: Finding, fix: Fix) -> types.CodeAction | None:
    """One fix as an action; None for one that is only to be shown, or cannot stand in the document."""
    if finding.behind or fix.applicability is Applicability.DISPLAY_ONLY:
        return None
    try:
        edit = edit_of(page, uri, places, {result.snippet.id: fix.apply(result.snippet.code)})
    except (DocumentError, ValueError):
        return None
    words = texts(page.language)
    return types.CodeAction(
        title=f"{fix.title} ({words[fix.applicability.value]}, {words[fix.meaning.value]})",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[_diagnostic(places, result, finding, page.language)],
        edit=edit,
    )


def _repair(page: Page, uri: str, result: Result, found: list[types.Diagnostic]) -> types.CodeAction:
    title = texts(page.language)["repair this"]
    command = types.Command(title, REPAIR, arguments=[uri, page.version, result.snippet.id])
    return types.CodeAction(title=title, kind=types.CodeActionKind.QuickFix, diagnostics=found, command=command)


def edit_of(
    page: Page, uri: str, places: Places, codes: Mapping[str, str], outputs: Mapping[str, str] | None = None
) -> types.WorkspaceEdit:
    """The edit that brings new codes and outputs, by snippet id, into the version of the document that the page holds.

    Raises:
        DocumentError: when they cannot stand there.
    """
    assert page.document is not None
    edits = [types.TextEdit(places.between(start, end), text) for start, end, text in writeback.edits(page.document, codes, outputs)]
    document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=page.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, list(edits))])
