"""Quick runs: training loops end early, while the file, the places and the statements after the loop stay as they are."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator
from typing import Any

GUARD = "__snipfix_guard__"


def steps_in(tree: ast.AST) -> set[str]:
    """The names of the functions that contain an optimizer step, directly or through one another."""
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    stepping: set[str] = set()
    while True:
        found = {node.name for node in functions if _steps(node, stepping)}
        if found == stepping:
            return stepping
        stepping = found


def _steps(node: ast.AST, stepping: set[str]) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            function = part.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in stepping or (name == "step" and isinstance(function, ast.Attribute)):
                return True
    return False


class _Guarded(ast.NodeTransformer):
    def __init__(self, stepping: set[str]) -> None:
        self.stepping = stepping

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        if any(_steps(statement, self.stepping) for statement in node.body):
            call = ast.Call(ast.Name(GUARD, ast.Load()), [node.iter], [])
            node.iter = ast.copy_location(call, node.iter)
        return node


def guard(tree: ast.Module, limit: int, steps_done: Callable[[], int], cut_short: Callable[[], None]) -> ast.Module:
    """The tree with every training loop's iterable ending after `limit` optimizer steps made in that loop."""

    def guarded(iterable: Iterable[Any]) -> Iterator[Any]:
        start = steps_done()
        for item in iterable:
            if steps_done() - start >= limit:
                cut_short()
                return
            yield item

    setattr(builtins, GUARD, guarded)
    return ast.fix_missing_locations(_Guarded(steps_in(tree)).visit(tree))
