"""A reconstruction averaged over pixels beside a divergence summed over everything."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator

from snipfix.code import Code
from snipfix.codemods import add_keyword
from snipfix.evidence import Outcome, Span
from snipfix.model import Category, Finding, Fix, Stage
from snipfix.rules.base import Bad, Context, Good, Rule
from snipfix.rules.loss.gaussian import Divergence, divergences, reduced
from snipfix.rules.observed import called, shape

LOSSES = frozenset({"BCELoss", "MSELoss", "BCEWithLogitsLoss", "L1Loss", "SmoothL1Loss"})
FUNCTIONS = frozenset({"binary_cross_entropy", "mse_loss", "binary_cross_entropy_with_logits", "l1_loss"})
VAE = (
    "import torch, torch.nn as nn\nmu, logvar = (torch.zeros(4, 2, requires_grad=True) for _ in range(2))\n"
    "criterion = nn.MSELoss({})\nrecon = criterion(mu @ torch.ones(2, 9), torch.ones(4, 9))\n"
    "kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())\nloss = recon + {}\nloss.backward()\n"
)


class DivergenceOfAnotherScale(Rule):
    """A variational autoencoder adds a reconstruction averaged over all elements to a divergence summed over all.

    ## What it does
    Reports the sum of a loss with `reduction="mean"` and a KL term reduced by `sum` over everything, without any weight between them.

    ## Why is this bad?
    The two no longer make up the evidence lower bound: the reconstruction is divided by batch size times pixels, the divergence by nothing.
    The divergence wins, the latent collapses onto the prior, and the decoder draws the mean image.

    ## Example
    ```python
    criterion = nn.BCELoss()
    loss = criterion(x_hat, x) + kl  # kl is a sum
    ```

    ## Use instead
    ```python
    criterion = nn.BCELoss(reduction="sum")
    loss = criterion(x_hat, x) + kl
    ```

    ## Fix safety
    Unsafe: the size of the loss changes, and with it what a good learning rate is.

    ## References
    - pytorch/examples, vae/main.py: both terms are summed.
    """

    id = "SNF413"
    name = "divergence-of-another-scale"
    category = Category.LOSS
    GOOD = (
        Good(VAE.format('reduction="sum"', "kl")),
        Good(VAE.format("", "0.001 * kl")),
        Good(VAE.format("", "kl / 36")),
    )
    BAD = (Bad(VAE.format("", "kl"), at=(6, 8), fixed=VAE.format('reduction="sum"', "kl")),)

    def static(self, context: Context) -> Iterator[Finding]:
        for _, total, criterion in self._found(context.code):
            yield self._report(context.code.span(total), context.code.span(criterion), Stage.STATIC, "all elements")

    def on_outcome(self, context: Context, outcome: Outcome) -> Iterator[Finding]:
        """The same, with the number of elements that were averaged."""
        counts = [math.prod(shape(one.facts, "input", "shape") or (0,)) for one in outcome.seen("loss")]
        for one, total, criterion in self._found(context.code):
            if counts and reduced(outcome, context.code, one):
                averaged_over = f"{counts[0]} elements"
                yield self._report(context.code.span(total), context.code.span(criterion), Stage.PROBE, averaged_over)

    def _found(self, code: Code) -> Iterator[tuple[Divergence, ast.BinOp, ast.Call]]:
        for one in divergences(code):
            total = added(code, one.whole) if one.reduction == "sum" and not one.partial else None
            if total is not None and (criterion := averaged(code, total, one.whole)) is not None:
                yield one, total, criterion

    def _report(self, span: Span, criterion: Span, stage: Stage, count: str) -> Finding:
        message = (
            f"the reconstruction is a mean over {count}, the KL divergence a sum over all: on two scales the divergence drowns the rest"
        )
        place = [criterion.line, criterion.column, criterion.end_line, criterion.end_column]
        return self.finding(message, span, stage=stage, evidence={"criterion_at": place})

    def fixes(self, context: Context, finding: Finding) -> Iterable[Fix]:
        place = finding.evidence.get("criterion_at")
        node = context.code.node_at(Span(*place), ast.Call) if isinstance(place, list) else None
        if isinstance(node, ast.Call):
            yield self.fix("sum the reconstruction too", *add_keyword(context.code, node, "reduction", '"sum"'))


def added(code: Code, divergence: ast.expr) -> ast.BinOp | None:
    """The sum in which a divergence, or the name it is assigned to, is a bare summand."""
    parent = code.parents.get(divergence)
    names = {target.id for target in parent.targets if isinstance(target, ast.Name)} if isinstance(parent, ast.Assign) else set()
    for node in code.all(ast.BinOp):
        if isinstance(node.op, ast.Add):
            sides = (node.left, node.right)
            if any(side is divergence or (isinstance(side, ast.Name) and side.id in names) for side in sides):
                weighted = isinstance(code.parents.get(node), ast.BinOp)
                return None if weighted else node
    return None


def averaged(code: Code, total: ast.BinOp, divergence: ast.expr) -> ast.Call | None:
    """The call that makes the other summand a mean: a criterion's constructor, or a loss function; None when it is no mean."""
    for side in (total.left, total.right):
        value = side if isinstance(side, ast.Call) else assigned_value(code, side)
        if not isinstance(value, ast.Call) or value is divergence:
            continue
        if called(value) in FUNCTIONS:
            return value if means(value) else None
        maker = assigned_value(code, value.func)
        if isinstance(maker, ast.Call) and called(maker) in LOSSES:
            return maker if means(maker) else None
    return None


def means(call: ast.Call) -> bool:
    """Whether a loss is reduced to its mean: by default, or in words."""
    given = {one.arg: ast.unparse(one.value) for one in call.keywords}
    return "size_average" not in given and "reduce" not in given and given.get("reduction", "'mean'") == "'mean'"


def assigned_value(code: Code, target: ast.expr) -> ast.expr | None:
    """The one value that is ever assigned to a name or attribute."""
    if not isinstance(target, ast.Name | ast.Attribute):
        return None
    written = ast.unparse(target)
    values = [node.value for node in code.all(ast.Assign) if any(ast.unparse(one) == written for one in node.targets)]
    return values[0] if len(values) == 1 else None
