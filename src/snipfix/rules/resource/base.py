"""What the rules about limits share: the place that a run had reached when it was ended."""

from __future__ import annotations

import ast

from snipfix.evidence import Outcome, Span
from snipfix.rules.base import Context

__all__ = ["reached"]


def reached(context: Context, outcome: Outcome) -> tuple[Span, ast.stmt | None]:
    """The last top-level statement that was started, and its place."""
    line = outcome.lines_run[-1] if outcome.lines_run else 1
    body = context.code.tree.body
    statement = next((node for node in reversed(body) if node.lineno <= line), body[0] if body else None)
    if statement is None:
        return Span.at(1), None
    span = context.code.span(statement)
    width = len(context.code.lines[span.line - 1].rstrip())
    return Span(span.line, span.column, span.line, max(width + 1, span.column + 1)), statement
