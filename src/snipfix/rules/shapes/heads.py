"""Attention with several heads: `(batch, steps, heads, width)` where a product needs `(batch, heads, steps, width)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import joined
from snipfix.rules.diagnosis import Crash, Offer
from snipfix.rules.mending import value_offers
from snipfix.rules.observed import called

__all__ = ["heads_in_front", "multiplies"]

Shape = tuple[int, ...]
HEADS_FIRST = "{}.transpose(1, 2)"
LAST_TWO = ({2, 3}, {-2, -1}, {2, -1}, {-2, 3})


def multiplies(one: Shape, two: Shape) -> bool:
    """Whether matmul takes the two shapes."""
    inner = two[-2] if len(two) > 1 else two[0]
    batches = zip(reversed(one[:-2]), reversed(two[:-2]), strict=False)
    return one[-1] == inner and all(a == b or 1 in (a, b) for a, b in batches)


def heads_in_front(crash: Crash, both: tuple[ast.expr, ast.expr], shapes: tuple[Shape, Shape]) -> Iterator[Offer]:
    """Of a product of four dimensions the operands whose heads stand behind their steps, exchanged where they are made."""
    if any(len(shape) != 4 for shape in shapes):
        return
    roots = [_without_last_turn(crash, node) for node in both]
    for chosen in ((1,), (0,), (0, 1)):
        turned = [_exchanged(shape, roots[at][1]) if at in chosen else shape for at, shape in enumerate(shapes)]
        if multiplies(turned[0], turned[1]):
            places = [list(value_offers(crash, roots[at][0], HEADS_FIRST, "")) for at in chosen]
            for offers in zip(*places, strict=False):
                yield Offer("Put the heads in front of the steps", joined(*(offer.edits for offer in offers)))


def _without_last_turn(crash: Crash, node: ast.expr) -> tuple[ast.expr, bool]:
    """An operand without the exchange of its last two axes, `k` for `k.transpose(-2, -1)`, and whether it has one."""
    birth = crash.born(node) if isinstance(node, ast.Name) else None
    for made in (node, birth.value if birth is not None else None):
        if isinstance(made, ast.Attribute) and made.attr == "mT":
            return made.value, True
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and _turns_last_two(made):
            return made.func.value, True
    return node, False


def _turns_last_two(call: ast.Call) -> bool:
    given = [ast.unparse(arg) for arg in call.args]
    numbers = [int(text) for text in given if text.lstrip("-").isdigit()]
    if len(numbers) != len(given):
        return False
    return (called(call) in ("transpose", "swapaxes") and set(numbers) in LAST_TWO) or (
        called(call) == "permute" and numbers == [0, 1, 3, 2]
    )


def _exchanged(shape: Shape, last_turned: bool) -> Shape:
    """A shape with its heads and steps exchanged; `last_turned`: the last two axes are exchanged after that."""
    a, b, c, d = shape
    return (a, d, c, b) if last_turned else (a, c, b, d)
