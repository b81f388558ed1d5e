"""Expressions that have an observed value, as a teacher would write them: a small change of what stands there, then names, then a bare number."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

from snipfix.rules.values import evaluate

__all__ = ["Expression", "expressions"]

FACTORS = (2, 4, 3, 8, 6, 16)
LARGEST = 128
"""The largest size tried for equal constants that change together (the 8 of `64 * 8 * 8`)."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A text with its cost: lower is closer to what a teacher would write."""

    cost: int
    text: str


def expressions(
    wanted: int,
    original: ast.expr | None,
    names: Mapping[str, int],
    *,
    near: Mapping[str, int] | None = None,
    spatial: Sequence[int] = (),
    written: str = "",
    limit: int = 6,
) -> list[Expression]:
    """Expressions over `names` that have the value `wanted`, best first, the original itself left out.

    `near` are the names of the function itself, better than those from outside. `spatial` is the shape of the feature map that was flattened
    (channels, then its sizes): the sizes should show as factors. `written` is code whose expressions are already familiar.
    """
    near = names if near is None else near
    found: dict[str, int] = {}
    for one in (
        *_changed(wanted, original, names, spatial),
        *_named(wanted, original, names, near, written),
        *_flattened(wanted, names, near, spatial),
        Expression(20, str(wanted)),
    ):
        found[one.text] = min(one.cost, found.get(one.text, one.cost))
    if original is not None:
        found.pop(ast.unparse(original), None)
    ranked = sorted((Expression(cost, text) for text, cost in found.items()), key=lambda one: (one.cost, len(one.text), one.text))
    return ranked[:limit]


# A small change of what stands there ----------------------------------------------------------------------------------


def _changed(wanted: int, original: ast.expr | None, names: Mapping[str, int], spatial: Sequence[int]) -> Iterator[Expression]:
    if not isinstance(original, ast.BinOp | ast.Constant):
        return
    count, sizes = len(_constants(original)), tuple(spatial[1:])
    if len(sizes) > 1 and count >= len(sizes):
        yield from _kept(wanted, _with(original, range(count - len(sizes), count), sizes), names, 0)
    values = [node.value for node in _constants(original)]
    groups = [[at for at, value in enumerate(values) if value == one] for one in dict.fromkeys(values)]
    for group in (group for group in groups if len(group) > 1):
        for size in range(1, LARGEST):
            cost = 1 if not sizes or set(sizes) == {size} else 8
            yield from _kept(wanted, _with(original, group, (size,) * len(group)), names, cost)
    for at in range(count):
        solution = _solved(wanted, original, names, at)
        if solution is not None and solution > 1:
            yield from _kept(wanted, _with(original, [at], (solution,)), names, 9 if sizes else 4 if count == 1 else 6)


def _constants(node: ast.expr) -> list[ast.Constant]:
    """The whole numbers in an expression, from left to right."""
    found = [one for one in ast.walk(node) if isinstance(one, ast.Constant) and type(one.value) is int]
    return sorted(found, key=lambda one: (one.lineno, one.col_offset))


def _with(node: ast.expr, places: Sequence[int], sizes: tuple[int, ...]) -> ast.expr:
    made = copy.deepcopy(node)
    constants = _constants(made)
    for at, size in zip(places, sizes, strict=True):
        constants[at].value = size
    return made


def _kept(wanted: int, made: ast.expr, names: Mapping[str, int], cost: int) -> Iterator[Expression]:
    if evaluate(made, names) == wanted:
        yield Expression(cost, ast.unparse(made))


def _solved(wanted: int, node: ast.expr, names: Mapping[str, int], at: int) -> int | None:
    """The value of one constant for which the expression has the wanted value: solved when it is linear in it, else looked for."""
    one, two, three = (evaluate(_with(node, [at], (size,)), names) for size in (1, 2, 3))
    if one is not None and two is not None and three is not None and two - one == three - two != 0:
        size, rest = divmod(wanted - one, two - one)
        return size + 1 if rest == 0 and size >= 0 else None
    return next((size for size in FACTORS if evaluate(_with(node, [at], (size,)), names) == wanted), None)


# Names ----------------------------------------------------------------------------------------------------------------


def _named(wanted: int, original: ast.expr | None, names: Mapping[str, int], near: Mapping[str, int], written: str) -> Iterator[Expression]:
    def priced(cost: int, text: str, *used: str) -> Expression:
        familiar = 4 if text in written and text not in names else 0
        return Expression(cost - familiar + sum(name not in near for name in used), text)

    present = (
        {ast.unparse(node) for node in ast.walk(original) if isinstance(node, ast.Name | ast.Attribute)} if original is not None else set()
    )
    for name, value in names.items():
        strange = 0 if name in present else 2
        if value == wanted:
            yield priced(3, name, name)
        for number, factor in enumerate(FACTORS):
            if value == wanted * factor:
                yield priced(5 + strange + number, f"{name} // {factor}", name)
            if value * factor == wanted:
                yield priced(5 + strange + number, f"{name} * {factor}", name)
    usable = [(name, value) for name, value in names.items() if value > 1 and name in near][:24]
    for (one, a), (two, b) in combinations(usable, 2):
        if a + b == wanted:
            yield priced(8, f"{one} + {two}", one, two)
        if a * b == wanted:
            yield priced(8, f"{one} * {two}", one, two)
        if wanted * b == a:
            yield priced(9, f"{one} // {two}", one, two)
        if wanted * a == b:
            yield priced(9, f"{two} // {one}", one, two)


def _flattened(wanted: int, names: Mapping[str, int], near: Mapping[str, int], spatial: Sequence[int]) -> Iterator[Expression]:
    """`channels * height * width` of the feature map that was flattened."""
    if len(spatial) < 2 or prod(spatial) != wanted:
        return
    sizes = " * ".join(str(size) for size in spatial[1:])
    for name, value in names.items():
        for number, factor in enumerate((1, 2, 4)):
            if spatial[0] == value * factor and value > 1:
                yield Expression(4 + number + (name not in near), f"{name} * {sizes}" if factor == 1 else f"{name} * {factor} * {sizes}")
    yield Expression(8, f"{spatial[0]} * {sizes}")
