"""An optimizer is given a tensor that was computed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import remove_argument, replace_expression
from snipfix.model import Applicability, Category, Fix
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.mending import keyword, wrapped
from snipfix.rules.observed import called


class OptimizerOfNonLeaf(CrashRule):
    """An optimizer is given a tensor that was computed.

    ## What it does
    Explains optimizers that refuse a tensor because it is the result of an operation.

    ## Why is this bad?
    Only leaves get gradients: `torch.randn(3, requires_grad=True) * 0.1` is the result of a product.

    ## Example
    ```python
    w = torch.randn(3, requires_grad=True) * 0.1
    torch.optim.SGD([w], lr=0.1)
    ```

    ## Use instead
    ```python
    w = (torch.randn(3) * 0.1).requires_grad_()
    torch.optim.SGD([w], lr=0.1)
    ```

    ## Fix safety
    The values stay the same; the tensor becomes the leaf.

    ## References
    - torch.Tensor.is_leaf
    """

    id = "SNF288"
    name = "optimizer-of-non-leaf"
    category = Category.AUTOGRAD
    applicability = Applicability.UNSAFE
    TYPES = ("ValueError",)
    MESSAGES = (r"can't optimize a non-leaf Tensor",)
    GOOD = (
        Good("import torch\nimport torch.nn as nn\nw = torch.randn(3, requires_grad=True)\ntorch.optim.SGD([w], lr=0.1)\n"),
        Good("import torch\nimport torch.nn as nn\nw = (torch.randn(3) * 0.1).requires_grad_()\ntorch.optim.SGD([w], lr=0.1)\n"),
    )
    BAD = (
        Bad(
            "import torch\nimport torch.nn as nn\nw = torch.randn(3, requires_grad=True) * 0.1\nopt = torch.optim.SGD([w], lr=0.1)\n",
            at=(4, 7),
            fixed="import torch\nimport torch.nn as nn\nw = (torch.randn(3) * 0.1).requires_grad_()\nopt = torch.optim.SGD([w], lr=0.1)\n",
        ),
    )

    def says(self, crash: Crash) -> str:
        return "the optimizer is given a tensor that is the result of a computation, not a leaf"

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        call, code = crash.call, crash.code
        names = [node for node in ast.walk(call.args[0]) if isinstance(node, ast.Name)] if call is not None and call.args else []
        for name in names:
            birth = crash.born(name)
            asked = (
                [node for node in ast.walk(birth.value) if isinstance(node, ast.Call) and keyword(node, "requires_grad") is not None]
                if birth is not None
                else []
            )
            if birth is not None and len(asked) == 1 and asked[0] is not birth.value:
                call_text, value = crash.text(asked[0]), crash.text(birth.value)
                plain = Fix("", remove_argument(code, asked[0], "requires_grad")).apply(code.text)
                start, end = code.range(code.span(asked[0]))
                shorter = plain[start : end - (len(code.text) - len(plain))]
                yield Offer(
                    "Make the finished tensor the leaf",
                    replace_expression(code, birth.value, f"{_closed(birth.value, value.replace(call_text, shorter))}.requires_grad_()"),
                )
            if birth is not None:
                yield from _parameter_of_all(crash, birth.value)
                yield from wrapped(crash, birth.value, "{}.detach().requires_grad_()", "Make the finished tensor the leaf")


def _closed(node: ast.expr, text: str) -> str:
    """A text that a method can be hung on: in parentheses unless it is a call already."""
    return text if isinstance(node, ast.Call) else f"({text})"


def _parameter_of_all(crash: Crash, value: ast.expr) -> Iterator[Offer]:
    """`nn.Parameter(x) * 1.5` makes a result of the parameter: the parameter is to hold the whole, `nn.Parameter(x * 1.5)`."""
    made = [one for one in ast.walk(value) if isinstance(one, ast.Call) and called(one) == "Parameter" and len(one.args) == 1]
    if len(made) == 1 and made[0] is not value and not made[0].keywords:
        inner = crash.text(value).replace(crash.text(made[0]), crash.text(made[0].args[0]))
        text = f"{crash.text(made[0].func)}({inner})"
        yield Offer("Make the finished tensor the leaf", replace_expression(crash.code, value, text))
