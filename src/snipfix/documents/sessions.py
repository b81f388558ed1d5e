"""Interactive sessions, Python's and IPython's: prompts taken off, outputs blank, so that every line keeps its place."""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

from snipfix.code import parse
from snipfix.documents.events import Fence, Line, Style, code_of

__all__ = ["BLANK", "Statements", "echoed", "is_plain_value", "opens_session", "shown_text", "value_of", "without_prompts"]

PROMPT = re.compile(r"(\s*)(>>>|\.\.\.)( |$)")
IPYTHON = re.compile(r"(\s*)(In ?\[\d+\]:|\.{3,}:)( |$)")
BLANK = "<BLANKLINE>"
OUT = re.compile(r"Out ?\[\d+\]:(?: |$)")
PLAIN = re.compile(r"(?:tensor|array)\(|torch\.(?:Size|float|int|long|bool)|[-+]?[\d.]|[(\[]\s*[-+\d.()\[\]'\"]|['\"]|True$|False$")
SKIPPED = re.compile(r"#\s*doctest:.*\+(?:SKIP|REQUIRES|IGNORE_OUTPUT|IGNORE_RESULT)")
ASIDE = re.compile(r"#|(?:[A-Z][a-z']*|(?::\w+:)?`[^`]+`|``[^`]+``)(?:,? [A-Za-z('`:~][\w'`:~.()-]*){4,}")
"""How a comment or a sentence between two outputs begins, after a blank line."""
LONGEST = 40
"""Lines that a statement of a session may have without prompts."""
Statements = tuple[tuple[str, bool], ...]
STYLES = {
    (Style.TEXT, False): Style.PROMPT, (Style.TEXT, True): Style.IPYTHON,
    (Style.HTML, False): Style.HTML_PROMPT, (Style.HTML, True): Style.HTML_IPYTHON,
}  # fmt: skip
"""By the style of the fence, and whether its prompts are IPython's."""


def opens_session(code: str) -> bool:
    """Whether a line of a document is the first of a session."""
    return re.match(r"\s*(?:>>>|In ?\[\d+\]:)(?: |$)", code) is not None


def without_prompts(fence: Fence) -> tuple[Fence, str | None, Statements]:
    """The session as a program, what it shows, and its statements, each with whether its value is shown.

    What IPython shows is None where it has a layout of its own for a value. So is what a doctest is told to pass over.
    """
    lines, outputs, shown = list[Line](), list[Line](), list[int]()
    inside, margin, apart, aside = False, 0, False, False
    ipython = any(IPYTHON.match(line.code) for line in fence.lines)
    prompt = IPYTHON if ipython else PROMPT
    going_on = frozenset() if ipython else _going_on(fence.lines)
    for line in fence.lines:
        match = prompt.match(line.code)
        if line.number in going_on:
            lines.append(line)
            continue
        if match and (not match[2].startswith("...") or inside):
            inside, margin, apart, aside = True, len(match[1]), False, False
            lines.append(line.behind(match.end()) if fence.style is Style.HTML else line.cut(match.end()))
            continue
        # A blank line ends a doctest's output; in code it would be a prompt.
        inside = inside and not line.code.strip()
        lines.append(Line(line.number, line.start, line.end, ""))
        aside = bool(line.code.strip()) and (aside or (apart and ASIDE.match(line.code.strip()) is not None))
        apart = not line.code.strip()
        if line.code.strip() and not aside:
            outputs.append(_output(line, margin if fence.style is Style.TEXT else 0))
            shown.append(len(lines))
    while lines and not lines[-1].code.strip():
        lines.pop()
    pinned = frozenset(lines[number - 1] for number in shown if number <= len(lines))
    session = replace(fence, lines=tuple(lines), style=STYLES[fence.style, ipython], pinned=pinned, shown=tuple(outputs))
    documented = "\n".join(shown_text(line) for line in outputs) + "\n" if outputs else None
    code = code_of(session)
    if _only_prints(code, shown):
        return session, documented, ()
    told = not ipython or (fence.style is Style.TEXT and all(map(is_plain_value, _values(outputs))))
    statements = _statements(code, shown) if told and not SKIPPED.search(code) else ()
    return session, documented if statements else None, statements


def _going_on(lines: Sequence[Line]) -> frozenset[int]:
    """The numbers of lines without a prompt that are no output: the statement above them is whole only with them."""
    found = set[int]()
    for at, line in enumerate(lines):
        first = PROMPT.match(line.code)
        if first is not None and first[2] == ">>>" and at + 1 < len(lines) and not PROMPT.match(lines[at + 1].code):
            found.update(_rest(line.code[first.end() :], lines[at + 1 : at + LONGEST]))
    return frozenset(found)


def _rest(text: str, below: Sequence[Line]) -> list[int]:
    """The numbers of the lines without a prompt with which the beginning of a statement is whole; none where it is whole alone, or never."""
    block, bare, whole = text.rstrip().endswith(":"), list[int](), 0
    if not text.strip() or _body(text):
        return []
    for one in below:
        match = PROMPT.match(one.code)
        if not one.code.strip() or (whole and (match or not one.code.startswith((" ", "\t")))):
            break
        text += "\n" + one.code[match.end() if match else 0 :]
        bare += [] if match else [one.number]
        if _body(text):
            whole = len(bare)
            if not block:
                break
    return bare[:whole]


def _output(line: Line, margin: int) -> Line:
    """A line of output without the margin of its session, and without `Out[1]:`."""
    if not line.code[:margin].strip():
        line = line.cut(margin)
    return line.cut(match.end()) if (match := OUT.match(line.code)) else line


def _values(outputs: Sequence[Line]) -> list[str]:
    """The outputs, what stands in brackets over several lines as one."""
    values = list[str]()
    for line in outputs:
        if values and (line.code[:1] in {" ", ")", "]"} or values[-1].count("[") > values[-1].count("]")):
            values[-1] += line.code
        else:
            values.append(line.code)
    return values


def is_plain_value(text: str) -> bool:
    """Whether IPython shows a value as Python does: tensors, sizes, numbers, strings, sequences of them; not classes, functions, sets."""
    return PLAIN.match(text.lstrip()) is not None


def value_of(code: str) -> Statements:
    """The statements of a notebook's cell, of which the last one's value is shown."""
    body = _body(code)
    if not body or not isinstance(body[-1], ast.Expr):
        return ()
    texts = _texts(code)
    return (*((text, False) for text in texts[:-1]), (texts[-1], True))


def shown_text(line: Line) -> str:
    """What a line of a session's output stands for: a doctest writes a blank one as a word."""
    return "" if line.code.strip() == BLANK else line.code


def _statements(code: str, shown: list[int]) -> Statements:
    """The top-level statements, each with whether it is an expression and an output stands before the next one."""
    body, texts = _body(code), _texts(code)
    if not body:
        return ()
    ends = [one.lineno for one in body[1:]] + [max(shown, default=0) + 1]
    found = list[tuple[str, bool]]()
    for statement, text, end in zip(body, texts, ends, strict=True):
        told = isinstance(statement, ast.Expr) and any(statement.lineno < line < end for line in shown)
        found.append((text, told))
    return tuple(found)


def echoed(code: str, session: Statements) -> Iterator[int]:
    """The first lines of the statements of some code whose value is shown, given those of the session that it comes from: others may have been added."""
    if not session:
        return
    body = _body(code)
    old, new = [text for text, _ in session], _texts(code)
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag in {"equal", "replace"}:  # what is new in a replacement stands before what it is for
            size = min(a2 - a1, b2 - b1)
            pairs = zip(range(a2 - size, a2), range(b2 - size, b2), strict=True)
            yield from (body[b].lineno for a, b in pairs if session[a][1])


def _texts(code: str) -> list[str]:
    """The text of each top-level statement; of those that share a line, with its place there."""
    lines = code.split("\n")
    return [f"{one.col_offset or ''}" + "\n".join(lines[one.lineno - 1 : one.end_lineno]).rstrip() for one in _body(code)]


def _body(code: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _only_prints(code: str, shown: list[int]) -> bool:
    """Whether each output line follows a statement whose value the prompt would not echo."""
    body = _body(code)
    if not body:
        return False
    for line in shown:
        last = next((one for one in reversed(body) if one.lineno < line), None)
        match last:
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"))) | ast.For() | ast.While() | ast.With() | ast.If():
                continue
        return False
    return True
