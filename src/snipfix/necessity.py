"""Every edit of a repair must be needed: each fix, and each edit within one, is taken back in turn and left out when nothing is lost without it."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from snipfix.evidence import Outcome
from snipfix.model import Edit, Fix, Result

__all__ = ["MOST", "fix_taken_back", "parts_of", "shows_the_same"]

MOST = 12
"""Edits of one repair that are taken back by themselves; what changes more is another text, whose parts do not stand alone."""


def fix_taken_back(before: str, after: str, final_text: str) -> str | None:
    """The final text with the fix taken back that led from one text to another; None when a later fix changed the same lines."""
    lines, out, at = after.splitlines(keepends=True), list[str](), 0
    old, final = before.splitlines(keepends=True), final_text.splitlines(keepends=True)
    place = {}
    for a, b, size in difflib.SequenceMatcher(None, lines, final, autojunk=False).get_matching_blocks():
        place.update({a + step: b + step for step in range(size)})
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, old, lines, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        spots = [place.get(line) for line in range(b1, b2)] if b2 > b1 else [place.get(b1, len(final))]
        if spots[0] is None or spots != list(range(spots[0], spots[0] + len(spots))):
            return None
        out += final[at : spots[0]] + old[a1:a2]
        at = spots[0] + b2 - b1
    return "".join(out + final[at:])


def parts_of(before: str, after: str, fix: Fix) -> Iterator[str]:
    """What a fix that makes the second text of the first would have left without one of its edits, for each that puts in lines of its own.

    What replaces or drops the author's words stays with its fellows: half of a renaming, or code that is dead but still there, is worse than both.
    """
    for edit in fix.edits if len(fix.edits) > 1 else ():
        if _is_lines(before, edit):
            text = Fix("", tuple(one for one in fix.edits if one is not edit)).apply(before)
            if text != after:
                yield text


def _is_lines(text: str, edit: Edit) -> bool:
    """Whether an edit puts in whole lines that stand for themselves: an empty line or a decorator does not."""
    own = edit.start == edit.end and "\n" in edit.text and not text[text.rfind("\n", 0, edit.start) + 1 : edit.start]
    return own and bool(edit.text.strip()) and not edit.text.strip().startswith("@")


def shows_the_same(result: Result, after: Result) -> bool:
    """Whether a text does without error what the other does, with no finding more."""
    if any(finding.is_error for finding in after.findings) or result.outcome is None or after.outcome is None:
        return False
    more = Counter(finding.rule for finding in after.findings) - Counter(finding.rule for finding in result.findings)
    return not more and _seen(result.outcome) == _seen(after.outcome)


def _seen(outcome: Outcome) -> tuple[object, ...]:
    """All that shows of a run, but not where in the text: that moves with the lines."""
    return (
        outcome.kind,
        outcome.stdout,
        [(one.facts.get("category"), one.facts.get("message")) for one in outcome.warnings],
        [(one.module.path, one.inputs, one.output) for one in outcome.calls],
        [(one.target, one.call, one.inputs, one.output, one.skipped) for one in outcome.exercises],
        [(one.probe, one.facts) for one in outcome.observations],
    )
