"""The exponential of a log-variance used as a standard deviation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from snipfix.code import Code, written
from snipfix.codemods import replace_expression, wrap_expression
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.observed import called, words
from snipfix.rules.written import losses, result_of, value_of

__all__ = ["VarianceForDeviation"]

LOG_VARIANCE = re.compile(r"^(?:\w*_)?(?:log_?var(?:iance)?|lv)(?:_\w+)?$", re.IGNORECASE)
DEVIATION = frozenset("std sigma stddev deviation sd".split())
CODE = (
    "import torch\n\ndef reparameterize(mu, log_var):\n    std = {}\n    return mu + std * torch.randn_like(std)\n\n"
    "print(reparameterize(torch.zeros(3), torch.zeros(3)))\n"
)
DRAWN = (
    (
        "import torch\n\ndef reparameterize(mu, logvar, eps):\n    return mu + {}\n\n"
        "print(reparameterize(torch.zeros(3), torch.zeros(3), torch.randn(3)))\n"
    )
    .replace("(mu, logvar, eps):\n", "(mu, logvar):\n    eps = torch.randn_like(mu)\n")
    .replace(", torch.randn(3)))", "))")
)

FITTED = (
    "import torch, torch.nn as nn\nmean, net = nn.Linear(2, 1), nn.Linear(2, 1)\nx, y = torch.randn(6, 2), torch.randn(6, 1)\n"
    "std = torch.exp(net(x))\nloss = nn.GaussianNLLLoss()(mean(x), y, {})\nloss.backward()\n"
)


class VarianceForDeviation(Rule):
    """`std = torch.exp(log_var)`: that is the variance, and the deviation is its root.

    ## What it does
    Reports a name of a deviation (`std`, `sigma`) that is set to the exponential of a name of a log-variance, without the half, and Gaussian
    noise that is multiplied by such an exponential. The other way round, a deviation that is given to `GaussianNLLLoss` as the variance.

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
        Good(FITTED.format("std ** 2")),
        Good(FITTED.format("std").replace("std", "var")),
        Good(DRAWN.format("eps * torch.exp(logvar / 2)")),
        Good(DRAWN.format("eps * torch.exp(logvar) ** 0.5")),
    )
    BAD = (
        Bad(CODE.format("torch.exp(log_var)  # 标准差"), at=(4, 11), fixed=CODE.format("torch.exp(0.5 * log_var)  # 标准差"), runs=False),
        Bad(
            CODE.format("logvar.exp()").replace("log_var", "logvar"),
            at=(4, 11),
            fixed=CODE.format("(0.5 * logvar).exp()").replace("log_var", "logvar"),
            runs=False,
        ),
        Bad(
            DRAWN.format("torch.randn_like(mu) * logvar.exp()"),
            at=(5, 40),
            fixed=DRAWN.format("torch.randn_like(mu) * (0.5 * logvar).exp()"),
            runs=False,
        ),
        Bad(FITTED.format("std"), at=(5, 41), fixed=FITTED.format("std.pow(2)"), runs=False),
        Bad(DRAWN.format("eps * torch.exp(logvar)"), at=(5, 23), fixed=DRAWN.format("eps * torch.exp(0.5 * logvar)"), runs=False),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for statement in code.all(ast.Assign) if code.calls("exp") else ():
            target = statement.targets[0]
            name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
            inner = _exponent(statement.value)
            if inner is not None and DEVIATION & set(words(name)) and "var" not in words(name) and not _made_right(code, statement):
                message = f"the exponential of `{written(inner)}` is the variance, and `{name}` is to be its root"
                yield self.finding(message, code.span(statement.value))
        for noise in code.calls("randn_like", "randn"):
            for factor in _factors(code, noise):
                inner = _exponent(factor)
                if inner is not None:
                    message = f"noise is stretched by a deviation: the exponential of `{written(inner)}` is the variance"
                    yield self.finding(message, code.span(factor))
        for call in losses(code, frozenset({"GaussianNLLLoss"}), frozenset({"gaussian_nll_loss"})) if "aussian" in code.text else ():
            given = next((one.value for one in call.keywords if one.arg == "var"), call.args[2] if len(call.args) > 2 else None)
            if given is not None and _is_deviation(code, given):
                message = f"this loss takes the variance, and `{written(given)}` is its root"
                yield self.finding(message, code.span(given))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        given = context.code.node_at(finding.span, ast.Name)
        if given is not None and context.code.span(given) == finding.span:
            yield self.fix("give the loss the variance", *wrap_expression(context.code, finding.span, "{}.pow(2)"))
            return
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


def _is_deviation(code: Code, node: ast.expr) -> bool:
    """Whether a name is that of a deviation and what it is given, as far as the text tells, is no square, nor its logarithm a variance's."""
    if not isinstance(node, ast.Name) or not DEVIATION & set(words(node.id)) or {"var", "variance", "sq", "squared"} & set(words(node.id)):
        return False
    given = value_of(code, node)
    if given is None:
        return False
    made = (
        result_of(code, given[0], given[1]) if isinstance(given[0], ast.Call) and called(given[0]) not in ("exp", "softplus") else given[0]
    )
    text = written(made) if made is not None else ""
    return made is not None and _exponent(made) is None and not re.search(r"\*\* ?2|pow\(2|square|var", text)


def _made_right(code: Code, statement: ast.Assign) -> bool:
    """Whether a root is taken of it later: the name is read in a square root or a power, or set anew from itself."""
    name = written(statement.targets[0])
    for node in code.mentions(name):
        up = code.parents.get(node)
        if isinstance(up, ast.BinOp) and isinstance(up.op, ast.Pow):
            return True
        if (isinstance(up, ast.Call) and called(up) == "sqrt") or (isinstance(up, ast.Attribute) and up.attr in ("sqrt", "sqrt_", "pow")):
            return True
    return False


def _factors(code: Code, noise: ast.Call) -> Iterator[ast.expr]:
    """What the noise is multiplied by, where it stands; also under the name that it is given just above."""
    up = code.parents.get(noise)
    uses: list[ast.AST] = [noise]
    if isinstance(up, ast.Assign) and isinstance(up.targets[0], ast.Name) and up.value is noise:
        given = [one for one in code.mentions(up.targets[0].id) if isinstance(one.ctx, ast.Load) and isinstance(one, ast.Name)]
        uses = [one for one in given if (made := value_of(code, one)) is not None and made[0] is noise]
    for use in uses:
        product = code.parents.get(use)
        if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult):
            yield product.left if product.right is use else product.right
