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
    made = [context.code.parents[call] for call, name in context.scopes.calls if name in CLASSES]
    return {written(target) for node in made if isinstance(node, ast.Assign) for target in node.targets}


def field_calls(context: Context, *methods: str) -> Iterator[ast.Call]:
    """Calls of a field's forward, or of its methods, in order of the text."""
    names = field_names(context)
    wanted = names if not methods else {f"{name}.{method}" for name in names for method in methods}
    called = (name.rpartition(".")[2] for name in wanted)
    return (node for node in context.code.calls(*called) if written(node.func) in wanted)


def enclosing_function(context: Context, node: ast.AST) -> ast.FunctionDef | None:
    """The function that a node stands in."""
    return context.code.around(node, ast.FunctionDef)
