"""A value that was left behind in a function, computed back from what the function made of it and returned."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fractions import Fraction

from snipfix.rules.scopes import Scopes

__all__ = ["recovered", "solved"]

OPPOSITES = {"exp": "log", "log": "exp", "log1p": "expm1", "expm1": "log1p"}


def recovered(scopes: Scopes, use: ast.Name) -> Iterator[str]:
    """Assignments that give a name the value it had in another function, from a name visible at `use` that the function returns.

    `sigma = torch.exp(0.5 * log_var)` and `sigma` in reach → `log_var = 2 * torch.log(sigma)`.
    """
    here = scopes.scope_of(use)
    for scope in scopes.scopes:
        if scope.kind != "function" or use.id not in scope.bindings or not isinstance(scope.node, ast.FunctionDef):
            continue
        returned = {
            name.id
            for node in ast.walk(scope.node)
            if isinstance(node, ast.Return)
            for name in ast.walk(node)
            if isinstance(name, ast.Name)
        }
        for node in scope.node.body:
            target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
            if isinstance(node, ast.Assign) and isinstance(target, ast.Name) and target.id in returned and scopes.resolve(target.id, here):
                back = solved(node.value, use.id, target.id)
                if back is not None:
                    yield f"{use.id} = {back}"


def solved(made: ast.expr, wanted: str, value: str) -> str | None:
    """The expression for `wanted` where `made` has the value `value`: made of exp, log and one number; None for anything else.

    `exp(0.5 * x)`, x, y → `2 * log(y)`.
    """
    if isinstance(made, ast.Name):
        return value if made.id == wanted else None
    if isinstance(made, ast.UnaryOp) and isinstance(made.op, ast.USub):
        return _of(solved(made.operand, wanted, value), "-{}")
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in OPPOSITES and not made.keywords:
        opposite = OPPOSITES[made.func.attr]
        if not made.args:
            return solved(made.func.value, wanted, f"{value}.{opposite}()" if value.isidentifier() else f"({value}).{opposite}()")
        if len(made.args) == 1:
            return solved(made.args[0], wanted, f"{ast.unparse(made.func.value)}.{opposite}({value})")
    if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Mult | ast.Div):
        return _scaled(made, wanted, value)
    return None


def _scaled(made: ast.BinOp, wanted: str, value: str) -> str | None:
    """`0.5 * x` or `x / 2`, undone."""
    number, other = (
        (made.left, made.right) if isinstance(made.left, ast.Constant) and isinstance(made.op, ast.Mult) else (made.right, made.left)
    )
    factor = number.value if isinstance(number, ast.Constant) else None
    if not isinstance(factor, int | float) or isinstance(factor, bool) or not factor:
        return None
    exact = Fraction(factor)
    undone = exact if isinstance(made.op, ast.Div) else 1 / exact
    text = f"{undone.numerator} * {value}" if undone.denominator == 1 else f"{value} / {factor}"
    return solved(other, wanted, text) if undone.denominator == 1 or isinstance(made.op, ast.Mult) else None


def _of(text: str | None, template: str) -> str | None:
    return template.format(f"({text})") if text is not None else None
