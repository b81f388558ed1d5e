"""A mask of numbers is used where truth values are asked for, or a truth value is computed with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.codemods import replace_expression, wrap_expression
from snipfix.evidence import Outcome
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity, Stage
from snipfix.rules.base import Bad, Context, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import passed, value_offers
from snipfix.rules.observed import called, warned

BYTES = r"indexing with dtype torch\.uint8|received a uint8 condition tensor|uint8 (?:mask|condition)|dtype torch\.uint8"


class MaskNotBoolean(CrashRule):
    """A mask of numbers is used where truth values are asked for, or a truth value is computed with.

    ## What it does
    Explains `where`, `masked_fill`, `masked_select` and `~` on masks of numbers, and `1 - mask` on boolean masks. A mask of bytes in an index
    or in `where` still works, and is a warning.

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
        Good("import torch\nx = torch.arange(4.0)\nids = torch.tensor([1, 0], dtype=torch.uint8)\nprint(x[ids.long()], x[x > 1])\n"),
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
        Bad(
            "import torch\nx = torch.arange(4.0)\nkeep = (x > 1).byte()  # 掩码\nx[keep] = 0\n",
            at=(4, 1),
            fixed="import torch\nx = torch.arange(4.0)\nkeep = (x > 1).byte()  # 掩码\nx[keep.bool()] = 0\n",
        ),
        Bad(
            "import torch\nx = torch.arange(4.0)\nprint(torch.where((x > 1).byte(), x, -x))\n",
            at=(3, 7),
            fixed="import torch\nx = torch.arange(4.0)\nprint(torch.where((x > 1).byte().bool(), x, -x))\n",
        ),
    )

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterable[Finding]:
        for _, span in warned(outcome, context.code, BYTES):
            if any(True for _ in _masks(context.code.node_at(span, (ast.Subscript, ast.Call)))):
                yield self.finding(
                    "a mask of bytes chooses elements: deprecated, a mask is boolean", span, stage=Stage.RUN, severity=Severity.WARNING
                )

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        if finding.is_error:
            yield from super().fixes(context, finding)
            return
        for mask in _masks(context.code.node_at(finding.span, (ast.Subscript, ast.Call))):
            yield self.fix("Make the mask boolean", *wrap_expression(context.code, mask, "{}.bool()"), meaning=Meaning.KEEPS)

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
        if isinstance(crash.node, ast.Subscript):
            for one in _masks(crash.node):
                yield from value_offers(crash, one, "{}.bool()", "Make the mask boolean", here=True)
            return
        name = crash.operation.name.rpartition(".")[2]
        position = 0 if name in ("where", "__invert__", "bitwise_not") and crash.operation.name.startswith("torch") else 1
        mask = passed(crash, position, "mask", "condition")
        yield from value_offers(crash, mask, "{}.bool()", "Make the mask boolean", here=True)


def _masks(node: ast.AST | None) -> Iterator[ast.expr]:
    """What may be the mask of an index or of a call of `where`: no slice, no plain number."""
    if isinstance(node, ast.Subscript):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        yield from (one for one in inside if not isinstance(one, ast.Slice | ast.Constant | ast.UnaryOp))
    elif isinstance(node, ast.Call) and called(node) == "where":
        method = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) != "torch"
        yield from node.args[1:2] if method else node.args[:1]
