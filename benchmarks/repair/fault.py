"""What a fault is, and the few words that the kinds of fault are written in."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from snipfix.code import Code
from snipfix.model import Edit

Places = Iterator[tuple[Edit, ...]]


@dataclass(frozen=True)
class Fault:
    """A kind of fault: every place of a program where it can be made, and the categories that an expert would give it."""

    kind: str
    categories: frozenset[str]
    places: Callable[[Code], Places]


FAULTS: dict[str, Fault] = {}


def fault(*categories: str) -> Callable[[Callable[[Code], Places]], Callable[[Code], Places]]:
    """Register a function as a kind of fault, named after it."""

    def register(places: Callable[[Code], Places]) -> Callable[[Code], Places]:
        kind = places.__name__.replace("_", "-")
        FAULTS[kind] = Fault(kind, frozenset(categories), places)
        return places

    return register


def name_of(node: ast.AST) -> str:
    """The dotted name of an expression, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = name_of(node.value)
        return f"{owner}.{node.attr}" if owner else f".{node.attr}"
    return ""


def calls(code: Code, *names: str) -> Iterator[ast.Call]:
    """The calls whose last name is one of these (any without names)."""
    for node in code.nodes:
        if isinstance(node, ast.Call):
            last = name_of(node.func).rpartition(".")[2]
            if last and (not names or last in names):
                yield node


def width_of(node: ast.Call) -> ast.expr:
    """The first width that a layer is given, by place or by name."""
    return node.args[0] if node.args else node.keywords[0].value


def mentions(code: Code, *names: str) -> bool:
    """Whether the program calls one of these."""
    return next(calls(code, *names), None) is not None


def put(code: Code, node: ast.AST, text: str) -> tuple[Edit, ...]:
    """Text in place of a node."""
    start, end = code.range(code.span(node))
    return (Edit(start, end, text),)


def after(code: Code, node: ast.AST, text: str) -> tuple[Edit, ...]:
    """Text after a node."""
    end = code.range(code.span(node))[1]
    return (Edit(end, end, text),)


def without_statement(code: Code, node: ast.stmt) -> tuple[Edit, ...]:
    """The whole lines of a statement dropped."""
    span = code.span(node)
    return (
        Edit(code.offset(span.line, 1), min(code.offset(span.end_line, 1) + len(code.lines[span.end_line - 1]) + 1, len(code.text)), ""),
    )


def without_argument(code: Code, call: ast.Call, argument: ast.expr | ast.keyword) -> tuple[Edit, ...]:
    """An argument dropped with the comma that parts it from the others; the first one with the comma that follows."""
    everything = sorted([*call.args, *call.keywords], key=lambda one: (one.lineno, one.col_offset))
    at = everything.index(argument)
    start, end = code.range(code.span(argument))
    if at:
        return (Edit(code.range(code.span(everything[at - 1]))[1], end, ""),)
    return (Edit(start, code.range(code.span(everything[1]))[0] if len(everything) > 1 else end, ""),)


def unwrapped(code: Code, call: ast.Call) -> tuple[Edit, ...]:
    """A method call `value.method(...)` reduced to its value, brackets included; a function call to its first argument."""
    if not isinstance(call.func, ast.Attribute) or is_library(call.func.value):
        return put(code, call, code.slice(call.args[0]))
    owner = code.range(code.span(call.func))[1] - len(call.func.attr)
    return (Edit(code.text.rindex(".", 0, owner), code.range(code.span(call))[1], ""),)


def is_library(node: ast.AST) -> bool:
    return name_of(node) in ("torch", "nn", "F", "np", "nn.functional", "torch.nn.functional")


def statements(code: Code, name: str) -> Iterator[ast.stmt]:
    """Statements that are only a call of this method, where their block keeps another statement."""
    for node in calls(code, name):
        parent = code.parents[node]
        if isinstance(parent, ast.Expr) and len(getattr(code.parents[parent], "body", ())) > 1:
            yield parent


def returns(code: Code) -> Iterator[ast.Return]:
    """The last return of each forward()."""
    for node in code.nodes:
        if isinstance(node, ast.FunctionDef) and node.name == "forward" and isinstance(node.body[-1], ast.Return):
            yield node.body[-1]


def edited(text: str, edits: tuple[Edit, ...]) -> str:
    """The text after the edits."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
