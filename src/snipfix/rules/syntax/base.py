"""What the syntax rules share: a broken text, a proposed mend, and the finding that comes of it once the parser has agreed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

from snipfix.code import Code
from snipfix.model import Category, Edit, Finding, Fix, Stage
from snipfix.rules.base import Context, Rule
from snipfix.rules.syntax.scan import Scan, Token

__all__ = ["Broken", "Mend", "SyntaxRule", "is_prose"]

PROSE = re.compile(r"[^\W\d_]{2,}[\s，,：:]+[^\W\d_]{2,}|[\u4e00-\u9fff]{2,}|^\s*\*\*.+\*\*|^\s*[-*•·] +\w|^\s*\d+[.、)] *\w")

STATEMENT = re.compile(
    r"\s*(?:(?:def|class|elif|except|return|import)\b|from\s+\S+\s+import\b|(?:for|if|while|with|else|try|finally)\b.*[:：]\s*$)"
)
"""A broken statement rather than a sentence: made a comment, it would be gone."""


def is_prose(line: str) -> bool:
    """Whether a line reads as a sentence or a list item, with nothing in it that only code has."""
    return PROSE.search(line) is not None and re.search(r"[=()\[\]{}'\"]", line) is None and STATEMENT.match(line) is None


@dataclass(frozen=True, slots=True)
class Mend:
    """A proposal: edits, and what to mark. Nothing is reported unless the parser gets further with it."""

    title: str
    edits: tuple[Edit, ...]
    start: int
    """Offset of the place that is marked."""
    message: str


class Broken:
    """A text that does not parse and what its parser says."""

    def __init__(self, code: Code) -> None:
        error = code.syntax_error
        assert error is not None
        self.code, self.text, self.lines = code, code.text, code.lines
        self.message = error.msg or ""
        self.line = min(max(error.lineno or 1, 1), len(self.lines))
        self.column = max(error.offset or 1, 1)

    @cached_property
    def scan(self) -> Scan:
        return Scan(self.text)

    @property
    def place(self) -> int:
        """The offset that the parser names."""
        return self.code.offset(self.line, self.column)

    def start(self, line: int) -> int:
        """Offset of the first character of a line."""
        return self.code.offset(line, 1)

    def end(self, line: int) -> int:
        """Offset after the last character of a line."""
        return self.code.offset(line, len(self.lines[line - 1]) + 1)

    def line_of(self, offset: int) -> int:
        return self.code.place(offset)[0]

    def tokens(self, line: int) -> list[Token]:
        """The code tokens that begin on a line."""
        return self.scan.line_tokens(self.start(line), self.end(line))

    def indent(self, line: int) -> str:
        text = self.lines[line - 1]
        return text[: len(text) - len(text.lstrip(" \t"))]

    def blank(self, line: int) -> bool:
        """Nothing but a comment or blanks."""
        return not self.lines[line - 1].strip() or self.lines[line - 1].lstrip().startswith("#")


class SyntaxRule(Rule):
    """A kind of syntax error. A subclass only proposes mends; which of them are true is settled by parsing (see `diagnosis`)."""

    category = Category.SYNTAX
    certain: ClassVar[bool] = False
    """What it mends stands in no Python text: it goes before rules that would get further with a guess."""

    def mends(self, broken: Broken) -> Iterable[Mend]:
        """Proposals for the first error of the text, likeliest first. They need not be right."""
        raise NotImplementedError

    def on_syntax(self, context: Context, error: SyntaxError) -> Iterator[Finding]:
        from snipfix.rules.syntax.diagnosis import diagnose

        for fault in diagnose(context):
            if fault.rule is self:
                yield self.finding(fault.message, fault.span, stage=Stage.PARSE, evidence={"parser": fault.parser})

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        from snipfix.rules.syntax.diagnosis import diagnose

        faults = diagnose(context)
        for fault in faults:
            if fault.rule is self and fault.span == finding.span:
                for number, (title, edits) in enumerate(fault.mends):
                    yield self.fix(title, *edits, preference=number)
                if len(faults) > 1 and all(one.mends for one in faults):
                    together = [edit for one in faults for edit in one.mends[0][1]]
                    if _apart(together):
                        yield self.fix(f"Mend all {len(faults)} faults", *together, preference=9)


def _apart(edits: list[Edit]) -> bool:
    """Whether edits can be applied together."""
    ordered = sorted(edits)
    return all(one.end <= two.start for one, two in pairwise(ordered))
