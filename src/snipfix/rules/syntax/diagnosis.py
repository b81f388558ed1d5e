"""Which syntax errors a text has: proposals of all syntax rules, tried on the parser, one error after the other."""

from __future__ import annotations

from bisect import bisect_right
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

WORK = 600_000
"""Characters that may be parsed for one diagnosis: a hostile text must not cost minutes."""

ALTERNATIVES = 4
"""Mends of one fault that are kept."""

BRACKETS = frozenset("()[]{}'\"#\\")

Reached = tuple[int, int, int]
"""How good a text is: brackets and strings without partner and foreign signs (negative), then the line and, from its indentation on, the column at which the parser stops."""

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
    code, applied, said = original, list[Round](), set[tuple[str, int]]()
    tries = iter(range(max(WORK // (len(code.text) + 1), 20)))
    for _ in range(ROUNDS):
        if code.syntax_error is None:
            return
        broken = Broken(code)
        found = _best(broken, syntax, tries)
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
        applied.append(Round(mends[0].edits))
        code = Code(Fix("", mends[0].edits).apply(code.text))
    if code.syntax_error is not None:
        broken = Broken(code)
        yield Fault(None, broken.message, _span(original, _back(broken.place, applied)), broken.message)


def _best(broken: Broken, syntax: Sequence[SyntaxRule], tries: Iterator[int]) -> tuple[SyntaxRule, list[Mend]] | None:
    """The rule whose mend takes the parser furthest, earlier rules first, with all its mends that go as far."""
    here = (-broken.scan.slips, broken.line, broken.column - len(broken.indent(broken.line)))
    best: tuple[Reached, SyntaxRule, list[Mend]] | None = None
    for rule in sorted(syntax, key=lambda one: not one.certain):
        reached = [(_reached(broken, mend, here), mend) for mend, _ in zip(islice(rule.mends(broken), PROPOSALS), tries, strict=False)]
        top = max((one for one, _ in reached), default=here)
        if top > here and (best is None or top > best[0]):
            best = (top, rule, [mend for one, mend in reached if one == top][:ALTERNATIVES])
        if best is not None and (best[0] == PARSES or (rule.certain and best[1] is rule)):
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
    shapes = any(set(edit.text + broken.text[edit.start : edit.end]) & BRACKETS for edit in mend.edits)
    slips = stopped.scan.slips if shapes or here[0] else 0
    return -slips, stopped.line - max(added, 0), stopped.column - len(stopped.indent(stopped.line))


class Round:
    """Edits that were applied, and the way back over them."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.edits = sorted(edits)
        self.starts: list[int] = []
        self.shifts = [0]
        for edit in self.edits:
            self.starts.append(edit.start + self.shifts[-1])
            self.shifts.append(self.shifts[-1] + len(edit.text) - (edit.end - edit.start))

    def back(self, offset: int) -> int:
        """The offset in the text before the edits of an offset in the text after them."""
        number = bisect_right(self.starts, offset) - 1
        if number >= 0 and offset < self.starts[number] + len(self.edits[number].text):
            return self.edits[number].start
        return offset - self.shifts[number + 1]


def _back(offset: int, applied: Sequence[Round]) -> int:
    """The offset in the original text of an offset in the edited one."""
    for one in reversed(applied):
        offset = one.back(offset)
    return offset


def _edits_back(edits: Sequence[Edit], applied: Sequence[Round]) -> tuple[Edit, ...]:
    return tuple(Edit(_back(edit.start, applied), max(_back(edit.end, applied), _back(edit.start, applied)), edit.text) for edit in edits)


def _span(code: Code, offset: int) -> Span:
    line, column = code.place(offset)
    return Span.at(line, column)
