"""Whole numbers that names have: by propagating the text's constants, helped by what the run has seen. Nothing is executed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping

from snipfix.code import FUNCTIONS, Code, parse
from snipfix.evidence import Exercise, Frame

__all__ = ["Values", "evaluate", "literal"]

OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
LIMIT = 1 << 40
DEPTH = 6


def literal(node: ast.expr | None) -> float | None:
    """The number that an expression spells, with or without a minus sign; None for any other expression, a truth value among them."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = literal(node.operand)
        return None if inner is None else -inner
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def evaluate(node: ast.AST, names: Mapping[str, int]) -> int | None:
    """The whole number an expression has when its names have these values; None when that cannot be told."""
    match node:
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return names.get(f"self.{name}")
        case ast.Call(func=ast.Name(id="len"), args=[ast.List(elts=items) | ast.Tuple(elts=items)], keywords=[]):
            return None if any(isinstance(item, ast.Starred) for item in items) else len(items)
        case ast.Call(func=ast.Name(id="int"), args=[inner], keywords=[]):
            return evaluate(inner, names)
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, evaluate(left, names), evaluate(right, names))
    return None


def _binary(op: ast.operator, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if isinstance(op, ast.Div):
        return left // right if right and left % right == 0 else None
    if isinstance(op, ast.Pow):
        return int(left**right) if 0 <= right <= 8 and abs(left) < 1 << 16 else None
    try:
        value = OPERATORS[type(op)](left, right) if type(op) in OPERATORS else None
    except ZeroDivisionError:
        return None
    return value if value is not None and abs(value) < LIMIT else None


class Values:
    """The values of names in each function of a text. `frames` and `exercise` say what the failing run had."""

    def __init__(self, code: Code, frames: tuple[Frame, ...] = (), exercise: Exercise | None = None) -> None:
        self.code, self.frames = code, frames
        self.extra = _calls_in(exercise.call) if exercise else []
        self._known: dict[ast.AST, dict[str, int]] = {}

    def of(self, function: ast.AST, depth: int = 0) -> dict[str, int]:
        """Names with a known value in a function: its own first, then those of the module."""
        below = {} if isinstance(function, ast.Module) else self.own(self.code.tree, depth + 1)
        return {**below, **self.kept(function, depth), **self.own(function, depth)}

    def kept(self, function: ast.AST, depth: int = 0) -> dict[str, int]:
        """What a method finds on `self`: the attributes that `__init__` has set."""
        owner = self.code.parents.get(function)
        if not isinstance(owner, ast.ClassDef) or getattr(function, "name", "") == "__init__":
            return {}
        init = next((node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"), None)
        found = self.own(init, depth + 1) if init is not None else {}
        return {name: value for name, value in found.items() if name.startswith("self.")}

    def own(self, function: ast.AST, depth: int = 0) -> dict[str, int]:
        """Names with a known value that a function (or the module) binds itself, `self.width` among them."""
        if function in self._known or depth > DEPTH:
            return self._known.get(function, {})
        self._known[function] = {}
        outer = {} if isinstance(function, ast.Module) else self.own(self.code.tree, depth + 1)
        own = self._parameters(function, depth) if isinstance(function, ast.FunctionDef) else {}
        for target, value in _assignments(self.code, function):
            number = evaluate(value, {**outer, **own})
            if number is not None:
                own[target] = number
            else:
                own.pop(target, None)
        own.update(self._seen(function))
        self._known[function] = own
        return own

    def _seen(self, function: ast.AST) -> dict[str, int]:
        name = "<module>" if isinstance(function, ast.Module) else getattr(function, "name", "")
        owner = getattr(self.code.parents.get(function), "name", "")
        found: dict[str, int] = {}
        for frame in self.frames:
            if frame.function == name and frame.owner in ("", owner):
                found.update(
                    {key: int(value.text) for key, value in frame.locals.items() if value.kind == "int" and _is_number(value.text)}
                )
        return found

    def _parameters(self, function: ast.FunctionDef, depth: int) -> dict[str, int]:
        """What the parameters are given by the calls in the text, defaults where nothing is given."""
        owner = self.code.parents.get(function)
        name = owner.name if isinstance(owner, ast.ClassDef) and function.name == "__init__" else function.name
        names = [arg.arg for arg in function.args.args][1 if isinstance(owner, ast.ClassDef) else 0 :]
        known: dict[str, int] = {}
        for arg, default in _defaults(function.args):
            number = evaluate(default, {})
            if number is not None:
                known[arg] = number
        method = isinstance(owner, ast.ClassDef) and function.name != "__init__"
        for call in self._method_calls(name) if method else self.calls_of(name):
            outer = self.of(self._function_of(call), depth + 1)
            for arg, value in [*zip(names, call.args, strict=False), *((one.arg, one.value) for one in call.keywords if one.arg)]:
                number = evaluate(value, outer)
                if number is not None:
                    known[arg] = number
        return known

    def calls_of(self, name: str) -> list[ast.Call]:
        """Calls of a class or function by its plain name, the exercise's own call last."""
        calls = [node for node in [*self.code.nodes, *self.extra] if isinstance(node, ast.Call)]
        return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]

    def _method_calls(self, name: str) -> list[ast.Call]:
        return [call for call in self.code.calls(name) if isinstance(call.func, ast.Attribute)]

    def _function_of(self, node: ast.AST) -> ast.AST:
        return self.code.around(node, ast.FunctionDef) or self.code.tree


def _assignments(code: Code, function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The assignments of a function or module in order of the text, without those of functions and classes inside it."""
    for node in sorted(code.all(ast.Assign, inside=function), key=lambda node: (node.lineno, node.col_offset)):
        if len(node.targets) != 1 or (code.around(node, ast.ClassDef, *FUNCTIONS) or code.tree) is not function:
            continue
        target = node.targets[0]
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and len(target.elts) == len(node.value.elts):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        for one, value in pairs:
            if isinstance(one, ast.Name):
                yield one.id, value
            elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self":
                yield f"self.{one.attr}", value


def _defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    count = len(arguments.defaults)
    yield from ((arg.arg, value) for arg, value in zip(arguments.args[len(arguments.args) - count :], arguments.defaults, strict=True))
    yield from ((arg.arg, value) for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value is not None)


def _calls_in(text: str) -> list[ast.AST]:
    try:
        return list(ast.walk(parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _is_number(text: str) -> bool:
    return text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) < 14
