"""Interactive sessions: `>>> ` and `... ` taken off, outputs blank, so that every line keeps its place."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from snipfix.documents.events import Fence, Line, Style, code_of

__all__ = ["without_prompts"]

PROMPT = re.compile(r"(\s*)(>>>|\.\.\.)( |$)")


def without_prompts(fence: Fence) -> tuple[Fence, str | None]:
    """The session as a program, and what it documents to be printed.

    The output is None when it shows the values of expressions, which a program does not print.
    """
    lines, outputs, shown = list[Line](), list[str](), list[int]()
    inside = False
    for line in fence.lines:
        match = PROMPT.match(line.code)
        if match and (match[2] == ">>>" or inside):
            inside = True
            lines.append(line.cut(match.end()))
            continue
        # A blank line ends a doctest's output; in code it would be a prompt.
        inside = inside and not line.code.strip()
        lines.append(Line(line.number, line.start, line.end, ""))
        if line.code.strip():
            outputs.append(line.code)
            shown.append(len(lines))
    while lines and not lines[-1].code.strip():
        lines.pop()
    pinned = frozenset(lines[number - 1] for number in shown if number <= len(lines))
    session = replace(fence, lines=tuple(lines), style=Style.PROMPT if fence.style is Style.TEXT else Style.FIXED, pinned=pinned)
    documented = "\n".join(outputs) + "\n" if outputs else None
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
