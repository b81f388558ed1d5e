"""Quick runs: training loops end early, while the file, the places and the statements after the loop stay as they are."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator
from typing import Any

GUARD, BEGIN, MORE = "__snipfix_guard__", "__snipfix_begin__", "__snipfix_more__"
IN_PLACE = frozenset({"sub_", "add_", "sub", "add", "copy_"})


class Loops:
    """What the guarded loops of one job share. `done()` counts optimizer steps and backward passes; `cut(loop)` is told which loop was ended."""

    def __init__(self, limit: int, done: Callable[[], tuple[int, int]], cut: Callable[[str], None]) -> None:
        self.limit, self.done, self.cut = limit, done, cut
        self._headers: list[tuple[str, int]] = []
        self._begun: dict[int, int] = {}
        setattr(builtins, GUARD, self._guarded)
        setattr(builtins, BEGIN, self._begin)
        setattr(builtins, MORE, self._more)

    def guard(self, tree: ast.Module, text: str) -> ast.Module:
        """The tree with every training loop of it ending after `limit` steps made in that loop."""
        return ast.fix_missing_locations(_Guarded(tree, text, self._headers).visit(tree))

    def _count(self, number: int) -> int:
        return self.done()[self._headers[number][1]]

    def _guarded(self, number: int, iterable: Iterable[Any]) -> Iterator[Any]:
        start = self._count(number)
        for item in iterable:
            if self._count(number) - start >= self.limit:
                self.cut(self._headers[number][0])
                return
            yield item

    def _begin(self, number: int) -> None:
        self._begun[number] = self._count(number)

    def _more(self, number: int) -> bool:
        if self._count(number) - self._begun[number] < self.limit:
            return True
        self.cut(self._headers[number][0])
        return False


def steps_in(tree: ast.AST) -> set[str]:
    """The names of the functions that contain an optimizer step, directly or through one another."""
    return _closure(tree, _steps)


def _closure(tree: ast.AST, holds: Callable[[ast.AST, set[str]], bool]) -> set[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    known: set[str] = set()
    while True:
        found = {node.name for node in functions if holds(node, known)}
        if found == known:
            return known
        known = found


def _called(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """(name, whether it is an attribute) of everything that is called below a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            function = part.func
            method = isinstance(function, ast.Attribute)
            yield (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")), method


def _steps(node: ast.AST, stepping: set[str]) -> bool:
    return any(name in stepping or (method and name == "step") for name, method in _called(node))


def _by_hand(node: ast.AST, descending: set[str]) -> bool:
    """Whether it goes down a gradient without an optimizer: a backward pass, and parameters that are changed by their `.grad`."""
    if any(name in descending for name, _ in _called(node)):
        return True
    return any(method and name == "backward" for name, method in _called(node)) and any(map(_descends, ast.walk(node)))


def _descends(node: ast.AST) -> bool:
    if isinstance(node, ast.AugAssign):
        return _has_gradient(node.value)
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.BinOp) and isinstance(node.value.op, (ast.Add, ast.Sub)) and _has_gradient(node.value)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in IN_PLACE
        and any(map(_has_gradient, node.args))
    )


def _has_gradient(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr == "grad" for part in ast.walk(node))


class _Guarded(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, text: str, headers: list[tuple[str, int]]) -> None:
        self.kinds = ((_steps, steps_in(tree)), (_by_hand, _closure(tree, _by_hand)))
        self.lines, self.headers = text.split("\n"), headers

    def _number(self, node: ast.For | ast.While) -> ast.expr | None:
        """The number of a training loop; None for any other loop."""
        body = ast.Module(node.body, [])
        for kind, (holds, known) in enumerate(self.kinds):
            if holds(body, known):
                self.headers.append((self.lines[node.lineno - 1].strip().rstrip(":"), kind))
                return ast.Constant(len(self.headers) - 1)
        return None

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        number = self._number(node)
        if number is not None:
            call = ast.Call(ast.Name(GUARD, ast.Load()), [number, node.iter], [])
            node.iter = ast.copy_location(call, node.iter)
        return node

    def visit_While(self, node: ast.While) -> ast.AST | list[ast.AST]:
        self.generic_visit(node)
        number = self._number(node)
        if number is None:
            return node
        begin = ast.Expr(ast.Call(ast.Name(BEGIN, ast.Load()), [number], []))
        more = ast.Call(ast.Name(MORE, ast.Load()), [number], [])
        # Asked before the condition, which may have effects of its own (`while batch := next(source)`).
        node.test = ast.copy_location(ast.BoolOp(ast.And(), [ast.copy_location(more, node.test), node.test]), node.test)
        return [ast.copy_location(begin, node), node]
