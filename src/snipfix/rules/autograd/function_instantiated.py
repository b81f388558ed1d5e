"""An autograd Function that is called like a module, which makes an instance and computes nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["FunctionInstantiated"]

CODE = (
    "import torch\n\nclass Round(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        return x.round()\n\n"
    "    @staticmethod\n    def backward(ctx, grad):\n        return grad\n\n{}"
)
MADE = "x = torch.ones(2, requires_grad=True)\ny = Round{}(x)  # 取整\ny.sum().backward()\n"


class FunctionInstantiated(Rule):
    """An autograd Function is called with its inputs, and not its `apply`.

    ## What it does
    Reports `Round(x)` where the text defines `Round` as a `torch.autograd.Function` with a static `forward`.

    ## Why is this bad?
    The call makes an instance and runs nothing. What comes back is no tensor: the next line that reads it fails.

    ## Example
    ```python
    y = Round(x)
    ```

    ## Use instead
    ```python
    y = Round.apply(x)
    ```

    ## Fix safety
    The function runs, as it was meant to.

    ## References
    - torch.autograd.Function: "call the class method `apply`. Do not call `forward()` directly".
    """

    id = "SNF602"
    name = "function-instantiated"
    category = Category.AUTOGRAD
    applicability = Applicability.SAFE
    GOOD = (
        Good(CODE.format(MADE.format(".apply"))),
        Good(CODE.format("round_ = Round.apply\nprint(round_(torch.ones(2)))\n")),
        Good(CODE.replace("torch.autograd.Function", "torch.nn.Module").replace("ctx, x", "x").format("")),
    )
    BAD = (
        Bad(CODE.format(MADE.format("")), at=(13, 5), fixed=CODE.format(MADE.format(".apply"))),
        Bad(MADE.format(""), at=(2, 5), fixed=MADE.format(".apply"), before=CODE.format("")),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        for call, name in _made(context.code):
            message = f"`{name}(...)` makes an instance of an autograd Function and computes nothing: `{name}.apply(...)` does"
            yield self.finding(message, context.code.span(call))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        for call, name in _made(context.code):
            if context.code.span(call) == finding.span:
                yield self.fix("apply the Function", *replace_expression(context.code, call.func, f"{name}.apply"))


def _made(code: Code) -> Iterator[tuple[ast.Call, str]]:
    """Each call of an autograd Function by its own name with something to compute on, with that name."""
    if not code.knows("Function)"):
        return
    for text in (code, *code.earlier):
        for owner in text.all(ast.ClassDef):
            static = [one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == "forward" and one.decorator_list]
            if static and any(ast.unparse(base).endswith("Function") for base in owner.bases):
                for call in code.calls(owner.name):
                    if isinstance(call.func, ast.Name) and call.args:
                        yield call, owner.name
