"""The KL divergence of a Gaussian from the unit Gaussian, as written in the text: 1 + log σ² - μ² - σ², summed or averaged."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snipfix.code import Code
from snipfix.evidence import Outcome
from snipfix.rules.observed import called, each
from snipfix.rules.values import literal

__all__ = ["Divergence", "divergences", "reduced", "squared"]


@dataclass(frozen=True)
class Divergence:
    """One such expression. `sign`: of what the reduction is multiplied with, times that of the constant 1; right when it is negative."""

    call: ast.Call
    whole: ast.expr
    log: ast.expr
    terms: tuple[ast.expr, ast.expr]
    sign: int
    reduction: str
    partial: bool
    """Reduced along some dims only."""
    upright: bool
    """Written as 1 + log σ² - μ² - σ², not the other way round."""


def divergences(code: Code) -> Iterator[Divergence]:
    """Every such expression, in order of the text."""
    for call in sorted(code.calls("sum", "mean"), key=lambda node: (node.lineno, node.col_offset)):
        inner, rest = _argument(call)
        terms = list(_terms(inner, 1)) if inner is not None else []
        ones = [sign for sign, node in terms if isinstance(node, ast.Constant) and node.value == 1]
        others = [(sign, node) for sign, node in terms if not isinstance(node, ast.Constant)]
        if len(terms) != 4 or len(ones) != 1 or len(others) != 3:
            continue
        alike = [node for sign, node in others if sign == ones[0]]
        apart = [node for sign, node in others if sign != ones[0]]
        if len(alike) == 1 and len(apart) == 2:
            whole, factor = _factor(code, call)
            yield Divergence(call, whole, alike[0], (apart[0], apart[1]), factor * ones[0], called(call), bool(rest), ones[0] > 0)


def reduced(outcome: Outcome, code: Code, one: Divergence) -> Mapping[str, Any]:
    """What the run saw at the reduction of a divergence; empty when it never came there."""
    wanted = code.span(one.call)
    return next((observation.facts for observation, span in each(outcome, code, "reduction") if span == wanted), {})


def _argument(call: ast.Call) -> tuple[ast.expr | None, list[ast.AST]]:
    """What is reduced, and the other arguments."""
    others: list[ast.AST] = list(call.keywords)
    if isinstance(call.func, ast.Attribute) and not (isinstance(call.func.value, ast.Name) and call.func.value.id == "torch"):
        return call.func.value, [*call.args, *others]
    return (call.args[0], [*call.args[1:], *others]) if call.args else (None, others)


def _terms(node: ast.expr, sign: int) -> Iterator[tuple[int, ast.expr]]:
    """The summands with their signs."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, sign if isinstance(node.op, ast.Add) else -sign)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _terms(node.operand, -sign)
    else:
        yield sign, node


def _factor(code: Code, call: ast.expr) -> tuple[ast.expr, int]:
    """The largest product around the call made of constants and signs, and the sign of what it multiplies the call with."""
    node, sign = call, 1
    while (up := code.parents.get(node)) is not None:
        if isinstance(up, ast.UnaryOp) and isinstance(up.op, ast.USub):
            sign = -sign
        elif (
            isinstance(up, ast.BinOp)
            and isinstance(up.op, ast.Mult | ast.Div)
            and (other := literal(up.right if up.left is node else up.left))
        ):
            sign = -sign if other < 0 else sign
        else:
            break
        node = up
    return node, sign


def squared(node: ast.expr) -> str:
    """What is squared: `s` for `s ** 2`, `s.pow(2)`, `torch.pow(s, 2)`, `s * s`, `s.square()`; empty otherwise."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and literal(node.right) == 2:
        return ast.unparse(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and ast.unparse(node.left) == ast.unparse(node.right):
        return ast.unparse(node.left)
    if isinstance(node, ast.Call) and called(node) in {"pow", "square"} and isinstance(node.func, ast.Attribute):
        inner = node.args[0] if ast.unparse(node.func.value) == "torch" and node.args else node.func.value
        return ast.unparse(inner)
    return ""
