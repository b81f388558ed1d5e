"""Every edit of a repair must be needed: each fix, and each part of one, is taken back in turn and left out when nothing is lost without it.

A run that never gets to a part cannot judge it; such a part stays.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snipfix.code import Code
from snipfix.evidence import Outcome
from snipfix.model import Edit, Fix, Result

__all__ = ["Part", "fix_taken_back", "parts_of", "shows_the_same"]

MOST = 12
"""Parts of one fix that are taken back by themselves; what changes more is another text, whose parts do not stand alone."""


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


@dataclass(frozen=True, slots=True)
class Part:
    """The edits of a fix that stand in one statement, and what shows whether they are needed."""

    without: str
    """What the fix would have made without them."""
    reached: str
    """What the fix made, stopping where they stand: a run that shows the same never gets there, and cannot judge them."""


def parts_of(before: str, after: str, fix: Fix) -> Iterator[Part]:
    """The parts of a fix that makes the second text of the first, each with the imports that are for it alone.

    What a run says nothing of stays with its fellows: comments, and what would leave something behind that nothing uses.
    """
    code = Code(before)
    if code.syntax_error or len(fix.edits) < 2:
        return
    groups: dict[int, list[Edit]] = {}
    for edit in fix.edits:
        groups.setdefault(_statement(code, edit), []).append(edit)
    imports = [edit for edits in groups.values() for edit in edits if _imported(edit)]
    wanted, made = Code(after), ast.dump(Code(after).tree) if Code(after).syntax_error is None else ""
    for edits in groups.values() if made and 1 < len(groups) <= MOST else ():
        if all(_is_beyond_runs(before, edit) for edit in edits) or any(_names(wanted).intersection(_imported(edit)) for edit in edits):
            continue
        text = _without(before, fix.edits, edits, imports)
        left = Code(text)
        if left.syntax_error is None and ast.dump(left.tree) != made and not _idle(left) - _idle(wanted):
            yield Part(text, _stopped(wanted, _moved(fix.edits, edits[0])))


def _is_beyond_runs(before: str, edit: Edit) -> bool:
    """Whether an edit is right for another reason than what a run shows.

    A decorator that is the custom, a number that becomes a name and so fits other inputs too, and the author's words that go: half dropped, they mislead.
    """
    old = before[edit.start : edit.end]
    general = bool(old) and not re.search(r"[^\W\d]", old) and re.search(r"[^\W\d]", edit.text) is not None
    return edit.text.lstrip().startswith("@") or not edit.text.strip() or general


def _statement(code: Code, edit: Edit) -> int:
    """The line of the innermost statement that holds the start of an edit; its own place for one that puts in whole lines."""
    line, column = code.place(edit.start)
    decorates = edit.text.lstrip().startswith("@")
    if edit.start == edit.end and "\n" in edit.text and not decorates and not code.lines[line - 1][: column - 1].strip():
        return -edit.start - 1
    holding = [node.lineno for node in code.nodes if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)]
    return max(holding, default=line)


def _imported(edit: Edit) -> list[str]:
    """The names that an edit imports, where it does nothing else."""
    tree = Code(edit.text.strip() + "\n").tree if edit.text.lstrip().startswith(("import ", "from ")) else None
    statements = tree.body if tree is not None else []
    if not all(isinstance(one, ast.Import | ast.ImportFrom) for one in statements):
        return []
    return [(alias.asname or alias.name).split(".")[0] for one in statements for alias in getattr(one, "names", ())]


def _without(before: str, every: Sequence[Edit], edits: Sequence[Edit], imports: Sequence[Edit]) -> str:
    """The text without some edits, nor the imports that nothing uses then."""
    kept = [edit for edit in every if edit not in edits]
    used = _names(Code(Fix("", tuple(kept)).apply(before)))
    return Fix("", tuple(edit for edit in kept if edit not in imports or used.intersection(_imported(edit)))).apply(before)


def _names(code: Code) -> set[str]:
    return {node.id for node in code.all(ast.Name)}


def _idle(code: Code) -> set[str]:
    """Names and attributes that are given a value and never read."""
    bound = {node.id for node in code.all(ast.Name) if isinstance(node.ctx, ast.Store)}
    bound |= {node.attr for node in code.all(ast.Attribute) if isinstance(node.ctx, ast.Store)} | {node.arg for node in code.all(ast.arg)}
    bound |= {(one.asname or one.name).split(".")[0] for one in code.all(ast.alias)}
    read = {node.id for node in code.all(ast.Name) if isinstance(node.ctx, ast.Load)}
    return bound - read - {node.attr for node in code.all(ast.Attribute) if isinstance(node.ctx, ast.Load)}


def _moved(every: Sequence[Edit], edit: Edit) -> int:
    """Where the text of an edit ends up when all are applied."""
    return edit.start + sum(len(one.text) - (one.end - one.start) for one in every if one < edit) + max(len(edit.text.rstrip()) - 1, 0)


def _stopped(code: Code, offset: int) -> str:
    """The text with a statement in front of the one at an offset that ends it there."""
    line = code.place(offset)[0]
    starts = [node.lineno for node in code.nodes if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)]
    first = max(starts, default=line)
    indent = code.lines[first - 1][: len(code.lines[first - 1]) - len(code.lines[first - 1].lstrip())]
    at = code.offset(first, 1)
    return code.text[:at] + f"{indent}raise AssertionError\n" + code.text[at:]


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
