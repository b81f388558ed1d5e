"""Interactive sessions, Python's and IPython's: prompts taken off, outputs blank, so that every line keeps its place."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from snipfix.documents.events import Fence, Line, Style, code_of

__all__ = ["opens_session", "without_prompts"]

PROMPT = re.compile(r"(\s*)(>>>|\.\.\.)( |$)")
IPYTHON = re.compile(r"(\s*)(In ?\[\d+\]:|\.{3,}:)( |$)")
STYLES = {
    (Style.TEXT, False): Style.PROMPT, (Style.TEXT, True): Style.IPYTHON,
    (Style.HTML, False): Style.HTML_PROMPT, (Style.HTML, True): Style.HTML_IPYTHON,
}  # fmt: skip
"""By the style of the fence, and whether its prompts are IPython's."""


def opens_session(code: str) -> bool:
    """Whether a line of a document is the first of a session."""
    return re.match(r"\s*(?:>>>|In ?\[\d+\]:)(?: |$)", code) is not None


def without_prompts(fence: Fence) -> tuple[Fence, str | None]:
    """The session as a program, and what it documents to be printed.

    The output is None when it shows the values of expressions, which a program does not print.
    """
    lines, outputs, shown = list[Line](), list[Line](), list[int]()
    inside = False
    ipython = any(IPYTHON.match(line.code) for line in fence.lines)
    prompt = IPYTHON if ipython else PROMPT
    for line in fence.lines:
        match = prompt.match(line.code)
        if match and (not match[2].startswith("...") or inside):
            inside = True
            lines.append(line.behind(match.end()) if fence.style is Style.HTML else line.cut(match.end()))
            continue
        # A blank line ends a doctest's output; in code it would be a prompt.
        inside = inside and not line.code.strip()
        lines.append(Line(line.number, line.start, line.end, ""))
        if line.code.strip():
            outputs.append(line)
            shown.append(len(lines))
    while lines and not lines[-1].code.strip():
        lines.pop()
    pinned = frozenset(lines[number - 1] for number in shown if number <= len(lines))
    session = replace(fence, lines=tuple(lines), style=STYLES[fence.style, ipython], pinned=pinned, shown=tuple(outputs))
    documented = "\n".join(line.code for line in outputs) + "\n" if outputs else None
    return session, documented if _only_prints(code_of(session), shown) else None


def _only_prints(code: str, shown: list[int]) -> bool:
    """Whether each output line follows a statement whose value the prompt would not echo."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError):
        return False
    for line in shown:
        last = next((one for one in reversed(body) if one.lineno < line), None)
        match last:
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"))) | ast.For() | ast.While() | ast.With() | ast.If():
                continue
        return False
    return True
