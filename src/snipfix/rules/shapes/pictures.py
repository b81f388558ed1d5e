"""Pictures of another size: where a text makes example pictures, and where its transforms could resize the ones it loads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.code import FUNCTIONS, Code
from snipfix.codemods import joined, replace_argument, replace_expression
from snipfix.model import Edit
from snipfix.rules.mending import keyword
from snipfix.rules.observed import called

__all__ = ["SIDES", "enlarged", "resized", "sides_made", "squared"]

SIDES = (28, 32, 64, 128, 224)
"""The sides of pictures that networks are written for."""
MAKERS = frozenset("randn rand zeros ones empty randint".split())
TO_TENSOR = frozenset("ToTensor PILToTensor ToImage".split())
SIZING = frozenset("Resize RandomResizedCrop Scale RandomSizedCrop CenterCrop RandomCrop FiveCrop TenCrop Compose".split())


def sides_made(code: Code) -> dict[tuple[int, int], list[ast.expr]]:
    """The heights and widths of the pictures that a text makes of numbers, `torch.randn(4, 3, 8, 8)`, with the expressions that say them."""
    found: dict[tuple[int, int], list[ast.expr]] = {}
    for call in code.calls(*MAKERS):
        sizes = _sizes(call)
        numbers = [_number(code, one) for one in sizes[-2:]] if len(sizes) in (3, 4) else []
        height, width = (one[0] if one else 0 for one in numbers) if len(numbers) == 2 else (0, 0)
        if height > 1 and width > 1:
            found.setdefault((height, width), []).extend(one[1] for one in numbers if one)
    return found


def _sizes(call: ast.Call) -> list[ast.expr]:
    """The sizes that a tensor is made with, one by one or as a tuple."""
    given = keyword(call, "size")
    last = given if given is not None else call.args[-1] if call.args else None
    return last.elts if isinstance(last, ast.Tuple | ast.List) else call.args


def _number(code: Code, node: ast.expr) -> tuple[int, ast.expr] | None:
    """A number and where it is written: there, or where the module gives it a name of its own."""
    if isinstance(node, ast.Name):
        values = code.assigned.get(node.id, ())
        if len(values) != 1 or code.around(values[0], *FUNCTIONS) is not None:
            return None
        node = values[0]
    return (node.value, node) if isinstance(node, ast.Constant) and type(node.value) is int else None


def enlarged(code: Code, written: list[ast.expr], side: int) -> tuple[Edit, ...]:
    """Pictures with this height and width, for those whose sizes are written here."""
    return joined(*(replace_expression(code, one, str(side)) for one in written))


def resized(code: Code, side: int) -> tuple[Edit, ...]:
    """A `Resize` in front of each `ToTensor` that no resizing or cropping stands before."""
    return joined(*_before_tensors(code, side))


def _before_tensors(code: Code, side: int) -> Iterator[tuple[Edit, ...]]:
    for call in code.calls(*TO_TENSOR):
        name = code.slice(call.func)
        prefix = name.removesuffix(called(call))
        around = code.parents.get(call)
        items = around.elts if isinstance(around, ast.List) else []
        if any(called(one) in SIZING for one in items):
            continue
        text = f"{prefix}Resize(({side}, {side}))"
        if items:
            yield _in_front(code, items[0], text)
        elif prefix and isinstance(around, ast.keyword) and around.arg == "transform":
            yield replace_expression(code, call, f"{prefix}Compose([{text}, {code.slice(call)}])")


def _in_front(code: Code, item: ast.expr, text: str) -> tuple[Edit, ...]:
    """One more item in front of the first of a list: on a line of its own where that has one."""
    at = code.range(code.span(item))[0]
    before = code.lines[item.lineno - 1][: code.span(item).column - 1]
    return (Edit(at, at, f"{text}, " if before.strip() else f"{text},\n{before}"),)


def squared(code: Code) -> tuple[Edit, ...]:
    """`Resize((256, 256))` for each `Resize(256)`, which only makes the shorter side so long."""
    whole = [call for call in code.calls("Resize") if len(call.args) == 1 and isinstance(call.args[0], ast.Constant | ast.Name)]
    alone = [call for call in whole if isinstance(around := code.parents.get(call), ast.List) and not _cropped(around)]
    return joined(*(replace_argument(code, call, 0, "({0}, {0})".format(code.slice(call.args[0]))) for call in alone))


def _cropped(items: ast.List) -> bool:
    return any("Crop" in called(one) for one in items.elts)
