"""Formulas for which torch has a function that keeps the digits: `log(1 + x)`, `exp(x) - 1`, `log(sum(exp(x)))`, `log(softmax(x))`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix, Meaning, Severity
from snipfix.rules.base import Bad, Context, Good, Rule

__all__ = ["FormulaThatLosesDigits"]

SOFTMAX = ("torch.softmax", "torch.nn.functional.softmax")
SIGMOID = ("torch.sigmoid", "torch.nn.functional.sigmoid")
LOSES = {
    "log1p": "near zero, `log(1 + x)` has lost the digits of x",
    "expm1": "near zero, `exp(x) - 1` loses the digits of x",
    "logsumexp": "`exp` overflows in `log(sum(exp(x)))` from 89 on",
    "log_softmax": "a probability that rounds to zero has no logarithm",
    "logsigmoid": "a probability that rounds to zero has no logarithm",
}
"""What is lost, by the function that does not lose it."""


class FormulaThatLosesDigits(Rule):
    """A formula is written out for which torch has a function that is exact where the formula is not.

    ## What it does
    Notes `log(1 + x)`, `exp(x) - 1`, `log(sum(exp(x), dim))`, `log(softmax(x, dim))` and `log(sigmoid(x))` of torch.

    ## Why is this bad?
    Small numbers vanish beside 1, `exp` of large ones is infinite, and the logarithm of a probability that was rounded to zero is minus infinity.

    ## Example
    ```python
    log_p = torch.log(torch.softmax(scores, dim=1))
    ```

    ## Use instead
    ```python
    log_p = torch.log_softmax(scores, dim=1)
    ```

    ## Fix safety
    Safe: the same function, with more digits.

    ## References
    - torch.log1p, torch.expm1, torch.logsumexp, torch.nn.functional.log_softmax.
    """

    id = "SNF418"
    name = "formula-that-loses-digits"
    category = Category.API_MISUSE
    severity = Severity.NOTE
    applicability = Applicability.SAFE
    HEAD = "import torch\nimport torch.nn.functional as F\nx = torch.rand(2, 3)\n"
    GOOD = (
        Good(HEAD + "print(torch.log(2 + x), torch.exp(x) - 2, torch.log1p(x), 1 - torch.exp(x))\n"),
        Good(HEAD + "print(torch.log(torch.sum(torch.exp(x))), torch.log(torch.softmax(x, 1) + 1e-9))\n"),
        Good("import math\nx = 0.5\nprint(math.log(1 + x), math.exp(x) - 1)\n"),
    )
    BAD = (
        Bad(HEAD + "y = torch.log(1 + x * x)\n", at=(4, 5), fixed=HEAD + "y = torch.log1p(x * x)\n"),
        Bad(HEAD + "y = 2 * (torch.exp(-x) - 1.0)  # 差\n", at=(4, 10), fixed=HEAD + "y = 2 * (torch.expm1(-x))  # 差\n"),
        Bad(
            HEAD + "y = torch.log(torch.sum(torch.exp(x), dim=1, keepdim=True))\n",
            at=(4, 5),
            fixed=HEAD + "y = torch.logsumexp(x, dim=1, keepdim=True)\n",
        ),
        Bad(HEAD + "y = F.softmax(x, dim=1).log()\n", at=(4, 5), fixed=HEAD + "y = F.log_softmax(x, dim=1)\n"),
        Bad(HEAD + "y = torch.log(torch.sigmoid(x))\n", at=(4, 5), fixed=HEAD + "y = torch.nn.functional.logsigmoid(x)\n"),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        if "log" not in context.code.text and "exp" not in context.code.text:
            return
        nodes: list[ast.BinOp | ast.Call] = [*context.code.all(ast.BinOp), *context.code.calls("log")]
        for node in nodes:
            exact = _exact(context, node)
            if exact is not None:
                message = f"{LOSES[exact[0]]}: `{exact[0]}` does not"
                yield self.finding(message, context.code.span(node))

    def fixes(self, context: Context, finding: Finding) -> Iterator[Fix]:
        node = context.code.node_at(finding.span, (ast.BinOp, ast.Call))
        exact = _exact(context, node) if isinstance(node, ast.BinOp | ast.Call) else None
        if exact is not None and isinstance(node, ast.expr):
            yield self.fix(f"Use `{exact[0]}`", *replace_expression(context.code, node, exact[1]), meaning=Meaning.KEEPS)


def _exact(context: Context, node: ast.BinOp | ast.Call) -> tuple[str, str] | None:
    """The exact function of a formula and the call of it; None for any other expression."""
    code = context.code
    if isinstance(node, ast.BinOp):
        inside = _torch(context, node.left, "torch.exp") if isinstance(node.op, ast.Sub) and _is_one(node.right) else None
        return ("expm1", f"{_module(context, node.left)}.expm1({code.slice(inside.args[0])})") if inside is not None else None
    outer = _torch(context, node, "torch.log")
    of = outer.args[0] if outer is not None and len(outer.args) == 1 else _owner(node)
    if of is None or node.keywords:
        return None
    if outer is not None and isinstance(of, ast.BinOp) and isinstance(of.op, ast.Add) and (_is_one(of.left) or _is_one(of.right)):
        rest = of.right if _is_one(of.left) else of.left
        return "log1p", f"{_module(context, node)}.log1p({code.slice(rest)})"
    total = _torch(context, of, "torch.sum")
    powers = _torch(context, total.args[0], "torch.exp") if total is not None and total.args else None
    if total is not None and powers is not None and _along(total):
        start, end = code.range(code.span(total.args[0]))[1], code.range(code.span(total))[1]
        return "logsumexp", f"{_module(context, total)}.logsumexp({code.slice(powers.args[0])}{code.text[start:end]}"
    return _of_probability(context, of)


def _of_probability(context: Context, of: ast.expr) -> tuple[str, str] | None:
    """The logarithm of a softmax or a sigmoid."""
    softmax, sigmoid = _torch(context, of, *SOFTMAX), _torch(context, of, *SIGMOID)
    if softmax is not None:
        text = context.code.slice(softmax)
        return "log_softmax", f"{_module(context, softmax)}.log_{text[len(_module(context, softmax)) + 1 :]}"
    if sigmoid is not None and len(sigmoid.args) == 1 and (torch := _module(context, sigmoid).partition(".")[0]):
        home = torch if torch != "torch" else "torch.nn.functional"
        return "logsigmoid", f"{home}.logsigmoid({context.code.slice(sigmoid.args[0])})"
    return None


def _torch(context: Context, node: ast.expr, *names: str) -> ast.Call | None:
    """The node, when it calls one of these functions through its module and has an argument."""
    known = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and context.scopes.qualified(node.func) in names
    return node if known and isinstance(node, ast.Call) and node.args else None


def _module(context: Context, node: ast.expr) -> str:
    """What a function is called through: `F` of `F.softmax(x)`."""
    return context.code.slice(node.func.value) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _owner(node: ast.Call) -> ast.expr | None:
    """What `log` is called on in `something().log()`."""
    function = node.func
    return function.value if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call) and not node.args else None


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == 1


def _along(total: ast.Call) -> bool:
    """Whether a sum is told its dimension."""
    dims = [*total.args[1:2], *(one.value for one in total.keywords if one.arg in ("dim", "axis"))]
    return (
        bool(dims)
        and not (isinstance(dims[0], ast.Constant) and dims[0].value is None)
        and all(one.arg != "axis" for one in total.keywords)
    )
