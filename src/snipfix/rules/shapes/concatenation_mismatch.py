"""Tensors are joined whose sizes differ in another dimension than the joined one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, replace_argument, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer, shape_text
from snipfix.rules.mending import keyword, wrapped


class ConcatenationMismatch(CrashRule):
    """Tensors are joined whose sizes differ in another dimension than the joined one.

    ## What it does
    Explains `torch.cat` of tensors with different sizes or numbers of dimensions.

    ## Why is this bad?
    The program stops. Usually `dim` was left at 0, or one of the tensors lacks an axis.

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
    The dimension is the only one in which the sizes differ.

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
        return crash.operation.name.endswith(("cat", "concat", "concatenate")) and len(self._shapes(crash)) > 1

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
            differing = [at for at in range(len(shapes[0])) if len({shape[at] for shape in shapes}) > 1]
            chosen = given or keyword(call, "dim") is not None
            # Of three dimensions one is the time: whoever chose the dimension meant it, and the layout is wrong instead, unless the widths alone differ.
            time = chosen and len(shapes[0]) == 3 and differing != [2] and ast.unparse(keyword(call, "dim") or ast.Constant(1)) != "0"
            if len(differing) == 1 and not time:
                text = str(differing[0])
                edits = replace_argument(crash.code, call, 1, text) if given else add_keyword(crash.code, call, "dim", text)
                yield Offer("Join along the dimension that differs", edits)
            return
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
