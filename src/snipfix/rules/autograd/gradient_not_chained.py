"""A custom backward that does not read the gradient it is given."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["GradientNotChained", "custom_functions"]

FUNCTIONS = frozenset({"torch.autograd.Function", "torch.autograd.function.Function"})
CODE = (
    "import torch\n\nclass Square(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n"
    "        return x ** 2\n\n    @staticmethod\n    def backward(ctx, grad_output):\n        x, = ctx.saved_tensors\n        return {}\n\n"
    "x = torch.ones(3, requires_grad=True)\n(5 * Square.apply(x)).sum().backward()\nprint(x.grad)\n"
)


class GradientNotChained(Rule):
    """The `backward` of an autograd function ignores the gradient that comes from above.

    ## What it does
    Reports a `backward(ctx, grad_output)` that returns a gradient and reads none of those it is given.

    ## Why is this bad?
    By the chain rule the local derivative is multiplied by the incoming gradient. Without it the result is right only where the function is
    the last thing before the loss: everything behind it counts for nothing.

    ## Example
    ```python
    def backward(ctx, grad_output):
        x, = ctx.saved_tensors
        return 2 * x
    ```

    ## Use instead
    ```python
    def backward(ctx, grad_output):
        x, = ctx.saved_tensors
        return grad_output * 2 * x
    ```

    ## Fix safety
    Right where the function works on each number by itself; then the shapes are the same.

    ## References
    - PyTorch, "Extending torch.autograd".
    """

    id = "SNF299"
    name = "gradient-not-chained"
    category = Category.AUTOGRAD
    silent = True
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("grad_output * 2 * x")),
        Good(CODE.format("None")),
        Good(CODE.format("torch.where(x > 0, grad_output, 0)")),
        Good("class Layer:\n    def backward(self, error):\n        return self.delta\n"),
    )
    BAD = (
        Bad(CODE.format("2 * x  # 导数"), at=(12, 16), fixed=CODE.format("grad_output * 2 * x  # 导数"), runs=False),
        Bad(CODE.format("x + x"), at=(12, 16), fixed=CODE.format("grad_output * (x + x)"), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for owner in custom_functions(context):
            function = next((one for one in owner.body if isinstance(one, ast.FunctionDef) and one.name == "backward"), None)
            given = [one.arg for one in function.args.args[1:]] if function is not None and function.args.vararg is None else []
            if function is None or not given or any(one.id in given for one in code.all(ast.Name, inside=function)):
                continue
            for value in _returned(code, function):
                names = " and ".join(f"`{name}`" for name in given)
                message = f"{names} is never read: what comes after {owner.name} does not count in the gradient"
                yield self.finding(message, code.span(value), evidence={"given": given})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        code = context.code
        node, given = code.node_at(finding.span, ast.expr), finding.evidence.get("given")
        if node is None or isinstance(node, ast.Tuple) or not isinstance(given, list | tuple) or len(given) != 1:
            return
        inner = code.slice(node)
        tight = not isinstance(node, ast.BinOp | ast.IfExp | ast.Compare | ast.BoolOp | ast.Lambda) or (
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)
        )
        text = f"{given[0]} * {inner}" if tight else f"{given[0]} * ({inner})"
        yield self.fix("multiply by the gradient that comes in", *replace_expression(code, node, text))


def custom_functions(context: Context) -> Iterator[ast.ClassDef]:
    """The classes of the text that are functions of autograd."""
    for owner in context.code.all(ast.ClassDef):
        if any(context.scopes.qualified(base) in FUNCTIONS for base in owner.bases):
            yield owner


def _returned(code: Code, function: ast.FunctionDef) -> list[ast.expr]:
    """What a backward returns; nothing where that may be no gradient at all."""
    values = [one.value for one in code.all(ast.Return, inside=function) if one.value is not None]
    nothing = [one for one in values if all(isinstance(part, ast.Constant) for part in (one.elts if isinstance(one, ast.Tuple) else [one]))]
    return [] if nothing else values
