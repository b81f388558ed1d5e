"""Calls of conditional random fields in the text."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import written
from snipfix.rules.base import Context

__all__ = ["enclosing_function", "field_calls", "field_names"]


CLASSES = frozenset({"torchcrf.CRF", "TorchCRF.CRF"})


def field_names(context: Context) -> set[str]:
    """What is bound to a `torchcrf.CRF`, as written: `self.crf`, `crf`."""
    found = set[str]()
    if "crf" not in context.code.text.lower():
        return found
    for node in context.code.all(ast.Assign):
        value = node.value
        if isinstance(value, ast.Call) and context.scopes.qualified(value.func) in CLASSES:
            found |= {ast.unparse(target) for target in node.targets}
    return found


def field_calls(context: Context, *methods: str) -> Iterator[ast.Call]:
    """Calls of a field's forward, or of its methods, in order of the text."""
    names = field_names(context)
    wanted = names if not methods else {f"{name}.{method}" for name in names for method in methods}
    calls = [node for node in context.code.all(ast.Call) if wanted and written(node.func) in wanted]
    return iter(sorted(calls, key=lambda node: (node.lineno, node.col_offset)))


def enclosing_function(context: Context, node: ast.AST) -> ast.FunctionDef | None:
    """The function that a node stands in."""
    return context.code.around(node, ast.FunctionDef)
