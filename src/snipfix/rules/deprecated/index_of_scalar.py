"""A single number indexed as if it were a list of one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class IndexOfScalar(CrashRule):
    """A tensor without dimensions is indexed.

    ## What it does
    Explains `x[0]` and `x.data[0]` of a tensor that holds a single number and has no dimension.

    ## Why is this bad?
    The program stops. Before torch 0.4 a single number was a tensor of one element, and old code reads it with `[0]`.

    ## Example
    ```python
    total += loss.data[0]
    ```

    ## Use instead
    ```python
    total += loss.item()
    ```

    ## Fix safety
    Unsafe: `item()` gives a Python number, which is what such code goes on with.

    ## References
    - PyTorch 0.4.0 migration guide, "Support for 0-dimensional (scalar) Tensors".
    """

    id = "SNF141"
    name = "index-of-scalar"
    category = Category.DEPRECATED
    applicability = Applicability.UNSAFE
    TYPES = ("IndexError",)
    MESSAGES = (r"invalid index of a 0-dim tensor", r"invalid index to scalar variable")
    GOOD = (
        Good("import torch\nprint(torch.ones(3).sum().item())\n"),
        Good("import torch\nprint(torch.ones(3).data[0])\n"),
    )
    BAD = (
        Bad("import torch\nmean = torch.ones(3).mean()\nprint(mean.data[0])\n", at=(3, 7), fixed="import torch\nmean = torch.ones(3).mean()\nprint(mean.item())\n"),
        Bad("import torch\nvalue = torch.ones(3).sum()[0]\n", at=(2, 9), fixed="import torch\nvalue = torch.ones(3).sum().item()\n"),
    )  # fmt: skip

    def says(self, crash: Crash) -> str:
        return "a single number is indexed: it has no dimension"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        node = crash.node
        if isinstance(node, ast.Subscript):
            inner = node.value
            if isinstance(inner, ast.Attribute) and inner.attr == "data":
                inner = inner.value
            yield Offer("Use item()", replace_expression(crash.code, node, f"{crash.text(inner)}.item()"))
