"""What a repair must not do to pass: delete what worked, hide an error, empty a loop, change seeds, data or epochs.

A search that is judged by "the error is gone" learns to cheat; these checks compare the two programs, not their runs. What ran before is compared as well.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from snipfix.code import Code
from snipfix.model import Result

__all__ = ["cheats", "lost"]

KEPT_CALLS = ("backward", "step", "manual_seed", "seed", "print")
"""Calls whose number may not fall; for seeds the arguments may not change either."""


def cheats(old: Code, new: Code) -> str:
    """How the new text cheats, in words; empty when it does not. Text that did not parse has nothing to compare."""
    if old.syntax_error or new.syntax_error:
        return ""
    if _count(new, ast.ExceptHandler) > _count(old, ast.ExceptHandler):
        return "it catches an exception that the author lets out"
    if _count(new, ast.Pass) > _count(old, ast.Pass):
        return "it empties a body"
    if _count(new, ast.For) + _count(new, ast.While) < _count(old, ast.For) + _count(old, ast.While):
        return "it drops a loop"
    if len(_definitions(new)) < len(_definitions(old)):
        return f"it drops {', '.join(sorted(_definitions(old) - _definitions(new)))}"
    if Counter(_loop_bounds(old)) - Counter(_loop_bounds(new)):
        return "it changes how often a loop runs"
    before, after = _calls(old), _calls(new)
    for name in KEPT_CALLS:
        if after[name] < before[name]:
            return f"it drops a call of {name}()"
    return "it changes a seed" if _seeds(old) != _seeds(new) else ""


def lost(before: Result, after: Result) -> str:
    """What worked before and does not any more, in words; empty when nothing was lost."""
    if before.outcome is None or after.outcome is None:
        return ""
    failed = {exercise.target for exercise in after.outcome.exercises if exercise.failure}
    for exercise in before.outcome.exercises:
        if not exercise.failure and not exercise.skipped and exercise.target in failed:
            return f"{exercise.target} worked before"
    if before.outcome.stdout and not after.outcome.stdout:
        return "it printed before"
    return ""


def _count(code: Code, kind: type[ast.AST]) -> int:
    return sum(isinstance(node, kind) for node in code.nodes)


def _definitions(code: Code) -> set[str]:
    return {node.name for node in code.nodes if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}


def _loop_bounds(code: Code) -> Iterator[str]:
    """The constants in the range() of each loop that stands in no function: the numbers of epochs and steps."""
    for node in code.nodes:
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range":
            yield ast.unparse(node.iter)


def _calls(code: Code) -> Counter[str]:
    return Counter(
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in code.all(ast.Call)
        if isinstance(node.func, ast.Attribute | ast.Name)
    )


def _seeds(code: Code) -> list[str]:
    return [
        ast.unparse(node)
        for node in code.all(ast.Call)
        if ast.unparse(node.func).split(".")[-1] in ("manual_seed", "manual_seed_all", "seed")
    ]
