"""Outputs that comments beside the prints tell: `print(x.shape)  # torch.Size([2, 3])`, or on the lines below.

A comment counts only where it is nothing but a value as Python prints it, and where its print ran once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from snipfix.code import Code
from snipfix.evidence import Outcome, Span
from snipfix.model import Edit
from snipfix.rules.documented_output.compare import ELLIPSIS, SIZE, lines_of, sizes
from snipfix.rules.observed import called, items, place, text

__all__ = ["beside", "mended"]

LABEL = re.compile(r"(?:outputs?|out|prints?|result|输出|结果|打印)\s*[:：]\s*|(?:[-=]>|→|⇒|>>>)\s*", re.IGNORECASE)
VALUE = re.compile(r"torch\.Size\(\[[\d,\s]*\]\)|tensor\(.*\)|True|False|[-+]?\d+\.\d*(?:e[-+]?\d+)?", re.DOTALL)
LABELLED = re.compile(r"[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?")
"""A whole number alone may be a mark that the text below explains; under a label it is an output."""
KINDS = (LABELLED, re.compile(r"True|False"), re.compile(r"tensor\(.*\)", re.DOTALL))
SECONDARY = re.compile(r",\s*(?:grad_fn=<[^<>]*>|requires_grad=True|dtype=[\w.]+)")
MOST_LINES = 12


@dataclass(frozen=True)
class Beside:
    """A print that ran once, what a comment says that it prints and what it printed, in the same words where they agree, and both as they stand."""

    span: Span
    documented: str
    true: str
    shown: str
    value: str
    line: int
    """The first line of the comment."""


def beside(code: Code, outcome: Outcome) -> Iterator[Beside]:
    """Each print that ran once and has a value in a comment."""
    if not code.calls("print") or not any(_value(comment) or LABEL.match(comment) or "(" in comment for comment in code.comments.values()):
        return
    printed: dict[int, list[tuple[Span, str]]] = {}
    for observation in outcome.seen("printed"):
        for one in items(observation.facts, "printed"):
            where = place(code, {"p": one}, "p", "span")
            if where is not None:
                printed.setdefault(where.line, []).append((where, text({"p": one}, "p", "text")))
    for statement in code.all(ast.Expr):
        if called(statement.value) == "print" and len(given := printed.get(statement.lineno, [])) == 1:
            line, documented = _documented(code, statement)
            span, true = given[0][0], given[0][1].strip()
            if documented and (pair := _comparable(documented, true)):
                shown, value = (found[0] if (found := SIZE.findall(one)) else one for one in (documented, true))
                if all(LABELLED.fullmatch(one) for one in (shown, value)) and "e" not in (shown + value).lower():
                    value = f"{float(value):.{len(shown.partition('.')[2])}f}"  # to as many digits as the comment has
                yield Beside(span, pair[0], pair[1], shown, value, line)


def _documented(code: Code, statement: ast.Expr) -> tuple[int, str]:
    """The value in the comment behind a print, or in the lines of comment right below it, with the first line of the comment."""
    last = statement.end_lineno or statement.lineno
    if last in code.comments:
        return last, _value(code.comments[last])
    lines: list[str] = []
    for number in range(last + 1, min(last + 1 + MOST_LINES, len(code.lines) + 1)):
        if number not in code.comments or not code.lines[number - 1].lstrip().startswith("#"):
            break
        lines.append(code.comments[number])
        if found := _value("\n".join(lines)):
            return last + 1, found
    return last, ""


def mended(code: Code, shown: str, value: str, line: int) -> tuple[Edit, ...]:
    """The comment with the true value in the place of the one that it shows."""
    first = shown.split("\n", maxsplit=1)[0]
    at = code.text.find(first, code.offset(line, 1))
    if "\n" not in shown and "\n" not in value:
        return (Edit(at, at + len(shown), value),) if at >= 0 and code.place(at)[0] == line else ()
    head = code.text[code.offset(line, 1) : at]
    if not head.lstrip().startswith("#") or code.place(at)[0] != line:
        return ()
    last = line + shown.count("\n")
    end = code.offset(last, 1) + len(code.lines[last - 1].rstrip("\n"))
    inner = head[: len(head) - len(head.lstrip())] + "#" + " " * (len(head.lstrip()) - 1)
    return (Edit(at, end, f"\n{inner}".join(value.split("\n"))),)


def _value(comment: str) -> str:
    """What a comment says is printed, if it says nothing else; with brackets that all close."""
    bare = LABEL.sub("", comment, count=1) if LABEL.match(comment) else comment
    bare = bare.strip()
    if (VALUE.fullmatch(bare) or (bare != comment.strip() and LABELLED.fullmatch(bare))) and len(lines_of(bare)) == 1:
        return bare if bare.count("(") == bare.count(")") and bare.count("[") == bare.count("]") and not ELLIPSIS.search(bare) else ""
    return ""


def _comparable(documented: str, true: str) -> tuple[str, str] | None:
    """Both values, where what was printed is a value of the same kind: of a line with words in it only the size counts."""
    if claimed := sizes(documented):
        given = sizes(true)
        return (claimed[0], given[0]) if len(given) == 1 else None
    if any(kind.fullmatch(documented) and kind.fullmatch(true) for kind in KINDS):
        return SECONDARY.sub("", documented), SECONDARY.sub("", true)
    return None
