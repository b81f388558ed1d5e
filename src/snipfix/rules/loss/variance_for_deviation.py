"""The exponential of a log-variance used as a standard deviation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import replace_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words

__all__ = ["VarianceForDeviation"]

LOG_VARIANCE = re.compile(r"^(?:\w*_)?(?:log_?var(?:iance)?|lv)(?:_\w+)?$", re.IGNORECASE)
DEVIATION = frozenset("std sigma stddev deviation sd".split())
CODE = (
    "import torch\n\ndef reparameterize(mu, log_var):\n    std = {}\n    return mu + std * torch.randn_like(std)\n\n"
    "print(reparameterize(torch.zeros(3), torch.zeros(3)))\n"
)


class VarianceForDeviation(Rule):
    """`std = torch.exp(log_var)`: that is the variance, and the deviation is its root.

    ## What it does
    Reports a name of a deviation (`std`, `sigma`) that is set to the exponential of a name of a log-variance, without the half.

    ## Why is this bad?
    The samples have another spread than the one that the KL divergence charges for: the two halves of the loss speak of different
    distributions.

    ## Example
    ```python
    std = torch.exp(log_var)
    z = mu + std * torch.randn_like(std)
    ```

    ## Use instead
    ```python
    std = torch.exp(0.5 * log_var)
    z = mu + std * torch.randn_like(std)
    ```

    ## Fix safety
    The samples change.

    ## References
    - Kingma and Welling, "Auto-Encoding Variational Bayes", 2014, appendix B.
    """

    id = "SNF426"
    name = "variance-for-deviation"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    GOOD = (
        Good(CODE.format("torch.exp(0.5 * log_var)")),
        Good(CODE.format("torch.exp(log_var).sqrt()")),
        Good(CODE.format("torch.exp(log_var)").replace("log_var", "log_std")),
        Good(CODE.format("log_var.exp()").replace("std", "var").replace("* torch", "** 0.5 * torch")),
        Good(CODE.format("log_var.exp()\n    std = std ** 0.5")),
    )
    BAD = (
        Bad(CODE.format("torch.exp(log_var)  # 标准差"), at=(4, 11), fixed=CODE.format("torch.exp(0.5 * log_var)  # 标准差"), runs=False),
        Bad(
            CODE.format("logvar.exp()").replace("log_var", "logvar"),
            at=(4, 11),
            fixed=CODE.format("(0.5 * logvar).exp()").replace("log_var", "logvar"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for statement in code.all(ast.Assign) if code.calls("exp") else ():
            target = statement.targets[0]
            name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
            inner = _exponent(statement.value)
            if inner is not None and DEVIATION & set(words(name)) and "var" not in words(name) and not _made_right(code, statement):
                message = f"the exponential of `{ast.unparse(inner)}` is the variance, and `{name}` is to be its root"
                yield self.finding(message, code.span(statement.value))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        node = context.code.node_at(finding.span, ast.Call)
        inner = _exponent(node) if node is not None else None
        if inner is not None and isinstance(node, ast.Call):
            text = f"0.5 * {context.code.slice(inner)}"
            text = text if inner in node.args else f"({text})"
            yield self.fix("take half of the logarithm", *replace_expression(context.code, inner, text))


def _exponent(node: ast.AST) -> ast.expr | None:
    """The log-variance of which the exponential is taken, as a function or as a method."""
    if not isinstance(node, ast.Call) or called(node) != "exp" or node.keywords or not isinstance(node.func, ast.Attribute):
        return None
    inner = node.args[0] if len(node.args) == 1 else node.func.value if not node.args else None
    name = inner.id if isinstance(inner, ast.Name) else inner.attr if isinstance(inner, ast.Attribute) else ""
    return inner if LOG_VARIANCE.match(name) else None


def _made_right(code: Code, statement: ast.Assign) -> bool:
    """Whether a root is taken of it later: the name is read in a square root or a power, or set anew from itself."""
    name = ast.unparse(statement.targets[0])
    for node in code.mentions(name):
        up = code.parents.get(node)
        if isinstance(up, ast.BinOp) and isinstance(up.op, ast.Pow):
            return True
        if (isinstance(up, ast.Call) and called(up) == "sqrt") or (isinstance(up, ast.Attribute) and up.attr in ("sqrt", "sqrt_", "pow")):
            return True
    return False
