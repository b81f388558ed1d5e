"""A mask of numbers is used where truth values are asked for, or a truth value is computed with."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import passed, value_offers


class MaskNotBoolean(CrashRule):
    """A mask of numbers is used where truth values are asked for, or a truth value is computed with.

    ## What it does
    Explains `where`, `masked_fill`, `masked_select` and `~` on masks of numbers, and `1 - mask` on boolean masks.

    ## Why is this bad?
    The program stops. Old releases took masks of bytes; today a mask is boolean and inverted with `~`.

    ## Example
    ```python
    x.masked_fill(torch.tensor([1, 0]), 0.0)
    ```

    ## Use instead
    ```python
    x.masked_fill(torch.tensor([1, 0]).bool(), 0.0)
    ```

    ## Fix safety
    Every number but 0 becomes true, as before.

    ## References
    - torch.Tensor.masked_fill
    """

    id = "SNF246"
    name = "mask-not-boolean"
    category = Category.DTYPE
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError", "TypeError")
    MESSAGES = (
        r"where expected condition to be a boolean tensor",
        r"masked_\w+.* only supports? bool(?:ean)? masks",
        r"(?:mask|expected mask).* (?:bool|BoolTensor)",
        r"Subtraction, the `-` operator, with (?:a|two) bool tensor",
        r"expected BoolTensor",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ntorch.zeros(2).masked_fill(torch.tensor([True, False]), 1.0)\n"),
        Good("import torch\nimport torch.nn as nn\nmask = torch.tensor([1, 0])\nother = 1 - mask\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nmask = torch.tensor([1, 0, 1])\ny = torch.zeros(3).masked_fill(mask, 1.0)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nmask = torch.tensor([1, 0, 1])\ny = torch.zeros(3).masked_fill(mask.bool(), 1.0)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nmask = torch.tensor([True, False])\nother = 1 - mask\n",
            at=(4, 9),
            fixed="import torch\nimport torch.nn as nn\nmask = torch.tensor([True, False])\nother = ~mask\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        if "ubtract" in crash.failure.message:
            return "a boolean mask is inverted by subtraction"
        return "the mask holds numbers, not truth values"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        if "ubtract" in crash.failure.message:
            node = crash.node
            if isinstance(node, ast.BinOp) and ast.unparse(node.left) == "1":
                text = crash.text(node.right)
                plain = isinstance(node.right, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
                yield Offer("Invert the mask", replace_expression(crash.code, node, f"~{text}" if plain else f"~({text})"))
            return
        name = crash.operation.name.rpartition(".")[2]
        position = 0 if name in ("where", "__invert__", "bitwise_not") and crash.operation.name.startswith("torch") else 1
        mask = passed(crash, position, "mask", "condition")
        yield from value_offers(crash, mask, "{}.bool()", "Make the mask boolean", here=True)
