"""A custom backward that returns another number of gradients than its forward has inputs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.evidence import Span
from snipfix.model import Applicability, Category
from snipfix.rules.base import Bad, Good
from snipfix.rules.diagnosis import Crash, CrashRule, Offer
from snipfix.rules.observed import called

__all__ = ["WrongNumberOfGradients"]

CODE = (
    "import torch\n\nclass Scale(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x, factor):\n        ctx.factor = factor\n"
    "        return x * factor\n\n    @staticmethod\n    def backward(ctx, grad):\n        return {}\n\n"
    "x = torch.ones(3, requires_grad=True)\nScale.apply(x, 2.0).sum().backward()\nprint(x.grad)\n"
)


class WrongNumberOfGradients(CrashRule):
    """The `backward` of an autograd function returns too few or too many gradients.

    ## What it does
    Explains "returned an incorrect number of gradients" with the `return` that does so.

    ## Why is this bad?
    `backward` owes one result for each input of `forward`, in the same order, `None` for those that need no gradient. PyTorch stops at it.

    ## Example
    ```python
    def forward(ctx, x, factor): ...
    def backward(ctx, grad):
        return grad * ctx.factor
    ```

    ## Use instead
    ```python
    def backward(ctx, grad):
        return grad * ctx.factor, None
    ```

    ## Fix safety
    `None` is offered where the inputs that are left over are plain numbers or words wherever the function is applied. A missing gradient of a
    tensor cannot be made up.

    ## References
    - PyTorch, "Extending torch.autograd".
    """

    id = "SNF298"
    name = "wrong-number-of-gradients"
    category = Category.AUTOGRAD
    applicability = Applicability.SAFE
    TYPES = ("RuntimeError",)
    MESSAGES = (r"function (\w+)Backward returned an incorrect number of gradients \(expected (\d+), got (\d+)\)",)
    GOOD = (Good(CODE.format("grad * ctx.factor, None")), Good(CODE.format("grad * ctx.factor, None, None, None")))
    BAD = (Bad(CODE.format("grad * ctx.factor  # 梯度"), at=(11, 16), fixed=CODE.format("grad * ctx.factor, None  # 梯度")),)

    def says(self, crash: Crash) -> str:
        name, wanted, got = crash.found
        return f"{name}.forward has {wanted} inputs, and its backward returns {got} of their gradients"

    def place(self, crash: Crash) -> Span:
        value = _value(crash)
        return crash.span if value is None else crash.code.span(value)

    def candidates(self, crash: Crash) -> Iterator[Offer]:
        value, missing = _value(crash), int(crash.found[1]) - int(crash.found[2])
        calls = [one for one in crash.code.calls("apply") if crash.found[0] in ast.unparse(one.func)]
        rest = [one for call in calls for one in call.args[int(crash.found[2]) :]]
        plain = bool(rest) and all(isinstance(one, ast.Constant) for one in rest) and all(called(one) == "apply" for one in calls)
        if value is not None and missing > 0 and plain:
            text = crash.text(value).strip("()") if isinstance(value, ast.Tuple) else crash.text(value)
            yield Offer("return None for the plain inputs", replace_expression(crash.code, value, text + ", None" * missing))


def _value(crash: Crash) -> ast.expr | None:
    """What the last `return` of the function's backward gives."""
    function = crash.method(crash.found[0], "backward")
    returns = [one.value for one in crash.code.all(ast.Return, inside=function)] if function is not None else []
    return returns[-1] if returns else None
