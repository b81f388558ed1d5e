"""Which syntax errors a text has: proposals of all syntax rules, tried on the parser, one error after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from snipfix.code import Code
from snipfix.evidence import Span
from snipfix.model import Edit, Fix
from snipfix.rules.base import Context
from snipfix.rules.syntax.base import Broken, Mend, SyntaxRule

__all__ = ["Fault", "diagnose"]

ROUNDS = 25
PROPOSALS = 60
"""Per rule and round."""

ALTERNATIVES = 4
"""Mends of one fault that are kept."""

Reached = tuple[int, int, int]
"""How good a text is: brackets and strings without partner (negative), then the line and, from its indentation on, the column at which the parser stops."""

PARSES: Reached = (1, 0, 0)


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of the original text: the rule that explains it (None: no rule does), its place, and the mends that hold, best first."""

    rule: SyntaxRule | None
    message: str
    span: Span
    parser: str
    mends: tuple[tuple[str, tuple[Edit, ...]], ...] = ()


def diagnose(context: Context) -> tuple[Fault, ...]:
    """The faults of a text that does not parse, in the order the parser meets them; the last one may be unexplained."""
    known: tuple[Fault, ...] | None = context.memo.get(__name__)
    if known is None:
        known = context.memo[__name__] = tuple(_faults(context.code))
    return known


def _faults(original: Code) -> Iterator[Fault]:
    from snipfix.rules.registry import rules

    syntax = [rule for rule in rules() if isinstance(rule, SyntaxRule)]
    code, applied, said = original, list[tuple[Edit, ...]](), set[tuple[str, int]]()
    for _ in range(ROUNDS):
        if code.syntax_error is None:
            return
        broken = Broken(code)
        found = _best(broken, syntax)
        if found is None:
            break
        rule, mends = found
        start = _back(mends[0].start, applied)
        if (rule.id, start) in said:
            break
        said.add((rule.id, start))
        yield Fault(
            rule,
            mends[0].message,
            _span(original, start),
            broken.message,
            tuple((mend.title, _edits_back(mend.edits, applied)) for mend in mends),
        )
        applied.append(mends[0].edits)
        code = Code(Fix("", mends[0].edits).apply(code.text))
    if code.syntax_error is not None:
        broken = Broken(code)
        yield Fault(None, broken.message, _span(original, _back(broken.place, applied)), broken.message)


def _best(broken: Broken, syntax: Sequence[SyntaxRule]) -> tuple[SyntaxRule, list[Mend]] | None:
    """The rule whose mend takes the parser furthest, earlier rules first, with all its mends that go as far."""
    here = (-broken.scan.slips, broken.line, broken.column - len(broken.indent(broken.line)))
    best: tuple[Reached, SyntaxRule, list[Mend]] | None = None
    for rule in syntax:
        reached = [(_reached(broken, mend, here), mend) for mend in islice(rule.mends(broken), PROPOSALS)]
        top = max((one for one, _ in reached), default=here)
        if top > here and (best is None or top > best[0]):
            best = (top, rule, [mend for one, mend in reached if one == top][:ALTERNATIVES])
        if best is not None and best[0] == PARSES:
            break
    return best and (best[1], best[2])


def _reached(broken: Broken, mend: Mend, here: Reached) -> Reached:
    """Where the parser stops after a mend, in lines of the text before it; PARSES when it does not stop."""
    try:
        after = Code(Fix("", mend.edits).apply(broken.text))
    except ValueError:
        return here
    if after.text == broken.text:
        return here
    if after.syntax_error is None:
        return PARSES
    added = sum(edit.text.count("\n") - broken.text.count("\n", edit.start, edit.end) for edit in mend.edits)
    stopped = Broken(after)
    return -stopped.scan.slips, stopped.line - max(added, 0), stopped.column - len(stopped.indent(stopped.line))


def _back(offset: int, applied: Sequence[tuple[Edit, ...]]) -> int:
    """The offset in the original text of an offset in the edited one."""
    for edits in reversed(applied):
        shift, target = 0, None
        for edit in sorted(edits):
            start = edit.start + shift
            if offset < start:
                break
            if offset < start + len(edit.text):
                target = edit.start
                break
            shift += len(edit.text) - (edit.end - edit.start)
        offset = target if target is not None else offset - shift
    return offset


def _edits_back(edits: Sequence[Edit], applied: Sequence[tuple[Edit, ...]]) -> tuple[Edit, ...]:
    return tuple(Edit(_back(edit.start, applied), max(_back(edit.end, applied), _back(edit.start, applied)), edit.text) for edit in edits)


def _span(code: Code, offset: int) -> Span:
    line, column = code.place(offset)
    return Span.at(line, column)
