"""A Gaussian sample made with uniform noise."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.model import Applicability, Category, Finding, Fix
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.edits import rename_callee
from snipfix.rules.observed import called, words
from snipfix.rules.training_loop.loops import home, receiver
from snipfix.rules.written import whole_value

__all__ = ["UniformNoise"]

UNIFORM = {"rand_like": "randn_like", "rand": "randn"}
MEANS = frozenset("mu mean means loc m".split())
DEVIATIONS = frozenset("exp softplus sqrt".split())
CODE = (
    "import torch\n\ndef reparameterize(mu, logvar):\n    std = torch.exp(0.5 * logvar)\n    eps = torch.{}\n    return {}\n\n"
    "print(reparameterize(torch.zeros(2, 3), torch.zeros(2, 3)).shape)\n"
)


class UniformNoise(Rule):
    """The noise of a reparameterised Gaussian is drawn by `rand`, which is uniform on [0, 1), instead of `randn`.

    ## What it does
    Reports `mu + std * eps` with `eps` from `torch.rand` or `torch.rand_like`, where the deviation is made by `exp`, `softplus` or `sqrt`, or
    the function is called a reparameterisation.

    ## Why is this bad?
    The sample lies between mu and mu + std, never below the mean. The KL term describes another distribution than the one that the decoder
    sees, and what is generated from the unit Gaussian is nothing that it was trained on.

    ## Example
    ```python
    eps = torch.rand_like(std)
    z = mu + eps * std
    ```

    ## Use instead
    ```python
    eps = torch.randn_like(std)
    z = mu + eps * std
    ```

    ## Fix safety
    Unsafe only in name: other numbers are drawn.

    ## References
    - Kingma and Welling 2014, "Auto-Encoding Variational Bayes", 2.4.
    """

    id = "SNF361"
    name = "uniform-noise"
    category = Category.LOSS
    applicability = Applicability.UNSAFE
    silent = True
    GOOD = (
        Good(CODE.format("randn_like(std)", "mu + eps * std")),
        Good(CODE.format("rand_like(std)", "mu - std * torch.log(-torch.log(eps))  # Gumbel")),
        Good("import torch\nmean, std = torch.tensor(0.5), torch.tensor(0.2)\nimage = torch.rand(3, 8, 8)\nprint((mean + std * image).shape)\n"),
    )  # fmt: skip
    BAD = (
        Bad(
            CODE.format("rand_like(std)  # 噪声", "mu + eps * std"),
            at=(5, 11),
            fixed=CODE.format("randn_like(std)  # 噪声", "mu + eps * std"),
            runs=False,
        ),
        Bad(
            CODE.format("rand(std.shape)", "std * eps + mu"),
            at=(5, 11),
            fixed=CODE.format("randn(std.shape)", "std * eps + mu"),
            runs=False,
        ),
    )

    def static(self, context: Context) -> Iterator[Finding]:
        code = context.code
        for node in code.all(ast.BinOp) if code.calls(*UNIFORM) else ():
            for mean, product in ((node.left, node.right), (node.right, node.left)):
                drawn = _noise(code, product) if isinstance(node.op, ast.Add) and _named(mean) & MEANS else None
                if drawn is not None:
                    message = (
                        f"`{called(drawn)}` draws from [0, 1), where a Gaussian sample needs noise around zero: `{UNIFORM[called(drawn)]}`"
                    )
                    yield self.finding(message, code.span(drawn))

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        call = context.code.node_at(finding.span, ast.Call)
        if isinstance(call, ast.Call) and called(call) in UNIFORM:
            yield self.fix("draw normal noise", *rename_callee(context.code, call, UNIFORM[called(call)]))


def _noise(code: Code, product: ast.expr) -> ast.Call | None:
    """The uniform draw in the product of a deviation and noise; None for any other product."""
    if not isinstance(product, ast.BinOp) or not isinstance(product.op, ast.Mult):
        return None
    for deviation, noise in ((product.left, product.right), (product.right, product.left)):
        drawn = whole_value(code, noise)
        if isinstance(drawn, ast.Call) and called(drawn) in UNIFORM and receiver(drawn) == "torch":
            around = getattr(home(code, product), "name", "")
            if called(whole_value(code, deviation) or deviation) in DEVIATIONS or "reparam" in around.lower():
                return drawn
    return None


def _named(node: ast.expr) -> set[str]:
    return set(words(node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""))
