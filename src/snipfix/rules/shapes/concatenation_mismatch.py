"""Tensors are joined whose sizes differ in another dimension than the joined one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_import, add_keyword, joined, replace_argument, replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Edit
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import flattened_maps, keyword, wrapped
from snipfix.rules.shapes.edges_in_rows import edges_given
from snipfix.rules.widths import argument_of


class ConcatenationMismatch(CrashRule):
    """Tensors are joined whose sizes differ in another dimension than the joined one.

    ## What it does
    Explains `torch.cat` of tensors with different sizes or numbers of dimensions.

    ## Why is this bad?
    The program stops. Usually `dim` was left at 0, or one of the tensors lacks an axis; where a skip connection is joined, a convolution without
    padding or a pooling of an odd size made the maps differ.

    ## Example
    ```python
    a, b = torch.zeros(4, 3), torch.zeros(4, 5)
    torch.cat([a, b])
    ```

    ## Use instead
    ```python
    a, b = torch.zeros(4, 3), torch.zeros(4, 5)
    torch.cat([a, b], dim=1)
    ```

    ## Fix safety
    The dimension is the only one in which the sizes differ. Of feature maps with different heights and widths the convolutions are padded, else the
    smaller one is resized.

    ## References
    - torch.cat
    """

    id = "SNF206"
    name = "concatenation-mismatch"
    category = Category.SHAPE
    applicability = Applicability.UNSAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"Sizes of tensors must match except in dimension",
        r"Tensors must have same number of dimensions",
        r"invalid argument 0: Sizes of tensors must match",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ntorch.cat([torch.zeros(4, 3), torch.zeros(2, 3)])\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.cat([torch.zeros(4, 3), torch.zeros(4, 5)], dim=1)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\na = torch.zeros(4, 3)\nb = torch.zeros(4, 5)\nc = torch.cat([a, b])\n",
            at=(5, 5),
            fixed="import torch\nimport torch.nn as nn\na = torch.zeros(4, 3)\nb = torch.zeros(4, 5)\nc = torch.cat([a, b], dim=1)\n",
        ),
    )

    def explains(self, crash: Crash) -> bool:
        joins = crash.operation.name.endswith(("cat", "concat", "concatenate")) and len(self._shapes(crash)) > 1
        return joins and edges_given(crash) is None

    @staticmethod
    def _shapes(crash: Crash) -> list[tuple[int, ...]]:
        joined_values = crash.argument(0, "tensors")
        return [value.shape for value in (joined_values.items if joined_values else ()) if value.shape is not None]

    def says(self, crash: Crash) -> str:
        return "these shapes cannot be joined: " + ", ".join(shape_text(shape) for shape in self._shapes(crash))

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call, shapes = crash.call, self._shapes(crash)
        if call is None:
            return
        given = len(call.args) > 1
        lengths = {len(shape) for shape in shapes}
        items = _items(crash, call)
        if len(lengths) == 1:
            yield from self._turned(crash, items, shapes)
            yield from _maps_apart(crash, items, shapes)
            differing = [at for at in range(len(shapes[0])) if len({shape[at] for shape in shapes}) > 1]
            chosen = given or keyword(call, "dim") is not None
            # Of three dimensions one is the time: whoever chose the dimension meant it, and the layout is wrong instead, unless the widths alone differ.
            time = chosen and len(shapes[0]) == 3 and differing != [2] and ast.unparse(keyword(call, "dim") or ast.Constant(1)) != "0"
            if len(differing) == 1 and not time:
                text = str(differing[0])
                edits = replace_argument(crash.code, call, 1, text) if given else add_keyword(crash.code, call, "dim", text)
                yield Offer("Join along the dimension that differs", edits)
            return
        yield from flattened_maps(crash)
        for item, shape in zip(items, shapes, strict=False):
            if len(shape) == max(lengths) - 1:
                for dim in (1, 0, -1):
                    yield from wrapped(crash, item, f"{{}}.unsqueeze({dim})", "Add the missing axis")

    @staticmethod
    def _turned(crash: Crash, items: list[ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
        """An operand whose first two axes are exchanged, often by an `unsqueeze` in the wrong place."""
        for number, (item, shape) in enumerate(zip(items, shapes, strict=False)):
            others = [one for at, one in enumerate(shapes) if at != number]
            if len(shape) < 3 or not all(one[0] == shape[1] and one[1] == shape[0] != shape[1] for one in others):
                continue
            if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) and item.func.attr == "unsqueeze" and item.args:
                dim = {"0": "1", "1": "0"}.get(ast.unparse(item.args[0]))
                if dim is not None:
                    yield Offer("Add the axis in the other place", replace_expression(crash.code, item.args[0], dim))
            yield from wrapped(crash, item, "{}.transpose(0, 1)", "Exchange the first two axes")


def _items(crash: Crash, call: ast.Call) -> list[ast.expr]:
    """The tensors as they are written: in the call, or in the list that it is given by name."""
    given = call.args[0] if call.args else None
    birth = crash.born(given) if isinstance(given, ast.Name) else None
    made = birth.value if birth is not None else given
    return made.elts if isinstance(made, ast.List | ast.Tuple) else []


def _maps_apart(crash: Crash, items: list[ast.expr], shapes: list[tuple[int, ...]]) -> Iterator[Offer]:
    """Feature maps that are joined along their channels and differ in height and width: a skip connection beside convolutions that shrink."""
    sizes = {shape[2:] for shape in shapes}
    call = crash.call
    dim = (keyword(call, "dim") or (call.args[1] if len(call.args) > 1 else None)) if call is not None else None
    if (
        len(shapes[0]) not in (3, 4, 5)
        or dim is None
        or ast.unparse(dim) not in ("1", "-3")
        or {shape[0] for shape in shapes} != {shapes[0][0]}
    ):
        return
    if len(sizes) != 2 or len(items) != 2 or len(shapes) != 2:
        return
    if padded := list(_unpadded(crash)):
        yield Offer("Pad every convolution", joined(*padded))
    small, large = (items[at] for at in sorted((0, 1), key=lambda at: shapes[at][2:]))
    if isinstance(large, ast.Name | ast.Attribute | ast.Subscript):
        resized = wrap_expression(crash.code, small, f"F.interpolate({{}}, size={crash.text(large)}.shape[2:])")
        yield Offer("Resize the smaller map", joined(resized, add_import(crash.code, "torch.nn.functional", None, "F")))


def _unpadded(crash: Crash) -> Iterator[tuple[Edit, ...]]:
    """Padding for each convolution that ran, keeps every pixel in its window's middle and was given none."""
    outcome = crash.context.outcome
    ran = [call.module.built for call in (outcome.calls if outcome else ()) if call.module.type in ("Conv1d", "Conv2d", "Conv3d")]
    for built in dict.fromkeys(ran):
        node = crash.code.node_at(built, ast.Call) if built else None
        size = argument_of(node, 2, "kernel_size") if isinstance(node, ast.Call) else None
        if not isinstance(node, ast.Call) or not isinstance(size, ast.Constant) or not isinstance(size.value, int):
            continue
        if size.value > 1 and size.value % 2 and argument_of(node, 3, "stride") is None and argument_of(node, 4, "padding") is None:
            yield add_keyword(crash.code, node, "padding", str(size.value // 2))
