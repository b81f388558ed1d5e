"""A gradient is asked of integers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import add_keyword, joined, replace_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword, value_offers


class IntegersRequireGradient(CrashRule):
    """A gradient is asked of integers.

    ## What it does
    Explains `requires_grad=True` on a tensor made of integers.

    ## Why is this bad?
    The program stops: a gradient exists only for numbers that can change a little.

    ## Example
    ```python
    x = torch.tensor([1, 2, 3], requires_grad=True)
    ```

    ## Use instead
    ```python
    x = torch.tensor([1., 2., 3.], requires_grad=True)
    ```

    ## Fix safety
    The values stay the same.

    ## References
    - torch.Tensor.requires_grad
    """

    id = "SNF247"
    name = "integers-require-gradient"
    category = Category.DTYPE
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (
        r"[Oo]nly Tensors of floating[ -]point (?:and complex )?dtype can require gradients",
        r"only Tensors of floating point dtype can require gradients",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nx = torch.tensor([1.0, 2.0], requires_grad=True)\n"),
        Good("import torch\nimport torch.nn as nn\nx = torch.tensor([1, 2])\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\np = nn.Parameter(torch.zeros(2).long())\n",
            at=(3, 5),
            fixed="import torch\nimport torch.nn as nn\np = nn.Parameter(torch.zeros(2).long().float())\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nx = torch.tensor([1, 2, 3], requires_grad=True)\n",
            at=(3, 5),
            fixed="import torch\nimport torch.nn as nn\nx = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "integers cannot have a gradient"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call = crash.call
        if call is None:
            return
        if call.args and ast.unparse(call.func).rpartition(".")[2] == "tensor":
            numbers = [node for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant) and type(node.value) is int]
            signs = not any(isinstance(node, ast.BinOp | ast.Call | ast.Subscript) for node in ast.walk(call.args[0]))
            if numbers and signs:
                yield Offer(
                    "Write the numbers with a point",
                    joined(*(replace_expression(crash.code, one, f"{crash.text(one)}.0") for one in numbers)),
                )
        if call.args and ast.unparse(call.func).rpartition(".")[2] == "Parameter":
            yield from value_offers(crash, call.args[0], "{}.float()", "Make the numbers floating-point first")
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "requires_grad_":
            yield from value_offers(crash, call.func.value, "{}.float()", "Make the numbers floating-point first")
        elif keyword(call, "dtype") is not None or call.args or ast.unparse(call.func).startswith("torch."):
            yield Offer("Make the numbers float32", add_keyword(crash.code, call, "dtype", "torch.float32"))
