"""Looking behind the first failure: findings that show only once an earlier one is mended.

A snippet that lacks an import hides every fault after it. The audit therefore follows the most likely mendings a few steps, in memory only, and
reports what it meets there at the place it has in the author's text, saying behind what it was seen.
"""

from __future__ import annotations

import difflib
from dataclasses import replace

from snipfix.audit import Auditor
from snipfix.code import Code
from snipfix.evidence import Span
from snipfix.model import Applicability, Finding, Fix, Result, Stage
from snipfix.search import Ahead, Search, State, is_detour, is_progress

__all__ = ["look_behind"]

DEPTH = 8
TRIES = 24
SECONDS, PATIENCE = 5.0, 5.0
"""Processor time that the mendings of one snippet may take in an audit, together and each: what is found is then no matter of the machine's load."""
RIVALS = 3
"""Other mendings that are tried where another fault is behind the first."""
Shown = tuple[str, int]
"""A rule, and a line of the author's text."""
THOROUGH_SECONDS, THOROUGH_PATIENCE = 20.0, 15.0
"""The same in a repair, whose report is kept."""


def look_behind(auditor: Auditor, result: Result, *, thorough: bool = False, ahead: Ahead | None = None) -> Result:
    """The result with the findings behind its errors added; each has `behind` set and carries no fixes of its own."""
    search = Search(auditor, result.snippet, patience=THOROUGH_PATIENCE if thorough else PATIENCE, ahead=ahead)
    enough = THOROUGH_SECONDS if thorough else SECONDS
    state = State(result.snippet.code, result, texts=(result.snippet.code,))
    known = {(finding.rule, finding.span.line) for finding in result.findings}
    found: list[Finding] = []
    for _ in range(DEPTH):
        step = _next(search, state) if search.processor < enough else None
        if step is None:
            break
        state, doubtful = step
        for finding in state.errors:
            place = original_span(result.snippet.code, state.text, finding.span)
            if place is not None and not _put_in(state, finding) and (finding.rule, place.line) not in known | doubtful:
                known.add((finding.rule, place.line))
                found.append(replace(finding, span=place, behind=state.fixes[-1].title, fixes=()))
    search.close()
    findings = sorted((*result.findings, *found), key=lambda one: (one.span, one.stage.depth))
    return replace(result, findings=tuple(findings))


def _next(search: Search, state: State) -> tuple[State, set[Shown]] | None:
    """The first state one fix away that is progress, else the first detour; and the faults behind it that may be the mending's own."""
    if search.tries >= TRIES:
        return None
    detour: State | None = None
    for finding in sorted(state.errors, key=lambda one: (one.stage.depth, one.span)):
        allowed = search.allowed(finding)
        fixes = allowed[:4]
        for number, fix in enumerate(fixes):
            search.begin_fixes(state, fixes[number + 1 :])
            after = search.after(state, fix)
            if after is not None and is_progress(state, after, finding):
                return _best(search, state, finding, after, _rivals(fix, allowed[number + 1 :]))
            if after is not None and detour is None and is_detour(state, after, finding):
                detour = replace(after, detour=True)
    return (detour, set()) if detour else None


def _rivals(fix: Fix, others: list[Fix]) -> list[Fix]:
    """A few other mendings: first those of other kinds, one of each. Where a width may be set in many ways, a rival joins otherwise."""
    first = {_kind(other): other for other in reversed(others) if _kind(other) != _kind(fix)}
    kinds = sorted(first.values(), key=others.index)
    return [*kinds, *(other for other in others if other not in kinds)][:RIVALS]


def _kind(fix: Fix) -> str:
    """What a fix does, without the value that it sets: `Set the width`."""
    return fix.title.partition(" to ")[0]


def _best(search: Search, state: State, mended: Finding, after: State, rivals: list[Fix]) -> tuple[State, set[Shown]]:
    """Of the mendings of a fault the one that gets furthest, and the faults behind it that another one, which comes as far, does not meet.

    A layer that was given the wrong one of two widths makes the next one fail: that is no fault of the author's. A safe mending has no rivals.
    """
    if after.fixes[-1].applicability is Applicability.SAFE or not _met(search, after) - _met(search, state):
        return after, set()
    tried = [after]
    for fix in rivals if search.tries < TRIES else ():
        other = search.after(state, fix)
        if other is not None and is_progress(state, other, mended):
            tried.append(other)
    best = min(tried, key=lambda one: one.cost)
    met, as_far = _met(search, best) - _met(search, state), [other for other in tried if other.reached >= best.reached]
    return best, {one for one in met if any(one not in _met(search, other) for other in as_far)}


def _put_in(state: State, finding: Finding) -> bool:
    """Whether what stops begins in text that the last mending put in: it is the mending's own, not the author's."""
    if finding.stage is Stage.PROBE:
        return False
    at, moved = Code(state.text).range(finding.span)[0], 0
    for edit in sorted(state.fixes[-1].edits, key=lambda one: one.start):
        start = edit.start + moved
        if start <= at < start + len(edit.text):
            return True
        moved += len(edit.text) - (edit.end - edit.start)
    return False


def _met(search: Search, state: State) -> set[Shown]:
    """The faults at which a state stops, each with its line in the author's text; what only the probes see is as the author wrote it."""
    found = set[Shown]()
    for finding in state.errors:
        place = original_span(search.snippet.code, state.text, finding.span) if finding.stage is not Stage.PROBE else None
        if place is not None:
            found.add((finding.rule, place.line))
    return found


def original_span(old: str, new: str, span: Span) -> Span | None:
    """The place that a span of the new text has in the old one; None when it lies in text that was put in."""
    a, b = old.split("\n"), new.split("\n")
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if not b1 < span.line <= b2:
            continue
        if tag == "equal" or (tag == "replace" and a2 - a1 == b2 - b1):
            line = span.line - b1 + a1
            if tag == "equal":
                return Span(line, span.column, line + span.end_line - span.line, span.end_column)
            return _within_line(a[line - 1], line)
        if tag == "replace":
            return _within_line(a[a1], a1 + 1)
    return None


def _within_line(text: str, line: int) -> Span:
    start = len(text) - len(text.lstrip()) + 1
    return Span(line, start, line, max(len(text.rstrip()) + 1, start + 1))
