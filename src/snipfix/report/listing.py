"""Highlighted code as HTML, line by line, with the places of findings or the words of a change marked. Everything is escaped here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from markupsafe import Markup, escape
from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]
from pygments.token import STANDARD_TYPES, Comment, Keyword, Name, Number, Operator, String, Token  # type: ignore[import-untyped]

from snipfix.code import Code
from snipfix.model import Finding
from snipfix.report.text import clean

__all__ = ["Listed", "highlighted", "listing"]

COLOURED = (Keyword, Comment, String, Number, Operator.Word, Name.Function, Name.Class, Name.Builtin, Name.Decorator)
RANK = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of code, ready to show, and the findings that begin on it."""

    number: int
    html: Markup
    findings: tuple[Finding, ...]
    severity: str = ""
    """The worst severity of the findings on the line."""


def listing(text: str, findings: Sequence[Finding] = ()) -> list[Listed]:
    """Every line of the text. Findings that lie behind another one belong to another text and are not marked."""
    code = Code(text)
    shown = sorted((finding for finding in findings if not finding.behind), key=lambda finding: RANK[finding.severity.value])
    marks = [(*code.range(finding.span), f"mark {finding.severity.value}") for finding in shown]
    begun: dict[int, list[Finding]] = {}
    last = max(len(code.lines) - (code.lines[-1] == ""), 1)
    for finding in findings:
        if not finding.behind:
            begun.setdefault(min(max(finding.span.line, 1), last), []).append(finding)
    html = highlighted(text, marks)
    return [
        Listed(
            number,
            html[number - 1],
            tuple(begun.get(number, ())),
            min((one.severity.value for one in begun.get(number, ())), key=RANK.__getitem__, default=""),
        )
        for number in range(1, last + 1)
    ]


def highlighted(text: str, marks: Sequence[tuple[int, int, str]] = ()) -> list[Markup]:
    """Every line of the text in colours. `marks`: start, end and class of what is marked in it; where they overlap the first one holds."""
    out: list[list[str]] = [[]]
    for start, piece, kind in _pieces(text, marks):
        mark = next((name for begin, end, name in marks if begin <= start < end), "")
        names = " ".join(filter(None, (kind, mark)))
        for number, part in enumerate(piece.split("\n")):
            if number:
                out.append([])
            if part:
                shown = escape(clean(part))
                out[-1].append(f'<span class="{names}">{shown}</span>' if names else str(shown))
    return [Markup("".join(parts)) for parts in out]  # noqa: S704 - each part was escaped above


def _pieces(text: str, marks: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, str, str]]:
    """Tokens cut at the ends of marks: offset, text, class."""
    cuts = sorted({at for begin, end, _ in marks for at in (begin, end)})
    for start, value, kind in _tokens(text):
        at, end = start, start + len(value)
        for cut in cuts[bisect_right(cuts, start) :]:
            if cut >= end:
                break
            yield at, text[at:cut], kind
            at = cut
        yield at, text[at:end], kind


@lru_cache(maxsize=4)
def _tokens(text: str) -> tuple[tuple[int, str, str], ...]:
    """Offset, text and class of every token: a snippet's code is listed, and then compared with what it became."""
    return tuple((start, value, _class(token)) for start, token, value in PythonLexer().get_tokens_unprocessed(text))


@cache
def _class(token: object) -> str:
    kind = next((one for one in COLOURED if token in one), None) if token is not Token.Error else None
    return STANDARD_TYPES[kind] if kind is not None else ""
