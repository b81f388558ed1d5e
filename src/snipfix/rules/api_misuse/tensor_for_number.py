"""A tensor of several values is used where a single number is needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression, wrap_expression
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer


class TensorForNumber(CrashRule):
    """A tensor of several values is used where a single number is needed.

    ## What it does
    Explains `item()`, `float()`, `int()` and `torch.tensor` on tensors of several elements.

    ## Why is this bad?
    The program stops: there is no single number in it.

    ## Example
    ```python
    torch.tensor([torch.zeros(3), torch.ones(3)])
    ```

    ## Use instead
    ```python
    torch.stack([torch.zeros(3), torch.ones(3)])
    ```

    ## Fix safety
    Stacking is what a list of tensors needs; for `item()` the mean is offered, which the author may not have meant.

    ## References
    - torch.stack
    """

    id = "SNF316"
    name = "tensor-for-number"
    category = Category.API_MISUSE
    applicability = Applicability.UNSAFE
    TYPES = ("ValueError", "RuntimeError", "TypeError")
    MESSAGES = (
        r"only one element tensors can be converted to Python scalars",
        r"a Tensor with \d+ elements cannot be converted to Scalar",
        r"only (?:integer tensors of a single element|length-1 arrays|0-dimensional arrays) can be converted",
    )
    GOOD = (
        Good("import torch\nimport torch.nn as nn\ntorch.stack([torch.zeros(3), torch.ones(3)])\n"),
        Good("import torch\nimport torch.nn as nn\ntorch.zeros(1).item()\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nrows = [torch.zeros(3), torch.ones(3)]\nx = torch.tensor(rows)\n",
            at=(4, 5),
            fixed="import torch\nimport torch.nn as nn\nrows = [torch.zeros(3), torch.ones(3)]\nx = torch.stack(rows)\n",
        ),
        Bad(
            "import torch\nimport torch.nn as nn\nloss = torch.zeros(3)\nprint(loss.item())\n",
            at=(4, 7),
            fixed="import torch\nimport torch.nn as nn\nloss = torch.zeros(3)\nprint(loss.mean().item())\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "a tensor of several values is used where one number is needed"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call = crash.call
        if call is None:
            return
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        if name in ("tensor", "Tensor", "FloatTensor", "as_tensor") and call.args:
            dim = ", dim=1" if _a_step_each(crash, call.args[0]) else ""
            yield Offer("Stack the tensors", replace_expression(crash.code, call, f"torch.stack({crash.text(call.args[0])}{dim})"))
        elif name == "item" and isinstance(call.func, ast.Attribute):
            yield Offer("Average first", wrap_expression(crash.code, call.func.value, "{}.mean()"))
            yield Offer("Add up first", wrap_expression(crash.code, call.func.value, "{}.sum()"))
        elif name in ("float", "int") and call.args:
            yield Offer("Average first", wrap_expression(crash.code, call.args[0], "{}.mean()"))


def _a_step_each(crash: Crash, node: ast.expr) -> bool:
    """Whether a list was filled in a loop over the second axis of a batch, `states.append(cell(x[:, t], h))`: there the steps go back to."""
    for call in crash.code.calls("append") if isinstance(node, ast.Name) else ():
        loop = next((up for up in crash.code.ancestors(call) if isinstance(up, ast.For)), None)
        if loop is None or not isinstance(call.func, ast.Attribute) or crash.text(call.func.value) != crash.text(node):
            continue
        for read in crash.code.all(ast.Subscript, loop):
            axes = read.slice.elts if isinstance(read.slice, ast.Tuple) else []
            if len(axes) > 1 and ast.unparse(axes[0]) == ":" and ast.unparse(axes[1]) == ast.unparse(loop.target):
                return True
    return False
