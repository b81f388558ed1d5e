"""Texts and edits: what every codemod stands on."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable

from snipfix.code import Code
from snipfix.evidence import Span
from snipfix.model import Edit

__all__ = ["CodemodError", "Place", "edits_between", "joined", "span_of", "substitute"]

Place = Span | ast.AST

WORDS = re.compile(r"\w+|\n[ \t]*|\s|.", re.DOTALL)


class CodemodError(ValueError):
    """The code has not what the codemod should change."""


def span_of(code: Code, place: Place) -> Span:
    return place if isinstance(place, Span) else code.span(place)


def edits_between(old: str, new: str) -> tuple[Edit, ...]:
    """The minimal edits, by lines and then by words, that turn the old text into the new one."""
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    edits: list[Edit] = []
    starts = _starts(a)
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag != "equal":
            edits += _within("".join(a[a1:a2]), "".join(b[b1:b2]), starts[a1])
    return tuple(edits)


def _within(old: str, new: str, offset: int) -> list[Edit]:
    a, b = WORDS.findall(old), WORDS.findall(new)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.5:
        return [Edit(offset, offset + len(old), new)]
    starts = _starts(a)
    return [
        Edit(offset + starts[a1], offset + starts[a2], "".join(b[b1:b2])) for tag, a1, a2, b1, b2 in matcher.get_opcodes() if tag != "equal"
    ]


def _starts(pieces: list[str]) -> list[int]:
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + len(piece))
    return starts


def joined(*parts: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits of several codemods of the same code as one set; equal edits (the same import twice) are kept once."""
    return tuple(sorted({edit for part in parts for edit in part}))


def substitute(code: Code, old: str, new: str, *, line: int | None = None) -> tuple[Edit, ...]:
    """Replace the text `old` by `new`: where it starts `line`, else where it stands alone in the text. An empty `old` inserts before the line.

    Raises:
        CodemodError: when the text is not there, or more than once without a line.
    """
    if line is not None:
        at = code.offset(line, 1) if line <= len(code.lines) else len(code.text)
        if not code.text.startswith(old, at):
            raise CodemodError(f"line {line} does not start with {old[:60]!r}")
        return (Edit(at, at + len(old), new),)
    if not old or code.text.count(old) != 1:
        raise CodemodError(f"{old[:60]!r} stands {code.text.count(old) if old else 'no'} times in the text, not once")
    at = code.text.index(old)
    return (Edit(at, at + len(old), new),)
